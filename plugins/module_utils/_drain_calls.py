# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Looks at Kubernetes nodes and volumes, as far as rights allow. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _drain, _live

NODES, VOLUMES = "/api/v1/nodes", "/api/v1/persistentvolumes"


class Gone(Exception):
    """There is no Kubernetes node of this name."""


def is_cordoned(api: _live.Reads, kubernetes_node: str) -> bool | None:
    """Whether a Kubernetes node takes no new pods; None where it may not be read. Raises Gone where there is none of this name."""
    try:
        found = api.get(f"{NODES}/{kubernetes_node}")
    except _live.NotReadable:
        return None
    if found is None:
        raise Gone(f"There is no Kubernetes node {kubernetes_node}. Nothing was changed. Mend: name one as Kubernetes does.")
    return bool(found["spec"].get("unschedulable"))


def around(api: _live.Reads, pods: t.Iterable[_drain.Object], claims: t.Iterable[_drain.Object]) -> _drain.Surroundings:
    """What is to be known about a pod with these ``claims``; ``pods``: of its namespace."""
    try:
        nodes = tuple((api.get(NODES) or {}).get("items") or [])
    except _live.NotReadable:
        return _drain.Surroundings(None, tuple(pods), _volumes(api, claims))
    return _drain.Surroundings(nodes, tuple(pods), _volumes(api, claims))


def _volumes(api: _live.Reads, claims: t.Iterable[_drain.Object]) -> tuple[_drain.Object, ...]:
    names = [claim["spec"]["volumeName"] for claim in claims if claim["spec"].get("volumeName")]
    try:
        found = [api.get(f"{VOLUMES}/{name}") for name in names]
    except _live.NotReadable:
        return ()
    return tuple(volume for volume in found if volume is not None)
