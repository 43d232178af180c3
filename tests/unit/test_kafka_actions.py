# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules that talk to Kafka as tasks: where they run, what wrong input is told, and that no secret is shown. Without Kafka."""

from __future__ import annotations

import importlib
import json
import logging
import os
import pathlib
import socket
import subprocess
import sys
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_road
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _kafka_action

ROOT = pathlib.Path(__file__).resolve().parents[2]
ACTIONS = "ansible_collections.kafkaops.kubernetes.plugins.action"
PASSWORDS = ("hush-of-a-user", "hush-of-a-vault", "hush-of-the-login", "hush-of-a-wrong-item")


@pytest.fixture(scope="module")
def closed() -> t.Iterator[str]:
    """An address that refuses connections for as long as the tests run."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def action(module: str, connection: str = "local", **task: t.Any) -> t.Any:
    """The action of a module, ready to run."""
    made, context, loader = Task(), PlayContext(), DataLoader()
    made.action = f"kafkaops.kubernetes.{module}"
    for name, value in task.items():
        setattr(made, name, value)
    return importlib.import_module(f"{ACTIONS}.{module}").ActionModule(made, connection_loader.get(connection, context), context, loader, Templar(loader))


@pytest.mark.parametrize(
    ("connection", "task", "reason"),
    [
        ("local", {}, ""),
        ("local", {"environment": [{}, {}]}, ""),
        ("ssh", {}, "another host"),
        ("local", {"async_val": 60}, "async"),
        ("local", {"environment": [{}, {"K8S_AUTH_CONTEXT": "x"}]}, "an environment"),
    ],
)
@pytest.mark.parametrize("module", ["kafka_acls", "kafka_configs", "kafka_info", "kafka_topics", "kafka_users"])
def test_a_process_of_its_own_only_where_the_task_needs_one(module: str, connection: str, task: dict[str, t.Any], reason: str) -> None:
    assert action(module, connection, **task).elsewhere() == reason


class Become:
    """What a connection has where the task becomes somebody."""


def test_another_user_needs_a_process() -> None:
    made = action("kafka_topics")
    made._connection.become = Become()
    assert made.elsewhere() == "another user"


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        ("kafka_topics", {"topics": [{"name": "a"}, {"partitions": 3}]}, ["topics[1]: missing required arguments: name"]),
        (
            "kafka_topics",
            {"topics": [{"name": "a", "state": "gone"}, {"name": "b", "partitions": "x"}]},
            ["topics[0] (a): value of state must be one of: present, absent, got: gone", "topics[1] (b): argument 'partitions'", "to int"],
        ),
        ("kafka_topics", {"topics": [{"name": "a", "partition": 3}]}, ["topics[0] (a): unknown option partition. Supported parameters include", "partitions"]),
        ("kafka_topics", {"topics": ["orders"]}, ["topics[0] is a str; write a dictionary with name, partitions"]),
        ("kafka_topics", {"topics": [{"name": str(number), "partition": 1} for number in range(11)]}, ["topics[9] (9)", "there may be more"]),
        ("kafka_topics", {"purge": {"pattern": "x"}}, ["missing required arguments: limit found in purge"]),
        ("kafka_topics", {"topic": []}, ["unknown option topic. Supported parameters include", "topics"]),
        ("kafka_topics", {"sasl_username": "me"}, ["parameters are required together: sasl_username, sasl_password"]),
        ("kafka_topics", {"security_protocol": "SASL_SSL"}, ["security_protocol is SASL_SSL but all of the following are missing"]),
        (
            "kafka_acls",
            {"acls": [{"principal": "User:a", "resource_type": "topic", "operations": ["read", "look"]}]},
            ["acls[0]: value of operations must be one or more of: all, read,", "look"],
        ),
        # What is wrong is told, and a password never, be it in the wrong place or of the wrong type.
        (
            "kafka_users",
            {"users": [{"name": "a", "password": PASSWORDS[3], "state": PASSWORDS[3]}]},
            ["users[0] (a): value of state must be one of: present, absent, got: ****"],
        ),
        ("kafka_users", {"users": [{"name": "a", "passwort": "x", "password": {"b": PASSWORDS[3]}}]}, ["users[0] (a): unknown option passwort"]),
    ],
)
def test_wrong_options_are_told_with_their_item(module: str, options: dict[str, t.Any], said: list[str]) -> None:
    with pytest.raises(AnsibleActionFail) as error:
        action(module, args={"bootstrap_servers": ["kafka:9092"], **options}).run(task_vars={})
    message = str(error.value)
    assert [part for part in said if part not in message] == [], message
    assert PASSWORDS[3] not in message


def test_what_is_right_is_no_wrong_item() -> None:
    module = importlib.import_module(f"{ACTIONS}.kafka_users").kafka_users
    right = {"users": [{"name": "a", "password": "b"}, "name=c state=absent"], "quotas": [{"user": "a", "producer_byte_rate": "5"}]}
    assert _kafka_action.wrong_items(module.OPTIONS, right) == []


def test_a_road_writes_nothing_into_the_log_of_ansible(closed: str, caplog: pytest.LogCaptureFixture) -> None:
    """Ansible's log file is a handler of the root logger; kafka-python logs requests, salted passwords included."""
    with (
        caplog.at_level(logging.DEBUG),
        pytest.raises(_kafka_road.RoadError),
        _kafka_road.Road(_kafka_road.Settings("events", (closed,), timeout=1)),
    ):
        pass
    assert [record.name for record in caplog.records if record.name.startswith("kafka")] == []
    assert logging.getLogger("kafka").propagate


def test_tasks_of_a_playbook(closed: str, tmp_path: pathlib.Path) -> None:
    """Of a real run, as talkative as it gets: every task says why it failed, in a process of its own or not, and no password is shown."""
    playbook = ROOT / "tests" / "unit" / "files" / "kafka_tasks.yml"
    results, variables, vault = tmp_path / "results.json", tmp_path / "variables.json", tmp_path / "vault"
    vault.write_text("the vault's own\n", encoding="utf-8")
    programs = pathlib.Path(sys.executable).parent
    encrypted = subprocess.run(
        [str(programs / "ansible-vault"), "encrypt_string", "--vault-password-file", str(vault), PASSWORDS[1]], capture_output=True, text=True, check=True
    ).stdout
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(f"all:\n  hosts:\n    localhost:\n      in_vault: {encrypted}", encoding="utf-8")
    given = {"server": closed, "results": str(results), "of_a_user": PASSWORDS[0], "of_the_login": PASSWORDS[2]}
    variables.write_text(json.dumps(given), encoding="utf-8")
    log = tmp_path / "ansible.log"
    done = subprocess.run(
        [str(programs / "ansible-playbook"), "-vvvv", str(playbook), "-i", str(inventory), "-e", f"@{variables}", "--vault-password-file", str(vault)],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOG_PATH": str(log)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(results.read_text(encoding="utf-8"))
    for result in found.values():
        assert result["failed"]
        assert f"cluster kafka: connect, at {closed}" in result["msg"]
    tasks = [section for section in done.stdout.split("TASK [")[1:] if "Keep the results" not in section]
    assert ["modules/kafka_users.py" in section for section in tasks] == [False, True, True], "the module file is told where it is started"
    shown = done.stdout + done.stderr + log.read_text(encoding="utf-8") + json.dumps(found)
    assert [secret for secret in PASSWORDS if secret in shown] == []
