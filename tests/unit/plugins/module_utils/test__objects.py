# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects of Kubernetes say about their state."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _objects


def workload(kind: str = "StatefulSet", replicas: int = 1, generation: int = 2, **status: t.Any) -> dict[str, t.Any]:
    ready = {"observedGeneration": 2, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "a"}
    return {"kind": kind, "metadata": {"name": "w", "generation": generation}, "spec": {"replicas": replicas}, "status": {**ready, **status}}


SERVING = [
    ("ready", workload(), True),
    ("not ready", workload(readyReplicas=0), False),
    ("no status yet", {**workload(), "status": {}}, False),
    ("older generation observed", workload(generation=3), False),
    ("one of two", workload(replicas=2), False),
    ("one too many", workload() | {"status": {"observedGeneration": 2, "replicas": 2, "readyReplicas": 1}}, False),
    ("old pod of OnDelete", workload(updatedReplicas=0, updateRevision="b"), True),
    ("old pod of a Deployment", workload("Deployment", updatedReplicas=0), False),
    ("new pod of a Deployment", workload("Deployment"), True),
    ("scaled to nothing", workload(replicas=0) | {"status": {"observedGeneration": 2}}, True),
]


@pytest.mark.parametrize(("name", "obj", "expected"), SERVING)
def test_serves(name: str, obj: dict[str, t.Any], expected: bool) -> None:
    assert _objects.serves(obj) is expected
    assert _objects.not_serving([obj, {"kind": "Service"}]) == ([] if expected else [f"{obj['kind']}/w"])


def certificate(status: str = "True", observed: int = 2, *, issuing: bool = False) -> dict[str, t.Any]:
    """``status``: of its condition, empty where nobody has looked at it yet."""
    conditions = [{"type": "Ready", "status": status, "reason": "Ready", "message": "it is said", "observedGeneration": observed}] if status else []
    conditions += [{"type": "Issuing", "status": "True", "message": "it is due"}] if issuing else []
    metadata = {"name": "w", "namespace": "team", "generation": 2}
    return {"kind": "Certificate", "metadata": metadata, "spec": {"issuerRef": {"name": "ca"}}, "status": {"conditions": conditions}}


ISSUED = [
    ("issued", certificate(), True),
    ("not issued", certificate("False"), False),
    ("not looked at yet", certificate(""), False),
    ("no status yet", {**certificate(), "status": None}, False),
    ("issued as it was before", certificate(observed=1), False),
    ("renewed while it holds", certificate(issuing=True), True),
]


@pytest.mark.parametrize(("name", "obj", "expected"), ISSUED)
def test_certificates_are_issued(name: str, obj: dict[str, t.Any], expected: bool) -> None:
    assert _objects.serves(obj) is expected
    assert _objects.not_serving([obj]) == ([] if expected else ["Certificate/w"])


def test_why_a_certificate_is_not_issued() -> None:
    said = _objects.why_not_issued(certificate("False", issuing=True))
    assert "Certificate w is not issued by Issuer ca (Ready: it is said; Issuing: it is due)" in said
    assert "kubectl -n team describe certificaterequest" in said
    assert "does it run?" in _objects.why_not_issued(certificate(""))


@pytest.mark.parametrize(
    ("name", "obj", "expected"),
    [
        ("newest", workload(), []),
        ("older", workload(updatedReplicas=0, updateRevision="b"), ["w"]),
        ("made anew around an older pod", workload(updatedReplicas=0), ["w"]),
        ("not looked at yet", workload(replicas=1) | {"status": {"replicas": 1}}, []),
        ("already restarted", workload(updatedReplicas=1, updateRevision="b"), []),
        ("no pod yet", workload(replicas=1) | {"status": {"updateRevision": "a"}}, []),
        ("Deployments restart themselves", workload("Deployment", updatedReplicas=0, updateRevision="b"), []),
    ],
)
def test_outdated(name: str, obj: dict[str, t.Any], expected: list[str]) -> None:
    assert _objects.outdated([obj]) == expected


NOW = datetime.datetime(2026, 1, 31, 12, 10, tzinfo=datetime.timezone.utc)


def claim(asked: str = "30Gi", given: str = "20Gi", since: str | None = "", phase: str = "Bound") -> dict[str, t.Any]:
    """``since``: when the driver began to wait for the file system, None for who knows when, empty for never."""
    conditions = [] if since == "" else [{"type": "FileSystemResizePending", "status": "True", "message": "waiting", "lastTransitionTime": since}]
    return {
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-0-w-0", "labels": {"kafkaops.kubernetes/node": "w"}},
        "spec": {"resources": {"requests": {"storage": asked}}},
        "status": {"phase": phase, "capacity": {"storage": given}, "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        (claim(given="30Gi"), "done"),
        (claim(given="30720Mi"), "done"),
        (claim(given="32Gi"), "done"),
        (claim(), "under way"),
        (claim(phase="Pending"), "done"),  # it gets a volume that is as large as it asks for
        (claim(since="2026-01-31T12:09:00Z"), "under way"),  # a driver may still do it while the pod runs
        (claim(since="2026-01-31T12:07:59Z"), "restart"),
        (claim(since=None), "restart"),
    ],
)
def test_growth_of_a_claim(obj: dict[str, t.Any], expected: str) -> None:
    assert _objects.growth(obj, NOW) == expected
    assert _objects.outdated([obj], NOW) == (["w"] if expected == "restart" else [])
    assert _objects.not_serving([obj], NOW) == (["PersistentVolumeClaim/data-0-w-0"] if expected == "under way" else [])


def test_what_is_said_of_a_claim_that_does_not_grow() -> None:
    assert _objects.why_not_grown(claim(since=None)) == (
        "Claim data-0-w-0 has 20Gi and is to have 30Gi (FileSystemResizePending waiting); look at its events."
    )
    assert "nothing is said about it" in _objects.why_not_grown(claim())


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"result": {"results": [{"result": {"kind": "A"}}, {"result": {"kind": "B"}}]}}, ["A", "B"]),
        ({"result": {"kind": "A"}}, ["A"]),
        ({"skipped": True}, []),
        ({"result": {}}, []),
    ],
)
def test_applied_objects(result: dict[str, t.Any], expected: list[str]) -> None:
    assert [obj["kind"] for obj in _objects.applied_objects(result)] == expected


def service(kind: str, ports: list[dict[str, t.Any]], ingress: list[dict[str, str]] | None = None) -> dict[str, t.Any]:
    return {"metadata": {"name": kind}, "spec": {"type": kind, "ports": ports}, "status": {"loadBalancer": {"ingress": ingress} if ingress else {}}}


@pytest.mark.parametrize(
    ("obj", "waits"),
    [
        (service("ClusterIP", [{}]), False),
        (service("NodePort", [{"nodePort": 30000}]), False),
        (service("NodePort", [{"nodePort": 30000}, {}]), True),
        (service("LoadBalancer", [{"nodePort": 30000}]), True),
        (service("LoadBalancer", [{"nodePort": 30000}], [{"ip": "192.0.2.1"}]), False),
    ],
)
def test_without_address(obj: dict[str, t.Any], waits: bool) -> None:
    assert (_objects.without_address([obj]) == [obj["metadata"]["name"]]) is waits


def pod(*, ready: str = "False", phase: str = "Running", scheduled: str = "True", **container: t.Any) -> dict[str, t.Any]:
    conditions = [{"type": "Ready", "status": ready}, {"type": "PodScheduled", "status": scheduled, "message": "0/3 nodes fit"}]
    return {"status": {"phase": phase, "conditions": conditions, "containerStatuses": [container] if container else []}}


WHY = [
    (pod(ready="True"), ""),
    (pod(scheduled="False", phase="Pending"), "cannot be scheduled: 0/3 nodes fit"),
    (pod(state={"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}), "ImagePullBackOff: not found"),
    (
        pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState={"terminated": {"exitCode": 1, "reason": "Error"}}),
        "CrashLoopBackOff: , last exit 1 (Error)",
    ),
    (pod(state={"terminated": {"exitCode": 3, "reason": "Error"}}), "ended with 3 (Error)"),
    (pod(state={"running": {}}, restartCount=2), "runs and is not ready, 2 restarts"),
    (pod(phase="Pending"), "is Pending"),
]


@pytest.mark.parametrize(("obj", "expected"), WHY)
def test_why_not_ready(obj: dict[str, t.Any], expected: str) -> None:
    assert _objects.why_not_ready(obj) == expected
