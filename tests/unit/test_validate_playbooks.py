# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The playbooks that validate, run as a user runs them: what they print, and their exit status."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOUND = """\
broker.id=1
zookeeper.connect=zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka
listeners=PLAINTEXT://:9092
advertised.listeners=PLAINTEXT://kafka-1.kafka:9092
log.dirs=/var/lib/kafka/data
"""
ZOO = "tickTime=2000\ndataDir=/var/lib/zookeeper/data\nclientPort=2181\nautopurge.purgeInterval=24\n"


def run(playbook: str, *arguments: str) -> tuple[int, str]:
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), f"playbooks/{playbook}.yml", *arguments]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "arguments", "status", "lines"),
    [
        (SOUND, ["kafka_version=3.9"], 0, ["msg: Nothing to say."]),
        (
            f"{SOUND}num.io.threads=0\n",
            ["kafka_version=3.9.2"],
            2,
            ["error     TYPE-OR-RANGE  num.io.threads (line 6)  '0': must be at least 1.", "Mend: Use a value of the type", "1 error"],
        ),
        (f"{SOUND}num.io.thread=8\n", ["kafka_version=3.9.2"], 0, ["warning   KEY-UNKNOWN  num.io.thread (line 6)", "1 warning"]),
        (f"{SOUND}num.io.thread=8\n", ["kafka_version=3.9.2", "kafka_fail_on=warning"], 2, ["KEY-UNKNOWN", 'findings of severity "warning"']),
        (f"{SOUND}num.io.threads=0\n", ["kafka_version=3.9.2", "kafka_fail_on=never"], 0, ["TYPE-OR-RANGE"]),
        (SOUND, ["kafka_version=4.1.2"], 2, ["ROLE-REQUIRED", "KEY-REMOVED"]),
    ],
)
def test_a_properties_file(text: str, arguments: list[str], status: int, lines: list[str], tmp_path: pathlib.Path) -> None:
    path = tmp_path / "server.properties"
    path.write_text(text, encoding="utf-8")
    found, output = run("validate_properties", "-e", f"file={path}", *(word for pair in arguments for word in ("-e", pair)))
    assert found == status, output
    assert [line for line in lines if line not in output] == [], output


def test_a_zoo_cfg(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "zoo.cfg"
    path.write_text(f"{ZOO}tickTime=0\n", encoding="utf-8")
    status, output = run("validate_properties", "-e", f"zookeeper_file={path}", "-e", "kafka_version=3.9.2")
    assert status == 2
    assert "ZOO-TICK   tickTime (line 5)" in output


def test_clusters_get_a_table_each_also_when_one_fails(tmp_path: pathlib.Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {good: {}, bad: {kafka_listeners: [{name: A, port: 9092, advertised_host: kafka}]}}}", encoding="utf-8")
    status, output = run("validate", "-i", str(inventory), "-e", "kafka_live=false")
    assert status == 2
    # Hosts are asked at the same time, so either may be told of first.
    good, bad = (output.split(f"ok: [{host}] => ", 1)[1].split("ok: [", 1)[0] for host in ("good", "bad"))
    assert "LIVE-SKIPPED" in good
    assert "error " not in good
    assert "error     ADV-SHARED    kafka_listeners[0] (A)  brokers 0, 1, 2 advertise one address, kafka:9092." in bad
    # The table is wider than it says by the indent of the output only.
    assert max(len(line) for line in output.splitlines() if "Mend:" in line) <= 118


def test_a_cluster_is_called_as_its_host(tmp_path: pathlib.Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("all: {hosts: {Not_a_label: {}, named_otherwise: {kafka_cluster_name: events}}}", encoding="utf-8")
    _status, output = run("validate", "-i", str(inventory), "-e", "kafka_live=false")
    wrong, right = (output.split(f"ok: [{host}] => ", 1)[1].split("ok: [", 1)[0] for host in ("Not_a_label", "named_otherwise"))
    assert "kafka_cluster_name" in wrong
    assert "kafka_cluster_name" not in right
