# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about ``advertised.listeners``: what clients and other brokers are told."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import (
    is_dns_name,
    is_ip,
    is_loopback,
    is_wildcard,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, repeated, rule, shown

_WHERE = "advertised.listeners"


@rule(
    "ADV-SUBSET",
    "An advertised listener does not exist",
    step="brokers",
    fix="Add it to listeners, or take it out of advertised.listeners.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SSL://kafka.example.com:9093"},
        right={
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,SSL://kafka.example.com:9093",
            "listeners": "PLAINTEXT://:9092,SSL://:9093",
        },
    ),
)
def not_a_listener(broker: Broker) -> t.Iterator[Problem]:
    """Brokers only."""
    if not broker.is_broker:
        return
    for endpoint in broker.advertised_to_clients:
        if endpoint.name not in broker.listener_names:
            options = ", ".join(sorted(broker.listener_names))
            yield Problem(_WHERE, f"{shown(endpoint.name)} is not one of the listeners {options}")


@rule(
    "ADV-NONE",
    "Nothing is advertised to clients",
    since="3.1",
    step="brokers",
    fix="Advertise at least one listener that is not a controller listener; leave the key out rather than empty.",
    source="KafkaConfig.validateValues, from 4.2 on ConfigDef.ValidList",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": ""},
        right={"advertised.listeners": None},
    ),
)
def nothing_advertised(broker: Broker) -> t.Iterator[Problem]:
    """Until 3.0 this is IB-NOT-ADVERTISED."""
    reason = broker.refused.get(_WHERE)
    if reason:
        yield Problem(_WHERE, f"{shown(broker.written.get(_WHERE, ''))} {reason}")
    elif broker.is_broker and not broker.advertised_to_clients:
        yield Problem(_WHERE, "there must be at least one advertised listener that is not a controller listener")


@rule(
    "ADV-0000",
    "The address 0.0.0.0 is advertised",
    step="advertised",
    fix="Advertise the name that others reach this broker by; keep 0.0.0.0 in listeners.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        common={"listeners": "PLAINTEXT://0.0.0.0:9092"},
        wrong={"advertised.listeners": None},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def any_address(broker: Broker) -> t.Iterator[Problem]:
    """Exactly this text; without advertised.listeners the bind addresses are advertised."""
    endpoints = list(broker.advertised_to_clients)
    if broker.minor >= (3, 9):
        endpoints += broker.advertised_controllers
    for endpoint in dict.fromkeys(endpoints):
        if endpoint.host == "0.0.0.0":
            where = _WHERE if broker.advertised is not None else "listeners"
            yield Problem(where, f"{shown(str(endpoint))} would be advertised, and nobody can connect to 0.0.0.0")


@rule(
    "ADV-CONTROLLER",
    "A controller listener is advertised",
    since="2.8",
    until="3.8",
    step="roles",
    fix="Advertise broker listeners only; controllers are found by controller.quorum.voters.",
    source="KafkaConfig.validateValues (allowed from 3.9 on)",
    example=Example(
        "3.8",
        "combined",
        wrong={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,CONTROLLER://kafka-1.kafka:9093"},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def controller_advertised(broker: Broker) -> t.Iterator[Problem]:
    """2.8 and 3.0 compare whole end points; controllers of 3.3.2 to 3.8 must not have the key at all."""
    names = broker.controller_names
    if broker.minor < (3, 1):
        for endpoint in broker.controller_listeners:
            if endpoint in broker.advertised_to_clients:
                yield Problem(_WHERE, f"{shown(str(endpoint))} is a controller listener")
    elif broker.controller_only:
        if broker.release >= ((3, 3), 2) and broker.get(_WHERE) is not None:
            yield Problem(_WHERE, "must not be set on a controller", "Take the key away.")
        elif broker.advertised:
            yield Problem(_WHERE, "must be empty on a controller", "Take the key away.")
    elif broker.is_broker and not broker.zookeeper:
        for endpoint in broker.advertised_to_clients:
            if endpoint.name in names:
                yield Problem(_WHERE, f"{shown(str(endpoint))} is a controller listener")


@rule(
    "ADV-PORT-RANGE",
    "An advertised port does not exist",
    severity="error",
    stage="start",
    consequence="KRaft from 3.7 on dies when it registers; others tell clients a port that nobody can connect to.",
    when=("advertised.listeners", "advertised.host.name", "advertised.port"),
    fix="Use a port from 1 to 65535.",
    source="ListenerInfo (3.7 and later)",
    example=Example(
        "3.9",
        "broker",
        wrong={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:90920"},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def advertised_port(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig takes any 32-bit number; port 0 is no port either once it is written down."""
    for endpoint in broker.advertised or ():
        if not 0 < endpoint.port <= 65535:
            yield Problem(_WHERE, f"{shown(str(endpoint))} has a port outside 1 to 65535")


@rule(
    "ADV-WILDCARD",
    'An address that means "any" is advertised',
    severity="error",
    stage="runtime",
    consequence="Kafka looks for 0.0.0.0 only. Clients are sent to their own machine.",
    fix="Advertise the name that others reach this broker by.",
    source="KafkaConfig.validateValues compares with the text 0.0.0.0 only",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": "PLAINTEXT://[::]:9092"},
        right={"advertised.listeners": "PLAINTEXT://[fd00::12]:9092"},
    ),
)
def wildcard(broker: Broker) -> t.Iterator[Problem]:
    """``[::]``, ``0`` and their like."""
    for endpoint in broker.advertised_to_clients:
        if endpoint.host and is_wildcard(endpoint.host):
            where = _WHERE if broker.advertised is not None else "listeners"
            yield Problem(where, f"{shown(str(endpoint))} would be advertised, and nobody can connect to it")


@rule(
    "ADV-LOOPBACK",
    "A loopback address is advertised",
    severity="warning",
    stage="runtime",
    consequence="Clients outside the pod connect once, are sent to their own machine, and time out.",
    fix="Advertise the name that others reach this broker by.",
    source="Metadata response",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": "PLAINTEXT://localhost:9092"},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def loopback(broker: Broker) -> t.Iterator[Problem]:
    """Taken over from a tutorial for one machine."""
    for endpoint in broker.advertised_to_clients:
        if endpoint.host and is_loopback(endpoint.host):
            where = _WHERE if broker.advertised is not None else "listeners"
            yield Problem(where, f"{shown(str(endpoint))} can only be reached from the same pod")


@rule(
    "HOST-NOT-DNS",
    "An advertised host is no name that DNS can hold",
    severity="warning",
    stage="runtime",
    consequence="Kafka accepts it; clients cannot resolve it.",
    fix="Use letters, digits and inner dashes between dots, 63 characters a label; an IPv6 address in brackets.",
    source="the pattern of EndPoint.createEndPoint against RFC 1123",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": "PLAINTEXT://kafka_1.kafka:9092"},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def host_syntax(broker: Broker) -> t.Iterator[Problem]:
    """Underscores, empty labels, leading dashes, half an IPv6 address."""
    for endpoint in broker.advertised_to_clients:
        host = endpoint.host
        if host and not is_ip(host) and not is_dns_name(host) and not is_wildcard(host):
            where = _WHERE if broker.advertised is not None else "listeners"
            yield Problem(where, f"{shown(host)} is neither a DNS name nor an IP address")


@rule(
    "ADV-HOST-EMPTY",
    "The machine's own idea of its name is advertised",
    severity="info",
    stage="runtime",
    consequence="Whatever the canonical host name of the pod is; often its bare name, which only the pod itself resolves.",
    fix="Write the host into advertised.listeners.",
    source="SocketServer, KafkaServer.createBrokerInfo: InetAddress.getLocalHost.getCanonicalHostName",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"advertised.listeners": "PLAINTEXT://:9092"},
        right={"advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092"},
    ),
)
def host_empty(broker: Broker) -> t.Iterator[Problem]:
    """An empty host, or an empty bind address without advertised.listeners."""
    if not broker.is_broker:
        return
    for endpoint in broker.advertised_to_clients:
        if not endpoint.host:
            where = _WHERE if broker.advertised is not None else "listeners"
            yield Problem(where, f"{shown(str(endpoint))} is advertised without a host")


@rule(
    "ADV-DUP",
    "Two listeners advertise the same address",
    severity="warning",
    stage="runtime",
    since="2.7",
    consequence="Clients of one of them talk to the other; until 3.9 with ZooKeeper only one broker may have the address.",
    when=("advertised.listeners", "advertised.host.name", "advertised.port"),
    fix="Give each listener a host or a port of its own.",
    source="KafkaServer.createBrokerInfo; KafkaConfig checks bound ports only",
    example=Example(
        "3.9",
        "zookeeper",
        common={"listeners": "PLAINTEXT://:9092,SSL://:9093"},
        wrong={"advertised.listeners": "PLAINTEXT://kafka.example.com:9093,SSL://kafka.example.com:9093"},
        right={"advertised.listeners": "PLAINTEXT://kafka.example.com:9092,SSL://kafka.example.com:9093"},
    ),
)
def same_address(broker: Broker) -> t.Iterator[Problem]:
    """The check on ports covers only the bound ones since 2.7."""
    for (host, port), count in repeated((endpoint.host, endpoint.port) for endpoint in broker.advertised or () if endpoint.host):
        yield Problem(_WHERE, f"{count} listeners advertise {shown(f'{host}:{port}')}")


@rule(
    "ADV-IGNORED",
    "A controller advertises a broker listener",
    severity="info",
    stage="runtime",
    since="3.9",
    consequence="Nobody is told; a controller only hands out its controller listeners.",
    when=("advertised.listeners", "advertised.host.name", "advertised.port"),
    fix="Advertise controller listeners only on a controller.",
    source="KafkaConfig.effectiveAdvertisedControllerListeners",
    example=Example(
        "3.9",
        "controller",
        wrong={"advertised.listeners": "PLAINTEXT://controller-1.kafka:9092"},
        right={"advertised.listeners": "CONTROLLER://controller-1.kafka:9093"},
    ),
)
def ignored(broker: Broker) -> t.Iterator[Problem]:
    """Until 3.8 this is ADV-CONTROLLER."""
    if broker.controller_only:
        for endpoint in broker.advertised or ():
            if endpoint.name not in broker.controller_names:
                yield Problem(_WHERE, f"{shown(str(endpoint))} is no controller listener")
