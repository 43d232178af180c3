# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this scenario share. They see the cluster as its users do."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import time
import typing as t

import pytest
import yaml
from processes import kill

PROJECT = pathlib.Path(__file__).resolve().parents[3]
STATE = pathlib.Path("/var/lib/kafkaops-local-kubernetes")
NAMESPACE = "molecule"
CLUSTER = "events"


class Kubectl:
    """kubectl as the administrator of the local Kubernetes."""

    def __call__(self, *args: str, check: bool = True, stdin: str | None = None) -> str:
        command = [str(STATE / "bin/kubectl"), "--kubeconfig", str(STATE / "admin.kubeconfig"), "-n", NAMESPACE, *args]
        return subprocess.run(command, check=check, text=True, input=stdin, stdout=subprocess.PIPE).stdout

    def json(self, *args: str) -> t.Any:
        """The answer of a ``get``."""
        return json.loads(self("get", *args, "-o", "json"))

    def items(self, kind: str, **labels: str) -> list[dict[str, t.Any]]:
        """All objects of a kind with these labels of the cluster."""
        selector = ",".join(f"app.kubernetes.io/{key}={value}" for key, value in {"instance": CLUSTER, **labels}.items())
        return self.json(kind, "-l", selector)["items"]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    return Kubectl()


class Run(t.NamedTuple):
    """A playbook that ended."""

    code: int
    output: str
    seconds: float

    @property
    def recap(self) -> dict[str, int]:
        """The play recap's counts of the cluster, added up over hosts."""
        counts: dict[str, int] = {}
        for line in self.output.split("PLAY RECAP")[-1].splitlines()[1:]:
            for pair in line.partition(":")[2].split():
                key, _equals, value = pair.partition("=")
                counts[key] = counts.get(key, 0) + int(value)
        return counts


@pytest.fixture(scope="session")
def ansible(tmp_path_factory: pytest.TempPathFactory) -> t.Callable[..., Run]:
    """Run a playbook of the collection for the scenario's inventory, or for one with these variables only."""

    def command(playbook: str, *args: str, variables: dict[str, t.Any] | None = None, host: str = CLUSTER) -> list[str]:
        inventory = pathlib.Path(os.environ.get("MOLECULE_SCENARIO_DIRECTORY", PROJECT / "molecule/default")) / "inventory"
        if variables is not None:
            inventory = tmp_path_factory.mktemp("inventory") / "hosts.yml"
            inventory.write_text(yaml.safe_dump({"all": {"hosts": {host: variables}}}), encoding="utf-8")
        return ["ansible-playbook", str(PROJECT / playbook), "-i", str(inventory), "-e", f"kafka_hosts={host}", *args]

    def run(playbook: str, *args: str, variables: dict[str, t.Any] | None = None, host: str = CLUSTER, until: str = "", occurrence: int = 1) -> Run:
        begun = time.monotonic()
        lines = []
        with subprocess.Popen(
            command(playbook, *args, variables=variables, host=host),
            cwd=PROJECT,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "PYTHONUNBUFFERED": "1"},
        ) as process:
            assert process.stdout
            for line in process.stdout:
                lines.append(line)
                if until and sum(until in each for each in lines) == occurrence:
                    kill(process.pid)
                    break
            process.wait()
        return Run(process.returncode, "".join(lines), time.monotonic() - begun)

    return run


SMALL: dict[str, t.Any] = {
    "kafka_namespace": "small",
    "kafka_kubeconfig": str(STATE / "admin.kubeconfig"),
    "kafka_node_pools": [{"name": "node", "node_ids": [7], "roles": ["broker", "controller"], "heap": "256m", "volumes": [{"size": "1Gi"}]}],
}
"""A cluster of one node in a namespace of its own, as its administrator would run it."""
