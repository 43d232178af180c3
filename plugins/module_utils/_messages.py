# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Sends and receives messages with kafka-python. Private to the collection."""

from __future__ import annotations

import time
import traceback
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _delivery

KAFKA_IMPORT_ERROR = ""
try:
    from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
    from kafka.admin import NewTopic
    from kafka.errors import KafkaError, TopicAlreadyExistsError
except ImportError:
    KAFKA_IMPORT_ERROR = traceback.format_exc()

    class KafkaError(Exception):  # type: ignore[no-redef]
        """Stands in where the library is missing."""


def send_and_receive(bootstrap_servers: list[str], topic: str, partitions: int, messages: int, timeout: int) -> _delivery.Account:
    """Send ``messages`` to every partition in turn and receive them. Raises ``KafkaError``."""
    ensure_topic(bootstrap_servers, topic, partitions)
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, enable_auto_commit=False)
    try:
        places = [TopicPartition(topic, number) for number in known_partitions(consumer, topic, timeout)]
        consumer.assign(places)
        start = consumer.end_offsets(places)
        for place, offset in start.items():
            consumer.seek(place, offset)
        sent = send(bootstrap_servers, topic, [place.partition for place in places], messages, timeout)
        return _delivery.account(sent, receive(consumer, sent, timeout))
    finally:
        consumer.close()


def known_partitions(consumer: t.Any, topic: str, timeout: int) -> list[int]:
    """The partitions of a topic; brokers hear of one that was made just now a moment later. Raises ``KafkaError``."""
    deadline = time.monotonic() + timeout
    while not (found := consumer.partitions_for_topic(topic)):
        if time.monotonic() > deadline:
            raise KafkaError(f"no broker knows topic {topic} {timeout} s after it was made")
        time.sleep(0.1)
    return sorted(found)


def ensure_topic(bootstrap_servers: list[str], topic: str, partitions: int) -> None:
    """Create the topic with the cluster's default replication factor where there is none."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    try:
        admin.create_topics([NewTopic(topic, num_partitions=partitions, replication_factor=-1)])
    except TopicAlreadyExistsError:
        pass
    finally:
        admin.close()


def send(bootstrap_servers: list[str], topic: str, partitions: list[int], messages: int, timeout: int) -> dict[_delivery.Place, str]:
    """Send and wait for every acknowledgement; where each message stands, by place."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, acks="all", enable_idempotence=True)
    try:
        values = [f"{time.time_ns()}-{number}" for number in range(messages)]
        futures = [
            producer.send(topic, value=value.encode(), partition=partitions[number % len(partitions)])
            for number, value in enumerate(values)
        ]
        producer.flush(timeout=timeout)
        found = [future.get(timeout=timeout) for future in futures]
        return {(record.topic, record.partition, record.offset): value for record, value in zip(found, values)}
    finally:
        producer.close()


def receive(consumer: t.Any, sent: t.Mapping[_delivery.Place, str], timeout: int) -> list[tuple[_delivery.Place, str]]:
    """Receive until everything in ``sent`` was there, or the time is over."""
    received: list[tuple[_delivery.Place, str]] = []
    missing = set(sent)
    deadline = time.monotonic() + timeout
    while missing and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                place = (record.topic, record.partition, record.offset)
                received.append((place, record.value.decode(errors="replace")))
                missing.discard(place)
    return received
