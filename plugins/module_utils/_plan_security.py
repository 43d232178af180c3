# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""How nodes encrypt, prove who they are, and decide who may do what. Private to the collection.

Nothing secret is in a plan: passwords and keys are files below ``/etc/kafkaops``, mounted from Secrets, and a
property has ``${kafkaops:directory:file}`` in their place, which Kafka's ``DirectoryConfigProvider`` fills in.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates, _manifests
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Client, Definition, Listener
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import SCRAM, ZOOKEEPER
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import (
    CONFIG_PATH,
    STORES,
    Certificate,
    Node,
    Service,
)

CONTROLLER = "CONTROLLER"
"""The name of the listener on which controllers are reached."""

CREDENTIALS_PATH = f"{CONFIG_PATH}/credentials"
PROVIDER = "kafkaops"
PASSWORD_FILE = "inter-broker-password"
USER_FILE = "inter-broker-user"
ROTATING_FILE = "rotating"
CONFIG_CHANGED_FILE = "config-changed-at"
"""When what ``kafka_secret_config`` says was last changed, in UTC: pods that began before run with what it was. No pod mounts it."""

AUTHORIZERS = {
    "kraft": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "zookeeper": "kafka.security.authorizer.AclAuthorizer",
}


def controller_security(definition: Definition) -> str:
    """What is asked for; without, encrypted as soon as anything else is encrypted or guarded."""
    guarded = any(listener.tls for listener in definition.listeners) or definition.security.authorization != "none"
    return definition.security.controller or ("SSL" if guarded else "PLAINTEXT")


def uses_tls(definition: Definition) -> bool:
    """Whether any node needs a certificate."""
    if definition.mode == "kraft":
        return any(listener.tls for listener in definition.listeners) or controller_security(definition) == "SSL"
    return any(listener.tls for listener in definition.listeners) or definition.zookeeper.tls


def logs_in(listener: Listener) -> bool:
    """Whether brokers log in to each other where this is their listener."""
    return listener.sasl and SCRAM in listener.mechanisms


def principals(definition: Definition, inter_broker: Listener) -> list[str]:
    """Who the nodes are to each other."""
    found = []
    if inter_broker.sasl:
        found += [f"User:{user}" for user in logins(definition)]
    if uses_tls(definition):
        found += [f"User:{subject}" for subject in _subjects(definition)]
    return found


def _subjects(definition: Definition) -> list[str]:
    """The subjects of the nodes' certificates as Kafka writes them."""
    tls = definition.security.tls
    if tls.source != "given":
        return [f"CN={definition.cluster}"]
    nodes = [given for name, given in tls.certificates.items() if not name.startswith(ZOOKEEPER)]
    leaves = [_certificates.describe(given.certificate)[:1] for given in nodes]
    return list(dict.fromkeys(leaf.subject for chain in leaves for leaf in chain))


def shared_properties(definition: Definition, inter_broker: Listener) -> dict[str, str]:
    """What all nodes of a cluster have."""
    found: dict[str, str] = {}
    if definition.mode == "kraft" and controller_security(definition) == "SSL":
        found.update({f"listener.name.{CONTROLLER.lower()}.{key}": value for key, value in {**STORES, "ssl.client.auth": "required"}.items()})
    if definition.security.authorization == "acl":
        found["authorizer.class.name"] = AUTHORIZERS[definition.mode]
        found["super.users"] = ";".join(dict.fromkeys([*principals(definition, inter_broker), *definition.security.super_users]))
    return {**found, **_secret_references(definition, of_brokers=False)}


def broker_properties(definition: Definition, inter_broker: Listener) -> dict[str, str]:
    """What brokers have beside: their listeners, which a controller does not know."""
    found: dict[str, str] = {}
    for listener in definition.listeners:
        found.update(_listener_properties(listener, listener.name == inter_broker.name))
    if inter_broker.sasl:
        found["sasl.mechanism.inter.broker.protocol"] = SCRAM if SCRAM in inter_broker.mechanisms else inter_broker.mechanisms[0]
    return {**found, **_secret_references(definition, of_brokers=True)}


def _secret_references(definition: Definition, of_brokers: bool) -> dict[str, str]:
    """The user's secret properties, each a file: those of the brokers' listeners, or all others."""
    prefixes = tuple(f"listener.name.{listener.name.lower()}." for listener in definition.listeners)
    keys = [key for key in definition.security.secret_config if key.startswith(prefixes) == of_brokers]
    return {key: reference(CREDENTIALS_PATH, _secret_file(key)) for key in keys}


def with_provider(properties: dict[str, str]) -> dict[str, str]:
    """The properties and, where one of them refers to a file, the provider that reads such files."""
    return {**properties, **provider(properties)} if any("${" + PROVIDER in value for value in properties.values()) else properties


def jvm_options(properties: t.Mapping[str, str]) -> tuple[str, ...]:
    """Options without which a broker would refuse to start with these properties: from 3.9.1 on it only fetches what it checks tokens with
    from URLs that are allowed, from 4.0 on from none by default; those that its properties name are (``ConfigurationUtils`` of kafka-clients)."""
    urls = sorted({value for key, value in properties.items() if key.endswith(_OAUTH_URLS) and not value.startswith("${")})
    return (f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={','.join(urls)}",) if urls else ()


_OAUTH_URLS = ("sasl.oauthbearer.jwks.endpoint.url", "sasl.oauthbearer.token.endpoint.url")


def reference(directory: str, file: str) -> str:
    """Stands in a property for the content of a file."""
    return f"${{{PROVIDER}:{directory}:{file}}}"


def provider(config: t.Mapping[str, str]) -> dict[str, str]:
    """Declares the provider of such files beside those of the user."""
    others = [name.strip() for name in config.get("config.providers", "").split(",") if name.strip()]
    return {
        "config.providers": ",".join([*others, PROVIDER]),
        f"config.providers.{PROVIDER}.class": "org.apache.kafka.common.config.provider.DirectoryConfigProvider",
    }


_CONFIG_FILE = "config."


def _secret_file(key: str) -> str:
    return f"{_CONFIG_FILE}{key}"


def _listener_properties(listener: Listener, inter_broker: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    if listener.tls:
        found.update(STORES)
        found["ssl.client.auth"] = listener.client_auth
    if listener.sasl:
        found["sasl.enabled.mechanisms"] = ",".join(listener.mechanisms)
        if SCRAM in listener.mechanisms:
            user, password = reference(CREDENTIALS_PATH, USER_FILE), reference(CREDENTIALS_PATH, PASSWORD_FILE)
            login = f' username="{user}" password="{password}"' if inter_broker else ""
            found[f"{SCRAM.lower()}.sasl.jaas.config"] = f"org.apache.kafka.common.security.scram.ScramLoginModule required{login};"
    return {f"listener.name.{listener.name.lower()}.{key}": value for key, value in {**found, **listener.config}.items()}


def credentials(definition: Definition, stored: t.Mapping[str, str], make_password: t.Callable[[], str], inter_broker: Listener) -> dict[str, str]:
    """The files of the Secret with what nodes log in by. ``stored``: what it has now.

    A login that is in use is changed by rotation only: brokers that are told another password than Kafka has cannot talk.
    """
    found = {_secret_file(key): value for key, value in definition.security.secret_config.items()}
    if logs_in(inter_broker):
        user = stored.get(USER_FILE) or definition.security.inter_broker_user
        password = stored.get(PASSWORD_FILE) or definition.security.inter_broker_password or make_password()
        found.update(login_files(definition.mode, user, password))
        found.update({name: stored[name] for name in (ROTATING_FILE,) if name in stored})
    return found


def config_changed_at(files: t.Mapping[str, str], stored: t.Mapping[str, str], now: str) -> dict[str, str]:
    """The file that says since when the files of ``kafka_secret_config`` are as they are; none while they never changed."""
    if stored and _config_files(files) != _config_files(stored):
        return {CONFIG_CHANGED_FILE: now}
    return {name: stored[name] for name in (CONFIG_CHANGED_FILE,) if name in stored}


def _config_files(files: t.Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in files.items() if name.startswith(_CONFIG_FILE)}


def login_files(mode: str, user: str, password: str) -> dict[str, str]:
    """The files of the brokers' own login.

    ``format.args`` is what Kafka's format tool is told beside a cluster's id, ``prepare.args`` what its configuration tool
    is told before a broker starts in ZooKeeper mode: in files, since command lines can be read by anyone.
    """
    found = {USER_FILE: user, PASSWORD_FILE: password}
    if mode == "kraft":
        found["format.args"] = f'kafka.tools.StorageTool format --add-scram "{SCRAM}=[name={user},password={password}]"\n'
    else:
        command = f"kafka.admin.ConfigCommand --alter --entity-type users --entity-name {user}"
        found["prepare.args"] = f'{command} --add-config "{SCRAM}=[password={password}]"\n'
    return found


def mounted_credentials(definition: Definition, inter_broker: Listener) -> tuple[str, ...]:
    """Which of these files pods need."""
    return tuple(credentials(definition, {}, str, inter_broker))


def logins(definition: Definition) -> tuple[str, str]:
    """The two users that brokers log in as in turn: rotation makes the other one before it removes the one in use."""
    user = definition.security.inter_broker_user
    return user, f"{user}-b"


def client_properties(listener: Listener, client: Client) -> dict[str, str]:
    """How an application comes in through a listener; its password is added where the file is written."""
    found = {"security.protocol": listener.security} if listener.security != "PLAINTEXT" else {}
    if listener.tls:
        stores = STORES if client.tls_client else {key: value for key, value in STORES.items() if "truststore" in key}
        found.update(stores)
    if client.user:
        found["sasl.mechanism"] = SCRAM
    return found


def login(user: str, password: str) -> str:
    """The line that an application logs in by."""
    return f'sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="{user}" password="{password}";\n'


def certificates(definition: Definition, nodes: t.Sequence[Node], services: t.Sequence[Service]) -> tuple[Certificate, ...]:
    """The certificates that nodes and clients need, each with every name that it is reached by."""
    if not uses_tls(definition):
        return ()
    found = [_node_certificate(definition, node, services) for node in nodes]
    if definition.security.tls.source == "own":
        found += [Certificate(f"{definition.cluster}-client-{name}", name, (), (), "client") for name in definition.security.tls.clients]
    return tuple(found)


def _node_certificate(definition: Definition, node: Node, services: t.Sequence[Service]) -> Certificate:
    shared = [service.name for service in services if not service.node and not service.headless and service.component == node.component]
    own = [*shared, *(service.name for service in services if service.node == node.name)]
    hosts = [place.host for place in node.advertised if place.known]
    names = [*_forms(definition, f"{node.pod}.{node.headless}"), *(form for name in own for form in _forms(definition, name))]
    every = list(dict.fromkeys([*names, *hosts, *definition.security.tls.names]))
    return Certificate(
        name=_manifests.certificate_name(node.name),
        common_name=definition.cluster,
        dns=tuple(name for name in every if not is_address(name)),
        addresses=tuple(name for name in every if is_address(name)),
        component=node.component,
        node=str(node.id),
    )


def _forms(definition: Definition, name: str) -> list[str]:
    """How pods may write the name of something in the cluster's namespace."""
    namespaced = f"{name}.{definition.namespace}"
    return [name, namespaced, f"{namespaced}.svc", f"{namespaced}.svc.{definition.domain}"]


def is_address(host: str) -> bool:
    """Whether a host is an IP address and not a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
