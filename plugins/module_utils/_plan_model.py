# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What a plan consists of, and the names in it. Private to the collection."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition, Listener

CONFIG_PATH = "/etc/kafkaops"
DATA_PATH = "/var/lib/kafka"
EXTERNAL = ("node_port", "load_balancer")
STORES = {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.location": f"{CONFIG_PATH}/tls/tls-combined.pem",
    "ssl.truststore.type": "PEM",
    "ssl.truststore.location": f"{CONFIG_PATH}/tls/ca.crt",
}
"""A PEM key store is one file with the key and the chain; no password, since the file is in a Secret already."""


@dataclasses.dataclass(frozen=True)
class Identity:
    """What is made once for a cluster in KRaft mode and never changed.

    ``cluster_id``: 22 characters of base64. ``quorum``: ``dynamic`` (KIP-853) or ``static``. ``initial_controllers``:
    the first voters of a dynamic quorum as Kafka writes them, ``id@host:port:directory-id,...``. ``formed``: when every
    controller was last seen to be a voter, in UTC, empty before the first have met; a controller whose disk is empty from then
    on is a new one, and not one of the first.
    """

    cluster_id: str = ""
    quorum: str = ""
    initial_controllers: str = ""
    formed: str = ""


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
    load_balancer_class: str = ""
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
class Certificate:
    """A certificate and its key, in a Secret of this name. ``node``: the id of the node that has it, empty for a client."""

    name: str
    common_name: str
    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    component: str
    node: str = ""


@dataclasses.dataclass(frozen=True)
class ToIssue:
    """A certificate to issue now. ``subject_alt_name``: as X.509 names them, ``DNS:name`` or ``IP:address``."""

    name: str
    common_name: str
    subject_alt_name: tuple[str, ...]
    component: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Issuance:
    """What the collection's own authority is to issue now. ``authority``: why it must be made first, or empty."""

    authority: str = ""
    certificates: tuple[ToIssue, ...] = ()
    authority_days: int = 0


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

    ``component`` is what Services select: ``broker`` (combined nodes too), ``controller`` or ``zookeeper``.
    ``file`` is mounted as ``/etc/kafkaops/<file_name>``. Ready is what ``ready_command`` says, alive is an open
    ``live_port``, which may take ``startup_timeout`` seconds to open.
    """

    name: str
    pod: str
    id: int
    pool: str
    component: str
    roles: tuple[str, ...]
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
    jvm_options: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class NetworkPolicy:
    """Who may reach the pods of a component. ``rules``: ingress rules as Kubernetes has them."""

    name: str
    component: str
    selector: t.Mapping[str, str]
    rules: tuple[t.Mapping[str, t.Any], ...]


@dataclasses.dataclass(frozen=True)
class ClientPlan:
    """A client application as it is deployed.

    ``secret``: its file has a password added and is in a Secret; ``trusts``: it needs the authority's certificate;
    ``tls_secret``: the Secret with its own.
    """

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
    secret: bool
    trusts: bool
    tls_secret: str
    checksum: str


@dataclasses.dataclass(frozen=True)
class Plan:
    """Everything that is to be applied for one cluster."""

    cluster: str
    namespace: str
    create_namespace: bool
    pod_security: str
    version: str
    mode: str
    identity: Identity
    labels: t.Mapping[str, str]
    nodes: tuple[Node, ...]
    zookeeper_nodes: tuple[Node, ...]
    zookeeper_connect: str
    services: tuple[Service, ...]
    clients: tuple[ClientPlan, ...]
    bootstrap: t.Mapping[str, str]
    external_listeners: tuple[str, ...]
    certificates: tuple[Certificate, ...]
    tls_source: str
    tls_issuer: t.Mapping[str, str]
    tls_days: int
    tls_renew_days: int
    issuance: Issuance
    certificate_days: t.Mapping[str, int]
    credential_files: tuple[str, ...]
    logins: tuple[str, str]
    network_policies: tuple[NetworkPolicy, ...]
    run_as_user: int
    unassigned: tuple[str, ...]
    scale_in: tuple[int, ...] = ()
    stopped: tuple[int, ...] = ()

    @property
    def has_secrets(self) -> bool:
        """Whether there are Secrets to be made of what the user gives or of passwords made up."""
        given = self.tls_source == "given" and bool(self.certificates)
        return bool(self.credential_files) or given or any(client.secret for client in self.clients)

    def as_dict(self) -> dict[str, t.Any]:
        """The plan as plain lists and dictionaries, for templates."""
        return {**dataclasses.asdict(self), "has_secrets": self.has_secrets}

    @property
    def brokers(self) -> tuple[Node, ...]:
        """The nodes that clients talk to."""
        return tuple(node for node in self.nodes if "broker" in node.roles)

    @property
    def controllers(self) -> tuple[Node, ...]:
        """The voters of the metadata quorum."""
        return tuple(node for node in self.nodes if "controller" in node.roles)


def headless_name(cluster: str, component: str) -> str:
    """The Service that gives every pod of a component its name."""
    return f"{cluster}-{component}-nodes"


def pod_host(definition: Definition, pod: str, component: str) -> str:
    """How nodes reach a pod. The one place that decides it: a pod's name under its headless Service."""
    return f"{pod}.{headless_name(definition.cluster, component)}.{definition.namespace}.svc.{definition.domain}"


def service_host(definition: Definition, service: str) -> str:
    """A Service's name for pods of any namespace."""
    return f"{service}.{definition.namespace}.svc.{definition.domain}"


def port_name(listener: Listener) -> str:
    """A port's name has at most 15 characters and no underscore (IANA service names)."""
    return listener.name.lower().replace("_", "-")[:15].strip("-")


def checksum(*parts: str) -> str:
    """Changes where one of the parts does."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def resources_for(heap: str, given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The container's resources: those given, else a request for the heap and 384 MiB for all that is beside it."""
    if given:
        return dict(given)
    mebibytes = {"k": 1 / 1024, "m": 1, "g": 1024}[heap[-1].lower()] * int(heap[:-1])
    return {"requests": {"cpu": "250m", "memory": f"{int(mebibytes) + 384}Mi"}}


LISTED: t.Mapping[str, str] = {"app.kubernetes.io/name": "kafka"}
"""A label of every object, by which Services that lead to one broker choose, and no StatefulSet does: a pod without it runs on, and they do not list it."""


def labels(cluster: str) -> dict[str, str]:
    """Labels of every object of a cluster."""
    return {
        **LISTED,
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
