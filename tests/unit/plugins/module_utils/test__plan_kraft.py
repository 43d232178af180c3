# SPDX-License-Identifier: GPL-3.0-or-later
"""What is applied for a cluster in KRaft mode."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _plan, _plan_kafka

SPLIT = [{"name": "controller", "node_ids": [100, 101, 102], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1], "racks": ["a", "b"]}]


def plan(**variables: t.Any) -> _plan.Plan:
    definition = _definition.read({"kafka_cluster_name": "events", **variables})[0]
    numbers = iter(range(100))
    return _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: f"id-{next(numbers)}"))


def test_a_small_cluster_has_nodes_that_are_both() -> None:
    found = plan()
    assert [node.name for node in found.nodes] == ["events-node-0", "events-node-1", "events-node-2"]
    assert found.brokers == found.controllers == found.nodes
    properties = found.nodes[1].properties
    assert properties["process.roles"] == "broker,controller"
    assert properties["node.id"] == "1"
    assert properties["listeners"] == "INTERNAL://:9092,CONTROLLER://:9090"
    assert properties["listener.security.protocol.map"] == "INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
    assert "zookeeper.connect" not in properties
    assert found.zookeeper_nodes == ()


@pytest.mark.parametrize(("config", "shown"), [({}, "500"), ({"broker.heartbeat.interval.ms": 3000}, "3000")])
def test_a_broker_that_ends_is_let_go_soon_unless_the_user_says_otherwise(config: dict[str, int], shown: str) -> None:
    assert {node.properties["broker.heartbeat.interval.ms"] for node in plan(kafka_config=config).nodes} == {shown}


def test_controllers_and_brokers_of_their_own() -> None:
    found = plan(kafka_node_pools=SPLIT)
    assert [node.id for node in found.controllers] == [100, 101, 102]
    assert [node.id for node in found.brokers] == [0, 1]
    controller, broker = found.controllers[0], found.brokers[0]
    assert controller.properties["listeners"] == "CONTROLLER://:9090"
    assert controller.properties["process.roles"] == "controller"
    assert "broker.rack" not in controller.properties
    assert broker.properties["process.roles"] == "broker"
    assert broker.properties["controller.listener.names"] == "CONTROLLER"
    assert (controller.component, broker.component) == ("controller", "broker")
    assert controller.live_port == 9090


def test_a_dynamic_quorum_begins_with_the_controllers_that_there_are() -> None:
    found = plan(kafka_node_pools=SPLIT)
    hosts = [f"events-controller-{node}-0.events-controller-nodes.kafka.svc.cluster.local:9090" for node in (100, 101, 102)]
    assert found.identity.initial_controllers == ",".join(f"{node}@{host}:id-{node - 99}" for node, host in zip((100, 101, 102), hosts))
    assert found.identity.cluster_id == "id-0"
    for node in found.nodes:
        assert node.properties["controller.quorum.bootstrap.servers"] == ",".join(hosts)
        assert "controller.quorum.voters" not in node.properties


def test_a_static_quorum_is_written_into_every_node() -> None:
    found = plan(kafka_quorum="static", kafka_version="3.8.1")
    assert found.identity.initial_controllers == ""
    hosts = [f"{node.id}@{node.host}:9090" for node in found.controllers]
    assert {node.properties["controller.quorum.voters"] for node in found.nodes} == {",".join(hosts)}


@pytest.mark.parametrize(("version", "advertised"), [("3.9.2", True), ("3.8.1", False)])
def test_controllers_are_advertised_where_kafka_allows_it(version: str, advertised: bool) -> None:
    for node in plan(kafka_version=version, kafka_quorum="static", kafka_node_pools=SPLIT).controllers:
        assert (node.properties.get("advertised.listeners") == f"CONTROLLER://{node.host}:9090") is advertised


def test_replication_counts_brokers_only() -> None:
    assert plan(kafka_node_pools=SPLIT).nodes[0].properties["default.replication.factor"] == "2"


def test_services_lead_to_brokers_only() -> None:
    services = {service.name: service for service in plan(kafka_node_pools=SPLIT).services}
    assert set(services) == {"events-broker-nodes", "events-controller-nodes", "events-bootstrap", "events-broker-0", "events-broker-1"}
    assert services["events-bootstrap"].selector["app.kubernetes.io/component"] == "broker"
    assert [port.port for port in services["events-controller-nodes"].ports] == [9090]
    assert [port.port for port in services["events-broker-nodes"].ports] == [9092]


def test_the_id_that_is_given_is_kept() -> None:
    assert plan(kafka_cluster_id="MkU3OEVBNTcwNTJENDM2Qk").identity.cluster_id == "MkU3OEVBNTcwNTJENDM2Qk"
