# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about what is secret, and where it is written."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_kafka
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.variables import place
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _keys, _release

REFERENCE = re.compile(r"(\$\{[^}]+\})+")
_LITERAL = re.compile(r"""\b(?:\w*(?:password|passphrase|secret)|user_[^\s=]+)\s*=\s*("[^"]*"|'[^']*'|[^\s;]+)""", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(password|passphrase|secret)$", re.IGNORECASE)
_PUBLIC = ("ssl.keystore.certificate.chain", "ssl.truststore.certificates")
"""Kafka hides these as well, and they are no secret."""


def _kinds(definition: Definition) -> dict[str, str]:
    """The type of every broker property of the release by name."""
    release = _release.parse(definition.version)
    return {name: key.kind for name, key in _keys.keys(release.minor).items()} if release and release.minor in _release.MINORS else {}


def _is_secret(name: str, value: str, kinds: t.Mapping[str, str]) -> bool:
    bare = re.sub(r"^listener\.name\.[^.]+\.", "", name)
    known = next((each for each in (name, bare, bare.partition(".")[2]) if each in kinds), "")
    if known == "sasl.jaas.config" or bare.endswith("sasl.jaas.config"):
        return any(not REFERENCE.fullmatch(literal.strip("\"'")) for literal in _LITERAL.findall(value))
    secret = kinds[known] == "PASSWORD" and known not in _PUBLIC if known else bool(_SECRET_NAME.search(bare))
    return secret and bool(value) and not REFERENCE.fullmatch(value)


@rule(
    "SECRET-IN-CONFIG",
    "error",
    "config",
    "It would be in a ConfigMap, in this output and in every diff, for everyone to read.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_config: {ssl.key.password: hunter2-hunter2}",
        right="kafka_secret_config: {ssl.key.password: hunter2-hunter2}",
    ),
)
def secret_in_config(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """What is secret is written where it becomes part of a Secret."""
    brokers = "move it to kafka_secret_config"
    application = "set user and password, or refer to a file with ${provider:path:key} and declare config.providers"
    places: list[tuple[str, str, t.Mapping[str, str], str]] = [("kafka_config", "", definition.config, brokers)]
    places += [(f"kafka_node_pools[{index}].config", "", pool.config, brokers) for index, pool in enumerate(definition.pools)]
    for listener in definition.listeners:
        prefix = f"listener.name.{listener.name.lower()}."
        places.append((f"{place(definition, listener.name)}.config", prefix, listener.config, brokers))
    places.append(("zookeeper_config", "", definition.zookeeper.config, "use zookeeper_tls, which needs no password, or a key with Path that names a file"))
    places += [(f"clients_{client.kind}s[{client.name}].properties", "", client.properties, application) for client in definition.clients]
    kinds = _kinds(definition)
    for where, prefix, properties, fix in places:
        for name, value in properties.items():
            if _is_secret(prefix + name, value, kinds):
                message = "is a secret, and this is no place for one; its value is not shown"
                yield Problem(f"{where}[{name}]", message, f"{fix} as {prefix}{name}" if prefix else fix)


@rule(
    "SECRET-CONFIG-KEY",
    "error",
    "config",
    "Kubernetes refuses the Secret, or Kafka finds no end of the reference to it.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_secret_config: {my/plugin.password: hunter2-hunter2}",
        right="kafka_secret_config: {my-plugin.password: hunter2-hunter2}",
    ),
)
def secret_config_key(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A secret property is a file of its name: letters, digits, dots, hyphens and underscores."""
    for name in definition.security.secret_config:
        if not re.fullmatch(r"[-._A-Za-z0-9]{1,240}", name):
            yield Problem(f"kafka_secret_config[{name}]", "is not a property's name", "correct it")


@rule(
    "SECRET-CONFIG-OWNED",
    "error",
    "config",
    "Two places would say different things about one property.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_authorization: acl, kafka_secret_config: {super.users: 'User:ops'}}",
        right="{kafka_authorization: acl, kafka_super_users: ['User:ops']}",
    ),
)
def secret_config_owned(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """What the collection decides has a variable of its own."""
    for name in definition.security.secret_config:
        if name in _plan_kafka.OWNED:
            yield Problem(f"kafka_secret_config[{name}]", "is made from other variables", "remove it and set those")
        elif any(name in config for config in (definition.config, *(pool.config for pool in definition.pools))):
            yield Problem(f"kafka_secret_config[{name}]", "stands in kafka_config or in a pool's config, too", "remove it there")


@rule(
    "SECRET-CONFIG-LOGGED",
    "warning",
    "runtime",
    "Kafka writes its value to the log of every node: it hides only properties of type PASSWORD.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_secret_config: {sasl.oauthbearer.expected.issuer: 'https://login.example.com'}",
        right="kafka_config: {sasl.oauthbearer.expected.issuer: 'https://login.example.com'}",
    ),
)
def secret_config_logged(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Kafka knows that a secret property is secret."""
    kinds = _kinds(definition)
    for name in definition.security.secret_config:
        if kinds.get(name, "PASSWORD") != "PASSWORD" and name not in _plan_kafka.OWNED:
            yield Problem(f"kafka_secret_config[{name}]", f"has the type {kinds[name]}", "move it to kafka_config if it is no secret")
