# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which claims are to grow, and which StatefulSets have to be made anew for it. Pure; private to the collection.

A claim may ask for more at any time; the template of a StatefulSet's claims is never changed. So the claims are patched,
and the StatefulSet is deleted without its pod, and made anew. Each is told from what there is alone: a run that was
killed in between leaves less to do for the next one.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _unchanged
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._quantity import bytes_of

Object = t.Mapping[str, t.Any]

_TEMPLATES = "volumeClaimTemplates"


def size_of(claim: Object) -> str:
    """What a claim, or the template of one, asks for."""
    return str(claim["spec"]["resources"]["requests"]["storage"])


def claims(wanted: t.Iterable[Object]) -> set[str]:
    """The claims of the StatefulSets ``wanted``, each as ``PersistentVolumeClaim/name``."""
    return {f"PersistentVolumeClaim/{_claim_name(workload, template)}" for workload in _stateful_sets(wanted) for template in workload["spec"][_TEMPLATES]}


def growing(wanted: t.Iterable[Object], there: t.Iterable[Object]) -> list[dict[str, t.Any]]:
    """Patches for the claims that are ``there`` and ask for less than the StatefulSets ``wanted`` do."""
    known = {obj["metadata"]["name"]: obj for obj in there if obj["kind"] == "PersistentVolumeClaim"}
    found = []
    for workload in _stateful_sets(wanted):
        for template in workload["spec"][_TEMPLATES]:
            claim = known.get(_claim_name(workload, template))
            if claim is not None and (bytes_of(size_of(claim)) or 0) < (bytes_of(size_of(template)) or 0):
                metadata = {"name": claim["metadata"]["name"], "namespace": claim["metadata"]["namespace"]}
                spec = {"resources": {"requests": {"storage": size_of(template)}}}
                found.append({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})
    return found


def said(patches: t.Iterable[Object], there: t.Iterable[Object]) -> list[str]:
    """What grows from what to what, for a person."""
    sizes = {obj["metadata"]["name"]: size_of(obj) for obj in there if obj["kind"] == "PersistentVolumeClaim"}
    return [f"{patch['metadata']['name']}: {sizes[patch['metadata']['name']]} -> {size_of(patch)}" for patch in patches]


def remade(wanted: t.Iterable[Object], there: t.Iterable[Object]) -> list[Object]:
    """Those of the StatefulSets ``wanted`` that are ``there`` with other templates of claims."""
    old = {obj["metadata"]["name"]: obj for obj in _stateful_sets(there)}
    return [obj for obj in _stateful_sets(wanted) if obj["metadata"]["name"] in old and not _same_claims(obj, old[obj["metadata"]["name"]])]


def changed_otherwise(wanted: t.Iterable[Object], there: t.Iterable[Object]) -> list[str]:
    """Names of those of the StatefulSets ``wanted`` that differ from what is ``there`` in more than the templates of claims."""
    old = {obj["metadata"]["name"]: obj for obj in _stateful_sets(there)}
    kept = [_with_claims_of(old[obj["metadata"]["name"]], obj) for obj in _stateful_sets(wanted) if obj["metadata"]["name"] in old]
    return [obj["metadata"]["name"] for obj in _unchanged.changed(kept, old.values())]


def _claim_name(workload: Object, template: Object) -> str:
    return f"{template['metadata']['name']}-{workload['metadata']['name']}-0"


def _stateful_sets(objects: t.Iterable[Object]) -> t.Iterator[Object]:
    return (obj for obj in objects if obj["kind"] == "StatefulSet")


def _with_claims_of(old: Object, new: Object) -> Object:
    return {**new, "spec": {**new["spec"], _TEMPLATES: old["spec"].get(_TEMPLATES) or []}}


def _same_claims(new: Object, old: Object) -> bool:
    return _unchanged.equal(*([_in_bytes(claim) for claim in obj["spec"].get(_TEMPLATES) or []] for obj in (new, old)))


def _in_bytes(claim: Object) -> Object:
    """Kubernetes may write a size in another way than it was given."""
    size = size_of(claim)
    return {**claim, "spec": {**claim["spec"], "resources": {"requests": {"storage": bytes_of(size) or size}}}}
