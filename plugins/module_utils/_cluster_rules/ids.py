# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over node ids."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, changed, objects, rule


def by_id(servers: t.Iterable[Server]) -> dict[int, list[Server]]:
    """Servers by their ids, those without one left out."""
    found: dict[int, list[Server]] = {}
    for server in servers:
        if server.id is not None:
            found.setdefault(server.id, []).append(server)
    return found


@rule(
    "ID-SHARED",
    "error",
    "start",
    "Two brokers cannot have one id: the second one fails to register and restarts for ever.",
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: a, node_ids: [0, 1]}, {name: b, node_ids: [1, 2]}]",
        right="kafka_node_pools: [{name: a, node_ids: [0, 1]}, {name: b, node_ids: [2, 3]}]",
    ),
)
def id_shared(planned: Planned) -> t.Iterator[Problem]:
    """Ids are unique in a cluster, whatever the pool."""
    for group in (planned.brokers, planned.controllers):
        for node_id, servers in by_id(group).items():
            if len(servers) > 1:
                key = "node.id" if "node.id" in servers[0].properties else "broker.id"
                pods = ", ".join(dict.fromkeys(server.pod for server in servers[:5]))
                message = f"node id {node_id} stands more than once, {len(servers)} times ({pods})"
                yield Problem(servers[0].where(key), message, "give every node an id of its own, for example the ordinal of a StatefulSet's pod")


@rule(
    "ID-OVERLAP",
    "error",
    "start",
    "Brokers and controllers share one space of ids: DUPLICATE_BROKER_REGISTRATION, or the broker exits since its id is a voter's.",
    instead_of=("VOT-ID-FORBIDDEN",),
    example=Example("kraft", wrong=objects(changed("kafka", "KAFKA_NODE_ID=10$(ORDINAL)")), right=objects(changed("kafka", "KAFKA_NODE_ID=20$(ORDINAL)"))),
)
def id_overlap(planned: Planned) -> t.Iterator[Problem]:
    """A broker and a controller that are two nodes have two ids."""
    controllers = by_id(server for server in planned.controllers if not server.is_broker)
    brokers = by_id(server for server in planned.brokers if not server.is_controller)
    shared = sorted(controllers.keys() & brokers.keys())
    if shared:
        first = shared[0]
        ids = ", ".join(map(str, shared[:5])) + (f" and {len(shared) - 5} more" if len(shared) > 5 else "")
        message = f"ids {ids} are those of brokers and of controllers ({brokers[first][0].pod}, {controllers[first][0].pod})"
        pods = tuple(server.pod for node_id in shared for server in brokers[node_id])
        yield Problem(controllers[first][0].where("node.id"), message, "give the controllers ids that no broker has, for example from 3000 on", pods)


def _there(node_id: int) -> str:
    """A StatefulSet that is there, and its configuration."""
    pod = "containers: [{name: broker, volumeMounts: [{name: config}]}], volumes: [{name: config, configMap: {name: old}}]"
    stateful_set = f"{{kind: StatefulSet, metadata: {{name: kafka-broker-0}}, spec: {{template: {{spec: {{{pod}}}}}}}}}"
    return objects(stateful_set, f"{{kind: ConfigMap, metadata: {{name: old}}, data: {{server.properties: 'broker.id={node_id}'}}}}")


@rule(
    "ID-META-MISMATCH",
    "error",
    "start",
    "The node exits: 'Configured broker.id doesn't match stored broker.id in meta.properties', or with KRaft 'Stored node id doesn't match previous node id'.",
    example=Example(
        "live",
        wrong=_there(1001),
        right=_there(0),
        variables="{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: broker, node_ids: [0, 1, 2]}]}",
    ),
)
def id_on_disk(planned: Planned) -> t.Iterator[Problem]:
    """A node keeps the id that its disk was written with."""
    for server in planned.kafka:
        stored = planned.stored_ids.get(server.pod)
        if stored is not None and server.id is not None and stored != server.id:
            key = "node.id" if "node.id" in server.properties else "broker.id"
            message = f"pod {server.pod} is to be node {server.id}, and its disk is that of node {stored}"
            yield Problem(server.where(key), message, f"keep the id {stored}, or give the node an empty disk after its replicas have moved")
