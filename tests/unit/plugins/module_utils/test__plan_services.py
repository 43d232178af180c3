# SPDX-License-Identifier: GPL-3.0-or-later
"""Where clients come in, and who may."""

from __future__ import annotations

import itertools
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _manifests, _plan, _validate

SPLIT = [{"name": "ctl", "node_ids": [100], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1, 12]}]
APPS = {"podSelector": {"matchLabels": {"app": "shop"}}, "namespaceSelector": {"matchLabels": {"team": "shop"}}}
OFFICE = {"ipBlock": {"cidr": "192.0.2.0/24"}}


def plan(*listeners: dict[str, t.Any], **variables: t.Any) -> _plan.Plan:
    definition, findings = _definition.read(
        {"kafka_cluster_name": "events", "kafka_node_pools": SPLIT, "kafka_listeners": list(listeners), **variables}
    )
    assert findings == []
    return _plan.build(definition, {})


def listener(name: str = "INTERNAL", port: int = 9092, **options: t.Any) -> dict[str, t.Any]:
    return {"name": name, "port": port, **options}


def custom(**options: t.Any) -> dict[str, t.Any]:
    return listener("OUT", 9094, exposure="custom", **options)


# --- custom exposure ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"advertised_host": "b{id}.example.com"}, ["b0.example.com:9094", "b1.example.com:9094", "b12.example.com:9094"]),
        ({"advertised_host": "b{id}.example.com", "advertised_port": 443}, ["b0.example.com:443", "b1.example.com:443", "b12.example.com:443"]),
        ({"advertised_host": "example.com", "advertised_port": "310{id}"}, ["example.com:3100", "example.com:3101", "example.com:31012"]),
        ({"advertised_host": "{id}.a{id}", "advertised_port": "{id}"}, ["0.a0:9094", "1.a1:1", "12.a12:12"]),
        ({"advertised_host": "rest", "advertised_hosts": {"1": "one"}}, ["rest:9094", "one:9094", "rest:9094"]),
        ({"advertised_hosts": {"0": "a", "1": "b", "12": "c-{id}"}}, ["a:9094", "b:9094", "c-12:9094"]),
    ],
)
def test_what_a_custom_way_in_advertises(options: dict[str, t.Any], expected: list[str]) -> None:
    found = plan(listener(), custom(**options))
    assert [f"{place.host}:{place.port}" for node in found.brokers for place in node.advertised if place.listener == "OUT"] == expected
    assert found.bootstrap["OUT"] == ",".join(expected)
    assert found.unassigned == ()
    assert "OUT" in found.external_listeners


def test_a_custom_way_leads_to_the_brokers_own_services() -> None:
    services = {service.name: service for service in plan(listener(), custom(advertised_host="b{id}")).services}
    shared = {"events-broker-nodes", "events-controller-nodes", "events-bootstrap"}
    assert set(services) == shared | {"events-broker-0", "events-broker-1", "events-broker-12"}
    for name in ("events-bootstrap", "events-broker-12"):
        assert [(port.name, port.port, port.target_port) for port in services[name].ports] == [("internal", 9092, 9092), ("out", 9094, 9094)]
    assert services["events-broker-12"].selector["kafkaops.kubernetes/node"] == "events-broker-12"


def test_a_port_beyond_all_ports_is_told() -> None:
    def told(port: str) -> set[str]:
        listeners = [listener(), custom(advertised_host="h", advertised_port=port)]
        pools = [{"name": "n", "node_ids": [100], "roles": ["broker", "controller"]}]
        return {finding.severity for finding in _validate.validate({"kafka_listeners": listeners, "kafka_node_pools": pools})[1]}

    assert "error" in told("90{id}")
    assert "error" not in told("9{id}")


# --- network policies --------------------------------------------------------------------------------------------


def policies(found: _plan.Plan) -> dict[str, list[dict[str, t.Any]]]:
    """Ingress rules by component."""
    specs = [obj["spec"] for obj in _manifests.network_policies(found.as_dict())]
    return {spec["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: spec["ingress"] for spec in specs}


def opened(rules: list[dict[str, t.Any]]) -> dict[int, t.Any]:
    """Who may come to a port, beside the nodes; None for everybody."""
    return {port["port"]: rule.get("from") for rule in rules for port in rule.get("ports", [])}


def test_nobody_asks_for_policies_and_there_are_none() -> None:
    assert plan(listener(), custom(advertised_host="b{id}")).network_policies == ()


OPEN: list[tuple[list[t.Any], dict[int, t.Any]]] = [
    ([[APPS]], {9090: [APPS]}),
    ([[APPS, OFFICE], None], {9090: [APPS, OFFICE], 9091: None}),
    ([[], None], {9091: None}),
    ([[], []], {}),
    ([[OFFICE], [APPS]], {9090: [OFFICE], 9091: [APPS]}),
]


@pytest.mark.parametrize(("allowed", "expected"), OPEN)
def test_who_may_come_to_which_port(allowed: list[t.Any], expected: dict[int, t.Any]) -> None:
    items = [listener(f"L{index}", 9090 + index, **({} if peers is None else {"allow_from": peers})) for index, peers in enumerate(allowed)]
    found = policies(plan(*items, kafka_controller_port=9999))
    assert opened(found["broker"]) == expected
    # Controllers are for nodes only, and no rule without "from" opens everything.
    assert opened(found["controller"]) == {}
    for rules in found.values():
        assert all("from" in rule or rule.get("ports") for rule in rules)
        assert all(rule.get("from") != [] for rule in rules)


def test_nodes_reach_each_other_and_applications_are_no_nodes() -> None:
    client = {"clients_producers": [{"name": "p", "topic": "t"}], "kafka_mode": "zookeeper", "kafka_version": "3.9.2", "kafka_node_pools": SPLIT[1:]}
    found = plan(listener(allow_from=[]), **client)
    assert set(policies(found)) == {"broker", "zookeeper"}
    for rules in policies(found).values():
        (peer,) = rules[0]["from"]
        expressions = {each["key"]: each["values"] for each in peer["podSelector"]["matchExpressions"]}
        assert "ports" not in rules[0]
        for node in (*found.nodes, *found.zookeeper_nodes):
            assert all(node.labels[key] in values for key, values in expressions.items())
        application = _manifests.client_labels(found.as_dict(), found.as_dict()["clients"][0])
        assert application["app.kubernetes.io/component"] not in expressions["app.kubernetes.io/component"]


@hypothesis.given(st.lists(st.sampled_from([None, [], [APPS], [OFFICE, APPS]]), min_size=1, max_size=5))
@hypothesis.settings(deadline=None)
def test_a_listener_is_open_only_to_whom_it_says(allowed: list[t.Any]) -> None:
    items = [listener(f"L{index}", 9090 + index, **({} if peers is None else {"allow_from": peers})) for index, peers in enumerate(allowed)]
    found = policies(plan(*items, kafka_controller_port=9999))
    if all(peers is None for peers in allowed):
        assert found == {}
        return
    ports = opened(found["broker"])
    for number, peers in zip(itertools.count(9090), allowed):
        assert (number in ports) is (peers != [])
        assert ports.get(number) == (peers or None)
