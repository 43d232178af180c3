# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What Kubernetes objects, as the API server returns them, say about their state. Private to the collection."""

from __future__ import annotations

import typing as t

Object = t.Mapping[str, t.Any]

WORKLOADS = ("StatefulSet", "Deployment")


def name_of(obj: Object) -> str:
    """``Kind/name``."""
    return f"{obj['kind']}/{obj['metadata']['name']}"


def applied_objects(result: t.Mapping[str, t.Any]) -> list[Object]:
    """The objects in a result of kubernetes.core.k8s, which is flat for one object and a list for several."""
    results = (result.get("result") or {}).get("results")
    if results is not None:
        return [each["result"] for each in results if each.get("result")]
    return [result["result"]] if (result.get("result") or {}).get("kind") else []


def serves(workload: Object) -> bool:
    """Whether every pod of a workload is there and ready.

    A Deployment counts when all its pods are of its newest template; a StatefulSet with ``OnDelete`` keeps its
    old pods until they are deleted, so any template counts.
    """
    wanted = workload["spec"].get("replicas", 1)
    status = workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return False
    if workload["kind"] == "Deployment" and status.get("updatedReplicas", 0) != wanted:
        return False
    return status.get("readyReplicas", 0) == wanted == status.get("replicas", 0)


def not_serving(objects: t.Iterable[Object]) -> list[str]:
    """``Kind/name`` of the workloads that do not serve yet."""
    return [name_of(obj) for obj in objects if obj.get("kind") in WORKLOADS and not serves(obj)]


def outdated(objects: t.Iterable[Object]) -> list[str]:
    """Names of the StatefulSets whose pods run an older template than the newest one."""
    return [
        obj["metadata"]["name"]
        for obj in objects
        if obj.get("kind") == "StatefulSet"
        and (obj.get("status") or {}).get("updateRevision") != (obj.get("status") or {}).get("currentRevision")
        and (obj.get("status") or {}).get("updatedReplicas", 0) < obj["spec"].get("replicas", 1)
        and (obj.get("status") or {}).get("replicas", 0) > 0
    ]


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
