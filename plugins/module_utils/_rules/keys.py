# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about keys as such: unknown, removed, not there yet, of the wrong type."""

from __future__ import annotations

import difflib
import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import (
    first_patch,
    keys,
    lifetimes,
    protocol_order,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, minor_text
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules.values import RF_KEYS

_SPOKEN_FOR = frozenset(
    (
        *RF_KEYS,
        "advertised.listeners",
        "broker.id",
        "compression.type",
        "controller.listener.names",
        "controller.quorum.bootstrap.servers",
        "controller.quorum.voters",
        "inter.broker.protocol.version",
        "listeners",
        "log.dir",
        "log.dirs",
        "log.message.format.version",
        "node.id",
        "process.roles",
        "security.inter.broker.protocol",
        "zookeeper.connect",
    )
)
"""Keys whose refusal has a rule of its own."""

_PLUGIN_PREFIXES = (
    "authorizer.",
    "client.quota.callback.",
    "config.providers.",
    "confluent.",
    "cruise.control.",
    "external.kafka.",
    "io.strimzi.",
    "kafka.metrics.",
    "listener.name.",
    "metric.reporters.",
    "metrics.",
    "oauth.",
    "opa.",
    "principal.builder.",
    "ranger.",
    "remote.log.metadata.",
    "rlmm.config.",
    "rsm.config.",
    "sasl.",
    "ssl.",
    "strimzi.",
    "telemetry.",
    "xasecure.",
)
_PLUGIN_KEYS = frozenset(
    (
        "allow.everyone.if.no.acl.found",
        "config.providers",
        "early.start.listeners",
        "super.users",
    )
)
_TOPIC_KEYS = {
    "cleanup.policy": "log.cleanup.policy",
    "delete.retention.ms": "log.cleaner.delete.retention.ms",
    "flush.messages": "log.flush.interval.messages",
    "flush.ms": "log.flush.interval.ms",
    "index.interval.bytes": "log.index.interval.bytes",
    "max.message.bytes": "message.max.bytes",
    "message.format.version": "log.message.format.version",
    "message.timestamp.type": "log.message.timestamp.type",
    "min.cleanable.dirty.ratio": "log.cleaner.min.cleanable.ratio",
    "min.compaction.lag.ms": "log.cleaner.min.compaction.lag.ms",
    "preallocate": "log.preallocate",
    "replication.factor": "default.replication.factor",
    "retention.bytes": "log.retention.bytes",
    "retention.ms": "log.retention.ms",
    "segment.bytes": "log.segment.bytes",
    "segment.ms": "log.roll.ms",
}
_LONGEST_GUESSED = 100
_POLICIES = ("create.topic.policy.class.name", "alter.config.policy.class.name")
_PROTOCOL = "inter.broker.protocol.version"
_FORMAT = "log.message.format.version"


@rule(
    "TYPE-OR-RANGE",
    "A value has the wrong type or is out of range",
    step="parse",
    fix="Use a value of the type and within the limits that the message names.",
    source="ConfigDef.parseType and the validator of the key",
    example=Example(
        "3.9",
        "broker",
        wrong={"num.io.threads": "eight"},
        right={"num.io.threads": "8"},
    ),
)
def type_or_range(broker: Broker) -> t.Iterator[Problem]:
    """Everything ConfigDef refuses that has no rule of its own. Also keys that matter in another mode only."""
    for name, reason in broker.refused.items():
        if reason and name not in _SPOKEN_FOR:
            secret = name in broker.keys and broker.keys[name].kind == "PASSWORD"
            yield Problem(name, reason if secret else f"{shown(broker.written.get(name, ''))}: {reason}")


@rule(
    "IBP",
    "The inter-broker protocol version is unknown",
    until="3.9",
    step="parse",
    when=(_PROTOCOL, _FORMAT),
    fix="Leave inter.broker.protocol.version out, or set it to the version the brokers had before an update.",
    source="ApiVersion, from 3.3 on MetadataVersion.fromVersionString",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"inter.broker.protocol.version": "4.1"},
        right={"inter.broker.protocol.version": "3.9"},
    ),
)
def protocol_version_unknown(broker: Broker) -> t.Iterator[Problem]:
    """No version, or a newer one."""
    for name in (_PROTOCOL, _FORMAT):
        if broker.refused.get(name):
            yield Problem(name, f"{shown(broker.written.get(name, ''))} {broker.refused[name]}")


@rule(
    "IBP",
    "The inter-broker protocol version is too old for something else",
    until="3.9",
    step="version",
    when=(_PROTOCOL, _FORMAT),
    fix="Leave inter.broker.protocol.version out, or set it to the version the brokers had before an update.",
    source="KafkaConfig.interBrokerProtocolVersion, KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={"inter.broker.protocol.version": "2.8"},
        right={"inter.broker.protocol.version": "3.0"},
    ),
)
def protocol_version_too_old(broker: Broker) -> t.Iterator[Problem]:
    """KRaft, the message format, zstd for the offsets, a SASL mechanism other than GSSAPI."""
    order, written = protocol_order(), broker.get(_PROTOCOL)
    if broker.roles and broker.minor >= (3, 3) and broker.has(_PROTOCOL) and broker.version_of(_PROTOCOL) < order["3.0-IV1"]:
        yield Problem(_PROTOCOL, f"{shown(written)} is older than KRaft; the first is 3.0-IV1")
        return
    version = broker.protocol_version
    # From 3.0 on the message format is ignored with a protocol from 3.0 on (LogConfig.shouldIgnoreMessageFormatVersion).
    if not (broker.minor >= (3, 0) and version >= order["3.0-IV1"]) and _record_version(version) < _record_version(broker.version_of(_FORMAT)):
        yield Problem(_FORMAT, f"{shown(broker.get(_FORMAT))} is newer than {_PROTOCOL} {shown(written)}")
    if _record_version(version) < 2 and broker.integer("offsets.topic.compression.codec") == 4:
        yield Problem("offsets.topic.compression.codec", f"4 (zstd) needs a newer {_PROTOCOL} than {shown(written)}")
    if version < order["0.10.0-IV1"] and broker.inter_broker[1].startswith("SASL") and broker.get("sasl.mechanism.inter.broker.protocol") != "GSSAPI":
        yield Problem("sasl.mechanism.inter.broker.protocol", f"{_PROTOCOL} {shown(written)} knows GSSAPI only")


def _record_version(position: int) -> int:
    """``MetadataVersion.highestSupportedRecordVersion``."""
    order = protocol_order()
    return 0 if position < order["0.10.0-IV0"] else 1 if position < order["0.11.0-IV0"] else 2


@rule(
    "IBP-KRAFT",
    "A KRaft node has an inter-broker protocol version",
    since="3.3",
    until="3.9",
    severity="warning",
    stage="runtime",
    consequence="It is ignored; KRaft keeps metadata.version in its log.",
    fix="Take it away, and use kafka-features.sh to raise metadata.version.",
    when=("inter.broker.protocol.version",),
    source="KafkaConfig: a warning in the log",
    example=Example(
        "3.9",
        "broker",
        wrong={"inter.broker.protocol.version": "3.4"},
        right={"inter.broker.protocol.version": None},
    ),
)
def protocol_version_in_kraft(broker: Broker) -> t.Iterator[Problem]:
    """Only read when an old KRaft cluster is first updated to 3.3."""
    if broker.roles and broker.has("inter.broker.protocol.version"):
        yield Problem("inter.broker.protocol.version", "has no effect with process.roles")


@rule(
    "POLICY-KRAFT-3.0",
    "3.0 has no topic policies in KRaft",
    since="3.0",
    until="3.0",
    step="ids",
    fix="Take the policy away, or use 3.1 or later.",
    when=_POLICIES,
    source="KafkaConfig.validateValues",
    example=Example(
        "3.0",
        "broker",
        wrong={"create.topic.policy.class.name": "com.example.Policy"},
        right={},
    ),
)
def policy_in_early_kraft(broker: Broker) -> t.Iterator[Problem]:
    """Creation and change of topics."""
    for name in _POLICIES:
        if broker.roles and broker.has(name):
            yield Problem(name, "is not supported with process.roles")


@rule(
    "POLICY-ROLE",
    "A topic policy is set on a broker",
    since="3.1",
    severity="warning",
    stage="runtime",
    consequence="Controllers create and change topics; the policy of a broker is never asked. From 4.0 on the log says so.",
    fix="Set it on the controllers.",
    when=_POLICIES,
    source="KafkaConfig.validateValues: a warning in the log (4.0 and later)",
    example=Example(
        "4.3",
        "broker",
        wrong={"create.topic.policy.class.name": "com.example.Policy"},
        right={},
    ),
)
def policy_on_broker(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    for name in _POLICIES:
        if broker.broker_only and broker.has(name):
            yield Problem(name, "has no effect on a node without the controller role")


@rule(
    "DEFAULTS-ROLE",
    "Defaults of new topics are set on a broker",
    since="4.3",
    severity="info",
    stage="runtime",
    consequence="Kafka 5.0 will ignore them there. The log says so.",
    fix="Set num.partitions and default.replication.factor on the controllers as well.",
    when=("num.partitions", "default.replication.factor"),
    source="KafkaConfig.validateValues: a warning in the log (4.3 and later)",
    example=Example("4.3", "broker", wrong={"num.partitions": "3"}, right={}),
)
def defaults_on_broker(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    for name in ("num.partitions", "default.replication.factor"):
        if broker.broker_only and broker.has(name):
            yield Problem(name, "will be ignored on a node without the controller role")


@rule(
    "KEY-REMOVED",
    "A key was removed",
    since="2.5",
    severity="warning",
    stage="runtime",
    consequence="Kafka ignores it without a word; what it did before no longer happens.",
    fix="Take it away.",
    source="KafkaConfig.configDef of each release",
    example=Example(
        "4.3",
        "broker",
        wrong={"control.plane.listener.name": "CONTROL"},
        right={},
    ),
)
def removed(broker: Broker) -> t.Iterator[Problem]:
    """Known to an earlier release only."""
    for name in _unknown(broker):
        known = lifetimes().get(name)
        if known and known[1] < broker.minor:
            yield Problem(name, f"is gone since Kafka {minor_text(known[1])}, the last release that knew it")


@rule(
    "KEY-TOO-NEW",
    "A key does not exist yet",
    until="4.2",
    severity="warning",
    stage="runtime",
    consequence="Kafka ignores it without a word.",
    fix="Take it away, or update Kafka.",
    source="KafkaConfig.configDef of each release",
    example=Example(
        "4.0",
        "broker",
        wrong={"controller.quorum.auto.join.enable": "false"},
        right={},
    ),
)
def too_new(broker: Broker) -> t.Iterator[Problem]:
    """Known to a later release only, be it a later patch release."""
    for name in _unknown(broker):
        known = lifetimes().get(name)
        if known and known[0] > broker.minor:
            yield Problem(name, f"is there from Kafka {minor_text(known[0])} on")
        elif name in keys(broker.minor):
            yield Problem(name, f"is there from Kafka {minor_text(broker.minor)}.{first_patch(name, broker.minor)} on")


@rule(
    "KEY-UNKNOWN",
    "A key is misspelt",
    severity="warning",
    stage="runtime",
    consequence="Kafka ignores it without a word, and uses the default of the key that was meant.",
    fix="Correct the name.",
    source="KafkaConfig.configDef; AbstractConfig.logUnused is not called by the broker",
    example=Example(
        "3.9",
        "broker",
        wrong={"log.retention.hour": "24"},
        right={"log.retention.hours": "24"},
    ),
)
def misspelt(broker: Broker) -> t.Iterator[Problem]:
    """A name close to a known one, or in one of Kafka's own name spaces."""
    for name in _unknown(broker):
        if name in lifetimes():
            continue
        meant = suggestion(name, broker.minor)
        if meant:
            yield Problem(name, f"is no key of Kafka {broker.release}; did you mean {meant}?", f"Write {meant}.")
        elif name.partition(".")[0] in _name_spaces(broker.minor):
            yield Problem(name, f"is no key of Kafka {broker.release}")


@rule(
    "KEY-FOREIGN",
    "A key is not Kafka's",
    severity="info",
    stage="runtime",
    consequence="Kafka ignores it, unless a plug-in reads it.",
    fix="Nothing, if a plug-in reads it; else take it away.",
    source="KafkaConfig.configDef",
    example=Example("3.9", "broker", wrong={"no.such.key": "x"}, right={}),
)
def foreign(broker: Broker) -> t.Iterator[Problem]:
    """Keys of known plug-ins are not mentioned."""
    for name in _unknown(broker):
        if name in lifetimes() or suggestion(name, broker.minor):
            continue
        if name.partition(".")[0] not in _name_spaces(broker.minor):
            yield Problem(name, f"is no key of Kafka {broker.release}")


def _unknown(broker: Broker) -> t.Iterator[str]:
    """The keys of the user that neither this release nor a well-known plug-in knows."""
    own = _own_prefixes(broker) if broker.unknown_keys else ()
    for name in broker.unknown_keys:
        if name not in _PLUGIN_KEYS and not name.startswith(own):
            yield name


def _own_prefixes(broker: Broker) -> tuple[str, ...]:
    """The prefixes of plug-ins, and those the user chose for the tiers of remote storage."""
    chosen = []
    for key in ("remote.log.storage.manager.impl.prefix", "remote.log.metadata.manager.impl.prefix"):
        prefix = _java.trim(broker.written.get(key, ""))
        if prefix:
            chosen.append(prefix)
    return (*_PLUGIN_PREFIXES, *chosen)


@functools.lru_cache(maxsize=8192)
def suggestion(name: str, minor: Minor) -> str | None:
    """The key that was probably meant: other punctuation or case, a topic's name for it, or a few letters off."""
    known = keys(minor)
    plain = _plain(name)
    same = _by_plain(minor).get(plain)
    if same:
        return same
    topic = _TOPIC_KEYS.get(name)
    if topic in known:
        return topic
    if len(name) > _LONGEST_GUESSED:
        return None
    return next(iter(difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.87)), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())


@functools.cache
def _by_plain(minor: Minor) -> dict[str, str]:
    return {_plain(name): name for name in keys(minor)}


@functools.cache
def _name_spaces(minor: Minor) -> frozenset[str]:
    return frozenset(name.partition(".")[0] for name in keys(minor) if "." in name)
