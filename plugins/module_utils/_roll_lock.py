# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Keeps the journal of a cluster, and others out meanwhile. Private to the collection."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import socket
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _plan_model, _roll_journal, _roll_state
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kubernetes import Namespace
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_journal import Holder, Lock, Record
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Entry

RENEW_S = 20.0
LOOK_S = 2.0


class Stopped(Exception):
    """The roll must not go on, with the reason for a person."""


def holder(process: int) -> Holder:
    """This run of a playbook, by its process on this host."""
    return Holder(socket.gethostname(), process, _began(process) or "")


def alive(found: Holder) -> bool | None:
    """Whether a run still is there; None where it cannot be seen from this host."""
    if found.host != socket.gethostname():
        return None
    return _began(found.process) == found.began


def _began(process: int) -> str | None:
    """When a process began, in the kernel's ticks; empty where the system does not tell; None where there is no such process."""
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
            # The name in brackets may hold anything; the start time is the 22nd field of proc(5).
            return file.read().rpartition(")")[2].split()[19]
    except OSError:
        pass
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return ""


def _now() -> str:
    return _roll_state.written(datetime.datetime.now(datetime.timezone.utc))


class RollLock:
    """The ConfigMap ``<cluster>-roll``, with a lock and a journal. ``me``: who wants to hold it."""

    def __init__(self, namespace: Namespace, cluster: str, me: Holder) -> None:
        self.cluster = cluster
        self._namespace = namespace
        self._me = me
        self._name = f"{cluster}-roll"
        self._renewed = float("-inf")
        self._record, self._version = self._read()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was restarted, oldest first."""
        return self._record.entries

    def take(self) -> None:
        """Hold the lock. Raises Stopped where someone else does; one who is silent for long enough was killed."""
        watched, begun = self._record.lock, time.monotonic()
        while True:
            found = self._record.lock
            if found is None or watched is None or found.holder != watched.holder:
                watched, begun = found, time.monotonic()
            is_alive = alive(found.holder) if found else None
            if _roll_journal.free(found, self._me, is_alive, time.monotonic() - begun):
                now = _now()
                since = found.since if found and found.holder == self._me else now
                if self._put(dataclasses.replace(self._record, lock=Lock(self._me, since, now))):
                    self._renewed = time.monotonic()
                    return
            elif found and (is_alive or found != watched):
                raise Stopped(self._held(found))
            else:
                time.sleep(LOOK_S)
            self._record, self._version = self._read()

    def renew(self) -> None:
        """Say that this run still is at it, now and then."""
        if time.monotonic() - self._renewed >= RENEW_S:
            self._change(lambda record: record)

    def write(self, entry: Entry) -> None:
        """Put a restart into the journal, or what became of it."""
        self._change(lambda record: record.written(entry))

    def release(self) -> None:
        """Let others in; nothing where this run does not hold the lock."""
        self._record, self._version = self._read()
        if self._record.lock and self._record.lock.holder == self._me:
            self._put(dataclasses.replace(self._record, lock=None))

    def event(self, node: str, reason: str, message: str, kind: str = "Normal") -> None:
        """Make an Event about a node's StatefulSet; without the right to do so there is none, and the journal has it all the same."""
        from kubernetes.dynamic.exceptions import DynamicApiError

        now = _now()
        involved = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": node, "namespace": self._namespace.name}
        with contextlib.suppress(DynamicApiError):
            self._namespace.create(
                "Event",
                {
                    "metadata": {"generateName": f"{node}-", "namespace": self._namespace.name},
                    "involvedObject": involved,
                    "reason": reason,
                    "message": message[:1000],
                    "type": kind,
                    "source": {"component": "kafkaops.kubernetes"},
                    "firstTimestamp": now,
                    "lastTimestamp": now,
                    "count": 1,
                },
            )

    def _change(self, change: t.Callable[[Record], Record]) -> None:
        while True:
            self._record, self._version = self._read()
            found = self._record.lock
            if found is None or found.holder != self._me:
                who = str(found.holder) if found else "which has ended"
                raise Stopped(f"Another run, {who}, has taken cluster {self.cluster} over. Nothing more is restarted by this one.")
            now = _now()
            if self._put(dataclasses.replace(change(self._record), lock=dataclasses.replace(found, renewed=now))):
                self._renewed = time.monotonic()
                return

    def _read(self) -> tuple[Record, str]:
        found = self._namespace.get("ConfigMap", self._name)
        return (_roll_journal.read(found.get("data")), found["metadata"]["resourceVersion"]) if found else (Record(), "")

    def _put(self, record: Record) -> bool:
        """Write it, unless someone else has meanwhile."""
        labels = {**_plan_model.labels(self.cluster), "app.kubernetes.io/component": _roll_journal.COMPONENT}
        metadata = {"name": self._name, "namespace": self._namespace.name, "labels": labels}
        if self._version:
            done = self._namespace.merge("ConfigMap", self._name, {"metadata": {**metadata, "resourceVersion": self._version}, "data": record.data()})
        else:
            done = self._namespace.create("ConfigMap", {"metadata": metadata, "data": record.data()})
        if done:
            self._record = record
        return done

    def _held(self, found: Lock) -> str:
        return (
            f"Cluster {self.cluster} is being rolled by another run: {found.holder}, since {found.since}, last heard of at {found.renewed}. "
            "Nothing was restarted. Wait until it has ended and run again; if it was killed, this is noticed at most two minutes later."
        )
