# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about ``listeners``, ``listener.security.protocol.map`` and ``inter.broker.listener.name``."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import (
    PROTOCOLS,
    Bad,
    Endpoint,
    duplicate_ports,
    is_loopback,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, repeated, rule, shown

_COMMON = "CoreUtils.listenerListToEndPoints (until 4.0), AbstractKafkaConfig.listenerListToEndPoints (4.1 and later)"
_TEMPLATE_MARKS = ("$(", "${", "{{", "'", '"')


def _bad(broker: Broker, rule_id: str) -> t.Iterator[tuple[str, Bad]]:
    for where, entry in broker.bad_endpoints:
        if entry.rule == rule_id:
            yield where, entry


@rule(
    "LSN-PARSE",
    "A listener cannot be read",
    step="listeners",
    fix="Write NAME://host:port with one blank-free host and a number, for example EXTERNAL://:9094.",
    source="EndPoint.createEndPoint (until 3.x), SocketServerConfigs.listenerListToEndPoints (4.x)",
    example=Example(
        "3.9",
        "broker",
        wrong={"listeners": "PLAINTEXT://*:9092"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def unreadable(broker: Broker) -> t.Iterator[Problem]:
    """Entries that the regular expression of a listener does not match."""
    for where, bad in _bad(broker, "LSN-PARSE"):
        hint = ""
        if any(mark in bad.text for mark in _TEMPLATE_MARKS):
            hint = "Put the value itself here; a variable or a quote inside the text is not expanded by Kafka."
        yield Problem(where, f"{shown(bad.text)} {bad.reason}", hint)


@rule(
    "LSN-PORT-INT",
    "The port of a listener is no 32-bit number",
    step="listeners",
    fix="Use a port from 1 to 65535.",
    source="EndPoint.createEndPoint: String.toInt",
    example=Example(
        "3.9",
        "broker",
        wrong={"listeners": "PLAINTEXT://:9999999999"},
        right={"listeners": "PLAINTEXT://:9999"},
    ),
)
def port_overflow(broker: Broker) -> t.Iterator[Problem]:
    """Ports above 2147483647."""
    for where, bad in _bad(broker, "LSN-PORT-INT"):
        yield Problem(where, f"{shown(bad.text)} {bad.reason}")


@rule(
    "LSN-NAME-EMPTY",
    "A listener has no name",
    since="3.6",
    step="listeners",
    fix="Put a name in front of ://, for example PLAINTEXT://:9092.",
    source="ListenerName.normalised (until 3.5 the empty name only lacks a security protocol)",
    example=Example("3.9", "broker", wrong={"listeners": "://:9092"}, right={"listeners": "PLAINTEXT://:9092"}),
)
def nameless(broker: Broker) -> t.Iterator[Problem]:
    """Blank names in listener lists, in the map and as inter-broker listener."""
    for where, bad in _bad(broker, "LSN-NAME-EMPTY"):
        yield Problem(where, f"{shown(bad.text)} {bad.reason}")
    for bad in broker.map_problems:
        if bad.rule == "LSN-NAME-EMPTY":
            yield Problem("listener.security.protocol.map", f"{shown(bad.text)} {bad.reason}")
    name = broker.get("inter.broker.listener.name")
    if name is not None and _java.is_blank(name) and not broker.has("security.inter.broker.protocol"):
        yield Problem(
            "inter.broker.listener.name",
            "is set and empty; that is an empty name, not the default",
            "Leave the key out, or name the listener that brokers use among themselves.",
        )
    control = broker.control_plane
    if control is not None and _java.is_blank(control):
        yield Problem("control.plane.listener.name", "is set and empty", "Leave the key out.")


@rule(
    "LSN-NOMAP",
    "A listener has no security protocol",
    step="listeners",
    fix="Add the name to listener.security.protocol.map, for example EXTERNAL:SASL_SSL. Setting the map replaces all of its defaults.",
    source="EndPoint.createEndPoint: No security protocol defined for listener",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            "listeners": "PLAINTEXT://:9092,EXTERNAL://:9094",
            "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092,EXTERNAL://kafka.example.com:9094",
        },
        wrong={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT"},
    ),
)
def unmapped(broker: Broker) -> t.Iterator[Problem]:
    """Names that the effective map does not have."""
    protocols = broker.protocols
    lists = (("listeners", broker.listener_entries), ("advertised.listeners", broker.advertised_entries or []))
    for where, entries in lists:
        for entry in entries:
            if isinstance(entry, Endpoint) and entry.name not in protocols:
                yield Problem(where, f"listener {shown(entry.name)} is not in listener.security.protocol.map")


@rule(
    "LSN-DUP-NAME",
    "Two listeners have the same name",
    step="listeners",
    fix="Give every listener a name of its own; names are compared in upper case.",
    source=_COMMON,
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://:9092,plaintext://:9093"},
        right={"listeners": "PLAINTEXT://:9092,SSL://:9093"},
    ),
)
def same_name(broker: Broker) -> t.Iterator[Problem]:
    """Names that are equal after upper-casing, in ``listeners`` or in ``advertised.listeners``."""
    lists = (("listeners", broker.listener_entries), ("advertised.listeners", broker.advertised_entries or []))
    for where, entries in lists:
        good = [entry for entry in entries if isinstance(entry, Endpoint)]
        if broker.minor < (2, 7) and _checked_ports(broker, where) and duplicate_ports(good, broker.minor):
            continue  # LSN-DUP-PORT came first
        for name, count in repeated(entry.name for entry in good):
            yield Problem(where, f"{count} listeners are called {shown(name)}")


@rule(
    "LSN-DUP-PORT",
    "Two listeners have the same port",
    step="listeners",
    fix="Give every listener a port of its own; from 3.6 on one IPv4 and one IPv6 address may share one.",
    source=_COMMON,
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://:9092,SSL://:9092"},
        right={"listeners": "PLAINTEXT://:9092,SSL://:9093"},
    ),
)
def same_port(broker: Broker) -> t.Iterator[Problem]:
    """Ports bound twice; until 2.6 also advertised twice."""
    lists = (("listeners", broker.listener_entries), ("advertised.listeners", broker.advertised_entries or []))
    for where, entries in lists:
        good = [entry for entry in entries if isinstance(entry, Endpoint) and _checked_ports(broker, where)]
        for port, same in duplicate_ports(good, broker.minor).items():
            names = ", ".join(shown(str(endpoint)) for endpoint in same[:5])
            yield Problem(where, f"port {port} is used by {names}{' and others' if len(same) > 5 else ''}")


def _checked_ports(broker: Broker, where: str) -> bool:
    return where == "listeners" or broker.minor < (2, 7)


@rule(
    "LSN-EMPTY",
    "The list of listeners is empty or has an empty item",
    since="4.2",
    step="parse",
    fix="Leave out the key for the default PLAINTEXT://:9092; take away the comma that has nothing beside it.",
    source="ConfigDef.ValidList (listeners is a LIST from 4.2 on)",
    example=Example(
        "4.3",
        "broker",
        wrong={"listeners": "PLAINTEXT://:9092,"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def empty_item(broker: Broker) -> t.Iterator[Problem]:
    """Up to 4.1 empty items are dropped."""
    reason = broker.refused.get("listeners")
    if reason:
        yield Problem("listeners", f"{shown(broker.written.get('listeners', ''))} {reason}")


@rule(
    "MAP-SYNTAX",
    "An entry of the security protocol map has no colon",
    step="listeners",
    fix="Write NAME:PROTOCOL, separated by commas.",
    when=("listener.security.protocol.map",),
    source="KafkaConfig.getMap, Csv.parseCsvMap",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listener.security.protocol.map": "PLAINTEXT=PLAINTEXT"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
    ),
)
def map_syntax(broker: Broker) -> t.Iterator[Problem]:
    """``substring(0, lastIndexOf(":"))`` fails without a colon."""
    yield from _map_problems(broker, "MAP-SYNTAX")


@rule(
    "MAP-PROTO",
    "The security protocol map names an unknown protocol",
    step="listeners",
    fix=f"Use one of {', '.join(PROTOCOLS)}. PLAIN and SCRAM-SHA-512 are SASL mechanisms, not protocols.",
    when=("listener.security.protocol.map",),
    source="KafkaConfig.getSecurityProtocol",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listener.security.protocol.map": "PLAINTEXT:PLAIN"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT"},
    ),
)
def map_protocol(broker: Broker) -> t.Iterator[Problem]:
    """Compared without regard to case."""
    yield from _map_problems(broker, "MAP-PROTO")


@rule(
    "MAP-DUP-CASE",
    "The security protocol map has one listener twice in different case",
    since="4.1",
    step="listeners",
    fix="Keep one of the entries.",
    when=("listener.security.protocol.map",),
    source="AbstractKafkaConfig.effectiveListenerSecurityProtocolMap: Collectors.toMap",
    example=Example(
        "4.3",
        "broker",
        wrong={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,Controller:SSL"},
        right={"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,Controllers:SSL"},
    ),
)
def map_case(broker: Broker) -> t.Iterator[Problem]:
    """Until 4.0 the last one wins."""
    yield from _map_problems(broker, "MAP-DUP-CASE")


def _map_problems(broker: Broker, rule_id: str) -> t.Iterator[Problem]:
    for bad in broker.map_problems:
        if bad.rule == rule_id:
            yield Problem("listener.security.protocol.map", f"{shown(bad.text)} {bad.reason}")


@rule(
    "MAP-DUP",
    "The security protocol map has one listener twice",
    severity="warning",
    stage="runtime",
    consequence="The last entry wins without a word; the listener may be less secure than it looks.",
    fix="Keep one of the entries.",
    when=("listener.security.protocol.map",),
    source="Csv.parseCsvMap: a map by listener name",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listener.security.protocol.map": "PLAINTEXT:SSL,PLAINTEXT:PLAINTEXT"},
        right={"listener.security.protocol.map": "SSL:SSL,PLAINTEXT:PLAINTEXT"},
    ),
)
def map_twice(broker: Broker) -> t.Iterator[Problem]:
    """Equal keys; until 4.0 also keys that differ only in case."""
    if broker.map_problems or not broker.has("listener.security.protocol.map"):
        return
    text = broker.get("listener.security.protocol.map")
    for name, count in repeated(_java.upper(_java.trim(item.rpartition(":")[0])) for item in _java.split_commas(text) if item):
        yield Problem("listener.security.protocol.map", f"{shown(name)} appears {count} times")


@rule(
    "IB-BOTH",
    "Both ways to name the inter-broker listener are used",
    step="brokers",
    fix="Keep inter.broker.listener.name and take security.inter.broker.protocol away.",
    when=("inter.broker.listener.name",),
    source="KafkaConfig.getInterBrokerListenerNameAndSecurityProtocol",
    example=Example(
        "3.9",
        "zookeeper",
        common={"inter.broker.listener.name": "PLAINTEXT"},
        wrong={"security.inter.broker.protocol": "PLAINTEXT"},
        right={},
    ),
)
def both_names(broker: Broker) -> t.Iterator[Problem]:
    """An empty inter.broker.listener.name counts as set."""
    if broker.get("inter.broker.listener.name") is not None and broker.has("security.inter.broker.protocol"):
        yield Problem("security.inter.broker.protocol", "must not be set together with inter.broker.listener.name")


@rule(
    "IB-NOMAP",
    "The inter-broker listener has no security protocol",
    step="brokers",
    fix="Add the name to listener.security.protocol.map.",
    when=("inter.broker.listener.name",),
    source="KafkaConfig.getInterBrokerListenerNameAndSecurityProtocol",
    example=Example(
        "3.9",
        "controller",
        wrong={"inter.broker.listener.name": "INTERNAL"},
        right={"inter.broker.listener.name": "PLAINTEXT"},
    ),
)
def inter_broker_unmapped(broker: Broker) -> t.Iterator[Problem]:
    """Checked on controllers as well."""
    name = broker.get("inter.broker.listener.name")
    if name is None or broker.has("security.inter.broker.protocol"):
        return
    if broker.refuses_blank_names and _java.is_blank(name):
        return
    if _java.upper(name) not in broker.protocols:
        yield Problem("inter.broker.listener.name", f"{shown(name)} is not in listener.security.protocol.map")


@rule(
    "IB-PROTO",
    "security.inter.broker.protocol is no security protocol",
    step="parse",
    fix=f"Use one of {', '.join(PROTOCOLS)}, from 3.3 on in upper case.",
    source="KafkaConfig.getSecurityProtocol, from 3.3 on ConfigDef.ValidString",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"security.inter.broker.protocol": "plaintext"},
        right={"security.inter.broker.protocol": "PLAINTEXT"},
    ),
)
def inter_broker_protocol(broker: Broker) -> t.Iterator[Problem]:
    """Until 3.2 without regard to case, and only looked at where no listener is named."""
    key = "security.inter.broker.protocol"
    reason = broker.refused.get(key)
    if reason:
        yield Problem(key, f"{shown(broker.written.get(key, ''))} {reason}")
    elif broker.get("inter.broker.listener.name") is None and _java.upper(broker.get(key)) not in PROTOCOLS:
        yield Problem(key, f"{shown(broker.get(key))} must be one of {', '.join(PROTOCOLS)}")


@rule(
    "IB-NOT-ADVERTISED",
    "Brokers cannot reach each other: the inter-broker listener is not advertised",
    step="brokers",
    fix="Set inter.broker.listener.name to a listener in advertised.listeners. Without it the listener must be called PLAINTEXT.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "zookeeper",
        common={
            "listeners": "INTERNAL://:9092",
            "advertised.listeners": "INTERNAL://kafka-1.kafka:9092",
            "listener.security.protocol.map": "INTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        },
        wrong={},
        right={"inter.broker.listener.name": "INTERNAL"},
    ),
)
def inter_broker_not_advertised(broker: Broker) -> t.Iterator[Problem]:
    """Brokers only; the default is the listener that is literally called PLAINTEXT."""
    if not broker.is_broker:
        return
    names = [endpoint.name for endpoint in broker.advertised_to_clients]
    if not names and broker.minor >= (3, 1):
        return
    name = broker.inter_broker[0]
    if name not in names:
        options = f"of {', '.join(sorted(names))}" if names else "listener, and there is none"
        yield Problem("inter.broker.listener.name", f"{shown(name)} must be an advertised {options}")


@rule(
    "LSN-PORT-RANGE",
    "The port of a listener cannot be bound",
    severity="error",
    stage="start",
    consequence="The broker dies while it opens its sockets: port out of range.",
    fix="Use a port from 1 to 65535.",
    source="SocketServer.openServerSocket: InetSocketAddress",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://:90920"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def port_range(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig takes any 32-bit number."""
    for endpoint in broker.listeners:
        if not 0 <= endpoint.port <= 65535:
            yield Problem("listeners", f"{shown(str(endpoint))} has a port outside 0 to 65535")


@rule(
    "LSN-PORT-ZERO",
    "A listener takes any free port",
    severity="warning",
    stage="runtime",
    consequence="The port changes with every start; no Service and no client finds it.",
    fix="Use a fixed port.",
    source="SocketServer: an ephemeral port",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://:0"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def port_zero(broker: Broker) -> t.Iterator[Problem]:
    """Meant for Kafka's own tests."""
    for endpoint in broker.listeners:
        if endpoint.port == 0:
            yield Problem("listeners", f"{shown(str(endpoint))} has port 0")


@rule(
    "BIND-PRIVILEGED",
    "A listener has a privileged port",
    severity="warning",
    stage="start",
    consequence="A process that is not root cannot bind ports below 1024: Permission denied.",
    fix="Listen on a port from 1024 on, and let the Service translate it.",
    source="SocketServer.openServerSocket",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://:443"},
        right={"listeners": "PLAINTEXT://:9443"},
    ),
)
def privileged(broker: Broker) -> t.Iterator[Problem]:
    """Ports 1 to 1023."""
    for endpoint in broker.listeners:
        if 0 < endpoint.port < 1024:
            yield Problem("listeners", f"{shown(str(endpoint))} needs the right to bind port {endpoint.port}")


@rule(
    "BIND-LOOPBACK",
    "A listener accepts connections from its own pod only",
    severity="warning",
    stage="runtime",
    consequence="Services and other pods get connection refused.",
    fix="Leave the host empty, and say in advertised.listeners how others reach it.",
    source="SocketServer.openServerSocket",
    example=Example(
        "3.9",
        "zookeeper",
        wrong={"listeners": "PLAINTEXT://127.0.0.1:9092"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def bound_to_loopback(broker: Broker) -> t.Iterator[Problem]:
    """Bind addresses that mean the machine itself."""
    for endpoint in broker.listeners:
        if endpoint.host and is_loopback(endpoint.host):
            yield Problem("listeners", f"{shown(str(endpoint))} is bound to the loopback address")


@rule(
    "LSN-DROPPED",
    "A listener is written twice",
    severity="info",
    stage="runtime",
    since="4.2",
    consequence="Kafka keeps one of them.",
    fix="Take one away.",
    source="ConfigDef.parseValue: duplicates of a list are dropped",
    example=Example(
        "4.3",
        "broker",
        wrong={"listeners": "PLAINTEXT://:9092,PLAINTEXT://:9092"},
        right={"listeners": "PLAINTEXT://:9092"},
    ),
)
def dropped(broker: Broker) -> t.Iterator[Problem]:
    """Up to 4.1 this is LSN-DUP-NAME."""
    written = _java.csv_list(_java.trim(broker.written.get("listeners", "")))
    for text, count in repeated(written):
        if "listeners" not in broker.refused:
            yield Problem("listeners", f"{shown(text)} is written {count} times")
