# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The ZooKeeper ensemble of a plan. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import (
    CONFIG_PATH,
    STORES,
    Claim,
    Node,
    Port,
    affinity,
    checksum,
    headless_name,
    labels,
    pod_host,
    resources_for,
    selector,
)

PATH = "/var/lib/zookeeper"
PORTS = {"client": 2181, "quorum": 2888, "election": 3888}
SECURE_PORT = 2182


def client_port(definition: Definition) -> int:
    """Where brokers reach a server. With TLS the plain port is there for the probe in the pod only."""
    return SECURE_PORT if definition.zookeeper.tls else PORTS["client"]


def client_properties() -> dict[str, str]:
    """How a broker reaches an ensemble with TLS: it shows its own certificate, and checks the server's."""
    stores = {key.replace("ssl.", "zookeeper.ssl."): value for key, value in STORES.items()}
    return {"zookeeper.ssl.client.enable": "true", "zookeeper.clientCnxnSocket": "org.apache.zookeeper.ClientCnxnSocketNetty", **stores}


def _tls_properties() -> dict[str, str]:
    found = {"secureClientPort": str(SECURE_PORT), "clientPortAddress": "127.0.0.1", "sslQuorum": "true"}
    found["serverCnxnFactory"] = "org.apache.zookeeper.server.NettyServerCnxnFactory"
    for key, value in STORES.items():
        name = key.replace("keystore", "keyStore").replace("truststore", "trustStore")
        found[name] = value
        found[name.replace("ssl.", "ssl.quorum.")] = value
    return found


def connect(definition: Definition, ensemble: t.Sequence[Node]) -> str:
    """What brokers are given as ``zookeeper.connect``."""
    if definition.zookeeper.connect:
        return definition.zookeeper.connect
    hosts = ",".join(f"{node.host}:{client_port(definition)}" for node in ensemble)
    return hosts + definition.zookeeper.chroot


def nodes(definition: Definition) -> tuple[Node, ...]:
    """The servers that the collection runs; none where there is an ensemble already or Kafka needs none."""
    if definition.mode != "zookeeper" or definition.zookeeper.connect:
        return ()
    ensemble = definition.zookeeper
    names = {number: f"{definition.cluster}-zookeeper-{number}" for number in range(1, ensemble.nodes + 1)}
    servers = {number: pod_host(definition, f"{name}-0", "zookeeper") for number, name in names.items()}
    properties = {
        "tickTime": "2000",
        "initLimit": "10",
        "syncLimit": "5",
        "autopurge.purgeInterval": "1",
        "autopurge.snapRetainCount": "3",
        "maxClientCnxns": "0",
        **ensemble.config,
        "dataDir": f"{PATH}/data",
        "clientPort": str(PORTS["client"]),
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "srvr,ruok,mntr",
        # A pod's own name may resolve a moment after its start; by default the election listener gives up after 3 tries.
        "electionPortBindRetry": "0",
    }
    ports = dict(PORTS)
    if ensemble.tls:
        properties.update(_tls_properties())
        ports["client"] = SECURE_PORT
    if ensemble.nodes > 1:
        properties.update(
            {f"server.{number}": f"{host}:{PORTS['quorum']}:{PORTS['election']}" for number, host in servers.items()}
        )
    file = _properties.render(properties)
    return tuple(
        Node(
            name=name,
            pod=f"{name}-0",
            id=number,
            pool="zookeeper",
            component="zookeeper",
            roles=("zookeeper",),
            rack="",
            host=servers[number],
            headless=headless_name(definition.cluster, "zookeeper"),
            labels={**labels(definition.cluster), **selector(definition.cluster, "zookeeper", name)},
            selector=selector(definition.cluster, "zookeeper", name),
            affinity=affinity(definition.cluster, "zookeeper", ensemble.anti_affinity, ""),
            claims=(Claim("data", ensemble.volume.size, ensemble.volume.storage_class, PATH),),
            heap=ensemble.heap,
            resources=resources_for(ensemble.heap, ensemble.resources),
            ports=tuple(Port(port_name, port, port) for port_name, port in ports.items()),
            advertised=(),
            properties=properties,
            file=file,
            file_name="zoo.cfg",
            checksum=checksum(file, str(number)),
            command=("/opt/kafkaops/bin/start", "zookeeper", f"{CONFIG_PATH}/zoo.cfg", str(number)),
            ready_command=("/opt/kafkaops/bin/probe", "zookeeper", str(PORTS["client"])),
            live_port=ports["client"],
            startup_timeout=300,
            termination_grace_period=30,
        )
        for number, name in names.items()
    )
