# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about one server: its directories, ports, clock and housekeeping."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._registry import rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server


@rule(
    "ZOO-DATADIR",
    "There is no data directory",
    fix="Set dataDir to a directory on a volume.",
    wrong=("dataDir",),
    right=("dataDir=/var/lib/zookeeper/data",),
)
def _data_dir(server: Server) -> t.Iterator[Problem]:
    if not server.has("dataDir"):
        yield Problem("dataDir", "is not set")
    for key in ("dataDir", "dataLogDir"):
        path = server.get(key)
        # VerifyingFileFactory looks at the first two characters of a relative path.
        if path is not None and len(path) < 2 and path != "/":
            yield Problem(key, f"{shown(path)} is no path")


@rule(
    "ZOO-TICK",
    "The tick is zero",
    fix="Use 2000, or leave it out for 3000.",
    wrong=("tickTime=0",),
    right=("tickTime=2000",),
)
def _tick(server: Server) -> t.Iterator[Problem]:
    if server.integer("tickTime") == 0:
        yield Problem("tickTime", "is 0")


@rule(
    "ZOO-SESSION",
    "The shortest session is longer than the longest",
    fix="Keep minSessionTimeout at most at maxSessionTimeout; without them they are 2 and 20 ticks.",
    wrong=("minSessionTimeout=50000",),
    right=("minSessionTimeout=5000",),
)
def _session(server: Server) -> t.Iterator[Problem]:
    tick = server.integer("tickTime", 3000) or 0
    shortest, longest = server.integer("minSessionTimeout", -1), server.integer("maxSessionTimeout", -1)
    # -1 means not set; Java's int overflows.
    shortest = _int32(tick * 2) if shortest == -1 else shortest
    longest = _int32(tick * 20) if longest == -1 else longest
    if tick and shortest is not None and longest is not None and shortest > longest:
        yield Problem("minSessionTimeout", f"is {shortest}, and maxSessionTimeout is {longest}")


def _int32(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


@rule(
    "ZOO-PORT",
    "A port does not exist, or an address has no port",
    fix="Use a port from 1 to 65535, and set it together with its address.",
    wrong=("clientPort=70000",),
    right=("clientPort=2181",),
)
def _ports(server: Server) -> t.Iterator[Problem]:
    for key in ("clientPort", "secureClientPort"):
        port = server.integer(key)
        unset = port is None or (port == 0 and server.minor < (3, 9))
        if port is not None and not 0 <= port <= 65535:
            yield Problem(key, f"is {port}")
        elif unset and server.has(f"{key}Address"):
            yield Problem(f"{key}Address", f"is set without {key}")


@rule(
    "ZOO-NO-CLIENT-PORT",
    "There is no port for clients",
    severity="warning",
    stage="runtime",
    consequence="The server runs, and nobody can connect.",
    fix="Set clientPort=2181, secureClientPort, or the port behind the semicolon of the server lines.",
    wrong=("clientPort",),
    right=("clientPort=2181",),
)
def _no_client_port(server: Server) -> t.Iterator[Problem]:
    member = server.members.get(server.id) if server.id is not None else None
    ports = (server.integer("clientPort"), server.integer("secureClientPort"), member.client if member else None)
    if not any(ports) and not server.dynamic:
        yield Problem("clientPort", "is not set")


@rule(
    "ZOO-CLIENT-ADDRESS",
    "Two places name different client ports",
    fix="Keep clientPort or the port behind the semicolon of this server's line.",
    wrong=("server.1=zk-0.zk:2888:3888;2182",),
    right=("server.1=zk-0.zk:2888:3888;2181",),
)
def _client_address(server: Server) -> t.Iterator[Problem]:
    member = server.members.get(server.id) if server.id is not None else None
    port = server.integer("clientPort")
    if server.dynamic or member is None or member.client is None or port is None or (port == 0 and server.minor < (3, 9)):
        return
    address = server.get("clientPortAddress") or "0.0.0.0"
    anywhere = address in ("0.0.0.0", "::", "0:0:0:0:0:0:0:0")
    host, client_port = member.client
    if client_port != port or (not anywhere and host != address):
        yield Problem(f"server.{member.id}", f"names the client address {host}:{client_port}, and clientPort is {port}")


@rule(
    "ZOO-LIMITS",
    "initLimit or syncLimit is missing",
    fix="Set initLimit=10 and syncLimit=5.",
    wrong=("initLimit",),
    right=("initLimit=10",),
)
def _limits(server: Server) -> t.Iterator[Problem]:
    for key in ("initLimit", "syncLimit"):
        if server.distributed and server.integer(key, 0) == 0:
            yield Problem(key, "is not set, or 0")


@rule(
    "ZOO-ELECTION-ALG",
    "The election algorithm is gone",
    since="3.6",
    fix="Leave electionAlg out.",
    wrong=("electionAlg=0",),
    right=("electionAlg=3",),
)
def _election(server: Server) -> t.Iterator[Problem]:
    if server.integer("electionAlg", 3) != 3:
        yield Problem("electionAlg", f"is {server.get('electionAlg')}; only 3 is left")


@rule(
    "ZOO-RETAIN",
    "Fewer than three snapshots are to be kept",
    severity="warning",
    stage="runtime",
    consequence="Three are kept.",
    fix="Use 3 or more.",
    wrong=("autopurge.snapRetainCount=1",),
    right=("autopurge.snapRetainCount=3",),
)
def _retain(server: Server) -> t.Iterator[Problem]:
    if (server.integer("autopurge.snapRetainCount", 3) or 0) < 3:
        yield Problem("autopurge.snapRetainCount", f"is {server.get('autopurge.snapRetainCount')}")


@rule(
    "ZOO-PURGE",
    "Old snapshots are never removed",
    severity="warning",
    stage="runtime",
    consequence="The disk fills up.",
    fix="Set autopurge.purgeInterval to a number of hours.",
    wrong=("autopurge.purgeInterval",),
    right=("autopurge.purgeInterval=24",),
)
def _purge(server: Server) -> t.Iterator[Problem]:
    if (server.integer("autopurge.purgeInterval", 0) or 0) <= 0:
        yield Problem("autopurge.purgeInterval", "is not set, or not above 0")
