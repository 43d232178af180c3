# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the modules for topics, users and access rules beside Kafka's own command line tools; prints a table in Markdown.

A real broker (4.3.1, KRaft) is started on loopback from the jars that Maven caches, so JDK and Maven are needed::

    PYTHONPATH=collections:tests/integration/kafka .venv/bin/python bench/admin.py

The modules run as tasks of one ``ansible-playbook``; its own start is in the figures, and is told apart.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

from brokers import Cluster

PROJECT = pathlib.Path(__file__).resolve().parent.parent
TOOLS = {"topics": "org.apache.kafka.tools.TopicCommand", "acls": "org.apache.kafka.tools.AclCommand", "configs": "kafka.admin.ConfigCommand"}


def definition(topics: int, users: int, acls: int) -> dict[str, t.Any]:
    """What is wanted; every user has as many rules as there are for one."""
    names = [f"user-{number}" for number in range(users)]
    return {
        "kafka_topics": [{"name": f"topic-{number}", "partitions": 3, "config": {"retention.ms": 86400000}} for number in range(topics)],
        "kafka_users": [{"name": name, "password": f"password of {name}"} for name in names],
        "kafka_acls": [
            {"principal": f"User:{names[number % users]}", "resource_type": "topic", "resource_name": f"topic-{number // users}-", "operations": ["read"]}
            for number in range(acls)
        ],
    }


def playbook(directory: pathlib.Path, address: str) -> pathlib.Path:
    """Three tasks; the records of the passwords are kept in a file."""
    file = directory / "bench.yml"
    file.write_text(
        json.dumps(
            [
                {
                    "hosts": "localhost",
                    "gather_facts": False,
                    "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                    "module_defaults": {"group/kafkaops.kubernetes.kafka": {"bootstrap_servers": [address], "timeout": 600}},
                    "tasks": [
                        {"kafkaops.kubernetes.kafka_topics": {"topics": "{{ kafka_topics }}"}, "when": "kafka_topics is defined"},
                        {
                            "kafkaops.kubernetes.kafka_users": {"users": "{{ kafka_users }}", "records": "{{ records | default({}) }}"},
                            "register": "made",
                            "no_log": True,
                            "when": "kafka_users is defined",
                        },
                        {
                            "ansible.builtin.copy": {
                                "content": "{{ {'records': made.records} | to_json }}",
                                "dest": str(directory / "records.json"),
                                "mode": "0600",
                            },
                            "no_log": True,
                            "when": "made is changed",
                        },
                        {"kafkaops.kubernetes.kafka_acls": {"acls": "{{ kafka_acls }}"}, "when": "kafka_acls is defined"},
                    ],
                }
            ]
        ),
        encoding="utf-8",
    )
    return file


def play(file: pathlib.Path, variables: dict[str, t.Any]) -> float:
    """Seconds of a run of the playbook, from its start to its end."""
    wanted, records = file.with_name("wanted.json"), file.with_name("records.json")
    wanted.write_text(json.dumps(variables), encoding="utf-8")
    command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-c", "local", str(file), "-e", f"@{wanted}"]
    if records.exists():
        command += ["-e", f"@{records}"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg")}
    begun = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=PROJECT)
    if done.returncode:
        sys.exit(done.stdout[-4000:] + done.stderr[-2000:])
    return time.monotonic() - begun


def tool(cluster: Cluster, name: str, commands: t.Sequence[t.Sequence[str]], sample: int) -> tuple[float, str]:
    """Seconds that a tool takes for all commands, each a JVM of its own; from the first ``sample`` of them where they are more."""
    begun = time.monotonic()
    for command in commands[:sample]:
        cluster.tool(TOOLS[name], *command)
    seconds = (time.monotonic() - begun) * len(commands) / min(sample, len(commands))
    return seconds, f"{len(commands)} runs" + (f", of which {sample} were measured" if len(commands) > sample else "")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--topics", type=int, default=1000)
    options.add_argument("--users", type=int, default=500)
    options.add_argument("--acls", type=int, default=2000)
    options.add_argument("--sample", type=int, default=5, help="how many runs of a tool that needs one for each item are measured")
    given = options.parse_args()
    wanted = definition(given.topics, given.users, given.acls)
    rows: list[tuple[str, str, str, str]] = []
    with tempfile.TemporaryDirectory() as scratch, Cluster(pathlib.Path(scratch) / "kafka", "4.3.1", heap="512m") as cluster:
        file = playbook(pathlib.Path(scratch), cluster.address())
        empty = play(file, {})
        changed = {"kafka_topics": [{**topic, "config": {"retention.ms": 3600000}} for topic in wanted["kafka_topics"][: given.topics // 10]]}
        first = {kind: play(file, {kind: wanted[kind]}) for kind in wanted}
        again = {kind: play(file, {kind: wanted[kind]}) for kind in wanted}
        everything = play(file, wanted)
        altered = play(file, changed)
        # The tools on names of their own, so that they have as much to do.
        creations = [
            ["--create", "--topic", f"tool-{topic['name']}", "--partitions", "3", "--config", "retention.ms=86400000"] for topic in wanted["kafka_topics"]
        ]
        alterations = [
            ["--alter", "--entity-type", "topics", "--entity-name", topic["name"], "--add-config", "retention.ms=7200000"] for topic in changed["kafka_topics"]
        ]
        users = [
            ["--alter", "--entity-type", "users", "--entity-name", f"tool-{user['name']}", "--add-config", f"SCRAM-SHA-512=[password={user['password']}]"]
            for user in wanted["kafka_users"]
        ]
        rules = [["--add", "--allow-principal", f"{acl['principal']}x", "--operation", "read", "--topic", acl["resource_name"]] for acl in wanted["kafka_acls"]]
        with concurrent.futures.ThreadPoolExecutor(1) as one:
            measured = [
                (f"{given.topics} topics of 3 partitions created", first["kafka_topics"], one.submit(tool, cluster, "topics", creations, given.sample)),
                (f"{given.topics // 10} of them changed", altered, one.submit(tool, cluster, "configs", alterations, given.sample)),
                (f"{given.users} users created", first["kafka_users"], one.submit(tool, cluster, "configs", users, given.sample)),
                (f"{given.acls} access rules created", first["kafka_acls"], one.submit(tool, cluster, "acls", rules, given.sample)),
            ]
            for what, ours, theirs in measured:
                seconds, how = theirs.result()
                rows.append((what, f"{ours:.1f}", f"{seconds:.0f}", how))
    print(f"| | modules, s | tools, s | the tools need |\n| --- | ---: | ---: | --- |\n| a playbook that does nothing | {empty:.1f} | | |")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    for kind, count in (("kafka_topics", given.topics), ("kafka_users", given.users), ("kafka_acls", given.acls)):
        print(f"| {count} of `{kind}` again, unchanged | {again[kind]:.1f} | | have no such thing |")
    print(f"| all of it again, unchanged | {everything:.1f} | | |")


if __name__ == "__main__":
    main()
