# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts for messages: what was sent against what stands in the log. Pure.

Times are seconds of one monotonic clock. A *number* counts the messages of a partition from 0 on, in the order in which they
were handed to the producer; a *place* is a partition and an offset.
"""

from __future__ import annotations

import collections
import dataclasses
import itertools
import typing as t

PERCENTILES = (50.0, 90.0, 99.0, 99.9, 100.0)
Period = t.Tuple[float, float]  # noqa: UP006


@dataclasses.dataclass
class Sent:
    """A message that was handed to the producer. ``done``: when it was acknowledged or failed; None while neither is known."""

    partition: int
    number: int
    at: float
    done: float | None = None
    error: str = ""
    offset: int = -1

    @property
    def acknowledged(self) -> bool:
        return self.done is not None and not self.error


@dataclasses.dataclass(frozen=True)
class Stored:
    """A record as the reader was given it, with what its batch's header says of the producer (-1 for nothing)."""

    partition: int
    offset: int
    number: int
    producer_id: int = -1
    epoch: int = -1
    sequence: int = -1
    leader_epoch: int = -1


@dataclasses.dataclass(frozen=True)
class Probe:
    """A message that is sent once and never again. ``outcome``: ``ok``, ``refused`` (too few replicas in sync), or another error."""

    partition: int
    at: float
    outcome: str


@dataclasses.dataclass(frozen=True)
class Duplicate:
    """A number that stands at several offsets, and who let it: ``client`` or ``broker``; ``unknown`` without a producer id."""

    partition: int
    number: int
    blame: str
    acknowledged_at: int
    records: tuple[Stored, ...]


@dataclasses.dataclass(frozen=True)
class Stall:
    """A time without an acknowledgement while something was outstanding: how long, since when, and of which partition (-1: all)."""

    seconds: float
    since: float
    partition: int = -1


@dataclasses.dataclass(frozen=True)
class Account:
    """What became of the messages. ``whole`` says whether nothing is to be complained about.

    ``failed``: the producer gave up, or had not said anything at the end. ``stored_though_failed``: those of them that can be
    read all the same, which is allowed. ``lost``: acknowledged and not in the log. ``duplicates``: in the log more often than
    once. ``delivered_twice``: places that the reader was given more than once, which says nothing about the log.
    ``out_of_order``: messages that stand behind one with a higher number. ``unknown``: numbers that were never sent.
    ``refused``: the seconds in which a partition did not take writes since too few replicas were in sync.
    """

    sent: int
    acknowledged: int
    failed: int
    stored_though_failed: int
    lost: tuple[tuple[int, int], ...]
    duplicates: tuple[Duplicate, ...]
    delivered_twice: int
    out_of_order: int
    unknown: int
    unread: int
    latency: dict[str, float]
    histogram: dict[str, int]
    stall: Stall
    partition_stalls: tuple[Stall, ...]
    refused: float
    errors: dict[str, int]

    @property
    def duplicated(self) -> int:
        return sum(len(each.records) - 1 for each in self.duplicates)

    @property
    def longest(self) -> Stall:
        """The longest time that one partition went without an acknowledgement."""
        return max(self.partition_stalls, key=lambda stall: stall.seconds, default=Stall(0, 0))

    @property
    def whole(self) -> bool:
        return self.sent > 0 and not any((self.failed, self.lost, self.duplicates, self.out_of_order, self.unknown, self.unread))

    @property
    def text(self) -> str:
        """The account as one line."""
        said = (
            f"sent {self.sent}, failed {self.failed}, lost {len(self.lost)}, duplicated {self.duplicated}, out of order {self.out_of_order}; "
            f"longest without an acknowledgement: a partition {self.longest.seconds:.1f} s, all {self.stall.seconds:.1f} s; "
            f"refused for {self.refused:.1f} s; latency p99 {self.latency.get('99', 0):.3f} s"
        )
        if self.unread:
            said += f"; {self.unread} records could not be read, so what is lost is not known"
        return said + (f"; {self.unknown} numbers were never sent" if self.unknown else "")

    def report(self) -> dict[str, t.Any]:
        """All of it, for JSON."""
        return {
            **dataclasses.asdict(self),
            "duplicated": self.duplicated,
            "longest": dataclasses.asdict(self.longest),
            "whole": self.whole,
            "text": self.text,
        }


def account(
    sent: t.Sequence[Sent], stored: t.Sequence[Stored], end: float, probes: t.Iterable[Probe] = (), unread: int = 0, begun: float = 0.0
) -> Account:
    """Account for everything that was sent.

    ``end``: until when was waited for acknowledgements. ``unread``: how many records there are that the reader did not get; with
    any, a missing message is not called lost. ``begun``: when what is measured began; see :func:`longest_stall`.
    """
    places: dict[tuple[int, int], dict[int, Stored]] = collections.defaultdict(dict)
    deliveries: collections.Counter[tuple[int, int]] = collections.Counter()
    for record in stored:
        deliveries[record.partition, record.offset] += 1
        places[record.partition, record.number][record.offset] = record
    known = {(each.partition, each.number): each for each in sent}
    latencies = sorted(each.done - each.at for each in sent if each.acknowledged and each.done is not None)
    partitions = sorted({each.partition for each in sent})
    return Account(
        sent=len(sent),
        acknowledged=len(latencies),
        failed=len(sent) - len(latencies),
        stored_though_failed=sum(1 for key, each in known.items() if not each.acknowledged and key in places),
        lost=() if unread else tuple(sorted(key for key, each in known.items() if each.acknowledged and key not in places)),
        duplicates=tuple(
            Duplicate(*key, blame(list(found.values())), known[key].offset if key in known else -1, tuple(found[offset] for offset in sorted(found)))
            for key, found in sorted(places.items())
            if len(found) > 1
        ),
        delivered_twice=sum(1 for count in deliveries.values() if count > 1),
        out_of_order=out_of_order(places),
        unknown=sum(1 for key in places if key not in known),
        unread=unread,
        latency=percentiles(latencies),
        histogram=histogram(latencies),
        stall=longest_stall(sent, end, begun=begun),
        partition_stalls=tuple(longest_stall([each for each in sent if each.partition == number], end, number, begun=begun) for number in partitions),
        refused=sum(until - since for since, until in refused_periods(probes, end)),
        errors=dict(collections.Counter(each.error or "no answer until the end" for each in sent if not each.acknowledged)),
    )


def blame(records: t.Sequence[Stored]) -> str:
    """Who let one number into the log more than once.

    A broker must refuse a sequence number that it has already stored for a producer's id and epoch. Where two of the records
    share all three, it did not; where none do, the client sent the same message as if it were another one.
    """
    if any(record.producer_id < 0 or record.sequence < 0 for record in records):
        return "unknown"
    return "client" if len({(record.producer_id, record.epoch, record.sequence) for record in records}) == len(records) else "broker"


def out_of_order(places: t.Mapping[tuple[int, int], t.Mapping[int, Stored]]) -> int:
    """How many messages stand behind one with a higher number; of a duplicate, only its first place counts."""
    firsts: dict[int, list[tuple[int, int]]] = collections.defaultdict(list)
    for (partition, number), found in places.items():
        firsts[partition].append((min(found), number))
    count = 0
    for row in firsts.values():
        numbers = [number for _offset, number in sorted(row)]
        count += sum(1 for number, highest in zip(numbers[1:], itertools.accumulate(numbers, max)) if number < highest)
    return count


def percentiles(ordered: t.Sequence[float]) -> dict[str, float]:
    """Nearest-rank percentiles of sorted values, by their number as text; none of no values."""
    return {f"{rank:g}": ordered[max(0, -(-int(len(ordered) * rank * 10) // 1000) - 1)] for rank in PERCENTILES} if ordered else {}


def histogram(values: t.Iterable[float]) -> dict[str, int]:
    """How many values lie below each power of two of milliseconds and not below the one before, by that bound."""
    found: collections.Counter[int] = collections.Counter(int(value * 1000).bit_length() for value in values)
    return {f"<{2**bits} ms": found[bits] for bits in sorted(found)}


def longest_stall(sent: t.Iterable[Sent], end: float, partition: int = -1, *, begun: float = 0.0) -> Stall:
    """The longest time without an acknowledgement while at least one message was outstanding.

    It begins with the last acknowledgement, or with the sending where nothing was outstanding before. A message that fails is
    no acknowledgement, and ends the time only where nothing else is outstanding. What ended before ``begun`` does not count.
    """
    # At one moment sendings count before answers, so that what was answered at once was outstanding before.
    events: list[tuple[float, int, bool]] = []
    for each in sent:
        done = end if each.done is None else each.done
        events += [(each.at, 1, False), (max(done, each.at), -1, each.acknowledged)]
    outstanding, since, longest = 0, 0.0, Stall(0, 0, partition)
    for now, change, acknowledged in sorted(events, key=lambda event: (event[0], -event[1])):
        if change > 0 and not outstanding:
            since = now
        outstanding += change
        if acknowledged or not outstanding:
            if now - since > longest.seconds and now >= begun:
                longest = Stall(now - since, since, partition)
            since = now
    return longest


def refused_periods(probes: t.Iterable[Probe], end: float) -> list[Period]:
    """When at least one partition refused writes: from each refused probe to the next probe of that partition, or the end."""
    rows: dict[int, list[Probe]] = collections.defaultdict(list)
    for probe in sorted(probes, key=lambda each: each.at):
        rows[probe.partition].append(probe)
    periods = sorted(
        (probe.at, max(probe.at, after.at if after else end))
        for row in rows.values()
        for probe, after in itertools.zip_longest(row, row[1:])
        if probe.outcome == "refused"
    )
    merged: list[Period] = []
    for since, until in periods:
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged
