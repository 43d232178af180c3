# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_info against real brokers, beside what kafka-python's own clients did and Kafka's own tools tell."""

from __future__ import annotations

import re

from brokers import ADMIN, Cluster
from conftest import RELEASES, call, until
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata


def test_cluster_quorum_features_and_configs(cluster: Cluster) -> None:
    info = call("kafka_info", cluster, gather=["cluster", "quorum", "features", "configs", "log_dirs", "users"])
    assert not info.changed
    host, port = cluster.address().split(":")
    assert info["cluster"] == {"id": info["cluster_id"], "controller": 1, "brokers": [{"id": 1, "host": host, "port": int(port), "rack": ""}]}
    if cluster.mode == "kraft":
        assert info["cluster_id"] == cluster.cluster_id
        quorum = cluster.tool("org.apache.kafka.tools.MetadataQuorumCommand", "describe", "--status") if cluster.release[0] == "3" else None
        assert (info["quorum"]["leader"], [each["id"] for each in info["quorum"]["voters"]]) == (1, [1])
        assert info["quorum"]["voters"][0]["lag"] == 0
        if quorum:
            assert re.search(r"LeaderId:\s+1\b", quorum)
        assert info["features"]["metadata.version"]["finalized"] > 1
        assert info["unsupported"] == []
    else:
        assert info["unsupported"] == ["quorum"]
    assert "log.retention.ms" in info["configs"]["dynamic"]
    assert "num.partitions" in info["configs"]["needs_roll"]
    (directory,) = info["log_dirs"]
    assert (directory["broker"], directory["path"], directory["error"]) == (1, str(cluster.directory / "data-1"), "")
    assert {"name": ADMIN, "mechanisms": {"SCRAM-SHA-512": 4096}} in info["users"]


def test_topics_in_pages(cluster: Cluster, name: str) -> None:
    names = [f"{name}-{number}" for number in range(5)]
    assert call("kafka_topics", cluster, topics=[{"name": each, "config": {"retention.ms": 1000}} for each in names]).changed
    seen, after = [], ""
    while True:
        page = call("kafka_info", cluster, gather=["topics"], pattern=f"{name}-.*", limit=2, after={"topics": after})
        seen += page["topics"]
        assert len(page["topics"]) <= 2
        after = page["next"].get("topics", "")
        if not after:
            break
    assert [topic["name"] for topic in seen] == names
    assert seen[0] == {"name": names[0], "partitions": 1, "replication_factor": 1, "config": {"retention.ms": "1000"}, "internal": False}
    assert len(call("kafka_info", cluster, gather=["topics"], pattern=f"{name}-.*", limit=0)["topics"]) == 5
    detailed = call("kafka_info", cluster, gather=["topics"], pattern=f"{name}-1", assignments=True)
    assert detailed["topics"][0]["assignments"] == [[1]]
    assert "pattern is no regular expression" in call("kafka_info", cluster, gather=["topics"], pattern="(").message


def test_groups_and_their_lag(cluster: Cluster, name: str) -> None:
    assert call("kafka_topics", cluster, topics=[{"name": name, "partitions": 2}]).changed
    producer = KafkaProducer(bootstrap_servers=cluster.address())
    for number in range(10):
        producer.send(name, value=b"x", partition=number % 2).get(timeout=30)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=cluster.address(), group_id=name, enable_auto_commit=False)
    consumer.assign([TopicPartition(name, 0), TopicPartition(name, 1)])
    consumer.commit({TopicPartition(name, 0): OffsetAndMetadata(2, "", -1), TopicPartition(name, 1): OffsetAndMetadata(5, "", -1)})
    consumer.close()
    (group,) = call("kafka_info", cluster, gather=["groups"], pattern=name)["groups"]
    assert group["lag"] == 3
    assert group["lags"] == {f"{name}-0": 3, f"{name}-1": 0}
    assert group["members"] == 0
    text = cluster.tool("org.apache.kafka.tools.consumer.group.ConsumerGroupCommand", "--describe", "--group", name)
    assert re.search(rf"{name}\s+{name}\s+0\s+2\s+5\s+3\b", text)


def test_partitions_in_trouble_and_on_the_move(three: Cluster, name: str) -> None:
    topic = {"name": name, "assignments": [[1, 2, 3], [1, 3, 2]], "config": {"min.insync.replicas": 3}}
    assert call("kafka_topics", three, topics=[topic]).changed
    assert call("kafka_info", three, gather=["partitions"], pattern=name)["partitions"] == []
    three.stop(3)
    try:
        found = until(lambda: call("kafka_info", three, gather=["partitions"], pattern=name)["partitions"], lambda partitions: len(partitions) == 2)
        assert [(each["partition"], each["in_sync"], each["under_min_in_sync"], each["offline"]) for each in found] == [
            (0, [1, 2], True, False),
            (1, [1, 2], True, False),
        ]
    finally:
        three.start(3)
        three.wait(3)
    assert until(lambda: call("kafka_info", three, gather=["partitions"], pattern=name)["partitions"], lambda partitions: not partitions) == []


def test_every_release_is_there() -> None:
    assert {release for release, _mode in RELEASES} == {"3.9.2", "4.3.1"}
