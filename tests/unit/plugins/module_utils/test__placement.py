# SPDX-License-Identifier: GPL-3.0-or-later
"""Where replicas go when brokers come and go: apart, even, and with the fewest bytes."""

from __future__ import annotations

import collections
import itertools
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._placement import Broker, Partition
from hypothesis import given, settings
from hypothesis import strategies as st


def brokers(*racks: str | None) -> list[Broker]:
    return [Broker(number, rack) for number, rack in enumerate(racks)]


def topic(*rows: t.Sequence[int], size: int = 10) -> list[Partition]:
    return [Partition("t", number, tuple(row), size) for number, row in enumerate(rows)]


def after(plan: _placement.Plan, partitions: t.Sequence[Partition]) -> dict[tuple[str, int], tuple[int, ...]]:
    """All replicas once the plan is carried out."""
    return {(p.topic, p.number): p.replicas for p in partitions} | {(c.topic, c.number): c.after for c in plan.changes}


def loads(rows: t.Iterable[t.Sequence[int]], ids: t.Iterable[int]) -> list[int]:
    count = collections.Counter(itertools.chain.from_iterable(rows))
    return [count[broker] for broker in ids]


def test_a_new_broker_gets_its_share_and_only_that_moves() -> None:
    partitions = topic(*[(n % 3, (n + 1) % 3) for n in range(12)])
    plan = _placement.plan(partitions, brokers(None, None, None, None))
    assert plan.bytes_moved == plan.bytes_minimum == 6 * 10
    assert (plan.replica_imbalance, plan.leader_imbalance) == (0, 0)
    assert {broker for change in plan.changes for broker in change.added} == {3}


def test_the_smallest_partitions_move() -> None:
    partitions = [Partition("t", n, (n % 2,), size) for n, size in enumerate((500, 500, 1, 1, 500, 500))]
    plan = _placement.plan(partitions, brokers(None, None, None))
    assert plan.bytes_moved == 2
    assert [(change.number, change.after) for change in plan.changes] == [(2, (2,)), (3, (2,))]


def test_a_new_broker_gets_its_share_of_replicas_and_not_of_bytes() -> None:
    """What moves fewest bytes is what is asked for; replicas of every size would be about twice as much here."""
    partitions = [Partition("t", number, (number % 3, (number + 1) % 3), 1 + number % 100) for number in range(3000)]
    share = sum(partition.size for partition in partitions) * 2 // 4
    fewest = _placement.plan(partitions, brokers(None, None, None, None))
    assert fewest.bytes_moved <= 1.02 * fewest.bytes_minimum
    assert fewest.bytes_moved < 0.6 * share
    assert len([change for change in fewest.changes if change.added]) == 1500
    assert (fewest.replica_imbalance, fewest.leader_imbalance) == (0, 0)


def test_what_is_even_stays() -> None:
    partitions = topic((0, 1), (1, 2), (2, 0))
    plan = _placement.plan(partitions, brokers(None, None, None))
    assert plan == _placement.Plan((), 0, 0, 0, 0, 0)


def test_leaders_become_even_without_a_byte_moved() -> None:
    partitions = topic((0, 1, 2), (0, 1, 2), (0, 2, 1))
    plan = _placement.plan(partitions, brokers(None, None, None))
    assert (plan.bytes_moved, plan.leader_imbalance) == (0, 0)
    assert len(plan.changes) == 2
    assert all(sorted(change.after) == [0, 1, 2] for change in plan.changes)


def test_leaders_are_handed_on_along_a_chain() -> None:
    # 0 leads three and shares none with 2, which leads none: 0 hands to 1, and 1 hands to 2.
    partitions = topic((0, 1), (0, 1), (0, 1), (1, 2), (1, 2), (2, 1))
    plan = _placement.plan(partitions, brokers(None, None, None), balance=False)
    assert (plan.bytes_moved, plan.leader_imbalance) == (0, 0)


def test_a_broker_that_goes_gives_exactly_what_it_has() -> None:
    partitions = topic(*[(n % 4, (n + 1) % 4) for n in range(12)], size=7)
    plan = _placement.plan(partitions, brokers(None, None, None))
    assert plan.bytes_moved == plan.bytes_minimum == 6 * 7
    assert all(3 not in row for row in after(plan, partitions).values())
    assert plan.replica_imbalance == 0


def test_a_replaced_broker_hands_its_replicas_to_the_new_one() -> None:
    partitions = topic((0, 1, 2), (1, 2, 0), (2, 0, 1))
    plan = _placement.plan(partitions, [Broker(0), Broker(1), Broker(7)])
    assert [change.after for change in plan.changes] == [(0, 1, 7), (1, 7, 0), (7, 0, 1)]


def test_without_balance_only_what_must_move_does() -> None:
    partitions = topic((0,), (0,), (0,), (0,), (9,))
    uneven = _placement.plan(partitions, brokers(None, None), balance=False)
    assert [(change.before, change.after) for change in uneven.changes] == [((9,), (1,))]
    assert _placement.plan(partitions, brokers(None, None)).replica_imbalance == 1


def test_replicas_are_kept_in_different_racks() -> None:
    partitions = topic((0, 1), (1, 0), (0, 1), (1, 0))
    plan = _placement.plan(partitions, [*brokers("a", "b"), Broker(2, "a"), Broker(3, "b")])
    assert plan.rack_violations == 0
    assert (plan.replica_imbalance, plan.leader_imbalance) == (0, 0)
    assert all({"a", "b"} == {"ab"[broker % 2] for broker in row} for row in after(plan, partitions).values())


def test_replicas_in_one_rack_are_taken_apart() -> None:
    partitions = topic((0, 1), (2, 3))
    plan = _placement.plan(partitions, brokers("a", "a", "b", "b"))
    assert plan.rack_violations == 0
    assert plan.bytes_moved == plan.bytes_minimum == 20
    # Without balance nothing moves that need not.
    assert _placement.plan(partitions, brokers("a", "a", "b", "b"), balance=False).rack_violations == 2


def test_racks_of_different_size_are_as_even_as_they_can_be() -> None:
    # A replica of each partition in each rack: four on the one broker of a, two on each of b.
    plan = _placement.plan(topic(*[(0, 1)] * 4), brokers("a", "b", "b"))
    assert (plan.replica_imbalance, plan.rack_violations, plan.bytes_moved) == (2, 0, 20)


@pytest.mark.parametrize(
    ("partitions", "targets", "message"),
    [
        (topic((0, 1, 2)), brokers(None, None), "Topic t has 3 replicas, and 2 brokers would be left to hold them. Keep at least 3 brokers"),
        (topic((0,)), [], "Topic t has 1 replicas, and 0 brokers would be left"),
        (topic((0, 2, 4, 1)), brokers("a", "b", "b", "b"), "The racks cannot hold topic t: of 4 replicas, 3 would be in one rack"),
        (topic((0,)), brokers("a", None), "Some brokers have a rack and others (1) have none"),
        (topic((0,)), [Broker(0), Broker(0)], "Two brokers have one id"),
        (topic((5,), size=11), [Broker(0, None, 10)], "No broker has room for t-0 (11 bytes)"),
    ],
)
def test_what_cannot_be_held_is_refused(partitions: list[Partition], targets: list[Broker], message: str) -> None:
    with pytest.raises(_placement.PlacementError) as caught:
        _placement.plan(partitions, targets)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("partitions", "targets"),
    [
        (topic((0, 1, 2)), brokers(None, None, None)),
        ([], []),
        (topic((0, 1, 2, 3)), brokers("a", "b", "b", "b")),  # three in a rack, as before
        (topic((0,)), brokers("a", "b")),
        (topic((5,), size=10), [Broker(0, None, 10)]),
    ],
)
def test_the_near_twin_of_what_is_refused_is_planned(partitions: list[Partition], targets: list[Broker]) -> None:
    plan = _placement.plan(partitions, targets)
    assert set(itertools.chain.from_iterable(after(plan, partitions).values())) <= {broker.id for broker in targets}


def test_a_rack_that_must_hold_more_than_its_share_may_hold_one_more_still() -> None:
    plan = _placement.plan(topic((0, 1, 2), size=1), brokers(*"aaaaabb"))
    assert (plan.bytes_moved, plan.bytes_minimum, plan.rack_violations) == (1, 1, 0)


def test_a_broker_is_not_filled_above_its_capacity() -> None:
    partitions = topic(*[(0,)] * 6)
    plan = _placement.plan(partitions, [Broker(0), Broker(1, None, 20), Broker(2)])
    assert loads(after(plan, partitions).values(), range(3)) == [2, 2, 2]
    plan = _placement.plan(partitions, [Broker(0), Broker(1, None, 19), Broker(2)])
    assert loads(after(plan, partitions).values(), range(3)) in ([2, 1, 3], [3, 1, 2])


@st.composite
def clusters(draw: st.DrawFn, racks: bool = True) -> tuple[list[Partition], list[Broker]]:
    """Any assignment, on brokers of which some go and some are new."""
    number = draw(st.integers(1, 7))
    names = draw(st.integers(1, 3)) if racks else 0
    ids = draw(st.lists(st.integers(0, 12), min_size=number, max_size=number, unique=True))
    targets = [Broker(broker, f"r{draw(st.integers(0, names - 1))}" if names else None) for broker in ids]
    factors = st.integers(1, number)
    factor = draw(st.one_of(st.none(), factors))
    partitions = []
    for index in range(draw(st.integers(0, 25))):
        width = factor or draw(factors)
        row = draw(st.lists(st.integers(0, 12), min_size=width, max_size=width, unique=True))
        partitions.append(Partition(f"t{index % 3}", index, tuple(row), draw(st.sampled_from((0, 1, 5, 1000)))))
    return partitions, targets


def limit(targets: list[Broker], factor: int) -> tuple[int, int]:
    """The most replicas in a rack: as wished, and as possible."""
    sizes = list(collections.Counter(broker.rack for broker in targets).values())
    wished = -(-factor // len(sizes))
    return wished, next(n for n in range(wished, factor + 1) if sum(min(n, size) for size in sizes) >= factor)


@settings(deadline=None, max_examples=300)
@given(clusters(), st.booleans())
def test_every_partition_keeps_its_number_of_replicas_on_brokers_that_stay(cluster: tuple[list[Partition], list[Broker]], balance: bool) -> None:
    partitions, targets = cluster
    try:
        plan = _placement.plan(partitions, targets, balance)
    except _placement.PlacementError:
        assert any(limit(targets, len(p.replicas))[0] < limit(targets, len(p.replicas))[1] for p in partitions)
        return
    found = after(plan, partitions)
    known = {broker.id: broker.rack for broker in targets}
    for partition in partitions:
        row = found[partition.topic, partition.number]
        assert len(row) == len(set(row)) == len(partition.replicas)
        assert set(row) <= set(known)
        in_racks = collections.Counter(known[broker] for broker in row)
        before = collections.Counter(known[broker] for broker in partition.replicas if broker in known)
        allowed = limit(targets, len(row))[1]
        for rack, number in in_racks.items():
            assert number <= (allowed if balance else max(allowed, before[rack]))
        if not balance:
            assert {broker for broker in partition.replicas if broker in known} <= set(row)
    assert plan.bytes_moved == sum(p.size * len(set(found[p.topic, p.number]) - set(p.replicas)) for p in partitions)
    assert plan.bytes_moved >= plan.bytes_minimum
    counts = loads(found.values(), known)
    assert plan.replica_imbalance == max(counts) - min(counts)
    leaders = loads([row[:1] for row in found.values()], known)
    assert plan.leader_imbalance == max(leaders) - min(leaders)


@settings(deadline=None, max_examples=300)
@given(clusters(racks=False))
def test_replicas_are_even_whatever_there_was(cluster: tuple[list[Partition], list[Broker]]) -> None:
    partitions, targets = cluster
    plan = _placement.plan(partitions, targets)
    assert plan.replica_imbalance <= 1
    if len({len(p.replicas) for p in partitions}) <= 1:
        assert plan.leader_imbalance <= 1


@settings(deadline=None, max_examples=200)
@given(st.integers(1, 3), st.integers(1, 3), st.data())
def test_racks_of_one_size_are_even(racks: int, members: int, data: st.DataObject) -> None:
    factor = data.draw(st.integers(1, racks * members))
    ids = st.permutations(range(racks * members + 2))
    partitions = [Partition("t", n, tuple(data.draw(ids)[:factor]), 1) for n in range(data.draw(st.integers(0, 20)))]
    plan = _placement.plan(partitions, [Broker(n, f"r{n % racks}") for n in range(racks * members)])
    assert (plan.replica_imbalance <= 1, plan.leader_imbalance <= 1, plan.rack_violations) == (True, True, 0)


@settings(deadline=None, max_examples=200)
@given(clusters())
def test_a_plan_carried_out_leaves_nothing_to_do(cluster: tuple[list[Partition], list[Broker]]) -> None:
    partitions, targets = cluster
    try:
        plan = _placement.plan(partitions, targets)
    except _placement.PlacementError:
        return
    found = after(plan, partitions)
    again = _placement.plan([p._replace(replicas=found[p.topic, p.number]) for p in partitions], targets)
    assert again.bytes_moved == 0


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 4), st.integers(1, 5), st.data())
def test_no_smaller_even_placement_exists(number: int, length: int, data: st.DataObject) -> None:
    """Against every placement there is, with partitions of one size."""
    factor = data.draw(st.integers(1, min(2, number)))
    rows = [tuple(data.draw(st.permutations(range(number)))[:factor]) for _n in range(length)]
    targets = range(data.draw(st.integers(0, number - factor)), number + 1)
    plan = _placement.plan(topic(*rows, size=1), [Broker(broker) for broker in targets])
    choices = list(itertools.combinations(targets, factor))
    fewest = min(
        sum(len(set(new) - set(old)) for new, old in zip(chosen, rows))
        for chosen in itertools.product(choices, repeat=length)
        if max(found := loads(chosen, targets)) - min(found) <= 1
    )
    assert plan.bytes_moved == fewest
