# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From what there is to what a reassignment has to do: targets, figures, refusals. Pure; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement, _placement_batches
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import THROTTLES, TopicState

Item = t.TypeVar("Item")
Place = tuple[str, int]
"""A topic and the number of a partition."""

SHOWN = 5
"""How many partitions a message names."""

HANDED_OVER = 25
"""One in so many partitions of a batch, at most, is handed over to Kafka, or elected, at a time; see :func:`parts`. Each replica that has caught up
changes the epoch of its leader, and whatever brokers have to take in at one time, clients wait for (docs/safety.md)."""


@dataclasses.dataclass(frozen=True)
class State:
    """``brokers``: racks of those that are alive, by id; ``sizes``: bytes of a replica by topic, partition and broker."""

    brokers: t.Mapping[int, str]
    topics: t.Mapping[str, TopicState]
    sizes: t.Mapping[tuple[str, int, int], int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Limits:
    """Of a batch: bytes and partitions; ``throttle``: bytes a second for each broker, 0 for no throttle."""

    bytes: int
    partitions: int
    throttle: int = 0

    def __post_init__(self) -> None:
        for name, value, least in (("batch_bytes", self.bytes, 1), ("batch_partitions", self.partitions, 1), ("throttle", self.throttle, 0)):
            if value < least:
                raise Refusal(f"{name} is {value}, with which nothing would ever move. Nothing was changed. Mend: write at least {least}.")


def partitions(state: State) -> list[_placement.Partition]:
    """Every partition, as it will be when the reassignments that run now have ended."""
    sizes = state.sizes.get
    return [
        _placement.Partition(name, number, each.target, max((sizes((name, number, broker), 0) for broker in each.replicas), default=0))
        for name, topic in sorted(state.topics.items())
        for number, each in enumerate(topic.partitions)
    ]


def replicas(state: State) -> dict[Place, tuple[int, ...]]:
    """What Kafka reports as replicas of each partition."""
    return {(name, number): each.replicas for name, topic in state.topics.items() for number, each in enumerate(topic.partitions)}


def running(state: State) -> tuple[_placement.Change, ...]:
    """The reassignments that are under way, as if this had asked for them."""
    sizes = {(each.topic, each.number): each.size for each in partitions(state)}
    return tuple(
        _placement.Change(name, number, tuple(broker for broker in each.replicas if broker not in each.adding), each.target, sizes[name, number])
        for name, topic in sorted(state.topics.items())
        for number, each in enumerate(topic.partitions)
        if each.adding or each.removing
    )


def in_vain(state: State, wanted: t.Collection[int] = ()) -> tuple[_placement.Change, ...]:
    """Reassignments under way to brokers that are not to hold replicas, or not alive: these would be undone, or never end."""
    useful = set(wanted or state.brokers).intersection(state.brokers)
    return tuple(change for change in running(state) if not useful.issuperset(change.added))


def plan(state: State, wanted: t.Collection[int] = (), *, fewer_racks: bool = False) -> _placement.Plan:
    """Where replicas should be. ``wanted``: brokers that may hold some; none named: all that are alive. ``fewer_racks``:
    whether the replicas of a partition may end up in fewer racks than they are in.

    Raises :class:`Refusal` where they cannot hold them, or one of them is not alive: a broker that is only down for a
    moment must not lose its replicas by mistake.
    """
    there = partitions(state)
    holding = {broker for partition in there for broker in partition.replicas}
    chosen = set(wanted) or {*state.brokers, *holding}
    _refuse_dead(sorted(chosen - set(state.brokers)), named=bool(wanted))
    brokers = [_placement.Broker(broker, state.brokers[broker] or None) for broker in sorted(chosen)]
    try:
        found = _placement.plan(there, brokers)
    except _placement.PlacementError as error:
        raise Refusal(f"{error} Nothing was changed.") from None
    _refuse_leaderless(state, found.changes)
    if not fewer_racks:
        _refuse_fewer_racks(state, found.changes)
    return found


def _refuse_dead(dead: t.Sequence[int], *, named: bool) -> None:
    if not dead:
        return
    who = f"broker{'s' * (len(dead) > 1)} {', '.join(map(str, dead))} {'are' if len(dead) > 1 else 'is'} not alive"
    if named:
        raise Refusal(
            f"{who}, and should hold replicas, which nobody could copy there. Nothing was changed. "
            "Mend: start what is missing (site.yml makes nodes that are new), or leave it off the list of brokers."
        )
    raise Refusal(
        f"{who}, and holds replicas, which would all move away. Nothing was changed. "
        "Mend: start what is missing; where it is not to come back, name in brokers all that may hold replicas from now on."
    )


def _refuse_leaderless(state: State, changes: t.Iterable[_placement.Change]) -> None:
    without = [change for change in changes if change.added and state.topics[change.topic].partitions[change.number].leader < 0]
    if without:
        raise Refusal(
            f"{len(without)} partition{'s' * (len(without) > 1)} that would move {'have' if len(without) > 1 else 'has'} no leader to copy from: "
            f"{_named((change.topic, change.number) for change in without)}. Nothing was changed. "
            "Mend: start a broker that has a replica in sync, or delete the topic."
        )


def _refuse_fewer_racks(state: State, changes: t.Iterable[_placement.Change]) -> None:
    def racks(brokers: t.Iterable[int]) -> set[str]:
        return {state.brokers[broker] for broker in brokers if state.brokers.get(broker)}

    for change in changes:
        before, after = racks(change.before), racks(change.after)
        if len(after) < len(before):
            raise Refusal(
                f"Topic {change.topic} has {len(change.before)} replicas in {len(before)} racks ({', '.join(sorted(before))}), and the brokers that are left "
                f"would have them in {len(after)} ({', '.join(sorted(after))}). Losing one rack would lose more than it does now. Nothing was changed. "
                "Mend: keep or add brokers in the other racks; or set allow_fewer_racks where that is what you want."
            )


def _named(places: t.Iterable[Place]) -> str:
    names = [f"{topic}-{number}" for topic, number in places]
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def leaders_last(state: State, changes: t.Iterable[_placement.Change]) -> tuple[_placement.Change, ...]:
    """The same replicas, new ones last: whoever leads now goes on, or else somebody who is in sync already takes over.

    A broker that gets a replica has often just begun; its first fetches already hold acknowledgements up, and a partition that it
    led from the moment it is in sync (Kafka elects the first replica) would wait for its first connections as well. What is
    planned first is written when nothing is copied any more, as another order of the same replicas.
    """

    def order(change: _placement.Change) -> tuple[int, ...]:
        leader = state.topics[change.topic].partitions[change.number].leader
        return tuple(sorted(change.after, key=lambda broker: (broker != leader, broker not in change.before)))

    return tuple(change._replace(after=order(change)) if change.added else change for change in changes)


def parts(items: t.Sequence[Item], most: int) -> t.Iterator[t.Sequence[Item]]:
    """One, then twice as many each time, up to ``most`` at once: who has just begun does everything for the first time with the first."""
    begin, size = 0, 1
    while begin < len(items):
        yield items[begin : begin + size]
        begin, size = begin + size, min(2 * size, most)


def holding(state: State, brokers: t.Collection[int]) -> dict[int, list[Place]]:
    """The partitions that each of these brokers has a replica of, or is given one by a reassignment; brokers without any are left out."""
    found: dict[int, list[Place]] = collections.defaultdict(list)
    for name, topic in sorted(state.topics.items()):
        for number, each in enumerate(topic.partitions):
            for broker in {*each.replicas, *each.adding}.intersection(brokers):
                found[broker].append((name, number))
    return dict(sorted(found.items()))


def require_empty(state: State, brokers: t.Collection[int], what: str) -> None:
    """Refuse to go on where a broker has a replica. ``what``: what is refused then."""
    found = holding(state, brokers)
    if found:
        shown = "; ".join(f"broker {broker} has {len(places)}: {_named(places)}" for broker, places in found.items())
        raise Refusal(f"{what}, since replicas are left: {shown}. Nothing was changed. Mend: move them away first, with playbooks/scale.yml.")


def require_gone(state: State, brokers: t.Collection[int]) -> None:
    """Refuse to unregister a broker that is alive: it would have to stop at once."""
    alive = sorted(set(brokers).intersection(state.brokers))
    if alive:
        raise Refusal(f"not unregistered: {', '.join(map(str, alive))} still alive. Nothing was changed. Mend: stop what is alive first.")


def elections(state: State, among: t.Collection[Place] | None = None) -> list[Place]:
    """Partitions whose preferred leader is in sync and does not lead."""
    return [
        (name, number)
        for name, topic in sorted(state.topics.items())
        for number, each in enumerate(topic.partitions)
        if each.replicas and each.leader not in (each.replicas[0], -1) and each.replicas[0] in each.in_sync and (among is None or (name, number) in among)
    ]


def throttled(state: State) -> list[str]:
    """Topics that name replicas to be throttled, as a reassignment does; ``*``, which is all, is somebody's own wish."""
    return sorted(name for name, topic in state.topics.items() if any(topic.config[key].text not in ("", "*") for key in THROTTLES & topic.config.keys()))


def figures(there: t.Iterable[_placement.Partition], brokers: t.Iterable[int]) -> list[dict[str, int]]:
    """By broker: replicas, preferred leaders and bytes."""
    count: collections.Counter[int] = collections.Counter()
    leads: collections.Counter[int] = collections.Counter()
    size: collections.Counter[int] = collections.Counter()
    for partition in there:
        leads.update(partition.replicas[:1])
        for broker in partition.replicas:
            count[broker] += 1
            size[broker] += partition.size
    return [{"id": broker, "replicas": count[broker], "leaders": leads[broker], "bytes": size[broker]} for broker in sorted({*brokers, *count})]


def moved(there: t.Iterable[_placement.Partition], changes: t.Iterable[_placement.Change]) -> list[_placement.Partition]:
    """The partitions after the changes."""
    after = {(change.topic, change.number): change.after for change in changes}
    return [partition._replace(replicas=after.get((partition.topic, partition.number), partition.replicas)) for partition in there]


def left(state: State, changes: t.Sequence[_placement.Change], limits: Limits, rate: float = 0) -> dict[str, t.Any]:
    """What is still to be done. ``rate``: bytes a second that were measured, 0 where nothing was; the seconds are None where nobody can tell."""
    moves = leaders_last(state, changes)
    orders = [planned._replace(before=move.after) for planned, move in zip(changes, moves) if planned.after != move.after]
    batches = [batch for part in (moves, orders) for batch in _placement_batches.batches(part, limits.bytes, limits.partitions)]
    size = sum(change.bytes_moved for change in changes)
    seconds: float | None = None
    if rate:
        seconds = size / rate
    elif limits.throttle:
        seconds = sum(_placement_batches.seconds(batch, limits.throttle) for batch in batches)
    elif not size:
        seconds = 0.0
    return {
        "partitions": len(changes),
        "bytes": size,
        "batches": len(batches),
        "seconds": None if seconds is None else round(seconds, 1),
    }


def shown(changes: t.Iterable[_placement.Change]) -> dict[str, dict[str, list[int]]]:
    """For a diff: the replicas of what changes, before and after."""
    before: dict[str, list[int]] = {}
    after: dict[str, list[int]] = {}
    for change in changes:
        name = f"{change.topic}-{change.number}"
        before.setdefault(name, list(change.before))
        after[name] = list(change.after)
    return {"before": before, "after": after}
