# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Every module as a task of a real ansible-playbook, and export: what it wrote, applied again, changes nothing."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import yaml
from brokers import Cluster

ROOT = pathlib.Path(__file__).parents[3]


def play(playbook: str, directory: pathlib.Path, variables: dict[str, t.Any], *arguments: str) -> list[dict[str, t.Any]]:
    """Run a playbook; the result of every task, with its name. It must succeed."""
    file = directory / "variables.json"
    file.write_text(json.dumps(variables), encoding="utf-8")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), str(ROOT / playbook), "-i", "events,", "-e", f"@{file}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=directory)
    report = json.loads(done.stdout[done.stdout.index("{") :])
    tasks = [task for each in report["plays"] for task in each["tasks"]]
    results = [{"task": task["task"]["name"].rpartition(" : ")[2], **host} for task in tasks for host in task["hosts"].values()]
    assert done.returncode == 0, [result for result in results if result.get("failed")] or done.stderr
    return results


def changed(results: list[dict[str, t.Any]]) -> set[str]:
    return {result["task"] for result in results if result.get("changed")}


def test_apply_export_and_apply_again(cluster: Cluster, tmp_path: pathlib.Path, name: str) -> None:
    connection = {"kafka_connection": {"cluster": "events", "bootstrap_servers": [cluster.address()], "timeout": 60}}
    declared = {
        "kafka_topics": [{"name": f"{name}-a", "partitions": 2, "config": {"cleanup.policy": ["compact"], "retention.ms": 5000}}, {"name": f"{name}-b"}],
        "kafka_users": [{"name": name, "password": "secret-of-the-play", "mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-512"]}],
        "kafka_quotas": [{"user": name, "producer_byte_rate": 1000000}, {"ip": "<default>", "connection_creation_rate": 500}],
        "kafka_acls": [
            {"principal": f"User:{name}", "resource_type": "topic", "resource_name": name, "pattern_type": "prefixed", "operations": ["read", "write"]},
            {"principal": f"User:{name}", "resource_type": "cluster", "operations": ["alter"], "permission": "deny", "host": "192.0.2.1"},
        ],
        "kafka_runtime_config": {"log.cleaner.backoff.ms": 20000},
    }
    every = {
        "Make the topics as listed",
        "Make users and quotas as listed",
        "Make the access rules as listed",
        "Set the configuration of running brokers",
    }
    apply = "playbooks/topics_users_acls.yml"
    assert changed(play(apply, tmp_path, {**connection, **declared}, "--check", "--diff")) == every
    assert changed(play(apply, tmp_path, {**connection, **declared})) == every
    # Without Kubernetes there is no Secret with the records, and so the password is set each time.
    assert changed(play(apply, tmp_path, {**connection, **declared})) == {"Make users and quotas as listed"}

    written = tmp_path / "declared.yml"
    play("playbooks/export.yml", tmp_path, {**connection, "export_file": str(written)})
    exported = yaml.safe_load(written.read_text(encoding="utf-8"))
    assert set(exported) == {"kafka_topics", "kafka_users", "kafka_quotas", "kafka_acls"}
    topics = {topic["name"]: topic for topic in exported["kafka_topics"]}
    assert topics[f"{name}-a"] == {
        "name": f"{name}-a",
        "partitions": 2,
        "replication_factor": 1,
        "config": {"cleanup.policy": "compact", "retention.ms": "5000"},
    }
    assert not [topic for topic in topics if topic.startswith("__")]
    assert "secret-of-the-play" not in written.read_text(encoding="utf-8")
    users = exported.pop("kafka_users")
    assert {"name": name, "mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-512"], "iterations": 4096, "password": "{{ kafka_passwords['" + name + "'] }}"} in users
    # Credentials that are there are left alone, whatever the new owner thinks their passwords are.
    passwords = {"kafka_users": users, "kafka_users_update_password": "on_create", "kafka_passwords": {user["name"]: "unknown" for user in users}}
    # All of it, and nothing besides: purging what is not exported finds nothing.
    purges = {"kafka_topics_purge": {"pattern": ".*", "limit": 0}, "kafka_acls_purge": {"limit": 0}}
    assert changed(play(apply, tmp_path, {**connection, **exported, **passwords, **purges})) == set()


def test_tasks_inside_of_ansible_and_in_processes_of_their_own(newest: Cluster, tmp_path: pathlib.Path, name: str) -> None:
    """One after the other they find each other's work done, and neither shows a password, though nobody says ``no_log``."""
    users = [{"name": name, "password": "secret-of-the-user"}]
    rule = {"principal": f"User:{name}", "resource_type": "topic", "resource_name": "*"}
    tasks = [
        {"name": "topics", "kafkaops.kubernetes.kafka_topics": {"topics": [{"name": name}]}},
        {"name": "users", "kafkaops.kubernetes.kafka_users": {"users": users, "records": "{{ kept | default({}) }}"}, "register": "made"},
        {"name": "keep", "ansible.builtin.set_fact": {"kept": "{{ made.records }}"}},
        {"name": "acls", "kafkaops.kubernetes.kafka_acls": {"acls": [{**rule, "operations": ["read", "create_tokens"]}]}},
        {"name": "configs", "kafkaops.kubernetes.kafka_configs": {"brokers": {1: {"log.cleaner.backoff.ms": 16000}}}},
        {"name": "info", "kafkaops.kubernetes.kafka_info": {"gather": ["cluster", "topics"], "pattern": name}},
    ]
    outside = [{**task, "name": f"{task['name']} outside", "environment": {"LANG": "C"}} for task in tasks if task["name"] != "keep"]
    defaults = {"group/kafkaops.kubernetes.kafka": {"bootstrap_servers": [newest.address()]}}
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    plays = [{"hosts": "all", "connection": "local", "gather_facts": False, "vars": interpreter, "module_defaults": defaults, "tasks": [*tasks, *outside]}]
    playbook = tmp_path / "tasks.yml"
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    found = play(str(playbook), tmp_path, {})
    assert changed(found) == {"topics", "users", "acls", "configs"}
    assert len(found) == len(tasks) + len(outside)
    assert "secret-of-the-user" not in json.dumps(found)
    inside = {result["task"]: result for result in found}
    assert "Kafka never checks create_tokens on a topic" in str(inside["acls"]["warnings"])
    for task in outside:
        name_inside = task["name"].removesuffix(" outside")
        told = ("cluster_id", "topics", "cluster", "records", "warnings")
        assert [each for each in told if inside[name_inside].get(each) != inside[task["name"]].get(each)] == []
