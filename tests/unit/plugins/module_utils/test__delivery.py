# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages are accounted for: lost, changed and doubled ones are told from whole ones."""

from __future__ import annotations

import json

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._delivery import Account, account, records, total

A, B, C = ("t", 0, 0), ("t", 0, 1), ("t", 1, 0)
SENT = {A: "1", B: "2"}

CASES = [
    ("whole", SENT, [(A, "1"), (B, "2")], Account(2, 2, 0, 0)),
    ("others' messages do not count", SENT, [(A, "1"), (B, "2"), (C, "9")], Account(2, 2, 0, 0)),
    ("one lost", SENT, [(A, "1")], Account(2, 1, 1, 0)),
    ("one changed", SENT, [(A, "1"), (B, "3")], Account(2, 1, 1, 0)),
    ("one doubled", SENT, [(A, "1"), (A, "1"), (B, "2")], Account(2, 2, 0, 1)),
    ("nothing sent", {}, [(A, "1")], Account(0, 0, 0, 0)),
]


@pytest.mark.parametrize(("name", "sent", "received", "expected"), CASES)
def test_account(name: str, sent: dict, received: list, expected: Account) -> None:
    assert account(sent, received) == expected


@pytest.mark.parametrize(
    ("one", "whole"), [(Account(2, 2, 0, 0), True), (Account(0, 0, 0, 0), False), (Account(2, 1, 1, 0), False), (Account(2, 2, 0, 1), False)]
)
def test_whole(one: Account, whole: bool) -> None:
    assert one.whole is whole


def test_total_passes_over_skipped_tasks() -> None:
    whole, bad = {"sent": 2, "received": 2, "lost": 0, "duplicated": 0}, {"sent": 3, "received": 2, "lost": 1, "duplicated": 0}
    results = [whole, {"skipped": True}, bad]
    assert total(results) == {"text": "sent 5, received 4, lost 1, duplicated 0", "whole": False}
    assert total(results[:2])["whole"]


def test_records_of_a_log() -> None:
    entry = {"timestamp": 5, "name": "record_data", "key": None, "value": "7", "topic": "t", "partition": 1, "offset": 3}
    lines = [
        "[2026-01-01] INFO record_data is not JSON",
        json.dumps(entry),
        json.dumps({**entry, "name": "records_consumed"}),
        json.dumps(entry)[:40],
        '"record_data"',
    ]
    assert list(records("\n".join(lines), "record_data")) == [(("t", 1, 3), "7", 5)]
