# SPDX-License-Identifier: GPL-3.0-or-later
"""Which brokers began empty, by the bytes that they and their leaders have."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_calls
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Partition, Topic
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_state import Member

# Broker 0 leads the first partition, 1 the second.
TOPICS = (Topic("t", 2, (Partition(0, 0, (0, 1, 2), (0, 1, 2)), Partition(1, 1, (1, 2), (1, 2)))),)
FULL = {("t", 0): 100, ("t", 1): 60}


def disks(third: dict[tuple[str, int], int]) -> dict[int, _gate_calls.Disks]:
    return {0: _gate_calls.Disks((), {("t", 0): 100}), 1: _gate_calls.Disks((), FULL), 2: _gate_calls.Disks((), third)}


@pytest.mark.parametrize(
    ("third", "empty"),
    [
        (FULL, set()),
        ({}, {2}),
        ({("t", 0): 79}, {2}),
        ({("t", 0): 80}, set()),
        ({("t", 0): 20, ("t", 1): 60}, set()),
    ],
)
def test_a_broker_with_less_than_half(third: dict[tuple[str, int], int], empty: set[int]) -> None:
    assert _gate_calls._empty(TOPICS, disks(third)) == empty


def test_where_nothing_is_known_or_written_nobody_is_empty() -> None:
    known = disks({})
    assert _gate_calls._empty(TOPICS, {2: known[2]}) == set()
    assert _gate_calls._empty(TOPICS, {0: known[0], 1: known[1]}) == set()
    nothing = _gate_calls.Disks((), {})
    assert _gate_calls._empty(TOPICS, dict.fromkeys(range(3), nothing)) == set()


RECENT, OLD = 9900, 20


@pytest.mark.parametrize(
    ("observers", "replaced", "seen"),
    [
        ([], set(), {}),
        ([("a", 0, RECENT)], set(), {0: RECENT}),
        ([("b", 0, RECENT), ("a", 0, OLD)], set(), {0: RECENT}),  # a broker whose disk was replaced
        ([("b", 2, RECENT)], {2}, {}),
        ([("b", 2, RECENT), ("c", 2, OLD)], {2}, {}),  # replaced twice
        ([("b", 2, OLD)], set(), {}),  # it has its vote again, or had another disk before
    ],
)
def test_voters_whose_disk_was_replaced(
    observers: list[tuple[str, int, int]], replaced: set[int], seen: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def member(directory: str, node: int, caught_up: int) -> dict[str, object]:
        return {"id": node, "directory": directory, "log_end_offset": 1, "last_caught_up_ms": caught_up}

    quorum = {"leader": 1, "voters": [member("x", 1, 10_000), member("y", 2, RECENT - 1)], "observers": [member(*each) for each in observers]}
    monkeypatch.setattr(_gate_calls._kafka_info_calls, "quorum", lambda _road: quorum)
    found, active = _gate_calls._voters(t.cast(t.Any, None), {}, 2000)
    assert found is not None
    assert (active, found.replaced) == (1, replaced)
    assert found.observers_ms == seen
    assert found.caught_up() == frozenset((1, 2)) - replaced


MEMBERS = [Member(f"n-{number}", f"n-{number}-0", number, ("broker",)) for number in (1, 2)]
SERVERS = [Member(f"z-{number}", f"z-{number}-0", number, ("zookeeper",)) for number in (1, 2, 3)]
READY = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}


@pytest.mark.parametrize(
    ("ready", "leader"),
    [((1, 2, 3), 1), ((2, 3), 2), ((3,), -1), ((), -1)],
)
def test_the_ensemble_is_known_where_kafka_does_not_answer(ready: tuple[int, ...], leader: int) -> None:
    pods = {"n-1": None, "n-2": READY, **{each.name: READY if each.id in ready else None for each in SERVERS}}
    found = _gate_calls.unreadable([*MEMBERS, *SERVERS], pods, "no answer")
    assert {number: node.pod for number, node in found.nodes.items()} == {1: "missing", 2: "ready"}
    assert found.zookeeper == {number: "ready" if number in ready else "missing" for number in (1, 2, 3)}
    assert found.quorum is not None
    assert (found.quorum.zookeeper, found.quorum.voters, found.quorum.leader) == (True, (1, 2, 3), leader)
    assert {server for server, seen in found.quorum.caught_up_ms.items() if seen >= 0} == set(ready)


def test_without_an_ensemble_of_its_own_nothing_is_known() -> None:
    found = _gate_calls.unreadable(MEMBERS, {"n-1": READY, "n-2": READY}, "no answer")
    assert (found.quorum, found.zookeeper) == (None, {})


@pytest.mark.parametrize(
    ("said", "leader"),
    [
        (["Mode: follower", "Mode: leader", "Mode: follower"], 2),
        (["Mode: follower", None, "Mode: leader"], 3),  # one cannot be asked
        (["Mode: follower", None, "Mode: follower"], None),
        (["Mode: standalone"], None),
        (["srvr is not executed because it is not in the whitelist."], None),
        (["This ZooKeeper instance is not currently serving requests"], None),
        (["Received: 1\nMode: leader\nNode count: 5\n"], 1),
    ],
)
def test_who_leads_the_ensemble(said: list[str | None], leader: int | None) -> None:
    def srvr(server: int) -> str:
        answer = said[server - 1]
        if answer is None:
            raise PermissionError
        return answer

    assert _gate_calls.leading(range(1, len(said) + 1), srvr) == leader
