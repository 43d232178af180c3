# SPDX-License-Identifier: GPL-3.0-or-later
"""What only this topology has: two disks a broker, controllers of their own, and, with three brokers more, several brokers in a rack."""

from __future__ import annotations

import datetime
import json
import re
import typing as t

import yaml
from cluster import PROJECT, Client, Kubectl, play_inventory
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from load import Load, whole

testinfra_hosts = ["local://"]

Outside = t.Callable[[str], Client]
Disks = t.Dict[str, t.Dict[t.Tuple[str, int], int]]  # noqa: UP006

PREFERRED = "kafka_anti_affinity=preferred"
CONTROLLERS, BROKERS = yaml.safe_load((PROJECT / "inventories/kraft_production/group_vars/all.yml").read_text(encoding="utf-8"))["kafka_node_pools"]
ZONES = ["zone-0", "zone-1", "zone-2"]
MEBIBYTE = b"x" * 2**20


def pools(*more: dict[str, t.Any]) -> str:
    """The inventory's pools with a controller exchanged, and these."""
    zoned: list[dict[str, t.Any]] = [{**CONTROLLERS, "node_ids": [100, 101, 103]}, BROKERS, *more]
    return json.dumps({"kafka_node_pools": [{**pool, "racks": ZONES} for pool in zoned]})


def disks(options: Client, broker: int) -> Disks:
    """The bytes of each replica by log directory."""
    client = KafkaAdminClient(**options)
    try:
        found = client.describe_log_dirs(brokers=[broker])
    finally:
        client.close()
    (answer,) = found
    return {
        each["log_dir"]: {(topic["name"], part["partition_index"]): part["partition_size"] for topic in each["topics"] for part in topic["partitions"]}
        for each in answer["log_dirs"]
    }


def test_replicas_are_spread_over_the_disks_of_a_broker(outside: Outside) -> None:
    options = outside("CLIENTS")
    client = KafkaAdminClient(**options)
    try:
        client.create_topics([NewTopic("uneven", num_partitions=8, replication_factor=3)])
    finally:
        client.close()
    producer = KafkaProducer(acks="all", max_request_size=2**21, **options)
    try:
        for number in range(8):
            producer.send("uneven", b"x", partition=number).get(timeout=60)
        first = disks(options, 0)
        full = max(first, key=lambda path: sum(1 for topic, _number in first[path] if topic == "uneven"))
        heavy = sorted(number for topic, number in first[full] if topic == "uneven")[:4]
        for number in heavy:
            for _each in range(12):
                producer.send("uneven", MEBIBYTE[: 2**20 - 1000], partition=number).get(timeout=60)
    finally:
        producer.close()
    before = {path: sum(sizes.values()) for path, sizes in disks(options, 0).items()}
    assert len(heavy) == 4
    assert before[full] > 40 * 2**20 > 10 * min(before.values()), before
    with Load(options, "balancing") as load:
        assert "changed=0" not in play_inventory("balance_log_dirs.yml", PREFERRED, "--check")
        assert {path: sum(sizes.values()) // 2**20 for path, sizes in disks(options, 0).items()} == {path: size // 2**20 for path, size in before.items()}
        play_inventory("balance_log_dirs.yml", PREFERRED)
        assert "changed=0" in play_inventory("balance_log_dirs.yml", PREFERRED)
    after = [sum(sizes.values()) for sizes in disks(options, 0).values()]
    assert max(after) - min(after) < 2**20 * 4, (before, after)
    whole(load)


def test_a_controller_takes_the_place_of_another(kubectl: Kubectl, outside: Outside) -> None:
    options, changed = outside("CLIENTS"), pools()

    def voters() -> list[int]:
        client = KafkaAdminClient(**options)
        try:
            (partition,) = client.describe_metadata_quorum()["topics"][0]["partitions"]
        finally:
            client.close()
        return sorted(each["replica_id"] for each in partition["current_voters"])

    with Load(options, "controllers") as load:
        assert voters() == [100, 101, 102]
        assert "ORPHAN-NODE" in play_inventory("site.yml", PREFERRED, changed, code=2)
        play_inventory("site.yml", PREFERRED, changed, "kafka_scale_in=102")
        assert voters() == [100, 101, 102, 103]
        play_inventory("scale.yml", PREFERRED, changed, "kafka_scale_in=102")
        assert voters() == [100, 101, 103]
        play_inventory("site.yml", PREFERRED, changed)
        assert "changed=0" in play_inventory("site.yml", PREFERRED, changed)
    whole(load)
    names = {item["metadata"]["name"] for item in kubectl.json("statefulset")["items"]}
    assert names == {"events-controller-100", "events-controller-101", "events-controller-103", "events-broker-0", "events-broker-1", "events-broker-2"}


def test_a_whole_rack_restarts_at_once_where_every_partition_can_bear_it(outside: Outside) -> None:
    options, changed = outside("CLIENTS"), pools({"name": "more", "node_ids": [3, 4, 5], "heap": "384m", "volumes": [{"size": "10Gi"}]})

    play_inventory("site.yml", PREFERRED, changed)
    play_inventory("scale.yml", PREFERRED, changed)
    since = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    with Load(options, "racks") as load:
        said = play_inventory("roll.yml", PREFERRED, changed, f"kafka_roll_before={since}", "kafka_roll_rack_at_once=true")
    whole(load)
    together = [sorted(names.split(", ")) for names in re.findall(r"(events-[-, \w]+) restarted \(manual\)", said)]
    controllers = [["events-controller-100"], ["events-controller-101"], ["events-controller-103"]]
    racks = [[f"events-broker-{number}", f"events-more-{number + 3}"] for number in range(3)]
    assert sorted(together) == sorted(controllers + racks), said
