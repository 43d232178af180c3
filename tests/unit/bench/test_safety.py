# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of bench/safety.py shows every run, and its rows are named in one place."""

from __future__ import annotations

import argparse
import typing as t

import pytest
import safety
from load.account import Probe, Sent, Stored, account

SENT = [Sent(number % 2, number // 2, number / 10, number / 10 + 0.05, offset=number // 2) for number in range(20)]
STORED = [Stored(each.partition, each.number, each.number) for each in SENT]


def a_run(row: str, stored: t.Sequence[Stored] = STORED, slow: float = 0.0, refused: bool = False) -> dict[str, t.Any]:
    """A run as ``measure`` returns it."""
    sent = [*SENT, Sent(0, 10, 3.0, 3.0 + slow)] if slow else SENT
    stored = [*stored, Stored(0, 10, 10)] if slow else stored
    found = account(sent, stored, 10, [Probe(0, 1, "refused"), Probe(0, 2.5, "ok")] if refused else ())
    return {"row": row, "row_seconds": 41.4, "restarts": {"a": 1, "b": 1, "c": 0}, **found.report()}


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_every_run_of_a_row_stands_in_its_line_in_the_order_of_the_rows() -> None:
    duplicated = [*STORED, Stored(0, 12, 3)]
    runs = [a_run("naive", slow=4.0, refused=True), a_run("control"), a_run("naive", duplicated), a_run("control", STORED[1:])]
    head, rule, control, naive = safety.table(runs).splitlines()
    assert len(cells(head)) == len(cells(rule)) == len(cells(control)) == len(cells(naive)) == 10
    assert cells(control) == ["nothing restarted", "healthy", "0.0, 0.0", "0.1, 0.1", "0, 0", "0, 1", "0, 0", "0, 0", "1 1 0, 1 1 0", "41, 41"]
    assert cells(naive)[2:8] == ["1.5, 0.0", "4.0, 0.1", "0, 0", "0, 0", "0, 1", "0, 0"]


def test_rows_that_were_not_run_are_not_shown() -> None:
    assert len(safety.table([]).splitlines()) == 2


def test_the_worst_run_of_each_row_is_compared_with_the_worst_single_restart() -> None:
    runs = [a_run("one", slow=1.0), a_run("one", slow=2.0), a_run("ours", slow=3.0), a_run("ours", slow=1.0), a_run("naive", slow=8.0)]
    assert safety.beside_one(runs) == pytest.approx({"ours": 1.5, "naive": 4.0})
    assert safety.beside_one([a_run("ours", slow=3.0)]) == {}


def test_rows_are_asked_for_by_name() -> None:
    assert safety.rows("control,ours-behind") == ["control", "ours-behind"]
    assert safety.rows("all") == list(safety.ROWS)
    with pytest.raises(argparse.ArgumentTypeError, match="no such row: theirs; there are control, one, rollout, naive"):
        safety.rows("control,theirs")


def test_every_row_has_a_way_and_a_start() -> None:
    assert {way for way, _start in safety.ROWS.values()} == set(safety.WAYS)
    assert {start for _way, start in safety.ROWS.values()} == set(safety.STARTS)
