# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The definition of a cluster as typed data, read from inventory variables. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition_security
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import (
    CLIENT_AUTHS,
    SCRAM,
    SECURITY_PROTOCOLS,
    Security,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import (
    DNS_LABEL,
    MEMORY,
    QUANTITY,
    Reader,
    shown,
)

MODES = ("kraft", "zookeeper")
ROLES = ("broker", "controller")
QUORUMS = ("dynamic", "static")
EXPOSURES = ("internal", "cluster_ip", "node_port", "load_balancer", "custom")
POD_SECURITY = ("restricted", "baseline", "privileged")
ANTI_AFFINITIES = ("required", "preferred", "none")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
LISTENER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
MOST_NODES = 2000
MOST_CONTROLLERS = 100
PREFIXES = ("kafka_", "zookeeper_", "clients_", "services_")

ADVERTISED_PORT = re.compile(r"[0-9]{1,5}|[0-9]{0,4}\{id\}")
CLUSTER_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}")

DEFAULT_POOLS: dict[str, tuple[dict[str, t.Any], ...]] = {
    "kraft": ({"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"]},),
    "zookeeper": ({"name": "broker", "node_ids": [0, 1, 2]},),
}
DEFAULT_LISTENERS: tuple[dict[str, t.Any], ...] = ({"name": "INTERNAL", "port": 9092},)

DECLARED = ("kafka_topics", "kafka_users", "kafka_quotas", "kafka_acls")
"""What the cluster is to hold; lists of the modules with these names."""

OTHER_VARIABLES = (
    "kafka_acls_purge",
    "kafka_connection",
    "kafka_context",
    "kafka_declared",
    "kafka_destroy_claims",
    "kafka_destroy_confirm",
    "kafka_destroy_namespace",
    "kafka_drain_node",
    "kafka_fail_on",
    "kafka_hosts",
    "kafka_kubeconfig",
    "kafka_live",
    "kafka_passwords",
    "kafka_plan",
    "kafka_ready_timeout",
    "kafka_features",
    "kafka_replace",
    "kafka_roll",
    "kafka_roll_allow_without_spare",
    "kafka_roll_before",
    "kafka_roll_check_reachable",
    "kafka_roll_patience",
    "kafka_roll_pause",
    "kafka_roll_preferred_leaders",
    "kafka_roll_rack_at_once",
    "kafka_runtime_config",
    "kafka_scale_allow_fewer_racks",
    "kafka_scale_batch_bytes",
    "kafka_scale_batch_partitions",
    "kafka_scale_cancel",
    "kafka_scale_claims",
    "kafka_scale_patience",
    "kafka_scale_throttle",
    "kafka_topics_purge",
    "kafka_users_made",
    "kafka_users_purge",
    "kafka_users_update_password",
    "kafka_records_stored",
    "services_address_timeout",
)
"""Variables with these prefixes that roles use and that are no part of a cluster's definition."""


@dataclasses.dataclass(frozen=True)
class Volume:
    """One claim of a node: ``size`` as a Kubernetes quantity, ``storage_class`` empty for the default class."""

    size: str = "10Gi"
    storage_class: str = ""


@dataclasses.dataclass(frozen=True)
class NodePool:
    """Nodes of one shape. ``racks``: zones that the nodes are spread over in turn, or none."""

    name: str
    node_ids: tuple[int, ...]
    roles: tuple[str, ...]
    racks: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = (Volume(),)
    heap: str = "1g"
    jvm_options: tuple[str, ...] = ()
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Listener:
    """One listener of every broker and how clients come to it. ``allow_from``: network policy peers; None for no policy."""

    name: str
    port: int
    security: str = "PLAINTEXT"
    exposure: str = "internal"
    advertised_host: str = ""
    advertised_hosts: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    advertised_port: str = ""
    first_node_port: int = 0
    node_ports: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    load_balancer_class: str = ""
    mechanisms: tuple[str, ...] = ()
    client_auth: str = ""
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    allow_from: tuple[t.Mapping[str, t.Any], ...] | None = None

    @property
    def tls(self) -> bool:
        """Whether connections are encrypted."""
        return self.security in ("SSL", "SASL_SSL")

    @property
    def sasl(self) -> bool:
        """Whether clients log in."""
        return self.security.startswith("SASL")


@dataclasses.dataclass(frozen=True)
class ZooKeeper:
    """The ensemble that the collection runs, or ``connect``: one that exists."""

    nodes: int = 3
    connect: str = ""
    chroot: str = ""
    tls: bool = False
    volume: Volume = Volume()
    heap: str = "512m"
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    anti_affinity: str = "required"


@dataclasses.dataclass(frozen=True)
class Client:
    """A producer or consumer application."""

    name: str
    kind: str
    topic: str
    replicas: int = 1
    image: str = ""
    listener: str = ""
    user: str = ""
    password: str = dataclasses.field(repr=False, default="")
    tls_client: str = ""
    bootstrap_servers: str = ""
    key_class: str = ""
    value_class: str = ""
    group_id: str = ""
    max_poll_records: int = 0
    properties: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Definition:
    """Everything a user says about one cluster."""

    cluster: str
    namespace: str
    create_namespace: bool
    pod_security: str
    version: str
    mode: str
    cluster_id: str
    quorum: str
    controller_port: int
    domain: str
    pools: tuple[NodePool, ...]
    listeners: tuple[Listener, ...]
    inter_broker_listener: str
    security: Security
    config: t.Mapping[str, str]
    anti_affinity: str
    startup_timeout: int
    termination_grace_period: int
    run_as_user: int
    zookeeper: ZooKeeper
    clients: tuple[Client, ...]
    scale_in: tuple[int, ...] = ()
    """Ids of nodes that are to leave; the pools have them no longer."""
    stopped: tuple[int, ...] = ()
    """Ids of nodes that do not run for the time being, and keep their id and their claims."""


def read(variables: t.Mapping[str, t.Any]) -> tuple[Definition, list[Finding]]:
    """The definition in ``variables`` (names as in an inventory) and what is wrong with it.

    Whatever is wrong is replaced by its default, so that one run tells all that is wrong.
    """
    findings: list[Finding] = []
    if isinstance(variables, t.Mapping):
        lists = {name: _listed(variables[name]) for name in ("kafka_scale_in", "kafka_stopped") if name in variables}
        variables = {**variables, **lists}
    reader = Reader(variables, "", findings)
    mode = reader.text("kafka_mode", "kraft", choices=MODES)
    definition = Definition(
        cluster=reader.text(
            "kafka_cluster_name", "kafka", pattern=DNS_LABEL, longest=30, shape="a DNS label of at most 30 characters (a-z, 0-9, -)"
        ),
        namespace=reader.text("kafka_namespace", "kafka", pattern=DNS_LABEL, longest=63, shape="a namespace's name (a-z, 0-9, -)"),
        create_namespace=reader.flag("services_create_namespace", True),
        pod_security=reader.text("services_pod_security", "restricted", choices=POD_SECURITY),
        version=reader.text("kafka_version", "4.3.1", pattern=VERSION, shape="a release such as 4.3.1"),
        mode=mode,
        cluster_id=reader.text("kafka_cluster_id", pattern=CLUSTER_ID, shape="22 characters of base64 (A-Z, a-z, 0-9, _, -), not beginning with -"),
        quorum=reader.text("kafka_quorum", "dynamic", choices=QUORUMS),
        controller_port=reader.integer("kafka_controller_port", 9090, minimum=1, maximum=65535),
        domain=reader.text("kafka_cluster_domain", "cluster.local", pattern=re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?"), shape="a DNS domain"),
        pools=_within_reason(reader, [_pool(item) for item in reader.children("kafka_node_pools", DEFAULT_POOLS[mode])]),
        listeners=tuple(_listener(item) for item in reader.children("kafka_listeners", DEFAULT_LISTENERS)),
        inter_broker_listener=reader.text("kafka_inter_broker_listener").upper(),
        security=_definition_security.read(reader),
        config=reader.properties("kafka_config"),
        anti_affinity=reader.text("kafka_anti_affinity", "required", choices=ANTI_AFFINITIES),
        startup_timeout=reader.integer("kafka_startup_timeout", 3600, minimum=10, maximum=86400),
        termination_grace_period=reader.integer("kafka_termination_grace_period", 300, minimum=1, maximum=86400),
        run_as_user=reader.integer("kafka_run_as_user", 1001, minimum=0, maximum=2**31 - 1),
        zookeeper=_zookeeper(reader),
        clients=tuple(
            _client(item, kind, index)
            for kind in ("producer", "consumer")
            for index, item in enumerate(reader.children(f"clients_{kind}s"))
        ),
        scale_in=tuple(reader.integers("kafka_scale_in", minimum=0, maximum=99_999)),
        stopped=tuple(reader.integers("kafka_stopped", minimum=0, maximum=99_999)),
    )
    reader.close_variables(PREFIXES, (*OTHER_VARIABLES, *DECLARED))
    return definition, findings


def _listed(value: t.Any) -> t.Any:
    """``3``, ``3,4`` and ``[3, 4]`` as lists: the command line and AWX have no other than text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return [value]
    return re.findall(r"[^\s,]+", value.strip().removeprefix("[").removesuffix("]")) if isinstance(value, str) else value


def _volume(reader: Reader) -> Volume:
    volume = Volume(
        size=reader.text("size", Volume.size, pattern=QUANTITY, shape="a size such as 10Gi"),
        storage_class=reader.text("storage_class"),
    )
    reader.close()
    return volume


def _pool(reader: Reader) -> NodePool:
    pool = NodePool(
        name=reader.text("name", "broker", required=True, pattern=DNS_LABEL, longest=10, shape="a DNS label of at most 10 characters"),
        node_ids=tuple(reader.integers("node_ids", minimum=0, maximum=99_999)),
        roles=tuple(role for role in dict.fromkeys(reader.texts("roles", ("broker",))) if _known_role(reader, role)),
        racks=tuple(reader.texts("racks")),
        volumes=tuple(_volume(item) for item in reader.children("volumes", ({},), most=100)),
        heap=reader.text("heap", NodePool.heap, pattern=MEMORY, shape="a size for the JVM such as 512m or 4g"),
        jvm_options=tuple(option for option in reader.texts("jvm_options") if _known_option(reader, option)),
        resources=reader.objects("resources"),
        config=reader.properties("config"),
    )
    if not pool.node_ids:
        reader.wrong("INPUT-REQUIRED", reader.at("node_ids"), "names no node", "list the ids of the pool's nodes, such as [0, 1, 2]")
    if not pool.volumes:
        reader.wrong("INPUT-REQUIRED", reader.at("volumes"), "is empty: a broker without a claim loses its data with its pod", "list at least one volume")
    reader.close()
    return pool


def _within_reason(reader: Reader, pools: t.Sequence[NodePool]) -> tuple[NodePool, ...]:
    """The pools up to the number of nodes that can be checked in seconds; every node knows every controller."""
    kept, nodes, controllers = [], 0, 0
    for pool in pools:
        nodes += len(pool.node_ids)
        controllers += len(pool.node_ids) if "controller" in pool.roles else 0
        if nodes > MOST_NODES or controllers > MOST_CONTROLLERS:
            message = f"there are more than {MOST_NODES} nodes or {MOST_CONTROLLERS} controllers; pools from {pool.name} on are not read"
            reader.wrong("INPUT-RANGE", "kafka_node_pools", message, "write fewer nodes; three or five controllers are enough")
            break
        kept.append(pool)
    return tuple(kept)


def _known_role(reader: Reader, role: str) -> bool:
    if role not in ROLES:
        reader.wrong("INPUT-CHOICE", reader.at("roles"), f"{role!r} is not one of {', '.join(ROLES)}", "write one of them")
    return role in ROLES


def _known_option(reader: Reader, option: str) -> bool:
    name = option.partition("=")[0]
    wrong = fix = ""
    if re.search("(password|passphrase|secret)$", name, re.IGNORECASE):
        wrong, fix = f"{shown(name)} is a secret (its value is not shown), and whoever may read pods reads their command lines", "use kafka_secret_config"
    elif not re.fullmatch(r"-\S+", option):
        wrong, fix = f"{shown(option)} is not an option of the JVM", "write one in each item, with its dash and without blanks, such as -XX:MaxGCPauseMillis=50"
    elif re.match(r"-Xm[sx]|-XX:(Max|Initial)(HeapSize|RAMPercentage)", option):
        wrong, fix = f"{shown(option)} is the heap's size, which the container's memory is made for", "write it as heap"
    if wrong:
        reader.wrong("INPUT-FORMAT", reader.at("jvm_options"), wrong, fix)
    return not wrong


def _listener(reader: Reader) -> Listener:
    listener = Listener(
        name=reader.text(
            "name", "LISTENER", required=True, pattern=LISTENER_NAME, longest=20, shape="letters, digits and _, at most 20, a letter first"
        ).upper(),
        port=reader.integer("port", 0, minimum=1, maximum=65535),
        security=reader.text("security", "PLAINTEXT", choices=SECURITY_PROTOCOLS),
        exposure=reader.text("exposure", "internal", choices=EXPOSURES),
        advertised_host=reader.text("advertised_host"),
        advertised_hosts=reader.properties("advertised_hosts"),
        advertised_port=reader.text("advertised_port", pattern=ADVERTISED_PORT, shape="a port such as 9094, or one with the node's id such as 909{id}"),
        first_node_port=reader.integer("first_node_port", 0, minimum=1, maximum=65535),
        node_ports=reader.properties("node_ports"),
        annotations=reader.objects("annotations"),
        load_balancer_class=reader.text("load_balancer_class"),
        mechanisms=tuple(reader.texts("mechanisms")),
        client_auth=reader.text("client_auth", choices=CLIENT_AUTHS),
        config=reader.properties("config"),
        allow_from=reader.mappings("allow_from"),
    )
    if listener.sasl and not listener.mechanisms:
        listener = dataclasses.replace(listener, mechanisms=(SCRAM,))
    if listener.tls and not listener.client_auth:
        # Without a login the certificate is all that tells who a client is.
        listener = dataclasses.replace(listener, client_auth="none" if listener.sasl else "required")
    if not reader.has("port"):
        reader.wrong("INPUT-REQUIRED", reader.at("port"), "is required and not set", "write the port that the brokers listen on, such as 9092")
    reader.close()
    return listener


def _zookeeper(reader: Reader) -> ZooKeeper:
    return ZooKeeper(
        nodes=reader.integer("zookeeper_nodes", 3, minimum=1, maximum=9),
        connect=reader.text("zookeeper_connect"),
        tls=reader.flag("zookeeper_tls", False),
        chroot=reader.text("zookeeper_chroot", pattern=re.compile(r"(/[^/\s,;:]+)+"), shape="a path such as /events"),
        volume=_volume(reader.child("zookeeper_volume")),
        heap=reader.text("zookeeper_heap", ZooKeeper.heap, pattern=MEMORY, shape="a size for the JVM such as 512m"),
        resources=reader.objects("zookeeper_resources"),
        config=reader.properties("zookeeper_config"),
        anti_affinity=reader.text("zookeeper_anti_affinity", "required", choices=ANTI_AFFINITIES),
    )


def _client(reader: Reader, kind: str, index: int) -> Client:
    part = "serializer" if kind == "producer" else "deserializer"
    client = Client(
        name=reader.text("name", f"{kind}-{index}", pattern=DNS_LABEL, longest=30, shape="a DNS label of at most 30 characters"),
        kind=kind,
        topic=reader.text("topic", "topic", required=True, pattern=re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}"), shape="a topic's name"),
        replicas=reader.integer("replicas", 1, minimum=0, maximum=1000),
        image=reader.text("image"),
        listener=reader.text("listener").upper(),
        user=reader.text("user", pattern=re.compile(r"[A-Za-z0-9._-]{1,60}"), shape="a user's name"),
        password=reader.secret("password", pattern=_definition_security.PASSWORD, shape="12 to 128 letters, digits, '.', '_', '~' or '-'"),
        tls_client=reader.text("tls_client"),
        bootstrap_servers=",".join(reader.texts("bootstrap_servers")),
        key_class=reader.text(f"key_{part}"),
        value_class=reader.text(f"value_{part}"),
        group_id=reader.text("group_id") if kind == "consumer" else "",
        max_poll_records=reader.integer("max_poll_records", 0, minimum=1, maximum=2**31 - 1) if kind == "consumer" else 0,
        properties=reader.properties("properties"),
        command=tuple(reader.texts("command")),
        args=tuple(reader.texts("args")),
        resources=reader.objects("resources"),
    )
    reader.close()
    return client
