# SPDX-License-Identifier: GPL-3.0-or-later
"""A client outside that goes on sending while something is done to the cluster, and accounts for every message."""

from __future__ import annotations

import threading
import time

from cluster import Client, until
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

PARTITIONS = 3


class Load:
    """Sends numbered messages with acks=all until it is told to stop, and accounts for every one of them."""

    def __init__(self, options: Client, topic: str) -> None:
        self.options, self.topic = options, topic
        self.acknowledged: set[int] = set()
        self.failed: list[str] = []
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Load:
        admin = KafkaAdminClient(**self.options)
        try:
            admin.create_topics([NewTopic(self.topic, num_partitions=PARTITIONS, replication_factor=3)])
        finally:
            admin.close()
        self._thread.start()
        until(lambda: len(self.acknowledged) > 10, 60, "nothing is acknowledged")
        return self

    def __exit__(self, *_reason: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        producer = KafkaProducer(acks="all", enable_idempotence=True, delivery_timeout_ms=240_000, **self.options)
        while not self._stop.wait(0.02):
            number = self.sent
            future = producer.send(self.topic, str(number).encode(), partition=number % PARTITIONS)
            future.add_callback(lambda _metadata, number=number: self.acknowledged.add(number))
            future.add_errback(lambda error: self.failed.append(repr(error)))
            self.sent += 1
        producer.flush(240)
        producer.close()

    def received(self) -> list[int]:
        """Every message that is there, as often as it is there."""
        consumer = KafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **self.options)
        places = [TopicPartition(self.topic, number) for number in range(PARTITIONS)]
        found: list[int] = []
        try:
            consumer.assign(places)
            ends = consumer.end_offsets(places)
            deadline = time.monotonic() + 60
            while any(consumer.position(place) < ends[place] for place in places) and time.monotonic() < deadline:
                found += [int(record.value) for records in consumer.poll(timeout_ms=500).values() for record in records]
        finally:
            consumer.close()
        return found


def account(load: Load) -> str:
    """The same line that the quickstart ends with, and what failed."""
    received = load.received()
    lost = load.acknowledged - set(received)
    return f"sent {load.sent}, failed {len(load.failed)}, lost {len(lost)}, duplicated {len(received) - len(set(received))}"


def whole(load: Load) -> None:
    """Nothing was lost or sent twice, and no send failed."""
    assert account(load) == f"sent {load.sent}, failed 0, lost 0, duplicated 0", load.failed[:3]
