# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes next when the disks of a node are replaced, and that a run that was killed anywhere goes on without deleting new claims."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _replace, _roll_journal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate import Gate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Partition, Quorum, Snapshot, Topic
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._replace import Seen
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Entry, Version
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = {"data-0-n-2-0": "old"}, {"data-0-n-2-0": "new"}


def entry(node: int = 2, claims: t.Sequence[str] = ("old",), outcome: str = "", cause: t.Any = "replace") -> Entry:
    return Entry(node, "pod", Version(), (cause,), at=f"2026-01-0{node}", outcome=outcome, claims=tuple(claims))


@pytest.mark.parametrize(
    ("entries", "found"),
    [
        ([], None),
        ([entry()], entry()),
        ([entry(1), entry(), entry(3)], entry()),
        ([entry(outcome="back")], None),
        ([entry(outcome="back"), entry(claims=("b",))], entry(claims=("b",))),
        ([entry(claims=("b",)), entry(outcome="back")], None),
        ([entry(cause="manual")], None),
        ([entry(), entry(cause="manual", outcome="back")], entry()),
    ],
)
def test_the_replacement_that_goes_on(entries: list[Entry], found: Entry | None) -> None:
    assert _replace.opened(entries, 2) == found


@pytest.mark.parametrize(
    ("seen", "begun", "state", "phase"),
    [
        (Seen(True, OLD), None, {}, "ask"),
        (Seen(True, OLD), entry(), {}, "ask"),  # killed before it stopped: time has passed
        (Seen(True, OLD), entry(), {"allowed": True}, "stop"),
        (Seen(False, OLD), None, {}, "leave"),  # it was dead
        (Seen(False, OLD), entry(), {}, "leave"),
        (Seen(False, OLD), entry(), {"allowed": True}, "leave"),  # that it might stop says nothing about its data
        (Seen(False, OLD), entry(), {"left": True}, "empty"),
        (Seen(False, {}), entry(), {}, "start"),
        (Seen(False, NEW), entry(), {}, "start"),
        (Seen(True, NEW), entry(), {}, "start"),
        (Seen(False, {**OLD, "data-1-n-2-0": "new"}), entry(), {"left": True}, "empty"),
        (Seen(True, NEW), None, {}, "ask"),  # another replacement
    ],
)
def test_what_comes_next(seen: Seen, begun: Entry | None, state: dict[str, bool], phase: str) -> None:
    assert _replace.phase(seen, begun, **state) == phase


@pytest.mark.parametrize(("seen", "begun", "names"), [(Seen(True, OLD), None, {"old"}), (Seen(True, {**OLD, "x": "new"}), entry(), {"old"})])
def test_only_claims_that_were_there_when_it_began_go(seen: Seen, begun: Entry | None, names: set[str]) -> None:
    assert set(_replace.doomed(seen, begun).values()) == names


class Killed(Exception):
    """The run ends here."""


@dataclasses.dataclass
class World:
    """A node that is replaced by runs which are killed; ``asked``: of the present run."""

    runs: bool = True
    claims: dict[str, str] = dataclasses.field(default_factory=lambda: dict(OLD))
    journal: list[Entry] = dataclasses.field(default_factory=list)
    made: int = 0

    def run(self, steps: int) -> None:
        """One run that is killed after so many steps."""
        allowed = left = False
        while True:
            if not steps:
                raise Killed
            steps -= 1
            begun = _replace.opened(self.journal, 2)
            step = _replace.phase(Seen(self.runs, self.claims), begun, allowed=allowed, left=left)
            if step == "start":
                break
            if step == "ask":
                allowed = True
            elif begun is None:
                self.journal.append(entry(claims=tuple(self.claims.values())))
            elif step == "stop":
                assert allowed
                self.runs = False
            elif step == "leave":
                left = True
            else:
                assert not self.runs
                assert left
                for name in _replace.doomed(Seen(self.runs, self.claims), begun):
                    del self.claims[name]
        if not self.runs:
            self.runs, self.made = True, self.made + 1
            self.claims.setdefault("data-0-n-2-0", f"new-{self.made}")
        if not steps:
            raise Killed
        self.journal[-1] = dataclasses.replace(self.journal[-1], outcome="back")


@given(st.lists(st.integers(0, 8)), st.booleans())
def test_however_often_it_is_killed_the_old_claims_go_once_and_new_ones_stay(kills: list[int], runs: bool) -> None:
    world = World(runs=runs)
    for steps in (*kills, 100):
        try:
            world.run(steps)
        except Killed:
            continue
        break
    assert world.runs
    assert world.claims == {"data-0-n-2-0": "new-1"}
    assert len(world.journal) == 1


def snapshot(voters: tuple[int, ...], leader: int = 0, replicas: tuple[int, ...] = (0, 1, 2)) -> Snapshot:
    nodes = {node: Node(node, "ready", unfenced=True, recovering_logs=0, offline_log_dirs=(), reachable=True) for node in range(3)}
    topics = (Topic("t", 1, (Partition(0, replicas[0], replicas, replicas),)),)
    return Snapshot(nodes, topics, Quorum(voters, leader, dict.fromkeys(voters, 5000)))


def test_a_vote_that_goes_first_is_not_missed_when_the_node_stops() -> None:
    """Of two voters one may be replaced, though not restarted; of three with one that is gone, none."""
    two = snapshot((0, 2))
    assert Gate(two).may_restart(2).answer == "stop"
    assert Gate(_replace.without_vote(two, 2)).may_restart(2).answer == "go"
    assert Gate(_replace.without_vote(snapshot((0, 2), leader=2), 2)).may_restart(2).answer == "go"
    three = snapshot((0, 1, 2))
    assert Gate(_replace.without_vote(three, 2)).may_restart(2).answer == "go"
    lost = dataclasses.replace(three, quorum=dataclasses.replace(t.cast(Quorum, three.quorum), caught_up_ms={0: 5000, 1: 1, 2: 5000}))
    assert Gate(_replace.without_vote(lost, 2)).may_restart(2).answer == "wait"
    assert Gate(_replace.without_vote(lost, 1)).may_restart(1).answer == "go"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (snapshot((2,), leader=2), "only voter"),
        (snapshot((0, 2)), ""),
        (snapshot((0, 1, 2), replicas=(2,)), "only copy of 1 partitions: t-0"),
        (snapshot((0, 1, 2), replicas=(2, 1)), ""),
        (snapshot((0, 1, 2), replicas=(1,)), ""),
    ],
)
def test_the_only_copy_stays(seen: Snapshot, said: str) -> None:
    found = _replace.never(seen, 2)
    assert (said in found) if said else found == ""


def test_the_journal_keeps_which_claims_go() -> None:
    record = _roll_journal.Record(entries=(entry(), entry(1, claims=())))
    assert _roll_journal.read(record.data()) == record
    old = record.data()
    old["journal"] = old["journal"].replace('"claims": ["old"], ', "").replace('"claims": [], ', "")
    assert [each.claims for each in _roll_journal.read(old).entries] == [(), ()]
