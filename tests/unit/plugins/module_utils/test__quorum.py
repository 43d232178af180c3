# SPDX-License-Identifier: GPL-3.0-or-later
"""Which voter is added or removed next: each reason to do it beside a near twin where it is left, and that no step costs the majority."""

from __future__ import annotations

import dataclasses
import functools
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _quorum
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quorum import Replica, State, Step, Wait
from hypothesis import given
from hypothesis import strategies as st

NOW, RECENT, OLD = 100_000, 98_000, 97_999


def replica(node: int, directory: str = "", seen: int = RECENT) -> Replica:
    return Replica(node, directory or f"disk-{node}", seen, 10)


def gone(node: int) -> Replica:
    """A voter that does not answer."""
    return replica(node, seen=OLD)


def state(*others: Replica, observers: t.Sequence[Replica] = (), leader: int = 1) -> State:
    """Voter 1, which leads, and the others."""
    return State(leader, (replica(1, seen=NOW), *others), tuple(observers))


THREE = (replica(2), replica(3))
NEW = replica(3, "new-3")


@pytest.mark.parametrize(
    ("quorum", "leaving", "found"),
    [
        # Nothing to do.
        (state(*THREE), [], None),
        (state(*THREE), [9], None),
        (state(replica(2), gone(3)), [], None),  # it may come back with its disk
        (state(*THREE, replica(7)), [], None),  # a voter that nobody named
        (state(replica(2), replica(3), observers=[replica(0), replica(3, "new-3", OLD)]), [], None),  # an observer of its id that is gone itself
        # A disk that was replaced: the old directory first, then the new one.
        (state(replica(2), gone(3), observers=[NEW]), [], ("remove", 3, "disk-3")),
        (state(replica(2), replica(3, seen=RECENT - 1), observers=[NEW]), [], ("remove", 3, "disk-3")),  # so soon that the old one still seems to follow
        (state(replica(2), observers=[gone(3), NEW]), [], ("add", 3, "new-3")),
        (state(replica(2), observers=[replica(3, "newer-3", RECENT + 1), NEW]), [], ("add", 3, "newer-3")),  # replaced twice
        # One more, when it has caught up.
        (state(replica(2), observers=[replica(3)]), [], ("add", 3, "disk-3")),
        (state(observers=[replica(2), replica(3)]), [], ("add", 2, "disk-2")),
        # One less; the leader last.
        (state(*THREE, replica(4), replica(5)), [5, 4], ("remove", 4, "disk-4")),
        (state(*THREE, replica(4, seen=NOW), leader=4), [4], ("remove", 4, "disk-4")),
        (state(*THREE, replica(0, seen=NOW), replica(4), leader=0), [0, 4], ("remove", 4, "disk-4")),
        (state(*THREE, gone(4)), [4], ("remove", 4, "disk-4")),
        # Those who lack a vote come before those who leave.
        (state(replica(2), replica(4), observers=[replica(3)]), [4], ("add", 3, "disk-3")),
    ],
)
def test_the_next_step(quorum: State, leaving: list[int], found: tuple[str, int, str] | None) -> None:
    step = _quorum.next_step(quorum, [1, 2, 3], leaving)
    assert (step[:3] if step else None) == found


@pytest.mark.parametrize(
    ("quorum", "leaving", "said"),
    [
        (state(*THREE, replica(4), leader=-1), [4], "no leader"),
        (state(*THREE, replica(4), leader=9), [4], "no leader"),
        (state(replica(2)), [], "controller 3 is no voter, and is not in touch"),
        (state(replica(2), observers=[gone(3)]), [], "controller 3 is no voter, and has not caught up"),
        (state(replica(2), replica(4), observers=[gone(3)]), [4], "controller 3 is no voter, and has not caught up"),  # nobody leaves before it is there
        (state(replica(2), gone(3), replica(4)), [2, 4], "of the 3 voters that would be left 2"),
    ],
)
def test_what_is_waited_for(quorum: State, leaving: list[int], said: str) -> None:
    wanted = sorted({1, 2, 3} - set(leaving))
    found = _quorum.next_step(quorum, wanted, leaving)
    if said.startswith("of the"):
        # From four voters with one that is gone one may leave, and not another.
        steps, why = _quorum.foretell(quorum, wanted, leaving)
        assert [step.id for step in steps] == [2]
        assert "2 are needed" in why
    else:
        assert isinstance(found, Wait)
        assert said in found.why


@pytest.mark.parametrize(
    ("quorum", "controllers", "leaving", "said"),
    [
        (State(1, (Replica(1, "", NOW),)), [1, 2], [], "static quorum"),
        (State(1, (Replica(1, "", NOW), Replica(2, "", NOW))), [1], [2], "static quorum"),
        (state(*THREE), [1, 2, 3], [3], "both be voters and leave"),
        (state(*THREE), [], [1, 2, 3], "with the last one all metadata"),
    ],
)
def test_what_is_refused(quorum: State, controllers: list[int], leaving: list[int], said: str) -> None:
    with pytest.raises(Refusal, match=said) as refused:
        _quorum.next_step(quorum, controllers, leaving)
    assert "Nothing was changed" in str(refused.value)


def test_a_static_quorum_that_is_as_it_should_be_is_left_alone() -> None:
    assert _quorum.next_step(State(1, (Replica(1, "", NOW), Replica(2, "", OLD)), (Replica(2, "new", NOW),)), [1, 2]) is None


def test_one_that_was_killed_a_moment_ago_is_not_counted_on() -> None:
    quorum: dict[str, t.Any] = {
        "leader": 1,
        "voters": [
            {"id": node, "directory": f"disk-{node}", "log_end_offset": 1, "last_caught_up_ms": seen} for node, seen in ((1, NOW), (2, RECENT), (3, RECENT))
        ],
        "observers": [],
    }
    first = _quorum.read(quorum)
    assert isinstance(_quorum.next_step(first, [1, 3], [2]), Step)
    assert isinstance(_quorum.next_step(_quorum.read(quorum, first), [1, 3], [2]), Wait)
    quorum["voters"][0]["last_caught_up_ms"] = NOW + 500
    for later in (2, 3):
        quorum["voters"][later - 1]["last_caught_up_ms"] = NOW + 400
        found = _quorum.next_step(_quorum.read(quorum, first), [1, 3], [2])
        assert isinstance(found, Step if later == 3 else Wait)


def test_a_replaced_disk_is_waited_for_until_it_is_seen_again() -> None:
    first = state(replica(2), gone(3), observers=[NEW])
    assert isinstance(_quorum.next_step(dataclasses.replace(first, since_ms=NOW), [1, 2, 3]), Wait)
    assert isinstance(_quorum.next_step(dataclasses.replace(first, since_ms=RECENT - 1), [1, 2, 3]), Step)


def test_all_controllers_change() -> None:
    new = [replica(node) for node in (4, 5, 6)]
    steps, waiting = _quorum.foretell(state(*THREE, observers=new), [4, 5, 6], [1, 2, 3])
    assert [(step.action, step.id) for step in steps] == [("add", 4), ("add", 5), ("add", 6), ("remove", 2), ("remove", 3), ("remove", 1)]
    assert waiting == ""


def test_what_status_says() -> None:
    assert _quorum.without_vote(state(*THREE), [1, 2, 3]) == []
    assert _quorum.without_vote(state(replica(2), gone(3), observers=[NEW]), [1, 2, 3]) == [
        "controller 3 has no vote: its disk was replaced, directory disk-3 is gone, and it has new-3"
    ]
    assert _quorum.without_vote(state(replica(4), observers=[replica(2)]), [1, 2, 3]) == [
        "controller 2 is no voter",
        "controller 3 is no voter, and is not in touch with the quorum",
        "voter 4 is no controller of the definition",
    ]


NODES = st.sampled_from(range(1, 7))
SEEN = st.sampled_from([NOW, RECENT, OLD, -1])


@st.composite
def quorums(draw: t.Any) -> State:
    voters = tuple(replica(node, seen=draw(SEEN)) for node in sorted(draw(st.sets(NODES, min_size=1))))
    leader = draw(st.sampled_from(voters)).id
    observers = tuple(replica(node, draw(st.sampled_from(["", "new", "newer"])), draw(SEEN)) for node in draw(st.sets(NODES)))
    return State(leader, tuple(replica(each.id, seen=NOW) if each.id == leader else each for each in voters), observers)


def majority_follows(quorum: State) -> bool:
    return len(quorum.following()) > len(quorum.voters) // 2


@given(quorums(), st.sets(NODES), st.sets(NODES))
def test_no_step_costs_the_majority_and_every_way_ends(quorum: State, controllers: set[int], leaving: set[int]) -> None:
    try:
        steps, waiting = _quorum.foretell(quorum, controllers, leaving)
    except Refusal:
        return
    for number, step in enumerate(steps):
        before = functools.reduce(_quorum.after, steps[:number], quorum)
        later = _quorum.after(before, step)
        following = before.following() | {step.id} if step.action == "add" else before.following() - {step.id}
        assert len(following) > len(later.voters) // 2
        assert abs(len(later.voters) - len(before.voters)) == 1
        assert later.voters
        # Only what is gone for good, or leaves, loses its vote.
        assert step.action == "add" or step.id in leaving or before.successor(next(each for each in before.voters if each.id == step.id))
        assert not majority_follows(before) or majority_follows(later)
    end = functools.reduce(_quorum.after, steps, quorum)
    assert len({voter.id for voter in end.voters}) == len(end.voters)
    if not waiting:
        assert controllers <= {voter.id for voter in end.voters}
        assert not leaving & {voter.id for voter in end.voters}


@given(quorums(), st.sets(NODES))
def test_whoever_is_only_down_keeps_the_vote(quorum: State, controllers: set[int]) -> None:
    found = _quorum.next_step(quorum, controllers)
    if isinstance(found, Step) and found.action == "remove":
        successor = quorum.observer(found.id)
        assert successor is not None
        assert successor.directory != found.directory
        assert quorum.follows(successor)
