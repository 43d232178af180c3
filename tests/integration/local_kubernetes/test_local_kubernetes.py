# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
"""The local Kubernetes itself, from nothing to nothing: needs root, and ends a local Kubernetes that runs already."""

from __future__ import annotations

import collections.abc
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_image as image

HERE = pathlib.Path(__file__).parent
PROJECT = HERE.parents[2]
STATE = pathlib.Path("/var/lib/kafkaops-local-kubernetes")
GROUP = "kafkaops-local-kubernetes"
NAMESPACE = "restricted"
PROBE = "localhost:5000/probe:1"
OURS = {"containerd", "containerd-shim-runc-v2", "coredns", "docker-registry", "dockerd", "kubernetes", "pause", "probe", "runc", "socat"}


def play(*variables: str) -> list[str]:
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "playbooks/local_kubernetes.yml"]
    return command + [word for variable in variables for word in ("-e", variable)]


def run_play(*variables: str) -> int:
    """Run the role; how many tasks changed something."""
    done = subprocess.run(play(*variables), cwd=PROJECT, capture_output=True, text=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"changed=(\d+)", done.stdout)
    assert found, done.stdout
    return int(found.group(1))


def output(*command: str, **options: t.Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, **options)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr or done.stdout}"
    return done.stdout


def kubectl(*words: str) -> str:
    return output(str(STATE / "bin/kubectl"), *words)


def get(*words: str) -> t.Any:
    return json.loads(kubectl("get", *words, "--output=json"))


def eventually(what: str, seconds: float, look: collections.abc.Callable[[], t.Any]) -> t.Any:
    """Wait for something true, and return it."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}; {kubectl('get', 'pod,service,pvc,node', '-A', '-o', 'wide')}"
        time.sleep(0.2)
    return found


def fetch(address: str) -> str | None:
    """What answers there; a new connection each time."""
    try:
        with urllib.request.urlopen(f"http://{address}/", timeout=2) as answer:
            return answer.read().decode().strip()
    except (OSError, urllib.error.URLError):
        return None


def processes() -> dict[int, list[str]]:
    """The processes that could be of the cluster, by pid."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                words = (entry / "cmdline").read_text(errors="replace").split("\0")
            except OSError:
                continue
            if os.path.basename(words[0]) in OURS:  # a zombie has no words
                found[int(entry.name)] = words
    return found


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and that those started."""
    children = [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return children + [descendant for child in children for descendant in descendants(child)]


def members(group: str) -> list[int]:
    """The processes of one of the cluster's control groups, and of those below it."""
    directories = pathlib.Path("/sys/fs/cgroup").glob(f"**/{GROUP}/{group}/**/cgroup.procs")
    return sorted({int(pid) for directory in directories for pid in directory.read_text().split()})


def traces() -> dict[str, t.Any]:
    """What a cluster could leave on the machine."""
    rules = output("sh", "-c", "iptables-save 2>/dev/null; ip6tables-save 2>/dev/null; iptables-legacy-save 2>/dev/null || true")
    directories = ["/opt/containerd", "/run/containerd", "/run/docker", "/run/docker.sock", "/run/netns", "/var/lib/cni", "/var/lib/kubelet"]
    return {
        "processes": processes(),
        "mounts": sorted(line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()),
        "namespaces": output("ip", "netns", "list"),
        "links": sorted(link["ifname"] for link in json.loads(output("ip", "-json", "link"))),
        "addresses": output("ip", "-brief", "address"),
        "routes": output("ip", "route", "show", "table", "all"),
        "rules": sorted(re.sub(r"\[\d+:\d+\]", "", line) for line in rules.splitlines() if not line.startswith("#")),
        "groups": sorted(str(path) for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/{GROUP}*")),
        "files": sorted(path for path in [*directories, "/var/log/containers", "/var/log/pods", str(STATE)] if os.path.lexists(path)),
        "forwarding": pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }


def pod(name: str, *args: str, **spec: t.Any) -> dict[str, t.Any]:
    """A pod as the restricted Pod Security Standard wants it."""
    container = {
        "name": "probe",
        "image": PROBE,
        "args": list(args),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": volume["name"], "mountPath": "/data"} for volume in spec.get("volumes", [])],
    }
    security = {"runAsNonRoot": True, "runAsUser": 1001, "fsGroup": 1001, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": name}},
        "spec": {"securityContext": security, "containers": [container], "terminationGracePeriodSeconds": 1, **spec},
    }


def service(name: str, **spec: t.Any) -> dict[str, t.Any]:
    ports = [{"port": 80, "targetPort": 8080, **spec.pop("port", {})}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"selector": {"app": "server"}, "ports": ports, **spec},
    }


def apply(*objects: dict[str, t.Any]) -> None:
    output(str(STATE / "bin/kubectl"), "apply", "-f", "-", input=yaml.safe_dump_all(objects))


@pytest.fixture(scope="module", autouse=True)
def before() -> collections.abc.Iterator[dict[str, t.Any]]:
    """A machine without a local cluster, then one with a cluster; without one again, even if a test failed."""
    assert os.geteuid() == 0, "a local Kubernetes needs root"
    run_play("local_kubernetes_state=down")
    found = traces()
    interrupted = subprocess.Popen(play(), cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(5)  # somewhere in the middle
    for pid in [interrupted.pid, *descendants(interrupted.pid)]:
        os.kill(pid, signal.SIGKILL)
    interrupted.wait()
    assert run_play() > 0
    yield found
    run_play("local_kubernetes_state=down")


@pytest.fixture(scope="module", autouse=True)
def server(before: dict[str, t.Any], tmp_path_factory: pytest.TempPathFactory) -> str:
    """A namespace that enforces the restricted standard, and in it a pod that answers; its name."""
    directory = tmp_path_factory.mktemp("probe")
    output("go", "build", "-trimpath", "-o", str(directory), ".", cwd=HERE / "probe", env={**os.environ, "CGO_ENABLED": "0"})
    archive = directory / "probe.tar"
    archive.write_bytes(image.archive(PROBE, (directory / "probe").read_bytes(), "probe"))
    output("docker", "load", "--input", str(archive))
    output("docker", "push", PROBE)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}})
    eventually("a service account", 20, lambda: get("serviceaccount", "-n", NAMESPACE)["items"])
    apply(pod("server", "serve", ":8080", hostname="server", subdomain="headless"))
    kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/server", "--timeout=60s")
    return "server"


def test_a_second_run_changes_nothing() -> None:
    assert run_play() == 0


def test_three_nodes_are_ready_in_zones_of_their_own() -> None:
    nodes = get("nodes")["items"]
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"node1": "zone-0", "node2": "zone-1", "node3": "zone-2"}
    assert all(is_ready(node["metadata"]["name"]) for node in nodes)
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {"v1.34.4"}


def is_ready(name: str) -> bool:
    conditions = get("node", name)["status"]["conditions"]
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def test_together_nodes_do_not_offer_more_memory_than_there_is() -> None:
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    offered = [node["status"]["allocatable"]["memory"] for node in get("nodes")["items"]]
    assert sum(int(memory.removesuffix("Ki")) * 1024 for memory in offered) <= total


def test_together_pods_have_as_much_of_the_processors_as_kubelets_say() -> None:
    """Not what one process of the machine has."""
    groups = pathlib.Path("/sys/fs/cgroup")
    together = [int(path.read_text()) / usual for name, usual in (("cpu.shares", 1024), ("cpu.weight", 100)) for path in groups.glob(f"**/{GROUP}/{name}")]
    processors = [int(node["status"]["capacity"]["cpu"]) for node in get("nodes")["items"]]
    assert together == [sum(processors)]


def test_a_pod_that_is_not_root_writes_to_a_claim_that_grows() -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    apply(claim, pod("writer", "write", "/data/file", "text", volumes=volumes))
    kubectl("wait", "-n", NAMESPACE, "--for=condition=Ready", "pod/writer", "--timeout=60s")
    eventually("the text to be written", 20, lambda: "written" in kubectl("logs", "-n", NAMESPACE, "writer"))

    volume = get("pvc", "data", "-n", NAMESPACE)["spec"]["volumeName"]
    assert (STATE / "volumes" / volume / "file").read_text() == "text"
    kubectl("patch", "pvc", "data", "-n", NAMESPACE, "--patch", '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}')
    eventually("the claim to grow", 20, lambda: get("pvc", "data", "-n", NAMESPACE)["status"]["capacity"]["storage"] == "2Gi")
    assert get("pv", volume)["spec"]["capacity"]["storage"] == "2Gi"

    kubectl("delete", "pod/writer", "pvc/data", "-n", NAMESPACE)
    eventually("the volume to go with its claim", 30, lambda: not (STATE / "volumes" / volume).exists())


@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_a_load_balancer_has_an_address_that_the_host_reaches(server: str, policy: str) -> None:
    name = f"balancer-{policy.lower()}"
    apply(service(name, type="LoadBalancer", externalTrafficPolicy=policy))
    ingress = eventually("an address", 20, lambda: get("service", name, "-n", NAMESPACE)["status"]["loadBalancer"].get("ingress"))
    assert ingress[0]["ip"].startswith("198.18.2.")
    eventually("the balancer to answer", 20, lambda: fetch(ingress[0]["ip"]) == server)


def test_a_node_port_is_reached_on_every_node(server: str) -> None:
    apply(service("port", type="NodePort", port={"nodePort": 30123}))
    for node in (11, 12, 13):
        eventually("the node port to answer", 20, lambda node=node: fetch(f"198.18.1.{node}:30123") == server)


def test_pods_themselves_are_out_of_the_hosts_reach(server: str) -> None:
    address = get("pod", server, "-n", NAMESPACE)["status"]["podIP"]
    assert fetch(f"{address}:8080") is None


def test_a_headless_service_is_resolved(server: str) -> None:
    apply(service("headless", clusterIP="None"))
    address = get("pod", server, "-n", NAMESPACE)["status"]["podIP"]
    for name in ("headless", "server.headless", f"server.headless.{NAMESPACE}.svc.cluster.local"):
        eventually(f"{name} to be resolved", 30, lambda name=name: resolve(server, name) == address)


def resolve(server: str, name: str) -> str:
    command = [str(STATE / "bin/kubectl"), "exec", "-n", NAMESPACE, server, "--", "/probe", "resolve", name]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout.strip()


def test_a_privileged_pod_is_refused_where_the_restricted_standard_is_enforced() -> None:
    privileged = pod("privileged", "sleep")
    privileged["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(AssertionError, match='violates PodSecurity "restricted'):
        apply(privileged)


def test_a_node_is_lost_and_comes_back(server: str) -> None:
    node = get("pod", server, "-n", NAMESPACE)["spec"]["nodeName"]
    address = get("node", node)["status"]["addresses"][0]["address"]
    assert run_play(f"local_kubernetes_node={node}", "local_kubernetes_node_state=stopped") == 1
    assert run_play(f"local_kubernetes_node={node}", "local_kubernetes_node_state=stopped") == 0
    assert fetch(f"{address}:30123") is None
    assert members(node) == []
    eventually("the loss to be noticed", 90, lambda: not is_ready(node))

    assert run_play(f"local_kubernetes_node={node}", "local_kubernetes_node_state=started") == 1
    assert is_ready(node)
    eventually("its pod to serve again", 60, lambda: fetch(f"{address}:30123") == server)
    assert run_play() == 0


def test_what_crashed_is_mended(server: str) -> None:
    victims = [*members("control-plane/kube-apiserver"), *members("node2/daemons/containerd")]
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    output("ip", "route", "delete", "198.18.1.0/24")
    assert run_play() == 1
    assert run_play() == 0
    eventually("the pod to serve", 60, lambda: fetch("198.18.1.12:30123") == server)


def test_check_mode_tells_and_does_nothing() -> None:
    def checked(*variables: str) -> str:
        return output(*play(*variables), "--check", cwd=PROJECT)

    assert "changed=0" in checked()
    assert "changed=1" in checked("local_kubernetes_state=down")
    assert "changed=1" in checked("local_kubernetes_nodes=2")
    assert "changed=1" in checked("local_kubernetes_node=node1", "local_kubernetes_node_state=stopped")
    assert run_play() == 0


def test_nothing_is_left_behind(before: dict[str, t.Any]) -> None:
    assert run_play("local_kubernetes_state=down") == 1
    assert traces() == before
    assert run_play("local_kubernetes_state=down") == 0
