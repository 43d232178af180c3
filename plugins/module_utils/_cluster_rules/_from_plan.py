# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From a plan of this collection to what is going to run. Private to the collection."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images, _model
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import (
    Claim,
    Mount,
    Planned,
    Probe,
    Server,
    ServicePort,
    Workload,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan import Node, Plan, Service
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import Endpoint
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import NEWEST, Release

_MADE_FROM = {
    "advertised.listeners": "kafka_listeners",
    "broker.id": "kafka_node_pools",
    "broker.rack": "kafka_node_pools",
    "controller.listener.names": "kafka_node_pools",
    "controller.quorum.bootstrap.servers": "kafka_node_pools",
    "controller.quorum.voters": "kafka_node_pools",
    "inter.broker.listener.name": "kafka_inter_broker_listener",
    "listener.security.protocol.map": "kafka_listeners",
    "listeners": "kafka_listeners",
    "log.dirs": "kafka_node_pools",
    "node.id": "kafka_node_pools",
    "process.roles": "kafka_node_pools",
    "zookeeper.connect": "zookeeper_connect",
}
"""The variable that a property is made from; any other one stands in ``kafka_config``, or would."""


def read(definition: Definition, plan: Plan) -> Planned:
    """What the plan's objects will run."""
    release = _release.parse(plan.version) or Release(NEWEST, _images.LATEST)
    shared = _places(definition)
    nodes = iter(plan.nodes)
    servers = []
    for index, pool in enumerate(definition.pools):
        places = {**shared, **{key: f"kafka_node_pools[{index}].config[{key}]" for key in pool.config}}
        servers += [_server(plan, node, release, places, "kafka_config[{}]") for node in itertools.islice(nodes, len(pool.node_ids))]
    ensemble = _images.zookeeper_of(release)
    servers += [_server(plan, node, ensemble, {"server": "zookeeper_nodes"}, "zookeeper_config[{}]") for node in plan.zookeeper_nodes]
    return Planned(
        namespace=plan.namespace,
        servers=tuple(servers),
        services=tuple(_service(plan, service) for service in plan.services),
        domain=definition.domain,
        scale_in=plan.scale_in,
        formed=bool(plan.identity.formed),
        labels={key: plan.labels[key] for key in ("app.kubernetes.io/instance", "app.kubernetes.io/managed-by")},
    )


def _places(definition: Definition) -> dict[str, str]:
    places = {"kafka_version": "kafka_version", **{key: f"{variable} ({key})" for key, variable in _MADE_FROM.items()}}
    for index, listener in enumerate(definition.listeners):
        for key in ("advertised.listeners", "listeners"):
            places[f"{key} {listener.name}"] = f"kafka_listeners[{index}] ({listener.name})"
    return places


def _server(plan: Plan, node: Node, release: Release, places: t.Mapping[str, str], place: str) -> Server:
    """What the collection's manifests make of a node."""
    workload = Workload(
        kind="StatefulSet",
        name=node.name,
        namespace=plan.namespace,
        component="zookeeper" if node.component == "zookeeper" else "kafka",
        # A node is a StatefulSet of one pod; more brokers are more of them.
        scales=False,
        governing_service=node.headless,
        pod_management="Parallel",
        selector=node.selector,
        claims=tuple(Claim(claim.name, claim.size, claim.storage_class) for claim in node.claims),
        service_links=False,
        mounts=(*(Mount(claim.mount_path, "claim") for claim in node.claims), Mount("/tmp", "empty")),
        ports={port.name: port.port for port in node.ports},
        readiness=Probe("exec", " ".join(node.ready_command)),
        probes=(Probe("exec", " ".join(node.ready_command)), Probe("tcp", port=node.live_port)),
        script=" ".join(node.command),
        privileged=plan.run_as_user == 0,
    )
    return Server(
        workload=workload,
        pod=node.pod,
        labels={**node.labels, _model.POD_NAME: node.pod},
        properties=node.properties,
        release=release,
        myid=str(node.id) if node.component == "zookeeper" else None,
        places=places,
        place=place,
        # An address that Kubernetes has not assigned yet is nothing to be judged.
        given=tuple(Endpoint(item.listener, item.host, item.port) for item in node.advertised if item.known),
    )


def _service(plan: Plan, service: Service) -> _model.Service:
    return _model.Service(
        name=service.name,
        namespace=plan.namespace,
        type=service.type,
        headless=service.headless,
        publishes_unready=service.headless,
        selector=service.selector,
        ports=tuple(ServicePort(port.port, port.target_port, port.node_port, port.name) for port in service.ports),
    )
