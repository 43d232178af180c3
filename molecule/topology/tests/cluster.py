# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of every topology share: the plan that was applied, and clients outside of the Kubernetes cluster."""

from __future__ import annotations

import base64
import json
import os
import pathlib
import subprocess
import time
import typing as t

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[3]
STATE = pathlib.Path("/var/lib/kafkaops-local-kubernetes")
Client = t.Dict[str, t.Any]  # noqa: UP006


@pytest.fixture(scope="session")
def plan() -> dict[str, t.Any]:
    return json.loads(pathlib.Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"], "plan.json").read_text(encoding="utf-8"))


class Kubectl:
    """kubectl as the administrator of the local Kubernetes."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def __call__(self, *args: str, check: bool = True) -> str:
        command = [str(STATE / "bin/kubectl"), "--kubeconfig", str(STATE / "admin.kubeconfig"), "-n", self.namespace, *args]
        return subprocess.run(command, check=check, text=True, stdout=subprocess.PIPE).stdout

    def json(self, *args: str) -> t.Any:
        """The answer of a ``get``."""
        return json.loads(self("get", *args, "-o", "json"))

    def secret(self, name: str) -> dict[str, str]:
        """The texts in a Secret."""
        return {key: base64.b64decode(value).decode() for key, value in self.json("secret", name)["data"].items()}


@pytest.fixture(scope="session")
def kubectl(plan: dict[str, t.Any]) -> Kubectl:
    return Kubectl(plan["namespace"])


def play(name: str, *variables: str) -> None:
    """Run a playbook of the collection; it must succeed."""
    command = ["ansible-playbook", str(PROJECT / "playbooks" / name), *(argument for variable in variables for argument in ("-e", variable))]
    done = subprocess.run(command, cwd=PROJECT, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def play_inventory(name: str, *variables: str, code: int = 0) -> str:
    """Run a playbook for the topology's inventory; what it said."""
    done = subprocess.run(command(name, *variables), cwd=PROJECT, text=True, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == code, done.stdout
    return done.stdout


def command(name: str, *variables: str) -> list[str]:
    """How a playbook is run for the topology's inventory: that of the scenario's name, or the one in ``TOPOLOGY_INVENTORY``."""
    inventory = os.environ.get("TOPOLOGY_INVENTORY") or pathlib.Path(os.environ["MOLECULE_SCENARIO_DIRECTORY"]).name
    extra = [f"@{PROJECT}/molecule/topology/vars/local.yml", *variables]
    begin = ["ansible-playbook", str(PROJECT / "playbooks" / name), "-i", str(PROJECT / "inventories" / inventory)]
    flags = [variable for variable in extra if variable.startswith("--")]
    return [*begin, *flags, *(argument for variable in extra if variable not in flags for argument in ("-e", variable))]


def ready(plan: dict[str, t.Any], kubectl: Kubectl) -> bool:
    """Whether every node has a pod that is ready and stays."""
    pods = {pod["metadata"]["name"]: pod for pod in kubectl.json("pod")["items"]}
    found = [pods.get(node["pod"]) for node in plan["nodes"] + plan["zookeeper_nodes"]]
    return all(
        pod
        and "deletionTimestamp" not in pod["metadata"]
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
        for pod in found
    )


def claims(kubectl: Kubectl) -> dict[str, str]:
    """The uids of the claims, by name."""
    return {claim["metadata"]["name"]: claim["metadata"]["uid"] for claim in kubectl.json("persistentvolumeclaim")["items"]}


def until(what: t.Callable[[], t.Any], seconds: float, about: str) -> None:
    """Wait for a state."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, about
        time.sleep(0.5)


@pytest.fixture(scope="session")
def outside(plan: dict[str, t.Any], kubectl: Kubectl, tmp_path_factory: pytest.TempPathFactory) -> t.Callable[[str], Client]:
    """How someone with every right comes in through a listener; options of kafka-python."""
    directory = tmp_path_factory.mktemp("tls")

    def options(listener: str) -> Client:
        security = listener_security(plan, listener)
        found: Client = {"bootstrap_servers": plan["bootstrap"][listener].split(","), "security_protocol": security}
        if security.endswith("SSL"):
            (directory / "ca.crt").write_text(kubectl.secret(trusting(plan))["ca.crt"], encoding="utf-8")
            found["ssl_cafile"] = str(directory / "ca.crt")
        if security == "SSL":
            found.update(certificate(kubectl, f"{plan['cluster']}-client-ops", directory))
        if security.startswith("SASL"):
            secret = kubectl.secret(f"{plan['cluster']}-credentials")
            found.update(login(secret["inter-broker-user"], secret["inter-broker-password"]))
        return found

    return options


def trusting(plan: dict[str, t.Any]) -> str:
    """The Secret with the authority that the nodes' certificates are of."""
    return plan["certificates"][0]["name"] if plan["tls_source"] == "cert_manager" else f"{plan['cluster']}-authority"


def listener_security(plan: dict[str, t.Any], listener: str) -> str:
    """The security protocol of a listener as the brokers have it."""
    return dict(item.split(":") for item in plan["nodes"][-1]["properties"]["listener.security.protocol.map"].split(","))[listener]


def certificate(kubectl: Kubectl, secret: str, directory: pathlib.Path) -> Client:
    """The certificate in a Secret as options of kafka-python."""
    texts = kubectl.secret(secret)
    for name in ("tls.crt", "tls.key"):
        (directory / f"{secret}-{name}").write_text(texts[name], encoding="utf-8")
    return {"ssl_certfile": str(directory / f"{secret}-tls.crt"), "ssl_keyfile": str(directory / f"{secret}-tls.key")}


def login(user: str, password: str) -> Client:
    """A SCRAM login as options of kafka-python."""
    return {"sasl_mechanism": "SCRAM-SHA-512", "sasl_plain_username": user, "sasl_plain_password": password}
