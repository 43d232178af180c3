# SPDX-License-Identifier: GPL-3.0-or-later
"""What is planned for topics, users, access rules and configuration, and how it is carried out."""

from __future__ import annotations

import collections
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _kafka_acls,
    _kafka_changes,
    _kafka_configs,
    _kafka_info,
    _kafka_topics,
    _kafka_users,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal, converge
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import Partition, Setting, TopicState, spread
from hypothesis import given
from hypothesis import strategies as st

RACKS = {1: "a", 2: "b", 3: "c", 4: "a", 5: "b"}


@pytest.mark.parametrize(
    ("replicas", "factor", "brokers", "load", "expected"),
    [
        # New replicas go to racks that have none yet, then to the least loaded, then to the lowest id.
        ((1,), 3, RACKS, {}, (1, 2, 3)),
        ((1,), 2, RACKS, {2: 5, 3: 5, 5: 4}, (1, 5)),
        ((1, 2, 3), 4, RACKS, {4: 9}, (1, 2, 3, 5)),
        # Dead ones leave first, then doubled racks, then the last; the preferred leader stays.
        ((1, 9, 2), 2, RACKS, {}, (1, 2)),
        ((9, 1, 2), 2, RACKS, {}, (1, 2)),
        ((1, 4, 2), 2, RACKS, {}, (1, 2)),
        ((1, 2, 3), 2, RACKS, {}, (1, 2)),
        ((1, 2, 3), 1, RACKS, {}, (1,)),
        ((1, 2), 2, RACKS, {}, (1, 2)),
    ],
)
def test_spread(replicas: t.Any, factor: int, brokers: t.Any, load: t.Any, expected: t.Any) -> None:
    assert spread(replicas, factor, brokers, load) == expected


@given(st.lists(st.integers(1, 8), min_size=1, max_size=5, unique=True), st.integers(1, 6), st.dictionaries(st.integers(1, 8), st.integers(0, 9)))
def test_spread_moves_no_more_than_it_must(replicas: list[int], factor: int, load: dict[int, int]) -> None:
    brokers = {broker: "abc"[broker % 3] for broker in range(1, 7)}
    found = spread(tuple(replicas), factor, brokers, load)
    assert len(found) == len(set(found)) == factor
    kept = [broker for broker in found if broker in replicas]
    assert len(kept) == min(factor, len(replicas))
    assert kept == [broker for broker in replicas if broker in kept], "in their order"
    assert set(found) - set(replicas) <= set(brokers), "new ones are alive"


def state(*replicas: tuple[int, ...], **config: str) -> TopicState:
    settings = {key.replace("_", "."): Setting(value, "LONG") for key, value in config.items()}
    return TopicState(tuple(Partition(each) for each in replicas), settings)


def kinds(plan: Plan) -> list[tuple[str, str]]:
    return [(change.item, change.kind) for change in plan.changes]


def test_a_reassignment_under_way_counts_as_done() -> None:
    moving = TopicState((Partition((1, 2, 3), adding=(3,), removing=(1,)),))
    (wanted,) = _kafka_topics.read([{"name": "a", "assignments": [[2, 3]]}])
    assert kinds(_kafka_topics.plan([wanted], {"a": moving}, RACKS)) == []
    (other,) = _kafka_topics.read([{"name": "a", "assignments": [[1, 2]]}])
    assert kinds(_kafka_topics.plan([other], {"a": moving}, RACKS)) == [("a", "replicas")]


def test_throttles_of_a_reassignment_are_left_alone_unless_listed() -> None:
    there = {"a": state((1,), leader_replication_throttled_replicas="0:1", retention_ms="5")}
    (wanted,) = _kafka_topics.read([{"name": "a"}])
    (change,) = _kafka_topics.plan([wanted], there, RACKS).changes
    assert change.data == {"retention.ms": None}
    (listed,) = _kafka_topics.read([{"name": "a", "config": {"retention.ms": 5, "leader.replication.throttled.replicas": "*"}}])
    (change,) = _kafka_topics.plan([listed], there, RACKS).changes
    assert change.data == {"leader.replication.throttled.replicas": "*"}


def test_purge_never_takes_internal_topics() -> None:
    there = {"__x": state((1,)), "b": TopicState((Partition((1,)),), internal=True), "c": state((1,))}
    assert kinds(_kafka_topics.plan([], there, RACKS, purge=_kafka_topics.Purge(".*", 9))) == [("c", "delete")]
    (by_name,) = _kafka_topics.read([{"name": "__x", "state": "absent"}])
    assert list(_kafka_topics.plan([by_name], there, RACKS).refused) == ["__x"]


@pytest.mark.parametrize(
    ("kind", "wanted", "there", "same"),
    [
        ("BOOLEAN", "True", "true", True),
        ("BOOLEAN", "false", "true", False),
        ("LONG", " 5", "5", True),
        ("LONG", "5x", "5", False),
        ("DOUBLE", "0.50", "0.5", True),
        ("LIST", "a , b", "a,b", True),
        ("LIST", "b,a", "a,b", False),
        ("STRING", "Zstd", "zstd", False),
        ("UNKNOWN", "5", "05", False),
        ("LONG", "5", None, False),
    ],
)
def test_same_setting(kind: str, wanted: str, there: str | None, same: bool) -> None:
    assert _kafka_changes.same_setting(kind, wanted, there) is same


class Kafka:
    """A store with the faults of a real one: it shows what it acknowledged later, breaks connections, and refuses."""

    def __init__(self, *, late: int = 0, breaks: t.Sequence[int] = (), refuses: t.Collection[str] = (), busy: int = 0) -> None:
        self.shown: set[str] = set()
        self.stored: set[str] = set()
        self.late, self.breaks, self.refuses, self.busy = late, list(breaks), refuses, busy
        self.writes = 0

    def observe(self) -> set[str]:
        if self.late:
            self.late -= 1
        else:
            self.shown = set(self.stored)
        return self.shown

    def write(self, changes: t.Sequence[Change], check: bool) -> dict[Change, str]:
        refused: dict[Change, str] = {change: "no" for change in changes if change.item in self.refuses}
        if check:
            return refused
        self.writes += 1
        if self.busy:
            self.busy -= 1
            return {change: _kafka_changes.Later("not yet") for change in changes}
        self.stored |= {change.item for change in changes if change not in refused}
        if self.writes in self.breaks:
            raise ConnectionError
        return refused

    def lead_to(self, *items: str, check: bool = False) -> _kafka_changes.Report:
        def plan(there: set[str]) -> Plan:
            return Plan([Change(item, "create", f"create {item}") for item in items if item not in there])

        return converge(self.observe, plan, self.write, check=check, interrupted=ConnectionError)


def items(report: _kafka_changes.Report) -> list[str]:
    return [change.item for change in report.changes]


def test_converge_writes_once_and_then_nothing() -> None:
    kafka = Kafka()
    assert items(kafka.lead_to("a", "b")) == ["a", "b"]
    assert items(kafka.lead_to("a", "b")) == []
    assert kafka.writes == 1


def test_converge_waits_until_it_shows_without_writing_again() -> None:
    kafka = Kafka(late=3)
    assert items(kafka.lead_to("a")) == ["a"]
    assert kafka.writes == 1


def test_converge_goes_on_after_a_broken_connection() -> None:
    kafka = Kafka(breaks=[1, 2])
    report = kafka.lead_to("a", "b")
    assert (sorted(items(report)), report.errors, kafka.stored) == (["a", "b"], {}, {"a", "b"})


def test_converge_leaves_alone_what_is_refused() -> None:
    kafka = Kafka(refuses={"b"})
    report = kafka.lead_to("a", "b", "c")
    assert (items(report), report.errors) == (["a", "c"], {"b": "create b: no"})
    assert kafka.stored == {"a", "c"}


def test_converge_tries_again_what_only_has_to_wait() -> None:
    kafka = Kafka(busy=2)
    report = kafka.lead_to("a")
    assert (items(report), report.errors) == (["a"], {})


def test_converge_in_check_mode_writes_nothing_and_asks() -> None:
    kafka = Kafka(refuses={"b"})
    report = kafka.lead_to("a", "b", check=True)
    assert (items(report), report.errors, kafka.writes) == (["a"], {"b": "create b: no"}, 0)


def test_a_record_belongs_to_its_password_alone() -> None:
    text = _kafka_users.record("SCRAM-SHA-512", "secret", b"salt", 4096)
    assert _kafka_users.belongs(text, "SCRAM-SHA-512", "secret")
    assert not _kafka_users.belongs(text, "SCRAM-SHA-512", "secret2")
    assert not _kafka_users.belongs(text, "SCRAM-SHA-256", "secret")
    assert "secret" not in text
    for broken in ("", "x", "1$2$3", "4096$c2FsdA==$", "-1$c2FsdA==$AAAA", "4096$$", "99999999999$c2FsdA==$AAAA"):
        assert not _kafka_users.belongs(broken, "SCRAM-SHA-512", "secret")
        kept = {"app": {"SCRAM-SHA-512": broken}}
        plan = _kafka_users.plan_users([_kafka_users.User("app", "secret")], {"app": {"SCRAM-SHA-512": 4096}}, kept)
        assert kinds(plan) == [("app", "set")], "the password is set again"


def test_keys_of_a_listener_are_as_dynamic_as_the_key_itself() -> None:
    def running(*keys: tuple[str, bool]) -> dict[str, _kafka_configs.Running]:
        return {key: _kafka_configs.Running(Setting(""), fixed, False) for key, fixed in keys}

    there = running(
        ("sasl.jaas.config", False), ("listener.name.x.scram-sha-512.sasl.jaas.config", True), ("num.partitions", True), ("listener.name.x.y", True)
    )
    assert not _kafka_configs.read_only(there, "listener.name.x.scram-sha-512.sasl.jaas.config")
    assert _kafka_configs.read_only(there, "listener.name.x.y")
    assert _kafka_configs.read_only(there, "num.partitions")


def acl(**options: str) -> _kafka_acls.Rule:
    fields = {"resource_type": "cluster", "resource_name": "kafka-cluster", "pattern_type": "literal", "principal": "User:me", "operation": "all"}
    return _kafka_acls.Rule(**{**fields, "permission": "allow", **options})


LOCKOUTS: list[tuple[set[_kafka_acls.Rule], set[_kafka_acls.Rule], bool]] = [
    ({acl()}, set(), True),
    ({acl()}, {acl(operation="alter")}, False),
    ({acl()}, {acl(operation="describe")}, True),
    ({acl()}, {acl(principal="User:*")}, False),
    ({acl()}, {acl(), acl(permission="deny", operation="alter")}, True),
    ({acl()}, {acl(), acl(permission="deny", operation="create")}, False),
    ({acl()}, {acl(), acl(permission="deny", principal="User:you")}, False),
    # Who had no right has none to lose.
    (set(), set(), False),
]


@pytest.mark.parametrize(("before", "later", "locked"), LOCKOUTS)
def test_lockouts(before: set[_kafka_acls.Rule], later: set[_kafka_acls.Rule], locked: bool) -> None:
    assert bool(_kafka_acls.lockouts(before, later, "User:me")) is locked
    assert not _kafka_acls.lockouts(before, later, "User:me", ["User:me"])


def test_new_rules_come_before_others_go() -> None:
    plan = _kafka_acls.plan([acl(operation="alter")], [], {acl()}, _kafka_acls.Scope(limit=1))
    assert [change.kind for change in plan.changes] == ["create", "delete"]
    with pytest.raises(Refusal, match=r"purge\.limit is 0"):
        _kafka_acls.plan([acl(operation="alter")], [], {acl()}, _kafka_acls.Scope(limit=0))


rules = st.builds(
    _kafka_acls.Rule,
    resource_type=st.sampled_from(sorted(_kafka_acls.RESOURCE_TYPES)),
    resource_name=st.sampled_from(["a", "ab", "*"]),
    pattern_type=st.sampled_from(sorted(_kafka_acls.PATTERN_TYPES)),
    principal=st.sampled_from(["User:a", "User:*"]),
    operation=st.sampled_from(sorted(_kafka_acls.OPERATIONS)),
    permission=st.sampled_from(["allow", "deny"]),
    host=st.sampled_from(["*", "192.0.2.1"]),
)


@given(st.sets(rules, max_size=20))
def test_exported_rules_are_the_same_rules_again(found: set[_kafka_acls.Rule]) -> None:
    present, absent = _kafka_acls.read(_kafka_info.rules(found))
    assert (set(present), absent) == (found, [])
    assert not _kafka_acls.plan(present, absent, found, _kafka_acls.Scope(limit=0)).changes


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "__c"]),
        st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True).map(tuple), min_size=1, max_size=3),
    )
)
def test_exported_topics_are_the_same_topics_again(found: dict[str, list[tuple[int, ...]]]) -> None:
    there = {name: state(*replicas, retention_ms="5") for name, replicas in found.items()}
    exported = _kafka_info.export({"topics": [_kafka_info.topic(name, each, assignments=True) for name, each in there.items()]})
    plan = _kafka_topics.plan(_kafka_topics.read(exported["kafka_topics"]), there, {1: "", 2: "", 3: ""}, purge=_kafka_topics.Purge(".*", 0))
    assert not plan.changes
    assert not plan.refused
    assert collections.Counter(topic["name"] for topic in exported["kafka_topics"]).keys() == {name for name in found if name != "__c"}


def test_pages() -> None:
    every = ["a", "b", "c", "d"]
    assert _kafka_info.Page(2).names(every) == (["a", "b"], "b")
    assert _kafka_info.Page(2, "b").names(every) == (["c", "d"], "")
    assert _kafka_info.Page(0, "", "[ad]").names(every) == (["a", "d"], "")
