# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about roles, releases, and listeners: what nodes are, and whether they understand what they are told."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_kafka
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.access import effective
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.variables import place
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import SCRAM
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_security import CONTROLLER


@rule(
    "LSN-CONTROLLER-RESERVED",
    "error",
    "config",
    "Clients would be led to the controllers, or Kafka exits for want of two names or ports.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: CONTROLLER, port: 9093}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: CLIENTS, port: 9093}]",
    ),
)
def controller_reserved(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The controllers' listener is for nodes only: its name and its port are no other listener's."""
    for listener in definition.listeners if definition.mode == "kraft" else ():
        if listener.name == CONTROLLER:
            yield Problem(place(definition, listener.name), f"{CONTROLLER} is the name of the controllers' own listener", "rename it")
        if listener.port == definition.controller_port:
            fix = "choose another port, or set kafka_controller_port"
            yield Problem(place(definition, listener.name), f"{listener.port} is the port of the controllers", fix)


@rule(
    "ROLE-MODE",
    "error",
    "config",
    "Kafka exits, or runs as something else than was meant.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: a, node_ids: [0], roles: [broker, controller]}]}",
        right="{kafka_mode: zookeeper, kafka_version: 3.9.2, kafka_node_pools: [{name: a, node_ids: [0], roles: [broker]}]}",
    ),
)
def role_mode(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Every node has a role, and controllers are for KRaft mode."""
    for index, pool in enumerate(definition.pools):
        if definition.mode == "zookeeper" and "controller" in pool.roles:
            yield Problem(f"kafka_node_pools[{index}].roles", "there are no controllers of their own in ZooKeeper mode", "remove controller")
        if not pool.roles:
            yield Problem(f"kafka_node_pools[{index}].roles", "names no role", "write broker, controller or both")


@rule(
    "BROKER-NONE",
    "error",
    "config",
    "There is nothing that clients could reach.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: a, node_ids: [0], roles: [controller]}]",
        right="kafka_node_pools: [{name: a, node_ids: [0], roles: [broker, controller]}]",
    ),
)
def broker_none(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """At least one broker."""
    if not plan.brokers:
        yield Problem("kafka_node_pools", "has no node with the role broker", "add one")


@rule(
    "QUORUM-NONE",
    "error",
    "config",
    "Kafka exits: no voters of the metadata quorum are known.",
    subject="variables",
    instead_of=("VOT-NONE",),
    example=Example(
        "variables",
        wrong="kafka_node_pools: [{name: a, node_ids: [0], roles: [broker]}]",
        right="kafka_node_pools: [{name: a, node_ids: [0], roles: [broker, controller]}]",
    ),
)
def quorum_none(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A cluster in KRaft mode has controllers."""
    if definition.mode == "kraft" and not plan.controllers:
        yield Problem("kafka_node_pools", "has no node with the role controller", "add a pool of three controllers, or give brokers both roles")


@rule(
    "QUORUM-RELEASE",
    "error",
    "config",
    "Kafka exits: it knows no controller.quorum.bootstrap.servers.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_version: 3.8.1, kafka_quorum: dynamic}",
        right="{kafka_version: 3.8.1, kafka_quorum: static}",
    ),
)
def quorum_release(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A dynamic quorum (KIP-853) needs Kafka 3.9."""
    if definition.mode == "kraft" and definition.quorum == "dynamic" and _plan_kafka.release(definition) < (3, 9):
        yield Problem("kafka_quorum", f"Kafka {definition.version} has no dynamic quorum", "set kafka_quorum: static, or use 3.9 or later")


@rule(
    "SECURITY-RELEASE",
    "error",
    "start",
    "Kafka does not understand what it is told, and exits.",
    subject="variables",
    example=Example(
        "variables",
        wrong="{kafka_version: 3.4.1, kafka_quorum: static, kafka_listeners: [{name: INTERNAL, port: 9092, security: SASL_SSL}]}",
        right="{kafka_version: 3.5.2, kafka_quorum: static, kafka_listeners: [{name: INTERNAL, port: 9092, security: SASL_SSL}]}",
    ),
)
def security_release(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """PEM files and secrets in files need Kafka 2.7, SCRAM in KRaft mode 3.5."""
    release = _plan_kafka.release(definition)
    if release < (2, 7) and (plan.certificates or plan.credential_files):
        yield Problem("kafka_version", f"Kafka {definition.version} reads neither PEM files nor secrets from files", "use 2.7 or later")
    if definition.mode == "kraft" and release < (3, 5):
        for listener in definition.listeners:
            if listener.sasl and SCRAM in listener.mechanisms:
                yield Problem(place(definition, listener.name), f"Kafka {definition.version} has no SCRAM in KRaft mode", "use 3.5 or later, or security: SSL")


@rule(
    "CUSTOM-HOST",
    "error",
    "runtime",
    "Brokers would advertise no host, and no client could connect.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: OUT, port: 9094, exposure: custom}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: OUT, port: 9094, exposure: custom, advertised_host: 'kafka-{id}.example.com'}]",
    ),
)
def custom_host(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Only the user knows where a custom way in begins."""
    for listener in definition.listeners:
        if listener.exposure == "custom" and not listener.advertised_host:
            without = [str(node.id) for node in plan.brokers if str(node.id) not in listener.advertised_hosts]
            if without:
                fix = "set advertised_host, with {id} for the node's id where each broker has a name of its own, or advertised_hosts"
                yield Problem(place(definition, listener.name), f"exposure custom needs a host to advertise for brokers {', '.join(without)}", fix)


_PEERS = ("podSelector", "namespaceSelector", "ipBlock")


@rule(
    "POLICY-PEER",
    "error",
    "config",
    "Kubernetes refuses the NetworkPolicy.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092, allow_from: [{podselector: {}}]}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092, allow_from: [{podSelector: {}}]}]",
    ),
)
def policy_peer(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A peer is pods and namespaces by their labels, or a block of addresses."""
    for listener in definition.listeners:
        for index, peer in enumerate(listener.allow_from or ()):
            if not peer or not set(peer) <= set(_PEERS) or ("ipBlock" in peer and len(peer) > 1):
                fix = "write podSelector, namespaceSelector or both, or ipBlock alone"
                yield Problem(f"{place(definition, listener.name)}.allow_from[{index}]", f"{', '.join(map(str, peer)) or 'nothing'} makes no peer", fix)


@rule(
    "SASL-MECHANISM",
    "error",
    "start",
    "The broker exits: Could not find a 'KafkaServer' entry in the JAAS configuration.",
    subject="variables",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092, security: SASL_SSL, mechanisms: [SCRAM-SHA-256]}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092, security: SASL_SSL, mechanisms: [SCRAM-SHA-512]}]",
    ),
)
def mechanism_without_login(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Every SASL mechanism has a login module; the collection makes that of SCRAM-SHA-512."""
    for listener in definition.listeners if plan.brokers else ():
        for mechanism in listener.mechanisms if listener.sasl else ():
            if not effective(plan.brokers[0], listener, f"{mechanism.lower()}.sasl.jaas.config"):
                key = f"listener.name.{listener.name.lower()}.{mechanism.lower()}.sasl.jaas.config"
                yield Problem(place(definition, listener.name), f"no login is configured for {mechanism}", f"use {SCRAM}, or set {key} in kafka_secret_config")
