# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about ``control.plane.listener.name``, until 3.9."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, rule, shown


@rule(
    "CP-NOMAP",
    "The control plane listener has no security protocol",
    until="3.9",
    step="values",
    fix="Add the name to listener.security.protocol.map.",
    when=("control.plane.listener.name",),
    source="KafkaConfig.getControlPlaneListenerNameAndSecurityProtocol",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"control.plane.listener.name": "CONTROL"},
        right={"control.plane.listener.name": None},
    ),
)
def control_plane_unmapped(broker: Broker) -> t.Iterator[Problem]:
    """Also with process.roles."""
    name = broker.control_plane
    if name is not None and name not in broker.protocols and not (broker.refuses_blank_names and not name.strip()):
        yield Problem("control.plane.listener.name", f"{shown(name)} is not in listener.security.protocol.map")


@rule(
    "CP-NOT-ADVERTISED",
    "The control plane listener is not advertised",
    until="3.9",
    step="control",
    fix="Advertise it, or leave control.plane.listener.name out.",
    when=("control.plane.listener.name",),
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        common={"listeners": "PLAINTEXT://:9092,SSL://:9093"},
        wrong={"control.plane.listener.name": "SSL"},
        right={
            "control.plane.listener.name": "SSL",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SSL://kafka-1.kafka:9093",
        },
    ),
)
def control_plane_not_advertised(broker: Broker) -> t.Iterator[Problem]:
    """With process.roles CP-KRAFT has said it already."""
    name = broker.control_plane
    if name is None or name not in broker.protocols or (broker.roles and broker.minor >= (3, 1)):
        return
    if name not in [endpoint.name for endpoint in broker.advertised_to_clients] or (
        # KafkaConfig.controlPlaneListener takes the head of what may be an empty list.
        broker.minor == (3, 9) and broker.migrating and name not in broker.listener_names
    ):
        yield Problem("control.plane.listener.name", f"{shown(name)} is not advertised")


@rule(
    "CP-SAME-AS-IB",
    "Control plane and brokers share a listener",
    until="3.9",
    step="control",
    fix="Name another listener, or leave control.plane.listener.name out.",
    when=("control.plane.listener.name",),
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"control.plane.listener.name": "PLAINTEXT"},
        right={"control.plane.listener.name": None},
    ),
)
def control_plane_is_inter_broker(broker: Broker) -> t.Iterator[Problem]:
    """It is there to keep controller requests apart."""
    if broker.roles and broker.minor >= (3, 1):
        return
    if broker.control_plane is not None and broker.control_plane == broker.inter_broker[0]:
        yield Problem("control.plane.listener.name", f"{shown(broker.control_plane)} is the inter-broker listener")


@rule(
    "CP-KRAFT",
    "A KRaft node has a control plane listener",
    since="3.1",
    until="3.9",
    step="roles",
    fix="Take control.plane.listener.name away.",
    when=("control.plane.listener.name",),
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        common={
            "listeners": "PLAINTEXT://:9092,INTERNAL://:9094",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,INTERNAL://kafka-1.kafka:9094",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
        },
        wrong={"control.plane.listener.name": "INTERNAL"},
        right={"control.plane.listener.name": None},
    ),
)
def control_plane_in_kraft(broker: Broker) -> t.Iterator[Problem]:
    """From 4.0 on nobody knows the key."""
    if broker.roles and broker.control_plane is not None:
        yield Problem("control.plane.listener.name", "must not be set together with process.roles")


@rule(
    "CP-CASE",
    "The control plane listener is not in upper case",
    until="3.9",
    severity="error",
    stage="start",
    consequence="It is opened a second time with the other listeners: the address is in use, and the broker dies.",
    fix="Write it in upper case.",
    when=("control.plane.listener.name",),
    source="KafkaConfig.dataPlaneListeners compares it as written",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            "listeners": "PLAINTEXT://:9092,SSL://:9093",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SSL://kafka-1.kafka:9093",
        },
        wrong={"control.plane.listener.name": "ssl"},
        right={"control.plane.listener.name": "SSL"},
    ),
)
def control_plane_case(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig compares it in upper case, SocketServer does not."""
    if broker.zookeeper and broker.control_plane is not None:
        written = broker.get("control.plane.listener.name")
        if written != broker.control_plane:
            yield Problem("control.plane.listener.name", f"{shown(written)} must be {shown(broker.control_plane)}")
