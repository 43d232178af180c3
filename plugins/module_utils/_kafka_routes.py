# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which pod and port an advertised address of a cluster leads to. Pure; private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
NODE = "kafkaops.kubernetes/node"


@dataclasses.dataclass(frozen=True)
class Target:
    """A port of a pod."""

    pod: str
    port: int

    def __str__(self) -> str:
        return f"pod {self.pod}, port {self.port}"


@dataclasses.dataclass(frozen=True)
class BrokerPod:
    """A broker's pod. ``node``: the node's name, which is the name of its Services; ``ready``: whether it serves."""

    name: str
    node: str
    ready: bool


@dataclasses.dataclass(frozen=True)
class Address:
    """An address outside Kubernetes, such as a node port, and the node and listener port that it leads to."""

    host: str
    port: int
    node: str
    listener_port: int


@dataclasses.dataclass(frozen=True)
class Routes:
    """All that is known about where the addresses of one cluster lead."""

    cluster: str
    namespace: str
    pods: tuple[BrokerPod, ...]
    addresses: tuple[Address, ...] = ()

    def targets(self, host: str, port: int) -> list[Target]:
        """The pods to try for an address, the best one first; none where the address is not the cluster's."""
        name = host.lower().rstrip(".")
        outside = [each for each in self.addresses if each.host.lower().rstrip(".") == name and each.port == port]
        if outside:
            return [Target(pod.name, outside[0].listener_port) for pod in self.pods if pod.node == outside[0].node]
        labels = name.split(".")
        if not self._is_inside(labels):
            return []
        if labels[0] == f"{self.cluster}-bootstrap":
            return [Target(pod.name, port) for pod in sorted(self.pods, key=lambda pod: not pod.ready)]
        return [Target(pod.name, port) for pod in self.pods if labels[0] in (pod.name, pod.node)]

    def _is_inside(self, labels: t.Sequence[str]) -> bool:
        """Whether a name is short (``kafka-broker-0``), or one below ``{namespace}.svc``, of any cluster domain."""
        if len(labels) == 1:
            return True
        if "svc" in labels:
            return labels[labels.index("svc") - 1] == self.namespace
        # {service}.{namespace} or {pod}.{headless Service}
        return len(labels) == 2 and labels[1] in (self.namespace, f"{self.cluster}-broker-nodes")


def broker_pods(pods: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[BrokerPod, ...]:
    """The brokers among Pod objects of a cluster; those that are being removed are left out."""
    found = []
    for pod in pods:
        metadata = pod["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get(COMPONENT) == "broker" and not metadata.get("deletionTimestamp"):
            conditions = (pod.get("status") or {}).get("conditions") or []
            ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
            found.append(BrokerPod(metadata["name"], labels.get(NODE, ""), ready))
    return tuple(sorted(found, key=lambda pod: pod.name))
