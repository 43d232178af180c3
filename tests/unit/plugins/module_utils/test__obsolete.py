# SPDX-License-Identifier: GPL-3.0-or-later
"""What is deleted when a definition no longer has it, and what never is."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _obsolete

OURS = {"app.kubernetes.io/instance": "events", "app.kubernetes.io/managed-by": "kafkaops.kubernetes"}


def obj(kind: str, name: str, labels: dict[str, str] | None = None, **spec: t.Any) -> dict[str, t.Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "n", "labels": OURS if labels is None else labels}, "spec": spec}


WANTED = [obj("StatefulSet", "events-node-0"), obj("Service", "events-node-0")]
CASES = [
    ("a listener's Service", obj("Service", "events-node-0-external"), True),
    ("a Service that is wanted", obj("Service", "events-node-0"), False),
    ("an application", obj("Deployment", "events-producer"), True),
    ("the journal of restarts", obj("ConfigMap", "events-roll", {**OURS, "app.kubernetes.io/component": "roll"}), False),
    ("another ConfigMap", obj("ConfigMap", "events-x", {**OURS, "app.kubernetes.io/component": "broker"}), True),
    ("a policy", obj("NetworkPolicy", "events-broker"), True),
    ("a node", obj("StatefulSet", "events-node-9"), False),
    ("data", obj("PersistentVolumeClaim", "data-0-events-node-9-0"), False),
    ("a secret", obj("Secret", "events-client-old"), False),
    ("another cluster's", obj("Service", "x", {**OURS, "app.kubernetes.io/instance": "other"}), False),
    ("someone else's", obj("Service", "x", {"app.kubernetes.io/instance": "events"}), False),
    ("nobody's", obj("Service", "x", {}), False),
]


@pytest.mark.parametrize(("name", "there", "gone"), CASES, ids=[case[0] for case in CASES])
def test_what_goes(name: str, there: dict[str, t.Any], gone: bool) -> None:
    found = _obsolete.obsolete(WANTED, [*WANTED, there], "events")
    assert [each["metadata"]["name"] for each in found] == ([there["metadata"]["name"]] if gone else [])


LEAVING = [
    ("a node", obj("StatefulSet", "events-node-9"), [{"name": "events-node-9", "pod": "events-node-9-0", "id": 9}]),
    ("a node that is wanted", obj("StatefulSet", "events-node-0"), []),
    ("another cluster's", obj("StatefulSet", "events-node-9", {**OURS, "app.kubernetes.io/instance": "other"}), []),
    ("a server of ZooKeeper", obj("StatefulSet", "events-zookeeper-9", {**OURS, "app.kubernetes.io/component": "zookeeper"}), []),
    ("its file", obj("ConfigMap", "events-node-9"), []),
]


@pytest.mark.parametrize(("name", "there", "leaving"), LEAVING, ids=[case[0] for case in LEAVING])
def test_which_nodes_leave(name: str, there: dict[str, t.Any], leaving: list[dict[str, t.Any]]) -> None:
    assert _obsolete.leaving(WANTED, [there], "events") == leaving


def test_a_node_that_still_runs_keeps_its_file_and_its_name() -> None:
    file = obj("ConfigMap", "events-node-9", {**OURS, "kafkaops.kubernetes/node": "events-node-9"})
    service = obj("Service", "events-node-9", selector={"kafkaops.kubernetes/node": "events-node-9"})
    assert _obsolete.obsolete(WANTED, [*WANTED, obj("StatefulSet", "events-node-9"), file, service], "events") == []
    assert len(_obsolete.obsolete(WANTED, [*WANTED, file, service], "events")) == 2
