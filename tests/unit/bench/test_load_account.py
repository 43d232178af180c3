# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge calls lost what is lost and nothing else, and so with every other verdict."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from load.account import Account, Probe, Sent, Stall, Stored, account, blame, histogram, longest_stall, percentiles, refused_periods

# Two partitions, all acknowledged after 0.1 s and stored in order.
SENT = [Sent(0, 0, 1.0, 1.1, offset=0), Sent(1, 0, 1.2, 1.3, offset=0), Sent(0, 1, 1.4, 1.5, offset=1)]
STORED = [Stored(0, 0, 0, 7, 0, 0), Stored(0, 1, 1, 7, 0, 1), Stored(1, 0, 0, 7, 0, 0)]


def failed(sent: Sent) -> Sent:
    return dataclasses.replace(sent, error="KafkaTimeoutError", offset=-1)


def figures(found: Account) -> dict[str, int]:
    """What is complained about."""
    counts = {
        "failed": found.failed,
        "stored_though_failed": found.stored_though_failed,
        "lost": len(found.lost),
        "duplicated": found.duplicated,
        "delivered_twice": found.delivered_twice,
        "out_of_order": found.out_of_order,
        "unknown": found.unknown,
        "unread": found.unread,
    }
    return {name: count for name, count in counts.items() if count}


@pytest.mark.parametrize(
    ("what", "sent", "stored", "expected", "whole"),
    [
        ("all is there", SENT, STORED, {}, True),
        ("nothing was sent", [], [], {}, False),
        ("an acknowledged one is not there", SENT, STORED[:1] + STORED[2:], {"lost": 1}, False),
        ("one that failed is not there", [*SENT[:2], failed(SENT[2])], STORED[:1] + STORED[2:], {"failed": 1}, False),
        ("one that failed is there", [*SENT[:2], failed(SENT[2])], STORED, {"failed": 1, "stored_though_failed": 1}, False),
        ("one was never answered", [*SENT[:2], Sent(0, 1, 1.4)], STORED, {"failed": 1, "stored_though_failed": 1}, False),
        ("one number at two offsets", SENT, [*STORED, Stored(1, 1, 0, 7, 0, 1)], {"duplicated": 1}, False),
        ("one number at three offsets", SENT, [*STORED, Stored(1, 1, 0, 7, 0, 1), Stored(1, 2, 0, 7, 0, 2)], {"duplicated": 2}, False),
        ("one offset delivered twice", SENT, [*STORED, STORED[2]], {"delivered_twice": 1}, True),
        ("the same number in another partition", SENT, [STORED[0], STORED[1], STORED[2]], {}, True),
        ("two the wrong way round", SENT, [Stored(0, 0, 1), Stored(0, 1, 0), STORED[2]], {"out_of_order": 1}, False),
        ("read the wrong way round", SENT, [STORED[1], STORED[0], STORED[2]], {}, True),
        ("a late duplicate is not out of order too", SENT, [*STORED, Stored(0, 2, 0, 7, 0, 2)], {"duplicated": 1}, False),
        ("a gap in the offsets", SENT, [Stored(0, 5, 0), Stored(0, 9, 1), STORED[2]], {}, True),
        ("a number that was never sent", SENT, [*STORED, Stored(0, 2, 2)], {"unknown": 1}, False),
        ("one partition only is the other's loss", SENT, STORED[:2], {"lost": 1}, False),
    ],
)
def test_verdicts(what: str, sent: list[Sent], stored: list[Stored], expected: dict[str, int], whole: bool) -> None:
    found = account(sent, stored, end=2.0)
    assert (figures(found), found.whole) == (expected, whole), what


def test_what_was_not_read_is_not_lost() -> None:
    found = account(SENT, STORED[:1], end=2.0, unread=2)
    assert (found.lost, found.unread, found.whole) == ((), 2, False)
    assert "2 records could not be read" in found.text
    assert len(account(SENT, STORED[:1], end=2.0).lost) == 2


@pytest.mark.parametrize(
    ("what", "second", "expected"),
    [
        ("the same sequence stored again", Stored(0, 9, 4, 7, 0, 3), "broker"),
        ("under a new sequence", Stored(0, 9, 4, 7, 0, 8), "client"),
        ("under a new epoch", Stored(0, 9, 4, 7, 1, 3), "client"),
        ("under a new producer id", Stored(0, 9, 4, 8, 0, 3), "client"),
        ("by a producer that is not idempotent", Stored(0, 9, 4), "unknown"),
    ],
)
def test_who_let_a_duplicate_in(what: str, second: Stored, expected: str) -> None:
    first = Stored(0, 4, 4, 7, 0, 3)
    assert blame([first, second]) == expected, what
    sent = [Sent(0, number, 1.0, 1.1, offset=number) for number in range(5)]
    stored = [Stored(0, number, number, 7, 0, number) for number in range(4)]
    (duplicate,) = account(sent, [*stored, second, first], end=2.0).duplicates
    assert (duplicate.partition, duplicate.number, duplicate.blame, duplicate.acknowledged_at) == (0, 4, expected, 4)
    assert duplicate.records == (first, second)


@pytest.mark.parametrize(
    ("what", "sent", "end", "expected"),
    [
        ("nothing was sent", [], 9, Stall(0, 0)),
        ("one is answered", [Sent(0, 0, 1, 3)], 9, Stall(2, 1)),
        ("nothing outstanding in between", [Sent(0, 0, 1, 2), Sent(0, 1, 7, 8.5)], 9, Stall(1.5, 7)),
        ("something outstanding in between", [Sent(0, 0, 1, 2), Sent(0, 1, 1.5, 8.5)], 9, Stall(6.5, 2)),
        ("others' acknowledgements count", [Sent(0, 0, 1, 8), *(Sent(1, number, number, number + 0.5) for number in range(1, 8))], 9, Stall(1, 1.5)),
        ("a failure is no acknowledgement", [Sent(0, 0, 1, 6), Sent(0, 1, 1, 4, error="x")], 9, Stall(5, 1)),
        ("a failure ends it where nothing else is outstanding", [Sent(0, 1, 1, 4, error="x"), Sent(0, 0, 6, 7)], 9, Stall(3, 1)),
        ("one is never answered", [Sent(0, 0, 1, 2), Sent(0, 1, 3)], 9, Stall(6, 3)),
        ("answered at once", [Sent(0, 0, 1, 1)], 9, Stall(0, 0)),
        ("the next one is sent when the last is answered", [Sent(0, 0, 1, 3), Sent(0, 1, 3, 4)], 9, Stall(2, 1)),
    ],
)
def test_the_longest_time_without_an_acknowledgement(what: str, sent: list[Sent], end: float, expected: Stall) -> None:
    assert longest_stall(sent, end) == expected, what


@pytest.mark.parametrize(
    ("begun", "expected"),
    [(0.0, Stall(4, 1)), (5.0, Stall(4, 1)), (5.1, Stall(2, 6))],
    ids=["all", "what ends then counts whole", "what ended before does not count"],
)
def test_what_a_load_waited_for_before_what_is_measured_does_not_count(begun: float, expected: Stall) -> None:
    assert longest_stall([Sent(0, 0, 1, 5), Sent(0, 1, 6, 8)], 9, begun=begun) == expected


def test_each_partition_is_measured_on_its_own() -> None:
    sent = [Sent(0, 0, 1, 8), *(Sent(1, number, number + 1, number + 1.5) for number in range(7))]
    found = account(sent, [], end=9)
    assert found.partition_stalls == (Stall(7, 1, 0), Stall(0.5, 1, 1))
    assert (found.longest, found.stall) == (Stall(7, 1, 0), Stall(1, 1.5))
    later = account(sent, [], end=9, begun=8.5)
    assert (later.partition_stalls, later.stall) == ((Stall(0, 0, 0), Stall(0, 0, 1)), Stall(0, 0))


@pytest.mark.parametrize(
    ("what", "probes", "expected"),
    [
        ("none", [], []),
        ("all taken", [Probe(0, 1, "ok"), Probe(0, 2, "ok")], []),
        ("another error is no refusal", [Probe(0, 1, "KafkaTimeoutError"), Probe(0, 2, "ok")], []),
        ("until the next probe", [Probe(0, 1, "refused"), Probe(0, 2, "ok")], [(1, 2)]),
        ("twice in a row", [Probe(0, 1, "refused"), Probe(0, 2, "refused"), Probe(0, 3, "ok")], [(1, 3)]),
        ("until another error", [Probe(0, 1, "refused"), Probe(0, 2, "x"), Probe(0, 9, "ok")], [(1, 2)]),
        ("until the end", [Probe(0, 1, "refused")], [(1, 10)]),
        ("two apart", [Probe(0, 1, "refused"), Probe(0, 2, "ok"), Probe(0, 4, "refused"), Probe(0, 5, "ok")], [(1, 2), (4, 5)]),
        ("another partition's probe does not end it", [Probe(0, 1, "refused"), Probe(1, 2, "ok"), Probe(0, 3, "ok")], [(1, 3)]),
        ("two partitions at once count once", [Probe(0, 1, "refused"), Probe(1, 2, "refused"), Probe(0, 3, "ok"), Probe(1, 4, "ok")], [(1, 4)]),
    ],
)
def test_when_writes_were_refused(what: str, probes: list[Probe], expected: list[tuple[float, float]]) -> None:
    assert refused_periods(probes, 10) == expected, what
    assert account(SENT, STORED, 10, probes).refused == sum(until - since for since, until in expected)


def test_latencies() -> None:
    assert percentiles([]) == {}
    assert percentiles([0.5]) == {"50": 0.5, "90": 0.5, "99": 0.5, "99.9": 0.5, "100": 0.5}
    assert percentiles([number / 1000 for number in range(1, 1001)]) == {"50": 0.5, "90": 0.9, "99": 0.99, "99.9": 0.999, "100": 1.0}
    assert histogram([0, 0.0005, 0.001, 0.003, 0.004, 0.1]) == {"<1 ms": 2, "<2 ms": 1, "<4 ms": 1, "<8 ms": 1, "<128 ms": 1}
    assert account(SENT, STORED, 2).histogram == {"<128 ms": 3}


def test_the_report_is_json_and_the_line_tells_all() -> None:
    found = account([*SENT, Sent(0, 2, 1.6, 1.8, error="KafkaTimeoutError")], [*STORED, Stored(1, 1, 0, 7, 0, 1)], 2, [Probe(0, 1, "refused")])
    report = json.loads(json.dumps(found.report()))
    assert report["errors"] == {"KafkaTimeoutError": 1}
    assert (report["duplicated"], report["longest"]["partition"], report["whole"]) == (1, 0, False)
    assert report["duplicates"][0]["records"][1]["offset"] == 1
    assert report["text"].startswith("sent 4, failed 1, lost 0, duplicated 1, out of order 0; longest without an acknowledgement: a partition 0.2 s")
    assert "refused for 1.0 s" in report["text"]


MESSAGES = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 100), st.floats(0, 5)), max_size=60)


def run(messages: list[tuple[int, float, float]]) -> tuple[list[Sent], list[Stored]]:
    """What a perfect cluster does with messages of some partitions, times and latencies."""
    sent: list[Sent] = []
    for partition, at, latency in sorted(messages, key=lambda each: each[1]):
        number = sum(1 for each in sent if each.partition == partition)
        sent.append(Sent(partition, number, at, at + latency, offset=number))
    return sent, [Stored(each.partition, each.number, each.number, 1, 0, each.number) for each in sent]


@given(MESSAGES, st.randoms())
def test_a_perfect_run_is_whole_in_whatever_order_it_is_read(messages: list[tuple[int, float, float]], random: object) -> None:
    sent, stored = run(messages)
    random.shuffle(stored)  # type: ignore[attr-defined]
    found = account(sent, stored, 200)
    assert figures(found) == {}
    assert found.whole == bool(sent)
    # Where nobody is acknowledged, the partition that waits is not either.
    assert found.stall.seconds <= found.longest.seconds


@given(MESSAGES.filter(bool), st.data())
def test_each_fault_is_counted_exactly_once(messages: list[tuple[int, float, float]], data: st.DataObject) -> None:
    sent, stored = run(messages)
    places = st.sets(st.integers(0, len(stored) - 1))
    gone, doubled, read_twice = data.draw(places), data.draw(places), data.draw(places)
    log = [record for number, record in enumerate(stored) if number not in gone]
    log += [dataclasses.replace(record, offset=record.offset + 1000) for number, record in enumerate(stored) if number in doubled - gone]
    log += [record for number, record in enumerate(stored) if number in read_twice - gone]
    found = account(sent, log, 200)
    assert len(found.lost) == len(gone)
    assert found.duplicated == len(doubled - gone)
    assert {each.blame for each in found.duplicates} <= {"broker"}
    assert found.delivered_twice == len(read_twice - gone)
    assert found.out_of_order == 0
    assert found.whole == (not gone and not doubled - gone)


@given(MESSAGES)
def test_a_stall_is_no_longer_than_the_slowest_message_or_its_partition_waits(messages: list[tuple[int, float, float]]) -> None:
    sent, _stored = run(messages)
    for partition in {each.partition for each in sent}:
        row = [each for each in sent if each.partition == partition]
        stall = longest_stall(row, 200)
        # Whatever is outstanding is answered within the longest latency, and each answer ends a stall.
        assert stall.seconds <= max(each.done - each.at for each in row if each.done is not None) + 1e-6
        assert stall.seconds >= 0
