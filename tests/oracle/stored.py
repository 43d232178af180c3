# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The stored cases: made by hand or at random, each with the answer of the real class."""

from __future__ import annotations

import functools
import gzip
import json
import pathlib
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import NEWEST, Minor, minor_of

HERE = pathlib.Path(__file__).resolve().parent / "cases"

Case = dict[str, t.Any]


@functools.cache
def _tables() -> dict[str, list[Case]]:
    """``kafka``, ``zookeeper_cfg`` and ``zookeeper_connect``."""
    with gzip.open(HERE / "cases.json.gz", "rt", encoding="utf-8") as stream:
        return t.cast("dict[str, list[Case]]", json.load(stream))


def kafka_cases(minor: Minor) -> list[Case]:
    """The hand-made broker configurations that were run with a minor; rows "until the newest" include it."""
    return [case for case in _tables()["kafka"] if minor_of(case["since"]) <= minor <= last(case)]


def all_kafka_cases() -> list[Case]:
    """All hand-made broker configurations."""
    return _tables()["kafka"]


def last(case: Case) -> Minor:
    """The last minor a case is for. 4.2 was the newest when they were made, and 4.3 answers the same."""
    until = minor_of(case["until"])
    return NEWEST if until == (4, 2) else until


def zookeeper_cfg_cases() -> list[Case]:
    """``zoo_cfg`` (lines), ``myid``, ``valid``."""
    return _tables()["zookeeper_cfg"]


def zookeeper_connect_cases() -> list[Case]:
    """``properties``, ``valid``, and for valid ones the ``result``."""
    return _tables()["zookeeper_connect"]


@functools.cache
def fuzz() -> tuple[list[str], list[dict[str, t.Any]]]:
    """The releases, and rows of ``p`` (properties) and ``ok`` (one character per release: 1, 0, or . for not run)."""
    with gzip.open(HERE / "fuzz.jsonl.gz", "rt", encoding="utf-8") as stream:
        header, *rows = map(json.loads, stream)
    return header["versions"], rows


def fuzz_rows() -> list[dict[str, str]]:
    """Only the configurations."""
    return [row["p"] for row in fuzz()[1]]
