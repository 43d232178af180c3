# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""``zookeeper.connect``, as the ZooKeeper client reads it (``ConnectStringParser`` and ``StaticHostProvider``)."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import is_dns_name, is_ip

WHERE = "zookeeper.connect"
DEFAULT_PORT = 2181
_MOST = 1000
_SHORT = 2000  # longer ones are not remembered

_BAD_CHARACTER = re.compile("[\x01-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\uffff]")
_MARKS = ("$(", "${", "{{", "'", '"')
_ENDS = "The client throws before it connects, and the broker exits."


@dataclasses.dataclass(frozen=True)
class ConnectString:
    """``hosts``: (host, port) in order; ``chroot``: None for none. What cannot be read is in ``findings`` as error."""

    hosts: list[tuple[str, int]]
    chroot: str | None
    findings: list[Finding]


class ConnectRule(t.NamedTuple):
    """What is said about one kind of fault. ``wrong`` and ``right`` are examples that differ in little."""

    severity: Severity
    stage: Stage
    title: str
    consequence: str
    fix: str
    wrong: str
    right: str


CONNECT_RULES: dict[str, ConnectRule] = {
    "ZK-CONNECT-EMPTY": ConnectRule(
        "error",
        "start",
        "zookeeper.connect names no server",
        _ENDS,
        "Name every server of the ensemble: zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka",
        ",",
        "zk-0.zk:2181",
    ),
    "ZK-CONNECT-SYNTAX": ConnectRule(
        "error",
        "start",
        "A server in zookeeper.connect cannot be read",
        _ENDS,
        "Write host:port with a port from 0 to 65535; an IPv6 address in brackets.",
        "zk-0.zk:port",
        "zk-0.zk:2181",
    ),
    "ZK-CHROOT-SYNTAX": ConnectRule(
        "error",
        "start",
        "The chroot in zookeeper.connect is no path",
        _ENDS,
        "Write one path behind the last server, without a slash at its end: zk-0.zk:2181,zk-1.zk:2181/kafka",
        "zk-0.zk:2181/kafka/",
        "zk-0.zk:2181/kafka",
    ),
    "ZKC-CHROOT-EACH": ConnectRule(
        "error",
        "runtime",
        "The chroot is written behind every server",
        "Everything from the first slash on is the chroot: one server only, and a path nobody else uses. "
        "Brokers with another order of servers form another cluster.",
        "Write the chroot once, at the end: zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka",
        "zk-0.zk:2181/kafka,zk-1.zk:2181/kafka",
        "zk-0.zk:2181,zk-1.zk:2181/kafka",
    ),
    "ZK-SEPARATOR": ConnectRule(
        "error",
        "start",
        "Servers are separated by something other than a comma",
        "All of it is taken for one host name, that nobody resolves: timed out waiting for connection.",
        "Separate servers by commas.",
        "zk-0.zk:2181;zk-1.zk:2181",
        "zk-0.zk:2181,zk-1.zk:2181",
    ),
    "ZK-PLACEHOLDER": ConnectRule(
        "error",
        "start",
        "zookeeper.connect has an unexpanded variable or a quote",
        "The text is taken for a host name, that nobody resolves: timed out waiting for connection.",
        "Put the value itself here.",
        "$(ZK):2181",
        "zk:2181",
    ),
    "ZK-HOST-NAME": ConnectRule(
        "warning",
        "start",
        "A server in zookeeper.connect is no name that DNS can hold",
        "Nobody resolves it: timed out waiting for connection.",
        "Use letters, digits and inner dashes between dots, 63 characters a label; an IPv6 address in brackets.",
        "zk_0.zk:2181",
        "zk-0.zk:2181",
    ),
    "ZK-HOST-DUP": ConnectRule(
        "warning",
        "runtime",
        "zookeeper.connect names one server twice",
        "The client tries it twice as often, and there are fewer servers than it looks.",
        "Name every server once.",
        "zk-0.zk:2181,zk-0.zk:2181",
        "zk-0.zk:2181,zk-1.zk:2181",
    ),
}


def parse(text: str) -> ConnectString:
    """Never raises. Servers that cannot be read are left out."""
    return _remembered(text) if len(text) <= _SHORT else _parse(text)


@functools.lru_cache(maxsize=256)
def _remembered(text: str) -> ConnectString:
    # All brokers of a cluster have the same one.
    return _parse(text)


def _parse(text: str) -> ConnectString:
    findings: list[Finding] = []

    def find(rule: str, message: str) -> None:
        about = CONNECT_RULES[rule]
        findings.append(Finding(rule, about.severity, about.stage, WHERE, message, about.fix, about.consequence))

    servers, slash, path = text.partition("/")
    chroot = None
    if slash and path:
        reason = _path_problem(path)
        if reason:
            find("ZK-CHROOT-SYNTAX", f"{_shown('/' + path)} {reason}")
        else:
            chroot = f"/{path}"
            if "," in path and (":" in path or "/" in path.partition(",")[2]):
                find("ZKC-CHROOT-EACH", f"the chroot is {_shown(chroot)}")
    hosts: list[tuple[str, int]] = []
    for item in servers.split(","):
        item = _java.trim(item)
        if item:
            parsed = _server(item)
            if isinstance(parsed, str):
                find("ZK-CONNECT-SYNTAX", f"{_shown(item)} {parsed}")
            else:
                hosts.append(parsed)
    if not hosts and not any(finding.rule.endswith("-SYNTAX") for finding in findings):
        find("ZK-CONNECT-EMPTY", f"{_shown(text)} names no server")
    counted = collections.Counter(hosts)
    for (host, port), count in itertools.islice(counted.items(), _MOST):
        if any(mark in host for mark in _MARKS):
            find("ZK-PLACEHOLDER", f"{_shown(host)} is no host name")
        elif re.search(r"[;\s|]", host):
            find("ZK-SEPARATOR", f"{_shown(host)} is no host name")
        elif not is_ip(host) and not is_dns_name(host):
            find("ZK-HOST-NAME", f"{_shown(host)} is neither a DNS name nor an IP address")
        if count > 1:
            find("ZK-HOST-DUP", f"{_shown(f'{host}:{port}')} is written more than once")
    return ConnectString(hosts, chroot, findings)


def _server(item: str) -> tuple[str, int] | str:
    """One server, or why it cannot be read (``NetUtils.getIPV6HostAndPort``)."""
    if item.startswith("["):
        host, bracket, rest = item[1:].rpartition("]")
        if not bracket:
            return "has no closing bracket"
        if not host:
            return "has no address in the brackets"
        if rest and not rest.startswith(":"):
            return "has something other than a colon behind the bracket"
        if rest == ":":
            return "has no port behind the colon"
        port_text = rest[1:]
    else:
        host, colon, port_text = item.rpartition(":")
        if not colon:
            host, port_text = item, ""
    port = _java.integer(port_text, "INT") if port_text else DEFAULT_PORT
    if port is None:
        return f"has the port {_shown(port_text)}, which is no number"
    return (host, port) if 0 <= port <= 65535 else f"has the port {port}, which does not exist"


def _path_problem(path: str) -> str | None:
    """``PathUtils.validatePath`` for what stands behind the first slash."""
    if path.endswith("/"):
        return "must not end with a slash"
    names = path.split("/")
    if "" in names:
        return "has an empty part"
    if "." in names or ".." in names:
        return "has a relative part"
    # Java looks at UTF-16 units, and refuses the halves of a surrogate pair.
    if "\x00" in path or _BAD_CHARACTER.search(path) or any(ord(character) > 0xFFFF for character in path):
        return "has a character that is not allowed"
    return None


def _shown(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]}...")
