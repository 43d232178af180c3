# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""A placement carried out in batches: what to ask Kafka for next, its throttle, how far it is. Private to the collection.

Nothing is remembered between runs: what is left is what differs from the plan in the replicas that Kafka reports, so
that a run that was killed goes on. A batch is small enough that it can be cancelled without losing much.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._placement import Change

Current = t.Mapping[tuple[str, int], t.Sequence[int]]
"""Replicas now, by topic and partition, without those that a running reassignment adds and with those it removes: what
they would be if it were cancelled (``replicas`` without ``adding_replicas`` of ``ListPartitionReassignments``)."""


@dataclasses.dataclass(frozen=True)
class Throttle:
    """Topic configurations that say which replicas are throttled, and the brokers whose rates apply.

    ``leader``, ``follower``: by topic, the value of ``leader.replication.throttled.replicas`` and of
    ``follower.replication.throttled.replicas`` (``partition:broker,...``). A rate without these throttles nothing.
    """

    leader: t.Mapping[str, str]
    follower: t.Mapping[str, str]
    brokers: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Progress:
    """``done``, ``left``: bytes. ``seconds_left``: None where nothing has moved yet, so that nobody can tell."""

    done: int
    left: int
    partitions_left: int
    seconds_left: float | None

    @property
    def percent(self) -> float:
        """Of the bytes; 100 where there are none to move."""
        return 100.0 * self.done / (self.done + self.left) if self.done + self.left else 100.0


def remaining(changes: t.Iterable[Change], current: Current) -> tuple[Change, ...]:
    """What is still to be done, from the replicas that there are now; partitions that were deleted meanwhile drop out."""
    left = []
    for change in changes:
        now = current.get((change.topic, change.number))
        if now is not None and tuple(now) != change.after:
            left.append(change._replace(before=tuple(now)))
    return tuple(left)


def batches(changes: t.Iterable[Change], max_bytes: int, max_partitions: int) -> list[tuple[Change, ...]]:
    """Changes in batches of at most so many bytes and partitions; a larger partition has a batch of its own.

    Brokers that get replicas take turns, so that a batch does not load one of them alone. What moves no bytes comes last.
    """
    if max_bytes < 1 or max_partitions < 1:
        raise ValueError("A batch holds at least one byte and one partition.")
    found: list[tuple[Change, ...]] = []
    batch: list[Change] = []
    size = 0
    for change in _in_turns(changes):
        moved = change.bytes_moved
        if batch and (size + moved > max_bytes or len(batch) == max_partitions):
            found.append(tuple(batch))
            batch, size = [], 0
        batch.append(change)
        size += moved
    return [*found, tuple(batch)] if batch else found


def _in_turns(changes: t.Iterable[Change]) -> t.Iterator[Change]:
    queues: dict[int, collections.deque[Change]] = {}
    still: list[Change] = []
    for change in changes:
        if change.added:
            queues.setdefault(change.added[0], collections.deque()).append(change)
        else:
            still.append(change)
    while queues:
        for broker in sorted(queues):
            yield queues[broker].popleft()
            if not queues[broker]:
                del queues[broker]
    yield from still


def cancelled(batch: t.Iterable[Change], current: Current) -> tuple[tuple[str, int], ...]:
    """Partitions of a running batch whose reassignment has to be cancelled, for replicas to be as before it."""
    return tuple((change.topic, change.number) for change in remaining(batch, current))


def throttle(batch: t.Sequence[Change]) -> Throttle:
    """What has to be throttled while a batch runs: the copying side of every replica that is there, and each new replica.

    As Kafka's own tool does it: any replica that is there may lead, and so be copied from.
    """
    leader: dict[str, list[str]] = {}
    follower: dict[str, list[str]] = {}
    brokers: set[int] = set()
    for change in batch:
        if change.added:
            leader.setdefault(change.topic, []).extend(f"{change.number}:{broker}" for broker in change.before)
            follower.setdefault(change.topic, []).extend(f"{change.number}:{broker}" for broker in change.added)
            brokers.update(change.before, change.added)
    return Throttle(
        {topic: ",".join(replicas) for topic, replicas in leader.items()},
        {topic: ",".join(replicas) for topic, replicas in follower.items()},
        tuple(sorted(brokers)),
    )


def seconds(batch: t.Iterable[Change], rate: float) -> float:
    """How long a batch takes at ``rate`` bytes a second for each broker, in and out: as long as its busiest broker."""
    if rate <= 0:
        raise ValueError("A throttle is more than 0 bytes a second; with 0 nothing would ever move.")
    into: collections.Counter[int] = collections.Counter()
    out: collections.Counter[int] = collections.Counter()
    for change in batch:
        for broker in change.added:
            into[broker] += change.size
        if change.before:
            out[change.before[0]] += change.bytes_moved
    return max((*into.values(), *out.values()), default=0) / rate


def progress(changes: t.Sequence[Change], current: Current, copied: t.Mapping[tuple[str, int, int], int], elapsed: float) -> Progress:
    """How far a plan is.

    ``copied``: bytes of replicas that are being added, by topic, partition and broker (``DescribeLogDirs``), which tell
    about partitions that are not finished; ``elapsed``: seconds since the plan began, without pauses.
    """
    total = sum(change.bytes_moved for change in changes)
    left = partitions = 0
    for change in remaining(changes, current):
        partitions += 1
        left += sum(max(0, change.size - copied.get((change.topic, change.number, broker), 0)) for broker in change.added)
    done = max(0, total - left)
    return Progress(done, left, partitions, left * elapsed / done if done and elapsed > 0 else (None if left else 0.0))
