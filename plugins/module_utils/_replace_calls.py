# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Takes the disks of a node behind the gate, and sees it back into every ISR and the quorum. Private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model, _objects, _plan_model, _quorum_calls, _replace, _roll_order, _roll_state
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate import Gate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_progress import Watch
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._replace import Seen
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll import INTERVAL_S, Roller, View
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_lock import Stopped
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_state import Member

MEND = "Mend what is named and run again, which goes on here."

Ask = t.Callable[[_gate_model.Snapshot, int], _gate_model.Verdict]
"""A question to the gate; the number says for how long nothing has got better, in milliseconds."""


class Replacer(Roller):
    """A roller for one node, which has its lock, its journal and its way of looking. ``voters``: of a dynamic quorum, with
    the endpoints of all controllers; None where votes cannot be changed."""

    voters: _quorum_calls.Voters | None = None
    endpoints: t.Mapping[int, _quorum_calls.Endpoint] = {}

    def foretell(self, node: int) -> tuple[list[str], list[str]]:
        """Names of the claims that would be deleted, and what stands against it now."""
        member = self._member(node)
        seen, view = self._look(member)
        snapshot, _active = self._snapshot(view)
        entry = _replace.opened(self._lock.entries, node)
        verdict = self._may_stop(node)(snapshot, 0) if _replace.phase(seen, entry) == "ask" else _gate_model.Verdict("go")
        return sorted(_replace.doomed(seen, entry)), [reason.text for reason in verdict.reasons if verdict.answer != "go"]

    def empty(self, node: int) -> list[str]:
        """Stop the node and delete its claims, which must then be made anew; the names of those that were deleted by this."""
        member = self._member(node)
        self._lock.take()
        entry = _replace.opened(self._lock.entries, node)
        allowed = left = False
        deleted: dict[str, str] = {}
        while True:
            seen, view = self._look(member)
            step = _replace.phase(seen, entry, allowed=allowed, left=left)
            if step == "start":
                return sorted(deleted)
            if step == "ask":
                self._ask(f"{member.name} is not stopped.", self._may_stop(node))
                allowed = True
            elif entry is None:
                entry = self._begin(member, seen, view)
            elif step == "stop":
                self._stop(member)
            elif step == "leave":
                self._ask(
                    f"The claims of {member.name}, which is stopped, are not deleted.",
                    lambda snapshot, idle: Gate(snapshot, self._gate).may_begin_empty(node, idle),
                )
                left = True
            else:
                deleted = _replace.doomed(seen, entry)
                self._delete(member, deleted)

    def restore(self, node: int) -> float:
        """Wait until the node, which was started, is ready, give it its vote, and wait until it is back for good; the seconds that
        this took."""
        member = self._member(node)
        self._lock.take()
        begun = time.monotonic()
        self._wait_until_ready(member)
        if self.voters and member.controller:
            self.voters.lead({node: self.endpoints[node]}, alive=self._lock.renew)
        entry = _replace.opened(self._lock.entries, node)
        try:
            self._ask(f"{member.name} has new disks and is not back for good.", lambda snapshot, idle: Gate(snapshot, self._gate).has_returned(node, idle))
        except Stopped as error:
            self._lock.event(member.name, "ReplaceFailed", str(error), "Warning")
            raise
        took = time.monotonic() - begun
        if entry:
            self._lock.write(dataclasses.replace(entry, outcome=f"back with new disks after {took:.1f} s"))
            self._lock.event(member.name, "Replaced", f"Back in sync with new disks after {took:.1f} s")
        return took

    @property
    def _gate(self) -> _gate_model.Options:
        return self._options.gate

    def _member(self, node: int) -> Member:
        if node not in self._by_id:
            known = ", ".join(map(str, sorted(self._by_id)))
            raise Stopped(f"there is no node {node} in this cluster. It has: {known}. Nothing was changed.")
        return self._by_id[node]

    def _look(self, member: Member) -> tuple[Seen, View]:
        view = self._view()
        runs = view.seen[member.name].workload is not None or view.pods[member.name] is not None
        return Seen(runs, {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in self._claims(member)}), view

    def _claims(self, member: Member) -> list[dict[str, t.Any]]:
        labels = {**_plan_model.labels(self._lock.cluster), "kafkaops.kubernetes/node": member.name}
        return self._namespace.objects("PersistentVolumeClaim", ",".join(f"{key}={value}" for key, value in labels.items()))

    def _may_stop(self, node: int) -> Ask:
        """May it be stopped, once its vote is gone where that can be? What is wrong with itself is no reason to keep it."""
        options = dataclasses.replace(self._gate, emptied=frozenset((node,)))

        def ask(snapshot: _gate_model.Snapshot, idle_ms: int) -> _gate_model.Verdict:
            reason = _replace.never(snapshot, node)
            if reason:
                return _gate_model.Verdict("stop", (_gate_model.Reason("only_copy", reason, True),))
            seen = _replace.without_vote(snapshot, node) if self.voters else snapshot
            return Gate(seen, options).may_restart(node, idle_ms)

        return ask

    def _ask(self, what: str, ask: Ask) -> None:
        """Wait until the gate is open."""
        watch: Watch | None = None
        while True:
            begun = time.monotonic()
            snapshot, _active = self._snapshot(self._view())
            now = int(begun * 1000)
            watch = watch.seen(snapshot, now) if watch else Watch.begin(snapshot, now)
            verdict = ask(snapshot, watch.idle_ms(now))
            if verdict.answer == "go":
                return
            if verdict.answer == "stop":
                raise Stopped(f"{what} {' '.join(reason.text for reason in verdict.reasons)}\n{MEND}")
            self._pause(begun)

    def _begin(self, member: Member, seen: Seen, view: View) -> _roll_order.Entry:
        """Write down which claims are to go: a run that goes on must not delete the new ones."""
        now = _roll_state.written(datetime.datetime.now(datetime.timezone.utc))
        entry = _roll_order.Entry(member.id, view.uid(member), _roll_order.Version(), (_replace.CAUSE,), at=now, claims=tuple(sorted(seen.claims.values())))
        self._lock.write(entry)
        self._lock.event(member.name, "Replace", f"Its claims are replaced: {', '.join(sorted(seen.claims)) or 'there are none'}")
        return entry

    def _stop(self, member: Member) -> None:
        if self.voters and member.controller:
            self.voters.lead({}, [member.id], alive=self._lock.renew)
        workload = self._namespace.get("StatefulSet", member.name)
        if workload:
            self._namespace.delete("StatefulSet", member.name, workload["metadata"]["uid"], "Foreground")
        self._gone(
            f"{member.name} does not stop",
            lambda: [obj for obj in (self._namespace.get("StatefulSet", member.name), self._namespace.get("Pod", member.pod)) if obj],
            "Where its Kubernetes node is gone for good, delete the pod by force (kubectl delete pod --force) once it is certain that it does not run.",
        )

    def _wait_until_ready(self, member: Member) -> None:
        begun = time.monotonic()
        while True:
            now = time.monotonic()
            pod = self._view().pods[member.name]
            if _roll_state.pod_state(pod) == "ready":
                return
            self._give_up_on(member, pod, now - begun)
            self._pause(now)

    def _delete(self, member: Member, claims: t.Mapping[str, str]) -> None:
        for name, uid in claims.items():
            self._namespace.delete("PersistentVolumeClaim", name, uid)
        self._gone(
            f"The claims of {member.name} do not go",
            lambda: [
                obj for name, uid in claims.items() for obj in [self._namespace.get("PersistentVolumeClaim", name)] if obj and obj["metadata"]["uid"] == uid
            ],
            "Kubernetes keeps a claim for as long as a pod uses it: see which one does.",
        )

    def _gone(self, what: str, there: t.Callable[[], list[t.Any]], mend: str) -> None:
        begun = time.monotonic()
        while True:
            left = there()
            if not left:
                return
            if time.monotonic() - begun > self._options.ready_s:
                names = ", ".join(_objects.name_of(obj) for obj in left)
                raise Stopped(f"{what}: after {self._options.ready_s:.0f} s there still is {names}. {mend} Then run again, which goes on here.")
            self._lock.renew()
            time.sleep(INTERVAL_S)
