# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about the members of the ensemble, and which of them this server is."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import is_dns_name, is_ip
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._registry import rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server, first_line


@rule(
    "ZOO-SERVER",
    "A server line cannot be read",
    fix="Write server.<id>=host:2888:3888, with :observer or ;2181 behind it if need be.",
    wrong=("server.2=zk-1.zk:2888",),
    right=("server.2=zk-1.zk:2888:3888",),
)
def _server_lines(server: Server) -> t.Iterator[Problem]:
    if server.dynamic:
        return
    for key, line in server.lines.items():
        if isinstance(line, str):
            yield Problem(key, f"{shown(server.properties[key])} {line}")
    version = server.properties.get("version")
    if version is not None and not _is_hexadecimal(version):
        yield Problem("version", f"{shown(version)} is no hexadecimal number")


def _is_hexadecimal(text: str) -> bool:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits[:40]) or len(digits.lstrip("0")) > 16:
        return False
    value = int(digits, 16) * (-1 if text[0] == "-" else 1)
    return -(2**63) <= value < 2**63


@rule(
    "ZOO-DYNAMIC",
    "Members are in zoo.cfg and in a file of their own",
    fix="Move server.*, group.* and weight.* to the dynamic file.",
    wrong=("dynamicConfigFile=/etc/zookeeper/zoo.cfg.dynamic",),
    right=("dynamicConfigFile=/etc/zookeeper/zoo.cfg.dynamic", "server.1", "server.2", "server.3"),
)
def _dynamic(server: Server) -> t.Iterator[Problem]:
    if server.dynamic:
        for key in server.properties:
            if _java.trim(key).startswith(("server.", "group", "weight")):
                yield Problem(key, "must be in the file that dynamicConfigFile names")


@rule(
    "ZOO-GROUPS",
    "The groups of a hierarchical quorum do not fit the members",
    fix="Put every voting member into exactly one group.",
    wrong=("group.1=1:2",),
    right=("group.1=1:2:3",),
)
def _groups(server: Server) -> t.Iterator[Problem]:
    # Trimmed keys say that there are groups, and only untrimmed ones are read.
    hierarchical = any(_java.trim(key).startswith(("group", "weight")) for key in server.properties)
    if server.dynamic or not hierarchical or (server.minor >= (3, 8) and server.has("oraclePath")):
        return
    numbers = {key: _java.integer(key[key.find(".") + 1 :], "LONG") for key in server.properties if key.startswith(("group", "weight"))}
    weighted = {number for key, number in numbers.items() if key.startswith("weight")}
    voting = {member.id for member in server.voters}
    grouped: set[int] = set()
    for key, number in numbers.items():
        value = server.properties[key]
        ids = [_java.integer(item, "LONG") for item in (_java.split(value, ":") if key.startswith("group") else [value])]
        if number is None or None in ids:
            yield Problem(key, f"{shown(value)} cannot be read")
        elif key.startswith("group"):
            for sid in ids:
                if sid in grouped:
                    yield Problem(key, f"server {sid} is in several groups")
                elif sid is not None:
                    grouped.add(sid)
                    # QuorumHierarchical.computeGroupWeight looks up a weight that is not there.
                    if sid not in voting and sid not in weighted:
                        yield Problem(key, f"server {sid} is no voting member")
    for member in server.voters:
        if member.id not in grouped:
            yield Problem(f"server.{member.id}", "is in no group")


@rule(
    "ZOO-MEMBERS",
    "The members do not make a quorum",
    fix="Name three or five voting members; observers need a quorum of at least two.",
    wrong=("server.2", "server.3=zk-2.zk:2888:3888:observer"),
    right=("server.3=zk-2.zk:2888:3888:observer",),
)
def _members(server: Server) -> t.Iterator[Problem]:
    if server.dynamic or any(isinstance(line, str) for line in server.lines.values()):
        return
    voters = len(server.voters)
    observers = len(server.observers)
    if voters == 0 and not server.standalone_enabled:
        yield Problem("standaloneEnabled", "is false, and there are no members")
    elif voters == 0 and observers:
        yield Problem("server", "lines are observers only")
    elif voters == 1 and server.standalone_enabled and observers:
        yield Problem("server", "lines have one voting member, which runs alone, and observers")


@rule(
    "ZOO-MYID",
    "The file myid is missing or no number",
    fix="Write the number of this server into the file myid in dataDir: digits only, no blank.",
    wrong=(),
    right=(),
    wrong_myid="zk-0",
)
def _myid(server: Server) -> t.Iterator[Problem]:
    if server.myid is None:
        if server.distributed:
            yield Problem("myid", "is missing")
    elif server.id is None and not server.dynamic:
        yield Problem("myid", f"{shown(first_line(server.myid))} is no number")


@rule(
    "ZOO-MYID-UNLISTED",
    "This server is not among the members",
    severity="error",
    stage="start",
    consequence="The server exits: My id is not in the peer list.",
    fix="Write the number of one of the server lines into the file myid.",
    wrong_myid="9",
)
def _myid_unlisted(server: Server) -> t.Iterator[Problem]:
    if server.distributed and server.id is not None and server.id not in server.members:
        yield Problem("myid", f"is {server.id}, and there is no server.{server.id}")


@rule(
    "ZOO-MYID-RANGE",
    "The number of a server is out of range",
    severity="warning",
    stage="runtime",
    consequence="Session ids carry eight bits of it: sessions of two servers may collide. With extended types 255 does not start.",
    fix="Use numbers from 1 to 254.",
    wrong=("server.256=zk-0.zk:2888:3888", "server.1"),
    right=(),
    wrong_myid="256",
)
def _myid_range(server: Server) -> t.Iterator[Problem]:
    for member in server.members.values():
        if not 1 <= member.id <= 255:
            yield Problem(f"server.{member.id}", "is outside 1 to 255")


@rule(
    "ZOO-ONE-SERVER",
    "A single server line is ignored",
    severity="warning",
    stage="runtime",
    consequence="The server runs alone, and logs an error about it.",
    fix="Name all three members, or none for a single server.",
    wrong=("server.2", "server.3"),
    right=(),
)
def _one_server(server: Server) -> t.Iterator[Problem]:
    if not server.dynamic and len(server.voters) == 1 and server.standalone_enabled:
        yield Problem("server", "lines name one voting member")


@rule(
    "ZOO-EVEN",
    "The number of voting members is even",
    severity="warning",
    stage="runtime",
    consequence="The last member adds no tolerance; of two, neither may fail.",
    fix="Use three or five.",
    wrong=("server.3",),
    right=("server.3=zk-2.zk:2888:3888",),
)
def _even(server: Server) -> t.Iterator[Problem]:
    count = len(server.voters)
    if server.distributed and count and count % 2 == 0:
        yield Problem("server", f"lines name {count} voting members")


@rule(
    "ZOO-SERVER-DUP",
    "Two server lines have the same number or the same address",
    severity="error",
    stage="runtime",
    consequence="Of two lines with one number the last one counts; two members at one address never meet.",
    fix="Give every member a number and an address of its own.",
    wrong=("server.2=zk-0.zk:2888:3888",),
    right=("server.2=zk-1.zk:2888:3888",),
)
def _server_twice(server: Server) -> t.Iterator[Problem]:
    addresses = collections.Counter((member.host, member.quorum_port) for member in server.members.values())
    for (host, port), count in addresses.items():
        if count > 1:
            yield Problem("server", f"{count} members have the address {shown(f'{host}:{port}')}")
    names = collections.Counter(entry.key for entry in server.entries if entry.key.startswith("server."))
    for name, count in names.items():
        if count > 1:
            yield Problem(name, f"is written {count} times")


@rule(
    "ZOO-HOST-SYNTAX",
    "The host of a server line is no name that DNS can hold",
    severity="warning",
    stage="start",
    consequence="The other members never find it.",
    fix="Use letters, digits and inner dashes between dots; no variable, no quote.",
    wrong=("server.2=zk_1.zk:2888:3888",),
    right=("server.2=zk-1.zk:2888:3888",),
)
def _host_syntax(server: Server) -> t.Iterator[Problem]:
    for member in server.members.values():
        if not is_ip(member.host) and not is_dns_name(member.host):
            yield Problem(f"server.{member.id}", f"has the host {shown(member.host)}")


@rule(
    "ZOO-PEER-TYPE",
    "peerType is neither participant nor observer",
    fix="Use participant or observer, or leave it out.",
    wrong=("peerType=foo",),
    right=("peerType=participant",),
)
def _peer_type(server: Server) -> t.Iterator[Problem]:
    value = server.get("peerType")
    if value is not None and value.lower() not in ("participant", "observer"):
        yield Problem("peerType", f"{shown(value)} is neither participant nor observer")


@rule(
    "ZOO-PEER-TYPE-DIFFERS",
    "peerType and the server line disagree",
    severity="warning",
    stage="runtime",
    consequence="The server line wins.",
    fix="Leave peerType out.",
    wrong=("peerType=observer",),
    right=(),
)
def _peer_type_differs(server: Server) -> t.Iterator[Problem]:
    member = server.members.get(server.id) if server.id is not None else None
    value = (server.get("peerType") or "").lower()
    if member is not None and value in ("participant", "observer") and (value == "observer") != member.observer:
        yield Problem("peerType", f"is {value}, and server.{member.id} says otherwise")
