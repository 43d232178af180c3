# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the way from ZooKeeper to KRaft that no single node can check."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server, numbered
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule

FLAG = "zookeeper.metadata.migration.enable"

_BROKERS = (
    "[{{kind: StatefulSet, metadata: {{name: kafka}}, spec: {{template: {{spec: {{containers: [{{name: kafka, env: ["
    "{{name: KAFKA_ZOOKEEPER_METADATA_MIGRATION_ENABLE, value: 'true'}}, {{name: KAFKA_CONTROLLER_LISTENER_NAMES, value: CONTROLLER}},"
    " {{name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP, value: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'}},"
    " {{name: KAFKA_INTER_BROKER_PROTOCOL_VERSION, value: '{ibp}'}},"
    " {{name: KAFKA_CONTROLLER_QUORUM_VOTERS, value: '3000@ctl-0.ctl-hs:9093'}}]}}]}}}}}}}},"
)
_CONTROLLER = (
    " {{kind: Service, metadata: {{name: ctl-hs}}, spec: {{clusterIP: None, publishNotReadyAddresses: true, selector: {{app: ctl}}}}}},"
    " {{kind: StatefulSet, metadata: {{name: ctl}}, spec: {{replicas: 1, serviceName: ctl-hs, template: {{metadata: {{labels: {{app: ctl}}}}, spec:"
    " {{containers: [{{name: kafka, image: 'confluentinc/cp-kafka:7.9.0', env: ["
    "{{name: KAFKA_PROCESS_ROLES, value: controller}}, {{name: KAFKA_NODE_ID, value: '3000'}}, {{name: KAFKA_LISTENERS, value: 'CONTROLLER://:9093'}},"
    " {{name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP, value: 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT'}},"
    " {{name: KAFKA_CONTROLLER_LISTENER_NAMES, value: CONTROLLER}}, {{name: KAFKA_CONTROLLER_QUORUM_VOTERS, value: '3000@ctl-0.ctl-hs:9093'}},"
    " {{name: KAFKA_ZOOKEEPER_CONNECT, value: 'zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181/kafka'}},"
    " {{name: KAFKA_ZOOKEEPER_METADATA_MIGRATION_ENABLE, value: '{flag}'}}]}}]}}}}}}}}]"
)


def _migrating(server: Server) -> bool:
    return bool(server.read(lambda broker: broker.migrating))


@rule(
    "MIG-PHASE",
    "error",
    "runtime",
    "Brokers wait for a migration that no controller leads, or write to a ZooKeeper that nobody reads any more.",
    example=Example(
        "zookeeper", wrong=_BROKERS.format(ibp="3.9") + _CONTROLLER.format(flag="false"), right=_BROKERS.format(ibp="3.9") + _CONTROLLER.format(flag="true")
    ),
)
def phase(planned: Planned) -> t.Iterator[Problem]:
    """Controllers migrate first and stop last: while a broker is in migration mode, all controllers are."""
    brokers = [server for server in planned.brokers if _migrating(server) and not server.is_controller]
    waiting = [server for server in planned.controllers if not _migrating(server)]
    if brokers and waiting:
        message = f"brokers {numbered(brokers)} are in migration mode, and controllers {numbered(waiting)} are not"
        yield Problem(waiting[0].where(FLAG), message, f"set {FLAG}=true on the controllers until all brokers have process.roles=broker")


@rule(
    "MIG-VERSIONS",
    "error",
    "runtime",
    "The migration does not begin, or ends with metadata that some brokers cannot read: it is never to be mixed with an upgrade.",
    example=Example(
        "zookeeper",
        wrong=_BROKERS.format(ibp="3.8") + _CONTROLLER.format(flag="true").replace("cp-kafka:7.9.0", "cp-kafka:7.8.0"),
        right=_BROKERS.format(ibp="3.9") + _CONTROLLER.format(flag="true"),
    ),
)
def versions(planned: Planned) -> t.Iterator[Problem]:
    """All nodes of a migration have one release, and brokers the inter-broker protocol version of that release."""
    if not any(_migrating(server) for server in planned.kafka):
        return
    releases = {server.release.minor: server for server in planned.kafka}
    if len(releases) > 1:
        shown = ", ".join(f"{server.pod} has Kafka {server.release}" for server in releases.values())
        yield Problem(next(iter(releases.values())).workload.where, f"the nodes have {len(releases)} releases: {shown}", "upgrade all nodes first")
    versions_used = {
        server.read(lambda broker: broker.get("inter.broker.protocol.version")) or "": server
        for server in planned.brokers
        if _migrating(server) and server.read(lambda broker: broker.zookeeper)
    }
    for version, server in versions_used.items():
        minor = f"{server.release.minor[0]}.{server.release.minor[1]}"
        if version and version.partition("-")[0] != minor:
            message = f"is {version}, and the brokers have Kafka {minor}"
            yield Problem(server.where("inter.broker.protocol.version"), message, f"roll the brokers with inter.broker.protocol.version={minor} first")
