# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_reassign against real brokers: one more, one less, killed in the middle, cancelled; what there is is read by Kafka's own tools."""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

import kafka
import pytest
import yaml
from brokers import Cluster
from conftest import Result, call, until
from test_playbooks import changed, play

TOPIC_COMMAND, CONFIG_COMMAND = "org.apache.kafka.tools.TopicCommand", "kafka.admin.ConfigCommand"
PARTITIONS, VALUE, MESSAGES = 6, 50_000, 600
SLOW = 150_000
"""Bytes a second. A fetch takes a megabyte whatever the throttle; only what is larger is slowed down, here to half a minute."""
MODULE = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kafkaops.kubernetes.plugins.modules import kafka_reassign
with patch_module_args(json.load(sys.stdin)):
    kafka_reassign.main()
"""


@pytest.fixture(scope="module")
def growing(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Cluster]:
    """Two brokers, which become three and two again."""
    with Cluster(tmp_path_factory.mktemp("growing"), "4.3.1", "kraft", brokers=2) as found:
        yield found


def placed(cluster: Cluster, topic: str) -> list[tuple[int, ...]]:
    """The replicas of each partition."""
    text = cluster.tool(TOPIC_COMMAND, "--describe", "--topic", topic)
    return [tuple(int(each) for each in line.split(",")) for line in re.findall(r"Replicas: ([\d,]+)", text)]


def leaders(cluster: Cluster, topic: str) -> list[int]:
    return [int(each) for each in re.findall(r"Leader: (\d+)", cluster.tool(TOPIC_COMMAND, "--describe", "--topic", topic))]


def throttles(cluster: Cluster) -> set[str]:
    """What is set at topics and brokers to slow a reassignment down."""
    text = "".join(cluster.tool(CONFIG_COMMAND, "--describe", "--entity-type", kind) for kind in ("topics", "brokers"))
    return set(re.findall(r"((?:leader|follower)\.replication\.throttled\.(?:rate|replicas))=[^\s{]", text))


def on_the_move(cluster: Cluster) -> list[t.Any]:
    return t.cast("list[t.Any]", call("kafka_info", cluster, gather=["reassignments"])["reassignments"])


def counts(result: Result, when: str) -> list[tuple[int, int, int]]:
    """Replicas and preferred leaders by broker."""
    return [(each["id"], each["replicas"], each["leaders"]) for each in result["brokers"][when]]


def produce(cluster: Cluster, topic: str) -> set[tuple[int, bytes]]:
    """Messages of which no byte can be spared; partition and key of each."""
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=cluster.address(), acks="all")) as producer:
        sent = {(number % PARTITIONS, str(number).encode()) for number in range(MESSAGES)}
        waiting = [producer.send(topic, os.urandom(VALUE), key=key, partition=partition) for partition, key in sorted(sent)]
        for each in waiting:
            each.get(timeout=30)
    return sent


def consume(cluster: Cluster, topic: str, wanted: int) -> list[tuple[int, bytes]]:
    consumer = kafka.KafkaConsumer(bootstrap_servers=cluster.address(), auto_offset_reset="earliest", enable_auto_commit=False)
    with contextlib.closing(consumer):
        consumer.assign([kafka.TopicPartition(topic, number) for number in range(PARTITIONS)])
        found: list[tuple[int, bytes]] = []

        def more() -> int:
            for records in consumer.poll(timeout_ms=500).values():
                found.extend((record.partition, record.key) for record in records)
            return len(found)

        until(more, lambda number: number >= wanted, 30)
    return sorted(found)


@contextlib.contextmanager
def started(cluster: Cluster, **options: t.Any) -> collections.abc.Iterator[subprocess.Popen[str]]:
    """The module as a process of its own, which is killed at the end wherever it is."""
    arguments = {"cluster": "test", "bootstrap_servers": [cluster.address(broker=each) for each in cluster.ids], **options}
    process = subprocess.Popen([sys.executable, "-c", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(arguments))
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def killed_in_the_middle(cluster: Cluster, **options: t.Any) -> None:
    with started(cluster, **options) as process:
        assert until(lambda: on_the_move(cluster), bool, 30), "it never began to move anything"
        assert process.poll() is None
    assert on_the_move(cluster), "Kafka goes on with what it was asked for"


def test_two_become_three_and_two_again(growing: Cluster, name: str) -> None:
    """Killed twice and cancelled once on the way; not one message is lost, and no throttle is left."""
    cluster = growing
    topic = {"name": name, "assignments": [[1 + number % 2, 2 - number % 2] for number in range(PARTITIONS)]}
    assert call("kafka_topics", cluster, topics=[topic]).changed
    sent = sorted(produce(cluster, name))
    before = placed(cluster, name)
    new = cluster.grow()

    foretold = call("kafka_reassign", cluster, check=True, diff=True)
    assert foretold.changed
    assert counts(foretold, "before") == [(1, 6, 3), (2, 6, 3), (3, 0, 0)]
    assert counts(foretold, "after") == [(1, 4, 2), (2, 4, 2), (3, 4, 2)]
    assert foretold["left"]["bytes"] >= 4 * MESSAGES // PARTITIONS * VALUE
    assert foretold["diff"]["before"].keys() == foretold["diff"]["after"].keys()
    assert not on_the_move(cluster)
    assert placed(cluster, name) == before

    killed_in_the_middle(cluster, throttle=SLOW, batch_partitions=2)
    assert len(throttles(cluster)) == 4
    for check in (True, False):
        cancelled = call("kafka_reassign", cluster, state="cancelled", check=check)
        assert cancelled.changed
        assert cancelled["cancelled"]
    assert not on_the_move(cluster)
    assert [set(each) for each in placed(cluster, name)] == [set(each) for each in before]
    assert throttles(cluster) == set()
    assert not call("kafka_reassign", cluster, state="cancelled").changed

    # One, then two at a time, though the ones before are copied still.
    with started(cluster, throttle=SLOW, batch_partitions=50):
        assert len(until(lambda: on_the_move(cluster), bool, 30)) == 1
        assert len(until(lambda: on_the_move(cluster), lambda moving: len(moving) > 1, 30)) == 3
    assert call("kafka_reassign", cluster, state="cancelled").changed

    # Without any progress it gives up, and tells how it can be ended; Kafka goes on, as slowly as before.
    stuck = call("kafka_reassign", cluster, throttle=1, batch_partitions=1, patience=3)
    assert "nothing has moved for 3 s" in stuck.message
    assert "state=cancelled" in stuck.message
    assert len(on_the_move(cluster)) == 1
    assert len(throttles(cluster)) == 4
    # What leads to a broker that is not wanted there is not waited for.
    ended = call("kafka_reassign", cluster, brokers=[1, 2])
    assert len(ended["cancelled"]) == 1
    assert ended["adopted"] == 0
    assert throttles(cluster) == set()
    assert [set(each) for each in placed(cluster, name)] == [set(each) for each in before]

    killed_in_the_middle(cluster, throttle=SLOW, batch_partitions=2)
    one = call("kafka_reassign", cluster, throttle=50_000_000, batch_partitions=1, batches=1)
    assert one["adopted"] > 0
    assert one["moved"]["partitions"] == 1
    assert 0 < one["left"]["partitions"] < foretold["left"]["partitions"]
    rest = call("kafka_reassign", cluster, throttle=50_000_000)
    assert rest["left"] == {"partitions": 0, "bytes": 0, "batches": 0, "seconds": 0.0}
    assert throttles(cluster) == set()
    assert sorted(collections.Counter(broker for each in placed(cluster, name) for broker in each).items()) == [(1, 4), (2, 4), (3, 4)]
    assert sorted(collections.Counter(leaders(cluster, name)).items()) == [(1, 2), (2, 2), (3, 2)]
    assert not call("kafka_reassign", cluster).changed
    assert consume(cluster, name, len(sent)) == sent

    # And back again.
    full = call("kafka_reassign", cluster, state="drained", leaving=[new])
    assert full.failed
    assert f"broker {new} has 4: {name}-" in full.message
    alone = call("kafka_reassign", cluster, brokers=[1])
    assert f"Topic {name} has 2 replicas, and 1 broker would be left to hold them" in alone.message
    back = call("kafka_reassign", cluster, brokers=[1, 2])
    assert counts(back, "after") == [(1, 6, 3), (2, 6, 3), (3, 0, 0)]
    assert not call("kafka_reassign", cluster, state="drained", leaving=[new]).changed
    assert not call("kafka_reassign", cluster, brokers=[1, 2]).changed

    assert "3 still alive" in call("kafka_reassign", cluster, state="unregistered", leaving=[new]).message
    cluster.stop(new, cleanly=True)
    cluster.ids.remove(new)
    dead = call("kafka_reassign", cluster, brokers=[1, 2, new])
    assert f"broker {new} is not alive" in dead.message
    gone = until(lambda: call("kafka_reassign", cluster, state="unregistered", leaving=[new], check=True), lambda result: not result.failed, 20)
    assert gone["unregistered"] == [new]
    assert call("kafka_reassign", cluster, state="unregistered", leaving=[new])["unregistered"] == [new]
    for check in (True, False):
        assert not call("kafka_reassign", cluster, state="unregistered", leaving=[new], check=check).changed
    assert consume(cluster, name, len(sent)) == sent


def test_replicas_and_leaders_become_even(three: Cluster, name: str) -> None:
    """In both modes; what is even already is left alone."""
    assert call("kafka_topics", three, topics=[{"name": name, "assignments": [[1, 2]] * 6}]).changed
    moved = call("kafka_reassign", three, throttle=50_000_000, batch_partitions=100)
    assert moved.changed
    after = counts(moved, "after")
    assert max(each[1] for each in after) - min(each[1] for each in after) <= 1
    assert max(each[2] for each in after) - min(each[2] for each in after) <= 1
    assert throttles(three) == set()
    assert [each[0] for each in placed(three, name)] == leaders(three, name)
    assert not call("kafka_reassign", three).changed


def test_who_gets_a_replica_does_not_lead_before_all_is_copied(three: Cluster, name: str) -> None:
    """A run that ends between the two steps is gone on with by the next one."""
    assert call("kafka_topics", three, topics=[{"name": name, "assignments": [[1, 2]] * 30}]).changed
    foretold = call("kafka_reassign", three, check=True)
    assert foretold["left"]["batches"] == 2
    copied = call("kafka_reassign", three, batches=1)
    assert copied["left"]["batches"] == 1
    assert copied["left"]["bytes"] == 0
    assert any(3 in each for each in placed(three, name))
    assert 3 not in leaders(three, name)
    ordered = call("kafka_reassign", three)
    assert ordered["moved"]["bytes"] == 0
    assert ordered["brokers"]["after"] == foretold["brokers"]["after"]
    assert leaders(three, name) == [each[0] for each in placed(three, name)]
    assert 3 in leaders(three, name)


def test_the_role_tells_of_every_batch(three: Cluster, name: str, tmp_path: pathlib.Path) -> None:
    """One visible result for each; the second run has none."""
    assert call("kafka_topics", three, topics=[{"name": name, "assignments": [[1, 2]] * 6}]).changed
    file = tmp_path / "move.yml"
    role = {"name": "kafkaops.kubernetes.kafka", "tasks_from": "scale_move"}
    file.write_text(yaml.safe_dump([{"hosts": "all", "connection": "local", "gather_facts": False, "tasks": [{"include_role": role}]}]), encoding="utf-8")
    variables = {
        "ansible_python_interpreter": sys.executable,
        "kafka_plan": {"nodes": [{"id": each, "roles": ["broker"]} for each in three.ids]},
        "kafka_connection": {"cluster": "events", "bootstrap_servers": [three.address()]},
        "kafka_scale_batch_partitions": 2,
        "kafka_scale_throttle": 50_000_000,
    }
    foretold = play(str(file), tmp_path, variables, "--check", "--diff")
    (first,) = (result for result in foretold if result["task"] == "See what has to move")
    assert first["changed"]
    assert first["left"]["batches"] > 1
    assert [result["task"] for result in foretold if result["task"] == "Move the next batch"] == []
    moved = [result for result in play(str(file), tmp_path, variables) if result["task"] == "Move the next batch"]
    assert len(moved) == first["left"]["batches"]
    assert [result["left"]["partitions"] for result in moved] == sorted((result["left"]["partitions"] for result in moved), reverse=True)
    assert moved[-1]["left"]["partitions"] == 0
    assert changed(play(str(file), tmp_path, variables)) == set()
    assert throttles(three) == set()


def test_what_has_nothing_to_do_does_nothing(cluster: Cluster) -> None:
    for check in (True, False):
        assert not call("kafka_reassign", cluster, state="cancelled", check=check).changed
        assert not call("kafka_reassign", cluster, state="drained", leaving=[9], check=check).changed
    assert not call("kafka_reassign", cluster, state="unregistered", leaving=[9]).changed


def test_a_live_broker_is_never_unregistered(cluster: Cluster) -> None:
    for check in (True, False):
        refused = call("kafka_reassign", cluster, state="unregistered", leaving=[1], check=check)
        assert refused.failed


def test_another_cluster_is_left_alone(newest: Cluster) -> None:
    for state in ("placed", "cancelled", "unregistered"):
        refused = call("kafka_reassign", newest, state=state, leaving=[9], cluster_id="MkU3OEVBNTcwNTJENDM2Qg")
        assert "leads to the cluster with id" in refused.message
