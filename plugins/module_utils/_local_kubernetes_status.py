# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What the local cluster is like at the moment. Private to the collection."""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_api as api
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_system as system


def memory(groups: system.Groups) -> dict[str, int]:
    """The memory of the cluster's processes in bytes, by what they do."""
    members: dict[str, list[str]] = {
        "control_plane": ["control-plane"],
        "services": ["services"],
        "nodes": [f"{node.name}/daemons" for node in plan.nodes(plan.MAX_NODES)],
        "pods": [f"{node.name}/pods" for node in plan.nodes(plan.MAX_NODES)],
    }
    pids = {name: [pid for group in found for pid in groups.pids(group)] for name, found in members.items()}
    shared = {name: system.proportional_bytes(found) for name, found in pids.items()}
    resident = sum(system.resident_bytes(found) for found in pids.values())
    return {**shared, "total": sum(shared.values()), "resident": resident}


def is_ready(node: dict[str, t.Any]) -> bool:
    """Whether a Node object says that it is Ready."""
    conditions = node.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def heartbeat(node: dict[str, t.Any] | None) -> str | None:
    """When the kubelet of a Node object last told how it is."""
    conditions = (node or {}).get("status", {}).get("conditions", [])
    return next((condition.get("lastHeartbeatTime") for condition in conditions if condition["type"] == "Ready"), None)


def describe_node(node: dict[str, t.Any]) -> dict[str, t.Any]:
    """A Node object in a few words."""
    addresses = node.get("status", {}).get("addresses", [])
    return {
        "name": node["metadata"]["name"],
        "ready": is_ready(node),
        "zone": node["metadata"].get("labels", {}).get("topology.kubernetes.io/zone"),
        "address": next((entry["address"] for entry in addresses if entry["type"] == "InternalIP"), None),
    }


def registry_answers(address: str, port: int) -> bool:
    """Whether an image registry answers there."""
    return api.http_ok(address, port, "/v2/")


def listens(address: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        return connection.connect_ex((address, port)) == 0


def docker_answers() -> bool:
    """Whether a Docker engine answers on its usual socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(5)
        try:
            connection.connect(processes.DOCKER_SOCKET)
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            return b" 200 " in connection.recv(64)
        except OSError:
            return False
