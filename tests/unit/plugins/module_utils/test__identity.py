# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster's id is made once and never changed."""

from __future__ import annotations

import base64
import re
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _identity
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found

ID = "MkU3OEVBNTcwNTJENDM2Qk"
OTHER = "NkU3OEVBNTcwNTJENDM2Qk"
SINCE = "2026-01-31T12:00:00Z"


def secret(**data: str) -> dict[str, t.Any]:
    return {"metadata": {"name": "kafka-cluster"}, "data": {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def claim(instance: str = "kafka", component: str = "broker") -> dict[str, t.Any]:
    return {"metadata": {"name": "data-0-x", "labels": {"app.kubernetes.io/instance": instance, "app.kubernetes.io/component": component}}}


def found(*secrets: dict[str, t.Any], claims: t.Sequence[dict[str, t.Any]] = (), unreadable: tuple[str, ...] = ()) -> Found:
    return Found(True, {"Secret": list(secrets), "PersistentVolumeClaim": list(claims)}, unreadable)


def identify(what: Found | None, **variables: t.Any) -> tuple[_identity.Identity, list[str]]:
    identity, findings = _identity.identify(_definition.read(variables)[0], what, lambda: OTHER)
    return identity, [finding.rule for finding in findings]


def test_what_is_kept_is_used() -> None:
    identity, rules = identify(found(secret(id=ID, quorum="dynamic", initial_controllers="0@h:9090:x", formed=SINCE)))
    assert (identity.cluster_id, identity.initial_controllers, identity.formed, rules) == (ID, "0@h:9090:x", SINCE, [])


@pytest.mark.parametrize("what", [None, found()])
def test_a_new_cluster_gets_a_new_id(what: Found | None) -> None:
    identity, rules = identify(what)
    assert (identity.cluster_id, identity.quorum, identity.formed, rules) == (OTHER, "dynamic", "", [])


KEPT = found(secret(id=ID, quorum="static"))
CASES: list[tuple[str, Found, dict[str, t.Any], dict[str, t.Any]]] = [
    ("CLUSTER-ID-CHANGED", KEPT, {"kafka_cluster_id": OTHER, "kafka_quorum": "static"}, {"kafka_cluster_id": ID, "kafka_quorum": "static"}),
    ("QUORUM-CHANGED", KEPT, {"kafka_quorum": "dynamic"}, {"kafka_quorum": "static"}),
    ("CLUSTER-ID-LOST", found(claims=[claim()]), {}, {"kafka_cluster_id": ID}),
    ("CLUSTER-ID-UNREADABLE", found(unreadable=("Secret",)), {}, {"kafka_mode": "zookeeper"}),
]


@pytest.mark.parametrize(("rule", "what", "wrong", "right"), CASES)
def test_what_stands_against_an_identity(rule: str, what: Found, wrong: dict[str, t.Any], right: dict[str, t.Any]) -> None:
    assert identify(what, **wrong)[1] == [rule]
    assert identify(what, **right)[1] == []


@pytest.mark.parametrize("other", [claim(instance="another"), claim(component="zookeeper")])
def test_the_claims_of_others_tell_nothing(other: dict[str, t.Any]) -> None:
    assert identify(found(claims=[other]))[1] == []


def test_ids_are_as_kafka_makes_them() -> None:
    ids = {_identity.make_id() for _number in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{21}", text) and len(base64.urlsafe_b64decode(text + "==")) == 16 for text in ids)


PLANNED = {"cluster_id": ID, "initial_controllers": "0@h:9090:x", "formed": SINCE}
STORED = secret(id=ID, quorum="dynamic", initial_controllers="0@h:9090:x", formed=SINCE)


@pytest.mark.parametrize(
    ("planned", "kept", "may"),
    [
        ({}, STORED, True),
        ({"cluster_id": OTHER}, STORED, False),  # made with kafka_live: false, or by two at once
        ({"cluster_id": OTHER}, None, True),
        ({"initial_controllers": "0@h:9090:y"}, STORED, False),  # the id was given, and nobody looked
        ({"formed": ""}, STORED, False),
        ({"formed": ""}, secret(id=ID, initial_controllers="0@h:9090:x"), True),
        ({}, secret(id=ID, initial_controllers="0@h:9090:x"), True),
        ({"cluster_id": "", "initial_controllers": ""}, STORED, True),  # ZooKeeper mode makes none
    ],
)
def test_a_plan_never_overwrites_another_identity(planned: dict[str, t.Any], kept: dict[str, t.Any] | None, may: bool) -> None:
    plan = {"cluster": "kafka", "identity": {**PLANNED, **planned}}
    said = _identity.contradicts(plan, found(*([kept] if kept else [])))
    assert (said == "") is may
    assert may or ("kafka-cluster" in said and ID in said)


NODES = [{"name": f"kafka-node-{number}", "roles": roles} for number, roles in enumerate((["controller"], ["broker", "controller"], ["broker"]))]


def disk(node: int, made: str) -> dict[str, t.Any]:
    return {"metadata": {"creationTimestamp": made, "labels": {"kafkaops.kubernetes/node": f"kafka-node-{node}"}}}


OLD_DISKS = [disk(node, "2026-01-01T00:00:00Z") for node in range(2)]


@pytest.mark.parametrize(
    ("identity", "claims", "expected"),
    [
        ({}, OLD_DISKS, []),
        ({}, [OLD_DISKS[0], disk(1, "2026-01-31T12:00:01Z")], ["kafka-node-1"]),
        ({}, [*OLD_DISKS, disk(1, "2026-01-31T12:00:01Z")], ["kafka-node-1"]),
        ({}, [*OLD_DISKS, disk(2, "2026-01-31T12:00:01Z")], []),  # it is no controller
        ({}, OLD_DISKS[:1], ["kafka-node-1"]),
        ({"formed": ""}, OLD_DISKS[:1], []),  # those that meet first are voters
        ({"quorum": "static"}, OLD_DISKS[:1], []),
    ],
)
def test_whose_disk_may_have_no_vote(identity: dict[str, str], claims: list[dict[str, t.Any]], expected: list[str]) -> None:
    assert _identity.new_disks({"nodes": NODES, "identity": {"quorum": "dynamic", "formed": SINCE, **identity}}, claims) == expected
