# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about SASL, TLS and authorizers."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import class_problem, classes, is_foreign
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import SASL, Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown

_MODULE = re.compile(r"\b(required|requisite|sufficient|optional)\b", re.IGNORECASE)
_SASL_BASE = {
    "listeners": "SASL_PLAINTEXT://:9092",
    "advertised.listeners": "SASL_PLAINTEXT://kafka-1.kafka:9092",
    "security.inter.broker.protocol": "SASL_PLAINTEXT",
}
_SSL_BASE = {
    "listeners": "PLAINTEXT://:9092,SSL://:9093",
    "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SSL://kafka.example.com:9093",
}
_PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="admin" password="secret" user_admin="secret"'


def prefixed(broker: Broker, listener: str, key: str) -> t.Any:
    """``AbstractConfig.valuesWithPrefixOverride``: the value for one listener, else the general one."""
    name = f"listener.name.{listener.lower()}.{key}"
    if name in broker.written and key in broker.keys:
        value, reason = broker.parse(broker.keys[key], broker.written[name])
        if reason is None:
            return value
    return broker.get(key)


@rule(
    "SASL-MECH",
    "The brokers' own SASL mechanism is not enabled",
    step="last",
    fix="Add the mechanism to sasl.enabled.mechanisms, or set sasl.mechanism.inter.broker.protocol to one that is. Both default to GSSAPI; case counts.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        common={**_SASL_BASE, "sasl.mechanism.inter.broker.protocol": "PLAIN"},
        wrong={"sasl.enabled.mechanisms": "SCRAM-SHA-512"},
        right={"sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN"},
    ),
)
def mechanism(broker: Broker) -> t.Iterator[Problem]:
    """Also on controllers. What the inter-broker listener says for itself counts."""
    name, protocol = broker.inter_broker
    if protocol not in SASL:
        return
    wanted = broker.get("sasl.mechanism.inter.broker.protocol")
    enabled = prefixed(broker, name, "sasl.enabled.mechanisms") or []
    if wanted not in enabled:
        yield Problem(
            "sasl.mechanism.inter.broker.protocol",
            f"{shown(wanted)} is not among the enabled mechanisms {', '.join(enabled) or '(none)'} of {shown(name)}",
        )


@rule(
    "LSN-PREFIX-VALUE",
    "A setting of the inter-broker listener is refused",
    step="last",
    fix="Use a value of the type that the key without its prefix has.",
    source="AbstractConfig.valuesWithPrefixOverride",
    example=Example(
        "3.9",
        "zookeeper",
        common={**_SASL_BASE, "sasl.enabled.mechanisms": "GSSAPI"},
        wrong={"listener.name.sasl_plaintext.connections.max.reauth.ms": "1h"},
        right={"listener.name.sasl_plaintext.connections.max.reauth.ms": "3600000"},
    ),
)
def prefixed_value(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig only looks at them where brokers use SASL among themselves."""
    name, protocol = broker.inter_broker
    if protocol in SASL:
        yield from _refused_below(broker, name)


def _refused_below(broker: Broker, listener: str) -> t.Iterator[Problem]:
    prefix = f"listener.name.{listener.lower()}."
    for name in broker.prefixed:
        text = broker.written[name]
        if not name.startswith(prefix) or len(name) == len(prefix):
            continue
        rest = name[len(prefix) :]
        key = broker.keys.get(rest) or broker.keys.get(rest.partition(".")[2] or rest)
        if key is not None and "${" not in text:
            reason = broker.parse(key, text)[1] or class_problem(broker.release, key, text)
            if reason is not None:
                yield Problem(name, f"{shown(text)} {reason}")


@rule(
    "LSN-PREFIX-LATE",
    "A setting of a listener is refused",
    severity="error",
    stage="start",
    consequence="The broker dies when it opens the listener.",
    fix="Use a value of the type that the key without its prefix has.",
    source="ChannelBuilders.channelBuilderConfigs",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            "listeners": "PLAINTEXT://:9092,SASL_SSL://:9093",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SASL_SSL://kafka.example.com:9093",
        },
        wrong={"listener.name.sasl_ssl.connections.max.reauth.ms": "1h"},
        right={"listener.name.sasl_ssl.connections.max.reauth.ms": "3600000"},
    ),
)
def prefixed_value_late(broker: Broker) -> t.Iterator[Problem]:
    """All listeners but the inter-broker one with SASL, see LSN-PREFIX-VALUE."""
    name, protocol = broker.inter_broker
    for listener in sorted(broker.listener_names):
        if listener != name or protocol not in SASL:
            yield from _refused_below(broker, listener)


@rule(
    "LSN-PREFIX-UNKNOWN",
    "A setting belongs to no listener",
    severity="warning",
    stage="runtime",
    consequence="It is ignored without a word.",
    fix="Use listener.name.<listener in lower case>.<key>.",
    source="ListenerName.configPrefix: lower case",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listener.name.PLAINTEXT.max.connections": "100"},
        right={"listener.name.plaintext.max.connections": "100"},
    ),
)
def prefix_unknown(broker: Broker) -> t.Iterator[Problem]:
    """Upper case, or a name that is not in listeners and no controller listener."""
    if not broker.prefixed:
        return
    known = [f"listener.name.{name.lower()}." for name in (*broker.listener_names, *broker.controller_names)]
    known.append(f"listener.name.{broker.inter_broker[0].lower()}.")
    for name in broker.prefixed:
        if not name.startswith(tuple(known)):
            yield Problem(name, f"belongs to none of the listeners {', '.join(sorted(broker.listener_names))}")


@rule(
    "SASL-CONTROLLER-MECH",
    "The controllers' SASL mechanism is not enabled",
    since="2.8",
    severity="error",
    stage="start",
    consequence="Nodes cannot authenticate to the controllers, and never register.",
    fix="Add sasl.mechanism.controller.protocol to sasl.enabled.mechanisms, or set it to one that is.",
    source="KafkaRaftManager.buildNetworkClient; KafkaConfig looks at the inter-broker mechanism only",
    example=Example(
        "3.9",
        "controller",
        common={
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
            "listener.name.controller.plain.sasl.jaas.config": f"{_PLAIN};",
            "sasl.enabled.mechanisms": "PLAIN",
        },
        wrong={},
        right={"sasl.mechanism.controller.protocol": "PLAIN"},
    ),
)
def controller_mechanism(broker: Broker) -> t.Iterator[Problem]:
    """Controllers; a broker only knows its own side."""
    if not broker.is_controller:
        return
    wanted = broker.get("sasl.mechanism.controller.protocol")
    for endpoint in broker.controller_listeners:
        enabled = prefixed(broker, endpoint.name, "sasl.enabled.mechanisms") or []
        if broker.protocols[endpoint.name] in SASL and wanted not in enabled:
            yield Problem(
                "sasl.mechanism.controller.protocol",
                f"{shown(wanted)} is not among the enabled mechanisms {', '.join(enabled) or '(none)'}",
            )


@rule(
    "SASL-JAAS-UNPREFIXED",
    "A broker ignores sasl.jaas.config",
    severity="warning",
    stage="start",
    consequence="Unless a JAAS file is given to the JVM, the broker exits: Could not find a 'KafkaServer' entry.",
    fix="Write listener.name.<listener>.<mechanism>.sasl.jaas.config, both in lower case.",
    source="JaasContext.loadServerContext",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            **_SASL_BASE,
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
        },
        wrong={"sasl.jaas.config": f"{_PLAIN};"},
        right={"listener.name.sasl_plaintext.plain.sasl.jaas.config": f"{_PLAIN};"},
    ),
)
def jaas_unprefixed(broker: Broker) -> t.Iterator[Problem]:
    """Also with the listener alone, without the mechanism."""
    for name in broker.written:
        if name == "sasl.jaas.config" or (
            name.startswith("listener.name.") and name.endswith(".sasl.jaas.config") and name[len("listener.name.") :].count(".") < 4
        ):
            yield Problem(name, "is ignored")


@rule(
    "SASL-JAAS-SYNTAX",
    "A JAAS configuration does not have exactly one login module",
    severity="error",
    stage="start",
    consequence="The broker exits when it opens the listener.",
    fix="Write one module: <class> required <options>; with the semicolon at the end.",
    source="JaasContext.load, JaasConfig",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            **_SASL_BASE,
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
        },
        wrong={"listener.name.sasl_plaintext.plain.sasl.jaas.config": _PLAIN},
        right={"listener.name.sasl_plaintext.plain.sasl.jaas.config": f"{_PLAIN};"},
    ),
)
def jaas_syntax(broker: Broker) -> t.Iterator[Problem]:
    """The value itself is never shown: it has passwords in it."""
    for name in broker.prefixed:
        text = broker.written[name]
        if name.endswith(".sasl.jaas.config") and "${" not in text:
            outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text[:100_000])
            modules = len(_MODULE.findall(outside))
            if modules != 1:
                yield Problem(name, f"has {modules} login modules")
            elif not outside.rstrip().endswith(";"):
                yield Problem(name, "does not end with a semicolon")


_STORE_RULES: tuple[tuple[str, t.Callable[[dict[str, t.Any]], bool]], ...] = (
    ("the key store has no password", lambda s: s["keystore.location"] and not s["keystore.password"] and not _pem(s)),
    ("a key store password without a key store", lambda s: bool(s["keystore.password"] and not s["keystore.location"])),
    (
        "a trust store password without a trust store",
        lambda s: bool(s["truststore.password"] and not s["truststore.location"] and not s["truststore.certificates"]),
    ),
    ("both a key store file and a private key", lambda s: bool(s["keystore.location"] and s["keystore.key"])),
    ("a private key with a key store type other than PEM", lambda s: bool(s["keystore.key"] and not _pem(s))),
    (
        "a private key without its certificate chain",
        lambda s: bool(s["keystore.key"] and not s["keystore.certificate.chain"]),
    ),
    (
        "a certificate chain without its private key",
        lambda s: bool(s["keystore.certificate.chain"] and not s["keystore.key"]),
    ),
    (
        "a key store password for PEM, which only has a key password",
        lambda s: bool(_pem(s) and s["keystore.location"] and s["keystore.password"]),
    ),
    (
        "trusted certificates with a trust store type other than PEM",
        lambda s: bool(s["truststore.certificates"] and not _pem(s, "truststore.type")),
    ),
    (
        "a trust store password for PEM",
        lambda s: bool(_pem(s, "truststore.type") and s["truststore.location"] and s["truststore.password"]),
    ),
)


def _pem(store: dict[str, t.Any], which: str = "keystore.type") -> bool:
    return str(store[which] or "").upper() == "PEM"


def _store(broker: Broker, listener: str) -> dict[str, t.Any]:
    names = (
        "keystore.location",
        "keystore.password",
        "keystore.key",
        "keystore.certificate.chain",
        "keystore.type",
        "truststore.location",
        "truststore.password",
        "truststore.certificates",
        "truststore.type",
        "client.auth",
        "engine.factory.class",
    )
    return {name: prefixed(broker, listener, f"ssl.{name}") for name in names}


def _tls_listeners(broker: Broker) -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    for endpoint in broker.listeners:
        if broker.protocols[endpoint.name] in ("SSL", "SASL_SSL"):
            store = _store(broker, endpoint.name)
            # A factory of the user's own has rules of its own.
            if not store["engine.factory.class"]:
                yield endpoint.name, store


@rule(
    "SSL-STORE",
    "The TLS settings of a listener contradict each other",
    severity="error",
    stage="start",
    consequence="The broker exits when it opens the listener.",
    fix="A key store file with its password, or a PEM key with its certificate chain (2.7 and later); the same for what it trusts.",
    source="DefaultSslEngineFactory, until 2.5 SslEngineBuilder",
    example=Example(
        "3.9",
        "zookeeper",
        common=_SSL_BASE,
        wrong={"ssl.keystore.location": "/etc/kafka/keystore.p12"},
        right={"ssl.keystore.location": "/etc/kafka/keystore.p12", "ssl.keystore.password": "secret"},
    ),
)
def store(broker: Broker) -> t.Iterator[Problem]:
    """PEM since 2.7."""
    for listener, settings in _tls_listeners(broker):
        for words, broken in _STORE_RULES:
            if broken(settings):
                yield Problem("ssl.keystore.location" if "key" in words else "ssl.truststore.location", f"{shown(listener)}: {words}")


@rule(
    "SSL-NO-KEYSTORE",
    "A TLS listener has no certificate",
    severity="error",
    stage="runtime",
    consequence="The listener opens, and every handshake fails: no cipher suites in common.",
    fix="Set ssl.keystore.location, or ssl.keystore.key and ssl.keystore.certificate.chain.",
    source="DefaultSslEngineFactory",
    example=Example(
        "3.9",
        "zookeeper",
        common=_SSL_BASE,
        wrong={},
        right={"ssl.keystore.location": "/etc/kafka/keystore.p12", "ssl.keystore.password": "secret"},
    ),
)
def no_keystore(broker: Broker) -> t.Iterator[Problem]:
    """Neither a file nor a PEM text."""
    for listener, settings in _tls_listeners(broker):
        if not settings["keystore.location"] and not settings["keystore.key"]:
            yield Problem("ssl.keystore.location", f"is not set for {shown(listener)}")


@rule(
    "SSL-CLIENT-AUTH",
    "Clients need a certificate, and none is trusted",
    severity="warning",
    stage="runtime",
    consequence="Only certificates of the authorities that Java ships with are accepted.",
    fix="Set ssl.truststore.location to the authority of your clients.",
    source="DefaultSslEngineFactory",
    example=Example(
        "3.9",
        "zookeeper",
        common={**_SSL_BASE, "ssl.keystore.location": "/etc/kafka/keystore.p12", "ssl.keystore.password": "secret"},
        wrong={"ssl.client.auth": "required"},
        right={"ssl.client.auth": "required", "ssl.truststore.location": "/etc/kafka/truststore.p12"},
    ),
)
def client_auth(broker: Broker) -> t.Iterator[Problem]:
    """required and requested."""
    for listener, settings in _tls_listeners(broker):
        trusts = settings["truststore.location"] or settings["truststore.certificates"]
        if settings["client.auth"] in ("required", "requested") and not trusts:
            yield Problem("ssl.truststore.location", f"is not set for {shown(listener)}")


_ACL_AUTHORIZERS = ("kafka.security.authorizer.AclAuthorizer", "kafka.security.auth.SimpleAclAuthorizer")
_STANDARD = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"


@rule(
    "AUTHORIZER-CLASS",
    "The authorizer does not exist",
    until="3.2",
    step="construct",
    when=("authorizer.class.name",),
    fix="Use kafka.security.authorizer.AclAuthorizer, or leave authorizer.class.name out.",
    source="KafkaConfig.authorizer: created in the constructor until 3.2",
    example=Example(
        "3.2",
        "zookeeper",
        wrong={"authorizer.class.name": "kafka.security.AclAuthorizer"},
        right={"authorizer.class.name": "kafka.security.authorizer.AclAuthorizer"},
    ),
)
def authorizer_class(broker: Broker) -> t.Iterator[Problem]:
    """Only classes of Kafka's own packages can be judged."""
    yield from _authorizer_missing(broker)


@rule(
    "AUTHORIZER-LATE",
    "The authorizer does not exist",
    since="3.3",
    severity="error",
    stage="start",
    consequence="The broker exits when it creates the authorizer.",
    when=("authorizer.class.name",),
    fix=f"Use {_STANDARD} with process.roles, kafka.security.authorizer.AclAuthorizer with ZooKeeper.",
    source="KafkaConfig.createNewAuthorizer",
    example=Example(
        "4.3",
        "broker",
        wrong={"authorizer.class.name": "kafka.security.authorizer.AclAuthorizer"},
        right={"authorizer.class.name": _STANDARD},
    ),
)
def authorizer_late(broker: Broker) -> t.Iterator[Problem]:
    """From 3.3 on the class is not looked for before the broker starts."""
    yield from _authorizer_missing(broker)


def _authorizer_missing(broker: Broker) -> t.Iterator[Problem]:
    name = broker.get("authorizer.class.name")
    if not name:
        return
    interfaces = classes(broker.minor).get(name, frozenset())
    if not is_foreign(name) and not any(interface.endswith(".Authorizer") and interface != name for interface in interfaces):
        yield Problem("authorizer.class.name", f"{shown(name)} is no authorizer of Kafka {broker.release}")


@rule(
    "AUTHORIZER-MODE",
    "The authorizer is for the other kind of cluster",
    since="3.2",
    until="3.9",
    severity="error",
    stage="start",
    consequence="The broker exits, or keeps its ACLs where nobody else looks.",
    when=("authorizer.class.name",),
    fix=f"Use {_STANDARD} with process.roles, kafka.security.authorizer.AclAuthorizer with ZooKeeper.",
    source="AclAuthorizer.configure, StandardAuthorizer",
    example=Example(
        "3.9",
        "broker",
        wrong={"authorizer.class.name": "kafka.security.authorizer.AclAuthorizer"},
        right={"authorizer.class.name": _STANDARD},
    ),
)
def authorizer_mode(broker: Broker) -> t.Iterator[Problem]:
    """AclAuthorizer writes to ZooKeeper, StandardAuthorizer to the metadata log."""
    name = broker.get("authorizer.class.name")
    if name in _ACL_AUTHORIZERS and broker.roles:
        yield Problem("authorizer.class.name", f"{shown(name)} keeps its ACLs in ZooKeeper")
    elif name == _STANDARD and broker.zookeeper:
        yield Problem("authorizer.class.name", f"{shown(name)} needs process.roles")
