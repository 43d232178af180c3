# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What Kubernetes objects, as the API server returns them, say about their state. Private to the collection."""

from __future__ import annotations

import base64
import datetime
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quantity import bytes_of

Object = t.Mapping[str, t.Any]

WORKLOADS = ("StatefulSet", "Deployment", "PersistentVolumeClaim", "Certificate")

ONLINE_S = 120
"""For how long a driver may take to grow a file system that is in use. One that has not by then needs the pod to start anew."""


NODE = "kafkaops.kubernetes/node"
"""The label with the name of the StatefulSet that an object belongs to."""


def name_of(obj: Object) -> str:
    """``Kind/name``."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


def applied_objects(result: t.Mapping[str, t.Any]) -> list[Object]:
    """The objects in a result of kubernetes.core.k8s, which is flat for one object and a list for several."""
    results = (result.get("result") or {}).get("results")
    if results is not None:
        return [each["result"] for each in results if each.get("result")]
    return [result["result"]] if (result.get("result") or {}).get("kind") else []


def serves(workload: Object, now: datetime.datetime | None = None) -> bool:
    """Whether every pod of a workload is there and ready, a Service has the addresses that Kubernetes gives it, a claim
    has grown as far as it does without a restart, or a Certificate is issued.

    A Deployment counts when all its pods are of its newest template; a StatefulSet with ``OnDelete`` keeps its
    old pods until they are deleted, so any template counts.
    """
    if workload["kind"] == "Service":
        return not without_address([workload])
    if workload["kind"] == "PersistentVolumeClaim":
        return growth(workload, now) != "under way"
    if workload["kind"] == "Certificate":
        return issued(workload)
    wanted = workload["spec"].get("replicas", 1)
    status = workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return False
    if workload["kind"] == "Deployment" and status.get("updatedReplicas", 0) != wanted:
        return False
    return status.get("readyReplicas", 0) == wanted == status.get("replicas", 0)


def not_serving(objects: t.Iterable[Object], now: datetime.datetime | None = None) -> list[str]:
    """``Kind/name`` of the workloads that do not serve yet."""
    return [name_of(obj) for obj in objects if obj.get("kind") in WORKLOADS and not serves(obj, now)]


def growth(claim: Object, now: datetime.datetime | None = None) -> t.Literal["done", "under way", "restart"]:
    """How far a claim has come to the size that it asks for; ``restart``: its file system grows when its pod starts anew.

    Drivers that can grow a file system in use wait for the kubelet to do it in the same state, so that it takes
    ``ONLINE_S`` until a restart is due; without ``now`` it is not known yet.
    """
    status = claim.get("status") or {}
    for condition in status.get("conditions") or []:
        if condition["type"] == "FileSystemResizePending" and condition["status"] == "True":
            since = condition.get("lastTransitionTime") or "1970-01-01T00:00:00Z"
            return "restart" if now and (now - moment(since)).total_seconds() > ONLINE_S else "under way"
    asked, given = (bytes_of((place or {}).get("storage")) for place in (claim["spec"]["resources"]["requests"], status.get("capacity")))
    return "under way" if status.get("phase") == "Bound" and asked and given and given < asked else "done"


def issued(certificate: Object) -> bool:
    """Whether cert-manager has put what a Certificate asks for by now into its Secret."""
    ready = _conditions(certificate).get("Ready", {})
    return ready.get("status") == "True" and ready.get("observedGeneration", 0) >= certificate["metadata"].get("generation", 0)


def why_not_issued(certificate: Object) -> str:
    """What cert-manager says about a Certificate that is not issued, in one line."""
    said = [f"{name}: {each.get('message') or each.get('reason', '')}" for name, each in _conditions(certificate).items()]
    name, namespace, spec = certificate["metadata"]["name"], certificate["metadata"].get("namespace", ""), certificate.get("spec") or {}
    issuer = spec.get("issuerRef") or {}
    return (
        f"Certificate {name} is not issued by {issuer.get('kind', 'Issuer')} {issuer.get('name', '')}"
        f" ({'; '.join(said) or 'cert-manager says nothing about it: does it run?'}),"
        f" and no pod starts without it; see kubectl -n {namespace} describe certificaterequest."
    )


def _conditions(obj: Object) -> dict[str, Object]:
    """The conditions in an object's status by their type."""
    return {each["type"]: each for each in (obj.get("status") or {}).get("conditions") or []}


def outdated(objects: t.Iterable[Object], now: datetime.datetime | None = None) -> list[str]:
    """Names of the StatefulSets whose pods run an older template than the newest one, or with a claim that waits for a restart.

    The revision that a StatefulSet calls its current one tells nothing: one that was made anew around a pod has just one.
    """
    found = []
    for obj in objects:
        status = obj.get("status") or {}
        if obj.get("kind") == "PersistentVolumeClaim" and growth(obj, now) == "restart":
            found.append((obj["metadata"].get("labels") or {}).get(NODE) or "")
        elif obj.get("kind") == "StatefulSet" and status.get("updateRevision") and status.get("replicas", 0) > 0:
            found += [obj["metadata"]["name"]] * (status.get("updatedReplicas", 0) < obj["spec"].get("replicas", 1))
    return found


def why_not_grown(claim: Object) -> str:
    """How far a claim has come, with what its driver says, in one line."""
    given = ((claim.get("status") or {}).get("capacity") or {}).get("storage", "nothing")
    said = [f"{each['type']} {each.get('message', '')}".strip() for each in (claim.get("status") or {}).get("conditions") or []]
    name, asked = claim["metadata"]["name"], claim["spec"]["resources"]["requests"]["storage"]
    return f"Claim {name} has {given} and is to have {asked} ({'; '.join(said) or 'nothing is said about it'}); look at its events."


def moment(text: str) -> datetime.datetime:
    """A time as Kubernetes writes it."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def secret_texts(secret: Object) -> dict[str, str]:
    """The data of a Secret, decoded."""
    return {key: base64.b64decode(value).decode() for key, value in (secret.get("data") or {}).items()}


def ingress(service: Object) -> list[dict[str, t.Any]]:
    """The addresses that a LoadBalancer Service got so far."""
    return ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []


def without_address(services: t.Iterable[Object]) -> list[str]:
    """Names of the Services that wait for an address or a node port."""
    waiting = []
    for service in services:
        kind = service["spec"].get("type")
        addressed = {
            "LoadBalancer": ingress(service),
            "NodePort": all(port.get("nodePort") for port in service["spec"].get("ports") or []),
        }
        if not addressed.get(kind, True):
            waiting.append(service["metadata"]["name"])
    return waiting


def why_not_ready(pod: Object) -> str:
    """Why a pod is not ready, in one line; empty where it is."""
    status = pod.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    if conditions.get("Ready", {}).get("status") == "True":
        return ""
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return f"cannot be scheduled: {scheduled.get('message', scheduled.get('reason', ''))}"
    for container in status.get("containerStatuses") or []:
        state = container.get("state") or {}
        waiting = state.get("waiting")
        ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
        if waiting:
            last = f", last exit {ended.get('exitCode')} ({ended.get('reason')})" if ended else ""
            return f"{waiting.get('reason')}: {waiting.get('message', '')}{last}"
        if state.get("terminated"):
            return f"ended with {ended.get('exitCode')} ({ended.get('reason')})"
        if not container.get("ready"):
            return f"runs and is not ready, {container.get('restartCount', 0)} restarts"
    return f"is {status.get('phase', 'unknown')}"
