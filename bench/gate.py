# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the gate thinks about a large cluster; prints a table in Markdown.

    PYTHONPATH=collections python bench/gate.py [--partitions 200000] [--brokers 100]

Each row is a snapshot of its own. Building it stands for reading it from Kafka and is not counted.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate import Gate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Partition, Quorum, Snapshot, Topic
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_progress import Watch

PER_TOPIC = 50


def snapshot(partitions: int, brokers: int, out_of_sync: t.Callable[[int], bool], removing: bool = False) -> Snapshot:
    """A cluster of three replicas and min.insync.replicas 2, in which some partitions have a replica out of sync."""
    nodes = {
        number: Node(number, "ready", rack=f"r{number % 3}", unfenced=True, recovering_logs=0, offline_log_dirs=(), reachable=True) for number in range(brokers)
    }
    topics = []
    for topic in range(-(-partitions // PER_TOPIC)):
        items = []
        for number in range(min(PER_TOPIC, partitions - topic * PER_TOPIC)):
            first = topic * 7 + number
            row = (first % brokers, (first + 1) % brokers, (first + 2) % brokers)
            lags = ((row[2], 1000),)
            if removing:
                items.append(Partition(number, row[0], row, row, removing=row[2:]))
            elif out_of_sync(topic * PER_TOPIC + number):
                items.append(Partition(number, row[0], row, row[:2], lags=lags))
            else:
                items.append(Partition(number, row[0], row, row))
        topics.append(Topic(f"topic-{topic}", 2, tuple(items)))
    return Snapshot(nodes, tuple(topics), Quorum((1000, 1001, 1002), 1000, {1000: 9000, 1001: 8900, 1002: 8900}))


def seconds(call: t.Callable[[], t.Any]) -> float:
    """Processor time, the best of three: nothing is waited for, and what else the machine does should not count."""
    found = []
    for _round in range(3):
        begun = time.process_time()
        call()
        found.append(time.process_time() - begun)
    return min(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, default=200_000)
    parser.add_argument("--brokers", type=int, default=100)
    args = parser.parse_args()
    print(f"{args.partitions} partitions, {args.brokers} brokers; seconds of processor time\n")
    print("| snapshot | one node | all nodes | a rack at once | progress | MiB of the gate |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    cases = {
        "healthy": snapshot(args.partitions, args.brokers, lambda _number: False),
        "one in a hundred out of sync": snapshot(args.partitions, args.brokers, lambda number: number % 100 == 0),
        "every partition out of sync": snapshot(args.partitions, args.brokers, lambda _number: True),
        "every partition being reassigned": snapshot(args.partitions, args.brokers, lambda _number: False, removing=True),
    }
    rack = [number for number in range(args.brokers) if number % 3 == 0]
    for name, found in cases.items():
        watch = Watch.begin(found, 0)
        figures = [
            seconds(lambda found=found: Gate(found).may_restart(1)),
            seconds(lambda found=found: [gate.may_restart(node) for gate in (Gate(found),) for node in found.nodes]),
            seconds(lambda found=found: Gate(found).may_stop_together(rack)),
            seconds(lambda watch=watch, found=found: watch.seen(found, 1)),
        ]
        tracemalloc.start()
        Gate(found).may_restart(1)
        memory = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(f"| {name} | " + " | ".join(f"{figure:.2f}" for figure in figures) + f" | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
