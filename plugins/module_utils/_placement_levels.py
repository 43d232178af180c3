# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""How many replicas each broker should hold, and chains of moves that get there. Private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

Edges = t.Callable[[int, set[int]], t.Iterator[tuple[int, int]]]
"""``(giver, unseen)`` to ``(taker, what it would be given)`` for takers in ``unseen``, which shrinks meanwhile."""

Shift = t.Callable[[int, int, int], bool]
"""``(what, giver, taker)``: move it if that is still allowed."""


def occurrences(values: t.Iterable[int]) -> dict[int, int]:
    """How often each value occurs."""
    return dict(collections.Counter(values))


@dataclasses.dataclass(frozen=True)
class Shape:
    """``racks``: their brokers; ``factors``: number of partitions by number of replicas; ``limits``: most replicas of such
    a partition in a rack."""

    racks: tuple[tuple[int, ...], ...]
    factors: t.Mapping[int, int]
    limits: t.Mapping[int, int]

    def bounds(self, rack: int) -> tuple[int, int]:
        """Fewest and most replicas that a rack must and can hold."""
        low = high = 0
        for factor, number in self.factors.items():
            limit = self.limits[factor]
            most = [min(limit, len(members)) for members in self.racks]
            low += number * max(0, factor - sum(most) + most[rack])
            high += number * min(most[rack], factor)
        return low, high


def goals(shape: Shape, count: t.Sequence[int], held: t.Sequence[t.Sequence[int]], sizes: t.Sequence[int]) -> list[int]:
    """The number of replicas for each broker: even, as far as the racks allow it, and close to what there is.

    Replicas are poured over the racks like water: all brokers have the same level, but for racks that must hold more or
    can hold less. What cannot be divided evenly goes to the brokers that would give the largest replicas otherwise.
    ``count``: replicas now; ``held``: the partitions of each broker, smallest first; ``sizes``: by partition.
    """
    total = sum(factor * number for factor, number in shape.factors.items())
    bounds = [shape.bounds(rack) for rack in range(len(shape.racks))]

    def poured(level: int) -> list[int]:
        return [min(max(len(members) * level, low), high) for members, (low, high) in zip(shape.racks, bounds)]

    level, above = 0, total + 1
    while above - level > 1:
        middle = (level + above) // 2
        level, above = (middle, above) if sum(poured(middle)) <= total else (level, middle)
    goal = [0] * len(count)

    def saved(broker: int) -> tuple[int, int, int]:
        gives = count[broker] - goal[broker]
        return (int(gives > 0), sizes[held[broker][gives - 1]] if gives > 0 else gives, -broker)

    contents = poured(level)
    for members, content in zip(shape.racks, contents):
        share, more = divmod(content, len(members))
        for broker in members:
            goal[broker] = share
        for broker in sorted(members, key=saved, reverse=True)[:more]:
            goal[broker] += 1
    left = total - sum(contents)
    room = [more - content for more, content in zip(poured(level + 1), contents)]
    where = {broker: rack for rack, members in enumerate(shape.racks) for broker in members}
    for broker in sorted(where, key=saved, reverse=True):
        if left and room[where[broker]] and goal[broker] <= level:
            goal[broker] += 1
            room[where[broker]] -= 1
            left -= 1
    return goal


def even_out(count: t.Sequence[int], goal: t.Sequence[int], edges: Edges, shift: Shift) -> None:
    """Move along chains from fuller to emptier brokers until no chain makes it more even. ``count`` changes with ``shift``.

    A goal that is reached needs no search. One that nothing reaches (numbers of replicas that differ, capacities) costs
    a search over everything for each broker that is stuck.
    """
    _drain(count, goal, edges, shift)
    _fill(count, goal, edges, shift)


def _drain(count: t.Sequence[int], goal: t.Sequence[int], edges: Edges, shift: Shift) -> None:
    stuck: set[int] = set()
    while True:
        over = [broker for broker in range(len(count)) if count[broker] > goal[broker] and broker not in stuck]
        if not over:
            return
        giver = max(over, key=count.__getitem__)
        most = count[giver] - 2
        seen = _chain([giver], lambda taker, most=most: count[taker] <= most, len(count), edges, shift)  # type: ignore[misc]
        # What is reached from there reaches nothing emptier either.
        stuck.update(broker for broker in seen if count[broker] <= count[giver])


def _fill(count: t.Sequence[int], goal: t.Sequence[int], edges: Edges, shift: Shift) -> None:
    stuck: set[int] = set()
    while True:
        under = [broker for broker in range(len(count)) if count[broker] < goal[broker] and broker not in stuck]
        if not under:
            return
        taker = min(under, key=count.__getitem__)
        givers = [broker for broker in range(len(count)) if count[broker] >= count[taker] + 2]
        seen = _chain(givers, lambda broker, taker=taker: broker == taker, len(count), edges, shift) if givers else {-1}  # type: ignore[misc]
        # Fewer brokers could give to a fuller one.
        stuck.update(broker for broker in under if seen and broker not in seen and count[broker] >= count[taker])


def _chain(givers: t.Sequence[int], wanted: t.Callable[[int], bool], number: int, edges: Edges, shift: Shift) -> set[int]:
    """Move one thing along each link of the shortest chain from a giver to a wanted broker.

    Returns nothing where that was done, and otherwise all brokers that were reached, the givers with them.
    """
    come: dict[int, tuple[int, int]] = {}
    unseen = set(range(number)) - set(givers)
    queue = collections.deque(givers)
    while queue:
        giver = queue.popleft()
        for taker, what in edges(giver, unseen):
            if taker not in unseen:
                continue
            unseen.discard(taker)
            come[taker] = (giver, what)
            if wanted(taker):
                return set() if _move(taker, come, shift) else {*givers}
            queue.append(taker)
    return {*givers, *come}


def _move(end: int, come: t.Mapping[int, tuple[int, int]], shift: Shift) -> bool:
    """From the end, so that each link moves before the one that needs its room; all of it or nothing."""
    done: list[tuple[int, int, int]] = []
    taker = end
    while taker in come:
        giver, what = come[taker]
        if not shift(what, giver, taker):
            for moved, source, target in reversed(done):
                shift(moved, target, source)
            return False
        done.append((what, giver, taker))
        taker = giver
    return True
