# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about where certificates come from, and who has one."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_security
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.access import client_auth, clients_here, secured
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import ZOOKEEPER, Tls
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Plan


@rule(
    "TLS-GIVEN-MISSING",
    "error",
    "start",
    "A node without them does not start.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_tls_source: given", "kafka_tls_authority: PEM", "kafka_tls_certificates: {default: {certificate: PEM}}"),
        right=secured("SSL", "kafka_tls_source: given", "kafka_tls_authority: PEM", "kafka_tls_certificates: {default: {certificate: PEM, key: PEM}}"),
    ),
)
def given_missing(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Who gives certificates gives one with its key for each node, and their authority."""
    tls = definition.security.tls
    if tls.source != "given" or not plan.certificates:
        return
    if not tls.authority:
        yield Problem("kafka_tls_authority", "is not set", "write the certificates of the authority that issued the nodes' certificates, as PEM")
    for certificate in plan.certificates:
        name, own = tls.given(certificate.component, certificate.node)
        missing = [] if own is None else [part for part, text in (("certificate", own.certificate), ("key", own.key)) if not text]
        if own is None:
            who = "ZooKeeper server" if certificate.component == "zookeeper" else "node"
            yield Problem("kafka_tls_certificates", f"has none for {who} {certificate.node}", "add it under its id, or one for all under default")
        elif missing:
            yield Problem(f"kafka_tls_certificates[{name}]", f"has no {' and no '.join(missing)}", f"set {' and '.join(missing)}")


@rule(
    "TLS-GIVEN-UNKNOWN",
    "error",
    "config",
    "The certificate belongs to nobody; most likely a node was meant that now gets another one.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_tls_certificates: {3: {certificate: PEM, key: PEM}}",
        right="kafka_tls_certificates: {2: {certificate: PEM, key: PEM}}",
    ),
)
def given_unknown(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Certificates are given by the ids of nodes."""
    ids = [*(str(node.id) for node in plan.nodes), *(f"{ZOOKEEPER}{node.id}" for node in plan.zookeeper_nodes), "default"]
    for name in definition.security.tls.certificates:
        if name not in ids:
            yield Problem(f"kafka_tls_certificates[{name}]", "is not the id of a node", f"use one of {', '.join(ids)}")


@rule(
    "TLS-ISSUER-MISSING",
    "error",
    "config",
    "cert-manager issues nothing, and pods wait for their Secrets for ever.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_tls_source: cert_manager"),
        right=secured("SSL", "kafka_tls_source: cert_manager", "kafka_tls_issuer: {name: ca}"),
    ),
)
def issuer_missing(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Who lets cert-manager issue certificates names the issuer."""
    tls = definition.security.tls
    if tls.source == "cert_manager" and not tls.issuer.name:
        yield Problem("kafka_tls_issuer.name", "is not set", "name an Issuer of the namespace, or a ClusterIssuer with kind: ClusterIssuer")


@rule(
    "TLS-UNUSED",
    "warning",
    "config",
    "Nothing is encrypted, and most likely something was meant to be.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_listeners: [{name: INTERNAL, port: 9092}], kafka_tls_days: 90}",
        right=secured("SSL", "kafka_tls_days: 90"),
    ),
)
def tls_unused(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Who says something about certificates has something encrypted."""
    if definition.security.tls != Tls() and not _plan_security.uses_tls(definition):
        yield Problem("kafka_tls_*", "is set, and no listener is encrypted", "set security to SSL or SASL_SSL on a listener, or remove it")


@rule(
    "TLS-CLIENTS-SOURCE",
    "error",
    "config",
    "No certificate is made for these clients.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_tls_clients: [ops]", "kafka_tls_source: cert_manager", "kafka_tls_issuer: {name: ca}"),
        right=secured("SSL", "kafka_tls_clients: [ops]", "kafka_tls_source: own"),
    ),
)
def clients_source(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Only the collection's own authority issues certificates for clients."""
    tls = definition.security.tls
    if tls.clients and tls.source != "own":
        yield Problem("kafka_tls_clients", f"needs kafka_tls_source: own, and it is {tls.source}", "let who issues the nodes' certificates issue theirs")


@rule(
    "CLIENT-TLS-UNKNOWN",
    "error",
    "start",
    "The pod waits for ever for a Secret that nobody makes.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "clients_producers: [{name: shop, topic: t, tls_client: shop}]"),
        right=secured("SSL", "clients_producers: [{name: shop, topic: t, tls_client: shop}]", "kafka_tls_clients: [shop]"),
    ),
)
def client_tls_unknown(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """An application's certificate is one that is issued."""
    issued = {certificate.name for certificate in plan.certificates}
    for client, planned in zip(definition.clients, plan.clients):
        if planned.tls_secret and planned.tls_secret not in issued:
            where = f"clients_{client.kind}s[{client.name}].tls_client"
            yield Problem(where, f"no certificate is issued for {client.tls_client!r}", "add it to kafka_tls_clients, which needs an encrypted listener")


@rule(
    "CLIENT-NO-CERTIFICATE",
    "error",
    "runtime",
    "The application is refused: bad_certificate.",
    subject="variables",
    example=Example(
        "variables",
        wrong=secured("SSL", "kafka_tls_clients: [shop]", "clients_producers: [{name: shop, topic: t}]"),
        right=secured("SSL", "kafka_tls_clients: [shop]", "clients_producers: [{name: shop, topic: t, tls_client: shop}]"),
    ),
)
def client_without_certificate(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """An application shows a certificate where its listener asks for one."""
    for where, client, listener in clients_here(definition):
        own = client.tls_client or any(name.startswith("ssl.keystore.") for name in client.properties)
        if not own and client_auth(plan, listener) == "required":
            yield Problem(where, f"listener {listener.name} asks for a certificate", "add a name to kafka_tls_clients and set it as tls_client")
