# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What was restarted and why, and who is at it now: a ConfigMap beside the cluster. Pure; private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _roll_order

KEPT = 100
"""How many restarts the journal keeps."""

SILENT_S = 120.0
"""Who holds a cluster says so at least this often, or has been killed."""

COMPONENT = "roll"
"""The ConfigMap's component among its labels."""

LOCK, JOURNAL = "lock", "journal"
"""Keys of the ConfigMap."""


@dataclasses.dataclass(frozen=True)
class Holder:
    """A run of a playbook: the control node's host name, its process there, and when that began, so that a new process
    of the same number is another one."""

    host: str
    process: int
    began: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}"


@dataclasses.dataclass(frozen=True)
class Lock:
    """``since``, ``renewed``: UTC times for a person; whether the lock is old is told by whether it changes."""

    holder: Holder
    since: str
    renewed: str


@dataclasses.dataclass(frozen=True)
class Record:
    """The ConfigMap's content."""

    lock: Lock | None = None
    entries: tuple[_roll_order.Entry, ...] = ()

    def data(self) -> dict[str, str]:
        """As a ConfigMap holds it: an entry a line, so that a person can read it."""
        lock = json.dumps(dataclasses.asdict(self.lock), sort_keys=True) if self.lock else ""
        return {LOCK: lock, JOURNAL: "".join(json.dumps(dataclasses.asdict(entry), sort_keys=True) + "\n" for entry in self.entries[-KEPT:])}

    def written(self, entry: _roll_order.Entry) -> Record:
        """With one more entry, or with the last one of this node and pod replaced by it."""
        others = tuple(each for each in self.entries if _about(each) != _about(entry))
        return dataclasses.replace(self, entries=(*others, entry)[-KEPT:])


def read(data: t.Mapping[str, str] | None) -> Record:
    """The content of a ConfigMap; what a person has broken in it counts as not there."""
    data = data or {}
    return Record(_lock(data.get(LOCK) or ""), tuple(entry for entry in map(_entry, (data.get(JOURNAL) or "").splitlines()) if entry))


def _about(entry: _roll_order.Entry) -> tuple[t.Any, ...]:
    return (entry.zookeeper, entry.node, entry.pod_uid, entry.at)


def _lock(text: str) -> Lock | None:
    try:
        found = json.loads(text)
        return Lock(Holder(str(found["holder"]["host"]), int(found["holder"]["process"]), str(found["holder"]["began"])), found["since"], found["renewed"])
    except (ValueError, KeyError, TypeError):
        return None


def _entry(text: str) -> _roll_order.Entry | None:
    try:
        found = {"claims": (), **json.loads(text)}
        lists = {name: tuple(found[name]) for name in ("causes", "claims")}
        return _roll_order.Entry(**{**found, "wanted": _roll_order.Version(**found["wanted"]), **lists})
    except (ValueError, KeyError, TypeError):
        return None


def free(lock: Lock | None, me: Holder, alive: bool | None, silent_s: float) -> bool:
    """Whether the lock can be taken.

    ``alive``: whether its holder's process still is there, None where that cannot be seen from here. ``silent_s``: for how
    long the lock was watched without a change.
    """
    if lock is None or lock.holder == me:
        return True
    return not alive if alive is not None else silent_s > SILENT_S
