# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Where everything of the local cluster is: directories, names, addresses. Pure. Private to the collection."""

from __future__ import annotations

import dataclasses
import hashlib

NAME = "kafkaops-local-kubernetes"
"""Of the cgroup that holds every process, and of the network namespace of the control plane."""

HOST_LINK = "kafkaops-host"
"""The host's end of the one cable into the cluster (15 characters at most)."""
UPLINK = "uplink"
BRIDGE = "nodes"

# 198.18.0.0/15 is reserved for isolated test set-ups (RFC 2544).
HOST_ADDRESS = "198.18.0.1"
API_ADDRESS = "198.18.0.2"
API_URL = f"https://{API_ADDRESS}:6443"
NODE_SUBNET = "198.18.1.0/24"
GATEWAY_ADDRESS = "198.18.1.1"
DNS_ADDRESS = "198.18.1.53"
BALANCER_SUBNET = "198.18.2.0/24"
POD_SUBNET = "198.18.64.0/18"
SERVICE_SUBNET = "198.19.0.0/16"
SERVICE_ADDRESS = "198.19.0.1"
"""Of the Service ``kubernetes``: always the first of the range."""

MAX_NODES = 32
MAX_STATE_DIR = 56
"""A Unix socket's path has 107 characters; the kubelet's longest below the state directory takes 50."""


@dataclasses.dataclass(frozen=True)
class Node:
    """One Kubernetes node: a network namespace with one address on the bridge."""

    index: int

    @property
    def name(self) -> str:
        return f"node{self.index}"

    @property
    def namespace(self) -> str:
        return f"{NAME}-{self.name}"

    @property
    def address(self) -> str:
        return f"198.18.1.{10 + self.index}"

    @property
    def pod_subnet(self) -> str:
        return f"198.18.{63 + self.index}.0/24"

    @property
    def zone(self) -> str:
        return f"zone-{self.index - 1}"


def nodes(count: int) -> list[Node]:
    """The Kubernetes nodes of a cluster, ``node1`` first."""
    return [Node(index) for index in range(1, count + 1)]


def node(name: str) -> Node:
    """The node of a name; raises ``ValueError`` for a name no node can have."""
    if name.startswith("node") and name[4:].isdecimal() and 1 <= int(name[4:]) <= MAX_NODES:
        return Node(int(name[4:]))
    raise ValueError(f"{name!r} is not the name of a local Kubernetes node (node1 to node{MAX_NODES})")


@dataclasses.dataclass(frozen=True)
class Layout:
    """The directories and files of one cluster below its state directory."""

    state_dir: str
    cache_dir: str
    binaries: str
    """Directory of the built programs."""

    def path(self, *parts: str) -> str:
        return "/".join((self.state_dir, *parts))

    @property
    def kubernetes(self) -> str:
        return f"{self.binaries}/kubernetes"

    @property
    def kubeconfig(self) -> str:
        return self.path("admin.kubeconfig")

    @property
    def volumes(self) -> str:
        return self.path("volumes")

    @property
    def pause_archive(self) -> str:
        return self.path("pause.tar")

    def kubeconfig_of(self, identity: str) -> str:
        return self.path("kubeconfig", identity)

    def certificate(self, identity: str) -> str:
        return self.path("pki", f"{identity}.crt")

    def key(self, identity: str) -> str:
        return self.path("pki", f"{identity}.key")

    def of_node(self, node: Node, *parts: str) -> str:
        return self.path(node.name, *parts)

    def containerd_socket(self, node: Node) -> str:
        return self.of_node(node, "containerd.sock")

    def log(self, process: str) -> str:
        return self.path("log", f"{process.replace('/', '-')}.log")


def problem(state_dir: str, count: int) -> str | None:
    """Why there cannot be such a cluster, or nothing."""
    if not 1 <= count <= MAX_NODES:
        return f"there can be 1 to {MAX_NODES} Kubernetes nodes, not {count}"
    if not state_dir.startswith("/"):
        return f"the state directory {state_dir!r} must be an absolute path"
    if state_dir.rstrip("/").count("/") < 2:
        return f"the state directory {state_dir!r} is removed by state=down: give it a directory of its own"
    if state_dir.startswith(("/run/", "/var/run/", "/var/log/")):
        return f"the state directory {state_dir!r} cannot be below /run or /var/log: a Kubernetes node has its own"
    if len(state_dir) > MAX_STATE_DIR:
        return (
            f"the state directory {state_dir!r} has {len(state_dir)} characters, at most {MAX_STATE_DIR} work: "
            "the paths of the Unix sockets below it would be too long"
        )
    return None


def digest(*texts: str) -> str:
    """A short name for exactly these texts."""
    checksum = hashlib.sha256()
    for text in texts:
        checksum.update(f"{len(text)}:{text}".encode())
    return checksum.hexdigest()[:16]
