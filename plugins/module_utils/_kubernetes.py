# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads from one namespace through kubernetes.core's client. Private to the collection."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _objects

API_VERSIONS = {"StatefulSet": "apps/v1", "Deployment": "apps/v1", "Pod": "v1", "Service": "v1"}


class Namespace:
    """Objects and logs of one namespace. ``client``: a ``K8SClient`` of kubernetes.core."""

    def __init__(self, client: t.Any, name: str) -> None:
        self.client = client
        self.name = name

    def objects(self, kind: str, label_selector: str = "") -> list[dict[str, t.Any]]:
        """All objects of a kind, those with the labels asked for."""
        found = self.client.get(self._resource(kind), namespace=self.name, label_selector=label_selector).to_dict()
        return [{"kind": kind, **item} for item in found["items"]]

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
        return [name for name in names if name not in found or not _objects.serves(found[name])]

    def outdated(self, names: t.Collection[str]) -> list[str]:
        """Names of those StatefulSets whose pods run an older template."""
        return _objects.outdated(self.workloads(names).values())

    def explain(self, names: t.Collection[str]) -> str:
        """Why the pods of these workloads do not serve, with the end of their logs."""
        owners = {name.partition("/")[2] for name in names}
        lines = []
        for pod in self.objects("Pod"):
            name = pod["metadata"]["name"]
            if any(name.startswith(owner + "-") for owner in owners):
                reason = _objects.why_not_ready(pod)
                if reason:
                    lines.append(f"Pod {name}: {reason}")
                    lines += [f"    {line}" for line in self._last_lines(pod)]
        return "\n".join(lines) or "There is no pod yet; look at the events of the workload."

    def _last_lines(self, pod: t.Mapping[str, t.Any]) -> list[str]:
        status = ((pod.get("status") or {}).get("containerStatuses") or [{}])[0]
        if not status.get("containerID"):
            return []
        crashed = bool(status.get("restartCount")) and "running" not in (status.get("state") or {})
        return self.log(pod["metadata"]["name"], tail=15, previous=crashed).splitlines()


def wait_for(condition: t.Callable[[], t.Any], timeout: float, interval: float = 1.0) -> t.Any:
    """The first true answer of ``condition``, or its last one when ``timeout`` seconds have passed."""
    deadline = time.monotonic() + timeout
    while True:
        answer = condition()
        if answer or time.monotonic() >= deadline:
            return answer
        time.sleep(interval)
