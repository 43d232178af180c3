# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads from one namespace through kubernetes.core's client. Private to the collection."""

from __future__ import annotations

import contextlib
import datetime
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _objects

API_VERSIONS = {
    "StatefulSet": "apps/v1",
    "Deployment": "apps/v1",
    "Certificate": "cert-manager.io/v1",
    **dict.fromkeys(("Pod", "Service", "Secret", "ConfigMap", "Event", "PersistentVolumeClaim"), "v1"),
}


NO_ADDRESS = (
    "No address: nothing in this Kubernetes cluster gives addresses to such Services, or it is out of them. Look at the events "
    "of the Service, fix the address with advertised_host, choose another exposure or load_balancer_class, or raise "
    "services_address_timeout; then run again."
)


NO_LOG = "unable to retrieve container logs"
"""What a kubelet answers in place of a log that is gone."""


class Namespace:
    """Objects and logs of one namespace. ``client``: a ``K8SClient`` of kubernetes.core."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client = client
        self.name = name

    def objects(self, kind: str, label_selector: str = "") -> list[dict[str, t.Any]]:
        """All objects of a kind, those with the labels asked for."""
        found = self.client.get(self._resource(kind), namespace=self.name, label_selector=label_selector).to_dict()
        return [{"kind": kind, **item} for item in found["items"]]

    def get(self, kind: str, name: str) -> dict[str, t.Any] | None:
        """One object; None where there is none."""
        from kubernetes.dynamic.exceptions import NotFoundError

        try:
            return {"kind": kind, **self._resource(kind).get(name=name, namespace=self.name).to_dict()}
        except NotFoundError:
            return None

    def create(self, kind: str, body: t.Mapping[str, t.Any]) -> bool:
        """Make an object; false where one of this name is there already."""
        from kubernetes.dynamic.exceptions import ConflictError

        try:
            self._resource(kind).create(body={"apiVersion": API_VERSIONS[kind], "kind": kind, **body}, namespace=self.name)
        except ConflictError:
            return False
        return True

    def merge(self, kind: str, name: str, body: t.Mapping[str, t.Any]) -> bool:
        """Change an object; false where it is not of the ``resourceVersion`` in ``body`` any more."""
        from kubernetes.dynamic.exceptions import ConflictError

        try:
            self._resource(kind).patch(name=name, body=body, namespace=self.name, content_type="application/merge-patch+json")
        except ConflictError:
            return False
        return True

    def delete(self, kind: str, name: str, uid: str, propagation: str = "Background") -> None:
        """Delete an object, and not another one that has taken its name meanwhile. ``propagation``: ``Foreground`` keeps it
        until what it owns has gone."""
        from kubernetes.dynamic.exceptions import ConflictError, NotFoundError

        with contextlib.suppress(ConflictError, NotFoundError):  # it is gone already
            body = {"propagationPolicy": propagation, "preconditions": {"uid": uid}}
            self._resource(kind).delete(name=name, namespace=self.name, body=body)

    def log(self, pod: str, *, tail: int | None = None, since: int | None = None, previous: bool = False) -> str:
        """A pod's log: the last ``tail`` lines, or those of the last ``since`` seconds."""
        wanted = {"tailLines": tail, "sinceSeconds": since, "previous": "true" if previous else None}
        query = [(key, value) for key, value in wanted.items() if value is not None]
        answer = self._resource("Pod").log.get(name=pod, namespace=self.name, query_params=query, serialize=False)
        return t.cast(bytes, answer.data).decode(errors="replace")

    def _resource(self, kind: str) -> t.Any:
        return self.client.resource(kind, API_VERSIONS[kind])

    def workloads(self, names: t.Collection[str]) -> dict[str, dict[str, t.Any]]:
        """Those of ``Kind/name`` that there are."""
        kinds = sorted({name.partition("/")[0] for name in names})
        found = {_objects.name_of(obj): obj for kind in kinds for obj in self.objects(kind)}
        return {name: found[name] for name in names if name in found}

    def not_serving(self, names: t.Collection[str]) -> list[str]:
        """Those of ``Kind/name`` that are missing or do not serve yet."""
        found = self.workloads(names)
        return [name for name in names if name not in found or not _objects.serves(found[name], _now())]

    def outdated(self, names: t.Collection[str]) -> list[str]:
        """Names of those StatefulSets whose pods run an older template, or with one of these claims that waits for a restart."""
        return _objects.outdated(self.workloads(names).values(), _now())

    def explain(self, names: t.Collection[str]) -> str:
        """Why the pods of these workloads do not serve, with the end of their logs."""
        services = [name for name in names if name.startswith("Service/")]
        claims = [name for name in names if name.startswith("PersistentVolumeClaim/")]
        certificates = [name for name in names if name.startswith("Certificate/")]
        owners = {name.partition("/")[2] for name in names if name not in (*services, *claims, *certificates)}
        lines = [NO_ADDRESS] if services else []
        lines += [_objects.why_not_issued(certificate) for certificate in self.workloads(certificates).values()]
        lines += [_objects.why_not_grown(claim) for claim in self.workloads(claims).values()]
        for pod in self.objects("Pod") if owners else []:
            name = pod["metadata"]["name"]
            if any(name.startswith(owner + "-") for owner in owners):
                reason = _objects.why_not_ready(pod)
                if reason:
                    lines.append(f"Pod {name}: {reason}")
                    lines += [f"    {line}" for line in self._last_lines(pod)]
        return "\n".join(lines) or "There is no pod yet; look at the events of the workload."

    def _last_lines(self, pod: t.Mapping[str, t.Any]) -> list[str]:
        """The end of the log of the container that failed: of one that was started again, that is the one before."""
        from kubernetes.dynamic.exceptions import DynamicApiError

        status = ((pod.get("status") or {}).get("containerStatuses") or [{}])[0]
        if not status.get("containerID"):
            return []
        again = bool(status.get("restartCount")) and "running" in (status.get("state") or {})
        for previous in (again, not again):
            # Kubernetes keeps the log of a dead container for a while only.
            with contextlib.suppress(DynamicApiError):
                text = self.log(pod["metadata"]["name"], tail=15, previous=previous)
                if text and not text.startswith(NO_LOG):
                    return text.splitlines()
        return []


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def wait_for(condition: t.Callable[[], t.Any], timeout: float, interval: float = 1.0) -> t.Any:
    """The first true answer of ``condition``, or its last one when ``timeout`` seconds have passed."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer or time.monotonic() >= deadline:
            return answer
        time.sleep(interval)
