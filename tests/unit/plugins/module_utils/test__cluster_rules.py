# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer 2 over variables, and both layers together: what a user sees."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import RULES, variables
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.variables import bytes_of
from unit.rules.patches import nothing_there

Variables = dict


def listener(**options: t.Any) -> dict[str, t.Any]:
    return {"name": "INTERNAL", "port": 9092, **options}


def listeners(*items: dict[str, t.Any]) -> Variables:
    return {"kafka_listeners": list(items)}


def external(**options: t.Any) -> Variables:
    """An internal listener and one of exposure node_port on a host."""
    node_port = {"name": "EXTERNAL", "port": 9094, "exposure": "node_port", "advertised_host": "k8s.example.com", **options}
    return listeners(listener(), node_port)


def pool(**options: t.Any) -> Variables:
    return {"kafka_node_pools": [{"name": "broker", "node_ids": [0, 1, 2], **options}]}


def config(**options: t.Any) -> Variables:
    return {"kafka_config": {key.replace("_", "."): value for key, value in options.items()}}


def consumer(**options: t.Any) -> Variables:
    return {"clients_consumers": [{"name": "c", "topic": "t", **options}]}


ONE_BROKER = pool(node_ids=[0])
TWO_POOLS = [{"name": "a", "node_ids": [0, 1]}, {"name": "b", "node_ids": [2, 3]}]
LIMIT_1G = {"limits": {"memory": "1Gi"}}

# rule, variables that break it, variables as near as can be that do not
CASES: list[tuple[str, Variables, Variables]] = [
    # The tutorials' one Deployment with three replicas and one advertised.listeners.
    ("ADV-SHARED", listeners(listener(advertised_host="kafka")), listeners(listener(advertised_host="kafka-{id}"))),
    ("ADV-SHARED", listeners(listener(advertised_host="kafka")), {**listeners(listener(advertised_host="kafka")), **ONE_BROKER}),
    ("ADV-SHARED", external(node_ports={"0": 30000, "1": 30000, "2": 30002}), external(node_ports={"0": 30000, "1": 30001, "2": 30002})),
    ("ADV-SHARED", external(advertised_port=9094), external(first_node_port=30000)),
    ("ADV-SHARED", config(advertised_listeners="PLAINTEXT://kafka:9092"), {}),
    ("ID-SHARED", pool(node_ids=[0, 1, 1]), pool(node_ids=[0, 1, 2])),
    (
        "ID-SHARED",
        {"kafka_node_pools": [{"name": "a", "node_ids": [0, 1]}, {"name": "b", "node_ids": [1, 2]}]},
        {"kafka_node_pools": TWO_POOLS},
    ),
    ("NAME-SHARED", {"kafka_node_pools": [{"name": "a", "node_ids": [0]}, {"name": "a", "node_ids": [1]}]}, {"kafka_node_pools": TWO_POOLS}),
    (
        "NAME-SHARED",
        {"clients_producers": [{"name": "x", "topic": "t"}], "clients_consumers": [{"name": "x", "topic": "t"}]},
        {"clients_producers": [{"name": "x", "topic": "t"}], "clients_consumers": [{"name": "y", "topic": "t"}]},
    ),
    (
        "SCALE-IN-DEFINED",
        {"kafka_scale_in": "1,2", "kafka_node_pools": [{"name": "a", "node_ids": [0, 1, 3]}]},
        {"kafka_scale_in": "1,2", "kafka_node_pools": [{"name": "a", "node_ids": [0, 3, 4]}]},
    ),
    ("LSN-DUP-NAME", listeners(listener(), listener(name="internal", port=9093)), listeners(listener(), listener(name="OTHER", port=9093))),
    ("LSN-DUP-PORT", listeners(listener(), listener(name="OTHER")), listeners(listener(), listener(name="OTHER", port=9093))),
    ("LSN-NONE", listeners(), listeners(listener())),
    ("LSN-UNKNOWN", {"kafka_inter_broker_listener": "OTHER"}, {"kafka_inter_broker_listener": "internal"}),
    ("LSN-UNKNOWN", consumer(listener="OTHER"), consumer(listener="INTERNAL")),
    (
        "PORT-NAME-SHARED",
        listeners(listener(name="CLIENTS_IN_EUROPE_A"), listener(name="CLIENTS_IN_EUROPE_B", port=9093)),
        listeners(listener(name="CLIENTS_IN_EUR_A"[:14] + "A"), listener(name="CLIENTS_IN_EUR_A"[:14] + "B", port=9093)),
    ),
    ("ADV-0000", listeners(listener(advertised_host="0.0.0.0")), listeners(listener(advertised_host="10.0.0.1"))),
    ("ADV-WILDCARD", listeners(listener(advertised_host="[::]")), listeners(listener(advertised_host="[2001:db8::1]"))),
    ("ADV-WILDCARD", listeners(listener(advertised_host="0")), listeners(listener(advertised_host="0.example.com"))),
    ("ADV-LOOPBACK", listeners(listener(advertised_host="localhost")), listeners(listener(advertised_host="localhost.example.com"))),
    ("ADV-LOOPBACK", listeners(listener(advertised_hosts={"1": "127.0.0.1"})), listeners(listener(advertised_hosts={"1": "128.0.0.1"}))),
    ("HOST-NOT-DNS", listeners(listener(advertised_host="kafka_{id}")), listeners(listener(advertised_host="kafka-{id}"))),
    ("HOST-NOT-DNS", listeners(listener(advertised_host="http://kafka-{id}")), listeners(listener(advertised_host="kafka-{id}."))),
    ("ADV-UNKNOWN-NODE", listeners(listener(advertised_hosts={"3": "kafka-3"})), listeners(listener(advertised_hosts={"2": "kafka-2"}))),
    ("NODEPORT-HOST", external(advertised_host=""), external()),
    (
        "NODEPORT-HOST",
        external(advertised_host="", advertised_hosts={"0": "a", "1": "b"}),
        external(advertised_host="", advertised_hosts={"0": "a", "1": "b", "2": "c"}),
    ),
    ("NODEPORT-VALUE", external(node_ports={"0": "http"}), external(node_ports={"0": "30000"})),
    ("NODEPORT-VALUE", external(first_node_port=30000, exposure="load_balancer"), external(exposure="load_balancer")),
    (
        "NODEPORT-SHARED",
        listeners(*external(first_node_port=30000)["kafka_listeners"], {**external(first_node_port=30002)["kafka_listeners"][1], "name": "B", "port": 9095}),
        listeners(*external(first_node_port=30000)["kafka_listeners"], {**external(first_node_port=30003)["kafka_listeners"][1], "name": "B", "port": 9095}),
    ),
    ("NODEPORT-RANGE", external(first_node_port=32766), external(first_node_port=32765)),
    ("RF-GT-BROKERS", config(default_replication_factor=4), config(default_replication_factor=3)),
    ("RF-GT-BROKERS", {**config(offsets_topic_replication_factor="3"), **ONE_BROKER}, {**config(offsets_topic_replication_factor="1"), **ONE_BROKER}),
    ("MINISR-GT-RF", config(min_insync_replicas=4), config(min_insync_replicas=3)),
    ("MINISR-EQ-RF", config(min_insync_replicas=3), config(min_insync_replicas=2)),
    ("MINISR-EQ-RF", config(min_insync_replicas=3), ONE_BROKER),
    ("RACK-FEW", pool(racks=["a", "b"]), pool(racks=["a", "b", "c"])),
    ("RACK-FEW", {"kafka_node_pools": [{**TWO_POOLS[0], "racks": ["a", "b", "c"]}, TWO_POOLS[1]]}, {"kafka_node_pools": TWO_POOLS}),
    ("STOPPED-UNKNOWN", {**ONE_BROKER, "kafka_stopped": [7]}, {**ONE_BROKER, "kafka_stopped": "0"}),
    ("CONFIG-OWNED", config(broker_id=1), config(log_retention_hours=1)),
    ("CONFIG-OWNED", pool(config={"listeners": "A://:1"}), pool(config={"num.io.threads": 4})),
    ("HEAP-OVER-LIMIT", pool(heap="1g", resources=LIMIT_1G), pool(heap="700m", resources=LIMIT_1G)),
    ("HEAP-OVER-LIMIT", {"zookeeper_heap": "1g", "zookeeper_resources": LIMIT_1G}, {"zookeeper_heap": "700m", "zookeeper_resources": LIMIT_1G}),
    ("ZK-RELEASE", {"kafka_version": "4.0.0"}, {"kafka_version": "3.9.2"}),
    ("ZK-EVEN", {"zookeeper_nodes": 4}, {"zookeeper_nodes": 5}),
    ("ZK-SINGLE", {"zookeeper_nodes": 1}, {"zookeeper_nodes": 1, **ONE_BROKER}),
    ("ZK-CHROOT-TWICE", {"zookeeper_connect": "zk:2181/a", "zookeeper_chroot": "/b"}, {"zookeeper_connect": "zk:2181/a"}),
    ("CLIENT-NO-GROUP", consumer(replicas=2), consumer(replicas=2, group_id="g")),
    ("CLIENT-NO-GROUP", consumer(replicas=2), consumer(replicas=1)),
]  # fmt: skip


def rules_broken(variables: Variables) -> set[str]:
    """Rules of both layers, where the Kubernetes cluster is empty."""
    return {finding.rule for finding in _validate.validate({"kafka_mode": "zookeeper", "kafka_version": "3.9.2", **variables}, nothing_there)[1]}


@pytest.mark.parametrize(("rule", "wrong", "right"), CASES)
def test_a_rule_tells_wrong_from_right(rule: str, wrong: Variables, right: Variables) -> None:
    assert rule in rules_broken(wrong)
    assert rule not in rules_broken(right)


def test_every_rule_about_variables_has_a_case() -> None:
    # Those about security have a table of their own, in test__security_rules.
    assert {rule.id for rule in RULES if rule.problems.__module__ == variables.__name__} <= {rule for rule, _wrong, _right in CASES}


def test_nothing_to_say_about_the_defaults() -> None:
    assert rules_broken({}) == set()


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [("1Gi", 2**30), ("1g", 2**30), ("1G", 10**9), ("512m", 2**29), ("1.5Gi", 1.5 * 2**30), ("100", 100), ("much", None), (None, None)],
)
def test_bytes_of(quantity: t.Any, expected: float | None) -> None:
    assert bytes_of(quantity) == expected
