# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over replication, and over what brokers must agree on."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server, numbered
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, changed, objects, rule

FACTORS = ("default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor")
SHARE_FACTOR = "share.coordinator.state.topic.replication.factor"
ISR_PAIRS = (
    ("min.insync.replicas", "default.replication.factor"),
    ("transaction.state.log.min.isr", "transaction.state.log.replication.factor"),
)


def _values(planned: Planned, *keys: str) -> t.Iterator[tuple[Server, tuple[int, ...]]]:
    """The values of keys on all brokers, those that are equal once."""
    seen: set[tuple[int, ...]] = set()
    for server in planned.brokers:
        values = tuple(number for number in (server.number(key) for key in keys) if number is not None)
        if len(values) == len(keys) and values not in seen:
            seen.add(values)
            yield server, values


@rule(
    "RF-GT-BROKERS",
    "error",
    "runtime",
    "Topics cannot be created; with the offsets topic every consumer group hangs: 'does not meet the required replication factor'.",
    example=Example(
        "variables",
        wrong="{kafka_node_pools: [{name: broker, node_ids: [0]}], kafka_config: {offsets.topic.replication.factor: 3}}",
        right="{kafka_node_pools: [{name: broker, node_ids: [0]}], kafka_config: {offsets.topic.replication.factor: 1}}",
    ),
)
def factor_over_brokers(planned: Planned) -> t.Iterator[Problem]:
    """A partition has its replicas on different brokers."""
    yield from _too_many(planned, FACTORS)


@rule(
    "RF-GT-BROKERS",
    "warning",
    "runtime",
    "Share groups (Kafka 4.0 and later) cannot be used: the topic with their state cannot be created.",
    example=Example("kraft", wrong=objects(changed("kafka", spec="replicas: 1")), right=objects(changed("kafka", spec="replicas: 3"))),
)
def share_factor_over_brokers(planned: Planned) -> t.Iterator[Problem]:
    """So has the topic with the state of share groups."""
    yield from _too_many(planned, (SHARE_FACTOR,))


def _too_many(planned: Planned, keys: t.Sequence[str]) -> t.Iterator[Problem]:
    brokers = len(planned.brokers)
    for key in keys:
        for server, (factor,) in _values(planned, key):
            if factor > brokers:
                default = "" if key in server.properties else " by default"
                yield Problem(server.where(key), f"{key} is {factor}{default}, and there are {brokers} brokers", f"set at most {brokers}, or add brokers")


@rule(
    "MINISR-EQ-RF",
    "warning",
    "runtime",
    "Whenever one broker is down, restarts included, producers with acks=all stop.",
    example=Example("variables", wrong="kafka_config: {min.insync.replicas: 3}", right="kafka_config: {min.insync.replicas: 2}"),
)
def in_sync_equals_factor(planned: Planned) -> t.Iterator[Problem]:
    """One replica must be able to be absent."""
    for in_sync_key, factor_key in ISR_PAIRS:
        for server, (in_sync, factor) in _values(planned, in_sync_key, factor_key):
            if in_sync == factor > 1:
                yield Problem(server.where(in_sync_key), f"{in_sync} in-sync replicas of {factor} ({factor_key})", f"set {factor - 1}")


def _later(name: str) -> str:
    """A fourth broker, whose only listener has this name."""
    variables = (
        "KAFKA_BROKER_ID=9",
        "KAFKA_ZOOKEEPER_CONNECT=zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181/kafka",
        f"KAFKA_LISTENERS={name}://:9092",
        f"KAFKA_ADVERTISED_LISTENERS={name}://later.example.com:9092",
        f"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP={name}:PLAINTEXT",
        f"KAFKA_INTER_BROKER_LISTENER_NAME={name}",
    )
    return objects(changed("later", *variables, container="image: 'confluentinc/cp-kafka:7.9.0'"))


@rule(
    "IB-DIFFERS",
    "error",
    "runtime",
    "Brokers look for each other under the name of their own inter-broker listener: 'End point with listener name ... not found for broker'.",
    example=Example("zookeeper", wrong=_later("INTERNAL"), right=_later("PLAINTEXT")),
)
def inter_broker_differs(planned: Planned) -> t.Iterator[Problem]:
    """All brokers advertise the inter-broker listener of each, with one security protocol."""
    found: dict[tuple[str, str], list[Server]] = {}
    for server in planned.brokers:
        own = server.read(lambda broker: broker.inter_broker) or ("", "")
        if own[0]:
            found.setdefault(own, []).append(server)
    if len(found) < 2:
        return
    for (name, protocol), servers in found.items():
        lacking = [each for each in planned.brokers if (name, protocol) not in _offered(each)]
        if lacking:
            message = f"brokers {numbered(servers)} use {name} ({protocol}) among brokers, which brokers {numbered(lacking)} do not have"
            yield Problem(servers[0].where("inter.broker.listener.name"), message, "use one inter-broker listener on all brokers", (servers[0].pod,))


def _offered(server: Server) -> set[tuple[str, str]]:
    protocols = server.read(lambda broker: broker.protocols) or {}
    return {(endpoint.name, protocols.get(endpoint.name, "")) for endpoint in (server.read(lambda broker: broker.advertised_to_clients) or [])}
