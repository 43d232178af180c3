# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures site.yml against kubectl and Helm on the local Kubernetes; prints a table in Markdown.

``make up`` must have run, and ``helm`` must be on the PATH or named with ``--helm`` (``make bench`` sees to both).
Every figure is the median of several runs that take turns, so that whatever else the machine does meets them all.
"""

from __future__ import annotations

import argparse
import copy
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t

import yaml

PROJECT = pathlib.Path(__file__).resolve().parent.parent
STATE = pathlib.Path("/var/lib/kafkaops-local-kubernetes")
KUBECONFIG = STATE / "admin.kubeconfig"
INVENTORY = PROJECT / "inventories/local"
NAMESPACE = "bench"
HELM, KUBECTL = f"{NAMESPACE}-helm", f"{NAMESPACE}-kubectl"
ENVIRONMENT = {**os.environ, "KUBECONFIG": str(KUBECONFIG), "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
VARIABLES = ["-e", f"kafka_namespace={NAMESPACE}"]


def run(*command: str | pathlib.Path, **options: t.Any) -> tuple[float, str]:
    """Run a command; seconds and output. It must succeed."""
    begun = time.monotonic()
    result = subprocess.run(
        [str(part) for part in command], cwd=PROJECT, env=ENVIRONMENT, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
    )
    if result.returncode:
        sys.exit(f"{command} failed:\n{result.stdout[-4000:]}")
    return time.monotonic() - begun, result.stdout


def playbook(name: str, *args: str) -> tuple[str | pathlib.Path, ...]:
    return (pathlib.Path(sys.executable).parent / "ansible-playbook", PROJECT / name, "-i", INVENTORY, *VARIABLES, *args)


def kubectl(*args: str | pathlib.Path) -> str:
    return run(STATE / "bin/kubectl", *args)[1]


def clear() -> None:
    """Remove the namespace without waiting for brokers that hand over to nobody."""
    kubectl("-n", NAMESPACE, "delete", "statefulset,deployment", "--all", "--cascade=orphan", "--ignore-not-found")
    kubectl("-n", NAMESPACE, "delete", "pod", "--all", "--grace-period=0", "--force", "--ignore-not-found")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def settle() -> None:
    """Wait until nothing that was done before keeps the processors busy any more: three seconds in which they idle."""
    idle = 0
    for _second in range(120):
        before = _processor_times()
        time.sleep(1)
        spent, waited = (now - then for now, then in zip(_processor_times(), before))
        idle = idle + 1 if waited > 0.75 * spent else 0
        if idle == 3:
            return
    sys.exit("the machine does not come to rest: something else runs here")


def _processor_times() -> tuple[int, int]:
    """All ticks of the processors, and the idle ones."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:]]
    return sum(fields), fields[3] + fields[4]


def write_manifests(directory: pathlib.Path) -> pathlib.Path:
    """All objects of the cluster, and a Helm chart for them."""
    file = directory / "objects.yaml"
    run(*playbook("bench/manifests.yml", "-e", f"manifests_file={file}"))
    chart = directory / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: bench\nversion: 1.0.0\n", encoding="utf-8")
    return file


def elsewhere(objects: t.Sequence[t.Any], namespace: str) -> str:
    """The same objects for a namespace in which no pod needs to run: nobody there takes fields from somebody else."""
    objects = copy.deepcopy(list(objects))
    for obj in objects:
        if obj["kind"] == "Namespace":
            obj["metadata"]["name"] = namespace
        else:
            obj["metadata"]["namespace"] = namespace
        if obj["kind"] in ("StatefulSet", "Deployment"):
            obj["spec"]["replicas"] = 0
        for port in obj["spec"]["ports"] if obj["kind"] == "Service" else []:
            port.pop("nodePort", None)
    return str(yaml.safe_dump_all(objects))


def unchanged(file: pathlib.Path, helm: str, rounds: int) -> list[tuple[str, float]]:
    """Medians of an unchanged definition applied again, in four ways."""
    empty = file.with_name("empty.yml")
    empty.write_text("[{hosts: all, connection: local, gather_facts: false, tasks: [{ansible.builtin.debug: {msg: x}}]}]\n", encoding="utf-8")
    chart = file.with_name("chart")
    other = file.with_name("other.yaml")
    objects = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    (chart / "templates/objects.yaml").write_text(elsewhere([obj for obj in objects if obj["kind"] != "Namespace"], HELM), encoding="utf-8")
    other.write_text(elsewhere(objects, KUBECTL), encoding="utf-8")
    ways: dict[str, tuple[str | pathlib.Path, ...]] = {
        "`ansible-playbook`, one debug task": playbook(str(empty)),
        "`kubectl apply --server-side`": (STATE / "bin/kubectl", "apply", "--server-side", "-f", other),
        "`helm upgrade`": (helm, "upgrade", "--install", "bench", chart, "--namespace", HELM, "--create-namespace"),
        "`site.yml`": playbook("site.yml"),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, command in ways.items():
            settle()
            spent, output = run(*command)
            if number:  # the first round makes everything what it then is
                seconds[way].append(spent)
                if way == "`site.yml`" and not re.search(r"changed=0 ", output):
                    sys.exit(f"site.yml changed something:\n{output[-2000:]}")
    return [(way, statistics.median(each)) for way, each in seconds.items()]


def consumed(since: float) -> float:
    """Seconds until the consumer had its first message."""
    while time.monotonic() - since < 600:
        log = subprocess.run(
            [STATE / "bin/kubectl", "-n", NAMESPACE, "logs", "deployment/events-consumer"], env=ENVIRONMENT, text=True, check=False, capture_output=True
        ).stdout
        if '"record_data"' in log:
            return time.monotonic() - since
        time.sleep(0.2)
    sys.exit("no message was consumed within 600 s")


def wait_ready() -> None:
    kubectl("-n", NAMESPACE, "wait", "--for=jsonpath={.status.readyReplicas}=1", "statefulset,deployment", "--all", "--timeout=600s")


def first_message(file: pathlib.Path, rounds: int) -> list[tuple[str, float]]:
    """From a Kubernetes cluster without the namespace to the first consumed message."""
    found: dict[str, list[float]] = {}

    def note(step: str, value: float) -> None:
        found.setdefault(step, []).append(value)

    stages = {"site.yml: validated, image known": "Write the manifests", "site.yml: applied": "Wait until the workloads serve"}
    for number in range(rounds):
        clear()
        settle()
        begun = time.monotonic()
        kubectl("apply", "--server-side", "-f", file)
        note("manifests by kubectl: applied", time.monotonic() - begun)
        wait_ready()
        note("manifests by kubectl: all Ready", time.monotonic() - begun)
        note("manifests by kubectl: first consumed message", consumed(begun))

        clear()
        settle()
        begun = time.monotonic()
        with subprocess.Popen([str(part) for part in playbook("site.yml")], cwd=PROJECT, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE) as process:
            assert process.stdout
            for line in process.stdout:
                for step, task in stages.items():
                    # Some tasks come again once the cluster has formed.
                    if f"apply : {task}" in line and len(found.get(step, [])) == number:
                        note(step, time.monotonic() - begun)
        if process.returncode:
            sys.exit("site.yml failed")
        note("site.yml: all Ready, play ended", time.monotonic() - begun)
        note("site.yml: first consumed message", consumed(begun))
    return [(step, statistics.median(values)) for step, values in found.items()]


def memory() -> list[tuple[str, float]]:
    """Memory in MiB by what uses it, shared pages divided by those who share them."""
    status = run(*playbook("playbooks/local_kubernetes.yml", "-e", "local_kubernetes_state=status"))[1]
    found = {name: int(value) / 2**20 for name, value in re.findall(r"^ +(control_plane|nodes|pods|services|total): (\d+)$", status, re.MULTILINE)}
    names = {
        "control_plane": "control plane",
        "nodes": "three Kubernetes nodes",
        "services": "image builder, registry",
        "pods": "the cluster's 5 pods",
        "total": "all",
    }
    return [(about, found[name]) for name, about in names.items()]


def table(title: str, unit: str, rows: t.Sequence[tuple[str, float]], base: str) -> None:
    reference = dict(rows)[base]
    print(f"\n{title}\n\n| | {unit} | ratio |\n| --- | ---: | ---: |")
    for name, value in rows:
        print(f"| {name} | {value:.2f} | {value / reference:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--helm", default="helm")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--starts", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        clear()  # else they would be those of a cluster that has formed, which begins with other disks than empty ones
        file = write_manifests(pathlib.Path(name))
        count = sum(1 for _obj in yaml.safe_load_all(file.read_text(encoding="utf-8")))
        if options.starts:
            starts = first_message(file, options.starts)
            table("From no namespace to the first consumed message", "seconds", starts, "manifests by kubectl: all Ready")
        again = unchanged(file, options.helm, options.rounds)
        table("Memory", "MiB", memory(), "all")
        table(f"An unchanged definition of {count} objects applied again", "seconds", again, "`helm upgrade`")
        clear()
        kubectl("delete", "namespace", HELM, KUBECTL)


if __name__ == "__main__":
    main()
