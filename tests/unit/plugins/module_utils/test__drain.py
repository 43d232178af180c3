# SPDX-License-Identifier: GPL-3.0-or-later
"""May a pod leave its Kubernetes node? Each reason against it, and the near twin that may."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _drain, _drain_calls, _live, _plan_model

Object = t.Dict[str, t.Any]  # noqa: UP006
PLACE = "worker-1"


def kubernetes_node(name: str, zone: str = "a", ready: str = "True", **spec: t.Any) -> Object:
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": zone, "size": "8"}
    return {"metadata": {"name": name, "labels": labels}, "spec": spec, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def pod(name: str, where: str | None = PLACE, apart: str = "", rack: str = "", component: str = "broker", **spec: t.Any) -> Object:
    affinity = _plan_model.affinity("events", component, apart, rack)
    labels = _plan_model.selector("events", component, name.removesuffix("-0"))
    return {"metadata": {"name": name, "labels": labels}, "spec": {"nodeName": where, "affinity": affinity, **spec}, "status": {"phase": "Running"}}


def volume(key: str, operator: str, *values: str, kind: str = "matchExpressions") -> Object:
    term = {kind: [{"key": key, "operator": operator, "values": list(values)}]}
    return {"metadata": {"name": "pv-1"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}}


HERE, OTHER, THIRD = kubernetes_node(PLACE), kubernetes_node("worker-2"), kubernetes_node("worker-3", "b")
TAINT = [{"key": "only", "value": "web", "effect": "NoSchedule"}]
HOST = "kubernetes.io/hostname"
PINNED, MEMBERS = "on this Kubernetes node only", (HERE, OTHER, THIRD)

CASES: list[tuple[str, Object, tuple[Object, ...] | None, list[Object], list[Object], str]] = [
    ("another is free", pod("n-0-0"), MEMBERS, [], [], ""),
    ("there is no other", pod("n-0-0"), (HERE,), [], [], "ready and takes pods"),
    ("the other is cordoned", pod("n-0-0"), (HERE, kubernetes_node("w", unschedulable=True)), [], [], "ready and takes pods"),
    ("the other is not ready", pod("n-0-0"), (HERE, kubernetes_node("w", ready="Unknown")), [], [], "ready and takes pods"),
    ("the other is tainted", pod("n-0-0"), (HERE, kubernetes_node("w", taints=TAINT)), [], [], "ready and takes pods"),
    ("it would rather not", pod("n-0-0"), (HERE, kubernetes_node("w", taints=[{"key": "x", "effect": "PreferNoSchedule"}])), [], [], ""),
    ("and tolerated", pod("n-0-0", tolerations=[{"key": "only", "operator": "Exists"}]), (HERE, kubernetes_node("w", taints=TAINT)), [], [], ""),
    ("tolerated by value", pod("n-0-0", tolerations=[{"key": "only", "value": "web"}]), (HERE, kubernetes_node("w", taints=TAINT)), [], [], ""),
    ("another value", pod("n-0-0", tolerations=[{"key": "only", "value": "db"}]), (HERE, kubernetes_node("w", taints=TAINT)), [], [], "takes pods"),
    ("its labels are asked for", pod("n-0-0", nodeSelector={"size": "16"}), MEMBERS, [], [], "takes pods such as this"),
    ("its zone", pod("n-0-0", rack="a"), MEMBERS, [], [], ""),
    ("its zone has no other", pod("n-0-0", rack="a"), (HERE, THIRD), [], [], "in its zone"),
    ("its volume is of this host", pod("n-0-0"), MEMBERS, [], [volume(HOST, "In", PLACE)], PINNED),
    ("its volume is of this host, and nothing else may be read", pod("n-0-0"), None, [], [volume(HOST, "In", PLACE)], PINNED),
    ("its volume is of this node by name", pod("n-0-0"), None, [], [volume("metadata.name", "In", PLACE, kind="matchFields")], PINNED),
    ("its volume is of two hosts", pod("n-0-0"), None, [], [volume(HOST, "In", PLACE, "worker-2")], ""),
    ("its volume is of a zone", pod("n-0-0"), (HERE, THIRD), [], [volume("topology.kubernetes.io/zone", "In", "a")], "volumes can be used on no other"),
    ("its volume is of that zone too", pod("n-0-0"), (HERE, THIRD), [], [volume("topology.kubernetes.io/zone", "In", "a", "b")], ""),
    ("not of that host", pod("n-0-0"), (HERE, OTHER), [], [volume(HOST, "NotIn", "worker-2")], "volumes can be used on no other"),
    ("of those with a label", pod("n-0-0"), (HERE, OTHER), [], [volume("size", "Exists")], ""),
    ("of those without", pod("n-0-0"), (HERE, OTHER), [], [volume("size", "DoesNotExist")], "volumes can be used on no other"),
    ("of the large ones", pod("n-0-0"), (HERE, OTHER), [], [volume("size", "Gt", "8")], "volumes can be used on no other"),
    ("of the small ones", pod("n-0-0"), (HERE, OTHER), [], [volume("size", "Lt", "9")], ""),
    ("a volume of anywhere", pod("n-0-0"), (HERE, OTHER), [], [{"metadata": {"name": "pv-1"}, "spec": {}}], ""),
    ("apart, and one is free", pod("n-0-0", apart="required"), MEMBERS, [pod("n-1-0", "worker-2")], [], ""),
    ("apart, and none is free", pod("n-0-0", apart="required"), MEMBERS, [pod("n-1-0", "worker-2"), pod("n-2-0", "worker-3")], [], "must be apart"),
    ("apart if possible", pod("n-0-0", apart="preferred"), MEMBERS, [pod("n-1-0", "worker-2"), pod("n-2-0", "worker-3")], [], ""),
    ("apart from others only", pod("n-0-0", apart="required"), MEMBERS, [pod(f"z-{i}-0", f"worker-{i}", component="zookeeper") for i in (2, 3)], [], ""),
    ("nothing may be read", pod("n-0-0", apart="required"), None, [pod("n-1-0", "worker-2"), pod("n-2-0", "worker-3")], [], ""),
]


@pytest.mark.parametrize(("leaving", "nodes", "pods", "volumes", "reason"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whether_it_may_leave(leaving: Object, nodes: tuple[Object, ...] | None, pods: list[Object], volumes: list[Object], reason: str) -> None:
    found = _drain.why_it_stays(leaving, PLACE, _drain.Surroundings(nodes, (leaving, *pods), tuple(volumes)))
    assert (reason in found) if reason else found == "", found


def test_what_else_runs_there() -> None:
    pods = [
        pod("events-node-0-0"),
        pod("events-zookeeper-1-0", component="zookeeper"),
        pod("events-zookeeper-2-0", "worker-2", component="zookeeper"),
        {"metadata": {"name": "web"}, "spec": {"nodeName": PLACE}},
        {**pod("ended", component="producer"), "status": {"phase": "Succeeded"}},
    ]
    assert _drain.besides(pods, PLACE, "events", {"events-node-0-0"}) == ["events-zookeeper-1-0 (zookeeper)"]
    assert _drain.besides(pods, PLACE, "events", {"events-node-0-0", "events-zookeeper-1-0"}) == []
    pods[1]["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    assert _drain.besides(pods, PLACE, "events", {"events-node-0-0"}) == []


class Api:
    """An API server with these objects, and rights to read paths that begin with one of ``readable``."""

    def __init__(self, objects: t.Mapping[str, Object], *readable: str) -> None:
        self._objects, self._readable = objects, readable

    def get(self, path: str, label_selector: str = "") -> Object | None:
        if not path.startswith(self._readable):
            raise _live.NotReadable(path)
        return self._objects.get(path)


THERE: dict[str, Object] = {
    "/api/v1/nodes": {"items": [HERE, OTHER]},
    "/api/v1/nodes/worker-1": kubernetes_node(PLACE, unschedulable=True),
    "/api/v1/nodes/worker-2": OTHER,
    "/api/v1/persistentvolumes/pv-1": volume(HOST, "In", PLACE),
}
CLAIMS: list[Object] = [{"spec": {"volumeName": "pv-1"}}, {"spec": {}}]


def test_whether_it_is_cordoned() -> None:
    api = Api(THERE, "/api/v1/nodes")
    assert [_drain_calls.is_cordoned(api, name) for name in ("worker-1", "worker-2")] == [True, False]
    with pytest.raises(_drain_calls.Gone, match="worker-9"):
        _drain_calls.is_cordoned(api, "worker-9")
    assert _drain_calls.is_cordoned(Api(THERE, "/nothing"), "worker-9") is None


@pytest.mark.parametrize(
    ("readable", "nodes", "volumes"),
    [(("/api/",), 2, 1), (("/api/v1/nodes",), 2, 0), (("/api/v1/persistentvolumes",), None, 1), (("/nothing",), None, 0)],
)
def test_what_may_be_seen(readable: tuple[str, ...], nodes: int | None, volumes: int) -> None:
    found = _drain_calls.around(Api(THERE, *readable), [pod("n-0-0")], CLAIMS)
    assert (found.kubernetes_nodes and len(found.kubernetes_nodes), len(found.volumes)) == (nodes, volumes)
