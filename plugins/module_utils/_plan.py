# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The plan: everything that is to be applied for one cluster, decided. Private to the collection.

A plan is made from a definition and from the addresses that Kubernetes has assigned so far. Templates lay it out
as manifests and decide nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _objects, _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import (
    Client,
    Definition,
    Listener,
    NodePool,
)

CONFIG_PATH = "/etc/kafkaops"
DATA_PATH = "/var/lib/kafka"
ZOOKEEPER_PATH = "/var/lib/zookeeper"
ZOOKEEPER_PORTS = {"client": 2181, "quorum": 2888, "election": 3888}
EXTERNAL = ("node_port", "load_balancer")


@dataclasses.dataclass(frozen=True)
class Port:
    """A port of a Service; ``node_port`` 0 leaves the choice to Kubernetes."""

    name: str
    port: int
    target_port: int
    node_port: int = 0


@dataclasses.dataclass(frozen=True)
class Service:
    """A Service. ``node``: the node it leads to, empty where it leads to all that the selector names."""

    name: str
    type: str
    selector: t.Mapping[str, str]
    ports: tuple[Port, ...]
    component: str
    node: str = ""
    headless: bool = False
    annotations: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Advertised:
    """Where clients find one listener of one node. ``host`` and ``port`` are empty until Kubernetes assigned them."""

    listener: str
    host: str
    port: int
    service: str

    @property
    def known(self) -> bool:
        """Whether clients could already connect."""
        return bool(self.host and self.port)

    @property
    def text(self) -> str:
        """``NAME://host:port``; a stand-in that no other node has while the address is not assigned."""
        return f"{self.listener}://{self.host or self.service + '.invalid'}:{self.port or 65535}"


@dataclasses.dataclass(frozen=True)
class Claim:
    """A claim of a node and where it is mounted."""

    name: str
    size: str
    storage_class: str
    mount_path: str


@dataclasses.dataclass(frozen=True)
class Node:
    """One process, its pod and its files.

    ``file`` is mounted as ``/etc/kafkaops/<file_name>``. Ready is what ``ready_command`` says, alive is an open
    ``live_port``, which may take ``startup_timeout`` seconds to open.
    """

    name: str
    pod: str
    id: int
    pool: str
    component: str
    rack: str
    host: str
    headless: str
    labels: t.Mapping[str, str]
    selector: t.Mapping[str, str]
    affinity: t.Mapping[str, t.Any]
    claims: tuple[Claim, ...]
    heap: str
    resources: t.Mapping[str, t.Any]
    ports: tuple[Port, ...]
    advertised: tuple[Advertised, ...]
    properties: t.Mapping[str, str]
    file: str
    file_name: str
    checksum: str
    command: tuple[str, ...]
    ready_command: tuple[str, ...]
    live_port: int
    startup_timeout: int
    termination_grace_period: int


@dataclasses.dataclass(frozen=True)
class ClientPlan:
    """A client application as it is deployed."""

    name: str
    kind: str
    topic: str
    replicas: int
    image: str
    bootstrap_servers: str
    group_id: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    resources: t.Mapping[str, t.Any]
    file: str
    checksum: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that is to be applied for one cluster."""

    cluster: str
    namespace: str
    version: str
    mode: str
    labels: t.Mapping[str, str]
    nodes: tuple[Node, ...]
    zookeeper_nodes: tuple[Node, ...]
    zookeeper_connect: str
    services: tuple[Service, ...]
    clients: tuple[ClientPlan, ...]
    bootstrap: t.Mapping[str, str]
    external_listeners: tuple[str, ...]
    run_as_user: int
    unassigned: tuple[str, ...]

    def as_dict(self) -> dict[str, t.Any]:
        """The plan as plain lists and dictionaries, for templates."""
        return dataclasses.asdict(self)


Addresses = t.Mapping[str, t.Mapping[str, t.Any]]
"""What Kubernetes assigned, by Service name: ``{"host": "198.18.3.1", "node_ports": {"external": 30090}}``."""


def build(definition: Definition, addresses: Addresses) -> Plan:
    """The plan of a definition; wherever an address is not assigned yet, the Service is listed in ``unassigned``."""
    zookeeper_nodes = _zookeeper_nodes(definition) if not definition.zookeeper.connect else ()
    zookeeper_connect = _zookeeper_connect(definition, zookeeper_nodes)
    nodes = tuple(
        _node(definition, pool, node_id, index, addresses, zookeeper_connect)
        for pool in definition.pools
        for index, node_id in enumerate(pool.node_ids)
    )
    bootstrap = _bootstrap(definition, nodes)
    return Plan(
        cluster=definition.cluster,
        namespace=definition.namespace,
        version=definition.version,
        mode=definition.mode,
        labels=labels(definition.cluster),
        nodes=nodes,
        zookeeper_nodes=zookeeper_nodes,
        zookeeper_connect=zookeeper_connect,
        services=_services(definition, nodes, zookeeper_nodes),
        clients=tuple(_client(definition, client, bootstrap) for client in definition.clients),
        bootstrap=bootstrap,
        external_listeners=tuple(listener.name for listener in definition.listeners if listener.exposure in EXTERNAL),
        run_as_user=definition.run_as_user,
        unassigned=tuple(sorted({place.service for node in nodes for place in node.advertised if not place.known})),
    )


def headless_name(cluster: str, component: str) -> str:
    """The Service that gives every pod of a component its name."""
    return f"{cluster}-{component}-nodes"


def assigned(services: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, dict[str, t.Any]]:
    """The addresses in Service objects as the API server returns them."""
    found: dict[str, dict[str, t.Any]] = {}
    for service in services:
        ingress = _objects.ingress(service) or [{}]
        ports = (service.get("spec") or {}).get("ports") or []
        found[service["metadata"]["name"]] = {
            "host": ingress[0].get("hostname") or ingress[0].get("ip") or "",
            "node_ports": {port["name"]: port["nodePort"] for port in ports if port.get("name") and port.get("nodePort")},
        }
    return found


def _inter_broker(definition: Definition) -> Listener:
    """The listener that brokers use among themselves: the one named, else the first internal one, else the first."""
    by_name = {listener.name: listener for listener in definition.listeners}
    if definition.inter_broker_listener in by_name:
        return by_name[definition.inter_broker_listener]
    internal = [listener for listener in definition.listeners if listener.exposure == "internal"]
    return (internal or list(definition.listeners) or [Listener(name="INTERNAL", port=9092)])[0]


def _pod_host(definition: Definition, pod: str, component: str) -> str:
    """How nodes reach a pod. The one place that decides it: a pod's name under its headless Service."""
    return f"{pod}.{headless_name(definition.cluster, component)}.{definition.namespace}.svc.{definition.domain}"


def _service_host(definition: Definition, service: str) -> str:
    return f"{service}.{definition.namespace}.svc.{definition.domain}"


def _port_name(listener: Listener) -> str:
    # A port's name has at most 15 characters and no underscore (IANA service names).
    return listener.name.lower().replace("_", "-")[:15].strip("-")


def _checksum(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _advertise(definition: Definition, listener: Listener, name: str, node_id: int, addresses: Addresses) -> Advertised:
    service = name if listener.exposure not in EXTERNAL else f"{name}-{_port_name(listener)}"
    given = addresses.get(service, {})
    if listener.exposure == "node_port":
        host = ""
        fixed = node_port(listener, node_id)
        port = fixed or int(given.get("node_ports", {}).get(_port_name(listener), 0))
    elif listener.exposure == "load_balancer":
        host, port = str(given.get("host", "")), listener.port
    elif listener.exposure == "cluster_ip":
        host, port = _service_host(definition, service), listener.port
    else:
        host, port = _pod_host(definition, f"{name}-0", "broker"), listener.port
    wanted = listener.advertised_hosts.get(str(node_id), listener.advertised_host)
    return Advertised(
        listener=listener.name,
        host=wanted.replace("{id}", str(node_id)) or host,
        port=listener.advertised_port or port,
        service=service,
    )


def node_port(listener: Listener, node_id: int) -> int:
    """The node port that the user fixed for a node, or 0."""
    text = listener.node_ports.get(str(node_id), "")
    if text.isdecimal():
        return int(text)
    return listener.first_node_port + node_id if listener.first_node_port else 0


def _node(
    definition: Definition, pool: NodePool, node_id: int, index: int, addresses: Addresses, zookeeper_connect: str
) -> Node:
    name = f"{definition.cluster}-{pool.name}-{node_id}"
    advertised = tuple(_advertise(definition, listener, name, node_id, addresses) for listener in definition.listeners)
    claims = tuple(
        Claim(f"data-{number}", volume.size, volume.storage_class, f"{DATA_PATH}/data-{number}")
        for number, volume in enumerate(pool.volumes)
    )
    rack = pool.racks[index % len(pool.racks)] if pool.racks else ""
    properties = _broker_properties(definition, pool, node_id, rack, claims, advertised, zookeeper_connect)
    file = _properties.render(properties)
    return Node(
        name=name,
        pod=f"{name}-0",
        id=node_id,
        pool=pool.name,
        component="broker",
        rack=rack,
        host=_pod_host(definition, f"{name}-0", "broker"),
        headless=headless_name(definition.cluster, "broker"),
        labels={**labels(definition.cluster), **selector(definition.cluster, "broker", name), "kafkaops.kubernetes/pool": pool.name},
        selector=selector(definition.cluster, "broker", name),
        affinity=affinity(definition.cluster, "broker", definition.anti_affinity, rack),
        claims=claims,
        heap=pool.heap,
        resources=resources_for(pool.heap, pool.resources),
        ports=tuple(Port(_port_name(item), item.port, item.port) for item in definition.listeners),
        advertised=advertised,
        properties=properties,
        file=file,
        file_name="server.properties",
        checksum=_checksum(file),
        command=("/opt/kafkaops/bin/start", "broker", f"{CONFIG_PATH}/server.properties"),
        ready_command=("/opt/kafkaops/bin/probe", "broker", str(_inter_broker(definition).port)),
        live_port=_inter_broker(definition).port,
        startup_timeout=definition.startup_timeout,
        termination_grace_period=definition.termination_grace_period,
    )


def _broker_properties(
    definition: Definition,
    pool: NodePool,
    node_id: int,
    rack: str,
    claims: t.Sequence[Claim],
    advertised: t.Sequence[Advertised],
    zookeeper_connect: str,
) -> dict[str, str]:
    """A broker's configuration: defaults, then the user's, then what the plan decides."""
    brokers = sum(len(each.node_ids) for each in definition.pools)
    copies = str(min(3, max(1, brokers)))
    in_sync = str(2 if brokers >= 3 else 1)
    properties = {
        "default.replication.factor": copies,
        "min.insync.replicas": in_sync,
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": in_sync,
        # The ensemble starts at the same time as the brokers; Kafka's 18 s are short for that.
        "zookeeper.connection.timeout.ms": "60000",
        **definition.config,
        **pool.config,
    }
    decided = {
        "broker.id": str(node_id),
        "listeners": ",".join(f"{item.name}://:{item.port}" for item in definition.listeners),
        "advertised.listeners": ",".join(place.text for place in advertised),
        "listener.security.protocol.map": ",".join(f"{item.name}:{item.security}" for item in definition.listeners),
        "inter.broker.listener.name": definition.inter_broker_listener or _inter_broker(definition).name,
        "zookeeper.connect": zookeeper_connect,
        # A directory below the mount: file systems put lost+found at its root, and Kafka refuses that.
        "log.dirs": ",".join(f"{claim.mount_path}/log" for claim in claims),
    }
    if rack:
        decided["broker.rack"] = rack
    return {**properties, **decided}


def resources_for(heap: str, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The container's resources: those given, else a request for the heap and 384 MiB for all that is beside it."""
    if given:
        return dict(given)
    mebibytes = {"k": 1 / 1024, "m": 1, "g": 1024}[heap[-1].lower()] * int(heap[:-1])
    return {"requests": {"cpu": "250m", "memory": f"{int(mebibytes) + 384}Mi"}}


OWNED = frozenset(
    (
        "advertised.host.name",
        "advertised.listeners",
        "advertised.port",
        "broker.id",
        "broker.rack",
        "host.name",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "listeners",
        "log.dir",
        "log.dirs",
        "node.id",
        "port",
        "process.roles",
        "security.inter.broker.protocol",
        "zookeeper.connect",
    )
)
"""Properties that the plan decides; they have variables of their own."""


def _zookeeper_connect(definition: Definition, nodes: t.Sequence[Node]) -> str:
    if definition.zookeeper.connect:
        return definition.zookeeper.connect
    hosts = ",".join(f"{node.host}:{ZOOKEEPER_PORTS['client']}" for node in nodes)
    return hosts + definition.zookeeper.chroot


def _zookeeper_nodes(definition: Definition) -> tuple[Node, ...]:
    ensemble = definition.zookeeper
    names = {number: f"{definition.cluster}-zookeeper-{number}" for number in range(1, ensemble.nodes + 1)}
    servers = {number: _pod_host(definition, f"{name}-0", "zookeeper") for number, name in names.items()}
    properties = {
        "tickTime": "2000",
        "initLimit": "10",
        "syncLimit": "5",
        "autopurge.purgeInterval": "1",
        "autopurge.snapRetainCount": "3",
        "maxClientCnxns": "0",
        **ensemble.config,
        "dataDir": f"{ZOOKEEPER_PATH}/data",
        "clientPort": str(ZOOKEEPER_PORTS["client"]),
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "srvr,ruok,mntr",
        # A pod's own name may resolve a moment after its start; by default the election listener gives up after 3 tries.
        "electionPortBindRetry": "0",
    }
    if ensemble.nodes > 1:
        properties.update(
            {f"server.{number}": f"{host}:{ZOOKEEPER_PORTS['quorum']}:{ZOOKEEPER_PORTS['election']}" for number, host in servers.items()}
        )
    file = _properties.render(properties)
    return tuple(
        Node(
            name=name,
            pod=f"{name}-0",
            id=number,
            pool="zookeeper",
            component="zookeeper",
            rack="",
            host=servers[number],
            headless=headless_name(definition.cluster, "zookeeper"),
            labels={**labels(definition.cluster), **selector(definition.cluster, "zookeeper", name)},
            selector=selector(definition.cluster, "zookeeper", name),
            affinity=affinity(definition.cluster, "zookeeper", ensemble.anti_affinity, ""),
            claims=(Claim("data", ensemble.volume.size, ensemble.volume.storage_class, ZOOKEEPER_PATH),),
            heap=ensemble.heap,
            resources=resources_for(ensemble.heap, ensemble.resources),
            ports=tuple(Port(port_name, port, port) for port_name, port in ZOOKEEPER_PORTS.items()),
            advertised=(),
            properties=properties,
            file=file,
            file_name="zoo.cfg",
            checksum=_checksum(file, str(number)),
            command=("/opt/kafkaops/bin/start", "zookeeper", f"{CONFIG_PATH}/zoo.cfg", str(number)),
            ready_command=("/opt/kafkaops/bin/probe", "zookeeper", str(ZOOKEEPER_PORTS["client"])),
            live_port=ZOOKEEPER_PORTS["client"],
            startup_timeout=300,
            termination_grace_period=30,
        )
        for number, name in names.items()
    )


def labels(cluster: str) -> dict[str, str]:
    """Labels of every object of a cluster."""
    return {
        "app.kubernetes.io/name": "kafka",
        "app.kubernetes.io/instance": cluster,
        "app.kubernetes.io/managed-by": "kafkaops.kubernetes",
    }


def affinity(cluster: str, component: str, apart: str, rack: str) -> dict[str, t.Any]:
    """Where a pod may run: in its rack's zone, and ``required``, ``preferred`` or not at all apart from its like."""
    found: dict[str, t.Any] = {}
    if rack:
        zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [rack]}
        found["nodeAffinity"] = {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}
        }
    term = {"labelSelector": {"matchLabels": selector(cluster, component)}, "topologyKey": "kubernetes.io/hostname"}
    if apart == "required":
        found["podAntiAffinity"] = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
    elif apart == "preferred":
        found["podAntiAffinity"] = {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}
    return found


def selector(cluster: str, component: str, node: str = "") -> dict[str, str]:
    """Labels that name the pods of a component, or the pod of one node."""
    found = {"app.kubernetes.io/instance": cluster, "app.kubernetes.io/component": component}
    return {**found, "kafkaops.kubernetes/node": node} if node else found


def _services(definition: Definition, nodes: t.Sequence[Node], zookeeper_nodes: t.Sequence[Node]) -> tuple[Service, ...]:
    cluster = definition.cluster
    inside = [listener for listener in definition.listeners if listener.exposure not in EXTERNAL]
    all_ports = tuple(Port(_port_name(item), item.port, item.port) for item in definition.listeners)
    inside_ports = tuple(Port(_port_name(item), item.port, item.port) for item in inside)
    services = [
        Service(headless_name(cluster, "broker"), "ClusterIP", selector(cluster, "broker"), all_ports, "broker", headless=True),
    ]
    if inside_ports:
        services.append(Service(f"{cluster}-bootstrap", "ClusterIP", selector(cluster, "broker"), inside_ports, "broker"))
        services += [
            Service(node.name, "ClusterIP", selector(cluster, "broker", node.name), inside_ports, "broker", node.name)
            for node in nodes
        ]
    for listener in definition.listeners:
        if listener.exposure in EXTERNAL:
            services += [_external_service(cluster, listener, node) for node in nodes]
    if zookeeper_nodes:
        ports = tuple(Port(name, port, port) for name, port in ZOOKEEPER_PORTS.items())
        services.append(Service(headless_name(cluster, "zookeeper"), "ClusterIP", selector(cluster, "zookeeper"), ports, "zookeeper", headless=True))
    return tuple(services)


def _external_service(cluster: str, listener: Listener, node: Node) -> Service:
    kind = {"node_port": "NodePort", "load_balancer": "LoadBalancer"}[listener.exposure]
    fixed = node_port(listener, node.id) if listener.exposure == "node_port" else 0
    return Service(
        name=f"{node.name}-{_port_name(listener)}",
        type=kind,
        selector=selector(cluster, "broker", node.name),
        ports=(Port(_port_name(listener), listener.port, listener.port, fixed),),
        component="broker",
        node=node.name,
        annotations=listener.annotations,
    )


def _bootstrap(definition: Definition, nodes: t.Sequence[Node]) -> dict[str, str]:
    """Where clients begin, by listener: one Service inside the Kubernetes cluster, every broker's address outside."""
    found = {}
    for listener in definition.listeners:
        if listener.exposure in EXTERNAL:
            places = [place for node in nodes for place in node.advertised if place.listener == listener.name and place.known]
            found[listener.name] = ",".join(f"{place.host}:{place.port}" for place in places)
        else:
            found[listener.name] = f"{_service_host(definition, definition.cluster + '-bootstrap')}:{listener.port}"
    return found


def _client(definition: Definition, client: Client, bootstrap: t.Mapping[str, str]) -> ClientPlan:
    listener = client.listener or _inter_broker(definition).name
    servers = client.bootstrap_servers or bootstrap.get(listener, "")
    part = "serializer" if client.kind == "producer" else "deserializer"
    decided = {
        "bootstrap.servers": servers,
        f"key.{part}": client.key_class,
        f"value.{part}": client.value_class,
        "group.id": client.group_id,
        "max.poll.records": str(client.max_poll_records or ""),
    }
    file = _properties.render({**client.properties, **{key: value for key, value in decided.items() if value}})
    return ClientPlan(
        name=f"{definition.cluster}-{client.name}",
        kind=client.kind,
        topic=client.topic,
        replicas=client.replicas,
        image=client.image,
        bootstrap_servers=servers,
        group_id=client.group_id,
        command=client.command,
        args=client.args,
        resources=client.resources,
        file=file,
        checksum=_checksum(file),
    )
