# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about logins and rights: who nodes and applications are, and what they may do."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_kafka, _plan_security
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.secrets import REFERENCE
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.variables import place
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Client, Definition, Listener
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import SCRAM
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Node, Plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_security import CONTROLLER


def secured(security: str, *variables: str) -> str:
    """Variables of a cluster whose nodes reach each other by a security protocol, and others, each ``name: value``."""
    return "{" + ", ".join((f"kafka_listeners: [{{name: INTERNAL, port: 9092, security: {security}}}]", *variables)) + "}"


def effective(node: Node, listener: Listener, key: str) -> str:
    """What counts on a listener of a node: the property with the listener's prefix, else the one without."""
    return node.properties.get(f"listener.name.{listener.name.lower()}.{key}", node.properties.get(key, ""))


def client_auth(plan: Plan, listener: Listener) -> str:
    """``none``, ``requested`` or ``required``, whoever said it; of a listener without TLS ``none``."""
    found = {effective(node, listener, "ssl.client.auth") for node in plan.brokers} if listener.tls else set()
    return next((word for word in ("none", "requested", "required") if word in found), "none")


# --- rights ------------------------------------------------------------------------------------------------------

ANONYMOUS = "User:ANONYMOUS"


def _node_listeners(definition: Definition, plan: Plan) -> list[tuple[str, Listener, str]]:
    """Where nodes come to each other: the place, the listener, and whether they show certificates there."""
    own = _plan_kafka.inter_broker(definition)
    where = place(definition, own.name) if own in definition.listeners else "kafka_listeners"
    found = [(where, own, client_auth(plan, own))]
    if definition.mode == "kraft":
        controller = Listener(CONTROLLER, definition.controller_port, _plan_security.controller_security(definition))
        shown = {effective(node, controller, "ssl.client.auth") for node in plan.controllers}
        found.append(("kafka_controller_security", controller, "none" if "none" in shown else "required"))
    return found


def _is_anonymous(listener: Listener, auth: str) -> bool:
    return listener.security == "PLAINTEXT" or (listener.security == "SSL" and auth == "none")


def _authorizes(plan: Plan) -> bool:
    return any(node.properties.get("authorizer.class.name") for node in plan.nodes)


@rule(
    "AUTHZ-ANONYMOUS",
    "error",
    "runtime",
    "Nodes are nobody to each other: they are denied everything, or everybody is allowed it.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_authorization: acl, kafka_listeners: [{name: INTERNAL, port: 9092}]}",
        right=secured("SSL", "kafka_authorization: acl"),
    ),
)
def nodes_anonymous(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Where an authorizer decides, nodes prove who they are."""
    for where, listener, auth in _node_listeners(definition, plan) if _authorizes(plan) else ():
        if _is_anonymous(listener, auth):
            way = "PLAINTEXT" if listener.security == "PLAINTEXT" else "SSL without client certificates"
            fix = "set it to SSL, or leave it out" if listener.name == CONTROLLER else "set security to SSL or SASL_SSL and client_auth to required"
            yield Problem(where, f"nodes reach each other on {listener.name} by {way}, and an authorizer is on", fix)
    if _authorizes(plan) and ANONYMOUS in definition.security.super_users:
        yield Problem("kafka_super_users", f"with {ANONYMOUS} everybody who does not log in may do everything", "remove it")


@rule(
    "AUTHZ-NODES-DENIED",
    "error",
    "runtime",
    "Brokers may not fetch from each other nor be told anything by the controller: no partition has a leader.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_config: {authorizer.class.name: a.B}"),
        right=secured("SSL", "kafka_authorization: acl"),
    ),
)
def nodes_denied(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The nodes of a cluster are super users, whatever the authorizer; kafka_authorization sees to it."""
    needed = _plan_security.principals(definition, _plan_kafka.inter_broker(definition))
    for text in dict.fromkeys(node.properties.get("super.users", "") for node in plan.nodes if node.properties.get("authorizer.class.name")):
        missing = [] if REFERENCE.fullmatch(text) else [user for user in needed if user not in text.split(";")]
        if missing:
            message = f"an authorizer is set by hand, and super.users lacks {', '.join(missing)}"
            yield Problem("kafka_config[super.users]", message, "set kafka_authorization: acl, and remove both from the configuration")


@rule(
    "AUTHZ-PRINCIPAL-MAPPED",
    "warning",
    "runtime",
    "If the nodes' certificates are called something else, nodes are denied everything.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_authorization: acl", "kafka_config: {ssl.principal.mapping.rules: 'RULE:^CN=(.*)$/$1/'}"),
        right=secured("SSL", "kafka_authorization: acl", "kafka_config: {ssl.principal.mapping.rules: DEFAULT}"),
    ),
)
def principal_mapped(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Super users are what the mapping of certificates makes of them."""
    for where, listener, _auth in _node_listeners(definition, plan) if _authorizes(plan) else ():
        for key in ("ssl.principal.mapping.rules", "principal.builder.class"):
            values = {effective(node, listener, key) for node in plan.nodes} - {"", "DEFAULT"}
            if listener.security == "SSL" and values:
                yield Problem(where, f"{key} applies to {listener.name}, where nodes show certificates", "add what it makes of them to kafka_super_users")


@rule(
    "AUTHZ-NO-SUPER-USER",
    "info",
    "runtime",
    "Access rules can be made by this collection (kafka_acls), which comes as a node, and by nobody else.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_authorization: acl"),
        right=secured("SSL", "kafka_authorization: acl", "kafka_super_users: ['User:ops']"),
    ),
)
def no_super_user(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Somebody beside the nodes may do everything."""
    if definition.security.authorization == "acl" and not definition.security.super_users:
        yield Problem("kafka_super_users", "names nobody beside the nodes", "name one, such as User:ops, if somebody else is to make access rules")


@rule(
    "AUTHZ-OPEN-LISTENER",
    "warning",
    "runtime",
    "Who comes this way is User:ANONYMOUS, and denied everything that no rule allows to that user.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_authorization: acl, kafka_listeners: [{name: INTERNAL, port: 9092, security: SSL}, {name: CLIENTS, port: 9093}]}",
        right="{kafka_authorization: acl, kafka_listeners: [{name: INTERNAL, port: 9092, security: SSL}, {name: CLIENTS, port: 9093, security: SASL_SSL}]}",
    ),
)
def open_listener(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Where an authorizer decides, clients say who they are."""
    own = _plan_kafka.inter_broker(definition)
    for listener in definition.listeners if _authorizes(plan) else ():
        auth = client_auth(plan, listener)
        open_to_all = _is_anonymous(listener, auth) or (listener.security == "SSL" and auth == "requested")
        if open_to_all and not (listener == own and _is_anonymous(listener, auth)):
            yield Problem(place(definition, listener.name), "clients need neither a login nor a certificate", "use SASL_SSL, or SSL with client_auth: required")


# --- client applications -----------------------------------------------------------------------------------------


def clients_here(definition: Definition) -> t.Iterator[tuple[str, Client, Listener]]:
    """The applications that come to this cluster: the place, the application, the listener."""
    by_name = {listener.name: listener for listener in definition.listeners}
    for client in definition.clients:
        if not client.bootstrap_servers:
            listener = by_name.get(client.listener, _plan_kafka.inter_broker(definition))
            yield f"clients_{client.kind}s[{client.name}]", client, listener


@rule(
    "CLIENT-NO-LOGIN",
    "error",
    "runtime",
    "The application is refused: authentication failed.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SASL_SSL", "clients_producers: [{name: shop, topic: t}]"),
        right=secured("SASL_SSL", "clients_producers: [{name: shop, topic: t, user: shop, password: hunter2-hunter2}]"),
    ),
)
def client_without_login(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """An application logs in where its listener asks for it, with user and password."""
    for client in definition.clients:
        if bool(client.user) != bool(client.password):
            missing = "password" if client.user else "user"
            yield Problem(f"clients_{client.kind}s[{client.name}].{missing}", "user and password belong together", f"set {missing}")
    for where, client, listener in clients_here(definition):
        if listener.sasl and not client.user and "sasl.jaas.config" not in client.properties:
            yield Problem(where, f"listener {listener.name} asks for a login", "set user and password")
        elif listener.sasl and client.user and SCRAM not in listener.mechanisms:
            message = f"user and password are for {SCRAM}, and listener {listener.name} takes {', '.join(listener.mechanisms)}"
            yield Problem(where, message, f"add {SCRAM} to mechanisms")


@rule(
    "CLIENT-IS-NODE",
    "error",
    "runtime",
    "The application may do everything in the cluster, as its nodes may.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_cluster_name: events", "kafka_authorization: acl", "kafka_tls_clients: [events]"),
        right=secured("SSL", "kafka_cluster_name: events", "kafka_authorization: acl", "kafka_tls_clients: [shop]"),
    ),
)
def client_is_node(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Where an authorizer decides, no application has the name of a node."""
    nodes = _plan_security.principals(definition, _plan_kafka.inter_broker(definition)) if _authorizes(plan) else []
    names = [(f"clients_{client.kind}s[{client.name}].user", client.user) for client in definition.clients]
    names += [("kafka_tls_clients", f"CN={name}") for name in definition.security.tls.clients]
    for where, name in names:
        if f"User:{name}" in nodes:
            yield Problem(where, f"User:{name} is what the nodes are", "choose another name")
