# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to Kafka breaks in the middle of each module: it finishes or fails clearly, and the next run completes it."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_calls
from cluster import PROJECT, Client, Kubectl, command, play, play_inventory, ready, until
from kafka import KafkaAdminClient
from kafka.admin import (
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    ResourcePatternFilter,
    ResourceType,
)

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006
Outside = t.Callable[[str], Client]

COUNT = 100
INTERNAL = {"__consumer_offsets", "__transaction_state"}
EVERY_TOPIC = ResourcePatternFilter(ResourceType.TOPIC, None, ACLResourcePatternType.ANY)
DECLARE = "topics_users_acls.yml"
INVENTORY: dict[str, t.Any] = yaml.safe_load((PROJECT / "inventories/tls_scram/group_vars/all.yml").read_text(encoding="utf-8"))


class Module(t.NamedTuple):
    """In which playbook and task it runs, and what it is asked for besides what the inventory declares."""

    playbook: str
    task: str
    declared: t.Callable[[str], dict[str, t.Any]]


MODULES = {
    "kafka_topics": Module(
        DECLARE,
        "Make the topics as listed",
        lambda name: {"kafka_topics": [*INVENTORY["kafka_topics"], *({"name": each, "partitions": 3, "replication_factor": 3} for each in names(name))]},
    ),
    "kafka_users": Module(
        DECLARE,
        "Make users and quotas as listed",
        lambda name: {
            "kafka_users": [*INVENTORY["kafka_users"], *({"name": each, "password": f"only-for-{each}"} for each in names(name))],
            "kafka_quotas": [{"user": each, "producer_byte_rate": 1000000} for each in names(name)],
        },
    ),
    "kafka_acls": Module(
        DECLARE,
        "Make the access rules as listed",
        lambda name: {
            "kafka_acls": [
                *INVENTORY["kafka_acls"],
                *({"principal": "User:shop", "resource_type": "topic", "resource_name": each, "operations": ["read"]} for each in names(name)),
            ]
        },
    ),
    "kafka_configs": Module(
        DECLARE,
        "Set the configuration of running brokers",
        lambda name: {"kafka_runtime_config": {"log.cleaner.backoff.ms": 20001 if "pod" in name else 20002}},
    ),
    "kafka_info": Module("export.yml", "Read everything", lambda _name: {}),
}


def names(name: str) -> list[str]:
    return [f"{name}-{number}" for number in range(COUNT)]


def delete_a_pod(plan: Plan, kubectl: Kubectl) -> None:
    kubectl("delete", "pod", plan["nodes"][0]["pod"], "--wait=false")


def restart_the_api_server(_plan: Plan, _kubectl: Kubectl) -> None:
    found = pathlib.Path("/sys/fs/cgroup").glob("**/kafkaops-local-kubernetes/control-plane/kube-apiserver/**/cgroup.procs")
    victims = {int(pid) for file in found for pid in file.read_text(encoding="utf-8").split()}
    assert victims
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    play("local_kubernetes.yml")


def missing(module: str, name: str, options: Client, exported: pathlib.Path) -> list[str]:
    """What the module was asked for and is not there, as a client of its own reads it."""
    client = KafkaAdminClient(**options)
    try:
        if module == "kafka_info":
            written = yaml.safe_load(exported.read_text(encoding="utf-8"))["kafka_topics"]
            return sorted(set(client.list_topics()) - {topic["name"] for topic in written} - INTERNAL)
        if module == "kafka_topics":
            return sorted(set(names(name)) - set(client.list_topics()))
        if module == "kafka_acls":
            rules, _error = client.describe_acls(ACLFilter("User:shop", "*", ACLOperation.ANY, ACLPermissionType.ANY, EVERY_TOPIC))
            return sorted(set(names(name)) - {rule.resource_pattern.resource_name for rule in rules})
        if module == "kafka_users":
            users = str(client.describe_user_scram_credentials())
            return [each for each in names(name) if f"'{each}'" not in users]
        backoff = client.describe_configs([ConfigResource(ConfigResourceType.BROKER, "0", ["log.cleaner.backoff.ms"])], config_filter="all")
        return [] if f"'{MODULES[module].declared(name)['kafka_runtime_config']['log.cleaner.backoff.ms']}'" in str(backoff) else [str(backoff)]
    finally:
        client.close()


@pytest.mark.parametrize("cut", [delete_a_pod, restart_the_api_server])
@pytest.mark.parametrize("module", MODULES)
def test_the_next_run_completes_it(
    module: str, cut: t.Callable[[Plan, Kubectl], None], plan: Plan, kubectl: Kubectl, outside: Outside, tmp_path: pathlib.Path
) -> None:
    about = MODULES[module]
    name = f"{module}-{cut.__name__}".replace("_", "-")
    exported = tmp_path / "exported.yml"
    variables = (json.dumps(about.declared(name)), f"export_file={exported}")
    process = subprocess.Popen(command(about.playbook, *variables), cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if about.task in line:
            break
    cut(plan, kubectl)
    said += process.communicate()[0]
    assert about.task in said, said
    if process.returncode:
        assert "cluster events" in said, said
        assert "Traceback" not in said, said
    until(lambda: ready(plan, kubectl), 240, "the pods are not ready again")
    play_inventory(about.playbook, *variables)
    assert "changed=0" in play_inventory(about.playbook, *variables)
    client = outside("EXTERNAL")
    # Whoever forwards node ports looks for an API server that was gone several times less and less often, up to every minute, and
    # sends clients to pods that are no more meanwhile.
    until(lambda: _gate_calls.reachable(client["bootstrap_servers"]), 240, "the node ports do not lead to the brokers again")
    assert not missing(module, name, client, exported)
