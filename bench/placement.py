# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of replicas beside Kafka's own ``kafka-reassign-partitions --generate``; prints a table in Markdown.

    PYTHONPATH=collections python bench/placement.py [--partitions 3000 100000] [--release 4.3.1]

Needs a JDK, Maven and access to Maven Central the first time, as tests/oracle does. The clusters have three racks, three
replicas and topics of 50 partitions, placed by Kafka as it places new topics.
"""

from __future__ import annotations

import argparse
import collections
import os
import pathlib
import random
import subprocess
import time
import tracemalloc
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._placement import Broker, Partition
from ansible_collections.kafkaops.kubernetes.tests.oracle import jars

PER_TOPIC = 50
RACKS = 3
SIZES = {"all of 1 GiB": lambda _random: 2**30, "1 MiB to 1 TiB": lambda rnd: int(2 ** rnd.triangular(20, 40, 26))}
Rows = dict[tuple[str, int], tuple[int, ...]]


class Figures(t.NamedTuple):
    """What a placement costs and how good it is."""

    moved: int
    replicas: int
    leaders: int
    violations: int


def brokers(ids: t.Iterable[int]) -> list[Broker]:
    return [Broker(number, f"rack-{number % RACKS}") for number in ids]


def generate(release: str, targets: list[Broker], rows: Rows) -> tuple[Rows, float, float]:
    """What Kafka would do, the seconds of its calculation, and the MiB of its process."""
    source = pathlib.Path(__file__).parent / "java/Generate.java"
    lines = [" ".join(f"{broker.id}:{broker.rack}" for broker in targets)]
    lines += [f"{topic} {number} {','.join(map(str, row))}" for (topic, number), row in rows.items()]
    command = [jars.java(), "-Xmx2g", "-cp", jars.kafka_tools_classpath(release), str(source)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdin
    assert process.stdout
    with process.stdin as stdin:
        stdin.write("\n".join(lines) + "\n")
    answer = process.stdout.read().splitlines()
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:2])} ... {source} failed; run it by hand to see why.")
    found: Rows = {}
    for line in answer[1:]:
        topic, number, row = line.split(" ")
        found[topic, int(number)] = tuple(map(int, row.split(",")))
    return {key: found[key] for key in rows}, float(answer[0].split()[1]), usage.ru_maxrss / 1024


def figures(targets: list[Broker], before: t.Sequence[Partition], after: Rows) -> Figures:
    """Counted from the result alone, in the same way for both."""
    rack = {broker.id: broker.rack for broker in targets}
    replicas = collections.Counter(dict.fromkeys(rack, 0))
    leaders = collections.Counter(dict.fromkeys(rack, 0))
    moved = violations = 0
    for partition in before:
        row = after[partition.topic, partition.number]
        replicas.update(row)
        leaders[row[0]] += 1
        moved += partition.size * len(set(row) - set(partition.replicas))
        most = -(-len(row) // RACKS)
        violations += sum(max(0, number - most) for number in collections.Counter(rack[broker] for broker in row).values())
    spread = [max(count.values()) - min(count.values()) for count in (replicas, leaders)]
    return Figures(moved, spread[0], spread[1], violations)


def planned(targets: list[Broker], before: t.Sequence[Partition]) -> tuple[_placement.Plan, Rows, float, float]:
    """Our plan, all rows after it, the seconds it took (the best of three), and its MiB beside the input."""
    seconds = []
    for _round in range(3):
        begun = time.perf_counter()
        plan = _placement.plan(before, targets)
        seconds.append(time.perf_counter() - begun)
    del plan
    tracemalloc.start()
    plan = _placement.plan(before, targets)
    memory = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    rows = {(partition.topic, partition.number): partition.replicas for partition in before}
    rows.update({(change.topic, change.number): change.after for change in plan.changes})
    return plan, rows, min(seconds), memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--partitions", type=int, nargs="+", default=[3_000, 100_000])
    parser.add_argument("--release", default=jars.KAFKA_RELEASES[-1])
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print("| partitions | brokers | sizes | by | bytes over the minimum | replicas | leaders | rack violations | seconds | MiB |")
    print("| ---: | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for number in args.partitions:
        small = 12 if number < 10_000 else 60
        for old, new, name in (
            (range(small), range(small + 3), f"{small}, 3 added"),
            (range(small + 3), range(small), f"{small + 3}, 3 removed"),
            (range(small), [*range(small - 1), small + 2], f"{small}, 1 replaced"),
        ):
            empty = {(f"topic-{index // PER_TOPIC}", index % PER_TOPIC): (0, 1, 2) for index in range(number)}
            rows, _seconds, _memory = generate(args.release, brokers(old), empty)
            theirs, their_seconds, their_memory = generate(args.release, brokers(new), rows)
            for sizes, size in SIZES.items():
                rnd = random.Random(args.seed)
                before = [Partition(topic, index, row, size(rnd)) for (topic, index), row in rows.items()]
                plan, ours, our_seconds, our_memory = planned(brokers(new), before)
                for who, after, seconds, memory in (("planner", ours, our_seconds, our_memory), ("--generate", theirs, their_seconds, their_memory)):
                    found = figures(brokers(new), before, after)
                    over = found.moved / plan.bytes_minimum
                    cells = (number, name, sizes, who, f"{over:.4f}", *found[1:], f"{seconds:.2f}", f"{memory:.0f}")
                    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
