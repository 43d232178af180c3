# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the validator; prints a table in Markdown, and where the time goes. Needs no cluster::

PYTHONPATH=collections .venv/bin/python bench/validate.py

Seconds are of the processor, not of the clock, and each figure is the best of several runs: whatever else the machine
does only makes a run slower.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pathlib
import pstats
import time
import typing as t

import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _broker_config, _cluster_rules, _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.live import KINDS
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import BASES

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "docs/examples"
NOTHING_THERE = Found(True, {kind: [] for kind in KINDS}, ())
RELEASE = "3.9.2"  # the last one with both modes
MODES = ("kraft", "zookeeper")
LISTENERS = [
    {"name": "INTERNAL", "port": 9092},
    {"name": "CLIENT", "port": 9093, "exposure": "cluster_ip"},
    {"name": "EXTERNAL", "port": 9094, "exposure": "node_port", "advertised_host": "broker-{id}.example.com", "first_node_port": 30000},
]


def look(namespace: str, cluster: str) -> Found:
    """Into a Kubernetes cluster with nothing in it."""
    return NOTHING_THERE


def cluster(brokers: int, mode: str) -> dict[str, t.Any]:
    """The variables of a cluster with three listeners."""
    pools = [{"name": "broker", "node_ids": list(range(brokers)), "racks": ["a", "b", "c"]}]
    if mode == "kraft":
        pools.append({"name": "ctl", "node_ids": [90000, 90001, 90002], "roles": ["controller"]})
    version = {"kraft": "4.3.1", "zookeeper": "3.9.2"}[mode]
    return {"kafka_mode": mode, "kafka_version": version, "kafka_node_pools": pools, "kafka_listeners": LISTENERS}


def seconds(work: t.Callable[[], t.Any], rounds: int) -> float:
    """Of the processor, for one call; the best of several."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return best


def nodes_like(properties: t.Mapping[str, str], count: int) -> list[dict[str, str]]:
    """Configurations that differ as those of a cluster's nodes do: in their ids and hosts."""
    found = []
    for number in range(count):
        own = {key: str(number) for key in ("broker.id", "node.id") if key in properties and "controller" not in properties.get("process.roles", "")}
        if "advertised.listeners" in properties:
            own["advertised.listeners"] = properties["advertised.listeners"].replace("-1.", f"-{number}.").replace("-0-0.", f"-{number}-0.")
        found.append({**properties, **own})
    return found


def single_checks(count: int, rounds: int) -> list[tuple[str, int, float]]:
    """Checks of layer 1 a second, by kind of configuration, with the number of its keys."""
    kinds = {f"a broker of a plan with three listeners, {mode}": planned_broker(mode) for mode in MODES}
    kinds.update({f"the smallest {name}": base for name, base in BASES.items()})
    rows = []
    for name, properties in kinds.items():
        configurations = nodes_like(properties, count)
        taken = seconds(lambda configurations=configurations: [_broker_config.check(each, RELEASE) for each in configurations], rounds)
        rows.append((name, len(properties), count / taken))
    return rows


def planned_broker(mode: str) -> dict[str, str]:
    """The properties of a broker as the collection plans it."""
    return dict(_validate.read(cluster(3, mode), look)[1].nodes[0].properties)


def steps(brokers: int, mode: str, rounds: int) -> list[tuple[str, float]]:
    """Seconds of each step of the validation of a large cluster, and of all of it."""
    variables = cluster(brokers, mode)
    definition, plan, _found, _findings = _validate.read(variables, look)

    def layer_two() -> None:
        _cluster_rules.check(_cluster_rules.from_plan(definition, plan), NOTHING_THERE, {})

    return [
        ("read and planned", seconds(lambda: _validate.read(variables, look), rounds)),
        ("layer 2", seconds(layer_two, rounds)),
        ("all, with layer 1 of every node", seconds(lambda: _validate.validate(variables, look), rounds)),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checks", type=int, default=500, help="configurations in a round of single checks")
    parser.add_argument("--brokers", type=int, default=1000, help="brokers of the large cluster")
    parser.add_argument("--rounds", type=int, default=10, help="runs of which the best one counts")
    parser.add_argument("--top", type=int, default=20, help="functions shown of the profile; 0 for no profile")
    arguments = parser.parse_args()
    print(f"| single checks of layer 1, Kafka {RELEASE} | keys | a second |\n| --- | ---: | ---: |")
    for name, keys, rate in single_checks(arguments.checks, arguments.rounds):
        print(f"| {name} | {keys} | {rate:,.0f} |")
    print(f"\n| {arguments.brokers:,} brokers with 3 listeners | seconds |\n| --- | ---: |")
    for mode in MODES:
        for name, taken in steps(arguments.brokers, mode, arguments.rounds):
            print(f"| {mode}: {name} | {taken:.3f} |")
    for path in sorted(EXAMPLES.glob("*.yml")):
        objects = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        taken = seconds(lambda objects=objects: _validate.validate_manifests(objects, {}, look), arguments.rounds)
        print(f"| the manifests of docs/examples/{path.name} | {taken:.3f} |")
    if arguments.top:
        profile = cProfile.Profile()
        profile.runcall(_validate.validate, cluster(arguments.brokers, "kraft"), look)
        print(f"\nWhere the time goes ({arguments.brokers:,} brokers; the profiler itself makes it slower):\n")
        pstats.Stats(profile).strip_dirs().sort_stats("cumulative").print_stats(arguments.top)


if __name__ == "__main__":
    main()
