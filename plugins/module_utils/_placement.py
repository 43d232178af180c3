# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Where replicas go when brokers are added, removed or replaced. Private to the collection.

One question for all of them: these partitions, and these brokers that may hold replicas from now on. What is on any
other broker leaves it. The answer keeps the racks apart, makes the numbers of replicas and of preferred leaders even,
and moves as few bytes as it can; leaders are made even by the order of the replicas, which moves none.

How: replicas that must go are placed first, each on the broker that lacks most; then brokers with too many give their
smallest; what is left over moves along the shortest chain of brokers (an augmenting path: what fits on a broker and in
a rack is a matroid for each partition, so that a chain exists whenever more evenness is possible).
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement_leaders
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement_levels as _levels

Row = list[int]


class PlacementError(Exception):
    """There is no such placement; the message says why, and what would mend it."""


@dataclasses.dataclass(frozen=True)
class Broker:
    """A broker that may hold replicas. ``rack``: ``broker.rack``; ``capacity``: bytes that its disks may hold in all, None: not limited."""

    id: int
    rack: str | None = None
    capacity: int | None = None


class Partition(t.NamedTuple):
    """``replicas``: broker ids, the preferred leader first; ``size``: bytes of one replica."""

    topic: str
    number: int
    replicas: tuple[int, ...]
    size: int


class Change(t.NamedTuple):
    """A partition that gets other replicas, or another order of them. ``size``: bytes of one replica."""

    topic: str
    number: int
    before: tuple[int, ...]
    after: tuple[int, ...]
    size: int

    @property
    def added(self) -> tuple[int, ...]:
        """Brokers that get a replica."""
        return tuple(broker for broker in self.after if broker not in self.before)

    @property
    def bytes_moved(self) -> int:
        """Bytes that are copied between brokers."""
        return self.size * len(self.added)


@dataclasses.dataclass(frozen=True)
class Plan:
    """``changes``: what is different, in the order of the input. ``bytes_minimum``: no placement as even as this one moves
    less (a bound, which need not be reachable). ``replica_imbalance``, ``leader_imbalance``: most minus fewest on a broker.
    ``rack_violations``: replicas above ``ceil(replicas / racks)`` of their partition in a rack."""

    changes: tuple[Change, ...]
    bytes_moved: int
    bytes_minimum: int
    replica_imbalance: int
    leader_imbalance: int
    rack_violations: int


def plan(partitions: t.Sequence[Partition], brokers: t.Iterable[Broker], balance: bool = True) -> Plan:
    """New replicas for ``partitions`` on ``brokers``; raises :class:`PlacementError` where they cannot hold them.

    Adding: all brokers and the new ones. Removing: all but those. Replacing: all without the old one and with the new
    one. ``balance``: make everything even; without, only replicas that must leave their broker are moved.

    Replicas become even in number, not in bytes: brokers give their smallest ones, which moves least.
    """
    work = _Work(partitions, brokers, balance)
    work.place()
    if balance:
        work.even_replicas()
    leads = _placement_leaders.even_leaders(work.rows, len(work.brokers))
    return work.result(leads)


class _Work:
    """Brokers are counted from 0; a row is the replicas of a partition, -1 where one has to be placed."""

    def __init__(self, partitions: t.Sequence[Partition], brokers: t.Iterable[Broker], balance: bool) -> None:
        self.partitions = partitions
        self.brokers = sorted(brokers, key=lambda broker: broker.id)
        self.index = {broker.id: number for number, broker in enumerate(self.brokers)}
        self.sizes = [partition.size for partition in partitions]
        self.rack_of = _racks(self.brokers)
        self.members: list[Row] = [[] for _rack in range(max(self.rack_of, default=-1) + 1)]
        for broker, rack in enumerate(self.rack_of):
            self.members[rack].append(broker)
        self.limits = {factor: self._limit(factor) for factor in {len(partition.replicas) for partition in partitions}}
        self.capacity = [broker.capacity for broker in self.brokers]
        self.limited = any(capacity is not None for capacity in self.capacity)
        self._read(balance)

    def _limit(self, factor: int) -> tuple[int, int]:
        """Most replicas of a partition in a rack: as wished, and as these racks can hold them."""
        if factor > len(self.brokers):
            topic = next(partition.topic for partition in self.partitions if len(partition.replicas) == factor)
            raise PlacementError(
                f"Topic {topic} has {factor} replicas, and {len(self.brokers)} broker{'s' * (len(self.brokers) != 1)} would be left to hold them. "
                f"Keep at least {factor} brokers, or lower the topic's number of replicas first."
            )
        wished = -(-factor // len(self.members)) if factor else 0
        possible = wished
        while sum(min(possible, len(rack)) for rack in self.members) < factor:
            possible += 1
        return wished, possible

    def _read(self, balance: bool) -> None:
        """Rows, with what must leave its broker taken out; counts and bytes of each broker."""
        get, rack_of, several = self.index.get, self.rack_of, len(self.members) > 1
        self.rows: list[Row] = [[get(broker, -1) for broker in partition.replicas] for partition in self.partitions]
        self.count = self._counts()
        before = list(self.count)
        self.used = [0] * len(self.brokers)
        if self.limited:
            for row, size in zip(self.rows, self.sizes):
                for broker in row:
                    if broker >= 0:
                        self.used[broker] += size
        self.must_move = sum(size * row.count(-1) for row, size in zip(self.rows, self.sizes) if -1 in row)
        violated: list[tuple[int, int]] = []
        for partition, row in enumerate(self.rows) if several else ():
            wished, limit = self.limits[len(row)]
            if wished < limit:
                self._refuse_worse(self.partitions[partition], limit)
            racks = [rack_of[broker] for broker in row if broker >= 0]
            if balance and len(set(racks)) < len(racks) and any(racks.count(rack) > limit for rack in racks):
                violated += [(partition, broker) for broker in self._surplus(row, limit)]
        factors = _levels.occurrences(len(row) for row in self.rows)
        possible = {factor: limit for factor, (_wished, limit) in self.limits.items()}
        shape = _levels.Shape(tuple(tuple(rack) for rack in self.members), factors, possible)
        held = self._held()
        self.goal = _levels.goals(shape, before, held, self.sizes)
        self.minimum = self.must_move
        if balance:
            self.minimum = max(self.must_move + self._surplus_bytes(before, held, violated), self._missing_bytes(before, held))
        for partition, broker in violated:
            self._set(partition, broker, -1)
        if violated:
            held = self._held()
            self.goal = _levels.goals(shape, self.count, held, self.sizes)
        self.held = held
        self.arrived: list[Row] = [[] for _broker in self.brokers]
        self.parted = [partition for partition, _broker in violated]

    def _surplus_bytes(self, count: t.Sequence[int], held: t.Sequence[Row], violated: list[tuple[int, int]]) -> int:
        """Fewest bytes that move between brokers which may keep replicas: what a rack has too much of and the smallest replicas
        of each broker above its level, as far as they cannot be the same."""
        apart = sum(self.sizes[partition] for partition, _broker in violated)
        same = _levels.occurrences(broker for partition in {partition for partition, _broker in violated} for broker in self.rows[partition])

        def smallest(broker: int, number: int) -> int:
            return sum(self.sizes[partition] for partition in held[broker][: max(0, number)])

        over = [number - goal for number, goal in zip(count, self.goal)]
        # Which brokers hold one more than others may be chosen otherwise then: one less leaves each.
        beside = sum(smallest(broker, number - 1 - same.get(broker, 0)) for broker, number in enumerate(over))
        return max(apart + beside, sum(smallest(broker, number) for broker, number in enumerate(over)))

    def _missing_bytes(self, count: t.Sequence[int], held: t.Sequence[Row]) -> int:
        """Fewest bytes that brokers below their level get: of each partition one replica, and none that they have."""
        found = 0
        ordered = sorted(range(len(self.sizes)), key=self.sizes.__getitem__)
        for broker, goal in enumerate(self.goal):
            # One less: which brokers hold one more than others may be chosen otherwise.
            missing = goal - 1 - count[broker]
            if missing > 0:
                has = set(held[broker])
                found += sum(self.sizes[p] for p in itertools.islice((p for p in ordered if p not in has), missing))
        return found

    def _counts(self) -> list[int]:
        found = _levels.occurrences(broker for row in self.rows for broker in row)
        return [found.get(broker, 0) for broker in range(len(self.brokers))]

    def _held(self) -> list[Row]:
        """For each broker its partitions, the smallest first."""
        held: list[Row] = [[] for _broker in self.brokers]
        for partition in sorted(range(len(self.sizes)), key=self.sizes.__getitem__):
            for broker in self.rows[partition]:
                if broker >= 0:
                    held[broker].append(partition)
        return held

    def _refuse_worse(self, partition: Partition, limit: int) -> None:
        """Racks that cannot keep a partition apart are refused, unless it was not kept apart before either.

        Racks of brokers that go are not known here; where one is among the replicas, the partition was spread at least
        as its other replicas are.
        """
        racks = [self.rack_of[self.index[broker]] for broker in partition.replicas if broker in self.index]
        if max(map(racks.count, racks), default=0) < limit:
            raise PlacementError(
                f"The racks cannot hold topic {partition.topic}: of {len(partition.replicas)} replicas, {limit} would be in one rack. "
                "Losing that rack would lose more than it does now. Keep or add brokers in the smaller racks."
            )

    def _surplus(self, row: Row, limit: int) -> t.Iterator[int]:
        """Brokers of a row that their rack has too many of, the fullest first."""
        for rack in {self.rack_of[broker] for broker in row if broker >= 0}:
            there = [broker for broker in row if broker >= 0 and self.rack_of[broker] == rack]
            there.sort(key=self.count.__getitem__, reverse=True)
            yield from there[: len(there) - limit]

    def _set(self, partition: int, old: int, new: int) -> None:
        """Replace one replica, at its place in the row."""
        row, size = self.rows[partition], self.sizes[partition]
        row[row.index(old)] = new
        if old >= 0:
            self.count[old] -= 1
            self.used[old] -= size
        if new >= 0:
            self.count[new] += 1
            self.used[new] += size
            if not self._had(partition, new):
                self.arrived[new].append(partition)

    def _had(self, partition: int, broker: int) -> bool:
        return self.brokers[broker].id in self.partitions[partition].replicas

    def _fits(self, partition: int, broker: int) -> bool:
        capacity = self.capacity[broker]
        return capacity is None or self.used[broker] + self.sizes[partition] <= capacity

    def _open_racks(self, row: Row, leaving: int) -> t.Iterable[int]:
        """Racks that may get a replica of this row when ``leaving`` (a broker or -1) gives its own."""
        if len(self.members) == 1:
            return (0,)
        limit, rack_of = self.limits[len(row)][1], self.rack_of
        racks = [rack_of[broker] for broker in row if broker >= 0 and broker != leaving]
        return [rack for rack in range(len(self.members)) if racks.count(rack) < limit]

    def _best(self, partition: int, leaving: int, members: list[Row], least: int | None = None) -> int:
        """The broker among ``members`` (by rack) that may get the replica and lacks most, more than ``least``; -1: none."""
        row, goal, count = self.rows[partition], self.goal, self.count
        found = -1
        for rack in self._open_racks(row, leaving):
            for broker in members[rack]:
                lack = goal[broker] - count[broker]
                if (least is None or lack > least) and broker not in row and (not self.limited or self._fits(partition, broker)):
                    found, least = broker, lack
        return found

    def place(self) -> None:
        """Every replica that has no broker gets one, the largest first."""
        homeless = [partition for partition, row in enumerate(self.rows) if -1 in row]
        for partition in sorted(homeless, key=self.sizes.__getitem__, reverse=True):
            while -1 in self.rows[partition]:
                broker = self._best(partition, -1, self.members)
                if broker < 0:
                    topic, number, _replicas, size = self.partitions[partition]
                    raise PlacementError(
                        f"No broker has room for {topic}-{number} ({size} bytes) within its capacity and its rack. "
                        "Add a broker or a disk, or lower the retention."
                    )
                self._set(partition, -1, broker)

    def even_replicas(self) -> None:
        """Brokers above their level give their smallest replicas to those that lack most; then chains, for what is left."""
        goal, count = self.goal, self.count
        self._choose_again()
        self._give({partition for arrived in self.arrived for partition in arrived}, copied=True)
        self._give(range(len(self.rows)))
        _levels.even_out(count, goal, self._replica_edges, self._shift)

    def _choose_again(self) -> None:
        """Which of too many in a rack leaves is free: the broker with too many, where the other lacks some."""
        for partition in self.parted:
            before = [self.index[broker] for broker in self.partitions[partition].replicas if broker in self.index]
            for giver in before:
                for taker in before if self.count[giver] > self.goal[giver] else ():
                    if self.count[taker] < self.goal[taker] and self._shift(partition, giver, taker):
                        break

    def _give(self, offered: t.Iterable[int], copied: bool = False) -> None:
        """In the order of giving, and of a partition's brokers the one with most above its level. ``copied``: only what is copied anyhow."""
        goal, count = self.goal, self.count
        over = [max(0, number - goal[broker]) for broker, number in enumerate(count)]
        left = sum(over)
        takers = [[broker for broker in rack if count[broker] < goal[broker]] for rack in self.members]
        for partition in sorted(offered, key=self.sizes.__getitem__) if left and any(takers) else ():
            givers = [broker for broker in self.rows[partition] if over[broker] and not (copied and self._had(partition, broker))]
            if len(givers) > 1:
                givers.sort(key=over.__getitem__, reverse=True)
            for giver in givers:
                taker = self._best(partition, giver, takers, 0)
                if taker >= 0:
                    self._set(partition, giver, taker)
                    over[giver] -= 1
                    left -= 1
                    if count[taker] >= goal[taker]:
                        takers[self.rack_of[taker]].remove(taker)
            if not left or not any(takers):
                return

    def _replica_edges(self, giver: int, unseen: set[int]) -> t.Iterator[tuple[int, int]]:
        """``(taker, partition)`` that the giver could give: what came just now first, since it is copied anyhow."""
        return self._edges((*self.arrived[giver], *self.held[giver]), giver, unseen)

    def _edges(self, partitions: t.Iterable[int], giver: int, unseen: set[int]) -> t.Iterator[tuple[int, int]]:
        for partition in partitions:
            if not unseen:
                return
            row = self.rows[partition]
            if giver in row:
                open_racks = self._open_racks(row, giver)
                for taker in [broker for broker in unseen if broker not in row and self.rack_of[broker] in open_racks]:
                    if self._fits(partition, taker):
                        yield taker, partition

    def _shift(self, partition: int, giver: int, taker: int) -> bool:
        """Move a replica if that is still allowed."""
        row = self.rows[partition]
        if giver not in row or taker in row or self.rack_of[taker] not in self._open_racks(row, giver) or not self._fits(partition, taker):
            return False
        self._set(partition, giver, taker)
        return True

    def result(self, leads: t.Sequence[int]) -> Plan:
        """What is different, and its figures."""
        ids = [broker.id for broker in self.brokers]
        changes = []
        for partition, row in zip(self.partitions, self.rows):
            after = tuple([ids[broker] for broker in row])
            if after != partition.replicas:
                changes.append(Change(partition.topic, partition.number, partition.replicas, after, partition.size))
        return Plan(
            changes=tuple(changes),
            bytes_moved=sum(change.bytes_moved for change in changes),
            bytes_minimum=self.minimum,
            replica_imbalance=max(self.count, default=0) - min(self.count, default=0),
            leader_imbalance=max(leads, default=0) - min(leads, default=0),
            rack_violations=self._violations(),
        )

    def _violations(self) -> int:
        if len(self.members) == 1:
            return 0
        found = 0
        for row in self.rows:
            wished = self.limits[len(row)][0]
            racks = [self.rack_of[broker] for broker in row]
            if len(set(racks)) < len(racks):
                found += sum(max(0, racks.count(rack) - wished) for rack in set(racks))
        return found


def _racks(brokers: t.Sequence[Broker]) -> list[int]:
    """The rack of each broker, counted from 0; all in one where there are none."""
    names = sorted({broker.rack for broker in brokers if broker.rack is not None})
    without = [broker.id for broker in brokers if broker.rack is None]
    if names and without:
        raise PlacementError(
            f"Some brokers have a rack and others ({', '.join(map(str, without))}) have none, so that nobody can tell what is apart. "
            "Give all of them a rack, or none."
        )
    if len(brokers) != len({broker.id for broker in brokers}):
        raise PlacementError("Two brokers have one id. Name each broker once.")
    return [names.index(broker.rack) if broker.rack is not None else 0 for broker in brokers]
