# SPDX-License-Identifier: GPL-3.0-or-later
"""What is applied for a definition."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _plan, _plan_model, _properties


def plan(variables: dict[str, t.Any], addresses: dict[str, t.Any] | None = None) -> _plan.Plan:
    return _plan.build(_definition.read({"kafka_cluster_name": "events", "kafka_mode": "zookeeper", "kafka_version": "3.9.2", **variables})[0], addresses or {})


def with_listener(**options: t.Any) -> dict[str, t.Any]:
    return {"kafka_listeners": [{"name": "INTERNAL", "port": 9092}, {"name": "OUT_SIDE", "port": 9094, **options}]}


def advertised(found: _plan.Plan, node: int) -> str:
    return found.nodes[node].properties["advertised.listeners"].split(",")[1]


LISTENERS: list[tuple[str, dict[str, t.Any], dict[str, t.Any], str]] = [
    ("internal", {}, {}, "events-broker-1-0.events-broker-nodes.kafka.svc.cluster.local:9094"),
    ("cluster_ip", {}, {}, "events-broker-1.kafka.svc.cluster.local:9094"),
    ("node_port", {"advertised_host": "k8s", "first_node_port": 30000}, {}, "k8s:30001"),
    ("node_port", {"advertised_host": "k8s-{id}", "node_ports": {1: 30007}}, {}, "k8s-1:30007"),
    ("node_port", {"advertised_host": "k8s"}, {"events-broker-1-out-side": {"node_ports": {"out-side": 31234}}}, "k8s:31234"),
    ("node_port", {"advertised_host": "k8s"}, {}, "k8s:65535"),
    ("load_balancer", {}, {"events-broker-1-out-side": {"host": "192.0.2.1"}}, "192.0.2.1:9094"),
    ("load_balancer", {"advertised_hosts": {"1": "one"}, "advertised_port": 443}, {}, "one:443"),
    ("load_balancer", {}, {}, "events-broker-1-out-side.invalid:9094"),
]


@pytest.mark.parametrize(("exposure", "options", "addresses", "expected"), LISTENERS)
def test_advertised_address(exposure: str, options: dict[str, t.Any], addresses: dict[str, t.Any], expected: str) -> None:
    found = plan(with_listener(exposure=exposure, **options), addresses)
    assert advertised(found, 1) == f"OUT_SIDE://{expected}"
    assert ("events-broker-1-out-side" in found.unassigned) is ("invalid" in expected or "65535" in expected)


def test_one_service_for_each_broker_and_exposed_listener() -> None:
    services = {service.name: service for service in plan(with_listener(exposure="node_port", advertised_host="h", first_node_port=30000)).services}
    for node in (0, 1, 2):
        inside, outside = services[f"events-broker-{node}"], services[f"events-broker-{node}-out-side"]
        assert [port.port for port in inside.ports] == [9092]
        assert [(port.port, port.node_port) for port in outside.ports] == [(9094, 30000 + node)]
        one = {"kafkaops.kubernetes/node": f"events-broker-{node}", "app.kubernetes.io/name": "kafka"}
        assert inside.selector == outside.selector == {**services["events-bootstrap"].selector, **one}
    assert services["events-broker-nodes"].headless
    assert services["events-zookeeper-nodes"].headless


def test_no_two_services_have_one_name() -> None:
    names = [service.name for service in plan(with_listener(exposure="load_balancer")).services]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("brokers", "factor", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (5, "3", "2")])
def test_replication_fits_the_brokers(brokers: int, factor: str, in_sync: str) -> None:
    properties = plan({"kafka_node_pools": [{"name": "broker", "node_ids": list(range(brokers))}]}).nodes[0].properties
    assert properties["default.replication.factor"] == properties["offsets.topic.replication.factor"] == factor
    assert properties["min.insync.replicas"] == properties["transaction.state.log.min.isr"] == in_sync


@pytest.mark.parametrize("key", ["replica.fetch.backoff.ms", "replica.fetch.wait.max.ms"])
def test_followers_ask_a_new_leader_soon_unless_the_user_says_otherwise(key: str) -> None:
    for config, shown in [({}, "100"), ({key: 500}, "500")]:
        assert {node.properties[key] for node in plan({"kafka_config": config}).nodes} == {shown}


def test_brokers_of_a_cluster_with_zookeeper_have_no_heartbeat() -> None:
    assert all("broker.heartbeat.interval.ms" not in node.properties for node in plan({}).nodes)


def test_configuration_of_a_pool_is_over_that_of_the_cluster() -> None:
    pools = [{"name": "a", "node_ids": [0]}, {"name": "b", "node_ids": [1], "config": {"num.io.threads": 2}}]
    found = plan({"kafka_config": {"num.io.threads": 4}, "kafka_node_pools": pools})
    assert [node.properties["num.io.threads"] for node in found.nodes] == ["4", "2"]


def test_options_of_the_jvm_are_those_of_the_pool() -> None:
    pools = [{"name": "a", "node_ids": [0]}, {"name": "b", "node_ids": [1], "jvm_options": ["-Xlog:gc", "-Xmn100m"]}]
    assert [node.jvm_options for node in plan({"kafka_node_pools": pools}).nodes] == [(), ("-Xlog:gc", "-Xmn100m")]


def test_racks_are_taken_in_turn_and_bind_the_pod_to_the_zone() -> None:
    found = plan({"kafka_node_pools": [{"name": "broker", "node_ids": [5, 6, 7], "racks": ["a", "b"]}]})
    assert [node.properties["broker.rack"] for node in found.nodes] == ["a", "b", "a"]
    terms = found.nodes[1].affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms[0]["matchExpressions"][0] == {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["b"]}


def test_data_lies_below_the_mount_of_each_volume() -> None:
    node = plan({"kafka_node_pools": [{"name": "broker", "node_ids": [0], "volumes": [{"size": "1Gi"}, {"size": "2Gi", "storage_class": "fast"}]}]}).nodes[0]
    assert node.properties["log.dirs"] == "/var/lib/kafka/data-0/log,/var/lib/kafka/data-1/log"
    assert [(claim.size, claim.storage_class, claim.mount_path) for claim in node.claims] == [
        ("1Gi", "", "/var/lib/kafka/data-0"),
        ("2Gi", "fast", "/var/lib/kafka/data-1"),
    ]


def test_an_ensemble_of_three_knows_itself() -> None:
    found = plan({"zookeeper_chroot": "/events"})
    assert [node.command[-1] for node in found.zookeeper_nodes] == ["1", "2", "3"]
    for node in found.zookeeper_nodes:
        assert node.properties[f"server.{node.id}"] == f"{node.host}:2888:3888"
    assert found.zookeeper_connect == ",".join(f"{node.host}:2181" for node in found.zookeeper_nodes) + "/events"


def test_a_single_server_is_not_an_ensemble() -> None:
    assert not [key for key in plan({"zookeeper_nodes": 1}).zookeeper_nodes[0].properties if key.startswith("server.")]


def test_an_existing_ensemble_is_used() -> None:
    found = plan({"zookeeper_connect": "zk-0:2181,zk-1:2181/kafka"})
    assert found.zookeeper_nodes == ()
    assert found.nodes[0].properties["zookeeper.connect"] == "zk-0:2181,zk-1:2181/kafka"
    assert not [service for service in found.services if service.component == "zookeeper"]


def test_a_checksum_follows_its_own_file_only() -> None:
    one, other = plan({}), plan({"kafka_config": {"num.io.threads": 4}})
    assert one.nodes[0].checksum != other.nodes[0].checksum
    assert one.nodes[0].checksum != one.nodes[1].checksum
    assert [node.checksum for node in one.zookeeper_nodes] == [node.checksum for node in other.zookeeper_nodes]


def test_client_properties() -> None:
    client = {
        "name": "c",
        "topic": "t",
        "group_id": "g",
        "max_poll_records": "100",
        "value_deserializer": "D",
        "properties": {"auto.offset.reset": "earliest", "group.id": "lost"},
    }
    file = plan({"clients_consumers": [client]}).clients[0].file
    assert file.splitlines() == [
        "auto.offset.reset=earliest",
        "bootstrap.servers=events-bootstrap.kafka.svc.cluster.local:9092",
        "group.id=g",
        "max.poll.records=100",
        "value.deserializer=D",
    ]


@pytest.mark.parametrize(
    ("listener", "expected"),
    [("INTERNAL", "events-bootstrap.kafka.svc.cluster.local:9092"), ("OUT_SIDE", "h:30000,h:30001,h:30002")],
)
def test_clients_begin_at_the_listener_they_name(listener: str, expected: str) -> None:
    variables = with_listener(exposure="node_port", advertised_host="h", first_node_port=30000)
    found = plan({**variables, "clients_producers": [{"name": "p", "topic": "t", "listener": listener}]})
    assert found.clients[0].bootstrap_servers == expected


SERVICES: list[tuple[dict[str, t.Any], dict[str, t.Any]]] = [
    ({"spec": {}, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}, {"host": "192.0.2.1", "node_ports": {}}),
    ({"spec": {}, "status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.com"}]}}}, {"host": "lb.example.com", "node_ports": {}}),
    ({"spec": {"ports": [{"name": "a", "nodePort": 30000}]}, "status": {"loadBalancer": {}}}, {"host": "", "node_ports": {"a": 30000}}),
    ({"spec": {"ports": [{"name": "a"}]}}, {"host": "", "node_ports": {}}),
]


@pytest.mark.parametrize(("service", "expected"), SERVICES)
def test_assigned(service: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert _plan.assigned([{"metadata": {"name": "s"}, **service}]) == {"s": expected}


@pytest.mark.parametrize(
    ("heap", "given", "expected"),
    [
        ("1g", {}, {"requests": {"cpu": "250m", "memory": "1408Mi"}}),
        ("512m", {}, {"requests": {"cpu": "250m", "memory": "896Mi"}}),
        ("512m", {"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1Gi"}}),
    ],
)
def test_resources_for(heap: str, given: dict[str, t.Any], expected: dict[str, t.Any]) -> None:
    assert _plan_model.resources_for(heap, given) == expected


@pytest.mark.parametrize(("value", "line"), [("C:\\x", "k=C:\\\\x"), ("é", "k=\\u00e9"), ("\U0001f600", "k=\\ud83d\\ude00"), ("a=b", "k=a=b")])
def test_properties_are_read_by_java_as_they_were_meant(value: str, line: str) -> None:
    assert _properties.render({"k": value}) == line + "\n"


def test_names_fit_kubernetes_at_their_longest() -> None:
    pools = [{"name": "p" * 10, "node_ids": [99999]}]
    out = {"name": "L" * 20, "port": 9094, "exposure": "load_balancer"}
    found = plan({"kafka_cluster_name": "c" * 30, "kafka_node_pools": pools, "kafka_listeners": [{"name": "A", "port": 9092}, out]})
    assert max(len(service.name) for service in found.services) == 63
    # A pod carries its StatefulSet's name and a hash of ten characters as a label.
    assert max(len(node.name) for node in (*found.nodes, *found.zookeeper_nodes)) <= 52
