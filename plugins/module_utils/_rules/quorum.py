# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about the controller quorum: voters and bootstrap servers."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import (
    Bad,
    is_dns_name,
    is_ip,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker, Voter
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, repeated, rule, shown

_VOTERS = "controller.quorum.voters"
_SERVERS = "controller.quorum.bootstrap.servers"


@rule(
    "VOT-SYNTAX",
    "A voter cannot be read",
    since="2.8",
    step="parse",
    when=("controller.quorum.voters",),
    fix="Write id@host:port, separated by commas, without a comma at the end.",
    source="RaftConfig / QuorumConfig.parseVoterConnections",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "controller-100.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def voter_syntax(broker: Broker) -> t.Iterator[Problem]:
    """Also refused with ZooKeeper, where nobody needs it."""
    yield from _bad_voters(broker, "VOT-SYNTAX")


@rule(
    "VOT-PORT-RANGE",
    "The port of a voter is above 65535",
    since="2.8",
    step="parse",
    when=("controller.quorum.voters",),
    fix="Use the port of the controller listener.",
    source="InetSocketAddress",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@controller-100.kafka:90930"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def voter_port(broker: Broker) -> t.Iterator[Problem]:
    """Unlike listeners, voters become socket addresses at once."""
    yield from _bad_voters(broker, "VOT-PORT-RANGE")


def _bad_voters(broker: Broker, rule_id: str) -> t.Iterator[Problem]:
    if _VOTERS in broker.refused:
        for entry in broker.voter_entries:
            if isinstance(entry, Bad) and entry.rule == rule_id:
                yield Problem(_VOTERS, f"{shown(entry.text)} {entry.reason}")


@rule(
    "VOT-NONE",
    "Nobody knows where the controllers are",
    since="3.0",
    step="voters",
    fix="Set controller.quorum.voters, or from 3.9 on controller.quorum.bootstrap.servers.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: None},
        right={_VOTERS: None, _SERVERS: "controller-100.kafka:9093"},
    ),
)
def no_voters(broker: Broker) -> t.Iterator[Problem]:
    """KRaft, and ZooKeeper brokers that migrate."""
    if not broker.roles and not (broker.zookeeper and broker.minor >= (3, 4) and broker.migrating):
        return
    if broker.voters or (broker.minor >= (3, 9) and broker.get(_SERVERS)):
        return
    yield Problem(_VOTERS, "names no voter" if broker.has(_VOTERS) else "is not set")


@rule(
    "VOT-ID-MISSING",
    "A controller is not among the voters",
    since="3.0",
    step="voters",
    when=("controller.quorum.voters",),
    fix="Add the node.id of this controller to controller.quorum.voters.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "controller",
        wrong={_VOTERS: "2@controller-2.kafka:9093"},
        right={_VOTERS: "1@controller-1.kafka:9093"},
    ),
)
def id_missing(broker: Broker) -> t.Iterator[Problem]:
    """From 3.9 on no voters at all are fine, if there are bootstrap servers."""
    if broker.is_controller and broker.voters and broker.node_id not in broker.voters:
        yield Problem(_VOTERS, f"has no entry for node.id {broker.node_id}")


@rule(
    "VOT-ID-FORBIDDEN",
    "A broker has the id of a voter",
    since="3.0",
    step="voters",
    when=("controller.quorum.voters",),
    fix="Give brokers and controllers different ids.",
    source="KafkaConfig.validateValues",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "1@controller-1.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def id_forbidden(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    if broker.broker_only and broker.node_id in broker.voters:
        yield Problem(_VOTERS, f"has an entry for node.id {broker.node_id}, and this is no controller")


@rule(
    "VOT-AUTOJOIN-BROKER",
    "A broker would join the quorum",
    since="4.2",
    step="roles",
    fix="Set controller.quorum.auto.join.enable on controllers only.",
    when=("controller.quorum.auto.join.enable",),
    source="KafkaConfig.validateValues",
    example=Example(
        "4.3",
        "broker",
        wrong={"controller.quorum.auto.join.enable": "true"},
        right={"controller.quorum.auto.join.enable": "false"},
    ),
)
def auto_join(broker: Broker) -> t.Iterator[Problem]:
    """Brokers without the controller role."""
    if broker.broker_only and broker.get("controller.quorum.auto.join.enable"):
        yield Problem("controller.quorum.auto.join.enable", "is for controllers only")


@rule(
    "VOT-ROUTABLE",
    "A controller would take over a voter address of 0.0.0.0",
    since="4.2",
    step="advertised",
    when=("controller.quorum.voters",),
    fix="Write the name of the controller into controller.quorum.voters.",
    source="KafkaConfig.effectiveAdvertisedControllerListeners: QuorumConfig.parseVoterConnections",
    example=Example(
        "4.3",
        "controller",
        wrong={_VOTERS: "1@0.0.0.0:9093"},
        right={_VOTERS: "1@controller-1.kafka:9093"},
    ),
)
def routable(broker: Broker) -> t.Iterator[Problem]:
    """Where the first controller listener has no address of its own; any voter with 0.0.0.0 is enough."""
    names = broker.controller_names
    if broker.release == ((4, 2), 0):
        return  # 4.2.1 was the first to take the address from the voters
    if not names or any(endpoint.name == names[0].upper() for endpoint in broker.advertised or ()):
        return
    for endpoint in broker.controller_listeners:
        if endpoint.name == names[0].upper() and endpoint.host in (None, "0.0.0.0"):
            for voter in broker.voter_entries:
                if isinstance(voter, Voter) and voter.host == "0.0.0.0":
                    yield Problem(_VOTERS, f"voter {voter.id} has the address 0.0.0.0")


@rule(
    "BS-SYNTAX",
    "A bootstrap server cannot be read",
    since="3.8",
    step="parse",
    fix="Write host:port, separated by commas, without the id of a voter.",
    when=(_SERVERS,),
    source="QuorumConfig.parseBootstrapServer",
    example=Example(
        "4.3",
        "broker",
        common={_VOTERS: None},
        wrong={_SERVERS: "100@controller-100.kafka:9093"},
        right={_SERVERS: "controller-100.kafka:9093"},
    ),
)
def bootstrap_syntax(broker: Broker) -> t.Iterator[Problem]:
    """3.9 is lax: it skips any text in front of the host."""
    if _SERVERS in broker.refused:
        for entry in broker.bootstrap_entries:
            if isinstance(entry, Bad):
                yield Problem(_SERVERS, f"{shown(entry.text)} {entry.reason}")


@rule(
    "VOT-0000",
    "A voter has the address 0.0.0.0",
    since="2.8",
    severity="error",
    stage="start",
    consequence="From 3.8 on the process dies: Host string (0.0.0.0) is not routeable. Before, the voter is never reached.",
    when=("controller.quorum.voters",),
    fix="Write the name that the other nodes reach the controller by.",
    source="KafkaRaftServer: QuorumConfig.parseVoterConnections",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@0.0.0.0:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def voter_any_address(broker: Broker) -> t.Iterator[Problem]:
    """KafkaConfig only looks at the ids."""
    for voter in broker.voters.values():
        if voter.host == "0.0.0.0" and broker.roles:
            yield Problem(_VOTERS, f"voter {voter.id} has the address 0.0.0.0")


@rule(
    "VOT-DUP",
    "Two voters have the same id or the same address",
    since="2.8",
    severity="error",
    stage="runtime",
    consequence="Of two entries with one id the last one counts, so that the quorum is smaller than it looks.",
    when=("controller.quorum.voters",),
    fix="Give every controller an id and an address of its own.",
    source="QuorumConfig.parseVoterConnections: a map by id",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@controller-100.kafka:9093,100@controller-101.kafka:9093,102@controller-102.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093,101@controller-101.kafka:9093,102@controller-102.kafka:9093"},
    ),
)
def voters_twice(broker: Broker) -> t.Iterator[Problem]:
    """Entries that are equal in everything are only untidy, but say as much."""
    entries = [entry for entry in broker.voter_entries if isinstance(entry, Voter)]
    for number, count in repeated(entry.id for entry in entries):
        yield Problem(_VOTERS, f"{count} voters have the id {number}")
    addresses: dict[tuple[str, int], set[int]] = {}
    for entry in entries:
        addresses.setdefault((entry.host, entry.port), set()).add(entry.id)
    for (host, port), ids in addresses.items():
        if len(ids) > 1:
            yield Problem(_VOTERS, f"voters {', '.join(map(str, sorted(ids)))} have the address {shown(f'{host}:{port}')}")


@rule(
    "VOT-NEGATIVE-ID",
    "A voter has a negative id",
    since="2.8",
    severity="error",
    stage="runtime",
    consequence="No node can have this id, so that the voter never votes.",
    when=("controller.quorum.voters",),
    fix="Use the node.id of the controller.",
    source="QuorumConfig.parseVoterConnections",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "-1@controller-100.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def negative_id(broker: Broker) -> t.Iterator[Problem]:
    """Accepted by every release."""
    for voter in broker.voters.values():
        if voter.id < 0:
            yield Problem(_VOTERS, f"voter {voter.id} has a negative id")


@rule(
    "VOT-EVEN",
    "The number of voters is even",
    since="2.8",
    severity="warning",
    stage="runtime",
    consequence="The last voter adds no tolerance, only another machine that can fail.",
    when=("controller.quorum.voters",),
    fix="Use one, three or five controllers.",
    source="a majority of 4 is 3, as of 3 it is 2",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@controller-100.kafka:9093,101@controller-101.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def even(broker: Broker) -> t.Iterator[Problem]:
    """Two voters are worse than one: both must be up."""
    count = len(broker.voters)
    if count and count % 2 == 0:
        yield Problem(_VOTERS, f"{count} voters tolerate no more failures than {count - 1}")


@rule(
    "VOT-PREFIX",
    "Text in front of a voter's host is ignored",
    since="2.8",
    severity="warning",
    stage="runtime",
    consequence="The host is only what stands behind it, which may be half of the name that was meant.",
    when=("controller.quorum.voters",),
    fix="Write id@host:port with the name itself: no listener name, no variable, no blank.",
    source="Utils.HOST_PORT_PATTERN",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@$(POD_NAME).kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def ignored_text(broker: Broker) -> t.Iterator[Problem]:
    """Any text until 3.7 and in 3.9; a listener name everywhere."""
    for voter in broker.voters.values():
        if voter.ignored:
            yield Problem(_VOTERS, f"{shown(voter.ignored)} is skipped, and the host is {shown(voter.host)}")


@rule(
    "VOT-HOST-SYNTAX",
    "The host of a voter is no name that DNS can hold",
    since="2.8",
    severity="warning",
    stage="runtime",
    consequence="Kafka accepts it; no node resolves it.",
    when=("controller.quorum.voters",),
    fix="Use letters, digits and inner dashes between dots, 63 characters a label.",
    source="Utils.validHostPattern against RFC 1123",
    example=Example(
        "3.9",
        "broker",
        wrong={_VOTERS: "100@controller_100.kafka:9093"},
        right={_VOTERS: "100@controller-100.kafka:9093"},
    ),
)
def voter_host(broker: Broker) -> t.Iterator[Problem]:
    """Underscores, empty hosts, half an IPv6 address."""
    for voter in broker.voters.values():
        if not is_ip(voter.host) and not is_dns_name(voter.host):
            yield Problem(_VOTERS, f"voter {voter.id} has the host {shown(voter.host)}")


@rule(
    "VOT-PORT-MISMATCH",
    "This controller listens on another port than the voters say",
    since="2.8",
    severity="warning",
    stage="runtime",
    consequence="Unless a Service translates the port, no other controller reaches this one.",
    when=("controller.quorum.voters",),
    fix="Use the port of the controller listener in controller.quorum.voters.",
    source="KafkaConfig.validateValues: tolerated on purpose",
    example=Example(
        "3.9",
        "controller",
        wrong={"listeners": "CONTROLLER://:9094"},
        right={"listeners": "CONTROLLER://:9093"},
    ),
)
def port_mismatch(broker: Broker) -> t.Iterator[Problem]:
    """Compared with all controller listeners of this node."""
    voter = broker.voters.get(broker.node_id) if broker.is_controller else None
    ports = {endpoint.port for endpoint in broker.controller_listeners} if voter else set()
    if voter and ports and voter.port not in ports:
        bound = ", ".join(map(str, sorted(ports)))
        yield Problem(_VOTERS, f"says port {voter.port} for node {voter.id}, and it listens on {bound}")


@rule(
    "BS-AND-VOTERS",
    "Both voters and bootstrap servers are set",
    since="3.9",
    severity="info",
    stage="runtime",
    consequence="A quorum has either fixed voters or voters kept in its log. Which one counts was decided when it was formatted.",
    fix="Keep controller.quorum.voters for fixed voters, controller.quorum.bootstrap.servers otherwise.",
    when=(_SERVERS,),
    source="KafkaRaftClient: bootstrap servers, or the voters",
    example=Example(
        "3.9",
        "broker",
        wrong={_SERVERS: "controller-100.kafka:9093"},
        right={_SERVERS: "controller-100.kafka:9093", _VOTERS: None},
    ),
)
def both(broker: Broker) -> t.Iterator[Problem]:
    """Useful only while changing from one to the other."""
    if broker.roles and broker.voters and broker.get(_SERVERS):
        yield Problem(_SERVERS, "is set together with controller.quorum.voters")
