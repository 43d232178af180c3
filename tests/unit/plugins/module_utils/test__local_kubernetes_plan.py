# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan

LAYOUT = plan.Layout("/var/lib/kafkaops-local-kubernetes", "/cache", "/cache/key-go1.26.8")


def test_nodes_have_addresses_and_zones_of_their_own() -> None:
    nodes = plan.nodes(3)
    assert [(node.name, node.address, node.pod_subnet, node.zone) for node in nodes] == [
        ("node1", "198.18.1.11", "198.18.64.0/24", "zone-0"),
        ("node2", "198.18.1.12", "198.18.65.0/24", "zone-1"),
        ("node3", "198.18.1.13", "198.18.66.0/24", "zone-2"),
    ]


def test_even_the_largest_cluster_stays_in_its_subnets() -> None:
    nodes = plan.nodes(plan.MAX_NODES)
    pods = ipaddress.ip_network(plan.POD_SUBNET)
    members = ipaddress.ip_network(plan.NODE_SUBNET)
    assert all(ipaddress.ip_network(node.pod_subnet).subnet_of(pods) for node in nodes)
    assert all(ipaddress.ip_address(node.address) in members for node in nodes)
    fixed = {plan.GATEWAY_ADDRESS, plan.DNS_ADDRESS}
    assert not fixed & {node.address for node in nodes}
    assert len({node.address for node in nodes}) == plan.MAX_NODES


def test_everything_is_in_the_range_for_isolated_tests() -> None:
    reserved = ipaddress.ip_network("198.18.0.0/15")
    subnets = [plan.NODE_SUBNET, plan.BALANCER_SUBNET, plan.POD_SUBNET, plan.SERVICE_SUBNET]
    networks = [ipaddress.ip_network(subnet) for subnet in subnets]
    assert all(network.subnet_of(reserved) for network in networks)  # type: ignore[arg-type]
    assert not any(one.overlaps(other) for one in networks for other in networks if one != other)


@pytest.mark.parametrize("name", ["node1", "node32"])
def test_a_name_leads_to_its_node(name: str) -> None:
    assert plan.node(name).name == name


@pytest.mark.parametrize("name", ["", "node", "node0", "node33", "node-1", "nodex", "worker1", "node1/../x", "node¹"])
def test_no_other_name_does(name: str) -> None:
    with pytest.raises(ValueError, match="local Kubernetes node"):
        plan.node(name)


@pytest.mark.parametrize(
    ("state_dir", "count", "expected"),
    [
        ("/var/lib/kafkaops-local-kubernetes", 3, None),
        ("/srv/kube", 1, None),
        ("kube", 3, "absolute"),
        ("/kube", 3, "of its own"),
        ("/", 3, "of its own"),
        ("/run/kube", 3, "below /run"),
        ("/var/run/kube", 3, "below /run"),
        ("/var/log/kube", 3, "below /run"),
        (f"/srv/{'k' * 51}", 3, None),
        (f"/srv/{'k' * 52}", 3, "characters"),
        ("/srv/kube", 0, "not 0"),
        ("/srv/kube", 33, "not 33"),
    ],
)
def test_what_cannot_work_is_said_before(state_dir: str, count: int, expected: str | None) -> None:
    problem = plan.problem(state_dir, count)
    assert problem is None if expected is None else expected in str(problem)


def test_sockets_of_the_longest_state_directory_fit() -> None:
    longest = plan.Layout("/" * plan.MAX_STATE_DIR, "", "")
    node = plan.Node(plan.MAX_NODES)
    sockets = ["kubelet/device-plugins/kubelet.sock", "kubelet/pod-resources/kubelet.sock", "containerd.sock.ttrpc"]
    assert all(len(longest.of_node(node, socket)) <= 107 for socket in sockets)


def test_a_digest_tells_where_one_text_ends() -> None:
    assert plan.digest("ab", "c") != plan.digest("a", "bc")
    assert plan.digest("ab", "c") == plan.digest("ab", "c")


def test_names_of_links_fit_into_the_kernel() -> None:
    names = [plan.HOST_LINK, plan.UPLINK, plan.BRIDGE, plan.Node(plan.MAX_NODES).name]
    assert all(len(name) <= 15 for name in names)
