# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may restart nodes of a cluster, and what the journal keeps."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _roll_journal, _roll_lock
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_journal import SILENT_S, Holder, Lock, Record
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Entry, Version

ME, OTHER = Holder("here", 10, "5"), Holder("there", 10, "5")
LOCK = Lock(OTHER, "2026-01-31T12:00:00Z", "2026-01-31T12:00:20Z")
ENTRY = Entry(1, "uid", Version("image", "sum"), ("configuration",), at="2026-01-31T12:00:00Z")

CASES: list[tuple[str, Lock | None, bool | None, float, bool]] = [
    ("nobody holds it", None, None, 0, True),
    ("this run holds it", dataclasses.replace(LOCK, holder=ME), True, 0, True),
    ("another process of the same number", dataclasses.replace(LOCK, holder=dataclasses.replace(ME, began="6")), True, 0, False),
    ("another that runs", LOCK, True, SILENT_S + 1, False),
    ("another that was killed", LOCK, False, 0, True),
    ("another far away that was heard of", LOCK, None, SILENT_S, False),
    ("another far away that is silent", LOCK, None, SILENT_S + 1, True),
]


@pytest.mark.parametrize(("lock", "alive", "silent", "free"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_who_may_take_the_lock(lock: Lock | None, alive: bool | None, silent: float, free: bool) -> None:
    assert _roll_journal.free(lock, ME, alive, silent) is free


def test_a_record_comes_back_as_it_was_written() -> None:
    record = Record(LOCK, (ENTRY, dataclasses.replace(ENTRY, node=2, pod_uid=None, outcome="back")))
    assert _roll_journal.read(record.data()) == record
    assert _roll_journal.read(Record().data()) == Record()
    assert _roll_journal.read(None) == Record()


def test_a_zookeeper_server_is_not_the_broker_of_its_id_and_older_entries_are_read() -> None:
    server = dataclasses.replace(ENTRY, zookeeper=True)
    assert Record().written(ENTRY).written(server).entries == (ENTRY, server)
    assert _roll_journal.read(Record(None, (server,)).data()).entries == (server,)
    wanted = json.dumps(dataclasses.asdict(ENTRY.wanted))
    before = f'{{"at": "{ENTRY.at}", "causes": ["configuration"], "manual": "", "node": 1, "outcome": "", "pod_uid": "uid", "wanted": {wanted}}}'
    assert _roll_journal.read({"journal": before}).entries == (ENTRY,)


@pytest.mark.parametrize("broken", ["", "{", "[]", "{}", '{"holder": 1}', "null", '{"node": 1}', '{"wanted": {"no": 1}, "causes": []}'])
def test_what_a_person_broke_counts_as_not_there(broken: str) -> None:
    good = Record(None, (ENTRY,)).data()[_roll_journal.JOURNAL]
    assert _roll_journal.read({"lock": broken, "journal": f"{broken}\n{good}"}) == Record(None, (ENTRY,))


def test_an_outcome_replaces_its_entry_and_the_journal_has_an_end() -> None:
    done = dataclasses.replace(ENTRY, outcome="back after 10 s")
    assert Record().written(ENTRY).written(done).entries == (done,)
    again = dataclasses.replace(ENTRY, at="2026-01-31T13:00:00Z")
    assert Record().written(done).written(again).entries == (done, again)
    many = Record()
    for number in range(_roll_journal.KEPT + 5):
        many = many.written(dataclasses.replace(ENTRY, node=number))
    assert [entry.node for entry in many.entries] == list(range(5, _roll_journal.KEPT + 5))


def test_a_process_that_was_killed_is_recognised() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = _roll_lock.holder(process.pid)
    try:
        assert _roll_lock.alive(found) is True
        assert _roll_lock.alive(dataclasses.replace(found, began="1")) is False
        assert _roll_lock.alive(dataclasses.replace(found, host="elsewhere.example")) is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert _roll_lock.alive(found) is False
    assert _roll_lock.alive(_roll_lock.holder(os.getpid())) is True
