# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_topics against real brokers; what is there is read by Kafka's own ``TopicCommand``."""

from __future__ import annotations

import re
import typing as t

import pytest
from brokers import Cluster
from conftest import call, thrice

TOPIC_COMMAND = "org.apache.kafka.tools.TopicCommand"


def described(cluster: Cluster, topic: str) -> dict[str, t.Any]:
    """A topic as Kafka's own tool tells it: partitions, factor, configuration and the replicas of each partition."""
    text = cluster.tool(TOPIC_COMMAND, "--describe", "--topic", topic)
    head = text.splitlines()[0]
    configs = re.search(r"Configs: (\S*)", head)
    return {
        "partitions": int(re.search(r"PartitionCount: (\d+)", head)[1]),
        "factor": int(re.search(r"ReplicationFactor: (\d+)", head)[1]),
        # Lists have commas in them, so a new pair begins only where a key follows.
        "config": dict(pair.split("=", 1) for pair in re.split(r",(?=[a-z.]+=)", configs[1] if configs else "") if pair),
        "replicas": [[int(each) for each in line.split(",")] for line in re.findall(r"Replicas: ([\d,]+)", text)],
    }


def listed(cluster: Cluster) -> set[str]:
    return set(cluster.tool(TOPIC_COMMAND, "--list").split())


def test_a_topic_is_created_altered_and_deleted(cluster: Cluster, name: str) -> None:
    config = {"retention.ms": 86400000, "cleanup.policy": ["delete", "compact"], "unclean.leader.election.enable": True}
    topic = {"name": name, "partitions": 3, "replication_factor": 1, "config": config}
    done = thrice("kafka_topics", cluster, topics=[topic])
    assert done.changes == {name: ["create with 3 partitions, replication factor 1"]}
    assert done["diff"]["after"][name]["partitions"] == 3
    found = described(cluster, name)
    assert (found["partitions"], found["factor"]) == (3, 1)
    expected = {"retention.ms": "86400000", "cleanup.policy": "delete,compact", "unclean.leader.election.enable": "true"}
    assert {key: found["config"].get(key) for key in expected} == expected

    done = thrice("kafka_topics", cluster, topics=[{**topic, "partitions": 5}])
    assert done.changes == {name: ["partitions 3 -> 5"]}
    assert described(cluster, name)["partitions"] == 5

    # A key that is taken off the list returns to its default; another one changes; the text of a value does not matter.
    topic = {"name": name, "config": {"retention.ms": "1000000", "cleanup.policy": "delete , compact"}}
    done = thrice("kafka_topics", cluster, topics=[topic])
    assert done["diff"]["before"][name]["config"]["retention.ms"] == "86400000"
    found = described(cluster, name)["config"]
    assert found["retention.ms"] == "1000000"
    assert "unclean.leader.election.enable" not in found

    assert not call("kafka_topics", cluster, topics=[{"name": name}], reset_config=False).changed
    assert described(cluster, name)["config"]["retention.ms"] == "1000000"

    done = thrice("kafka_topics", cluster, topics=[{"name": name, "state": "absent"}])
    assert done.changes == {name: ["delete with its 5 partitions"]}
    assert name not in listed(cluster)


def test_defaults_are_the_brokers(cluster: Cluster, name: str) -> None:
    thrice("kafka_topics", cluster, topics=[{"name": name}])
    assert (described(cluster, name)["partitions"], described(cluster, name)["factor"]) == (1, 1)


def test_fewer_partitions(cluster: Cluster, name: str) -> None:
    assert call("kafka_topics", cluster, topics=[{"name": name, "partitions": 3}]).changed
    fewer = {"name": name, "partitions": 2}
    for check in (True, False):
        refused = call("kafka_topics", cluster, topics=[fewer], check=check)
        assert refused.failed
        assert "it has 3 partitions and 2 are wanted; Kafka cannot take partitions away" in refused.message
    assert not call("kafka_topics", cluster, topics=[{**fewer, "fewer_partitions": "keep"}]).changed
    assert described(cluster, name)["partitions"] == 3
    recreated = call("kafka_topics", cluster, topics=[{**fewer, "fewer_partitions": "recreate"}])
    assert recreated.changes == {name: ["delete with its 3 partitions, to create it with 2", "create with 2 partitions, replication factor default"]}
    assert described(cluster, name)["partitions"] == 2
    assert not call("kafka_topics", cluster, topics=[{**fewer, "fewer_partitions": "recreate"}]).changed


def test_what_kafka_refuses_is_told_and_the_rest_is_done(cluster: Cluster, name: str) -> None:
    topics = [
        {"name": f"{name}/slash"},
        {"name": f"{name}-good"},
        {"name": f"{name}-config", "config": {"retention.ms": "soon"}},
        {"name": f"{name}-factor", "replication_factor": 9},
        {"name": "__consumer_offsets", "partitions": 3},
    ]
    foretold = call("kafka_topics", cluster, topics=topics, check=True)
    assert foretold.failed
    assert f"{name}-good" not in listed(cluster)
    refused = call("kafka_topics", cluster, topics=topics)
    errors = {each["name"]: each["error"] for each in refused.values["results"] if "error" in each}
    assert errors == {each["name"]: each["error"] for each in foretold.values["results"] if "error" in each}, "check mode knew"
    assert set(errors) == {topic["name"] for topic in topics} - {f"{name}-good"}
    assert "InvalidTopicError" in errors[f"{name}/slash"]
    assert "Not a number of type LONG" in errors[f"{name}-config"]
    assert "InvalidReplicationFactorError" in errors[f"{name}-factor"]
    assert "Kafka's own" in errors["__consumer_offsets"]
    assert f"{name}-good" in listed(cluster)


@pytest.mark.parametrize(
    ("topics", "message"),
    [
        ([{"name": "a"}, {"name": "a"}], "more than once on the list of topics: a"),
        ([{"name": "a", "partitions": 0}], "topic a: partitions is 0"),
        ([{"name": "a", "replication_factor": -1}], "topic a: replication_factor is -1"),
        ([{"name": "a", "assignments": [[1]], "partitions": 2}], "assignments already say"),
        ([{"name": "a", "config": {"retention.ms": {"days": 1}}}], "config.retention.ms: write a text"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(newest: Cluster, topics: list[dict[str, t.Any]], message: str) -> None:
    refused = call("kafka_topics", newest, topics=[{"name": "must-not-be"}, *topics])
    assert message in refused.message
    assert "must-not-be" not in listed(newest)


def test_purge(cluster: Cluster, name: str) -> None:
    mine = [{"name": f"{name}-{number}"} for number in range(4)]
    assert call("kafka_topics", cluster, topics=[*mine, {"name": f"x{name}-0"}]).changed
    too_many = call("kafka_topics", cluster, topics=mine[:1], purge={"pattern": f"{name}-.*", "limit": 2})
    assert "purge would delete 3 topics, and purge.limit is 2" in too_many.message
    assert call("kafka_topics", cluster, purge={"pattern": "(", "limit": 2}).message.startswith("purge.pattern is no regular expression")
    assert {topic["name"] for topic in mine} <= listed(cluster)
    done = thrice("kafka_topics", cluster, topics=mine[:1], purge={"pattern": f"{name}-.*", "limit": 3})
    assert set(done.changes) == {f"{name}-{number}" for number in (1, 2, 3)}
    # The whole name has to match, and internal topics never go, whatever the pattern.
    left = listed(cluster)
    assert {f"{name}-0", f"x{name}-0"} <= left
    assert not left & set(done.changes)


def test_replication_factor_and_assignments(three: Cluster, name: str) -> None:
    topic = {"name": name, "partitions": 6, "replication_factor": 1}
    thrice("kafka_topics", three, topics=[topic])
    grown = call("kafka_topics", three, topics=[{**topic, "replication_factor": 3}], check=True)
    assert grown.changes == {name: ["replication factor 1 -> 3, 6 partitions"]}
    assert described(three, name)["factor"] == 1
    assert call("kafka_topics", three, topics=[{**topic, "replication_factor": 3}], wait=True)["reassigning"] == []
    assert {tuple(sorted(replicas)) for replicas in described(three, name)["replicas"]} == {(1, 2, 3)}
    assert not call("kafka_topics", three, topics=[{**topic, "replication_factor": 3}]).changed

    before = described(three, name)["replicas"]
    assert call("kafka_topics", three, topics=[{**topic, "replication_factor": 2}], wait=True).changed
    after = described(three, name)["replicas"]
    assert [replicas[:1] for replicas in after] == [replicas[:1] for replicas in before], "preferred leaders stay"
    assert {len(replicas) for replicas in after} == {2}

    # Both at once: new partitions take the old factor first, and then the new one.
    assert call("kafka_topics", three, topics=[{**topic, "partitions": 8, "replication_factor": 3}], wait=True).changed
    assert [len(replicas) for replicas in described(three, name)["replicas"]] == [3] * 8

    chosen = {"name": name, "assignments": [[1, 2], [2, 3], [3, 1], [1, 3], [2, 1], [3, 2], [1, 2], [2, 3], [3, 1]]}
    assert call("kafka_topics", three, topics=[chosen], wait=True).changed
    assert described(three, name)["replicas"] == chosen["assignments"]
    assert not call("kafka_topics", three, topics=[chosen]).changed

    wrong = call("kafka_topics", three, topics=[{"name": name, "assignments": [[1, 9], *chosen["assignments"][1:]]}])
    assert "InvalidReplica" in wrong.message
    assert described(three, name)["replicas"] == chosen["assignments"]
    refused = call("kafka_topics", three, topics=[{"name": name, "replication_factor": 4}], check=True)
    assert "replication factor 4 is wanted and 3 brokers are alive" in refused.message


def test_a_new_topic_with_assignments(three: Cluster, name: str) -> None:
    thrice("kafka_topics", three, topics=[{"name": name, "assignments": [[2, 1], [3, 2]]}])
    assert described(three, name)["replicas"] == [[2, 1], [3, 2]]
