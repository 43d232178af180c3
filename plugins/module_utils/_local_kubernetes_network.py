# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The network of the local cluster: the commands that lead from what is there to what should be.

A namespace for the control plane with a bridge in it, one namespace for each Kubernetes node, one cable to the
host. No namespace has an uplink: what runs in the cluster cannot leave the machine. Pure. Private to the collection.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan

HOST = ""
"""Stands for the host's own network namespace."""

Command = list[str]


@dataclasses.dataclass(frozen=True)
class Observed:
    """What one network namespace holds already."""

    links: frozenset[str] = frozenset()
    up: frozenset[str] = frozenset()
    """Those of the links that are up."""
    ports: frozenset[str] = frozenset()
    """Those of the links that are plugged into the bridge."""
    addresses: frozenset[tuple[str, str]] = frozenset()
    """(link, address/length)."""
    routes: frozenset[tuple[str, str]] = frozenset()
    """(destination, gateway)."""
    forwards: bool = False


@dataclasses.dataclass
class _Namespace:
    """What one network namespace should hold."""

    name: str
    addresses: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    routes: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    forwards: bool = False

    @property
    def links(self) -> list[str]:
        return list(dict.fromkeys(link for link, _address in self.addresses))


def namespaces(nodes: t.Sequence[plan.Node]) -> list[str]:
    """The names of the network namespaces, the control plane's first."""
    return [plan.NAME, *(node.namespace for node in nodes)]


def _wanted(nodes: t.Sequence[plan.Node]) -> list[_Namespace]:
    host = _Namespace(
        HOST,
        addresses=[(plan.HOST_LINK, f"{plan.HOST_ADDRESS}/30")],
        routes=[(subnet, plan.API_ADDRESS) for subnet in (plan.NODE_SUBNET, plan.BALANCER_SUBNET)],
    )
    centre = _Namespace(
        plan.NAME,
        addresses=[
            ("lo", "127.0.0.1/8"),
            (plan.UPLINK, f"{plan.API_ADDRESS}/30"),
            (plan.BRIDGE, f"{plan.GATEWAY_ADDRESS}/24"),
            (plan.BRIDGE, f"{plan.DNS_ADDRESS}/24"),
        ],
        routes=[(node.pod_subnet, node.address) for node in nodes],
        forwards=True,
    )
    members = [
        _Namespace(
            node.namespace,
            addresses=[("lo", "127.0.0.1/8"), ("eth0", f"{node.address}/24")],
            routes=[
                ("default", plan.GATEWAY_ADDRESS),
                *((other.pod_subnet, other.address) for other in nodes if other != node),
            ],
            forwards=True,
        )
        for node in nodes
    ]
    return [host, centre, *members]


def inside(namespace: str, command: Command) -> Command:
    """A command as it runs inside a network namespace.

    Not ``ip netns exec``: that mounts a fresh /sys and hides the cgroup hierarchies.
    """
    return command if namespace == HOST else ["nsenter", f"--net=/run/netns/{namespace}", "--", *command]


def build(nodes: t.Sequence[plan.Node], observed: t.Mapping[str, Observed]) -> list[Command]:
    """The commands that are missing from ``observed`` (by namespace) to the wanted network."""
    nothing = Observed()
    commands: list[Command] = []

    def ip(namespace: str, *words: str) -> None:
        commands.append(inside(namespace, ["ip", *words]))

    def cable(near: str, link: str, far: str, peer: str) -> None:
        near_end = link in observed.get(near, nothing).links
        if near_end and peer in observed.get(far, nothing).links:
            return
        if near_end:  # plugged into a namespace that is gone
            ip(near, "link", "delete", link)
        ip(near, "link", "add", link, "type", "veth", "peer", "name", peer, "netns", far)

    for namespace in namespaces(nodes):
        if namespace not in observed:
            ip(HOST, "netns", "add", namespace)
    centre = observed.get(plan.NAME, nothing)
    cable(HOST, plan.HOST_LINK, plan.NAME, plan.UPLINK)
    if plan.BRIDGE not in centre.links:
        ip(plan.NAME, "link", "add", plan.BRIDGE, "type", "bridge")
    for node in nodes:
        cable(plan.NAME, node.name, node.namespace, "eth0")
        if node.name not in centre.ports or node.name not in centre.up:
            ip(plan.NAME, "link", "set", node.name, "master", plan.BRIDGE, "up")

    for wanted in _wanted(nodes):
        present = observed.get(wanted.name, nothing)
        if wanted.forwards and not present.forwards:
            commands.append(inside(wanted.name, ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]))
        for link, address in wanted.addresses:
            # The kernel gives a loopback that comes up its address.
            if link != "lo" and (link, address) not in present.addresses:
                ip(wanted.name, "address", "replace", address, "dev", link)
        for link in wanted.links:
            if link not in present.up:
                ip(wanted.name, "link", "set", link, "up")
    # Last, when every link is up: a route needs its gateway.
    for wanted in _wanted(nodes):
        present = observed.get(wanted.name, nothing)
        for destination, gateway in wanted.routes:
            if (destination, gateway) not in present.routes:
                ip(wanted.name, "route", "replace", destination, "via", gateway)
    return commands


def remove_node(node: plan.Node, observed: t.Mapping[str, Observed]) -> list[Command]:
    """The commands that cut one node off: its cable, then its namespace."""
    commands: list[Command] = []
    if node.name in observed.get(plan.NAME, Observed()).links:
        commands.append(inside(plan.NAME, ["ip", "link", "delete", node.name]))
    if node.namespace in observed:
        commands.append(["ip", "netns", "delete", node.namespace])
    return commands


def remove(observed: t.Mapping[str, Observed]) -> list[Command]:
    """The commands that leave nothing of the network: deleting one end of a cable deletes both, and the routes."""
    commands: list[Command] = []
    if plan.HOST_LINK in observed.get(HOST, Observed()).links:
        commands.append(["ip", "link", "delete", plan.HOST_LINK])
    commands += [["ip", "netns", "delete", namespace] for namespace in sorted(observed) if namespace == plan.NAME or namespace.startswith(f"{plan.NAME}-")]
    return commands


def observe(links: t.Sequence[dict[str, t.Any]], routes: t.Sequence[dict[str, t.Any]], forwards: bool) -> Observed:
    """One namespace as ``ip -json address`` and ``ip -json route`` tell of it."""
    return Observed(
        links=frozenset(link["ifname"] for link in links),
        up=frozenset(link["ifname"] for link in links if "UP" in link.get("flags", ())),
        ports=frozenset(link["ifname"] for link in links if link.get("master") == plan.BRIDGE),
        addresses=frozenset(
            (link["ifname"], f"{address['local']}/{address['prefixlen']}") for link in links for address in link.get("addr_info", ()) if "local" in address
        ),
        routes=frozenset((route["dst"], route["gateway"]) for route in routes if "gateway" in route),
        forwards=forwards,
    )
