# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Carries a reassignment out. Nothing is remembered between runs: all state is Kafka's own. Private to the collection."""

from __future__ import annotations

import collections
import contextlib
import functools
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _elections,
    _kafka_calls,
    _kafka_client,
    _kafka_unregister,
    _placement,
    _placement_batches,
    _reassign,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_calls import BROKER, TOPIC
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change as TopicChange
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import CONTROLLER, Interrupted, Road, RoadError, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import THROTTLES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reassign import Limits, Place, State

Changes = t.Sequence[_placement.Change]

LEADER_REPLICAS, FOLLOWER_REPLICAS = "leader.replication.throttled.replicas", "follower.replication.throttled.replicas"
RATES = ("leader.replication.throttled.rate", "follower.replication.throttled.rate")

GONE = "UnknownTopicOrPartition"
"""What Kafka says about a topic that was deleted meanwhile; then there is nothing to move."""

SOON = 3.0
"""Seconds until the next part is handed over though the last one still copies; what is large is copied side by side."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between two looks at what runs."""

SETTLE = 0.5
"""Seconds between two looks that must agree."""

IN_VAIN = 3
"""How often a batch may end without anything of it to be seen."""


class Stopped(RoadError):
    """It does not go on; the message says why, and what would mend it."""


class Reassigner:
    """``road``: a new way to the cluster. Each step takes one of its own, so that a broken connection costs one look only.

    ``patience``: seconds without any progress until it gives up. ``fewer_racks``: see :func:`_reassign.plan`.
    """

    def __init__(self, road: t.Callable[[], Road], patience: float, *, fewer_racks: bool = False) -> None:
        self._new_road = road
        self._patience = patience
        self._plan = functools.partial(_reassign.plan, fewer_racks=fewer_racks)

    @contextlib.contextmanager
    def _road(self) -> t.Iterator[Road]:
        with self._new_road() as road:
            road.require_cluster()
            yield road

    def observe(self, *, sizes: bool = True) -> State:
        """What there is."""
        with self._road() as road:
            brokers = road.brokers()
            return State(brokers, _kafka_calls.topics(road), replica_sizes(road, brokers) if sizes else {})

    def settled(self) -> State:
        """What there is, once two looks agree: a broker may still tell of a reassignment that the controller has ended."""
        before = self.observe(sizes=False)
        while True:
            time.sleep(SETTLE)
            now = self.observe()
            if _reassign.running(now) or _reassign.replicas(before) == _reassign.replicas(now):
                return now
            before = now

    def place(self, wanted: t.Collection[int], limits: Limits, batches: int) -> dict[str, t.Any]:
        """Lead the placement to the plan, in at most so many batches (0: all); what the module returns."""
        begun = time.monotonic()
        state = self.settled()
        before = _reassign.partitions(state)
        brokers = {*wanted, *state.brokers}
        ended = _reassign.in_vain(state, wanted)
        if ended:
            self._end(ended)
            state = self.observe()
        self._plan(state, wanted)  # refuses before anything else is written
        changes: list[_placement.Change] = []
        elected = 0
        adopted = _reassign.running(state)
        if adopted:
            self._set_throttle(adopted, limits.throttle)
            self._wait(adopted)
            state = self.observe()
        found = self._plan(state, wanted).changes
        carried = in_vain = 0
        while found and (not batches or carried < batches):
            batch = _reassign.leaders_last(state, _placement_batches.batches(found, limits.bytes, limits.partitions)[0])
            self._carry_out(batch, limits)
            carried += 1
            state = self.observe()
            undone = _placement_batches.remaining(batch, _reassign.replicas(state))
            in_vain = in_vain + 1 if len(undone) == len(batch) else 0
            if in_vain == IN_VAIN:
                raise Stopped(f"{len(batch)} partitions were moved {IN_VAIN} times, and each time they were back afterwards: somebody else moves them, too")
            changes += [change for change in batch if change._replace(before=()) not in {each._replace(before=()) for each in undone}]
            found = self._plan(state, wanted).changes
            if found:
                elected += self._elect(_reassign.elections(state, {(change.topic, change.number) for change in batch}), limits)
        if not found:
            elected += self._elect(_reassign.elections(state), limits)
        cleared = self._remove_throttle(state)
        seconds = time.monotonic() - begun
        size = sum(change.bytes_moved for change in changes)
        return {
            "changed": bool(changes or adopted or ended or elected or cleared),
            "adopted": len(adopted),
            "cancelled": _names(ended),
            "moved": {"partitions": len({(change.topic, change.number) for change in changes}), "bytes": size, "seconds": round(seconds, 1)},
            "elected": elected,
            "left": _reassign.left(state, found, limits, size / seconds),
            "brokers": {"before": _reassign.figures(before, brokers), "after": _reassign.figures(_reassign.partitions(state), brokers)},
            "diff": _reassign.shown([*adopted, *changes]),
        }

    def foretell(self, wanted: t.Collection[int], limits: Limits) -> dict[str, t.Any]:
        """What :meth:`place` would do; nothing is changed."""
        state = self.settled()
        there = _reassign.partitions(state)
        running, ended = _reassign.running(state), _reassign.in_vain(state, wanted)
        changes = self._plan(state, wanted).changes
        elections = _reassign.elections(state)
        brokers = {*wanted, *state.brokers}
        return {
            "changed": bool(changes or running or elections or _reassign.throttled(state)),
            "adopted": len(running) - len(ended),
            "cancelled": _names(ended),
            "moved": {"partitions": 0, "bytes": 0, "seconds": 0.0},
            "elected": len(elections),
            "left": _reassign.left(state, changes, limits),
            "brokers": {"before": _reassign.figures(there, brokers), "after": _reassign.figures(_reassign.moved(there, changes), brokers)},
            "diff": _reassign.shown(changes),
        }

    def cancel(self, check: bool) -> dict[str, t.Any]:
        """End every reassignment that runs, with replicas as they were before it, and take throttles away."""
        state = self.observe(sizes=False)
        running = _reassign.running(state)
        throttles = _reassign.throttled(state)
        if running and not check:
            self._end(running)
            state = self.observe(sizes=False)
        if not check:
            self._remove_throttle(state)
        backwards = [change._replace(before=change.after, after=change.before) for change in running]
        return {"changed": bool(running or throttles), "cancelled": _names(running), "diff": _reassign.shown(backwards)}

    def drained(self, leaving: t.Collection[int]) -> dict[str, t.Any]:
        """Prove that brokers hold nothing, at this moment."""
        _reassign.require_empty(self.settled(), leaving, "not drained")
        return {"changed": False}

    def unregister(self, leaving: t.Collection[int], check: bool) -> dict[str, t.Any]:
        """Take brokers off the list of those that are known, where they neither hold anything nor live."""
        state = self.observe(sizes=False)
        _reassign.require_empty(state, leaving, "not unregistered")
        _reassign.require_gone(state, leaving)
        with self._road() as road:
            known = _kafka_unregister.registered(road)
            found = [broker for broker in sorted(leaving) if known is None or broker in known]
            if not check:
                found = [broker for broker in found if _kafka_unregister.unregister(road, broker)]
        return {"changed": bool(found), "unregistered": found}

    def _end(self, running: Changes) -> None:
        """Cancel what runs, and wait until replicas are as they were before it."""
        with self._road() as road:
            _cancel(road, running)
        self._wait([change._replace(after=change.before) for change in running], ordered=False)

    def _carry_out(self, batch: Changes, limits: Limits) -> None:
        self._set_throttle(batch, limits.throttle)
        refused: dict[str, str] = {}
        copied = [change for change in batch if change.added]
        ordered = [change for change in batch if not change.added]
        going: list[_placement.Change] = []
        for part in (*_reassign.parts(copied, _most(limits)), *_kafka_calls.at_once(ordered, limit=limits.partitions)):
            refused.update(self._hand_over(part))
            accepted = [change for change in part if change.topic not in refused]
            if not self._wait(accepted, limit=SOON):
                going += accepted
        self._wait(going)
        # Brokers may not show yet what was set a moment ago.
        self._remove_throttle(self.observe(sizes=False), {change.topic for change in batch} if limits.throttle else ())
        serious = {topic: why for topic, why in refused.items() if GONE not in why}
        if serious:
            raise Stopped(f"Kafka refused to move {'; '.join(f'{topic}: {why}' for topic, why in sorted(serious.items()))}")

    def _hand_over(self, part: Changes) -> dict[str, str]:
        """Ask for these; why Kafka refuses, by topic."""
        by_topic: dict[str, dict[int, tuple[int, ...]]] = collections.defaultdict(dict)
        for change in part:
            by_topic[change.topic][change.number] = change.after
        asked = [TopicChange(topic, "replicas", "", numbers) for topic, numbers in by_topic.items()]
        try:
            with self._road() as road:
                return {change.item: why for change, why in _kafka_calls.write_topics(road, asked, False).items()}
        except Interrupted:
            return {}  # what was made of it shows now; what was not is planned again

    def _set_throttle(self, batch: Changes, rate: int) -> None:
        """Names of replicas first: they are what tells the next run that there is something to take away."""
        if not rate:
            return
        throttle = _placement_batches.throttle(batch)
        topics: dict[tuple[int, str], dict[str, str | None]] = collections.defaultdict(dict)
        for key, replicas in ((LEADER_REPLICAS, throttle.leader), (FOLLOWER_REPLICAS, throttle.follower)):
            for topic, value in replicas.items():
                topics[TOPIC, topic][key] = value
        with self._road() as road:
            _alter(road, topics)
            for broker in set(throttle.brokers).intersection(road.brokers()):
                _alter(road, {(BROKER, str(broker)): {key: str(rate) for key in RATES}}, broker)

    def _remove_throttle(self, state: State, also: t.Iterable[str] = ()) -> bool:
        """Rates first, for the same reason. A broker that is down is rid of its own the next time. ``also``: further topics."""
        topics = {*_reassign.throttled(state), *also}
        if not topics or _reassign.running(state):
            return False
        with self._road() as road:
            for broker in road.brokers():
                _alter(road, {(BROKER, str(broker)): dict.fromkeys(RATES)}, broker)
            _alter(road, {(TOPIC, topic): dict.fromkeys(sorted(THROTTLES)) for topic in sorted(topics)})
        return True

    def _wait(self, changes: Changes, *, ordered: bool = True, limit: float = float("inf")) -> bool:
        """Until none of these runs any more and brokers show it; False where it does after ``limit`` seconds. ``ordered``: in this order of
        replicas."""
        if not changes:
            return True
        pause, best, begun = FIRST_PAUSE, None, time.monotonic()
        progress = begun
        trouble, ended = "", float("inf")
        while True:
            try:
                now = self._left(changes, ordered)
            except RoadError as error:
                trouble = f" The last look failed: {error}"
            else:
                if now is None:
                    return True
                running, _lacking = now
                ended = float("inf") if running else min(ended, time.monotonic())
                if time.monotonic() - ended > _elections.SHOWS:
                    return True  # somebody has cancelled it, or moved it elsewhere
                if time.monotonic() - begun > limit:
                    return False
                if best is None or now < best:
                    best, progress, trouble = now, time.monotonic(), ""
            if time.monotonic() - progress > self._patience:
                raise Stopped(
                    f"{best[0] if best else len(changes)} of {len(changes)} partitions are still on the move, and nothing has moved for "
                    f"{self._patience:g} s.{trouble} They go on moving, throttled as before. Mend: see that every broker is up and has room; run "
                    "again, which goes on here, with another throttle or more patience; or end it with state=cancelled."
                )
            time.sleep(pause)
            pause = min(LONGEST_PAUSE, pause * 1.5)

    def _left(self, changes: Changes, ordered: bool) -> tuple[int, int] | None:
        """How many are on the move and how many bytes they lack, which both fall; None when all have ended."""
        places = {(change.topic, change.number) for change in changes}
        with self._road() as road:
            running = places.intersection(_kafka_calls.reassignments(road))
            if not running:
                topics = _kafka_calls.topics(road, config=False)
                current = _reassign.replicas(State({}, topics))
                late = [
                    change
                    for change in _placement_batches.remaining(changes, current)
                    if ordered or set(current[change.topic, change.number]) != set(change.after)
                ]
                return (0, len(late)) if late else None
            adding = [change for change in changes if (change.topic, change.number) in running and change.added]
            brokers = {broker for change in adding for broker in change.added}.intersection(road.brokers())
            copied = replica_sizes(road, brokers, adding)
        lacking = sum(max(0, change.size - copied.get((change.topic, change.number, broker), 0)) for change in adding for broker in change.added)
        return len(running), lacking

    def _elect(self, places: t.Sequence[Place], limits: Limits) -> int:
        """Let preferred leaders lead; how many do so now."""
        return sum(_elections.elect(self._road, places, _most(limits)))


def _most(limits: Limits) -> int:
    """How many partitions are handed over, or elected, at a time."""
    return max(1, limits.partitions // _reassign.HANDED_OVER)


def _names(changes: Changes) -> list[str]:
    return [f"{change.topic}-{change.number}" for change in changes]


def replica_sizes(road: Road, brokers: t.Iterable[int], changes: Changes | None = None) -> dict[tuple[str, int, int], int]:
    """Bytes by topic, partition and broker; ``changes``: of these partitions only."""
    wanted: dict[str, list[int]] | None = None
    if changes is not None:
        wanted = collections.defaultdict(list)
        for change in changes:
            wanted[change.topic].append(change.number)
    return {
        (topic, number, broker): size
        for broker in sorted(brokers)
        for (topic, number), size in _kafka_calls.replica_sizes(_kafka_calls.log_dirs(road, broker, wanted)).items()
    }


def _alter(road: Road, resources: t.Mapping[tuple[int, str], t.Mapping[str, str | None]], node: int | str = CONTROLLER) -> None:
    for attempt in (1, 2):
        try:
            refused = _kafka_calls.alter_configs(road, resources, False, node)
        except Interrupted:
            if attempt == 2:
                raise
        else:
            serious = {name: why for (_kind, name), why in refused.items() if GONE not in why}
            if serious:
                raise Stopped(f"Kafka refused to change the throttle: {'; '.join(f'{name}: {why}' for name, why in sorted(serious.items()))}")
            return


def _cancel(road: Road, running: Changes) -> None:
    protocol = _kafka_client.admin.AlterPartitionReassignmentsRequest
    by_topic: dict[str, list[int]] = collections.defaultdict(list)
    for change in running:
        by_topic[change.topic].append(change.number)
    kind = protocol.ReassignableTopic

    def request() -> t.Any:
        topics = [
            kind(name=topic, partitions=[kind.ReassignablePartition(partition_index=number, replicas=None) for number in numbers])
            for topic, numbers in by_topic.items()
        ]
        return protocol(topics=topics, timeout_ms=max(1000, int(road.time_left() * 900)))

    answer = road.send("cancel the reassignments", request, CONTROLLER, writes=True)
    _kafka_calls.whole("cancel the reassignments", answer)
    ended = _kafka_client.errors.NoReassignmentInProgressError.errno
    refused = [
        f"{topic.name}-{each.partition_index}: {refusal(each.error_code, each.error_message)}"
        for topic in answer.responses
        for each in topic.partitions
        if each.error_code not in (0, ended)
    ]
    if refused:
        raise Stopped(f"Kafka refused to cancel {'; '.join(refused[: _reassign.SHOWN])}")
