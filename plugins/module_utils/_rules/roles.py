# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about roles, ids, and which listeners belong to the controllers."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown

_NAMES = "controller.listener.names"


@rule(
    "ROLE-REQUIRED",
    "process.roles is missing",
    since="4.0",
    step="parse",
    fix="Set process.roles to broker, controller or broker,controller. Kafka 4 has no ZooKeeper mode.",
    source="KRaftConfigs.CONFIG_DEF",
    example=Example("4.3", "broker", wrong={"process.roles": None}, right={}),
)
def role_required(broker: Broker) -> t.Iterator[Problem]:
    """Until 3.9 a missing role means ZooKeeper."""
    if "process.roles" in broker.refused and not broker.has("process.roles"):
        yield Problem("process.roles", broker.refused["process.roles"])


@rule(
    "ROLE-INVALID",
    "process.roles names an unknown role, or one role twice",
    since="2.8",
    step="parse",
    when=("process.roles",),
    fix="Use broker, controller or broker,controller, in lower case.",
    source="ConfigDef.ValidList, KafkaConfig.parseProcessRoles",
    example=Example("3.9", "broker", wrong={"process.roles": "Broker"}, right={"process.roles": "broker"}),
)
def role_invalid(broker: Broker) -> t.Iterator[Problem]:
    """Case counts. From 4.2 on duplicates are dropped, and an empty list is refused."""
    key = "process.roles"
    if not broker.has(key):
        return
    reason = broker.refused.get(key)
    if reason:
        yield Problem(key, f"{shown(broker.written.get(key, ''))}: {reason}")
        return
    written = broker.get(key)
    if len(set(written)) < len(written):
        yield Problem(key, f"{shown(','.join(written))} has one role twice")


@rule(
    "ROLE-EMPTY",
    "process.roles is empty",
    since="4.0",
    until="4.1",
    severity="error",
    stage="start",
    consequence="The configuration is accepted, and the process has nothing to do: it is neither broker nor controller.",
    when=("process.roles",),
    fix="Set process.roles to broker, controller or broker,controller.",
    source="KafkaRaftServer starts one server per role",
    example=Example("4.1", "broker", wrong={"process.roles": ""}, right={}),
)
def role_empty(broker: Broker) -> t.Iterator[Problem]:
    """4.0 and 4.1 require the key, but not a value."""
    if broker.has("process.roles") and not broker.roles:
        yield Problem("process.roles", "is set and empty")


@rule(
    "ID-NOT-INT",
    "An id is not a number",
    step="parse",
    fix="Use the number alone, for example 0 for the pod kafka-0.",
    source="ConfigDef.parseType",
    example=Example("3.9", "broker", wrong={"node.id": "kafka-0"}, right={"node.id": "0"}),
)
def id_not_int(broker: Broker) -> t.Iterator[Problem]:
    """broker.id and node.id are INT."""
    for key in ("broker.id", "node.id"):
        if key in broker.written and broker.refused.get(key, "").startswith("expected"):
            yield Problem(key, f"{shown(broker.written[key])}: {broker.refused[key]}")


@rule(
    "ID-NODE-REQUIRED",
    "A KRaft node has no id",
    since="2.8",
    step="ids",
    fix="Set node.id to a number that no other node of the cluster has.",
    source="KafkaConfig.validateValues, from 4.0 on KRaftConfigs.CONFIG_DEF",
    example=Example("3.9", "broker", wrong={"node.id": None}, right={"node.id": "1"}),
)
def node_id_required(broker: Broker) -> t.Iterator[Problem]:
    """Missing or negative; broker.id will do."""
    reason = broker.refused.get("node.id", "")
    if reason and not reason.startswith("expected"):
        yield Problem("node.id", f"{shown(broker.written.get('node.id', 'node.id'))} {reason}")
    elif broker.minor < (4, 0) and broker.roles and broker.node_id < 0:
        yield Problem("node.id", f"must be set to a number from 0 on, and is {broker.node_id}")


@rule(
    "ID-MISMATCH",
    "node.id and broker.id differ",
    since="3.1",
    step="ids",
    fix="Keep one of them.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={"broker.id": "2"},
        right={"broker.id": "1"},
    ),
)
def id_mismatch(broker: Broker) -> t.Iterator[Problem]:
    """They are synonyms, also with ZooKeeper."""
    if broker.integer("node.id") != broker.integer("broker.id"):
        yield Problem("broker.id", f"is {broker.get('broker.id')}, and node.id is {broker.get('node.id')}")


@rule(
    "ID-BROKER-RANGE",
    "The id of a ZooKeeper broker is out of range",
    until="3.9",
    step="ids",
    fix="Use an id from 0 to reserved.broker.max.id (1000), or set broker.id.generation.enable=false.",
    source="KafkaConfig.validateValues",
    example=Example("3.9", "zookeeper", wrong={"broker.id": "1001"}, right={"broker.id": "1000"}),
)
def broker_id_range(broker: Broker) -> t.Iterator[Problem]:
    """Ids above reserved.broker.max.id are for generated ones. 3.9 wants a fixed id while migrating."""
    if not broker.zookeeper:
        return
    number, highest = broker.node_id, broker.integer("reserved.broker.max.id")
    if broker.get("broker.id.generation.enable"):
        if not -1 <= number <= highest:
            yield Problem("broker.id", f"is {number}; with generated ids it must be from -1 to {highest}")
        elif number < 0 and broker.minor >= (3, 9) and broker.migrating:
            yield Problem("broker.id", "must be set: generated ids cannot be migrated")
    elif number < 0:
        yield Problem("broker.id", f"is {number}, and ids are not generated")


@rule(
    "ID-AUTO",
    "ZooKeeper chooses the id of the broker",
    until="3.9",
    severity="warning",
    stage="runtime",
    consequence="An empty disk gets a new id, and the replicas of the old one are lost to the cluster.",
    fix="Set broker.id, for example to the number of the pod.",
    source="KafkaServer.getOrGenerateBrokerId",
    example=Example("3.9", "zookeeper", wrong={"broker.id": "-1"}, right={"broker.id": "1"}),
)
def id_generated(broker: Broker) -> t.Iterator[Problem]:
    """No id, or -1, while generation is on."""
    if broker.zookeeper and broker.node_id == -1 and broker.get("broker.id.generation.enable"):
        yield Problem("broker.id", "is not set, so that ZooKeeper hands out an id above reserved.broker.max.id")


@rule(
    "CTL-LISTENERS-ONLY",
    "A controller has a listener that is not a controller listener",
    since="3.1",
    step="roles",
    fix="Set listeners to the names in controller.listener.names only; the default is PLAINTEXT://:9092.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "controller",
        wrong={"listeners": "CONTROLLER://:9093,PLAINTEXT://:9092"},
        right={"listeners": "CONTROLLER://:9093"},
    ),
)
def controllers_only(broker: Broker) -> t.Iterator[Problem]:
    """From 3.9 on by count: one advertised controller listener per listener."""
    if _has_other_listeners(broker):
        names = ", ".join(sorted(broker.listener_names)) or "none"
        yield Problem("listeners", f"are {names}; a controller has exactly those of {_NAMES}")


def _has_other_listeners(broker: Broker) -> bool:
    if not broker.controller_only:
        return False
    if broker.minor >= (3, 9):
        return len(broker.advertised_controllers) != len(broker.listeners)
    return broker.advertised is None and bool(broker.advertised_to_clients)


@rule(
    "CLN-REQUIRED",
    "controller.listener.names is missing",
    since="3.1",
    step="roles",
    fix="Set controller.listener.names to the name of the controllers' listener, for example CONTROLLER.",
    source="KafkaConfig.validateValues, from 4.2 on KRaftConfigs.CONFIG_DEF",
    example=Example("3.9", "broker", wrong={_NAMES: None}, right={_NAMES: "CONTROLLER"}),
)
def names_required(broker: Broker) -> t.Iterator[Problem]:
    """A broker needs to know it to find the controllers."""
    reason = broker.refused.get(_NAMES)
    if reason:
        yield Problem(_NAMES, f"{shown(broker.written.get(_NAMES, _NAMES))} {reason}")
    elif broker.broker_only and not broker.controller_names:
        yield Problem(_NAMES, "must name at least one listener")


@rule(
    "CLN-IN-LISTENERS",
    "A broker listens on a controller listener",
    since="3.1",
    step="roles",
    fix="Take the controller listener out of listeners; it only belongs into the map of a broker.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={"listeners": "PLAINTEXT://:9092,CONTROLLER://:9093"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def names_in_listeners(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    if broker.broker_only and broker.controller_listeners:
        names = ", ".join(endpoint.name for endpoint in broker.controller_listeners)
        yield Problem("listeners", f"has the controller listener {shown(names)}, and this is no controller")


@rule(
    "CLN-NOMAP",
    "A broker does not know the security protocol of the controllers",
    since="3.1",
    step="roles",
    fix="Add the controller listener to listener.security.protocol.map, for example CONTROLLER:SSL, in upper case.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"},
    ),
)
def names_unmapped(broker: Broker) -> t.Iterator[Problem]:
    """Only a map that is not set, with nothing but PLAINTEXT around, is completed."""
    if not broker.broker_only:
        return
    for name in dict.fromkeys(broker.controller_names):
        if _java.is_blank(name) and broker.refuses_blank_names:
            yield Problem(_NAMES, "has an empty name")
        elif _java.upper(name) not in broker.protocols:
            yield Problem(_NAMES, f"{shown(_java.upper(name))} is not in listener.security.protocol.map")


@rule(
    "CLN-CONTROLLER-EMPTY",
    "A controller has no controller listener",
    since="3.0",
    step="roles",
    fix="Name one of the listeners in controller.listener.names.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.8",
        "combined",
        wrong={_NAMES: None, "listeners": "PLAINTEXT://:9092"},
        right={"listeners": "PLAINTEXT://:9092,CONTROLLER://:9093"},
    ),
)
def no_controller_listener(broker: Broker) -> t.Iterator[Problem]:
    """No listener is in controller.listener.names."""
    if not broker.is_controller:
        return
    found = broker.advertised_controllers if broker.minor >= (3, 9) else broker.controller_listeners
    # On a controller CTL-LISTENERS-ONLY may have said it already.
    said = broker.minor >= (3, 1) and _has_other_listeners(broker)
    if not found and not said:
        yield Problem(_NAMES, "names none of the listeners")


@rule(
    "CLN-NOT-IN-LISTENERS",
    "controller.listener.names has a name that is no listener",
    since="3.1",
    step="roles",
    fix="Write the names in upper case, without blanks (until 4.0), and exactly as in listeners.",
    source="KafkaConfig.validateValues: compared as written",
    example=Example(
        "3.9",
        "combined",
        wrong={_NAMES: "CONTROLLER,CONTROLLER2"},
        right={_NAMES: "CONTROLLER"},
    ),
)
def names_not_listeners(broker: Broker) -> t.Iterator[Problem]:
    """Never upper-cased, so that a lower-case name is never found."""
    if not broker.is_controller:
        return
    if not broker.controller_names or (broker.minor < (3, 9) and not broker.controller_listeners):
        return
    for name in dict.fromkeys(broker.controller_names):
        if name not in broker.listener_names:
            yield Problem(_NAMES, f"{shown(name)} is not one of the listeners {', '.join(sorted(broker.listener_names))}")


@rule(
    "CLN-BLANK",
    "controller.listener.names has an empty name",
    since="3.9",
    until="4.0",
    step="roles",
    fix="Take away the comma that has nothing beside it.",
    source="KafkaConfig.effectiveAdvertisedControllerListeners: ListenerName.normalised",
    example=Example(
        "3.9",
        "migration",
        common={
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092",
        },
        wrong={_NAMES: ",CONTROLLER"},
        right={_NAMES: "CONTROLLER"},
    ),
)
def blank_name(broker: Broker) -> t.Iterator[Problem]:
    """Only found out where there is a controller listener to compare it with."""
    if broker.broker_only:
        return
    explicit = [endpoint for endpoint in broker.advertised or () if endpoint.name in broker.controller_names]
    if any(map(_java.is_blank, broker.controller_names)) and (explicit or broker.controller_listeners):
        yield Problem(_NAMES, f"{shown(broker.written.get(_NAMES, ''))} has an empty name")


@rule(
    "CLN-IS-IB",
    "The inter-broker listener of a controller is its controller listener",
    since="4.0",
    step="roles",
    fix="Leave inter.broker.listener.name out, or set it to the listener of the brokers.",
    when=("inter.broker.listener.name",),
    source="KafkaConfig.validateValues",
    example=Example(
        "4.3",
        "controller",
        wrong={"inter.broker.listener.name": "CONTROLLER"},
        right={"inter.broker.listener.name": "PLAINTEXT"},
    ),
)
def controller_is_inter_broker(broker: Broker) -> t.Iterator[Problem]:
    """Only where it is set."""
    if broker.controller_only and broker.get("inter.broker.listener.name") is not None:
        name = broker.inter_broker[0]
        if name in broker.controller_names:
            yield Problem("inter.broker.listener.name", f"{shown(name)} is a controller listener")


@rule(
    "CLN-ZK",
    "A ZooKeeper broker has controller listeners",
    since="3.1",
    until="3.9",
    step="roles",
    when=("controller.listener.names",),
    fix="Take controller.listener.names away; only a migration needs it before process.roles is set.",
    source="KafkaConfig.validateValues",
    example=Example("3.9", "zookeeper", wrong={_NAMES: "CONTROLLER"}, right={_NAMES: None}),
)
def names_with_zookeeper(broker: Broker) -> t.Iterator[Problem]:
    """Allowed while zookeeper.metadata.migration.enable is true."""
    if broker.zookeeper and broker.controller_names and not broker.migrating:
        yield Problem(_NAMES, f"{shown(','.join(broker.controller_names))} must be empty without process.roles")


@rule(
    "CLN-DUP",
    "controller.listener.names has one name twice",
    since="4.1",
    until="4.1",
    step="listeners",
    when=("controller.listener.names",),
    fix="Keep one of them.",
    source="AbstractKafkaConfig.effectiveListenerSecurityProtocolMap: Collectors.toMap",
    example=Example("4.1", "broker", wrong={_NAMES: "CONTROLLER,CONTROLLER"}, right={_NAMES: "CONTROLLER"}),
)
def names_twice(broker: Broker) -> t.Iterator[Problem]:
    """4.1 only, and only where the map is completed by Kafka."""
    if not broker.map_problems and broker.map_is_extended:
        names = [name for name in broker.controller_names if name != "PLAINTEXT"]
        if len(set(names)) < len(names):
            yield Problem(_NAMES, f"{shown(','.join(names))} has one name twice")


@rule(
    "CLN-MANY",
    "A broker uses the first of several controller listeners only",
    since="2.8",
    severity="info",
    stage="runtime",
    consequence="The other names have no effect on this broker.",
    when=("controller.listener.names",),
    fix="Name the one listener that brokers shall use.",
    source="KafkaConfig.validateValues: a warning in the log",
    example=Example(
        "3.9",
        "broker",
        wrong={_NAMES: "CONTROLLER,CONTROLLER2"},
        right={_NAMES: "CONTROLLER"},
    ),
)
def several_names(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    if broker.broker_only and len(broker.controller_names) > 1:
        yield Problem(_NAMES, f"only {shown(broker.controller_names[0])} is used")


@rule(
    "CLN-CASE",
    "controller.listener.names is not in upper case",
    since="2.8",
    severity="error",
    stage="start",
    consequence="The name is compared as it is with names in upper case: the broker does not find the controllers' protocol.",
    when=("controller.listener.names",),
    fix="Write it in upper case.",
    source="KafkaConfig.controllerListenerNames, KafkaRaftManager.buildNetworkClient",
    example=Example(
        "3.9",
        "broker",
        common={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"},
        wrong={_NAMES: "controller"},
        right={_NAMES: "CONTROLLER"},
    ),
)
def lower_case(broker: Broker) -> t.Iterator[Problem]:
    """A broker with an explicit map gets past KafkaConfig with it."""
    if broker.broker_only:
        for name in broker.controller_names:
            if name != _java.upper(name):
                yield Problem(_NAMES, f"{shown(name)} must be {shown(_java.upper(name))}")


@rule(
    "EARLY-START",
    "early.start.listeners names a listener that does not exist",
    since="3.3",
    step="listeners",
    fix="Use names of listeners, in upper case.",
    when=("early.start.listeners",),
    source="KafkaConfig.earlyStartListeners: compared as written",
    example=Example(
        "3.9",
        "broker",
        wrong={"early.start.listeners": "INTERNAL"},
        right={"early.start.listeners": "PLAINTEXT"},
    ),
)
def early_start(broker: Broker) -> t.Iterator[Problem]:
    """A list from 4.2 on; before, a text split at commas."""
    value = broker.get("early.start.listeners")
    if value is None:
        return
    names = [_java.trim(name) for name in (value if isinstance(value, list) else value.split(","))]
    for name in dict.fromkeys(names):
        if name and name not in broker.listener_names:
            yield Problem("early.start.listeners", f"{shown(name)} is not one of the listeners")


@rule(
    "HEARTBEAT",
    "A broker may lose its lease between two heartbeats",
    since="2.8",
    severity="warning",
    stage="runtime",
    consequence="One lost heartbeat fences the broker. From 4.2 on the log says so.",
    fix="Set broker.session.timeout.ms to at least twice broker.heartbeat.interval.ms.",
    when=("broker.heartbeat.interval.ms", "broker.session.timeout.ms"),
    source="KafkaConfig.validateValues (4.2 and later, log only)",
    example=Example(
        "4.3",
        "broker",
        wrong={"broker.heartbeat.interval.ms": "6000"},
        right={"broker.heartbeat.interval.ms": "3000"},
    ),
)
def heartbeat(broker: Broker) -> t.Iterator[Problem]:
    """The session timeout counts on the controllers, the interval on the brokers."""
    if broker.roles:
        interval, session = broker.integer("broker.heartbeat.interval.ms"), broker.integer("broker.session.timeout.ms")
        if interval * 2 > session:
            yield Problem("broker.heartbeat.interval.ms", f"{interval} is more than half of the session timeout {session}")
