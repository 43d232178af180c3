# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The table of rules: how one is declared, and how all of them are run over a configuration."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker, NotKnown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import (
    NEWEST,
    OLDEST,
    Minor,
    minor_of,
)

_Item = t.TypeVar("_Item", bound=t.Hashable)

_SHOWN = 200
_MOST = 20  # findings of one rule: whoever has more has one mistake many times

_STEPS = "parse construct {early} ids {voters} values {late} brokers advertised control version last"


def steps(minor: Minor) -> list[str]:
    """The order in which Kafka looks: types first (ConfigDef), the constructor, ``validateValues`` from top to end.

    Findings come in this order, so that the first error is the one the broker would print. Listeners are looked at in
    the constructor from 3.3 on (early.start.listeners); voters came first in 3.0.
    """
    early, voters, late = "", "", "listeners voters roles"
    if minor >= (3, 3):
        early, late = "listeners", "voters roles"
    elif minor <= (3, 0):
        voters, late = "voters", "listeners roles"
    return _STEPS.format(early=early, voters=voters, late=late).split()


_KRAFT = {"node.id": "1", "controller.quorum.voters": "1@kafka-1.kafka:9093"}
BASES: dict[str, dict[str, str]] = {
    "zookeeper": {
        "broker.id": "1",
        "zookeeper.connect": "zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka",
        "listeners": "PLAINTEXT://:9092",
        "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092",
        "log.dirs": "/var/lib/kafka/data",
    },
    "migration": {
        "broker.id": "1",
        "zookeeper.connect": "zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka",
        "listeners": "PLAINTEXT://:9092",
        "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": "/var/lib/kafka/data",
        "zookeeper.metadata.migration.enable": "true",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": "3000@controller-3000.kafka:9093",
    },
    "broker": {
        "process.roles": "broker",
        "node.id": "1",
        "controller.quorum.voters": "100@controller-100.kafka:9093",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092",
        "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092",
        "log.dirs": "/var/lib/kafka/data",
    },
    "controller": {
        **_KRAFT,
        "process.roles": "controller",
        "controller.listener.names": "CONTROLLER",
        "listeners": "CONTROLLER://:9093",
        "log.dirs": "/var/lib/kafka/data",
    },
    "combined": {
        **_KRAFT,
        "process.roles": "broker,controller",
        "controller.listener.names": "CONTROLLER",
        "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
        "advertised.listeners": "PLAINTEXT://kafka-1.kafka:9092",
        "log.dirs": "/var/lib/kafka/data",
    },
}
"""Configurations without a fault, that the examples of the rules start from."""

Change = t.Mapping[str, t.Optional[str]]


@dataclasses.dataclass(frozen=True)
class Example:
    """Two configurations that differ in as little as possible: ``wrong`` breaks the rule, ``right`` does not.

    Both are changes to a base of BASES; None takes a key away. ``common`` is changed in both. ``release`` is one the
    rule applies to.
    """

    release: str
    base: str
    wrong: Change
    right: Change
    common: Change = dataclasses.field(default_factory=dict)

    def properties(self, change: Change) -> dict[str, str]:
        """The complete configuration of one side."""
        merged: dict[str, str | None] = {**BASES[self.base], **self.common, **change}
        return {key: value for key, value in merged.items() if value is not None}


class Problem(t.NamedTuple):
    """What a rule function yields. ``where``: the key concerned. ``fix``: instead of the rule's own, if not empty."""

    where: str
    message: str
    fix: str = ""


Check = t.Callable[[Broker], t.Iterable[Problem]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """One rule. ``source`` is where Kafka (or whoever) says so; the other fields are shown to the user."""

    id: str
    title: str
    severity: Severity
    stage: Stage
    since: Minor
    until: Minor
    consequence: str
    fix: str
    source: str
    step: str
    example: Example
    check: Check
    when: frozenset[str] = frozenset()

    def applies(self, minor: Minor) -> bool:
        """Whether the rule exists in a release."""
        return self.since <= minor <= self.until


RULES: list[Rule] = []
"""All rules in the order of their declaration; filled by the modules beside this one."""


def rule(
    id: str,
    title: str,
    *,
    severity: Severity = "error",
    stage: Stage = "config",
    since: str = "",
    until: str = "",
    step: str = "",
    when: t.Iterable[str] = (),
    consequence: str = "The broker exits before it opens anything.",
    fix: str,
    source: str,
    example: Example,
) -> t.Callable[[Check], Check]:
    """Declares the function below it as a rule. ``since``, ``until``: minors, inclusive, default the known range.

    ``when``: keys whose defaults are sound: without any of them the rule has nothing to say and is not run.
    """

    def declare(check: Check) -> Check:
        RULES.append(
            Rule(
                id=id,
                title=title,
                severity=severity,
                stage=stage,
                since=minor_of(since) if since else OLDEST,
                until=minor_of(until) if until else NEWEST,
                consequence=consequence,
                fix=fix,
                source=source,
                step=step or "last",
                example=example,
                check=check,
                when=frozenset(when),
            )
        )
        return check

    return declare


@functools.cache
def rules_of(minor: Minor) -> tuple[Rule, ...]:
    """The rules of one release: what Kafka refuses first, in Kafka's order, then everything it lets through."""
    order = steps(minor)
    found = [rule for rule in RULES if rule.applies(minor)]
    return tuple(sorted(found, key=lambda rule: (rule.stage != "config" or rule.severity != "error", order.index(rule.step))))


@functools.cache
def _deciding_keys(minor: Minor) -> frozenset[str]:
    """The keys without which some rule of a release is not run."""
    return frozenset(key for each in rules_of(minor) for key in each.when)


@functools.lru_cache(maxsize=1024)
def _rules_for(minor: Minor, written: frozenset[str]) -> tuple[Rule, ...]:
    """The rules of one release that may have something to say where these keys are set: nodes of a cluster set the same."""
    return tuple(each for each in rules_of(minor) if not each.when or not each.when.isdisjoint(written))


def run(broker: Broker) -> list[Finding]:
    """All findings about one broker."""
    findings: list[Finding] = []
    written = _deciding_keys(broker.minor).intersection(broker.properties)
    for each in _rules_for(broker.minor, written):
        try:
            for problem in itertools.islice(each.check(broker), _MOST):
                findings.append(
                    Finding(
                        rule=each.id,
                        severity=each.severity,
                        stage=each.stage,
                        where=problem.where,
                        message=problem.message,
                        fix=problem.fix or each.fix,
                        consequence=each.consequence,
                    )
                )
        except NotKnown:
            # What the rule looks at could not be read, and another rule has said so.
            continue
    return findings


def repeated(items: t.Iterable[_Item]) -> list[tuple[_Item, int]]:
    """What stands more than once, and how often, in the order of its first place."""
    listed = list(items)
    if len(set(listed)) == len(listed):
        return []  # counting costs ten times as much
    return [(item, count) for item, count in collections.Counter(listed).items() if count > 1]


def shown(value: object) -> str:
    """A value of the user as it appears in a message: quoted, and cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)")
