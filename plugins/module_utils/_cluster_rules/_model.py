# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is going to run on Kubernetes, wherever it was described. Private to the collection.

A plan of this collection and somebody's own manifests become the same :class:`Planned`, so that the rules need to know
neither. Nothing here decides what is right.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import Endpoint
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._lazy import lazy
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker, NotKnown, Voter
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import MINORS, NEWEST, Release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server as ZooServer

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
"""Labels that Kubernetes gives to the pods of a StatefulSet."""

NEWEST_RELEASE = Release(NEWEST, _images.LATEST)
"""What is taken where nothing names a release."""

_Value = t.TypeVar("_Value")


@dataclasses.dataclass(frozen=True)
class ServicePort:
    """``target``: a number, or the name of a container's port; ``node_port`` 0: not fixed."""

    port: int
    target: int | str
    node_port: int = 0
    name: str = ""


@dataclasses.dataclass(frozen=True)
class Service:
    """``exists``: it is there and not part of what is planned."""

    name: str
    namespace: str
    type: str = "ClusterIP"
    headless: bool = False
    publishes_unready: bool = False
    selector: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    external_ips: tuple[str, ...] = ()
    exists: bool = False

    @property
    def where(self) -> str:
        """``Service/kafka``."""
        return f"Service/{self.name}"


@dataclasses.dataclass(frozen=True)
class Mount:
    """A volume in a container. ``kind``: ``claim``, ``empty`` (emptyDir), ``host`` (hostPath) or ``other``."""

    path: str
    kind: str
    sub_path: str = ""


@dataclasses.dataclass(frozen=True)
class Claim:
    """An entry of ``volumeClaimTemplates``; ``storage_class`` empty for the default."""

    name: str
    size: str
    storage_class: str = ""


@dataclasses.dataclass(frozen=True)
class Probe:
    """``kind``: ``exec``, ``tcp``, ``http`` or empty for none. ``command``: of exec, joined by blanks."""

    kind: str = ""
    command: str = ""
    port: int | str = 0


@dataclasses.dataclass(frozen=True)
class Workload:
    """What makes pods, and what all of its pods have in common.

    ``component``: ``kafka``, ``zookeeper``, another Confluent component such as ``schema-registry``, or empty.
    ``governing_service``: the headless Service below which its pods have names. ``scales``: whether somebody may give
    it another number of replicas. ``ports``: of the process's container by name; ``other_ports``: of the containers
    beside it and of agents in its JVM; ``mentioned_ports``: numbers in its environment that may be ports.
    ``privileged``: whether it runs as root; None where nothing says so.
    """

    kind: str
    name: str
    namespace: str
    component: str
    replicas: int = 1
    scales: bool = True
    governing_service: str = ""
    pod_management: str = "OrderedReady"
    selector: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    image: str = ""
    family: _images.Family = _images.FILE
    service_links: bool = True
    mounts: tuple[Mount, ...] = ()
    ports: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    other_ports: frozenset[int] = frozenset()
    mentioned_ports: frozenset[int] = frozenset()
    readiness: Probe = Probe()
    probes: tuple[Probe, ...] = ()
    script: str = ""
    privileged: bool | None = None
    host_network: bool = False

    @property
    def where(self) -> str:
        """``StatefulSet/kafka``."""
        return f"{self.kind}/{self.name}"


@dataclasses.dataclass(frozen=True, eq=False)
class Server:
    """One pod with a process of Kafka, ZooKeeper or another component.

    ``environment``: as set in the manifest. ``unread``: properties that are set to something that cannot be known
    here, and why. ``places``: where a property comes from, ``{}`` in ``place`` stands for any other one.
    ``given``: what clients are told, where the source knows it better than the text of ``advertised.listeners``.
    """

    workload: Workload
    pod: str
    ordinal: int = 0
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    properties: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    release: Release = NEWEST_RELEASE
    unread: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    pod_ip: str = ""
    cluster_id: str = ""
    myid: str | None = None
    places: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    place: str = "{}"
    given: tuple[Endpoint, ...] | None = None

    @property
    def namespace(self) -> str:
        """The pod's namespace."""
        return self.workload.namespace

    def where(self, key: str, listener: str = "") -> str:
        """The place a finding about a property, or about one listener in it, names."""
        found = self.places.get(f"{key} {listener}") if listener else None
        return found or self.places.get(key) or self.place.format(key)

    # Kafka, as layer 1 reads it; whatever cannot be read is empty here, and layer 1 says so.

    @lazy
    def broker(self) -> Broker:
        """Layer 1's reading of the properties."""
        release = self.release if self.release.minor in MINORS else NEWEST_RELEASE
        return Broker(dict(self.properties), release, frozenset(self.unread))

    def read(self, get: t.Callable[[Broker], _Value]) -> _Value | None:
        """What layer 1 reads; None where it cannot."""
        try:
            return get(self.broker)
        except NotKnown:
            return None

    def number(self, key: str) -> int | None:
        """The value or default of a key that is a number; None where this release does not have it, or it is refused."""
        value = self.read(lambda broker: broker.get(key))
        return value if isinstance(value, int) else None

    @lazy
    def is_broker(self) -> bool:
        """Whether clients connect to it."""
        return self.workload.component == "kafka" and bool(self.read(lambda broker: broker.is_broker))

    @lazy
    def is_controller(self) -> bool:
        """Whether it has the controller role."""
        return self.workload.component == "kafka" and bool(self.read(lambda broker: broker.is_controller))

    @lazy
    def uses_zookeeper(self) -> bool:
        """Whether it keeps metadata in ZooKeeper, or migrates from there."""
        return self.workload.component == "kafka" and bool(self.read(lambda broker: broker.zookeeper or broker.migrating))

    @lazy
    def id(self) -> int | None:
        """``node.id`` or ``broker.id``; None where it is chosen at the first start, or cannot be read."""
        found = self.read(lambda broker: broker.node_id)
        return found if found is not None and found >= 0 else None

    @lazy
    def listeners(self) -> list[Endpoint]:
        """What it binds."""
        return self.read(lambda broker: broker.listeners) or []

    @lazy
    def controller_listeners(self) -> list[Endpoint]:
        """What it binds for controllers."""
        return self.read(lambda broker: broker.controller_listeners) or []

    @lazy
    def advertised(self) -> list[Endpoint]:
        """What clients are told, without what has no host."""
        if self.given is not None:
            return list(self.given)
        return [endpoint for endpoint in (self.read(lambda broker: broker.advertised_to_clients) or []) if endpoint.host]

    @lazy
    def voters(self) -> dict[int, Voter]:
        """``controller.quorum.voters`` by id."""
        return self.read(lambda broker: broker.voters) or {}

    @lazy
    def controller_addresses(self) -> list[tuple[str, int]]:
        """Where it looks for controllers: voters, or bootstrap servers."""
        if self.voters:
            return [(voter.host, voter.port) for voter in self.voters.values()]
        entries = self.read(lambda broker: broker.bootstrap_entries) or []
        return [(entry.host, entry.port) for entry in entries if not hasattr(entry, "reason") and entry.port is not None]

    @lazy
    def log_dirs(self) -> list[str]:
        """Where it keeps data: log directories, and the directory of the metadata log where that is another one."""
        metadata = self.read(lambda broker: broker.get("metadata.log.dir"))
        return [*(self.read(lambda broker: broker.log_dirs) or []), *([metadata] if metadata else [])]

    # ZooKeeper

    @lazy
    def zoo(self) -> ZooServer:
        """Layer 1's reading of a ``zoo.cfg``."""
        return ZooServer(_properties.render(self.properties), self.myid, self.release.minor)

    @lazy
    def bound_ports(self) -> frozenset[int]:
        """The ports that something in the pod listens on, as far as the manifest tells."""
        own = {endpoint.port for endpoint in self.listeners} if self.workload.component == "kafka" else set()
        if self.workload.component == "zookeeper":
            member = self.zoo.members.get(self.zoo.id if self.zoo.id is not None else -1)
            numbers = [self.zoo.integer("clientPort"), self.zoo.integer("secureClientPort"), self.zoo.integer("admin.serverPort", 8080)]
            numbers += [self.zoo.integer("metricsProvider.httpPort", 7000)]
            own = {number for number in numbers if number}
            own |= {member.quorum_port, member.election_port} if member else {2888, 3888}
        return frozenset(own | self.workload.other_ports | self.workload.mentioned_ports)


@dataclasses.dataclass(frozen=True, eq=False)
class Planned:
    """Everything that is going to run for one Kafka cluster.

    ``services``: planned ones, and those that exist beside them. ``client_namespaces``: from where clients connect,
    as far as known. ``stored_ids``: node ids on disk by pod, where they are known. ``labels``: what all objects of this
    cluster have, empty where nothing tells them from others.
    """

    namespace: str
    servers: tuple[Server, ...] = ()
    services: tuple[Service, ...] = ()
    domain: str = "cluster.local"
    client_namespaces: tuple[str, ...] = ()
    stored_ids: t.Mapping[str, int] = dataclasses.field(default_factory=dict)
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    scale_in: tuple[int, ...] = ()
    """Ids of nodes that may leave."""
    formed: bool = False
    """Whether the first controllers have met."""
    there: Planned | None = None
    """What runs already, where that is known."""
    kept: dict[str, t.Any] = dataclasses.field(default_factory=dict, repr=False)
    """What several rules work out, by name."""

    @lazy
    def kafka(self) -> list[Server]:
        """All Kafka nodes."""
        return [server for server in self.servers if server.workload.component == "kafka"]

    @lazy
    def brokers(self) -> list[Server]:
        """The nodes that clients connect to."""
        return [server for server in self.kafka if server.is_broker]

    @lazy
    def controllers(self) -> list[Server]:
        """The nodes of the metadata quorum."""
        return [server for server in self.kafka if server.is_controller]

    @lazy
    def zookeeper(self) -> list[Server]:
        """The servers of the ensemble."""
        return [server for server in self.servers if server.workload.component == "zookeeper"]

    @lazy
    def workloads(self) -> list[Workload]:
        """What makes the pods, each once."""
        return list({id(server.workload): server.workload for server in self.servers}.values())

    @lazy
    def namespaces(self) -> frozenset[str]:
        """The namespaces of what is planned."""
        planned = {service.namespace for service in self.services if not service.exists}
        return frozenset({self.namespace, *planned, *(server.namespace for server in self.servers)})

    @lazy
    def pods(self) -> dict[tuple[str, str], Server]:
        """Pods by namespace and name; those whose names Kubernetes chooses are not here."""
        return {(server.namespace, server.pod): server for server in self.servers if server.workload.kind != "Deployment"}

    @lazy
    def _services(self) -> dict[tuple[str, str], Service]:
        # Planned ones last: they replace what exists.
        ordered = sorted(self.services, key=lambda service: not service.exists)
        return {(service.namespace, service.name): service for service in ordered}

    def service(self, namespace: str, name: str) -> Service | None:
        """A Service by name."""
        return self._services.get((namespace, name))

    @lazy
    def _labelled(self) -> dict[tuple[str, str, str], list[Server]]:
        found: dict[tuple[str, str, str], list[Server]] = {}
        for server in self.servers:
            for key, value in server.labels.items():
                found.setdefault((server.namespace, key, value), []).append(server)
        return found

    @lazy
    def _selected(self) -> dict[int, list[Server]]:
        return {id(service): self._select(service) for service in self.services}

    def _select(self, service: Service) -> list[Server]:
        if not service.selector:
            return []
        # A thousand Services with a pod each: begin with the label that the fewest pods have.
        candidates = min((self._labelled.get((service.namespace, *item), []) for item in service.selector.items()), key=len)
        if len(service.selector) == 1:
            return candidates
        wanted = service.selector.items()
        return [server for server in candidates if wanted <= server.labels.items()]

    def selected(self, service: Service) -> list[Server]:
        """The pods that a Service of ``services`` leads to."""
        return self._selected[id(service)]

    @lazy
    def _selecting(self) -> dict[int, list[Service]]:
        found: dict[int, list[Service]] = {}
        for service in self.services:
            for server in self.selected(service):
                found.setdefault(id(server), []).append(service)
        return found

    def selecting(self, server: Server) -> list[Service]:
        """The Services that lead to a pod."""
        return self._selecting.get(id(server), [])

    def target(self, server: Server, port: ServicePort) -> int | None:
        """The number of the port of a pod that a Service's port leads to; None where the pod has no port of that name."""
        return port.target if isinstance(port.target, int) else server.workload.ports.get(port.target)


def numbered(servers: t.Iterable[Server]) -> str:
    """Servers as a message names them: ids where they have some, else pods; the first five."""
    names = [str(server.id) if server.id is not None else server.pod for server in servers]
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
