# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order a node's vote, StatefulSet and claims go, and that nothing goes while the gate is shut. Without Kafka and Kubernetes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _replace_calls, _roll, _roll_lock
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Options, Partition, Quorum, Snapshot, Topic

LABELS = {"app.kubernetes.io/name": "kafka", "app.kubernetes.io/instance": "c", "app.kubernetes.io/managed-by": "kafkaops.kubernetes"}
READY = {"conditions": [{"type": "Ready", "status": "True"}]}


class Fake:
    """A namespace with three nodes. ``done``: what was deleted and whose vote was changed, in its order."""

    name = "ns"

    def __init__(self) -> None:
        self.there: dict[tuple[str, str], dict[str, t.Any]] = {}
        self.done: list[str] = []
        for node in range(3):
            self.make(node, f"claim-{node}")

    def make(self, node: int, claim: str) -> None:
        name = f"c-n-{node}"
        self.put("StatefulSet", name, name, {"status": {"observedGeneration": 1}})
        self.put("Pod", f"{name}-0", f"{name}-0", {"status": READY, "spec": {"containers": [{"image": "x"}]}})
        self.put("PersistentVolumeClaim", f"data-0-{name}-0", claim, {}, {**LABELS, "kafkaops.kubernetes/node": name})

    def put(self, kind: str, name: str, uid: str, content: dict[str, t.Any], labels: t.Mapping[str, str] = LABELS) -> None:
        metadata = {"name": name, "uid": uid, "labels": labels, "generation": 1, "creationTimestamp": "2026-01-01T00:00:00Z"}
        self.there[kind, name] = {"kind": kind, "metadata": metadata, **content}

    def objects(self, kind: str, selector: str = "") -> list[dict[str, t.Any]]:
        wanted = dict(part.split("=") for part in selector.split(",") if part).items()
        return [obj for (other, _name), obj in self.there.items() if other == kind and wanted <= obj["metadata"].get("labels", {}).items()]

    def get(self, kind: str, name: str) -> dict[str, t.Any] | None:
        return self.there.get((kind, name))

    def create(self, kind: str, body: dict[str, t.Any]) -> bool:
        if kind != "Event":
            self.there[kind, body["metadata"]["name"]] = {**body, "metadata": {**body["metadata"], "resourceVersion": "1"}}
        return True

    def merge(self, kind: str, name: str, body: dict[str, t.Any]) -> bool:
        self.there[kind, name] = {**self.there[kind, name], "data": body["data"]}
        return True

    def delete(self, kind: str, name: str, uid: str, propagation: str = "Background") -> None:
        assert self.there.pop((kind, name))["metadata"]["uid"] == uid
        self.done.append(f"{kind} {uid}")
        if propagation == "Foreground":
            del self.there["Pod", f"{name}-0"]

    def lead(self, controllers: t.Mapping[int, t.Any], leaving: t.Collection[int] = (), alive: t.Any = None) -> None:
        self.done += [*(f"vote of {node} goes" for node in leaving), *(f"vote of {node} comes" for node in controllers)]


class Replacer(_replace_calls.Replacer):
    """``behind``: brokers outside of the ISR."""

    behind: frozenset[int] = frozenset()

    def _snapshot(self, view: t.Any) -> tuple[Snapshot, int]:
        runs = {node: view.pods[f"c-n-{node}"] is not None for node in range(3)}
        nodes = {
            node: Node(node, "ready" if up else "missing", unfenced=up, recovering_logs=0, offline_log_dirs=(), reachable=True) for node, up in runs.items()
        }
        isr = tuple(node for node, up in runs.items() if up and node not in self.behind)
        return Snapshot(nodes, (Topic("t", 2, (Partition(0, 0, (0, 1, 2), isr),)),), Quorum((0, 1, 2), 0, dict.fromkeys(range(3), 5000))), 0


def replacer(fake: Fake, patience_ms: int = 0, dynamic: bool = True) -> Replacer:
    lock = _roll_lock.RollLock(t.cast(t.Any, fake), "c", _roll_lock.holder(1))
    members = [_roll.Member(f"c-n-{node}", f"c-n-{node}-0", node, ("broker", "controller")) for node in range(3)]
    found = Replacer(t.cast(t.Any, fake), t.cast(t.Any, None), members, lock, _roll.Options(gate=Options(patience_ms=patience_ms)))
    if dynamic:
        found.voters, found.endpoints = t.cast(t.Any, fake), t.cast(t.Any, {node: node for node in range(3)})
    return found


@pytest.mark.parametrize("dynamic", [True, False])
def test_its_vote_goes_first_and_its_claims_last(dynamic: bool) -> None:
    fake = Fake()
    work = replacer(fake, dynamic=dynamic)
    assert work.foretell(2) == (["data-0-c-n-2-0"], [])
    assert fake.done == []
    assert work.empty(2) == ["data-0-c-n-2-0"]
    votes = ["vote of 2 goes"] if dynamic else []
    assert fake.done == [*votes, "StatefulSet c-n-2", "PersistentVolumeClaim claim-2"]
    # Killed here, and run again: before and after it was started on new claims.
    assert replacer(fake, dynamic=dynamic).empty(2) == []
    fake.make(2, "new")
    again = replacer(fake, dynamic=dynamic)
    assert again.empty(2) == []
    again.restore(2)
    assert fake.done[3 if dynamic else 2 :] == (["vote of 2 comes"] if dynamic else [])
    assert "back with new disks" in replacer(fake)._lock.entries[-1].outcome


def test_a_shut_gate_keeps_everything() -> None:
    fake = Fake()
    work = replacer(fake)
    work.behind = frozenset((1,))
    _claims, against = work.foretell(2)
    assert "too few replicas in sync" in against[0]
    with pytest.raises(_roll_lock.Stopped, match=r"c-n-2 is not stopped.*too few replicas in sync"):
        work.empty(2)
    assert fake.done == []
    assert work._lock.entries == ()


def test_a_dead_node_is_emptied_as_it_is() -> None:
    fake = Fake()
    for place in (("StatefulSet", "c-n-2"), ("Pod", "c-n-2-0")):
        del fake.there[place]
    assert replacer(fake).empty(2) == ["data-0-c-n-2-0"]
    assert fake.done == ["PersistentVolumeClaim claim-2"]


def test_nobody_else_is_replaced() -> None:
    with pytest.raises(_roll_lock.Stopped, match=r"no node 7 in this cluster\. It has: 0, 1, 2\. Nothing was changed"):
        replacer(Fake()).empty(7)
