# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what the tunnel costs beside a direct connection; prints a table in Markdown.

Without arguments: a real broker on loopback, directly and through the SOCKS server, whose far end is a plain connection.
That is the server's own share, without Kubernetes (JDK and Maven are needed)::

    PYTHONPATH=collections:tests/integration/kafka .venv/bin/python bench/tunnel.py

With two or more files: one cluster by several ways. Each file holds the connection options of the modules, as
``kafka_connection`` does, in YAML: with ``namespace`` it leads through the API server's port-forward, without directly,
for example by a node port::

    PYTHONPATH=collections:tests/integration/kafka .venv/bin/python bench/tunnel.py node_port.yml port_forward.yml

A topic of one partition, ``kafkaops-bench-tunnel``, is made and deleted.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import os
import pathlib
import statistics
import tempfile
import time
import typing as t

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_args, _kafka_calls, _kafka_changes, _kafka_client, _kafka_module, _kafka_topics
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import CONTROLLER, Road, Settings
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_tunnel import Tunnel
from brokers import Cluster, tunnel
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

TOPIC = "kafkaops-bench-tunnel"
MESSAGE = os.urandom(10_000)
"""One message; random, so that nothing on the way makes it smaller."""


@dataclasses.dataclass
class Way:
    """One way to the cluster. ``tunnel``: makes a new tunnel, or nothing where the way is direct."""

    name: str
    settings: Settings
    tunnel: t.Callable[[], Tunnel | None]

    @contextlib.contextmanager
    def options(self) -> t.Iterator[dict[str, t.Any]]:
        """Options of kafka-python's producer and consumer."""
        found = {"bootstrap_servers": list(self.settings.bootstrap_servers), **self.settings.security.options()}
        with contextlib.ExitStack() as open_for_now:
            if tunnel := self.tunnel():
                found["proxy_url"] = open_for_now.enter_context(tunnel).url
            yield found


@dataclasses.dataclass
class Figures:
    """What was measured on one way, a value for each round. Rates are MB/s, times ms."""

    connect: list[float] = dataclasses.field(default_factory=list)
    requests: list[float] = dataclasses.field(default_factory=list)
    produced: list[float] = dataclasses.field(default_factory=list)
    consumed: list[float] = dataclasses.field(default_factory=list)


def on_loopback(cluster: Cluster) -> list[Way]:
    """Both ways to a broker on this machine."""
    settings = cluster.settings(timeout=300)
    return [Way("directly", settings, lambda: None), Way("through the SOCKS server", settings, lambda: tunnel(cluster, []))]


def from_file(file: pathlib.Path) -> Way:
    """The way that a file of connection options describes."""
    given = yaml.safe_load(file.read_text(encoding="utf-8"))
    checked = ArgumentSpecValidator(_kafka_args.SPEC, required_together=_kafka_args.TOGETHER, required_if=_kafka_args.REQUIRED_IF).validate(given)
    if checked.error_messages:
        raise SystemExit(f"{file}: {'; '.join(checked.error_messages)}")
    params = {**checked.validated_parameters, "timeout": 300}
    return Way(file.stem, _kafka_module.settings(params), functools.partial(_kafka_module.tunnel, params))


def delete(road: Road) -> None:
    """Delete the topic, and wait until it is gone."""
    while TOPIC in (there := _kafka_calls.topics(road, config=False)):
        gone = _kafka_topics.plan([_kafka_topics.Topic(TOPIC, absent=True)], {TOPIC: there[TOPIC]}, road.brokers())
        _kafka_calls.write_topics(road, gone.changes, False)


def make(road: Road) -> None:
    """A fresh topic of one partition, and a leader for it."""
    delete(road)
    plan = _kafka_topics.plan([_kafka_topics.Topic(TOPIC, partitions=1)], {}, road.brokers())
    refused: _kafka_changes.Refused = _kafka_calls.write_topics(road, plan.changes, False)
    if refused:
        raise SystemExit(f"the topic cannot be made: {', '.join(refused.values())}")
    while not (there := _kafka_calls.topics(road, config=False).get(TOPIC)) or there.partitions[0].leader < 0:
        pass


def measure(way: Way, figures: Figures, requests: int, megabytes: int) -> None:
    """One round on one way."""
    begun = time.perf_counter()
    with Road(way.settings, way.tunnel()) as road:
        figures.connect.append((time.perf_counter() - begun) * 1000)
        request = functools.partial(_kafka_client.metadata.MetadataRequest, topics=[])
        for _number in range(requests):
            begun = time.perf_counter()
            road.send("measure", request, CONTROLLER)
            figures.requests.append((time.perf_counter() - begun) * 1000)
        make(road)
    count = megabytes * 1_000_000 // len(MESSAGE)
    with way.options() as options:
        producer = KafkaProducer(**options, acks="all", linger_ms=5, batch_size=500_000, max_request_size=900_000)
        producer.partitions_for(TOPIC)
        begun = time.perf_counter()
        sent = [producer.send(TOPIC, MESSAGE, partition=0) for _number in range(count)]
        for each in sent:
            each.get(300)
        figures.produced.append(megabytes / (time.perf_counter() - begun))
        producer.close()
        consumer = KafkaConsumer(**options, group_id=None, auto_offset_reset="earliest", consumer_timeout_ms=60_000, max_partition_fetch_bytes=5_000_000)
        consumer.assign([TopicPartition(TOPIC, 0)])
        consumer.seek_to_beginning()
        consumer.position(TopicPartition(TOPIC, 0))
        begun = time.perf_counter()
        received = sum(len(message.value) for _number, message in zip(range(count), consumer))
        figures.consumed.append(received / 1e6 / (time.perf_counter() - begun))
        consumer.close()
    if received != count * len(MESSAGE):
        raise SystemExit(f"{way.name}: {received} bytes came back of {count * len(MESSAGE)}")


def main() -> None:
    """Measure the ways in turn, and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("files", type=pathlib.Path, nargs="*", help="connection options, one file for each way")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=500, help="in each round")
    options.add_argument("--megabytes", type=int, default=5, help="in each round")
    given = options.parse_args()
    with contextlib.ExitStack() as until_the_end:
        if given.files:
            ways = [from_file(file) for file in given.files]
        else:
            scratch = until_the_end.enter_context(tempfile.TemporaryDirectory())
            ways = on_loopback(until_the_end.enter_context(Cluster(pathlib.Path(scratch) / "kafka", "4.3.1", heap="512m")))
        figures = [Figures() for _way in ways]
        for _round in range(given.rounds):
            for way, found in zip(ways, figures):
                measure(way, found, given.requests, given.megabytes)
        with Road(ways[0].settings, ways[0].tunnel()) as road:
            delete(road)
    print("| | connected, ms | request p50, ms | p99, ms | produced, MB/s | consumed, MB/s |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for way, found in zip(ways, figures):
        hundredths = statistics.quantiles(found.requests, n=100)
        rates = " | ".join(f"{statistics.median(values):.0f}" for values in (found.produced, found.consumed))
        print(f"| {way.name} | {statistics.median(found.connect):.0f} | {hundredths[49]:.2f} | {hundredths[98]:.2f} | {rates} |")


if __name__ == "__main__":
    main()
