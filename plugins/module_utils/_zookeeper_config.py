# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Would this ZooKeeper server start, and what would a client make of ``zookeeper.connect``?

``check_server`` agrees with ``QuorumPeerConfig`` of 3.5 to 3.9: it refuses a file if, and only if, there is a finding of
severity ``error`` and stage ``config``. ``parse_connect`` agrees with ``ConnectStringParser`` and ``StaticHostProvider``.
"""

from __future__ import annotations

import collections
import dataclasses
import difflib
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _connect, _java, _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import is_dns_name, is_ip
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, minor_of
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._zoo import (
    BOOLEANS,
    BOOLEANS_36,
    LONGS,
    Server,
    first_line,
)

ConnectString = _connect.ConnectString

OLDEST: Minor = (3, 5)
NEWEST: Minor = (3, 9)

BASE = (
    "tickTime=2000",
    "initLimit=10",
    "syncLimit=5",
    "dataDir=/var/lib/zookeeper/data",
    "clientPort=2181",
    "server.1=zk-0.zk:2888:3888",
    "server.2=zk-1.zk:2888:3888",
    "server.3=zk-2.zk:2888:3888",
    "autopurge.purgeInterval=24",
)
"""A file without a fault, that the examples start from."""


@dataclasses.dataclass(frozen=True)
class ZooExample:
    """Lines of BASE are replaced by those with the same key, a line ``key`` without a value takes one away."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    myid: str | None = "1"
    wrong_myid: str | None = "1"
    version: str = "3.9"

    def lines(self, changes: t.Sequence[str]) -> list[str]:
        """The complete file of one side."""
        merged = dict(line.split("=", 1) for line in BASE)
        for change in changes:
            key, equals, value = change.partition("=")
            if equals:
                merged[key] = value
            else:
                merged.pop(key, None)
        return [f"{key}={value}" for key, value in merged.items()]


Check = t.Callable[[Server], t.Iterable[Problem]]


@dataclasses.dataclass(frozen=True)
class ZooRule:
    """One rule about a ``zoo.cfg``."""

    id: str
    title: str
    severity: Severity
    stage: Stage
    since: Minor
    until: Minor
    consequence: str
    fix: str
    example: ZooExample
    check: Check


ZOO_RULES: list[ZooRule] = []


def _rule(
    id: str,
    title: str,
    *,
    fix: str,
    wrong: t.Sequence[str] = (),
    right: t.Sequence[str] = (),
    myid: str | None = "1",
    wrong_myid: str | None = "1",
    version: str = "3.9",
    severity: Severity = "error",
    stage: Stage = "config",
    since: str = "3.5",
    until: str = "3.9",
    consequence: str = "The server exits before it opens anything.",
) -> t.Callable[[Check], Check]:
    def declare(check: Check) -> Check:
        example = ZooExample(tuple(wrong), tuple(right), myid, wrong_myid, version)
        ZOO_RULES.append(ZooRule(id, title, severity, stage, minor_of(since), minor_of(until), consequence, fix, example, check))
        return check

    return declare


def check_server(lines: t.Sequence[str] | str, myid: str | None, zookeeper_version: str) -> list[Finding]:
    """All findings about one server. ``lines``: of the ``zoo.cfg``. ``myid``: the content of that file, None if missing.

    ``zookeeper_version``: ``3.8`` or ``3.8.4``; 3.5 to 3.9. Never raises.
    """
    release = _release.parse(zookeeper_version) if isinstance(zookeeper_version, str) else None
    if release is None or not OLDEST <= release.minor <= NEWEST:
        return [
            Finding(
                rule="RELEASE-UNKNOWN",
                severity="error",
                stage="config",
                where="zookeeper_version",
                message=f"{shown(zookeeper_version)} is no ZooKeeper release from 3.5 to 3.9",
                fix="Use a release from 3.5 to 3.9, for example 3.9.3.",
                consequence="Nothing can be said about the configuration.",
            )
        ]
    text = lines if isinstance(lines, str) else "\n".join(_as_text(lines))
    server = Server(text, None if myid is None else str(myid), release.minor)
    return [
        Finding(each.id, each.severity, each.stage, problem.where, problem.message, problem.fix or each.fix, each.consequence)
        for each in ZOO_RULES
        if each.since <= server.minor <= each.until
        for problem in each.check(server)
    ]


def parse_connect(text: str) -> ConnectString:
    """Servers, chroot and findings of ``zookeeper.connect``. Never raises."""
    return _connect.parse(text if isinstance(text, str) else "" if text is None else str(text))


def _as_text(lines: t.Any) -> list[str]:
    if isinstance(lines, t.Mapping):
        return [f"{key}={value}" for key, value in lines.items()]
    if isinstance(lines, t.Iterable):
        return [line if isinstance(line, str) else "" if line is None else str(line) for line in lines]
    return [] if lines is None else [str(lines)]


@_rule(
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


@_rule(
    "ZOO-TYPE",
    "A value is no number, or neither true nor false",
    fix="Use a whole number, true or false.",
    wrong=("maxClientCnxns=many",),
    right=("maxClientCnxns=60",),
)
def _types(server: Server) -> t.Iterator[Problem]:
    for key, kind in (*((key, "INT") for key in server.integers), *((key, "LONG") for key in LONGS)):
        value = server.get(key)
        if value is not None and _java.integer(value, kind) is None:
            yield Problem(key, f"{shown(value)} is no whole number")
    for key in server.strict_booleans:
        value = server.get(key)
        if value is not None and value.lower() not in ("true", "false"):
            yield Problem(key, f"{shown(value)} is neither true nor false")


@_rule(
    "ZOO-BOOLEAN",
    "A value that is neither true nor false counts as false",
    until="3.6",
    version="3.6",
    severity="warning",
    stage="runtime",
    consequence="The option is off; from 3.7 on the server exits.",
    fix="Use true or false.",
    wrong=("quorumListenOnAllIPs=yes",),
    right=("quorumListenOnAllIPs=true",),
)
def _booleans(server: Server) -> t.Iterator[Problem]:
    for key in (*BOOLEANS, *BOOLEANS_36):
        value = server.get(key)
        if value is not None and value.lower() not in ("true", "false"):
            yield Problem(key, f"{shown(value)} counts as false")


@_rule(
    "ZOO-TICK",
    "The tick is zero",
    fix="Use 2000, or leave it out for 3000.",
    wrong=("tickTime=0",),
    right=("tickTime=2000",),
)
def _tick(server: Server) -> t.Iterator[Problem]:
    if server.integer("tickTime") == 0:
        yield Problem("tickTime", "is 0")


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
    "ZOO-SASL",
    "SASL between servers is required and not enabled",
    fix="Set quorum.auth.enableSasl, quorum.auth.learnerRequireSasl and quorum.auth.serverRequireSasl in this order.",
    wrong=("quorum.auth.serverRequireSasl=true",),
    right=("quorum.auth.enableSasl=true",),
)
def _sasl(server: Server) -> t.Iterator[Problem]:
    enabled = server.flag("quorum.auth.enableSasl")
    learner, required = server.flag("quorum.auth.learnerRequireSasl"), server.flag("quorum.auth.serverRequireSasl")
    if (learner or required) and not enabled:
        yield Problem("quorum.auth.enableSasl", "is not true, and SASL is required")
    elif required and not learner:
        yield Problem("quorum.auth.learnerRequireSasl", "is not true, and quorum.auth.serverRequireSasl is")


@_rule(
    "ZOO-SSL-AUTH",
    "The TLS authentication of clients has no provider",
    fix="Set authProvider.<name> to the class, or leave ssl.authProvider out for x509.",
    wrong=("secureClientPort=2281", "ssl.authProvider=foo"),
    right=("secureClientPort=2281", "ssl.authProvider=x509"),
)
def _ssl_auth(server: Server) -> t.Iterator[Problem]:
    port = server.integer("secureClientPort")
    scheme = server.get("ssl.authProvider")
    if port is None or (port == 0 and server.minor < (3, 9)) or scheme in (None, "x509"):
        return
    if not server.has(f"authProvider.{scheme}"):
        yield Problem("ssl.authProvider", f"{shown(scheme)} has no authProvider.{scheme}")


@_rule(
    "ZOO-METRICS",
    "The metrics provider does not exist",
    since="3.6",
    fix="Use org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider, or leave it out.",
    wrong=("metricsProvider.className=",),
    right=("metricsProvider.className=org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",),
)
def _metrics(server: Server) -> t.Iterator[Problem]:
    value = server.get("metricsProvider.className")
    known = (
        "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
        "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
        "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
    )
    if value is not None and (not value or (value.startswith("org.apache.zookeeper.") and value not in known)):
        yield Problem("metricsProvider.className", f"{shown(value)} is no class of ZooKeeper")


@_rule(
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


@_rule(
    "ZOO-DYNAMIC",
    "Members are in zoo.cfg and in a file of their own",
    fix="Move server.*, group.* and weight.* to the dynamic file.",
    wrong=("dynamicConfigFile=/etc/zookeeper/zoo.cfg.dynamic",),
    right=("dynamicConfigFile=/etc/zookeeper/zoo.cfg.dynamic", "server.1", "server.2", "server.3"),
)
def _dynamic(server: Server) -> t.Iterator[Problem]:
    if server.dynamic:
        for key in server.properties:
            if key.strip().startswith(("server.", "group", "weight")):
                yield Problem(key, "must be in the file that dynamicConfigFile names")


@_rule(
    "ZOO-GROUPS",
    "The groups of a hierarchical quorum do not fit the members",
    fix="Put every voting member into exactly one group.",
    wrong=("group.1=1:2",),
    right=("group.1=1:2:3",),
)
def _groups(server: Server) -> t.Iterator[Problem]:
    hierarchical = [key for key in server.properties if key.strip().startswith(("group", "weight"))]
    if server.dynamic or not hierarchical or (server.minor >= (3, 8) and server.has("oraclePath")):
        return
    grouped: set[int] = set()
    for key in hierarchical:
        number = _java.integer(key[key.find(".") + 1 :], "LONG")
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
                    voting = sid in {member.id for member in server.voters}
                    if not voting and f"weight.{sid}" not in hierarchical:
                        yield Problem(key, f"server {sid} is no voting member")
    for member in server.voters:
        if member.id not in grouped:
            yield Problem(f"server.{member.id}", "is in no group")


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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
    names = collections.Counter(line.split("=", 1)[0].strip() for line in server.text.splitlines() if line.lstrip().startswith("server."))
    for name, count in names.items():
        if count > 1:
            yield Problem(name, f"is written {count} times")


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
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


@_rule(
    "ZOO-KEY-UNKNOWN",
    "A key is misspelt",
    severity="warning",
    stage="runtime",
    consequence="It becomes a Java system property that nobody reads.",
    fix="Correct the name.",
    wrong=("maxClientConnexions=60",),
    right=("maxClientCnxns=60",),
)
def _unknown(server: Server) -> t.Iterator[Problem]:
    known = server.known
    for key in server.properties:
        if key in known or key.startswith(("server.", "group", "weight", "metricsProvider.", "authProvider.", "ssl.")):
            continue
        lowered = {name.lower(): name for name in known}
        close = difflib.get_close_matches(key.lower(), lowered, n=1, cutoff=0.75) if len(key) <= 100 else []
        if close:
            meant = lowered[close[0]]
            yield Problem(key, f"is no key of ZooKeeper; did you mean {meant}?", f"Write {meant}.")
