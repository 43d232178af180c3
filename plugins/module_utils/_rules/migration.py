# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about the migration from ZooKeeper to KRaft, 3.4 to 3.9."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import protocol_order
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown

_CONNECT = "zookeeper.connect"
_FLAG = "zookeeper.metadata.migration.enable"


@rule(
    "MIG-KRAFT-NO-ZK",
    "A migrating KRaft node does not know its ZooKeeper",
    since="3.4",
    until="3.9",
    step="ids",
    when=("zookeeper.metadata.migration.enable",),
    fix="Set zookeeper.connect as on the brokers.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "controller",
        common={_FLAG: "true", "inter.broker.listener.name": "PLAINTEXT"},
        wrong={},
        right={_CONNECT: "zk-0.zk:2181"},
    ),
)
def migrating_without_zookeeper(broker: Broker) -> t.Iterator[Problem]:
    """Controllers read the metadata from there."""
    if broker.roles and broker.migrating and not broker.has(_CONNECT):
        yield Problem(_CONNECT, f"must be set together with {_FLAG}")


@rule(
    "MIG-NO-CLN",
    "A migrating broker does not know the controller listener",
    since="3.4",
    until="3.9",
    step="roles",
    when=("zookeeper.metadata.migration.enable",),
    fix="Set controller.listener.names as on the controllers.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "migration",
        wrong={"controller.listener.names": None},
        right={"controller.listener.names": "CONTROLLER"},
    ),
)
def migrating_without_names(broker: Broker) -> t.Iterator[Problem]:
    """ZooKeeper brokers only."""
    if broker.zookeeper and broker.migrating and not broker.controller_names:
        yield Problem("controller.listener.names", f"must not be empty together with {_FLAG}")


@rule(
    "MIG-IBP",
    "The inter-broker protocol is too old to migrate",
    since="3.4",
    until="3.9",
    step="roles",
    when=("zookeeper.metadata.migration.enable",),
    fix="Set inter.broker.protocol.version to the version of the brokers, at least 3.4.",
    source="MetadataVersion.isMigrationSupported",
    example=Example(
        "3.9",
        "migration",
        wrong={"inter.broker.protocol.version": "3.3"},
        right={"inter.broker.protocol.version": "3.4"},
    ),
)
def migrating_with_old_protocol(broker: Broker) -> t.Iterator[Problem]:
    """ZooKeeper brokers only."""
    if broker.zookeeper and broker.migrating and broker.protocol_version < protocol_order()["3.4-IV0"]:
        yield Problem("inter.broker.protocol.version", f"is {shown(broker.get('inter.broker.protocol.version'))}")


@rule(
    "MIG-AUTHORIZER",
    "3.4 and 3.5.0 cannot migrate a cluster with an authorizer",
    since="3.4",
    until="3.5",
    step="roles",
    when=("zookeeper.metadata.migration.enable",),
    fix="Update the brokers to 3.5.1 or later first.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.4",
        "migration",
        wrong={"authorizer.class.name": "kafka.security.authorizer.AclAuthorizer"},
        right={},
    ),
)
def migrating_with_authorizer(broker: Broker) -> t.Iterator[Problem]:
    """The key alone is enough, even empty."""
    if broker.release < ((3, 5), 1) and broker.zookeeper and broker.migrating and broker.has("authorizer.class.name"):
        yield Problem("authorizer.class.name", f"must not be set together with {_FLAG}")


@rule(
    "MIG-JBOD",
    "A broker with several log directories cannot migrate",
    since="3.5",
    until="3.9",
    step="roles",
    when=("zookeeper.metadata.migration.enable",),
    fix="Update to 3.7 or later with inter.broker.protocol.version 3.7 first.",
    source="KafkaConfig.validateValues, MetadataVersion.isDirectoryAssignmentSupported",
    example=Example(
        "3.9",
        "migration",
        common={"log.dirs": "/data/0,/data/1"},
        wrong={"inter.broker.protocol.version": "3.6"},
        right={"inter.broker.protocol.version": "3.7"},
    ),
)
def migrating_with_several_disks(broker: Broker) -> t.Iterator[Problem]:
    """Never in 3.5.2 to 3.6; before, nobody looks."""
    if broker.release < ((3, 5), 2) or not broker.zookeeper or not broker.migrating:
        return
    several = len(broker.log_dirs) > 1
    if several and (broker.minor < (3, 7) or broker.protocol_version < protocol_order()["3.7-IV2"]):
        yield Problem("log.dirs", f"has {len(broker.log_dirs)} directories, and {_FLAG} is true")


@rule(
    "MIG-NEGATIVE-ID",
    "A migrating broker has no id of its own",
    since="3.4",
    until="3.8",
    severity="error",
    stage="runtime",
    consequence="A generated id has no place in KRaft; 3.9 refuses it.",
    when=("zookeeper.metadata.migration.enable",),
    fix="Set broker.id to the id the broker has now.",
    source="KafkaConfig.validateValues (3.9)",
    example=Example("3.8", "migration", wrong={"broker.id": "-1"}, right={"broker.id": "1"}),
)
def migrating_with_generated_id(broker: Broker) -> t.Iterator[Problem]:
    """3.4 to 3.8 accept it."""
    if broker.zookeeper and broker.migrating and broker.node_id < 0:
        yield Problem("broker.id", f"is {broker.node_id}, and {_FLAG} is true")


@rule(
    "MIG-ID-OVERLAP",
    "A broker that migrates has the id of a controller",
    since="3.4",
    until="3.9",
    severity="error",
    stage="runtime",
    consequence="The broker can never become a KRaft node: its id is taken.",
    when=("zookeeper.metadata.migration.enable",),
    fix="Give the controllers ids that no broker has, for example from 3000 on.",
    source="KafkaConfig.validateValues once process.roles is set",
    example=Example(
        "3.9",
        "migration",
        wrong={"controller.quorum.voters": "1@controller-3000.kafka:9093"},
        right={"controller.quorum.voters": "3000@controller-3000.kafka:9093"},
    ),
)
def migrating_with_voter_id(broker: Broker) -> t.Iterator[Problem]:
    """Not checked while it is a ZooKeeper broker."""
    if broker.zookeeper and broker.migrating and broker.node_id in broker.voters:
        yield Problem("broker.id", f"{broker.node_id} is the id of a voter")


@rule(
    "MIG-CLN-NOMAP",
    "A migrating broker does not know the security protocol of the controllers",
    since="3.4",
    until="3.9",
    severity="error",
    stage="start",
    consequence="The broker dies when it opens its connection to the controllers.",
    when=("zookeeper.metadata.migration.enable",),
    fix="Add the controller listener to listener.security.protocol.map, for example CONTROLLER:PLAINTEXT.",
    source="BrokerToControllerChannelManager; KafkaConfig looks at brokers with process.roles only",
    example=Example(
        "3.9",
        "migration",
        wrong={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"},
    ),
)
def migrating_unmapped(broker: Broker) -> t.Iterator[Problem]:
    """The map of a ZooKeeper broker is never completed."""
    if broker.zookeeper and broker.migrating:
        for name in broker.controller_names[:1]:
            if name and name not in broker.protocols:
                yield Problem("listener.security.protocol.map", f"has no entry for {shown(name)}")


@rule(
    "MIG-COMBINED",
    "A combined node takes part in a migration",
    since="3.4",
    until="3.9",
    severity="warning",
    stage="runtime",
    consequence="Controllers of a migration are dedicated nodes; the combined mode is no supported target.",
    when=("zookeeper.metadata.migration.enable",),
    fix="Run controllers of their own.",
    source="the migration guide of Kafka",
    example=Example(
        "3.9",
        "combined",
        wrong={_FLAG: "true", _CONNECT: "zk-0.zk:2181"},
        right={_FLAG: "false"},
    ),
)
def migrating_combined(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig accepts it."""
    if broker.migrating and broker.is_controller and broker.is_broker:
        yield Problem("process.roles", f"is {shown('broker,controller')}, and {_FLAG} is true")


@rule(
    "MIG-IB-UNSET",
    "A migrating controller does not name the inter-broker listener",
    since="3.4",
    until="3.9",
    severity="warning",
    stage="runtime",
    consequence="Unless the brokers talk over PLAINTEXT, the controller refuses them: Broker does not have the current inter.broker.listener.",
    when=("zookeeper.metadata.migration.enable",),
    fix="Set inter.broker.listener.name as on the brokers.",
    source="ControllerServer, ClusterControlManager",
    example=Example(
        "3.9",
        "controller",
        common={_FLAG: "true", _CONNECT: "zk-0.zk:2181"},
        wrong={},
        right={"inter.broker.listener.name": "PLAINTEXT"},
    ),
)
def migrating_without_inter_broker(broker: Broker) -> t.Iterator[Problem]:
    """Neither key is set."""
    keys = ("inter.broker.listener.name", "security.inter.broker.protocol")
    if broker.controller_only and broker.migrating and not any(map(broker.has, keys)):
        yield Problem("inter.broker.listener.name", "is not set, so that the brokers must use PLAINTEXT")
