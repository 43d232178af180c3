# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Would this broker start? Layer 1 of the validator, without Kubernetes and without Ansible.

``check`` agrees with ``KafkaConfig`` of the chosen release: it refuses a configuration if, and only if, there is a
finding of severity ``error`` and stage ``config``. What Kafka accepts and regrets later has another severity or stage.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import (
    _registry,
    _release,
    advertised,
    classes,
    control_plane,
    keys,
    listeners,
    migration,
    quorum,
    roles,
    security,
    storage,
    values,
    zookeeper,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker

SUBJECTS = (
    ("Listeners", listeners),
    ("Advertised listeners", advertised),
    ("Roles, ids and controller listeners", roles),
    ("Controller quorum", quorum),
    ("ZooKeeper", zookeeper),
    ("Migration from ZooKeeper", migration),
    ("Control plane listener", control_plane),
    ("Replication and limits", values),
    ("Log directories", storage),
    ("SASL, TLS and authorizers", security),
    ("Keys and types", keys),
    ("Classes and values from elsewhere", classes),
)
"""The modules with the rules, in the order of ``docs/rules.md``."""


def check(properties: t.Mapping[str, str], kafka_version: str) -> list[Finding]:
    """All findings about one broker or controller, errors of ``KafkaConfig`` first and in Kafka's own order.

    ``properties``: the content of a ``server.properties``. Keys and values that are no text are turned into text, and
    a finding says so. ``kafka_version``: ``3.9`` or ``3.9.2``; 2.4 to 4.3. Never raises.
    """
    release = _release.parse(kafka_version) if isinstance(kafka_version, str) else None
    if release is None or release.minor < _release.OLDEST or release.minor > _release.NEWEST:
        return [_unknown_release(kafka_version)]
    if release.minor not in _release.MINORS:
        return [_unknown_release(kafka_version)]
    texts, findings = as_text(properties)
    return [*findings, *check_broker(Broker(texts, release))]


def check_broker(broker: Broker) -> list[Finding]:
    """``check`` of a configuration that has been read already."""
    return _registry.run(broker)


def refused(findings: t.Iterable[Finding]) -> bool:
    """Whether ``KafkaConfig`` would refuse the configuration that these findings are about."""
    return any(finding.severity == "error" and finding.stage == "config" for finding in findings)


def as_text(properties: t.Any) -> tuple[dict[str, str], list[Finding]]:
    """Keys and values as text, the way a YAML value gets into a file, and what had to be guessed."""
    texts: dict[str, str] = {}
    findings: list[Finding] = []
    if not isinstance(properties, t.Mapping):
        return {}, [_not_text("properties", f"are {type(properties).__name__}, and must be keys and values")]
    for key, value in properties.items():
        name = key if isinstance(key, str) else _text(key)
        if not isinstance(key, str):
            findings.append(_not_text(name, f"the key is {type(key).__name__}, and must be text"))
        if value is None:
            findings.append(_not_text(name, "has no value; it is left out"))
        elif isinstance(value, str):
            texts[name] = value
        elif isinstance(value, (bool, int, float)):
            texts[name] = _text(value)
        elif isinstance(value, (list, tuple)) and all(isinstance(item, (str, int, float)) for item in value):
            texts[name] = ",".join(map(_text, value))
        else:
            findings.append(_not_text(name, f"is {type(value).__name__}, and must be text; it is left out"))
    return texts, findings


def _text(value: t.Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value)
    except Exception:  # a foreign type may do anything here, and so may int of many digits
        return f"<{type(value).__name__}>"


def _not_text(where: str, message: str) -> Finding:
    return Finding(
        rule="VALUE-TYPE",
        severity="warning",
        stage="config",
        where=where[:200],
        message=message,
        fix="Write the value as text, a number, true or false.",
        consequence="What Kafka gets is not what was written.",
    )


def _unknown_release(version: t.Any) -> Finding:
    oldest, newest = _release.minor_text(_release.OLDEST), _release.minor_text(_release.NEWEST)
    return Finding(
        rule="RELEASE-UNKNOWN",
        severity="error",
        stage="config",
        where="kafka_version",
        message=f"{_registry.shown(_text(version))} is no release from {oldest} to {newest}",
        fix=f"Use a release from {oldest} to {newest}, for example 4.1.1.",
        consequence="Nothing can be said about the configuration.",
    )
