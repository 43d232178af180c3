# SPDX-License-Identifier: GPL-3.0-or-later
"""From variables to findings: both layers, worst first, each thing said once."""

from __future__ import annotations

import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from unit.rules.patches import nothing_there


def rules(variables: dict[str, t.Any]) -> list[str]:
    return [finding.rule for finding in _validate.validate(variables, nothing_there)[1]]


ZOOKEEPER = {"kafka_mode": "zookeeper", "kafka_version": "3.9.2"}


@pytest.mark.parametrize("mode", [{}, ZOOKEEPER, {"kafka_version": "3.9.2"}, {"kafka_version": "3.8.1", "kafka_quorum": "static"}])
def test_nothing_to_say_about_the_defaults(mode: dict[str, t.Any]) -> None:
    assert rules(mode) == []


CASES = [
    ("layer 1: a range", {"kafka_config": {"num.io.threads": 0}}, {"kafka_config": {"num.io.threads": 1}}, "TYPE-OR-RANGE"),
    ("layer 1: a misspelling", {"kafka_config": {"num.io.thread": 1}}, {"kafka_config": {"num.io.threads": 1}}, "KEY-UNKNOWN"),
    ("layer 1: ZooKeeper", {"zookeeper_config": {"tickTime": 0}}, {"zookeeper_config": {"tickTime": 1}}, "ZOO-TICK"),
    ("connect string", {"zookeeper_connect": "a:2181/k,b:2181/k"}, {"zookeeper_connect": "a:2181,b:2181/k"}, "ZKC-CHROOT-EACH"),
    ("layer 2", {"kafka_listeners": [{"name": "A", "port": 1234, "advertised_host": "x"}]}, {}, "ADV-SHARED"),
]


@pytest.mark.parametrize(("name", "wrong", "right", "rule"), CASES)
def test_both_layers_speak(name: str, wrong: dict[str, t.Any], right: dict[str, t.Any], rule: str) -> None:
    assert rule in rules({**ZOOKEEPER, **wrong})
    assert rule not in rules({**ZOOKEEPER, **right})


def test_a_thing_is_said_once() -> None:
    twice = {"kafka_listeners": [{"name": "A", "port": 9092}, {"name": "B", "port": 9092}]}
    assert rules(twice).count("LSN-DUP-PORT") == 1


def test_errors_come_first() -> None:
    found = _validate.validate({**ZOOKEEPER, "zookeeper_nodes": 4, "kafka_config": {"num.io.threads": 0}})[1]
    assert [finding.severity for finding in found] == sorted((finding.severity for finding in found), key=["error", "warning", "info"].index)
    assert found[0].severity == "error"


@pytest.mark.parametrize(("kafka", "zookeeper"), [("3.9.2", "3.8.4"), ("3.6.0", "3.8.4"), ("3.5.2", "3.6.4"), ("2.8.2", "3.5.9"), ("9" * 5000 + ".1.1", "")])
def test_zookeeper_version(kafka: str, zookeeper: str) -> None:
    assert _validate.zookeeper_version(kafka) == zookeeper


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=30)
VARIABLES = ["kafka_mode", "kafka_config", "zookeeper_config", "zookeeper_connect", "kafka_version", "kafka_listeners", "kafka_node_pools"]
OPTIONS = ["name", "port", "node_ids", "advertised_host", "exposure"]
ITEMS = st.lists(st.dictionaries(st.sampled_from(OPTIONS), SCALARS | st.lists(SCALARS, max_size=3)), max_size=3)
VALUES = SCALARS | st.dictionaries(st.text(max_size=20), SCALARS, max_size=3) | ITEMS


@hypothesis.given(st.dictionaries(st.sampled_from(VARIABLES), VALUES, max_size=4))
@hypothesis.settings(max_examples=200, deadline=None)
def test_anything_at_all_gives_findings_and_no_traceback(variables: dict[str, t.Any]) -> None:
    for finding in _validate.validate(variables, nothing_there)[1]:
        assert finding.as_dict()["rule"]
