# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_network as network
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan

CENTRE = plan.NAME
EMPTY = {network.HOST: network.Observed(links=frozenset({"lo", "eth0"}))}


def complete(nodes: list[plan.Node]) -> dict[str, network.Observed]:
    """A machine on which all of the network is there."""
    loopback = ("lo", "127.0.0.1/8")
    observed = {
        network.HOST: network.Observed(
            links=frozenset({"lo", "eth0", plan.HOST_LINK}),
            up=frozenset({"lo", "eth0", plan.HOST_LINK}),
            addresses=frozenset({loopback, (plan.HOST_LINK, "198.18.0.1/30")}),
            routes=frozenset({("198.18.1.0/24", "198.18.0.2"), ("198.18.2.0/24", "198.18.0.2")}),
        ),
        CENTRE: network.Observed(
            links=frozenset({"lo", "uplink", "nodes", *(node.name for node in nodes)}),
            up=frozenset({"lo", "uplink", "nodes", *(node.name for node in nodes)}),
            ports=frozenset(node.name for node in nodes),
            addresses=frozenset(
                {loopback, ("uplink", "198.18.0.2/30"), ("nodes", "198.18.1.1/24"), ("nodes", "198.18.1.53/24")}
            ),
            routes=frozenset((node.pod_subnet, node.address) for node in nodes),
            forwards=True,
        ),
    }
    for node in nodes:
        observed[node.namespace] = network.Observed(
            links=frozenset({"lo", "eth0"}),
            up=frozenset({"lo", "eth0"}),
            addresses=frozenset({loopback, ("eth0", f"{node.address}/24")}),
            routes=frozenset(
                {("default", "198.18.1.1"), *((other.pod_subnet, other.address) for other in nodes if other != node)}
            ),
            forwards=True,
        )
    return observed


def test_a_complete_network_needs_nothing() -> None:
    nodes = plan.nodes(3)
    assert network.build(nodes, complete(nodes)) == []


def test_from_nothing_namespaces_come_first_and_routes_last() -> None:
    commands = [" ".join(command) for command in network.build(plan.nodes(2), EMPTY)]
    assert commands[:3] == [
        "ip netns add kafkaops-local-kubernetes",
        "ip netns add kafkaops-local-kubernetes-node1",
        "ip netns add kafkaops-local-kubernetes-node2",
    ]
    assert [command for command in commands if " route " in command] == commands[-8:]
    assert "ip route replace 198.18.1.0/24 via 198.18.0.2" in commands
    assert not any("netns exec" in command for command in commands)


def test_no_namespace_gets_an_uplink() -> None:
    commands = network.build(plan.nodes(3), EMPTY)
    assert not any("eth0" in command and command[0] == "ip" for command in commands)
    assert not any(command[:2] == ["ip", "route"] and "default" in command for command in commands)


DAMAGE = [
    (
        "a route of the host",
        network.HOST,
        {"routes": frozenset({("198.18.1.0/24", "198.18.0.2")})},
        ["ip route replace 198.18.2.0/24 via 198.18.0.2"],
    ),
    (
        "a link that is down",
        network.HOST,
        {"up": frozenset({"lo", "eth0"})},
        ["ip link set kafkaops-host up"],
    ),
    (
        "a node that is not plugged in",
        CENTRE,
        {"ports": frozenset({"node1"})},
        [f"nsenter --net=/run/netns/{CENTRE} -- ip link set node2 master nodes up"],
    ),
    (
        "forwarding",
        f"{CENTRE}-node1",
        {"forwards": False},
        [f"nsenter --net=/run/netns/{CENTRE}-node1 -- sh -c echo 1 > /proc/sys/net/ipv4/ip_forward"],
    ),
]


@pytest.mark.parametrize(("what", "namespace", "damage", "expected"), DAMAGE, ids=[case[0] for case in DAMAGE])
def test_exactly_what_is_missing_is_mended(
    what: str, namespace: str, damage: dict[str, object], expected: list[str]
) -> None:
    nodes = plan.nodes(2)
    observed = complete(nodes)
    observed[namespace] = network.Observed(**{**vars(observed[namespace]), **damage})  # type: ignore[arg-type]
    assert [" ".join(command) for command in network.build(nodes, observed)] == expected


def test_a_cable_into_a_namespace_that_is_gone_is_replaced() -> None:
    nodes = plan.nodes(1)
    observed = complete(nodes)
    del observed[nodes[0].namespace]
    commands = [" ".join(command) for command in network.build(nodes, observed)]
    centre = f"nsenter --net=/run/netns/{CENTRE} -- ip"
    assert commands[:3] == [
        f"ip netns add {nodes[0].namespace}",
        f"{centre} link delete node1",
        f"{centre} link add node1 type veth peer name eth0 netns {nodes[0].namespace}",
    ]


def test_what_was_built_is_what_is_removed() -> None:
    nodes = plan.nodes(2)
    assert [" ".join(command) for command in network.remove(complete(nodes))] == [
        "ip link delete kafkaops-host",
        "ip netns delete kafkaops-local-kubernetes",
        "ip netns delete kafkaops-local-kubernetes-node1",
        "ip netns delete kafkaops-local-kubernetes-node2",
    ]
    assert network.remove(EMPTY) == []


def test_one_node_is_cut_off() -> None:
    nodes = plan.nodes(2)
    assert [" ".join(command) for command in network.remove_node(nodes[1], complete(nodes))] == [
        f"nsenter --net=/run/netns/{CENTRE} -- ip link delete node2",
        f"ip netns delete {CENTRE}-node2",
    ]
    assert network.remove_node(nodes[1], complete(nodes[:1])) == []


def test_what_ip_says_is_understood() -> None:
    links = [
        {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
        {"ifname": "node1", "flags": ["BROADCAST"], "master": "nodes", "addr_info": [{}]},
    ]
    routes = [{"dst": "default", "gateway": "198.18.1.1"}, {"dst": "198.18.1.0/24", "protocol": "kernel"}]
    assert network.observe(links, routes, forwards=True) == network.Observed(
        links=frozenset({"lo", "node1"}),
        up=frozenset({"lo"}),
        ports=frozenset({"node1"}),
        addresses=frozenset({("lo", "127.0.0.1/8")}),
        routes=frozenset({("default", "198.18.1.1")}),
        forwards=True,
    )
