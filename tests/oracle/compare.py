# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Compares the validator with the real ``KafkaConfig``: shared cases, stored random rows, and fresh random ones.

Properties files, ZooKeeper's configuration and certificates have a judge each, too.

    PYTHONPATH=collections python -m ansible_collections.kafkaops.kubernetes.tests.oracle --help

A disagreement prints the smallest configuration that shows it. The exit status is 1 if there is one, 2 if there are no
jars, no Java or no Maven.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _broker_config
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import RULES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import minor_of
from ansible_collections.kafkaops.kubernetes.tests.oracle import configurations, jars, judge, properties, stored, tls, zookeeper
from ansible_collections.kafkaops.kubernetes.tests.oracle.shrink import smallest

QUICK = ("3.9.2", "4.0.2", "4.3.1")
_SHOWN = 5


class Difference(t.NamedTuple):
    """One configuration on which the validator and Kafka do not agree."""

    source: str
    properties: dict[str, str]
    real: judge.Verdict


def main(arguments: t.Sequence[str] | None = None) -> int:
    """Runs the comparison; the exit status."""
    options = _options(arguments)
    print(f"seed {options.seed}", flush=True)
    differing = 0
    try:
        for release in options.releases:
            differing += compare(release, options.fresh_for(release), options.seed, options.sweep)
        differing += properties.compare(options.seed, 10 * options.fresh)
        for release in options.releases if options.every else options.releases[-1:]:
            if minor_of(".".join(release.split(".")[:2])) >= tls.FIRST_PEM:
                differing += tls.compare(release)
        if options.zookeeper:
            differing += zookeeper.compare(options.seed, options.zookeeper)
    except jars.OracleUnavailable as error:
        print(f"The judge cannot be asked: {error}", file=sys.stderr)
        return 2
    print(f"{differing} disagreements; run again with --seed {options.seed}")
    return 1 if differing else 0


def compare(release: str, fresh: int, seed: int, sweep: bool = False) -> int:
    """All comparisons for one release; how many disagreements."""
    started = time.monotonic()
    minor = minor_of(".".join(release.split(".")[:2]))
    asked = [(f"case {case['id']}", case["properties"]) for case in stored.kafka_cases(minor)]
    asked += [(f"stored row {number}", row) for number, row in enumerate(stored.fuzz_rows())]
    asked += [
        (f"example {rule.id}", rule.example.properties(side))
        for rule in RULES
        if rule.applies(minor) and (minor >= (2, 8) or rule.example.base == "zookeeper")
        for side in (rule.example.wrong, rule.example.right)
    ]
    generator = configurations.Generator(release, random.Random(f"{seed} {release}"))
    asked += [("fresh", properties) for properties in generator.configurations(fresh)]
    if sweep:
        asked += [("sweep", properties) for properties in generator.sweep()]
    counts = {True: 0, False: 0}
    differences: list[Difference] = []
    with judge.kafka(release) as real:
        for (source, properties), verdict in zip(asked, real.ask([each[1] for each in asked])):
            counts[verdict.accepted] += 1
            if _accepted(properties, release) != verdict.accepted and not _unjudged(properties, release):
                differences.append(Difference(source, properties, verdict))
        for difference in differences[:_SHOWN]:
            _explain(difference, release, real)
    print(
        f"Kafka {release}: {counts[True]} accepted, {counts[False]} refused ({fresh} fresh), "
        f"{len(differences)} disagreements, {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return len(differences)


def _accepted(properties: t.Mapping[str, str], release: str) -> bool:
    return not _broker_config.refused(_broker_config.check(properties, release))


def _unjudged(properties: t.Mapping[str, str], release: str) -> bool:
    # A class or a provider of others: the validator says that it cannot know, the judge does not have the jar.
    said = {finding.rule for finding in _broker_config.check(properties, release)}
    return bool(said & {"CLASS-EXTERNAL", "VALUE-EXTERNAL"})


def _explain(difference: Difference, release: str, real: judge.Judge) -> None:
    def differs(properties: dict[str, str]) -> bool:
        (verdict,) = real.ask([properties])
        return _accepted(properties, release) != verdict.accepted and not _unjudged(properties, release)

    least = smallest(difference.properties, differs)
    (verdict,) = real.ask([least])
    print(f"\nKafka {release} and the validator disagree ({difference.source}); the smallest such configuration:")
    for key, value in sorted(least.items()):
        print(f"    {key}={value!r}")
    print(f"  Kafka:     {'accepts' if verdict.accepted else f'refuses: {verdict.exception}: {verdict.message}'}")
    errors = [
        f"{finding.rule} {finding.where} {finding.message}"
        for finding in _broker_config.check(least, release)
        if finding.severity == "error" and finding.stage == "config"
    ]
    print(f"  validator: {'; '.join(errors) or 'accepts'}\n", flush=True)


class _Options(argparse.Namespace):
    releases: list[str]
    fresh: int
    fresh_newest: int
    seed: int
    sweep: bool
    zookeeper: int
    every: bool

    def fresh_for(self, release: str) -> int:
        """How many fresh configurations a release gets."""
        return self.fresh_newest if self.fresh_newest and release == jars.KAFKA_RELEASES[-1] else self.fresh


def _options(arguments: t.Sequence[str] | None) -> _Options:
    parser = argparse.ArgumentParser(prog="oracle", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = "Kafka releases; 'all' for every minor, 'every' for every patch release, too (default: %(default)s)"
    parser.add_argument("--releases", nargs="+", default=list(QUICK), help=which)
    parser.add_argument("--fresh", type=int, default=700, help="fresh configurations per release (default: %(default)s)")
    parser.add_argument("--fresh-newest", type=int, default=0, help="fresh configurations for the newest release, instead")
    parser.add_argument("--sweep", action="store_true", help="also every key on its own with every kind of value")
    parser.add_argument("--zookeeper", type=int, default=300, help="fresh ZooKeeper configurations per release, 0 for none")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000_000), help="repeats a run")
    options = parser.parse_args(arguments, namespace=_Options())
    chosen = {"all": jars.KAFKA_DIVERGING, "every": jars.KAFKA_OLDER}.get(options.releases[0])
    options.every = chosen is not None
    if chosen is not None:
        options.releases = [*chosen, *jars.KAFKA_RELEASES]
    return options
