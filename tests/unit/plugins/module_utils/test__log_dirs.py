# SPDX-License-Identifier: GPL-3.0-or-later
"""Which replicas of a broker move to which of its log directories."""

from __future__ import annotations

import dataclasses
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._log_dirs import Directory, Move, moves, used


def directory(path: str, *sizes: int, **volume: int) -> Directory:
    return Directory(path, {(path[1:], number): size for number, size in enumerate(sizes)}, **volume)


CASES: list[tuple[str, list[Directory], list[tuple[str, int, str]]]] = [
    ("one directory", [directory("/a", 5, 5)], []),
    ("nothing in them", [directory("/a"), directory("/b")], []),
    ("even", [directory("/a", 50), directory("/b", 48)], []),
    ("a new one", [directory("/a", 40, 30, 20, 10), directory("/b")], [("a", 0, "/b"), ("a", 3, "/b")]),
    ("the smaller of two that do as well", [directory("/a", 60, 40), directory("/b")], [("a", 1, "/b")]),
    ("one that is too large to help", [directory("/a", 100), directory("/b")], []),
    ("a volume of twice the size", [directory("/a", 30, 30, 30, total=100, free=10), directory("/b", total=200, free=200)], [("a", 0, "/b"), ("a", 1, "/b")]),
    ("no room", [directory("/a", 30, 30, total=100, free=40), directory("/b", total=100, free=20)], []),
    ("a size that is not told counts for nothing", [directory("/a", 30, 30, total=100), directory("/b")], [("a", 0, "/b")]),
    (
        "the emptiest has no room",
        [directory("/a", 30, 30, total=100, free=40), directory("/b", total=100), directory("/c", total=100, free=90)],
        [("a", 0, "/c")],
    ),
    ("the fullest has one that is too large", [directory("/a", 100), directory("/b", 40, 40), directory("/c")], [("b", 0, "/c")]),
    ("three", [directory("/a", 30, 30, 30), directory("/b"), directory("/c")], [("a", 0, "/b"), ("a", 1, "/c")]),
]


@pytest.mark.parametrize(("directories", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_moves(directories: list[Directory], expected: list[tuple[str, int, str]]) -> None:
    assert [(move.topic, move.number, move.target) for move in moves(directories)] == expected


@st.composite
def brokers(draw: t.Any) -> list[Directory]:
    told = draw(st.booleans())
    found = []
    for number in range(draw(st.integers(1, 4))):
        sizes = draw(st.lists(st.integers(0, 1000), max_size=12))
        volume = {"total": draw(st.sampled_from([20_000, 50_000])), "free": draw(st.integers(0, 20_000))} if told else {}
        found.append(directory(f"/{number}", *sizes, **volume))
    return found


def after(directories: t.Sequence[Directory], found: t.Iterable[Move]) -> list[Directory]:
    replicas = {each.path: dict(each.replicas) for each in directories}
    free = {each.path: each.free for each in directories}
    for move in found:
        size = replicas[move.source].pop((move.topic, move.number))
        replicas[move.target][move.topic, move.number] = size
        free[move.source], free[move.target] = free[move.source] + size, free[move.target] - size
    return [dataclasses.replace(each, replicas=replicas[each.path], free=free[each.path]) for each in directories]


def levels(directories: t.Sequence[Directory]) -> list[float]:
    told = all(each.total for each in directories)
    return [size / (each.total if told else 1) for each, size in zip(directories, used(directories).values())]


@hypothesis.given(brokers())
@hypothesis.settings(max_examples=300, deadline=None)
def test_it_gets_more_even_and_then_ends(directories: list[Directory]) -> None:
    found = moves(directories)
    done = after(directories, found)
    assert moves(done) == []
    assert sum(used(done).values()) == sum(used(directories).values())
    assert not found or sorted(levels(done), reverse=True) < sorted(levels(directories), reverse=True)


@hypothesis.given(brokers())
@hypothesis.settings(max_examples=300, deadline=None)
def test_no_volume_is_overfilled(directories: list[Directory]) -> None:
    done = after(directories, moves(directories))
    assert all(each.free >= 0 for each in done if each.total)
