# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules that compare numbers: replication, connections, retention, and the limits of groups."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import valid_host
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import classes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor

RF_KEYS = (
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "min.insync.replicas",
    "num.partitions",
    "offsets.topic.num.partitions",
    "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.min.isr",
    "share.coordinator.state.topic.num.partitions",
)
"""Keys whose refusal is RF-MIN."""

_SOURCE = "KafkaConfig.validateValues"


@rule(
    "RF-MIN",
    "A replication factor, a minimum of replicas or a number of partitions is too small or no number",
    step="parse",
    fix="Use a whole number from 1 on; replication factors end at 32767.",
    when=RF_KEYS,
    source="ConfigDef.Range.atLeast(1)",
    example=Example(
        "3.9",
        "broker",
        wrong={"min.insync.replicas": "0"},
        right={"min.insync.replicas": "1"},
    ),
)
def too_few(broker: Broker) -> t.Iterator[Problem]:
    """default.replication.factor is not checked by Kafka, see RF-DEFAULT."""
    for key in RF_KEYS:
        reason = broker.refused.get(key)
        if reason:
            yield Problem(key, f"{shown(broker.written.get(key, ''))} {reason}")


@rule(
    "RF-ACKS",
    "Offsets are to be acknowledged by more replicas than there are",
    until="3.9",
    step="values",
    fix="Leave offsets.commit.required.acks out; the default -1 means all in-sync replicas.",
    when=("offsets.commit.required.acks", "offsets.topic.replication.factor"),
    source="KafkaConfig.validateValues, in 3.9 GroupCoordinatorConfig",
    example=Example(
        "3.9",
        "broker",
        wrong={"offsets.commit.required.acks": "4"},
        right={"offsets.commit.required.acks": "3"},
    ),
)
def acks(broker: Broker) -> t.Iterator[Problem]:
    """From -1 to offsets.topic.replication.factor."""
    value, limit = broker.integer("offsets.commit.required.acks"), broker.integer("offsets.topic.replication.factor")
    if not -1 <= value <= limit:
        yield Problem("offsets.commit.required.acks", f"is {value}; it must be from -1 to {limit}")


@rule(
    "RF-DEFAULT",
    "New topics would have no replicas",
    severity="error",
    stage="runtime",
    consequence="Kafka does not check it. Every topic that is created without a replication factor fails.",
    fix="Use 3, or 1 for a single broker.",
    when=("default.replication.factor",),
    source="ReplicationConfigs: no validator",
    example=Example(
        "3.9",
        "broker",
        wrong={"default.replication.factor": "0"},
        right={"default.replication.factor": "1"},
    ),
)
def no_replicas(broker: Broker) -> t.Iterator[Problem]:
    """Zero or negative."""
    value = broker.integer("default.replication.factor")
    if value < 1:
        yield Problem("default.replication.factor", f"is {value}")


@rule(
    "MINISR-GT-RF",
    "More in-sync replicas are demanded than there are replicas",
    severity="error",
    stage="runtime",
    consequence="Nobody can write with acks=all: NotEnoughReplicasException.",
    fix="Use a replication factor above min.insync.replicas, usually 3 and 2.",
    when=(*RF_KEYS, "default.replication.factor"),
    source="ReplicaManager; KafkaConfig does not compare them",
    example=Example(
        "3.9",
        "broker",
        common={"default.replication.factor": "3"},
        wrong={"min.insync.replicas": "4"},
        right={"min.insync.replicas": "2"},
    ),
)
def too_many_in_sync(broker: Broker) -> t.Iterator[Problem]:
    """Topics, the transaction log and the share groups' state; where at least one side is written down."""
    pairs = (
        ("min.insync.replicas", "default.replication.factor"),
        ("transaction.state.log.min.isr", "transaction.state.log.replication.factor"),
        ("share.coordinator.state.topic.min.isr", "share.coordinator.state.topic.replication.factor"),
    )
    for in_sync, replicas in pairs:
        if broker.knows(in_sync) and (broker.has(in_sync) or broker.has(replicas)) and broker.integer(in_sync) > broker.integer(replicas) >= 1:
            yield Problem(in_sync, f"is {broker.get(in_sync)}, and {replicas} is {broker.get(replicas)}")


@rule(
    "MISC",
    "Waiting requests may not hold a single large one",
    step="last",
    fix="Set queued.max.request.bytes to at least socket.request.max.bytes, or leave it out.",
    when=("queued.max.request.bytes", "socket.request.max.bytes"),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        wrong={"queued.max.request.bytes": "1000"},
        right={"queued.max.request.bytes": "104857600"},
    ),
)
def queue(broker: Broker) -> t.Iterator[Problem]:
    """Zero and below mean no limit."""
    queued, largest = broker.integer("queued.max.request.bytes"), broker.integer("socket.request.max.bytes")
    if 0 < queued < largest:
        yield Problem("queued.max.request.bytes", f"is {queued}, less than socket.request.max.bytes {largest}")


@rule(
    "MISC",
    "Nobody may connect",
    step="last",
    fix="Set max.connections.per.ip.overrides for those who may, or a limit above 0.",
    when=("max.connections.per.ip",),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        wrong={"max.connections.per.ip": "0"},
        right={"max.connections.per.ip": "0", "max.connections.per.ip.overrides": "10.0.0.1:100"},
    ),
)
def no_connections(broker: Broker) -> t.Iterator[Problem]:
    """Zero without overrides."""
    if broker.integer("max.connections.per.ip") == 0 and not broker.connection_overrides:
        yield Problem("max.connections.per.ip", "is 0 without max.connections.per.ip.overrides")


@rule(
    "MISC",
    "An override of max.connections.per.ip cannot be read",
    step="construct",
    fix="Write address:number, separated by commas.",
    when=("max.connections.per.ip.overrides",),
    source="KafkaConfig.maxConnectionsPerIpOverrides",
    example=Example(
        "3.9",
        "broker",
        wrong={"max.connections.per.ip.overrides": "127.0.0.0#:100"},
        right={"max.connections.per.ip.overrides": "127.0.0.0:100"},
    ),
)
def overrides_unreadable(broker: Broker) -> t.Iterator[Problem]:
    """The last colon divides, so that IPv6 needs no brackets."""
    key = "max.connections.per.ip.overrides"
    for address, number in broker.connection_overrides:
        if address is None:
            yield Problem(key, f"{shown(number)} has no colon")
        elif _java.integer(number, "INT") is None:
            yield Problem(key, f"{shown(f'{address}:{number}')} has no number behind the colon")
        elif not valid_host(address):
            yield Problem(key, f"{shown(address)} is no address")


@rule(
    "MISC",
    "A failed authentication is answered after the connection is closed",
    step="last",
    fix="Keep connection.failed.authentication.delay.ms below connections.max.idle.ms.",
    when=("connections.max.idle.ms", "connection.failed.authentication.delay.ms"),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        common={"connections.max.idle.ms": "1000"},
        wrong={"connection.failed.authentication.delay.ms": "1000"},
        right={"connection.failed.authentication.delay.ms": "100"},
    ),
)
def late_answer(broker: Broker) -> t.Iterator[Problem]:
    """A negative idle time means for ever."""
    idle, delay = (
        broker.integer("connections.max.idle.ms"),
        broker.integer("connection.failed.authentication.delay.ms"),
    )
    if 0 <= idle <= delay:
        yield Problem("connection.failed.authentication.delay.ms", f"is {delay}, not less than the idle time {idle}")


@rule(
    "MISC",
    "Log segments would be kept for no time at all",
    step="values",
    when=("log.retention.ms", "log.retention.minutes", "log.retention.hours", "log.roll.ms", "log.roll.jitter.ms"),
    fix="Use -1 for ever, or a number from 1 on.",
    source=_SOURCE,
    example=Example("3.9", "broker", wrong={"log.retention.ms": "0"}, right={"log.retention.ms": "-1"}),
)
def retention(broker: Broker) -> t.Iterator[Problem]:
    """log.retention.ms, else .minutes, else .hours; log.roll.ms and its jitter have no range of their own."""
    for key in ("log.retention.ms", "log.retention.minutes", "log.retention.hours"):
        value = broker.get(key)
        if value is not None:
            if value == 0:
                yield Problem(key, "is 0; it must be -1 or at least 1")
            break
    for key, least in (("log.roll.ms", 1), ("log.roll.jitter.ms", 0)):
        value = broker.get(key)
        if value is not None and value < least:
            yield Problem(key, f"is {value}, and must be at least {least}", f"Use {least} or more.")


@rule(
    "MISC",
    "A follower waits longer for data than its connection lasts",
    step="values",
    fix="Keep replica.fetch.wait.max.ms at most at replica.socket.timeout.ms and replica.lag.time.max.ms.",
    when=("replica.fetch.wait.max.ms", "replica.socket.timeout.ms", "replica.lag.time.max.ms"),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        wrong={"replica.fetch.wait.max.ms": "40000"},
        right={"replica.fetch.wait.max.ms": "500"},
    ),
)
def replica_waits(broker: Broker) -> t.Iterator[Problem]:
    """Against the socket timeout and the time after which a replica counts as lagging."""
    wait = broker.integer("replica.fetch.wait.max.ms")
    for key in ("replica.socket.timeout.ms", "replica.lag.time.max.ms"):
        if wait > broker.integer(key):
            yield Problem("replica.fetch.wait.max.ms", f"is {wait}, more than {key} {broker.get(key)}")


@rule(
    "MISC",
    "The log cleaner has too little memory",
    step="values",
    fix="Give log.cleaner.dedupe.buffer.size more than 1 MiB per thread, and log.cleaner.threads at least 1.",
    when=("log.cleaner.threads", "log.cleaner.dedupe.buffer.size"),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        wrong={"log.cleaner.dedupe.buffer.size": "1048576"},
        right={"log.cleaner.dedupe.buffer.size": "134217728"},
    ),
)
def cleaner(broker: Broker) -> t.Iterator[Problem]:
    """Zero threads are a division by zero."""
    threads, size = broker.integer("log.cleaner.threads"), broker.integer("log.cleaner.dedupe.buffer.size")
    if threads == 0:
        yield Problem("log.cleaner.threads", "is 0")
    elif abs(size) // threads * (1 if size > 0 else -1) <= 1024 * 1024:
        yield Problem("log.cleaner.dedupe.buffer.size", f"is {size} for {threads} threads")


@rule(
    "MISC",
    "A compression is unknown",
    step="values",
    when=("compression.type", "offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"),
    fix="Use uncompressed, zstd, lz4, snappy, gzip or producer in compression.type, 0 to 4 in offsets.topic.compression.codec.",
    source="BrokerCompressionCodec.isValid, from 3.3 on ConfigDef.ValidString; CompressionType.forId",
    example=Example("3.9", "broker", wrong={"compression.type": "abc"}, right={"compression.type": "zstd"}),
)
def compression(broker: Broker) -> t.Iterator[Problem]:
    """Names and ids; until 3.4 the name in any case."""
    key = "compression.type"
    known = ("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
    if broker.refused.get(key):
        yield Problem(key, f"{shown(broker.written.get(key, ''))} {broker.refused[key]}")
    elif key not in broker.refused and broker.get(key).lower() not in known:
        yield Problem(key, f"{shown(broker.get(key))} is unknown")
    for key in ("offsets.topic.compression.codec", "share.coordinator.state.topic.compression.codec"):
        if key in broker.keys and not 0 <= broker.integer(key) <= 4:
            yield Problem(key, f"is {broker.get(key)}, and must be from 0 to 4")


@rule(
    "MISC",
    "The principal builder cannot be sent between brokers",
    since="3.0",
    step="last",
    fix="Name a class that implements KafkaPrincipalSerde as well, or leave principal.builder.class out.",
    when=("principal.builder.class",),
    source=_SOURCE,
    example=Example(
        "3.9",
        "broker",
        wrong={"principal.builder.class": "org.apache.kafka.common.security.auth.KafkaPrincipalBuilder"},
        right={"principal.builder.class": "org.apache.kafka.common.security.authenticator.DefaultKafkaPrincipalBuilder"},
    ),
)
def principal_builder(broker: Broker) -> t.Iterator[Problem]:
    """Only classes of Kafka itself can be judged."""
    name = broker.get("principal.builder.class")
    interfaces = classes(broker.minor).get(name)
    if interfaces is not None and "org.apache.kafka.common.security.auth.KafkaPrincipalSerde" not in interfaces:
        yield Problem("principal.builder.class", f"{shown(name)} does not implement KafkaPrincipalSerde")


class _Order(t.NamedTuple):
    """``low`` must not be above ``high``; ``strict``: must be below it. From ``since`` on."""

    low: str
    high: str
    since: Minor
    strict: bool = False


def _orders() -> t.Iterator[_Order]:
    for group, since in (("consumer", (3, 5)), ("share", (3, 9)), ("streams", (4, 1))):
        prefix = f"group.{group}"
        for what in ("heartbeat.interval.ms", "session.timeout.ms"):
            yield _Order(f"{prefix}.min.{what}", f"{prefix}.max.{what}", since)
            yield _Order(f"{prefix}.min.{what}", f"{prefix}.{what}", since)
            yield _Order(f"{prefix}.{what}", f"{prefix}.max.{what}", since)
        beat, session = f"{prefix}.heartbeat.interval.ms", f"{prefix}.session.timeout.ms"
        yield _Order(beat, session, max(since, (4, 0)), strict=True)
        what = "assignment.interval.ms"
        yield _Order(f"{prefix}.min.{what}", f"{prefix}.max.{what}", (4, 3))
        yield _Order(f"{prefix}.min.{what}", f"{prefix}.{what}", (4, 3))
        yield _Order(f"{prefix}.{what}", f"{prefix}.max.{what}", (4, 3))
    yield _Order("group.streams.num.standby.replicas", "group.streams.max.standby.replicas", (4, 1))
    for what, since in (
        ("record.lock.duration.ms", (3, 9)),
        ("delivery.count.limit", (4, 3)),
        ("partition.max.record.locks", (4, 3)),
    ):
        yield _Order(f"group.share.min.{what}", f"group.share.{what}", since)
        yield _Order(f"group.share.{what}", f"group.share.max.{what}", since)
    yield _Order("group.share.max.size", "group.share.max.share.sessions", (4, 1))


_ORDERS = tuple(_orders())


@rule(
    "GROUP-LIMITS",
    "The limits of a group contradict each other",
    since="3.5",
    step="construct",
    fix="Keep minimum, value and maximum in this order, and the heartbeat below the session timeout.",
    source="KafkaConfig.validateValues (until 3.8), GroupCoordinatorConfig, ShareGroupConfig",
    example=Example(
        "4.3",
        "broker",
        wrong={"group.consumer.heartbeat.interval.ms": "1000"},
        right={"group.consumer.heartbeat.interval.ms": "6000"},
    ),
)
def group_limits(broker: Broker) -> t.Iterator[Problem]:
    """Consumer, share and streams groups."""
    written = [name for name in broker.written if name.startswith("group.")]
    if not written:
        return
    for order in _ORDERS:
        if broker.minor < order.since or order.low not in broker.keys or order.high not in broker.keys:
            continue
        if order.low not in written and order.high not in written:
            continue
        low, high = broker.integer(order.low), broker.integer(order.high)
        if low > high or (order.strict and low == high):
            relation = "less than" if order.strict else "at most"
            yield Problem(order.low, f"is {low}, and must be {relation} {order.high} {high}")


@rule(
    "SHARE-SNAPSHOT",
    "Too many updates between two snapshots of the share groups' state",
    since="4.0",
    until="4.2",
    step="construct",
    fix="Use a number from 0 to 500.",
    when=("share.coordinator.snapshot.update.records.per.snapshot",),
    source="ShareCoordinatorConfig (from 4.3 on ConfigDef.Range)",
    example=Example(
        "4.0",
        "broker",
        wrong={"share.coordinator.snapshot.update.records.per.snapshot": "501"},
        right={"share.coordinator.snapshot.update.records.per.snapshot": "500"},
    ),
)
def share_snapshot(broker: Broker) -> t.Iterator[Problem]:
    """Until 4.2; later the key has a range."""
    key = "share.coordinator.snapshot.update.records.per.snapshot"
    if not 0 <= broker.integer(key) <= 500:
        yield Problem(key, f"is {broker.get(key)}, and must be from 0 to 500")


@rule(
    "GROUP-PROTOCOL",
    "A group protocol is missing or not available",
    since="3.7",
    step="construct",
    fix="Keep classic in group.coordinator.rebalance.protocols; consumer needs process.roles.",
    when=("group.coordinator.rebalance.protocols",),
    source="KafkaConfig.groupCoordinatorRebalanceProtocols",
    example=Example(
        "3.9",
        "broker",
        wrong={"group.coordinator.rebalance.protocols": "consumer"},
        right={"group.coordinator.rebalance.protocols": "classic,consumer"},
    ),
)
def group_protocols(broker: Broker) -> t.Iterator[Problem]:
    """classic is required; consumer is refused with ZooKeeper in 3.8 and 3.9."""
    key = "group.coordinator.rebalance.protocols"
    protocols = broker.get(key)
    if "classic" not in protocols:
        yield Problem(key, f"{shown(','.join(protocols))} has no classic")
    if broker.zookeeper and broker.minor >= (3, 8) and "consumer" in protocols:
        yield Problem(key, "consumer needs process.roles")
