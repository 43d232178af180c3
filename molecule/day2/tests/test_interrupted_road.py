# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to Kafka breaks in the middle of a module: it finishes or fails clearly, and the next run completes it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import typing as t

import pytest
from cluster import PROJECT, Client, Kubectl, command, play, play_inventory, until
from kafka import KafkaAdminClient

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006
Outside = t.Callable[[str], Client]

NEW = "kafka_version=4.3.1 kafka_anti_affinity=preferred"
TASKS = {"topics": "Make the topics as listed", "users": "Make users and quotas as listed"}
COUNT = 150


def declared(name: str) -> dict[str, t.Any]:
    return {
        "kafka_topics": [{"name": f"{name}-{number}", "partitions": 3, "replication_factor": 3} for number in range(COUNT)],
        "kafka_users": [{"name": f"{name}-{number}", "password": f"only-for-this-test-{number}"} for number in range(COUNT)],
        "kafka_quotas": [{"user": f"{name}-{number}", "producer_byte_rate": 1000000} for number in range(COUNT)],
        "kafka_runtime_config": {"log.cleaner.threads": len(name) % 2 + 1},
    }


def cut_pod(plan: Plan, kubectl: Kubectl) -> None:
    kubectl("delete", "pod", plan["nodes"][0]["pod"], "--wait=false")


def cut_api_server(_plan: Plan, _kubectl: Kubectl) -> None:
    found = pathlib.Path("/sys/fs/cgroup").glob("**/kafkaops-local-kubernetes/control-plane/kube-apiserver/**/cgroup.procs")
    victims = {int(pid) for file in found for pid in file.read_text(encoding="utf-8").split()}
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)


def ready(plan: Plan, kubectl: Kubectl) -> bool:
    """Whether every node has a pod that is ready and stays."""
    pods = {pod["metadata"]["name"]: pod for pod in kubectl.json("pod")["items"]}
    found = [pods.get(node["pod"]) for node in plan["nodes"]]
    return all(
        pod
        and "deletionTimestamp" not in pod["metadata"]
        and any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
        for pod in found
    )


# Each takes a minute and a half, so not every module meets both here.
@pytest.mark.parametrize(("cut", "task"), [(cut_pod, "users"), (cut_api_server, "topics")], ids=["a pod is deleted", "the API server is killed"])
def test_the_next_run_completes_it(cut: t.Callable[[Plan, Kubectl], None], task: str, plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    name = f"{task}-{cut.__name__.replace('_', '-')}"
    variables = (NEW, json.dumps(declared(name)))
    process = subprocess.Popen(command("topics_users_acls.yml", *variables), cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if TASKS[task] in line:
            break
    cut(plan, kubectl)
    said += process.communicate()[0]
    if process.returncode:
        assert "cluster events" in said, said
        assert "Traceback" not in said, said
    play("local_kubernetes.yml")
    until(lambda: ready(plan, kubectl), 180, "the pods are not ready again")
    play_inventory("topics_users_acls.yml", *variables)
    assert "changed=0" in play_inventory("topics_users_acls.yml", *variables)
    client = KafkaAdminClient(**outside("EXTERNAL"))
    try:
        topics = set(client.list_topics())
        users = str(client.describe_user_scram_credentials())
    finally:
        client.close()
    assert {topic["name"] for topic in declared(name)["kafka_topics"]} <= topics
    assert all(f"'{user['name']}'" in users for user in declared(name)["kafka_users"])
