# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule for topics, users, quotas and access rules has a case that must fail and a near twin that must pass."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_rules
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding

Case = tuple[str, t.Any, t.Any]


def topics(*items: t.Any, **options: t.Any) -> list[Finding]:
    return _kafka_rules.check_topics(items, **{"brokers": 3, "version": "4.3.1", "broker_ids": (0, 1, 2), **options})


def topic(**options: t.Any) -> dict[str, t.Any]:
    return {"name": "orders", "replication_factor": 3, **options}


def config(factor: int = 3, **options: t.Any) -> dict[str, t.Any]:
    return topic(replication_factor=factor, config={key.replace("_", "."): value for key, value in options.items()})


TOPICS: list[tuple[str, list[t.Any], list[t.Any]]] = [
    ("TOPIC-INPUT", ["orders"], [topic()]),
    ("TOPIC-INPUT", [{"partitions": 3}], [topic(partitions=3)]),
    ("TOPIC-INPUT", [topic(partitions=0)], [topic(partitions=1)]),
    ("TOPIC-INPUT", [topic(assignments=[[0, 1]])], [{"name": "a", "assignments": [[0, 1]]}]),
    ("TOPIC-NAME", [topic(name="a/b")], [topic(name="a-b")]),
    ("TOPIC-NAME", [topic(name="x" * 250)], [topic(name="x" * 249)]),
    ("TOPIC-NAME", [topic(name="..")], [topic(name="...")]),
    ("TOPIC-NAME", [topic(name="bestellungen-für-alle")], [topic(name="bestellungen-fuer-alle")]),
    ("TOPIC-TWICE", [topic(), topic()], [topic(), topic(name="orders2")]),
    ("TOPIC-COLLISION", [topic(name="a.b"), topic(name="a_b")], [topic(name="a.b"), topic(name="a-b")]),
    ("TOPIC-INTERNAL", [topic(name="__consumer_offsets")], [topic(name="consumer_offsets")]),
    ("TOPIC-RF", [topic(replication_factor=4)], [topic(replication_factor=3)]),
    ("TOPIC-RF", [{"name": "a", "assignments": [[0, 1, 2, 3]]}], [{"name": "a", "assignments": [[0, 1, 2]]}]),
    ("TOPIC-RF-ONE", [topic(replication_factor=1)], [topic(replication_factor=2)]),
    ("TOPIC-MIN-ISR", [config(2, min_insync_replicas=3)], [config(3, min_insync_replicas=2)]),
    ("TOPIC-MIN-ISR-ALL", [config(3, min_insync_replicas=3)], [config(3, min_insync_replicas=2)]),
    ("TOPIC-KEY", [config(retention_msec=5)], [config(retention_ms=5)]),
    ("TOPIC-VALUE", [config(retention_ms="soon")], [config(retention_ms="5")]),
    ("TOPIC-VALUE", [config(retention_ms=-2)], [config(retention_ms=-1)]),
    ("TOPIC-VALUE", [config(cleanup_policy=["delete", "shrink"])], [config(cleanup_policy=["delete", "compact"])]),
    ("TOPIC-VALUE", [config(segment_bytes=1000)], [config(segment_bytes=1048576)]),
    ("TOPIC-BROKER", [{"name": "a", "assignments": [[0, 9]]}], [{"name": "a", "assignments": [[0, 2]]}]),
    ("TOPIC-BROKER", [{"name": "a", "assignments": [[0, 0]]}], [{"name": "a", "assignments": [[0, 1]]}]),
    ("TOPIC-BROKER", [{"name": "a", "assignments": [[]]}], [{"name": "a", "assignments": [[1]]}]),
]

QUOTA = {"user": "app", "producer_byte_rate": 1}
USERS: list[tuple[str, tuple[t.Any, t.Any], tuple[t.Any, t.Any]]] = [
    ("USER-INPUT", ([{"name": "a"}], []), ([{"name": "a", "password": "x"}], [])),
    ("USER-INPUT", ([{"name": "a", "password": "x", "iterations": 4095}], []), ([{"name": "a", "password": "x", "iterations": 4096}], [])),
    ("USER-INPUT", (["a"], []), ([{"name": "a", "state": "absent"}], [])),
    ("QUOTA-INPUT", ([], [{"producer_byte_rate": 1}]), ([], [QUOTA])),
    ("QUOTA-INPUT", ([], [{**QUOTA, "producer_byte_rate": "fast"}]), ([], [{**QUOTA, "producer_byte_rate": "1.5"}])),
    ("QUOTA-INPUT", ([], [{**QUOTA, "ip": "192.0.2.1"}]), ([], [{**QUOTA, "client_id": "x"}])),
    ("QUOTA-INPUT", ([], [QUOTA, QUOTA]), ([], [QUOTA, {**QUOTA, "user": "other"}])),
]


def rule(**options: t.Any) -> dict[str, t.Any]:
    return {"principal": "User:app", "resource_type": "topic", "resource_name": "orders", "operations": ["read"], **options}


APP = [{"name": "app", "password": "x"}]
ACLS: list[tuple[str, list[t.Any], list[t.Any]]] = [
    ("ACL-INPUT", [{"principal": "User:app"}], [rule()]),
    ("ACL-INPUT", [rule(resource_name="")], [rule(resource_name="*")]),
    ("ACL-INPUT", [rule(operations=["fly"])], [rule(operations=["all"])]),
    ("ACL-INPUT", [rule(resource_type="queue")], [rule(resource_type="group")]),
    ("ACL-INPUT", [rule(permission="maybe")], [rule(permission="deny")]),
    ("ACL-PRINCIPAL", [rule(principal="app")], [rule(principal="User:app")]),
    ("ACL-NOBODY", [rule(principal="User:apq")], [rule(principal="User:app")]),
    ("ACL-NOBODY", [rule(principal="User:gone")], [rule(principal="User:gone", state="absent")]),
    ("ACL-NOBODY", [rule(principal="User:apq")], [rule(principal="User:CN=apq,O=example")]),
    ("ACL-NOBODY", [rule(principal="User:apq")], [rule(principal="User:*")]),
    ("ACL-POINTLESS", [rule(operations=["create_tokens"])], [rule(operations=["create"])]),
    ("ACL-POINTLESS", [rule(host="app.example.com")], [rule(host="192.0.2.1")]),
    ("ACL-POINTLESS", [rule(host="192.0.2.0/24")], [rule(host="2001:db8::1")]),
    ("ACL-POINTLESS", [rule(resource_name="*", pattern_type="prefixed")], [rule(resource_name="*")]),
    ("ACL-POINTLESS", [rule(resource_type="cluster", operations=["create"])], [rule(resource_type="cluster", resource_name=None, operations=["create"])]),
    ("ACL-POINTLESS", [rule(), rule(permission="deny")], [rule(), rule(permission="deny", host="192.0.2.1")]),
    ("ACL-POINTLESS", [rule(), rule(resource_name="ord", pattern_type="prefixed", permission="deny")], [rule(), rule(resource_name="ord", permission="deny")]),
    ("ACL-POINTLESS", [rule(), rule(principal="User:*", permission="deny", operations=["all"])], [rule(), rule(permission="deny", operations=["write"])]),
]


def ids(findings: list[Finding]) -> set[str]:
    return {finding.rule for finding in findings}


@pytest.mark.parametrize(("expected", "wrong", "right"), TOPICS)
def test_topics(expected: str, wrong: list[t.Any], right: list[t.Any]) -> None:
    assert expected in ids(topics(*wrong))
    assert expected not in ids(topics(*right))


@pytest.mark.parametrize(("expected", "wrong", "right"), USERS)
def test_users(expected: str, wrong: t.Any, right: t.Any) -> None:
    assert expected in ids(_kafka_rules.check_users(*wrong))
    assert not _kafka_rules.check_users(*right)


@pytest.mark.parametrize(("expected", "wrong", "right"), ACLS)
def test_acls(expected: str, wrong: list[t.Any], right: list[t.Any]) -> None:
    assert expected in ids(_kafka_rules.check_acls(wrong, APP))
    assert expected not in ids(_kafka_rules.check_acls(right, APP))


def test_every_rule_has_a_case() -> None:
    assert {case[0] for case in (*TOPICS, *USERS, *ACLS)} == set(_kafka_rules.RULES)


def test_who_says_nothing_of_users_hears_nothing_of_them() -> None:
    assert _kafka_rules.check_acls([rule(principal="User:somebody")]) == []


@pytest.mark.parametrize(
    ("version", "key", "known"),
    [
        ("3.9.2", "message.downconversion.enable", True),
        ("4.0.0", "message.downconversion.enable", False),
        ("3.5.1", "message.timestamp.after.max.ms", False),
        ("3.6.0", "message.timestamp.after.max.ms", True),
        ("9.9.9", "retention.ms", True),
        ("none", "retention.ms", True),
    ],
)
def test_keys_are_those_of_the_release(version: str, key: str, known: bool) -> None:
    assert ("TOPIC-KEY" in ids(topics(topic(config={key: 1}), version=version))) is not known


def test_a_misspelt_key_is_found() -> None:
    (finding,) = topics(topic(config={"retention.mss": 1}))
    assert "did you mean retention.ms?" in finding.message
    assert finding.where == "kafka_topics[0] (orders): config[retention.mss]"


def test_nothing_to_say_about_a_topic_that_goes() -> None:
    assert topics({"name": "a/b", "state": "absent", "replication_factor": 9}) == []
