# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads what there is of a cluster, in one request for each kind. Private to the collection."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _objects

Object = dict

OURS = {
    "ConfigMap": ("v1", "configmaps"),
    "Deployment": ("apps/v1", "deployments"),
    "NetworkPolicy": ("networking.k8s.io/v1", "networkpolicies"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
    "Secret": ("v1", "secrets"),
}
"""Kinds of which only the cluster's own objects are read."""

ALL = {
    "PersistentVolumeClaim": ("v1", "persistentvolumeclaims"),
    "Pod": ("v1", "pods"),
    "Service": ("v1", "services"),
    "StatefulSet": ("apps/v1", "statefulsets"),
}
"""Kinds of which all objects of the namespace matter: they may select, expose or hold what the plan wants."""


ELSEWHERE = {
    "StorageClass": ("storage.k8s.io/v1", "/apis/storage.k8s.io/v1/storageclasses", ""),
    "Service of all namespaces": ("v1", "/api/v1/services", ""),
}
"""What lies outside of the namespace; most users may not read it."""


ISSUERS = {"Issuer": "namespaces/{namespace}/issuers", "ClusterIssuer": "clusterissuers"}
"""Who may issue cert-manager's certificates. Others own them, and many users may not read them."""

_CERT_MANAGER = "cert-manager.io/v1"


class NotReadable(Exception):
    """The API server does not allow this to be read."""


class Reads(t.Protocol):
    """What is asked of the API server."""

    def get(self, path: str, label_selector: str = "") -> Object | None:
        """The object or list at a path of the API; None where there is none; raises :class:`NotReadable`."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What there is. ``objects``: by kind, each with ``kind`` set; ``unreadable``: kinds that rights did not allow. A kind that is in
    neither is unknown to this Kubernetes cluster, or the namespace is not there."""

    namespace_exists: bool
    objects: t.Mapping[str, list[Object]]
    unreadable: tuple[str, ...]

    def all(self) -> list[Object]:
        """Every object of the namespace that was read, and the namespace itself."""
        return [obj for kind, items in self.objects.items() if kind not in ELSEWHERE and kind not in ISSUERS for obj in items]

    def secret(self, name: str) -> dict[str, str]:
        """The decoded data of one of the cluster's Secrets; empty where there is none."""
        for obj in self.objects.get("Secret", []):
            if obj["metadata"]["name"] == name:
                return _objects.secret_texts(obj)
        return {}


def read(api: Reads, namespace: str, cluster: str) -> Found:
    """What there is in a namespace for a cluster of this name, and outside of it what may be in the way."""
    objects: dict[str, list[Object]] = {}
    unreadable: list[str] = []
    exists = True
    try:
        found = api.get(f"/api/v1/namespaces/{namespace}")
    except NotReadable:
        unreadable.append("Namespace")
    else:
        exists = found is not None
        if found is not None:
            objects["Namespace"] = [{**found, "apiVersion": "v1", "kind": "Namespace"}]
    for kind, (version, path, selector) in {**(_inside(namespace, cluster) if exists else {}), **ELSEWHERE}.items():
        try:
            objects[kind] = _items(api, version, kind.split()[0], path, selector)
        except NotReadable:
            unreadable.append(kind)
    for kind, (path, selector) in _of_cert_manager(namespace, cluster).items():
        try:
            answer = api.get(f"/apis/{_CERT_MANAGER}/{path}", selector)
        except NotReadable:
            unreadable.append(kind)
            continue
        if answer is None:
            break  # nobody has installed it
        objects[kind] = [{**item, "apiVersion": _CERT_MANAGER, "kind": kind} for item in answer.get("items") or []]
    return Found(exists, objects, tuple(unreadable))


def _of_cert_manager(namespace: str, cluster: str) -> dict[str, tuple[str, str]]:
    """Path and selector of what is read of cert-manager, by kind. It has an answer where the namespace is still to be made, too."""
    certificates = {"Certificate": (f"namespaces/{namespace}/certificates", _label(cluster))}
    return {**certificates, **{kind: (path.format(namespace=namespace), "") for kind, path in ISSUERS.items()}}


def _label(cluster: str) -> str:
    return f"app.kubernetes.io/instance={cluster}"


def _inside(namespace: str, cluster: str) -> dict[str, tuple[str, str, str]]:
    """Version, path and selector of what is read of the namespace, by kind."""
    every = [(OURS, _label(cluster)), (ALL, "")]
    return {
        kind: (version, f"{_base(version)}/namespaces/{namespace}/{plural}", selector)
        for kinds, selector in every
        for kind, (version, plural) in kinds.items()
    }


def _base(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _items(api: Reads, version: str, kind: str, path: str, selector: str) -> list[Object]:
    return [{**item, "apiVersion": version, "kind": kind} for item in (api.get(path, selector) or {}).get("items") or []]


class Api:
    """Reads through kubernetes.core's client, which takes its credentials from all the usual places."""

    def __init__(self, client: t.Any) -> None:
        self._request = client.client.request

    def get(self, path: str, label_selector: str = "") -> Object | None:
        """See :class:`Reads`."""
        from kubernetes.dynamic.exceptions import ForbiddenError, NotFoundError

        query = [("labelSelector", label_selector)] if label_selector else []
        try:
            answer = self._request("get", path, query_params=query, serialize=False)
        except NotFoundError:
            return None
        except ForbiddenError as error:
            raise NotReadable(path) from error
        return t.cast(Object, json.loads(answer.data))
