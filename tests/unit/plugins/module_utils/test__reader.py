# SPDX-License-Identifier: GPL-3.0-or-later
"""Input of any kind becomes a value or a finding, never a traceback."""

from __future__ import annotations

import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import read
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import Reader, property_text

INTEGERS: list[tuple[t.Any, int, str]] = [
    (9092, 9092, ""),
    ("9092", 9092, ""),
    (" 9092 ", 9092, ""),
    ("", 7, ""),
    (None, 7, ""),
    ("9092x", 7, "INPUT-TYPE"),
    (9092.0, 7, "INPUT-TYPE"),
    (True, 7, "INPUT-TYPE"),
    ([9092], 7, "INPUT-TYPE"),
    ("\u0663", 7, "INPUT-TYPE"),
    (0, 7, "INPUT-RANGE"),
    (65536, 7, "INPUT-RANGE"),
    (65535, 65535, ""),
]


@pytest.mark.parametrize(("value", "expected", "rule"), INTEGERS)
def test_integer(value: t.Any, expected: int, rule: str) -> None:
    findings: list[Finding] = []
    assert Reader({"port": value}, "x", findings).integer("port", 7, minimum=1, maximum=65535) == expected
    assert [finding.rule for finding in findings] == ([rule] if rule else [])


FLAGS: list[tuple[t.Any, bool, bool]] = [
    (True, True, True),
    ("yes", True, True),
    ("No", False, True),
    (0, False, True),
    ("", True, True),
    ("maybe", True, False),
    ([], True, False),
]


@pytest.mark.parametrize(("value", "expected", "good"), FLAGS)
def test_flag(value: t.Any, expected: bool, good: bool) -> None:
    findings: list[Finding] = []
    assert Reader({"flag": value}, "x", findings).flag("flag", True) is expected
    assert (findings == []) is good


PROPERTIES: list[tuple[t.Any, str | None]] = [
    (True, "true"),
    (5, "5"),
    (" text ", "text"),
    (["a", 1], "a,1"),
    ({"a": 1}, None),
    ([["a"]], None),
    (None, None),
]


@pytest.mark.parametrize(("value", "expected"), PROPERTIES)
def test_property_text(value: t.Any, expected: str | None) -> None:
    assert property_text(value) == expected


@pytest.mark.parametrize(
    ("variables", "where", "rule"),
    [
        ({"kafka_listners": []}, "kafka_listners", "INPUT-UNKNOWN"),
        ({"kafka_listeners": [{"name": "A", "port": 1, "prot": 2}]}, "kafka_listeners[0].prot", "INPUT-UNKNOWN"),
        ({"kafka_listeners": [{"port": 9092}]}, "kafka_listeners[0].name", "INPUT-REQUIRED"),
        ({"kafka_listeners": "A"}, "kafka_listeners", "INPUT-TYPE"),
        ({"kafka_listeners": ["A"]}, "kafka_listeners[0]", "INPUT-TYPE"),
        ({"kafka_listeners": [{"name": "A", "port": 1, "exposure": "nodeport"}]}, "kafka_listeners[0].exposure", "INPUT-CHOICE"),
        ({"kafka_cluster_name": "My_Cluster"}, "kafka_cluster_name", "INPUT-FORMAT"),
        ({"kafka_config": {"a b": 1}}, "kafka_config['a b']", "INPUT-FORMAT"),
        ({"kafka_config": {"a": "x\ny"}}, "kafka_config['a']", "INPUT-FORMAT"),
        ({"kafka_node_pools": [{"name": "a", "node_ids": []}]}, "kafka_node_pools[0].node_ids", "INPUT-REQUIRED"),
        ({"kafka_team": "x"}, "kafka_team", "INPUT-UNUSED"),
    ],
)
def test_a_finding_names_its_place(variables: dict[str, t.Any], where: str, rule: str) -> None:
    assert (rule, where) in [(finding.rule, finding.where) for finding in read(variables)[1]]


def test_nothing_to_say_about_the_defaults() -> None:
    assert read({})[1] == []


def test_a_misspelt_variable_is_an_error_and_a_users_own_is_not() -> None:
    assert [finding.severity for finding in read({"kafka_listners": []})[1]] == ["error"]
    assert [finding.severity for finding in read({"kafka_team": "x"})[1]] == ["warning"]


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10) | st.integers(), inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    [
        "kafka_cluster_name", "kafka_namespace", "kafka_version", "kafka_mode", "kafka_node_pools", "kafka_listeners", "kafka_config",
        "zookeeper_nodes", "zookeeper_connect", "zookeeper_volume", "zookeeper_config", "clients_producers", "clients_consumers",
    ]
)  # fmt: skip


@hypothesis.given(st.dictionaries(NAMES, ANY, max_size=5))
@hypothesis.settings(max_examples=300, deadline=None)
def test_anything_at_all_is_read(variables: dict[str, t.Any]) -> None:
    definition, findings = read(variables)
    assert definition.cluster
    assert all(finding.where and finding.message and finding.fix for finding in findings)
