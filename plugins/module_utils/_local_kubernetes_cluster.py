# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The local cluster as a whole: up, down, one Kubernetes node stopped and started. Private to the collection."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_api as api
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_config as config
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_image as image
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_network as network
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_pki as pki
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_status as status
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_system as system

_STORAGE_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
_LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"


class Cluster:
    """One local cluster. ``actions`` tells what was done, and stays empty where nothing had to be."""

    def __init__(self, layout: plan.Layout, registry_port: int, run: system.Runner) -> None:
        self.actions: list[str] = []
        self._layout = layout
        self._registry_port = registry_port
        self._run = run
        self._groups = system.Groups(plan.NAME)
        self._supervisor = system.Supervisor(self._groups, run, layout)
        self._heartbeats: dict[str, str | None] = {}

    # -- up ---------------------------------------------------------------------------------------------------

    def up(self, count: int) -> None:
        """Have a cluster of ``count`` Kubernetes nodes, whatever is there of it."""
        nodes = plan.nodes(count)
        self._prepare(nodes)
        for surplus in self._present_nodes():
            if surplus not in nodes:
                self.stop_node(surplus)
        self._connect(nodes)
        self._start_services()
        for process in processes.control_plane_first(self._layout):
            self._start(process)
        for node in nodes:
            self._start_runtime(node)
        self._weigh(count)
        self._await_api()
        for process in processes.control_plane_rest(self._layout):
            self._start(process)
        for node in nodes:
            self._start_kubelet(node, count)
        self._forget_nodes_except(nodes)
        self._create_storage_class()
        self._await_dns()
        self._await_service_accounts()
        for node in nodes:
            self._await_node(node, ready=True)

    def complete(self, count: int) -> bool:
        """Whether :meth:`up` would find nothing to do."""
        nodes = plan.nodes(count)
        wanted = [*processes.control_plane_first(self._layout), *processes.control_plane_rest(self._layout)]
        for node in nodes:
            wanted += [self._containerd(node), *self._node_rest(node, count)]
        return (
            self._present_nodes() == nodes
            and all(self._supervisor.running(process) for process in wanted)
            and not network.build(nodes, self._observe())
            and status.docker_answers()
            and status.registry_answers(plan.HOST_ADDRESS, self._registry_port)
        )

    def _prepare(self, nodes: t.Sequence[plan.Node]) -> None:
        """Directories, certificates and the files that no process owns."""
        for directory, mode in ((self._layout.state_dir, 0o755), (self._layout.volumes, 0o755)):
            os.makedirs(directory, mode=mode, exist_ok=True)
            os.chmod(directory, mode)
        authority = pki.Authority(self._layout.path("pki"))
        authority.key("service-accounts")
        for identity in processes.identities(nodes):
            certificate, key = authority.issue(identity)
            if identity.kubeconfig:
                text = config.kubeconfig(authority.certificate, certificate, key)
                self._write(self._layout.kubeconfig_of(identity.name), text, 0o600)
                if identity.name == "admin":
                    self._write(self._layout.kubeconfig, text, 0o600)
        if authority.changed:
            self.actions.append("issued certificates")
        program = pathlib.Path(self._layout.binaries, "pause").read_bytes()
        self._write(self._layout.pause_archive, image.archive(config.PAUSE_IMAGE, program, "pause"))
        kubectl = f'#!/bin/sh\nexec {self._layout.kubernetes} kubectl --kubeconfig {self._layout.kubeconfig} "$@"\n'
        self._write(self._layout.path("bin", "kubectl"), kubectl, 0o755)

    def _write(self, path: str, content: str | bytes, mode: int = 0o644) -> None:
        if system.write(path, content, mode):
            self.actions.append(f"wrote {path}")

    def _connect(self, nodes: t.Sequence[plan.Node]) -> None:
        commands = network.build(nodes, self._observe())
        for command in commands:
            self._run(command)
        if commands:
            self.actions.append("connected the network")

    def _start(self, process: processes.Process, host: processes.Process | None = None) -> bool:
        if not self._supervisor.start(process, host):
            return False
        self.actions.append(f"started {process.name}")
        return True

    def _start_services(self) -> None:
        """The image builder and the registry, each unless one answers already."""
        docker, registry = processes.dockerd(self._layout), processes.registry(self._layout, self._registry_port)
        relay = processes.registry_relay(self._registry_port)
        if not (builds := status.docker_answers()):
            self._start(docker)
        if not status.registry_answers("127.0.0.1", self._registry_port):
            if self._supervisor.pid(registry) is None and status.listens("127.0.0.1", self._registry_port):
                raise system.LocalKubernetesError(
                    f"localhost:{self._registry_port} is taken by something that is no image registry without a password: choose another registry_port"
                )
            self._start(registry)
            self._await("the registry", 20, registry, lambda: status.registry_answers("127.0.0.1", self._registry_port))
        if not status.registry_answers(plan.HOST_ADDRESS, self._registry_port):
            self._start(relay)
            self._await("the relay", 20, relay, lambda: status.registry_answers(plan.HOST_ADDRESS, self._registry_port))
        if not builds:
            self._await("the Docker engine", 60, docker, status.docker_answers)

    def _containerd(self, node: plan.Node) -> processes.Process:
        return processes.containerd(self._layout, node, self._registry_port)

    def _node_rest(self, node: plan.Node, count: int) -> list[processes.Process]:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
        return processes.node_rest(self._layout, node, config.reserved_mebibytes(total, count))

    def _start_runtime(self, node: plan.Node) -> None:
        process = self._containerd(node)
        if not self._supervisor.running(process):
            # Its mounts are the node's mounts: without it the node starts from nothing.
            self._groups.kill(node.name)
            self._groups.remove(node.name)
        os.makedirs(self._layout.of_node(node, "cni"), exist_ok=True)
        self._groups.delegate(f"{node.name}/pods")
        self._start(process)

    def _weigh(self, count: int) -> None:
        """Each kubelet gives its pods as many parts as the machine has processors, beside the one that all else has. Without this, all pods of all nodes
        together have one, as each process of the cluster has that is a session of its own, and a few busy ones take the processors from Kafka."""
        if self._groups.weigh(count * (os.cpu_count() or 1)):
            self.actions.append("gave pods their part of the processors")

    def _start_kubelet(self, node: plan.Node, count: int) -> None:
        runtime = self._containerd(node)
        rest = self._node_rest(node, count)
        if all(self._supervisor.running(process) for process in rest):
            return
        containers = ["ctr", "--address", self._layout.containerd_socket(node), "--namespace", "k8s.io"]

        def answers() -> bool:
            try:
                self._run([*containers, "version"])
            except system.LocalKubernetesError:
                return False
            return True

        self._await(f"containerd of {node.name} to answer", 30, runtime, answers)
        if config.PAUSE_IMAGE not in self._run([*containers, "images", "list", "--quiet"]).split():
            self._run([*containers, "images", "import", self._layout.pause_archive])
        self._heartbeats[node.name] = status.heartbeat(self._api().get(f"/api/v1/nodes/{node.name}"))
        for process in rest:
            self._start(process, runtime)

    def _create_storage_class(self) -> None:
        wanted = config.storage_class()
        if self._api().get(f"{_STORAGE_CLASSES}/{config.STORAGE_CLASS}") is None:
            status, body = self._api().request("POST", _STORAGE_CLASSES, wanted)
            if status != 201:
                raise system.LocalKubernetesError(f"the API server refused the StorageClass ({status}): {body}")
            self.actions.append(f"created the StorageClass {config.STORAGE_CLASS}")

    def _forget_nodes_except(self, nodes: t.Sequence[plan.Node]) -> None:
        for known in self._node_objects():
            name = known["metadata"]["name"]
            if name not in [node.name for node in nodes]:
                self._api().request("DELETE", f"/api/v1/nodes/{name}")
                self.actions.append(f"forgot {name}")

    # -- waiting ----------------------------------------------------------------------------------------------

    def _await(self, what: str, seconds: float, process: processes.Process, done: t.Callable[[], bool]) -> None:
        """Wait for what a process of ours should bring about; not longer than the process lasts."""

        def settled() -> bool:
            if done():
                return True
            if self._supervisor.pid(process) is None:
                raise system.LocalKubernetesError(f"{what}: {self._supervisor.explain(process)}")
            return False

        system.wait_until(what, seconds, settled, lambda: self._supervisor.explain(process))

    def _await_api(self) -> None:
        _etcd, apiserver = processes.control_plane_first(self._layout)
        self._await("the API server to be ready", 90, apiserver, self._api().ready)

    def _await_dns(self) -> None:
        coredns = processes.control_plane_rest(self._layout)[-1]
        self._await("CoreDNS to be ready", 60, coredns, lambda: api.http_ok(plan.DNS_ADDRESS, 8181, "/ready"))

    def _await_service_accounts(self) -> None:
        """Before, no pod can be made."""
        manager = processes.control_plane_rest(self._layout)[0]
        path = "/api/v1/namespaces/default/serviceaccounts/default"
        self._await("the default service account", 60, manager, lambda: self._api().get(path) is not None)

    def _await_node(self, node: plan.Node, ready: bool) -> None:
        kubelet = self._node_rest(node, 1)[-1]

        def settled() -> bool:
            known = self._api().get(f"/api/v1/nodes/{node.name}")
            if known is None or status.is_ready(known) != ready:
                return False
            # The API server believes in a kubelet for 40 s after its end: only what a new one says counts.
            return node.name not in self._heartbeats or status.heartbeat(known) != self._heartbeats[node.name]

        def answers() -> bool:
            kubelet_and_proxy = all(api.http_ok(node.address, port, "/healthz") for port in (10248, 10256))
            return kubelet_and_proxy and settled()

        if ready:
            self._await(f"{node.name} to be Ready", 120, kubelet, answers)
        else:
            system.wait_until(f"{node.name} to be NotReady", 120, settled)

    # -- one node ---------------------------------------------------------------------------------------------

    def stop_node(self, node: plan.Node) -> None:
        """End a node as a power cut does: no process hears of it, what was in memory is gone, the disk stays."""
        if self._groups.kill(node.name):
            self.actions.append(f"cut the power of {node.name}")
        self._groups.remove(node.name)
        for command in network.remove_node(node, self._observe()):
            self._run(command)
            self.actions.append(f"disconnected {node.name}")

    def start_node(self, node: plan.Node) -> None:
        """Bring a stopped node back, and wait until it is Ready."""
        count = len(self._node_objects())
        if not count:
            raise system.LocalKubernetesError("the cluster does not run: use state=up")
        nodes = sorted({*self._present_nodes(), node}, key=lambda present: present.index)
        self._prepare(nodes)
        self._connect(nodes)
        self._start_runtime(node)
        self._start_kubelet(node, count)
        self._await_node(node, ready=True)

    def node_runs(self, node: plan.Node) -> bool:
        """Whether all of a node's processes run."""
        count = max(1, len(self._node_objects()))
        wanted = [self._containerd(node), *self._node_rest(node, count)]
        return all(self._supervisor.running(process) for process in wanted)

    def await_node_lost(self, node: plan.Node) -> None:
        """Wait until the cluster knows that a node is gone."""
        self._await_node(node, ready=False)

    def node_exists(self, node: plan.Node) -> bool:
        """Whether the cluster knows a node, or anything of it is there."""
        return node in self._present_nodes() or any(known["metadata"]["name"] == node.name for known in self._node_objects())

    # -- down -------------------------------------------------------------------------------------------------

    def down(self) -> None:
        """Leave nothing of the cluster but what was built."""
        builds = bool(self._groups.pids("services/dockerd"))
        for node in self._present_nodes():
            self._groups.kill(node.name)
        # What keeps data beyond this cluster may finish writing.
        if any([self._groups.kill("services", grace=10), self._groups.kill("docker"), self._groups.kill()]):
            self.actions.append("ended the processes")
        if self._groups.exists():
            self._groups.remove()
            self.actions.append("removed the control groups")
        commands = network.remove(self._observe())
        for command in commands:
            self._run(command)
        if commands:
            self.actions.append("disconnected the network")
        self._remove_empty_directory_of_namespaces()
        if builds:
            with contextlib.suppress(OSError):
                os.unlink(processes.DOCKER_SOCKET)
            for directory in ("/run/containerd/s", "/run/containerd", "/run/docker/plugins", "/run/docker"):
                with contextlib.suppress(OSError):  # somebody else's is not empty
                    os.rmdir(directory)
        if self._was_here():
            shutil.rmtree(self._layout.state_dir)
            self.actions.append(f"removed {self._layout.state_dir}")

    def _remove_empty_directory_of_namespaces(self) -> None:
        """The first ``ip netns add`` of a machine mounts the directory onto itself."""
        directory = "/run/netns"
        if os.path.isdir(directory) and not os.listdir(directory):
            # It does no harm where somebody holds on to it.
            with contextlib.suppress(OSError, system.LocalKubernetesError):
                while system.is_mount_point(directory):
                    self._run(["umount", directory])
                os.rmdir(directory)

    def exists(self) -> bool:
        """Whether :meth:`down` would find anything to do."""
        return self._groups.exists() or bool(network.remove(self._observe())) or self._was_here()

    def _was_here(self) -> bool:
        return os.path.isdir(self._layout.state_dir)

    # -- what is there ----------------------------------------------------------------------------------------

    def _observe(self) -> dict[str, network.Observed]:
        observed = {network.HOST: self._observe_one(network.HOST)}
        for name in sorted(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else []:
            if name == plan.NAME or name.startswith(f"{plan.NAME}-"):
                observed[name] = self._observe_one(name)
        return observed

    def _observe_one(self, namespace: str) -> network.Observed:
        def ip(*words: str) -> list[dict[str, t.Any]]:
            text = self._run(network.inside(namespace, ["ip", "-json", "-details", "-4", *words]))
            return [entry for entry in json.loads(text or "[]") if entry]

        # With -4, links without an address of that family are not shown.
        links = json.loads(self._run(network.inside(namespace, ["ip", "-json", "address", "show"])) or "[]")
        forwards = self._run(network.inside(namespace, ["cat", "/proc/sys/net/ipv4/ip_forward"]))
        return network.observe([link for link in links if link], ip("route", "show"), forwards.strip() == "1")

    def _present_nodes(self) -> list[plan.Node]:
        """The nodes of which there is a process or a network namespace."""
        return [node for node in plan.nodes(plan.MAX_NODES) if os.path.lexists(f"/run/netns/{node.namespace}") or self._groups.pids(node.name)]

    def _api(self) -> api.Api:
        layout = self._layout
        return api.Api(layout.certificate("ca"), layout.certificate("admin"), layout.key("admin"))

    def _node_objects(self) -> list[dict[str, t.Any]]:
        if not os.path.exists(self._layout.certificate("admin")):
            return []
        return (self._api().get("/api/v1/nodes") or {}).get("items", [])

    def status(self) -> dict[str, t.Any]:
        """What a user wants to know of the cluster."""
        found = self._node_objects()
        return {
            "running": bool(found),
            "nodes": [status.describe_node(node) for node in found],
            "kubeconfig": self._layout.kubeconfig if os.path.exists(self._layout.kubeconfig) else None,
            "kubectl": self._layout.path("bin", "kubectl"),
            "registry": f"localhost:{self._registry_port}",
            "registry_answers": status.registry_answers("127.0.0.1", self._registry_port),
            "docker_answers": status.docker_answers(),
            "memory": status.memory(self._groups),
        }
