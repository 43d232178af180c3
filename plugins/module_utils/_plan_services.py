# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The Services of a plan and where clients begin. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition, Listener
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_kafka import node_port
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import (
    EXTERNAL,
    LISTED,
    NetworkPolicy,
    Node,
    Port,
    Service,
    headless_name,
    port_name,
    selector,
    service_host,
)


def services(definition: Definition, nodes: t.Sequence[Node], zookeeper_nodes: t.Sequence[Node]) -> tuple[Service, ...]:
    """A headless Service for each component, a bootstrap Service, and one for each broker and exposed listener."""
    cluster = definition.cluster
    brokers = [node for node in nodes if node.component == "broker"]
    # A custom way in, such as a gateway's route, leads to the broker's own Service too.
    inside_ports = tuple(Port(port_name(item), item.port, item.port) for item in definition.listeners if item.exposure not in EXTERNAL)
    found = [_headless(cluster, kind, members) for kind, members in _components([*nodes, *zookeeper_nodes]).items()]
    if inside_ports and brokers:
        found.append(Service(f"{cluster}-bootstrap", "ClusterIP", selector(cluster, "broker"), inside_ports, "broker"))
        found += [Service(node.name, "ClusterIP", _pod_of(cluster, node), inside_ports, "broker", node.name) for node in brokers]
    for listener in definition.listeners:
        if listener.exposure in EXTERNAL:
            found += [_external_service(cluster, listener, node) for node in brokers]
    return tuple(found)


def _components(nodes: t.Iterable[Node]) -> dict[str, list[Node]]:
    found: dict[str, list[Node]] = {}
    for node in nodes:
        found.setdefault(node.component, []).append(node)
    return found


def _headless(cluster: str, component: str, members: t.Iterable[Node]) -> Service:
    """Gives every pod of a component its name, and has every port of its members."""
    ports = dict.fromkeys(port for node in members for port in node.ports)
    return Service(headless_name(cluster, component), "ClusterIP", selector(cluster, component), tuple(ports), component, headless=True)


def _pod_of(cluster: str, node: Node) -> dict[str, str]:
    """Labels of the pod of one broker, for as long as it takes new connections."""
    return {**LISTED, **selector(cluster, "broker", node.name)}


def _external_service(cluster: str, listener: Listener, node: Node) -> Service:
    kind = {"node_port": "NodePort", "load_balancer": "LoadBalancer"}[listener.exposure]
    fixed = node_port(listener, node.id) if listener.exposure == "node_port" else 0
    return Service(
        name=f"{node.name}-{port_name(listener)}",
        type=kind,
        selector=_pod_of(cluster, node),
        ports=(Port(port_name(listener), listener.port, listener.port, fixed),),
        component="broker",
        node=node.name,
        annotations=listener.annotations,
        load_balancer_class=listener.load_balancer_class,
    )


def bootstrap(definition: Definition, nodes: t.Sequence[Node]) -> dict[str, str]:
    """Where clients begin, by listener: one Service inside the Kubernetes cluster, every broker's address outside."""
    found = {}
    for listener in definition.listeners:
        if listener.exposure in EXTERNAL or listener.exposure == "custom":
            places = [place for node in nodes for place in node.advertised if place.listener == listener.name and place.known]
            found[listener.name] = ",".join(f"{place.host}:{place.port}" for place in places)
        else:
            found[listener.name] = f"{service_host(definition, definition.cluster + '-bootstrap')}:{listener.port}"
    return found


def network_policies(definition: Definition, nodes: t.Sequence[Node]) -> tuple[NetworkPolicy, ...]:
    """One policy for each component, as soon as one listener says who may come; listeners that do not say are open to all.

    Pods of the cluster always reach each other; controllers and ZooKeeper are reached by them only.
    """
    if all(listener.allow_from is None for listener in definition.listeners):
        return ()
    cluster = definition.cluster
    members = {"podSelector": {"matchExpressions": [
        {"key": "app.kubernetes.io/instance", "operator": "In", "values": [cluster]},
        {"key": "app.kubernetes.io/component", "operator": "In", "values": ["broker", "controller", "zookeeper"]},
    ]}}  # fmt: skip
    found = []
    for component in _components(nodes):
        rules: list[dict[str, t.Any]] = [{"from": [members]}]
        for listener in definition.listeners if component == "broker" else ():
            rule: dict[str, t.Any] = {"ports": [{"port": listener.port, "protocol": "TCP"}]}
            if listener.allow_from is not None:
                rule["from"] = [dict(peer) for peer in listener.allow_from]
            if listener.allow_from != ():
                rules.append(rule)
        found.append(NetworkPolicy(f"{cluster}-{component}", component, selector(cluster, component), tuple(rules)))
    return tuple(found)
