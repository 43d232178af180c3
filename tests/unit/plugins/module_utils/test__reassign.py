# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reassignment has to do, and what it refuses, from what there is."""

from __future__ import annotations

import collections
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement, _placement_batches, _reassign
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import Partition, Setting, TopicState
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reassign import Limits, State
from hypothesis import given
from hypothesis import strategies as st

LIMITS = Limits(10**9, 100)


def state(*replicas: tuple[int, ...], alive: t.Iterable[int] = (1, 2, 3), racks: t.Mapping[int, str] | None = None, size: int = 10) -> State:
    """Topic ``t`` with partitions on these brokers, each led by its first one."""
    partitions = tuple(Partition(each, each[0], each) for each in replicas)
    sizes = {("t", number, broker): size for number, each in enumerate(replicas) for broker in each}
    return State({broker: (racks or {}).get(broker, "") for broker in alive}, {"t": TopicState(partitions)}, sizes)


def one(**partition: t.Any) -> State:
    """A cluster of one partition."""
    return State({1: "", 2: "", 3: ""}, {"t": TopicState((Partition(**partition),))}, {("t", 0, 1): 10, ("t", 0, 2): 7})


def test_a_new_broker_gets_its_share() -> None:
    there = state((1, 2), (2, 1), (1, 2))
    changes = _reassign.plan(there).changes
    after = _reassign.figures(_reassign.moved(_reassign.partitions(there), changes), there.brokers)
    assert [(each["replicas"], each["leaders"], each["bytes"]) for each in after] == [(2, 1, 20)] * 3
    assert _reassign.left(there, changes, LIMITS)["bytes"] == 20


def test_what_leaves_is_emptied_and_nothing_else_moves() -> None:
    changes = _reassign.plan(state((1, 2), (2, 3), (3, 1)), (1, 2)).changes
    assert {change.added for change in changes} <= {(), (1,), (2,)}
    assert all(set(change.after) == {1, 2} for change in changes)


REFUSED: list[tuple[str, State, tuple[int, ...], tuple[str, ...]]] = [
    ("fewer brokers than replicas", state((1, 2, 3)), (1, 2), ("Topic t has 3 replicas", "2 brokers would be left", "Nothing was changed")),
    (
        "the racks would not be apart any more",
        state((1, 3), (2, 3), racks={1: "a", 2: "a", 3: "b"}),
        (1, 2),
        ("Topic t has 2 replicas in 2 racks (a, b)", "in 1 (a)", "keep or add brokers"),
    ),
    ("one that should hold replicas is down", state((1, 2), alive=(1, 2)), (1, 2, 3), ("broker 3 is not alive", "site.yml")),
    ("two of them", state((1,), alive=(1,)), (1, 2, 3), ("brokers 2, 3 are not alive",)),
    ("one that holds replicas is down, and nobody said that it goes", state((1, 2), alive=(1, 3)), (), ("broker 2 is not alive", "name in brokers")),
    ("nothing to copy from", one(replicas=(1, 2), leader=-1, in_sync=(1,)), (2, 3), ("no leader to copy from: t-0",)),
]


@pytest.mark.parametrize(("name", "there", "wanted", "words"), REFUSED, ids=[case[0] for case in REFUSED])
def test_refused(name: str, there: State, wanted: tuple[int, ...], words: tuple[str, ...]) -> None:
    with pytest.raises(Refusal) as refusal:
        _reassign.plan(there, wanted)
    assert all(word in str(refusal.value) for word in words), refusal.value


ALLOWED: list[tuple[str, State, tuple[int, ...]]] = [
    ("as many brokers as replicas", state((1, 2, 3)), (1, 2, 3)),
    ("the racks are apart still", state((1, 3), (2, 3), racks={1: "a", 2: "a", 3: "b"}), (1, 3)),
    ("one that holds replicas is down and is not to come back", state((1, 2), alive=(1, 3)), (1, 3)),
    ("without a leader, and nothing of it moves", one(replicas=(1, 2), leader=-1, in_sync=(1,)), (1, 2)),
]


@pytest.mark.parametrize(("name", "there", "wanted"), ALLOWED, ids=[case[0] for case in ALLOWED])
def test_not_refused(name: str, there: State, wanted: tuple[int, ...]) -> None:
    changes = _reassign.plan(there, wanted).changes
    assert {broker for each in _reassign.moved(_reassign.partitions(there), changes) for broker in each.replicas} <= set(wanted)


def test_fewer_racks_are_no_reason_where_they_are_allowed() -> None:
    there = state((1, 3), (2, 3), racks={1: "a", 2: "a", 3: "b"})
    assert _reassign.plan(there, (1, 2), fewer_racks=True).changes


def test_racks_that_were_never_apart_are_no_reason_to_refuse() -> None:
    there = state((1, 2, 3), racks={1: "a", 2: "a", 3: "a"})
    assert _reassign.plan(there).changes == ()


@pytest.mark.parametrize(("name", "limits"), [("batch_bytes", {"bytes": 0, "partitions": 1}), ("batch_partitions", {"bytes": 1, "partitions": 0})])
def test_a_batch_of_nothing_is_refused(name: str, limits: dict[str, int]) -> None:
    with pytest.raises(Refusal, match=name):
        Limits(**limits)
    assert Limits(1, 1).throttle == 0


def test_a_throttle_below_nothing_is_refused() -> None:
    with pytest.raises(Refusal, match="throttle is -1"):
        Limits(1, 1, -1)
    assert Limits(1, 1, 1).throttle == 1


def test_what_runs_is_seen_as_it_will_be() -> None:
    there = one(replicas=(3, 2, 1), leader=1, in_sync=(1, 2), adding=(3,), removing=(1,))
    assert [each.replicas for each in _reassign.partitions(there)] == [(3, 2)]
    (change,) = _reassign.running(there)
    assert (change.before, change.after, change.added, change.size) == ((2, 1), (3, 2), (3,), 10)


@pytest.mark.parametrize(
    ("name", "wanted", "alive", "vain"),
    [
        ("to one of all", (), (1, 2, 3), 0),
        ("to one that is wanted", (2, 3), (1, 2, 3), 0),
        ("to one that is not", (1, 2), (1, 2, 3), 1),
        ("to one that is down", (), (1, 2), 1),
        ("to one that is wanted, and down", (2, 3), (1, 2), 1),
    ],
)
def test_what_is_under_way_in_vain(name: str, wanted: tuple[int, ...], alive: tuple[int, ...], vain: int) -> None:
    there = one(replicas=(3, 2, 1), leader=1, in_sync=(1, 2), adding=(3,), removing=(1,))
    assert len(_reassign.in_vain(State(dict.fromkeys(alive, ""), there.topics), wanted)) == vain


def test_what_only_leaves_a_broker_is_never_in_vain() -> None:
    there = one(replicas=(2, 1), leader=1, in_sync=(1, 2), removing=(1,))
    assert _reassign.in_vain(there, (2,)) == ()


def test_nothing_runs() -> None:
    assert _reassign.running(one(replicas=(1, 2))) == ()


@pytest.mark.parametrize(
    ("name", "there", "left"),
    [
        ("holds nothing", one(replicas=(1, 2)), {}),
        ("has a replica", one(replicas=(1, 3)), {3: [("t", 0)]}),
        ("is being given one", one(replicas=(1, 2), adding=(3,)), {3: [("t", 0)]}),
        ("is losing its last one, and still has it", one(replicas=(1, 2, 3), removing=(3,)), {3: [("t", 0)]}),
    ],
)
def test_a_broker_is_empty_only_when_nothing_is_left(name: str, there: State, left: dict[int, t.Any]) -> None:
    assert _reassign.holding(there, [3]) == left
    if not left:
        _reassign.require_empty(there, [3], "not stopped")
        return
    with pytest.raises(Refusal, match="not stopped, since replicas are left: broker 3 has 1: t-0"):
        _reassign.require_empty(there, [3], "not stopped")


def test_a_long_list_of_what_is_left_is_cut() -> None:
    with pytest.raises(Refusal, match="t-4 and 2 more"):
        _reassign.require_empty(state(*[(3,)] * 7), [3], "not stopped")


def test_what_is_alive_is_not_unregistered() -> None:
    with pytest.raises(Refusal, match="3 still alive"):
        _reassign.require_gone(state((1,)), [3, 4])
    _reassign.require_gone(state((1,)), [4])


@pytest.mark.parametrize(
    ("name", "there", "elected"),
    [
        ("led by another one", one(replicas=(1, 2), leader=2, in_sync=(1, 2)), [("t", 0)]),
        ("led by it", one(replicas=(1, 2), leader=1, in_sync=(1, 2)), []),
        ("not in sync", one(replicas=(1, 2), leader=2, in_sync=(2,)), []),
        ("without a leader", one(replicas=(1, 2), leader=-1, in_sync=(1,)), []),
    ],
)
def test_who_is_elected(name: str, there: State, elected: list[t.Any]) -> None:
    assert _reassign.elections(there) == elected
    assert _reassign.elections(there, {("other", 0)}) == []


@pytest.mark.parametrize(("value", "found"), [("0:1,0:2", ["t"]), ("*", []), ("", [])])
@pytest.mark.parametrize("key", ["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"])
def test_which_throttles_are_a_reassignments(key: str, value: str, found: list[str]) -> None:
    topic = TopicState((Partition((1,), 1, (1,)),), {key: Setting(value)})
    assert _reassign.throttled(State({1: ""}, {"t": topic})) == found


def test_a_configuration_of_another_kind_is_no_throttle() -> None:
    assert _reassign.throttled(State({1: ""}, {"t": TopicState((), {"retention.ms": Setting("1")})})) == []


@pytest.mark.parametrize(
    ("name", "limits", "rate", "seconds"),
    [
        ("as measured", LIMITS, 4.0, 5.0),
        ("by the throttle", Limits(10**9, 100, 5), 0.0, 4.0),
        ("measured counts more", Limits(10**9, 100, 5), 4.0, 5.0),
        ("nobody knows", LIMITS, 0.0, None),
    ],
)
def test_how_long_it_takes(name: str, limits: Limits, rate: float, seconds: float | None) -> None:
    there = state((1, 2), (2, 1), (1, 2))
    assert _reassign.left(there, _reassign.plan(there).changes, limits, rate)["seconds"] == seconds


def test_nothing_left_takes_no_time() -> None:
    assert _reassign.left(state(), (), LIMITS) == {"partitions": 0, "bytes": 0, "batches": 0, "seconds": 0.0}


LAST: list[tuple[str, State, tuple[int, ...], tuple[int, ...]]] = [
    ("the leader stays and goes on", one(replicas=(1, 2), leader=1), (3, 1), (1, 3)),
    ("a leader that is not the preferred one goes on", one(replicas=(1, 2), leader=2), (3, 2), (2, 3)),
    ("the leader leaves, and who has a replica already takes over", one(replicas=(1, 2), leader=1), (3, 2), (2, 3)),
    ("nobody else has one", one(replicas=(1,), leader=1), (3,), (3,)),
    ("nothing is copied: the order is what is wanted", one(replicas=(1, 2), leader=1), (2, 1), (2, 1)),
]


@pytest.mark.parametrize(("name", "there", "planned", "asked"), LAST, ids=[case[0] for case in LAST])
def test_new_replicas_come_last_while_they_are_copied(name: str, there: State, planned: tuple[int, ...], asked: tuple[int, ...]) -> None:
    change = _placement.Change("t", 0, there.topics["t"].partitions[0].replicas, planned, 10)
    assert [each.after for each in _reassign.leaders_last(there, [change])] == [asked]


def test_the_order_of_what_was_copied_is_left_as_well() -> None:
    """A batch of its own, once all replicas are there: nobody may lead before."""
    there = one(replicas=(1, 2), leader=1)
    moving, ordered = (3, 2), (2, 3)
    assert _reassign.left(there, [_placement.Change("t", 0, (1, 2), moving, 10)], LIMITS)["batches"] == 2
    assert _reassign.left(there, [_placement.Change("t", 0, (1, 2), ordered, 10)], LIMITS)["batches"] == 1


def test_a_diff_has_what_changes() -> None:
    there = state((1, 2), (1, 2), alive=(1, 2))
    assert _reassign.shown(_reassign.plan(there).changes) == {"before": {"t-0": [1, 2]}, "after": {"t-0": [2, 1]}}


def test_a_diff_has_what_was_before_all_steps_and_what_is_after_them() -> None:
    steps = [_placement.Change("t", 0, (1, 2), (2, 3), 10), _placement.Change("t", 0, (2, 3), (3, 2), 10)]
    assert _reassign.shown(steps) == {"before": {"t-0": [1, 2]}, "after": {"t-0": [3, 2]}}


@st.composite
def clusters(draw: st.DrawFn) -> tuple[State, list[int]]:
    """A cluster, and which of its brokers should hold replicas."""
    alive = list(range(draw(st.integers(2, 6))))
    factor = draw(st.integers(1, min(3, len(alive))))
    rows = draw(st.lists(st.permutations(alive).map(lambda row: tuple(row[:factor])), min_size=1, max_size=25))
    sizes = draw(st.lists(st.integers(0, 1000), min_size=len(rows), max_size=len(rows)))
    there = State(
        dict.fromkeys(alive, ""),
        {"t": TopicState(tuple(Partition(row, row[0], row) for row in rows))},
        {("t", number, broker): size for number, (row, size) in enumerate(zip(rows, sizes)) for broker in row},
    )
    wanted = draw(st.lists(st.sampled_from(alive), min_size=factor, unique=True))
    return there, sorted(wanted)


@given(clusters(), st.integers(1, 2000), st.integers(1, 5))
def test_planned_anew_after_every_batch_it_ends_where_it_should(cluster: tuple[State, list[int]], size: int, partitions: int) -> None:
    """So a run that is killed needs no memory: it comes to an end, what it ends with is even, and it copies little more."""
    there, wanted = cluster
    whole = _reassign.plan(there, wanted)
    total = rounds = 0
    while changes := _reassign.plan(there, wanted).changes:
        batch = _reassign.leaders_last(there, _placement_batches.batches(changes, size, partitions)[0])
        total += sum(change.bytes_moved for change in batch)
        rounds += 1
        assert rounds <= 3 * len(there.topics["t"].partitions) + 3, "it goes on and on"
        after = {change.number: change.after for change in batch}
        rows = [after.get(number, each.replicas) for number, each in enumerate(there.topics["t"].partitions)]
        known = {number: value for (_topic, number, _broker), value in there.sizes.items()}
        there = State(
            there.brokers,
            {"t": TopicState(tuple(Partition(row, row[0], row) for row in rows))},
            {("t", number, broker): known[number] for number, row in enumerate(rows) for broker in row},
        )
    count = collections.Counter(broker for each in there.topics["t"].partitions for broker in each.replicas)
    assert set(count) <= set(wanted)
    assert max(count.values()) - min(count[broker] for broker in wanted) <= max(1, whole.replica_imbalance)
    assert total <= whole.bytes_moved + 2 * max(there.sizes.values())


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [(0, 4, []), (1, 4, [1]), (3, 4, [1, 2]), (12, 4, [1, 2, 4, 4, 1]), (4, 1, [1, 1, 1, 1]), (9, 3, [1, 2, 3, 3])],
)
def test_parts_begin_with_one_and_grow(count: int, most: int, sizes: list[int]) -> None:
    found = list(_reassign.parts(range(count), most))
    assert [len(part) for part in found] == sizes
    assert [item for part in found for item in part] == list(range(count))
