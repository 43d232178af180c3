# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The Kafka nodes of a plan. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_security, _plan_zookeeper, _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import (
    Definition,
    Listener,
    NodePool,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import (
    CONFIG_PATH,
    DATA_PATH,
    EXTERNAL,
    Advertised,
    Claim,
    Identity,
    Node,
    Port,
    affinity,
    checksum,
    headless_name,
    labels,
    pod_host,
    port_name,
    resources_for,
    selector,
    service_host,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_security import CONTROLLER

Addresses = t.Mapping[str, t.Mapping[str, t.Any]]
"""What Kubernetes assigned, by Service name: ``{"host": "198.18.3.1", "node_ports": {"external": 30090}}``."""


def nodes(definition: Definition, addresses: Addresses, identity: Identity, zookeeper_connect: str) -> tuple[Node, ...]:
    """All Kafka nodes, pool by pool."""
    shared = _shared_properties(definition, identity, zookeeper_connect)
    return tuple(
        _node(definition, pool, node_id, index, addresses, shared) for pool in definition.pools for index, node_id in enumerate(pool.node_ids)
    )


def component(roles: t.Collection[str]) -> str:
    """What Services select a node by."""
    return "broker" if "broker" in roles else "controller"


def node_name(definition: Definition, pool: NodePool, node_id: int) -> str:
    """The name of a node's objects."""
    return f"{definition.cluster}-{pool.name}-{node_id}"


def controllers(definition: Definition) -> dict[int, str]:
    """Where each controller is reached, ``host:port`` by node id."""
    return {
        node_id: f"{pod_host(definition, node_name(definition, pool, node_id) + '-0', component(pool.roles))}:{definition.controller_port}"
        for pool in definition.pools
        if "controller" in pool.roles
        for node_id in pool.node_ids
    }


def new_identity(definition: Definition, make_id: t.Callable[[], str]) -> Identity:
    """The identity of a cluster that does not exist yet. ``make_id`` gives a new id of 22 characters at each call."""
    if definition.mode != "kraft":
        return Identity()
    cluster_id = definition.cluster_id or make_id()
    dynamic = definition.quorum == "dynamic"
    voters = ",".join(f"{node_id}@{place}:{make_id()}" for node_id, place in controllers(definition).items()) if dynamic else ""
    return Identity(cluster_id=cluster_id, quorum=definition.quorum, initial_controllers=voters)


def inter_broker(definition: Definition) -> Listener:
    """The listener that brokers use among themselves: the one named, else the first internal one, else the first."""
    by_name = {listener.name: listener for listener in definition.listeners}
    if definition.inter_broker_listener in by_name:
        return by_name[definition.inter_broker_listener]
    internal = [listener for listener in definition.listeners if listener.exposure == "internal"]
    return (internal or list(definition.listeners) or [Listener(name="INTERNAL", port=9092)])[0]


def _advertise(definition: Definition, listener: Listener, name: str, node_id: int, addresses: Addresses) -> Advertised:
    service = name if listener.exposure not in EXTERNAL else f"{name}-{port_name(listener)}"
    given = addresses.get(service, {})
    if listener.exposure == "node_port":
        host = ""
        fixed = node_port(listener, node_id)
        port = fixed or int(given.get("node_ports", {}).get(port_name(listener), 0))
    elif listener.exposure == "load_balancer":
        host, port = str(given.get("host", "")), listener.port
    elif listener.exposure == "custom":
        host, port = "", listener.port
    elif listener.exposure == "cluster_ip":
        host, port = service_host(definition, service), listener.port
    else:
        host, port = pod_host(definition, f"{name}-0", "broker"), listener.port
    wanted = listener.advertised_hosts.get(str(node_id), listener.advertised_host)
    return Advertised(
        listener=listener.name,
        host=wanted.replace("{id}", str(node_id)) or host,
        port=given_port(listener, node_id) or port,
        service=service,
    )


def given_port(listener: Listener, node_id: int) -> int:
    """The port to advertise that the user gave for a node, or 0."""
    text = listener.advertised_port.replace("{id}", str(node_id))
    return int(text) if text.isdecimal() else 0


def node_port(listener: Listener, node_id: int) -> int:
    """The node port that the user fixed for a node, or 0."""
    text = listener.node_ports.get(str(node_id), "")
    if text.isdecimal():
        return int(text)
    return listener.first_node_port + node_id if listener.first_node_port else 0


def _node(definition: Definition, pool: NodePool, node_id: int, index: int, addresses: Addresses, shared: t.Mapping[str, str]) -> Node:
    name = node_name(definition, pool, node_id)
    kind = component(pool.roles)
    listeners = definition.listeners if kind == "broker" else ()
    advertised = tuple(_advertise(definition, listener, name, node_id, addresses) for listener in listeners)
    claims = tuple(
        Claim(f"data-{number}", volume.size, volume.storage_class, f"{DATA_PATH}/data-{number}") for number, volume in enumerate(pool.volumes)
    )
    ports = tuple(Port(port_name(item), item.port, item.port) for item in listeners)
    if "controller" in pool.roles:
        ports = (*ports, Port(CONTROLLER.lower(), definition.controller_port, definition.controller_port))
    asked = inter_broker(definition).port if kind == "broker" else definition.controller_port
    encrypted = inter_broker(definition).tls if kind == "broker" else _plan_security.controller_security(definition) == "SSL"
    rack = pool.racks[index % len(pool.racks)] if pool.racks else ""
    host = pod_host(definition, f"{name}-0", kind)
    properties = {
        **shared,
        **pool.config,
        **(_plan_security.broker_properties(definition, inter_broker(definition)) if kind == "broker" else {}),
        **_own_properties(definition, pool, node_id, host, claims, advertised),
        **({"broker.rack": rack} if rack and kind == "broker" else {}),
    }
    properties = _plan_security.with_provider(properties)
    file = _properties.render(properties)
    return Node(
        name=name,
        pod=f"{name}-0",
        id=node_id,
        pool=pool.name,
        component=kind,
        roles=pool.roles,
        rack=rack,
        host=host,
        headless=headless_name(definition.cluster, kind),
        labels={**labels(definition.cluster), **selector(definition.cluster, kind, name), "kafkaops.kubernetes/pool": pool.name},
        selector=selector(definition.cluster, kind, name),
        affinity=affinity(definition.cluster, kind, definition.anti_affinity, rack),
        claims=claims,
        heap=pool.heap,
        jvm_options=(*_plan_security.jvm_options(properties), *pool.jvm_options),
        resources=resources_for(pool.heap, pool.resources),
        ports=ports,
        advertised=advertised,
        properties=properties,
        file=file,
        file_name="server.properties",
        checksum=checksum(file),
        command=("/opt/kafkaops/bin/start", "kafka", f"{CONFIG_PATH}/server.properties"),
        ready_command=("/opt/kafkaops/bin/probe", "tls" if encrypted else "kafka", str(asked)),
        live_port=asked,
        startup_timeout=definition.startup_timeout,
        termination_grace_period=definition.termination_grace_period,
    )


def _shared_properties(definition: Definition, identity: Identity, zookeeper_connect: str) -> dict[str, str]:
    """What all nodes of a cluster have: defaults, then the user's, then what the plan decides."""
    brokers = sum(len(pool.node_ids) for pool in definition.pools if "broker" in pool.roles)
    copies = str(min(3, max(1, brokers)))
    in_sync = str(2 if brokers >= 3 else 1)
    protocols = [f"{item.name}:{item.security}" for item in definition.listeners]
    decided: dict[str, str] = {"inter.broker.listener.name": definition.inter_broker_listener or inter_broker(definition).name}
    defaults: dict[str, str] = {}
    if definition.mode == "kraft":
        protocols.append(f"{CONTROLLER}:{_plan_security.controller_security(definition)}")
        # A broker that ends waits for a heartbeat of every other one and for its own next one: 2 to 4 s with Kafka's two seconds (docs/roll.md).
        defaults["broker.heartbeat.interval.ms"] = "500"
        decided["controller.listener.names"] = CONTROLLER
        decided.update(_quorum_properties(definition, identity))
    else:
        # The ensemble starts at the same time as the brokers; Kafka's 18 s are short for that.
        defaults["zookeeper.connection.timeout.ms"] = "60000"
        decided["zookeeper.connect"] = zookeeper_connect
        if definition.zookeeper.tls:
            decided.update(_plan_zookeeper.client_properties())
    return {
        # Followers often hear of a new leader before that does, and come too early. Kafka's second of patience is then a second
        # in which nothing is acknowledged (docs/safety.md).
        "replica.fetch.backoff.ms": "100",
        # A follower takes a new leader's partition into its next request to that broker. While the last one waits there for messages of other
        # partitions, up to half a second as Kafka has it, nothing of the new one is acknowledged (docs/roll.md).
        "replica.fetch.wait.max.ms": "100",
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        **defaults,
        **definition.config,
        **decided,
        **_plan_security.shared_properties(definition, inter_broker(definition)),
        "listener.security.protocol.map": ",".join(protocols),
    }


def _quorum_properties(definition: Definition, identity: Identity) -> dict[str, str]:
    places = controllers(definition)
    if identity.quorum == "static":
        return {"controller.quorum.voters": ",".join(f"{node_id}@{place}" for node_id, place in places.items())}
    return {"controller.quorum.bootstrap.servers": ",".join(places.values())}


def _own_properties(
    definition: Definition, pool: NodePool, node_id: int, host: str, claims: t.Sequence[Claim], advertised: t.Sequence[Advertised]
) -> dict[str, str]:
    """What only this node has."""
    listeners = [f"{item.listener}://:{port.port}" for item, port in zip(advertised, definition.listeners)]
    places = [place.text for place in advertised]
    found = {
        # A directory below the mount: file systems put lost+found at its root, and Kafka refuses that.
        "log.dirs": ",".join(f"{claim.mount_path}/log" for claim in claims),
    }
    if definition.mode == "kraft":
        found["node.id"] = str(node_id)
        found["process.roles"] = ",".join(pool.roles)
    else:
        found["broker.id"] = str(node_id)
    if "controller" in pool.roles:
        listeners.append(f"{CONTROLLER}://:{definition.controller_port}")
        # Controllers tell each other where they are from 3.9 on; before, Kafka refuses to see it advertised.
        if release(definition) >= (3, 9):
            places.append(f"{CONTROLLER}://{host}:{definition.controller_port}")
    found["listeners"] = ",".join(listeners)
    if places:
        found["advertised.listeners"] = ",".join(places)
    return found


def release(definition: Definition) -> tuple[int, int]:
    """Major and minor of Kafka's release."""
    major, minor = definition.version.split(".")[:2]
    return int(major), int(minor)


OWNED = frozenset(
    (
        "advertised.host.name",
        "advertised.listeners",
        "advertised.port",
        "authorizer.class.name",
        "broker.id",
        "broker.rack",
        "controller.listener.names",
        "controller.quorum.bootstrap.servers",
        "controller.quorum.voters",
        "host.name",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "listeners",
        "log.dir",
        "log.dirs",
        "node.id",
        "port",
        "process.roles",
        "sasl.mechanism.inter.broker.protocol",
        "security.inter.broker.protocol",
        "super.users",
        "zookeeper.connect",
    )
)
"""Properties that the plan decides; they have variables of their own."""
