# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the variables of a cluster: what cannot be seen in what is going to run any more."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan import OWNED, Node, Plan, node_port
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quantity import bytes_of
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import repeated


def place(definition: Definition, name: str) -> str:
    """Where a listener stands."""
    index = [listener.name for listener in definition.listeners].index(name)
    return f"kafka_listeners[{index}] ({name})"


def _brokers(plan: Plan) -> list[Node]:
    return [node for node in plan.nodes if node.component == "broker"]


# --- names -------------------------------------------------------------------------------------------------------


@rule(
    "NAME-SHARED",
    "error",
    "config",
    "The second object overwrites the first.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: a, node_ids: [0, 1]}, {name: a, node_ids: [2, 3]}]",
        right="kafka_node_pools: [{name: a, node_ids: [0, 1]}, {name: b, node_ids: [2, 3]}]",
    ),
)
def name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Pools, clients and Services have names of their own."""
    for name, _count in repeated(pool.name for pool in definition.pools):
        yield Problem("kafka_node_pools", f"two pools are called {name!r}", "rename one")
    for name, _count in repeated(client.name for client in definition.clients):
        yield Problem("clients_producers, clients_consumers", f"two clients are called {name!r}", "rename one")
    # Nodes of equal name are told by ID-SHARED and by the pools' names.
    if not repeated(node.name for node in plan.nodes):
        for name, _count in repeated(service.name for service in plan.services):
            yield Problem("kafka_listeners", f"two Services would be called {name!r}", "rename a listener or a pool")


@rule(
    "SCALE-IN-DEFINED",
    "error",
    "config",
    "Nobody can tell whether the node is to stay or to leave.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_scale_in: [2], kafka_node_pools: [{name: node, node_ids: [0, 1, 2], roles: [broker, controller]}]}",
        right="{kafka_scale_in: [3], kafka_node_pools: [{name: node, node_ids: [0, 1, 2], roles: [broker, controller]}]}",
    ),
)
def leaving_and_defined(definition: Definition, _plan: Plan) -> t.Iterator[Problem]:
    """A node that is to leave is in no pool any more."""
    for index, pool in enumerate(definition.pools):
        both = [str(node_id) for node_id in pool.node_ids if node_id in definition.scale_in]
        if both:
            fix = "take them off node_ids, and run playbooks/scale.yml; or off kafka_scale_in where they are to stay"
            yield Problem(f"kafka_node_pools[{index}].node_ids ({pool.name})", f"has {', '.join(both)}, which kafka_scale_in says leave", fix)


@rule(
    "STOPPED-UNKNOWN",
    "error",
    "config",
    "Nothing would be stopped; and a node of this id that is made one day would not start.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_stopped: [3], kafka_node_pools: [{name: node, node_ids: [0, 1, 2], roles: [broker, controller]}]}",
        right="{kafka_stopped: [2], kafka_node_pools: [{name: node, node_ids: [0, 1, 2], roles: [broker, controller]}]}",
    ),
)
def stopped_and_unknown(definition: Definition, _plan: Plan) -> t.Iterator[Problem]:
    """A node that is stopped is in a pool."""
    known = {node_id for pool in definition.pools for node_id in pool.node_ids}
    unknown = [str(node_id) for node_id in definition.stopped if node_id not in known]
    if unknown:
        fix = "name ids that are in node_ids; a node that is to leave for good is removed by playbooks/scale.yml"
        yield Problem("kafka_stopped", f"has {', '.join(unknown)}, and no pool has", fix)


# --- listeners ---------------------------------------------------------------------------------------------------


@rule(
    "LSN-DUP-NAME",
    "error",
    "config",
    "Kafka exits: Each listener must have a different name.",
    subject="variables",
    instead_of=("MAP-DUP",),
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: internal, port: 9093}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: OTHER, port: 9093}]",
    ),
)
def listener_name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Names are compared as Kafka does, in upper case."""
    for name, _count in repeated(listener.name for listener in definition.listeners):
        yield Problem("kafka_listeners", f"two listeners are called {name}", "rename one")


@rule(
    "LSN-DUP-PORT",
    "error",
    "config",
    "Kafka exits: Each listener must have a different port.",
    subject="variables",
    instead_of=("ADV-DUP",),
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: OTHER, port: 9092}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: OTHER, port: 9093}]",
    ),
)
def listener_port_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """All listeners of a broker are in one pod."""
    for port, _count in repeated(listener.port for listener in definition.listeners if listener.port):
        names = [listener.name for listener in definition.listeners if listener.port == port]
        yield Problem("kafka_listeners", f"{' and '.join(names)} both have port {port}", "give each its own port")


@rule(
    "LSN-NONE",
    "error",
    "config",
    "A broker without a listener cannot be reached.",
    subject="variables",
    instead_of=("ADV-NONE", "IB-NOMAP", "IB-NOT-ADVERTISED"),
    example=Example("variables", wrong="kafka_listeners: []", right="kafka_listeners: [{name: INTERNAL, port: 9092}]"),
)
def listener_none(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """At least one listener."""
    if not definition.listeners:
        yield Problem("kafka_listeners", "is empty", "write at least one listener")


@rule(
    "LSN-UNKNOWN",
    "error",
    "config",
    "Kafka exits, or the client has no address to begin with.",
    subject="variables",
    instead_of=("IB-NOMAP",),
    example=Example(
        "variables",
        wrong="{kafka_listeners: [{name: INTERNAL, port: 9092}], kafka_inter_broker_listener: OTHER}",
        right="{kafka_listeners: [{name: INTERNAL, port: 9092}], kafka_inter_broker_listener: INTERNAL}",
    ),
)
def listener_unknown(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Whoever names a listener names one that there is."""
    names = [listener.name for listener in definition.listeners]
    wanted = [("kafka_inter_broker_listener", definition.inter_broker_listener)]
    wanted += [(f"clients_{client.kind}s[{client.name}].listener", client.listener) for client in definition.clients]
    for where, name in wanted:
        if name and name not in names:
            yield Problem(where, f"there is no listener {name!r}", f"write one of {', '.join(names)}")


@rule(
    "PORT-NAME-SHARED",
    "error",
    "config",
    "Kubernetes refuses the Service: its ports need different names.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: CLIENTS_IN_EUROPE_A, port: 9092}, {name: CLIENTS_IN_EUROPE_B, port: 9093}]",
        right="kafka_listeners: [{name: CLIENTS_IN_A, port: 9092}, {name: CLIENTS_IN_B, port: 9093}]",
    ),
)
def port_name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Port names have 15 characters, so long listener names may become equal."""
    for node in plan.nodes[:1]:
        for name, _count in repeated(port.name for port in node.ports):
            if not repeated(listener.name for listener in definition.listeners):
                message = f"two listeners have the port name {name!r}"
                yield Problem("kafka_listeners", message, "let the first 15 characters of their names differ")


# --- advertised addresses ----------------------------------------------------------------------------------------


@rule(
    "ADV-UNKNOWN-NODE",
    "error",
    "config",
    "The address belongs to nobody; most likely a broker was meant that now gets another one.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}], kafka_listeners: [{name: A, port: 9092, advertised_hosts: {'3': b3.example.com}}]}",
        right="{kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}], kafka_listeners: [{name: A, port: 9092, advertised_hosts: {'2': b2.example.com}}]}",
    ),
)
def advertised_unknown_node(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """``advertised_hosts`` and ``node_ports`` name nodes by id."""
    ids = {str(node.id) for node in _brokers(plan)}
    for listener in definition.listeners:
        for key in [*listener.advertised_hosts, *listener.node_ports]:
            if key not in ids:
                yield Problem(place(definition, listener.name), f"{key!r} is not the id of a broker", f"use one of {', '.join(sorted(ids))}")


@rule(
    "ADV-SHARED",
    "error",
    "runtime",
    "Clients reach an arbitrary broker instead of the leader.",
    subject="variables",
    example=Example("variables", wrong="kafka_config: {advertised.listeners: 'PLAINTEXT://kafka:9092'}", right="kafka_config: {}"),
)
def advertised_in_config(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """What is written once for all brokers cannot be the address of each."""
    raw = definition.config.get("advertised.listeners")
    if raw and len(_brokers(plan)) > 1:
        fix = "remove it; use {id} in advertised_host, advertised_hosts by node id, or leave the address to the collection"
        yield Problem("kafka_config[advertised.listeners]", f"{len(_brokers(plan))} brokers would all advertise {raw!r}", fix)


# --- node ports --------------------------------------------------------------------------------------------------


@rule(
    "NODEPORT-HOST",
    "error",
    "runtime",
    "Brokers would advertise no host, and no client could connect.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: EXTERNAL, port: 9094, exposure: node_port}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: EXTERNAL, port: 9094, exposure: node_port, advertised_host: k8s.example.com}]",
    ),
)
def node_port_host(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A node port is reached through an address of a Kubernetes node; no namespaced right tells which."""
    ids = {str(node.id) for node in _brokers(plan)}
    for listener in definition.listeners:
        if listener.exposure == "node_port" and not listener.advertised_host and ids - set(listener.advertised_hosts):
            fix = "set advertised_host to an address or name of a Kubernetes node that clients reach"
            yield Problem(place(definition, listener.name), "exposure node_port needs a host to advertise", fix)


@rule(
    "NODEPORT-VALUE",
    "error",
    "config",
    "Kubernetes refuses the Service, or the port stays unused.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: A, port: 9092}, {name: B, port: 9094, exposure: node_port, advertised_host: k.example.com, node_ports: {'0': http}}]",
        right="kafka_listeners: [{name: A, port: 9092}, {name: B, port: 9094, exposure: node_port, advertised_host: k.example.com, node_ports: {'0': 30000}}]",
    ),
)
def node_port_value(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Fixed node ports are numbers, and given for listeners that have some."""
    for listener in definition.listeners:
        if listener.exposure != "node_port":
            if listener.first_node_port or listener.node_ports:
                message = f"node ports are given for exposure {listener.exposure}"
                yield Problem(place(definition, listener.name), message, "set exposure to node_port or remove them")
            continue
        for key, value in listener.node_ports.items():
            if not value.isdecimal():
                yield Problem(place(definition, listener.name), f"{value!r} of node {key} is not a port", "write a number")


@rule(
    "NODEPORT-RANGE",
    "warning",
    "config",
    "Kubernetes refuses the Service unless its API server was given another range.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: A, port: 9092}, {name: B, port: 9094, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 32766}]",
        right="kafka_listeners: [{name: A, port: 9092}, {name: B, port: 9094, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 32765}]",
    ),
)
def node_port_range(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The API server's default ``--service-node-port-range`` is 30000-32767."""
    for listener in definition.listeners:
        if listener.exposure == "node_port":
            outside = sorted({port for node in _brokers(plan) if (port := node_port(listener, node.id)) and not 30000 <= port <= 32767})
            if outside:
                shown = ", ".join(map(str, outside[:5])) + (f" and {len(outside) - 5} more" if len(outside) > 5 else "")
                yield Problem(place(definition, listener.name), f"node ports {shown} are outside of 30000-32767", "choose ports within the range")


# --- racks, configuration, memory ----------------------------------------------------------------------------------


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else None


@rule(
    "RACK-FEW",
    "warning",
    "runtime",
    "Kafka spreads replicas over racks; two replicas of a partition share one and are lost together.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: broker, node_ids: [0, 1, 2], racks: [a, b]}]",
        right="kafka_node_pools: [{name: broker, node_ids: [0, 1, 2], racks: [a, b, c]}]",
    ),
)
def racks_few(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """As many racks as replicas, or none."""
    brokers = _brokers(plan)
    racks = {node.rack for node in brokers if node.rack}
    without = [node.name for node in brokers if not node.rack]
    if racks and without:
        yield Problem("kafka_node_pools", f"nodes without a rack beside nodes with one: {', '.join(without[:5])}", "give racks to all pools or to none")
    for node in brokers[:1]:
        factor = _number(node.properties.get("default.replication.factor")) or 1
        if racks and len(racks) < min(factor, len(brokers)):
            yield Problem("kafka_node_pools", f"{len(racks)} racks for {factor} replicas", f"name at least {factor} racks")


@rule(
    "CONFIG-OWNED",
    "error",
    "config",
    "Two places would say different things about one property.",
    subject="variables",
    example=Example("variables", wrong="kafka_config: {listeners: 'A://:9092'}", right="kafka_config: {log.retention.hours: 24}"),
)
def config_owned(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """What the collection decides has a variable of its own."""
    places = [("kafka_config", definition.config)]
    places += [(f"kafka_node_pools[{index}].config", pool.config) for index, pool in enumerate(definition.pools)]
    for where, config in places:
        for key in config:
            if key in OWNED:
                yield Problem(f"{where}[{key}]", "is made from kafka_listeners, kafka_node_pools and the zookeeper_ variables", "remove it and set those")


@rule(
    "HEAP-OVER-LIMIT",
    "error",
    "start",
    "The kernel kills the JVM (OOMKilled) as soon as it touches its heap.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: broker, node_ids: [0, 1, 2], heap: 1g, resources: {limits: {memory: 1Gi}}}]",
        right="kafka_node_pools: [{name: broker, node_ids: [0, 1, 2], heap: 700m, resources: {limits: {memory: 1Gi}}}]",
    ),
)
def heap_over_limit(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A container's memory limit holds heap, threads, direct buffers and the code cache."""
    shapes = [(f"kafka_node_pools[{index}]", pool.heap, pool.resources) for index, pool in enumerate(definition.pools)]
    shapes.append(("zookeeper_heap", definition.zookeeper.heap, definition.zookeeper.resources))
    for where, heap, resources in shapes:
        limits = resources.get("limits")
        memory = limits.get("memory") if isinstance(limits, dict) else None
        limit, size = bytes_of(memory), bytes_of(heap)
        if limit is not None and size is not None and size >= limit * 0.9:
            message = f"a heap of {heap} does not fit into a memory limit of {memory}"
            yield Problem(where, message, "leave at least a quarter of the limit to everything else")


# --- ZooKeeper ---------------------------------------------------------------------------------------------------


@rule(
    "ZK-RELEASE",
    "error",
    "config",
    "Kafka exits: 'Missing required configuration \"process.roles\"'.",
    subject="variables",
    instead_of=("ROLE-REQUIRED",),
    example=Example(
        "variables",
        wrong="{kafka_mode: zookeeper, kafka_version: 4.0.0}",
        right="{kafka_mode: zookeeper, kafka_version: 3.9.2}",
    ),
)
def zookeeper_release(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Kafka 4.0 and later have no ZooKeeper mode."""
    release = _release.parse(definition.version)
    if definition.mode == "zookeeper" and release is not None and release.minor > _release.LAST_ZOOKEEPER:
        yield Problem("kafka_version", f"Kafka {definition.version} has no ZooKeeper mode", "use 3.9.2 or an earlier release")


@rule(
    "ZK-CHROOT-TWICE",
    "error",
    "config",
    "One of two would be ignored.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_connect: 'zk.example.com:2181/a', zookeeper_chroot: /b}",
        right="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_connect: 'zk.example.com:2181/a'}",
    ),
)
def zookeeper_chroot_twice(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The chroot of an existing ensemble stands at the end of its connect string."""
    if definition.zookeeper.connect and definition.zookeeper.chroot:
        yield Problem("zookeeper_chroot", "is for the ensemble that the collection runs", "append it to zookeeper_connect")


# --- clients -----------------------------------------------------------------------------------------------------


@rule(
    "CLIENT-NO-GROUP",
    "error",
    "runtime",
    "Consumers without a group cannot share a topic's partitions; each would read everything.",
    subject="variables",
    example=Example(
        "variables",
        wrong="clients_consumers: [{name: c, topic: t, replicas: 2}]",
        right="clients_consumers: [{name: c, topic: t, replicas: 2, group_id: g}]",
    ),
)
def client_no_group(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Several replicas of a consumer need a group."""
    for client in definition.clients:
        if client.kind == "consumer" and client.replicas > 1 and not client.group_id and "group.id" not in client.properties:
            yield Problem(f"clients_consumers[{client.name}]", f"{client.replicas} replicas and no group_id", "set group_id")
