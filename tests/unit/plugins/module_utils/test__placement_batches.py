# SPDX-License-Identifier: GPL-3.0-or-later
"""A placement carried out in batches that can be stopped, gone on with and cancelled."""

from __future__ import annotations

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement_batches as batches
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._placement import Change
from hypothesis import given
from hypothesis import strategies as st

MOVED = Change("t", 0, (0, 1), (2, 1), 100)
TWICE = Change("t", 1, (0, 1), (3, 2), 100)
ORDERED = Change("u", 0, (0, 1), (1, 0), 100)


@pytest.mark.parametrize(
    ("max_bytes", "max_partitions", "sizes"),
    [(10**9, 10, [3]), (300, 10, [3]), (299, 10, [1, 2]), (10**9, 1, [1, 1, 1]), (1, 10, [1, 1, 1])],
)
def test_a_batch_is_bounded_by_bytes_and_partitions(max_bytes: int, max_partitions: int, sizes: list[int]) -> None:
    assert [len(batch) for batch in batches.batches((ORDERED, MOVED, TWICE), max_bytes, max_partitions)] == sizes


def test_brokers_take_turns_and_what_moves_nothing_comes_last() -> None:
    to_two = [Change("t", number, (0,), (2,), 1) for number in range(3)]
    to_three = [Change("t", number, (0,), (3,), 1) for number in range(3, 5)]
    (batch,) = batches.batches((ORDERED, *to_two, *to_three), 10**9, 100)
    assert [change.after[0] for change in batch] == [2, 3, 2, 3, 2, 1]


@pytest.mark.parametrize(("max_bytes", "max_partitions"), [(0, 1), (1, 0)])
def test_a_batch_of_nothing_is_refused(max_bytes: int, max_partitions: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        batches.batches((MOVED,), max_bytes, max_partitions)


def test_after_a_kill_only_what_differs_is_left() -> None:
    now = {("t", 0): (2, 1), ("t", 1): (0, 1)}
    # t-0 is where it should be; u was deleted.
    assert batches.remaining((MOVED, TWICE, ORDERED), now) == (TWICE,)
    assert batches.cancelled((MOVED, TWICE), now) == (("t", 1),)


def test_what_was_changed_by_others_meanwhile_goes_on_from_there() -> None:
    assert batches.remaining((TWICE,), {("t", 1): (0, 3)}) == (Change("t", 1, (0, 3), (3, 2), 100),)


def test_the_throttle_names_both_sides_of_every_copy_and_nothing_else() -> None:
    assert batches.throttle((MOVED, TWICE, ORDERED)) == batches.Throttle(leader={"t": "0:0,0:1,1:0,1:1"}, follower={"t": "0:2,1:3,1:2"}, brokers=(0, 1, 2, 3))
    assert batches.throttle((ORDERED,)) == batches.Throttle({}, {}, ())


def test_a_batch_takes_as_long_as_its_busiest_broker() -> None:
    # Broker 0 leads all and sends 300 bytes; nobody gets more than 200.
    assert batches.seconds((MOVED, TWICE), 10) == 30
    assert batches.seconds((MOVED, MOVED._replace(before=(1, 0), after=(2, 0))), 10) == 20
    assert batches.seconds((ORDERED,), 10) == 0
    with pytest.raises(ValueError, match="nothing would ever move"):
        batches.seconds((MOVED,), 0)


def test_progress_counts_finished_partitions_and_what_is_copied_of_others() -> None:
    now = {("t", 0): (2, 1), ("t", 1): (0, 1), ("u", 0): (0, 1)}
    at = batches.progress((MOVED, TWICE, ORDERED), now, {("t", 1, 3): 50}, elapsed=15)
    assert (at.done, at.left, at.partitions_left, at.seconds_left, at.percent) == (150, 150, 2, 15, 50)


def test_time_left_is_not_made_up() -> None:
    before = {("t", 0): (0, 1)}
    assert batches.progress((MOVED,), before, {}, elapsed=60) == batches.Progress(0, 100, 1, None)
    assert batches.progress((MOVED,), {("t", 0): (2, 1)}, {}, elapsed=60) == batches.Progress(100, 0, 0, 0.0)
    assert batches.progress((), {}, {}, elapsed=0).percent == 100


changes = st.builds(
    lambda number, before, after, size: Change("t", number, tuple(before), tuple(after), size),
    st.integers(0, 10**6),
    st.permutations([0, 1, 2]),
    st.permutations([1, 2, 3]),
    st.integers(0, 1000),
)


@given(st.lists(changes, unique_by=lambda change: change.number), st.integers(1, 3000), st.integers(1, 5))
def test_every_change_is_in_one_batch_and_batches_are_small(items: list[Change], max_bytes: int, max_partitions: int) -> None:
    found = batches.batches(items, max_bytes, max_partitions)
    assert sorted(change for batch in found for change in batch) == sorted(items)
    for batch in found:
        assert 1 <= len(batch) <= max_partitions
        assert len(batch) == 1 or sum(change.bytes_moved for change in batch) <= max_bytes


@given(st.lists(changes, unique_by=lambda change: change.number), st.data())
def test_a_plan_stopped_anywhere_and_gone_on_with_ends_the_same(items: list[Change], data: st.DataObject) -> None:
    now = {(change.topic, change.number): change.before for change in items}
    for change in data.draw(st.lists(st.sampled_from(items), unique=True)) if items else ():
        now[change.topic, change.number] = change.after
    for batch in batches.batches(batches.remaining(items, now), 500, 3):
        now.update({(change.topic, change.number): change.after for change in batch})
    assert now == {(change.topic, change.number): change.after for change in items}
    assert batches.remaining(items, now) == ()
