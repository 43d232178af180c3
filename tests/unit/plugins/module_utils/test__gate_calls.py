# SPDX-License-Identifier: GPL-3.0-or-later
"""Which brokers began empty, by the bytes that they and their leaders have."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_calls
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Partition, Topic

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
