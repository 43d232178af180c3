# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_log_dirs against a broker with two log directories, one of them full; what is in them is read by Kafka's own tool."""

from __future__ import annotations

import collections
import collections.abc
import contextlib
import json

import kafka
import pytest
from brokers import Cluster
from conftest import call

TOPIC, PARTITIONS, MESSAGE = "orders", 6, 100_000
RATE = "replica.alter.log.dirs.io.max.bytes.per.second"


class TwoDisks(Cluster):
    """One broker with two log directories."""

    def _properties(self, broker: int) -> dict[str, str]:
        return {**super()._properties(broker), "log.dirs": ",".join(str(self.directory / name) for name in ("first", "second"))}

    def contents(self) -> dict[str, dict[int, int]]:
        """Bytes by directory and partition of the topic, by Kafka's own tool."""
        said = self.tool("org.apache.kafka.tools.LogDirsCommand", "--describe", "--topic-list", TOPIC)
        (described,) = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
        found: dict[str, dict[int, int]] = collections.defaultdict(dict)
        for directory in described["brokers"][0]["logDirs"]:
            for each in directory["partitions"]:
                assert not each["isFuture"]
                found[directory["logDir"]][int(each["partition"].rpartition("-")[2])] = each["size"]
        return found

    def throttled(self) -> bool:
        """Whether copies are held back now."""
        return RATE in self.tool("kafka.admin.ConfigCommand", "--describe", "--entity-type", "brokers", "--entity-name", "1")


@pytest.fixture(scope="module")
def disks(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[TwoDisks]:
    with TwoDisks(tmp_path_factory.mktemp("disks"), "4.3.1", "kraft") as found:
        yield found


def fill(cluster: TwoDisks, partitions: collections.abc.Iterable[int], count: int) -> None:
    with contextlib.closing(kafka.KafkaProducer(bootstrap_servers=cluster.address(), acks="all")) as producer:
        for partition in partitions:
            for _number in range(count):
                producer.send(TOPIC, b"x" * MESSAGE, partition=partition).get(timeout=60)


def ends(cluster: TwoDisks) -> dict[int, int]:
    consumer = kafka.KafkaConsumer(bootstrap_servers=cluster.address())
    try:
        found = consumer.end_offsets([kafka.TopicPartition(TOPIC, number) for number in range(PARTITIONS)])
    finally:
        consumer.close()
    return {place.partition: offset for place, offset in found.items()}


def test_one_full_disk(disks: TwoDisks) -> None:
    call("kafka_topics", disks, topics=[{"name": TOPIC, "partitions": PARTITIONS, "replication_factor": 1}])
    full = max(disks.contents(), key=lambda path: len(disks.contents()[path]))
    fill(disks, disks.contents()[full], 20)
    before, written = disks.contents(), ends(disks)

    foretold = call("kafka_log_dirs", disks, brokers=[1], check=True, diff=True)
    assert foretold.changed
    (told,) = foretold["brokers"]
    assert told["replicas"] >= 1
    assert disks.contents() == before, "check mode moved nothing"

    # It is told to hurry so little that it does not come on; what was begun is gone on with.
    slow = call("kafka_log_dirs", disks, brokers=[1], throttle=1, patience=2)
    assert slow.failed
    assert "nothing has moved for 2 s" in slow.message
    assert disks.throttled()
    done = call("kafka_log_dirs", disks, brokers=[1], throttle=1_000_000_000)
    assert done.changed
    after = disks.contents()
    sizes = sorted(sum(found.values()) for found in after.values())
    assert sizes[1] - sizes[0] <= 20 * MESSAGE * 1.1
    assert sum(sizes) == sum(sum(found.values()) for found in before.values())
    assert ends(disks) == written
    assert not disks.throttled()
    again = call("kafka_log_dirs", disks, brokers=[1])
    assert not again.changed
    assert again["brokers"][0]["replicas"] == 0


def test_a_broker_that_is_not_there(disks: TwoDisks) -> None:
    refused = call("kafka_log_dirs", disks, brokers=[9])
    assert "broker 9 is not there" in refused.message
