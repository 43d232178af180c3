# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting goes on while something gets better, and has an end when nothing does."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_progress as progress
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Partition, Quorum, Snapshot, Topic
from hypothesis import given
from hypothesis import strategies as st

READY = Node(0, "ready", unfenced=True, recovering_logs=0, offline_log_dirs=(), reachable=True)
IN_SYNC = Partition(0, 0, (0, 1), (0, 1))
BEHIND = Partition(0, 0, (0, 1), (0,), lags=((1, 500),))
QUORUM = Quorum((0, 1), 0, {0: 9000, 1: 9000})


def cluster(partition: Partition = IN_SYNC, node: Node = READY, **fields: t.Any) -> Snapshot:
    return Snapshot({0: node}, (Topic("orders", 1, (partition,)),), **{"quorum": QUORUM, **fields})


def node(**fields: t.Any) -> Node:
    return dataclasses.replace(READY, **fields)


def quorum(**fields: t.Any) -> Quorum:
    return dataclasses.replace(QUORUM, **fields)


def test_nothing_is_outstanding_where_all_is_well() -> None:
    assert progress.outstanding(cluster()) == {}
    assert progress.outstanding(cluster(node=Node(0, "ready", broker=False))) == {}


@pytest.mark.parametrize(
    ("worse", "better", "kind"),
    [
        (cluster(BEHIND), cluster(), "replica"),  # back in the ISR
        (cluster(BEHIND), cluster(BEHIND._replace(lags=((1, 499),))), "replica"),
        (cluster(BEHIND._replace(lags=())), cluster(BEHIND), "replica"),  # its lag is known now
        (cluster(BEHIND._replace(leader=-1)), cluster(BEHIND), "leader"),
        (cluster(IN_SYNC._replace(removing=(1,))), cluster(), "reassignment"),
        (cluster(node=node(recovering_logs=9)), cluster(node=node(recovering_logs=8)), "recovery"),
        (cluster(node=node(pod="crash_loop")), cluster(node=node(pod="starting")), "node"),
        (cluster(node=node(pod="starting")), cluster(), "node"),
        (cluster(node=node(unfenced=None)), cluster(), "node"),
        (cluster(node=node(reachable=None)), cluster(), "reachable"),
        (cluster(node=node(offline_log_dirs=("/d1", "/d2"))), cluster(node=node(offline_log_dirs=("/d1",))), "log_dirs"),
        (cluster(node=node(empty_for_ms=1)), cluster(node=node(empty_for_ms=1000)), "empty"),
        (cluster(quorum=quorum(caught_up_ms={0: 9000, 1: 1})), cluster(), "voter"),
        (cluster(quorum=quorum(observers_ms={5: 1})), cluster(quorum=quorum(observers_ms={5: 9000})), "observer"),
        (cluster(quorum=None), cluster(), "unreadable"),
        (cluster(unreadable=("topics",)), cluster(), "unreadable"),
    ],
)
def test_getting_better_is_progress_and_getting_worse_is_not(worse: Snapshot, better: Snapshot, kind: str) -> None:
    assert progress.progressed(worse, better) == {kind: 1}
    assert progress.progressed(better, worse) == {}
    assert progress.progressed(worse, worse) == {}


def test_a_replica_that_a_reassignment_takes_away_need_not_catch_up() -> None:
    assert ("replica", "orders", 0, 1) not in progress.outstanding(cluster(BEHIND._replace(removing=(1,))))


def test_the_clock_starts_again_with_progress() -> None:
    watch = progress.Watch.begin(cluster(BEHIND), 1000)
    assert watch.idle_ms(1000) == 0
    same = watch.seen(cluster(BEHIND), 5000)
    assert same.idle_ms(6000) == 5000
    nearer = same.seen(cluster(BEHIND._replace(lags=((1, 400),))), 7000)
    assert nearer.idle_ms(8000) == 1000


def test_what_comes_and_goes_is_no_progress_forever() -> None:
    watch = progress.Watch.begin(cluster(BEHIND), 0)
    for turn in range(1, 20):
        watch = watch.seen(cluster() if turn % 2 else cluster(BEHIND), turn * 1000)
    assert watch.idle_ms(20_000) == 19_000  # only the first return counted
    crashing = progress.Watch.begin(cluster(node=node(pod="crash_loop", unfenced=False)), 0)
    for turn in range(1, 20):
        crashing = crashing.seen(cluster(node=node(pod="starting" if turn % 2 else "crash_loop", unfenced=False)), turn * 1000)
    assert crashing.idle_ms(20_000) == 19_000


def test_something_new_that_is_wrong_is_watched_too() -> None:
    watch = progress.Watch.begin(cluster(), 0).seen(cluster(BEHIND), 1000)
    assert watch.idle_ms(1000) == 1000
    assert watch.seen(cluster(BEHIND._replace(lags=((1, 1),))), 2000).idle_ms(2000) == 0


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_waiting_has_an_end_however_the_lag_goes_up_and_down(lags: list[int]) -> None:
    """The clock starts again exactly when the lag is lower than it has ever been."""
    lowest, since = lags[0], 0
    watch = progress.Watch.begin(cluster(BEHIND._replace(lags=((1, lags[0]),))), 0)
    for now, lag in enumerate(lags):
        watch = watch.seen(cluster(BEHIND._replace(lags=((1, lag),))), now)
        if lag < lowest:
            lowest, since = lag, now
    assert watch.since_ms == since
