# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The definition of a cluster as typed data, read from inventory variables. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import (
    DNS_LABEL,
    MEMORY,
    QUANTITY,
    Reader,
)

MODES = ("zookeeper",)
ROLES = ("broker",)
SECURITY_PROTOCOLS = ("PLAINTEXT",)
EXPOSURES = ("internal", "cluster_ip", "node_port", "load_balancer")
ANTI_AFFINITIES = ("required", "preferred", "none")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")
LISTENER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
PREFIXES = ("kafka_", "zookeeper_", "clients_", "services_")

DEFAULT_POOLS: tuple[dict[str, t.Any], ...] = ({"name": "broker", "node_ids": [0, 1, 2]},)
DEFAULT_LISTENERS: tuple[dict[str, t.Any], ...] = ({"name": "INTERNAL", "port": 9092},)

OTHER_VARIABLES = (
    "kafka_context",
    "kafka_destroy_claims",
    "kafka_destroy_confirm",
    "kafka_destroy_namespace",
    "kafka_fail_on",
    "kafka_hosts",
    "kafka_kubeconfig",
    "kafka_manifests",
    "kafka_plan",
    "kafka_plan_services",
    "kafka_ready_timeout",
    "services_address_timeout",
    "services_create_namespace",
    "services_manifests",
    "services_pod_security",
    "zookeeper_manifests",
    "clients_manifests",
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
    roles: tuple[str, ...] = ("broker",)
    racks: tuple[str, ...] = ()
    volumes: tuple[Volume, ...] = (Volume(),)
    heap: str = "1g"
    resources: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Listener:
    """One listener of every broker and how clients come to it."""

    name: str
    port: int
    security: str = "PLAINTEXT"
    exposure: str = "internal"
    advertised_host: str = ""
    advertised_hosts: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    advertised_port: int = 0
    first_node_port: int = 0
    node_ports: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class ZooKeeper:
    """The ensemble that the collection runs, or ``connect``: one that exists."""

    nodes: int = 3
    connect: str = ""
    chroot: str = ""
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
    version: str
    mode: str
    domain: str
    pools: tuple[NodePool, ...]
    listeners: tuple[Listener, ...]
    inter_broker_listener: str
    config: t.Mapping[str, str]
    anti_affinity: str
    startup_timeout: int
    termination_grace_period: int
    run_as_user: int
    zookeeper: ZooKeeper
    clients: tuple[Client, ...]


def read(variables: t.Mapping[str, t.Any]) -> tuple[Definition, list[Finding]]:
    """The definition in ``variables`` (names as in an inventory) and what is wrong with it.

    Whatever is wrong is replaced by its default, so that one run tells all that is wrong.
    """
    findings: list[Finding] = []
    reader = Reader(variables, "", findings)
    definition = Definition(
        cluster=reader.text(
            "kafka_cluster_name", "kafka", pattern=DNS_LABEL, longest=30, shape="a DNS label of at most 30 characters (a-z, 0-9, -)"
        ),
        namespace=reader.text("kafka_namespace", "kafka", pattern=DNS_LABEL, longest=63, shape="a namespace's name (a-z, 0-9, -)"),
        version=reader.text("kafka_version", "3.9.2", pattern=VERSION, shape="a release such as 3.9.2"),
        mode=reader.text("kafka_mode", "zookeeper", choices=MODES),
        domain=reader.text("kafka_cluster_domain", "cluster.local", pattern=re.compile(r"[a-z0-9]([-.a-z0-9]*[a-z0-9])?"), shape="a DNS domain"),
        pools=tuple(_pool(item) for item in reader.children("kafka_node_pools", DEFAULT_POOLS)),
        listeners=tuple(_listener(item) for item in reader.children("kafka_listeners", DEFAULT_LISTENERS)),
        inter_broker_listener=reader.text("kafka_inter_broker_listener").upper(),
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
    )
    reader.close_variables(PREFIXES, OTHER_VARIABLES)
    return definition, findings


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
        roles=tuple(role for role in reader.texts("roles", ("broker",)) if _known_role(reader, role)),
        racks=tuple(reader.texts("racks")),
        volumes=tuple(_volume(item) for item in reader.children("volumes", ({},))),
        heap=reader.text("heap", NodePool.heap, pattern=MEMORY, shape="a size for the JVM such as 512m or 4g"),
        resources=reader.objects("resources"),
        config=reader.properties("config"),
    )
    if not pool.node_ids:
        reader.wrong("INPUT-REQUIRED", reader.at("node_ids"), "names no node", "list the ids of the pool's nodes, such as [0, 1, 2]")
    if not pool.volumes:
        reader.wrong("INPUT-REQUIRED", reader.at("volumes"), "is empty: a broker without a claim loses its data with its pod", "list at least one volume")
    reader.close()
    return pool


def _known_role(reader: Reader, role: str) -> bool:
    if role not in ROLES:
        reader.wrong("INPUT-CHOICE", reader.at("roles"), f"{role!r} is not one of {', '.join(ROLES)}", "write one of them")
    return role in ROLES


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
        advertised_port=reader.integer("advertised_port", 0, minimum=1, maximum=65535),
        first_node_port=reader.integer("first_node_port", 0, minimum=1, maximum=65535),
        node_ports=reader.properties("node_ports"),
        annotations=reader.objects("annotations"),
    )
    if not reader.has("port"):
        reader.wrong("INPUT-REQUIRED", reader.at("port"), "is required and not set", "write the port that the brokers listen on, such as 9092")
    reader.close()
    return listener


def _zookeeper(reader: Reader) -> ZooKeeper:
    return ZooKeeper(
        nodes=reader.integer("zookeeper_nodes", 3, minimum=1, maximum=9),
        connect=reader.text("zookeeper_connect"),
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
