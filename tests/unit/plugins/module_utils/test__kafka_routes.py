# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the addresses of a cluster lead."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _kafka_routes, _plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import Address, BrokerPod, Routes, Target

PODS = (BrokerPod("events-broker-0-0", "events-broker-0", False), BrokerPod("events-broker-1-0", "events-broker-1", True))
NODE_PORT = Address("203.0.113.5", 30091, "events-broker-1", 9094)
ROUTES = Routes("events", "team-a", PODS, (NODE_PORT, Address("Kafka.example.com", 9094, "events-broker-0", 9095)))

CASES: list[tuple[str, int, list[Target]]] = [
    ("events-broker-0-0.events-broker-nodes.team-a.svc.cluster.local", 9092, [Target("events-broker-0-0", 9092)]),
    ("EVENTS-broker-0-0.events-broker-nodes.team-a.svc.k8s.example.com.", 9092, [Target("events-broker-0-0", 9092)]),
    ("events-broker-0-0.events-broker-nodes", 9092, [Target("events-broker-0-0", 9092)]),
    ("events-broker-1.team-a.svc", 9093, [Target("events-broker-1-0", 9093)]),
    ("events-broker-1", 9093, [Target("events-broker-1-0", 9093)]),
    # Any broker, those that are ready first.
    ("events-bootstrap", 9092, [Target("events-broker-1-0", 9092), Target("events-broker-0-0", 9092)]),
    ("events-bootstrap.team-a.svc.cluster.local", 9092, [Target("events-broker-1-0", 9092), Target("events-broker-0-0", 9092)]),
    # Outside: by host and port, and to the listener's port in the pod.
    ("203.0.113.5", 30091, [Target("events-broker-1-0", 9094)]),
    ("kafka.EXAMPLE.com.", 9094, [Target("events-broker-0-0", 9095)]),
    # None of the cluster's addresses.
    ("203.0.113.5", 30092, []),
    ("203.0.113.6", 30091, []),
    ("events-broker-2", 9092, []),
    ("events-broker-0-0.events-broker-nodes.team-b.svc.cluster.local", 9092, []),
    ("events-broker-0.team-b", 9092, []),
    ("events-broker-0.example.com", 9092, []),
    ("other-bootstrap", 9092, []),
    ("kubernetes.default.svc", 443, []),
    ("", 9092, []),
    ("svc", 9092, []),
]


@pytest.mark.parametrize(("host", "port", "expected"), CASES)
def test_targets(host: str, port: int, expected: list[Target]) -> None:
    assert ROUTES.targets(host, port) == expected


def pod(name: str, **more: t.Any) -> dict[str, t.Any]:
    labels = {_kafka_routes.COMPONENT: "broker", _kafka_routes.NODE: name.rpartition("-")[0]}
    return {"metadata": {"name": name, "labels": labels, **more}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def test_pods_that_go_or_are_none_of_the_brokers_are_left_out() -> None:
    zookeeper = pod("z-0", labels={_kafka_routes.COMPONENT: "zookeeper"})
    starting = {**pod("b-1-0"), "status": {}}
    found = _kafka_routes.broker_pods([pod("b-2-0"), starting, zookeeper, pod("b-3-0", deletionTimestamp="2026-01-01T00:00:00Z")])
    assert found == (BrokerPod("b-1-0", "b-1", False), BrokerPod("b-2-0", "b-2", True))


def test_every_address_of_a_plan_inside_kubernetes_leads_to_its_own_pod() -> None:
    definition, findings = _definition.read(
        {"kafka_listeners": [{"name": "INTERNAL", "port": 9092}, {"name": "STABLE", "port": 9093, "exposure": "cluster_ip"}]}
    )
    assert not [finding for finding in findings if finding.severity == "error"]
    plan = _plan.build(definition, {})
    pods = tuple(BrokerPod(node.pod, node.name, True) for node in plan.nodes)
    routes = Routes(plan.cluster, plan.namespace, pods)
    for node in plan.nodes:
        for place in node.advertised:
            assert routes.targets(place.host, place.port) == [Target(node.pod, place.port)]
    for servers in plan.bootstrap.values():
        host, _colon, port = servers.rpartition(":")
        assert routes.targets(host, int(port)) == [Target(node.pod, int(port)) for node in plan.nodes]
