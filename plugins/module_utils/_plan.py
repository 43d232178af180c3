# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The plan: everything that is to be applied for one cluster, decided. Private to the collection.

A plan is made from a definition, the cluster's identity, and the addresses that Kubernetes has assigned so far.
Manifests lay it out and decide nothing.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _objects,
    _plan_kafka,
    _plan_security,
    _plan_services,
    _plan_zookeeper,
    _properties,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Client, Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_kafka import OWNED, Addresses, node_port
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import (
    EXTERNAL,
    Advertised,
    ClientPlan,
    Identity,
    Issuance,
    Node,
    Plan,
    Service,
    checksum,
    labels,
)

__all__ = ["OWNED", "Advertised", "Identity", "Node", "Plan", "Service", "assigned", "build", "node_port"]


def build(definition: Definition, addresses: Addresses, identity: Identity = Identity()) -> Plan:  # noqa: B008
    """The plan of a definition; wherever an address is not assigned yet, the Service is listed in ``unassigned``."""
    zookeeper_nodes = _plan_zookeeper.nodes(definition)
    zookeeper_connect = _plan_zookeeper.connect(definition, zookeeper_nodes) if definition.mode == "zookeeper" else ""
    nodes = _plan_kafka.nodes(definition, addresses, identity, zookeeper_connect)
    services = _plan_services.services(definition, nodes, zookeeper_nodes)
    bootstrap = _plan_services.bootstrap(definition, nodes)
    return Plan(
        cluster=definition.cluster,
        namespace=definition.namespace,
        create_namespace=definition.create_namespace,
        pod_security=definition.pod_security,
        version=definition.version,
        mode=definition.mode,
        identity=identity,
        labels=labels(definition.cluster),
        nodes=nodes,
        zookeeper_nodes=zookeeper_nodes,
        zookeeper_connect=zookeeper_connect,
        services=services,
        clients=tuple(_client(definition, client, bootstrap) for client in definition.clients),
        bootstrap=bootstrap,
        external_listeners=tuple(listener.name for listener in definition.listeners if listener.exposure in (*EXTERNAL, "custom")),
        certificates=_plan_security.certificates(definition, [*nodes, *zookeeper_nodes], services),
        tls_source=definition.security.tls.source,
        tls_issuer=dataclasses.asdict(definition.security.tls.issuer),
        tls_days=definition.security.tls.days,
        tls_renew_days=definition.security.tls.renew_days,
        issuance=Issuance(),
        certificate_days={},
        credential_files=_plan_security.mounted_credentials(definition, _plan_kafka.inter_broker(definition)),
        logins=_plan_security.logins(definition),
        network_policies=_plan_services.network_policies(definition, [*nodes, *zookeeper_nodes]),
        run_as_user=definition.run_as_user,
        scale_in=definition.scale_in,
        stopped=definition.stopped,
        unassigned=tuple(sorted({place.service for node in nodes for place in node.advertised if not place.known})),
    )


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


def _client(definition: Definition, client: Client, bootstrap: t.Mapping[str, str]) -> ClientPlan:
    by_name = {listener.name: listener for listener in definition.listeners}
    listener = by_name.get(client.listener, _plan_kafka.inter_broker(definition))
    servers = client.bootstrap_servers or bootstrap.get(listener.name, "")
    part = "serializer" if client.kind == "producer" else "deserializer"
    decided = {
        "bootstrap.servers": servers,
        f"key.{part}": client.key_class,
        f"value.{part}": client.value_class,
        "group.id": client.group_id,
        "max.poll.records": str(client.max_poll_records or ""),
    }
    security = {} if client.bootstrap_servers else _plan_security.client_properties(listener, client)
    file = _properties.render({**security, **client.properties, **{key: value for key, value in decided.items() if value}})
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
        secret=bool(client.user),
        trusts=listener.tls and not client.bootstrap_servers,
        tls_secret=f"{definition.cluster}-client-{client.tls_client}" if client.tls_client else "",
        checksum=checksum(file),
    )
