# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The table of rules about a ``zoo.cfg``, and how one is declared."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, minor_of
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server

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


def rule(
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
    """Declares the function below it as a rule. ``since``, ``until``: minors of ZooKeeper, inclusive."""

    def declare(check: Check) -> Check:
        example = ZooExample(tuple(wrong), tuple(right), myid, wrong_myid, version)
        ZOO_RULES.append(ZooRule(id, title, severity, stage, minor_of(since), minor_of(until), consequence, fix, example, check))
        return check

    return declare
