# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""May the pods on a Kubernetes node run elsewhere? Pure; private to the collection.

Kubernetes nodes and volumes are no objects of a namespace, and most users may not read them. What cannot be seen is left
to the scheduler. So is whether there is enough memory elsewhere.
"""

from __future__ import annotations

import dataclasses
import typing as t

Object = t.Mapping[str, t.Any]

HOST = "kubernetes.io/hostname"
_REPELS = ("NoSchedule", "NoExecute")


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """``kubernetes_nodes``: all there are; None where they may not be read. ``pods``: of the namespace. ``volumes``: those of the
    pod that may be read."""

    kubernetes_nodes: tuple[Object, ...] | None
    pods: tuple[Object, ...]
    volumes: tuple[Object, ...] = ()


def is_on(pod: Object, kubernetes_node: str) -> bool:
    """Whether a pod runs there and is to stay."""
    return pod["spec"].get("nodeName") == kubernetes_node and not pod["metadata"].get("deletionTimestamp")


def besides(pods: t.Iterable[Object], kubernetes_node: str, cluster: str, known: t.Collection[str]) -> list[str]:
    """What else of a cluster runs there than the pods that are ``known``, each with what it is."""
    found = []
    for pod in pods:
        labels = pod["metadata"].get("labels") or {}
        name, ended = pod["metadata"]["name"], (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
        if labels.get("app.kubernetes.io/instance") == cluster and name not in known and is_on(pod, kubernetes_node) and not ended:
            found.append(f"{name} ({labels.get('app.kubernetes.io/component', 'unknown')})")
    return sorted(found)


def why_it_stays(pod: Object, kubernetes_node: str, around: Surroundings) -> str:
    """Why a pod cannot run on another Kubernetes node than this one; empty where nothing that can be seen speaks against it."""
    for volume in around.volumes:
        if _pinned(volume, kubernetes_node):
            return f"its volume {volume['metadata']['name']} can be used on this Kubernetes node only"
    if around.kubernetes_nodes is None:
        return ""
    affinity = pod["spec"].get("affinity") or {}
    zones = ((affinity.get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or {}).get("nodeSelectorTerms")
    left = [each for each in around.kubernetes_nodes if each["metadata"]["name"] != kubernetes_node and _takes(each, pod)]
    if not left:
        return "no other Kubernetes node is ready and takes pods such as this"
    left = [each for each in left if _selected(each, zones)]
    if not left:
        return "no other Kubernetes node that takes pods is in its zone"
    left = [each for each in left if all(_selected(each, _terms(volume)) for volume in around.volumes)]
    if not left:
        return "its volumes can be used on no other Kubernetes node that it may run on"
    if all(any(_repelled(pod, term, each, around) for term in _apart(affinity)) for each in left):
        return "on each other Kubernetes node that it may run on is a pod that it must be apart from (kafka_anti_affinity)"
    return ""


def _takes(kubernetes_node: Object, pod: Object) -> bool:
    conditions = {each["type"]: each["status"] for each in (kubernetes_node.get("status") or {}).get("conditions") or []}
    if kubernetes_node["spec"].get("unschedulable") or conditions.get("Ready") != "True":
        return False
    wanted = (pod["spec"].get("nodeSelector") or {}).items()
    taints = [taint for taint in kubernetes_node["spec"].get("taints") or [] if taint["effect"] in _REPELS]
    tolerated = pod["spec"].get("tolerations") or []
    return wanted <= _labels(kubernetes_node).items() and all(any(_tolerates(each, taint) for each in tolerated) for taint in taints)


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]) or toleration.get("key") not in (None, "", taint["key"]):
        return False
    return toleration.get("operator") == "Exists" or (toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get("value", ""))


def _labels(obj: Object) -> dict[str, str]:
    return dict(obj["metadata"].get("labels") or {})


def _terms(volume: Object) -> t.Any:
    return (((volume["spec"].get("nodeAffinity") or {}).get("required")) or {}).get("nodeSelectorTerms")


def _pinned(volume: Object, kubernetes_node: str) -> bool:
    """Whether each of its terms names this Kubernetes node and no other; its name and its label of a host are the same nearly always."""
    terms = _terms(volume)
    only = {"operator": "In", "values": [kubernetes_node]}
    names = ({"key": HOST, **only}, {"key": "metadata.name", **only})
    return bool(terms) and all(any(dict(each) in names for each in _expressions(term)) for term in terms)


def _expressions(term: Object) -> list[Object]:
    return [*(term.get("matchExpressions") or []), *(term.get("matchFields") or [])]


def _selected(kubernetes_node: Object, terms: t.Iterable[Object] | None) -> bool:
    """Whether one of the terms selects it, or there are none; a term that asks for nothing selects nothing."""
    if terms is None:
        return True
    known = {**_labels(kubernetes_node), "metadata.name": kubernetes_node["metadata"]["name"]}
    return any(_expressions(term) and all(_holds(known, each) for each in _expressions(term)) for term in terms)


def _holds(known: t.Mapping[str, str], expression: Object) -> bool:
    operator, value, values = expression["operator"], known.get(expression["key"]), expression.get("values") or []
    if operator in ("Gt", "Lt"):
        numbers = [text for text in (value, *values[:1]) if text is not None and text.lstrip("-").isdigit()]
        return len(numbers) == 2 and (int(numbers[0]) > int(numbers[1])) is (operator == "Gt") and numbers[0] != numbers[1]
    return {"In": value in values, "NotIn": value not in values, "Exists": value is not None, "DoesNotExist": value is None}[operator]


def _apart(affinity: Object) -> list[Object]:
    return list((affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or [])


def _repelled(pod: Object, term: Object, kubernetes_node: Object, around: Surroundings) -> bool:
    """Whether a pod that must be apart runs where this label has the same value."""
    key, labels = term["topologyKey"], (term.get("labelSelector") or {}).get("matchLabels") or {}
    place = _labels(kubernetes_node).get(key)
    same = {each["metadata"]["name"] for each in around.kubernetes_nodes or () if place is not None and _labels(each).get(key) == place}
    return any(
        other["spec"].get("nodeName") in same
        and other["metadata"]["name"] != pod["metadata"]["name"]
        and not other["metadata"].get("deletionTimestamp")
        and labels.items() <= _labels(other).items()
        for other in around.pods
    )
