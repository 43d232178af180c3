# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which objects of a cluster its definition no longer has. Private to the collection.

Never a StatefulSet, a claim or a Secret: nodes leave by scaling in, data and keys stay until someone destroys them. Nor
the journal of restarts, which no definition has.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _roll_journal

Object = t.Mapping[str, t.Any]

KINDS = ("Certificate", "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Service")
_COMPONENT = "app.kubernetes.io/component"
_NODE = "kafkaops.kubernetes/node"


def obsolete(wanted: t.Iterable[Object], there: t.Iterable[Object], cluster: str) -> list[dict[str, t.Any]]:
    """References to the objects of the cluster that are ``there`` and not ``wanted``, all objects of the definition."""
    there = list(there)
    known = {(obj["kind"], obj["metadata"]["name"]) for obj in wanted}
    # A node that the definition no longer has still runs, and needs its file and its name.
    leaving = {obj["metadata"]["name"] for obj in there if obj["kind"] == "StatefulSet"} - {name for kind, name in known if kind == "StatefulSet"}
    return [
        {"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": {"name": obj["metadata"]["name"], "namespace": obj["metadata"]["namespace"]}}
        for obj in there
        if obj["kind"] in KINDS and _ours(obj, cluster) and (obj["kind"], obj["metadata"]["name"]) not in known and _node(obj) not in leaving
    ]


def leaving(wanted: t.Iterable[Object], there: t.Iterable[Object], cluster: str) -> list[dict[str, t.Any]]:
    """Kafka nodes of the cluster that are ``there`` and not ``wanted``: ``{name, pod, id}``. Only scaling in removes them."""
    known = {obj["metadata"]["name"] for obj in wanted if obj["kind"] == "StatefulSet"}
    return [
        {"name": name, "pod": f"{name}-0", "id": int(number)}
        for obj in there
        if obj["kind"] == "StatefulSet" and _ours(obj, cluster) and obj["metadata"]["labels"].get(_COMPONENT) != "zookeeper"
        for name in (obj["metadata"]["name"],)
        for number in (name.rpartition("-")[2],)
        if name not in known and number.isdigit()
    ]


def _ours(obj: Object, cluster: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    ours = labels.get("app.kubernetes.io/instance") == cluster and labels.get("app.kubernetes.io/managed-by") == "kafkaops.kubernetes"
    return ours and labels.get("app.kubernetes.io/component") != _roll_journal.COMPONENT


def _node(obj: Object) -> str:
    """The node that an object belongs to; a Service on its own node's behalf says so in its selector."""
    labels = obj["metadata"].get("labels") or {}
    return labels.get(_NODE) or ((obj.get("spec") or {}).get("selector") or {}).get(_NODE) or ""
