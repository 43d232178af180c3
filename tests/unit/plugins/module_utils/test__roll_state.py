# SPDX-License-Identifier: GPL-3.0-or-later
"""What Kubernetes says about a node, and why it has to be restarted."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _roll_order, _roll_state
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_state import Member, Seen

Object = t.Dict[str, t.Any]  # noqa: UP006

MEMBER = Member("events-node-0", "events-node-0-0", 0, ("broker", "controller"))
LABELS = {"app.kubernetes.io/name": "kafka"}
CREATED, LATER, AFTER = "2026-01-31T12:00:00Z", "2026-01-31T12:00:05Z", "2026-01-31T12:00:06Z"


def template(image: str = "kafka@sha256:1", checksum: str = "a", memory: str = "1Gi", heap: str = "512m") -> Object:
    container = {"image": image, "resources": {"limits": {"memory": memory}}, "env": [{"name": "KAFKA_HEAP_OPTS", "value": heap}]}
    metadata = {"annotations": {"kafkaops.kubernetes/checksum": checksum}, "labels": LABELS}
    return {"metadata": metadata, "spec": {"containers": [container]}}


def workload(revision: str = "r1", observed: int = 3, **changes: str) -> Object:
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "events-node-0", "generation": 3},
        "spec": {"template": template(**changes)},
        "status": {"observedGeneration": observed, "updateRevision": revision},
    }


def pod(revision: str = "r1", container: Object | None = None, ready: bool = True, labels: Object = LABELS, **changes: str) -> Object:
    found = template(**changes)
    found["metadata"].update(name="events-node-0-0", uid="u", creationTimestamp=CREATED, labels={**labels, "controller-revision-hash": revision})
    status = container if container is not None else {"state": {"running": {"startedAt": LATER}}, "ready": ready, "restartCount": 0}
    conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True" if ready else "False"}]
    return {**found, "kind": "Pod", "status": {"conditions": conditions, "containerStatuses": [status]}}


def certificate(changed: str, manager: str = "anyone") -> Object:
    entries = [
        {"manager": manager, "time": changed, "fieldsV1": {"f:data": {"f:tls.crt": {}}}},
        {"manager": "labeller", "time": "2026-02-28T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    return {"kind": "Secret", "metadata": {"name": "events-node-0-tls", "managedFields": entries}}


def credentials(changed: str = "") -> Object:
    data = {"config-changed-at": base64.b64encode(changed.encode()).decode()} if changed else {}
    return {"kind": "Secret", "metadata": {"name": "events-credentials"}, "data": {**data, "inter-broker-user": "a2Fma2E="}}


def claim(since: str) -> Object:
    return {
        "metadata": {"name": "data-0-events-node-0-0"},
        "spec": {"resources": {"requests": {"storage": "30Gi"}}},
        "status": {"conditions": [{"type": "FileSystemResizePending", "status": "True", "lastTransitionTime": since}]},
    }


def waiting(reason: str) -> Object:
    return {"state": {"waiting": {"reason": reason}}}


NOW = datetime.datetime(2026, 1, 31, 13, 0, tzinfo=datetime.timezone.utc)
CAUSES: list[tuple[str, Seen, tuple[str, ...]]] = [
    ("all as it should be", Seen(workload(), pod()), ()),
    ("an image", Seen(workload("r2", image="kafka@sha256:2"), pod()), ("image",)),
    ("a configuration", Seen(workload("r2", checksum="b"), pod()), ("configuration",)),
    ("resources", Seen(workload("r2", memory="2Gi"), pod()), ("resources",)),
    ("the heap", Seen(workload("r2", heap="1g"), pod()), ("resources",)),
    ("two at once", Seen(workload("r2", image="x", checksum="b"), pod()), ("image", "configuration")),
    ("anything else", Seen(workload("r2"), pod()), ("template",)),
    ("a label that a killed run has taken off", Seen(workload(), pod(labels={})), ("template",)),
    ("a label that somebody else has put on", Seen(workload(), pod(labels={**LABELS, "mine": "too"})), ()),
    ("Kubernetes has not seen the change yet", Seen(workload("r1", observed=2, checksum="b"), pod()), ()),
    ("no pod, which comes as it should be", Seen(workload("r2"), None), ()),
    ("no StatefulSet", Seen(None, pod()), ()),
    ("a certificate that is as old", Seen(workload(), pod(), certificate(CREATED)), ()),
    ("a certificate that came before the container started", Seen(workload(), pod(), certificate(LATER)), ()),
    ("a newer certificate", Seen(workload(), pod(), certificate(AFTER)), ("certificate",)),
    (
        "a certificate that came before the container started anew, which may have read the old file",
        Seen(workload(), pod(container={"state": {"running": {"startedAt": LATER}}, "ready": True, "restartCount": 1}), certificate(LATER)),
        ("certificate",),
    ),
    ("a login that was rotated", Seen(workload(), pod(), None, credentials()), ()),
    ("a secret setting that was changed before the container started", Seen(workload(), pod(), None, credentials(LATER)), ()),
    ("a secret setting that was changed since", Seen(workload(), pod(), None, credentials(AFTER)), ("configuration",)),
    ("a secret setting beside another one", Seen(workload("r2", checksum="b"), pod(), None, credentials(AFTER)), ("configuration",)),
    ("a claim that waits for a restart", Seen(workload(), pod(), claims=(claim(CREATED),)), ("resize",)),
    ("a claim that may grow without", Seen(workload(), pod(), claims=(claim("2026-01-31T12:59:00Z"),)), ()),
]


@pytest.mark.parametrize(("seen", "causes"), [case[1:] for case in CAUSES], ids=[case[0] for case in CAUSES])
def test_why_a_node_is_restarted(seen: Seen, causes: tuple[str, ...]) -> None:
    assert _roll_order.causes(_roll_state.node(MEMBER, seen, now=NOW)) == causes
    objects = [obj for obj in (seen.workload, seen.pod, seen.certificate, seen.credentials) if obj]
    by_secrets = "certificate" in causes or seen.credentials == credentials(AFTER)
    assert bool(_roll_state.nodes_with_old_secrets(objects, "events")) == by_secrets


def application(secret: str, began: str = LATER) -> list[Object]:
    labels = {"kafkaops.kubernetes/client": "events-shop"}
    volumes = [{"projected": {"sources": [{"secret": {"name": secret}}]}}, {"emptyDir": {}}]
    spec = {"selector": {"matchLabels": labels}, "template": {"spec": {"volumes": volumes}}}
    running = pod(container={"state": {"running": {"startedAt": began}}, "restartCount": 0})
    running["metadata"]["labels"] = {**labels, "more": "x"}
    return [{"kind": "Deployment", "metadata": {"name": "events-shop"}, "spec": spec}, running]


CLIENTS: list[tuple[str, list[Object], list[str]]] = [
    ("as old", [*application("events-node-0-tls"), certificate(LATER)], []),
    ("older", [*application("events-node-0-tls"), certificate(AFTER)], ["events-shop"]),
    ("began anew since", [*application("events-node-0-tls", began=AFTER), certificate(AFTER)], []),
    ("a Secret that it does not mount", [*application("other"), certificate(AFTER)], []),
    ("a pod that is not its own", [application("events-node-0-tls")[0], pod(), certificate(AFTER)], []),
]


@pytest.mark.parametrize(("objects", "expected"), [case[1:] for case in CLIENTS], ids=[case[0] for case in CLIENTS])
def test_applications_that_run_with_an_older_secret(objects: list[Object], expected: list[str]) -> None:
    assert _roll_state.clients_with_old_secrets(objects) == expected


SERVER = Member("events-zookeeper-1", "events-zookeeper-1-0", 1, ("zookeeper",))


@pytest.mark.parametrize(
    ("seen", "causes"),
    [
        (Seen(workload(), pod()), ()),
        (Seen(workload("r2", image="x", checksum="b"), pod()), ("image", "configuration")),
        (Seen(workload(), pod(), certificate(AFTER)), ("certificate",)),
        (Seen(workload(), pod(), None, credentials(AFTER)), ()),  # secret settings are the brokers'
        (Seen(workload(), pod(), claims=(claim(CREATED),)), ("resize",)),
        (Seen(workload("r2", image="x"), pod(container=waiting("ImagePullBackOff"), ready=False)), ("image", "stuck")),
    ],
)
def test_why_a_zookeeper_server_is_restarted(seen: Seen, causes: tuple[str, ...]) -> None:
    found = _roll_state.node(SERVER, seen, now=NOW)
    assert (found.zookeeper, _roll_order.causes(found)) == (True, causes)
    assert not _roll_state.node(MEMBER, seen, now=NOW).zookeeper


@pytest.mark.parametrize(
    ("replicas", "seen", "causes"),
    [(1, pod(), ("stop",)), (1, None, ("stop",)), (0, pod(), ()), (0, None, ())],
)
def test_a_node_that_is_not_to_run(replicas: int, seen: Object | None, causes: tuple[str, ...]) -> None:
    stopped = dataclasses.replace(MEMBER, stopped=True)
    there = workload("r2", image="x")
    there["spec"]["replicas"] = replicas
    assert _roll_order.causes(_roll_state.node(stopped, Seen(there, seen), LATER)) == causes


def test_only_a_roll_stops_what_runs() -> None:
    def a(name: str, replicas: int) -> Object:
        return {"kind": "StatefulSet", "metadata": {"name": name}, "spec": {"replicas": replicas}}

    other = {"kind": "ConfigMap", "metadata": {"name": "runs"}}
    wanted = [other, a("runs", 0), a("ended", 0), a("new", 0), a("starts", 1)]
    there = [other, a("runs", 1), a("ended", 0), a("starts", 0)]
    assert _roll_state.stopping(wanted, there) == ["runs"]
    assert _roll_state.until_stopped(wanted, ["runs"]) == [other, a("runs", 1), *wanted[2:]]
    assert _roll_state.stopping(wanted, []) == []


@pytest.mark.parametrize(("before", "causes"), [("", ()), (CREATED, ()), (LATER, ("manual",))])
def test_pods_that_were_created_before(before: str, causes: tuple[str, ...]) -> None:
    assert _roll_order.causes(_roll_state.node(MEMBER, Seen(workload(), pod()), before)) == causes


@pytest.mark.parametrize(("away", "causes"), [("", ("image", "manual")), ("worker-1", ("image", "manual", "drain")), ("worker-2", ())])
def test_a_kubernetes_node_that_is_drained(away: str, causes: tuple[str, ...]) -> None:
    there = pod()
    there["spec"]["nodeName"] = "worker-1"
    assert _roll_order.causes(_roll_state.node(MEMBER, Seen(workload("r2", image="x"), there), LATER, away)) == causes


STATES: list[tuple[str, Object | None]] = [
    ("missing", None),
    ("ready", pod()),
    ("starting", pod(ready=False)),
    ("image", pod(container=waiting("ImagePullBackOff"), ready=False)),
    ("image", pod(container=waiting("InvalidImageName"), ready=False)),
    ("crash_loop", pod(container=waiting("CrashLoopBackOff"), ready=False)),
    ("unknown", pod(container=waiting("ContainerCreating"), ready=False)),
    ("unknown", pod(container={"state": {"terminated": {"exitCode": 1}}}, ready=False)),
    ("unknown", {"metadata": {}, "status": {}}),
    ("scheduling", {"metadata": {}, "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}}),
    ("unknown", {"metadata": {}, "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulerError"}]}}),
]


@pytest.mark.parametrize(("state", "found"), STATES)
def test_states_of_a_pod(state: str, found: Object | None) -> None:
    assert _roll_state.pod_state(found) == state


def test_a_pod_on_its_way_out_is_not_the_nodes_any_more() -> None:
    leaving = copy.deepcopy(pod())
    leaving["metadata"]["deletionTimestamp"] = LATER
    assert _roll_state.pod_state(leaving) == "terminating"
    assert _roll_state.node(MEMBER, Seen(workload("r2"), leaving)).pod_uid is None


def test_how_long_a_container_runs() -> None:
    now = datetime.datetime(2026, 1, 31, 12, 0, 15, tzinfo=datetime.timezone.utc)
    assert _roll_state.age_ms(pod(), now) == 10_000
    assert _roll_state.age_ms(pod(container=waiting("x")), now) is None
    # A control node whose clock is behind.
    assert _roll_state.age_ms(pod(), now - datetime.timedelta(minutes=1)) == 0
    assert _roll_state.written(now) == "2026-01-31T12:00:15Z"


def test_members_of_a_plan() -> None:
    places = [
        {"host": "198.51.100.7", "port": 9094, "listener": "OUTSIDE"},
        {"host": "inside", "port": 9092, "listener": "INTERNAL"},
        {"host": "", "port": 0, "listener": "OUTSIDE"},
    ]
    node = {"name": "n", "pod": "n-0", "id": 1, "roles": ["broker"], "advertised": places, "file": "..."}
    server = {"name": "z", "pod": "z-0", "id": 1, "roles": ["zookeeper"], "advertised": []}
    plan = {"nodes": [node], "zookeeper_nodes": [server], "external_listeners": ["OUTSIDE"]}
    broker = {"name": "n", "pod": "n-0", "id": 1, "roles": ["broker"], "stopped": False, "outside": ["198.51.100.7:9094"]}
    ensemble = {"name": "z", "pod": "z-0", "id": 1, "roles": ["zookeeper"], "stopped": False, "outside": []}
    assert _roll_state.members({**plan, "stopped": [0]}) == [broker, ensemble]
    # Broker 1 is to be stopped, and not server 1.
    assert _roll_state.members({**plan, "stopped": [1]}) == [{**broker, "stopped": True}, ensemble]
