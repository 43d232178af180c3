# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Would this ZooKeeper server start, and what would a client make of ``zookeeper.connect``?

``check_server`` agrees with ``QuorumPeerConfig`` of 3.5 to 3.9: it refuses a file if, and only if, there is a finding of
severity ``error`` and stage ``config``. ``parse_connect`` agrees with ``ConnectStringParser`` and ``StaticHostProvider``.
The rules are in ``_zookeeper_rules``.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _connect, _release
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules import keys, members, security, server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._registry import BASE, ZOO_RULES, ZooRule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server

__all__ = ("BASE", "NEWEST", "OLDEST", "SUBJECTS", "ZOO_RULES", "ConnectString", "ZooRule", "check_server", "parse_connect")

ConnectString = _connect.ConnectString

OLDEST: Minor = (3, 5)
NEWEST: Minor = (3, 9)

SUBJECTS = (server, members, security, keys)
"""The modules with the rules, in the order of ``docs/rules.md``."""


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
    asked = Server(text, None if myid is None else str(myid), release.minor)
    return [
        Finding(each.id, each.severity, each.stage, problem.where, problem.message, problem.fix or each.fix, each.consequence)
        for each in ZOO_RULES
        if each.since <= asked.minor <= each.until
        for problem in each.check(asked)
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
