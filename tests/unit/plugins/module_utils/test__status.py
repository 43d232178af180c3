# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads about a running cluster."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _status

Facts = t.Dict[str, t.Any]  # noqa: UP006

NODES = [{"id": 0, "roles": ["broker", "controller"]}, {"id": 1, "roles": ["broker"]}, {"id": 9, "roles": ["controller"]}]


def voter(node: int, lag: int = 0, **more: t.Any) -> Facts:
    return {"id": node, "directory": f"disk-{node}", "lag": lag, "log_end_offset": 100 - lag, "last_caught_up_ms": 5000, **more}


PLAN: Facts = {"cluster": "events", "version": "4.3.1", "nodes": NODES, "stopped": [], "certificate_days": {}}
INFO: Facts = {
    "cluster": {"id": "abc", "controller": 1, "brokers": [{"id": 0}, {"id": 1}]},
    "quorum": {"leader": 9, "voters": [voter(0), voter(9)], "observers": [voter(1)]},
    "features": {"metadata.version": {"supported": [7, 30], "finalized": 29}},
    "partitions": [],
    "reassignments": [],
    "next": {},
}
ROLL: Facts = {"order": [], "against": []}


def partition(number: int, **more: bool) -> Facts:
    return {"topic": "t", "partition": number, "offline": False, "under_min_in_sync": False, **more}


def test_a_cluster_that_is_whole() -> None:
    assert _status.lines(PLAN, INFO, ROLL) == [
        "Cluster events, Kafka 4.3.1, id abc",
        "Brokers: 2 of 2 serve",
        "Controllers: 2 voters, 9 leads",
        "Partitions: all are in sync",
        "Moving: 0 partitions",
        "metadata.version: 29, supported up to 30",
        "Restarts due: none",
    ]


@pytest.mark.parametrize(
    ("info", "line"),
    [
        ({"cluster": {**INFO["cluster"], "brokers": [{"id": 0}]}}, "Brokers: 1 of 2 serve, missing: 1"),
        ({"cluster": {**INFO["cluster"], "brokers": [{"id": 0}, {"id": 1}, {"id": 7}]}}, "Brokers: 3 of 2 serve, besides: 7"),
        ({"quorum": {"leader": 9, "voters": [voter(0, 12), voter(9)], "observers": []}}, "Controllers: 2 voters, 9 leads, behind: 0 (lag 12)"),
        ({"quorum": {"leader": 9, "voters": [voter(9)], "observers": [voter(0)]}}, "  controller 0 is no voter"),
        (
            {"quorum": {"leader": 9, "voters": [voter(0, last_caught_up_ms=0), voter(9)], "observers": [voter(0, directory="new")]}},
            "  controller 0 has no vote: its disk was replaced, directory disk-0 is gone, and it has new",
        ),
        ({"quorum": None}, "Controller: 1"),
        (
            {"partitions": [partition(0), partition(1, offline=True, under_min_in_sync=True)]},
            "Partitions: 2 are not in sync, 1 of them below min.insync.replicas, 1 without a leader: t-0, t-1",
        ),
        (
            {"partitions": [partition(number) for number in range(12)], "next": {"partitions": "t"}},
            "Partitions: at least 12 are not in sync, 0 of them below min.insync.replicas, 0 without a leader: "
            + ", ".join(f"t-{number}" for number in range(10))
            + " and 2 more",
        ),
        ({"reassignments": [{}]}, "Moving: 1 partitions"),
    ],
)
def test_what_is_not_as_it_should_be(info: Facts, line: str) -> None:
    assert line in _status.lines(PLAN, {**INFO, **info}, ROLL)


def test_a_release_without_features() -> None:
    assert not [line for line in _status.lines(PLAN, {**INFO, "features": {}}, ROLL) if "metadata" in line]


def test_restarts_that_are_due() -> None:
    roll = {"order": [{"node": "a", "causes": ["image", "configuration"]}, {"node": "b", "causes": ["image"]}], "against": ["why"]}
    assert _status.lines(PLAN, INFO, roll)[-2:] == ["Restarts due: a (image, configuration), b (image)", "  against the first: why"]


def test_the_certificate_that_ends_first_comes_first() -> None:
    found = _status.lines({**PLAN, "certificate_days": {"a": 300, "b": -1}}, INFO, ROLL)
    assert found[-2:] == ["Certificate b: -1 days left", "Certificate a: 300 days left"]


@pytest.mark.parametrize(
    ("there", "line"),
    [([0], "Brokers: 1 of 2 serve, stopped: 1"), ([0, 1], "Brokers: 2 of 2 serve"), ([1], "Brokers: 1 of 2 serve, missing: 0")],
)
def test_what_is_stopped_is_not_missing(there: list[int], line: str) -> None:
    info = {**INFO, "cluster": {**INFO["cluster"], "brokers": [{"id": broker} for broker in there]}}
    assert line in _status.lines({**PLAN, "stopped": [1, 9]}, info, ROLL)
