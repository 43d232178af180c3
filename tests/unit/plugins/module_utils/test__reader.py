# SPDX-License-Identifier: GPL-3.0-or-later
"""Input of any kind becomes a value or a finding, never a traceback."""

from __future__ import annotations

import datetime
import json
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import read
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import Reader, property_text, shown

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


JVM_OPTIONS = [
    ("-XX:MaxGCPauseMillis=50", ""),
    ("-Xlog:gc", ""),
    ("XX:MaxGCPauseMillis=50", "is not an option of the JVM"),
    ("-XX:MaxGCPauseMillis=50 -Xlog:gc", "is not an option of the JVM"),
    ("-Xmx2g", "the heap's size"),
    ("-Xmn1g", ""),
    ("-XX:MaxRAMPercentage=70", "the heap's size"),
    ("-XX:MaxRAM=4g", ""),
    ("-Djavax.net.ssl.trustStorePassword=planted", "'-Djavax.net.ssl.trustStorePassword' is a secret"),
    ("-Djavax.net.ssl.trustStorePassword=planted with blanks", "'-Djavax.net.ssl.trustStorePassword' is a secret"),
    ("-Djavax.net.ssl.trustStore=/planted", ""),
]


@pytest.mark.parametrize(("option", "message"), JVM_OPTIONS)
def test_options_of_the_jvm(option: str, message: str) -> None:
    definition, findings = read({"kafka_node_pools": [{"name": "a", "node_ids": [0], "jvm_options": [option]}]})
    assert definition.pools[0].jvm_options == (() if message else (option,))
    assert [finding.where for finding in findings if message in finding.message] == (["kafka_node_pools[0].jvm_options"] if message else [])
    assert "planted" not in str(findings)


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


def rules_of(variables: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in read(variables)[1]]


RESOURCES: list[tuple[t.Any, str]] = [
    ({"limits": {"cpu": 1, "memory": "1Gi"}, "claims": [{"name": "a"}], "x": None, "y": 1.5, "z": True}, ""),
    ({"limits": {"memory": b"1Gi"}}, "zookeeper_resources.limits.memory"),
    ({"limits": {"cpu": [1, {"a": float("nan")}]}}, "zookeeper_resources.limits.cpu[1].a"),
    ({"limits": {"memory": "1Gi\x00"}}, "zookeeper_resources.limits.memory"),
    ({"limits": datetime.date(2024, 1, 1)}, "zookeeper_resources.limits"),
    ({"limits": {2024: "a"}}, ""),
]


@pytest.mark.parametrize(("value", "where"), RESOURCES)
def test_what_goes_to_kubernetes_can_be_written_as_json(value: t.Any, where: str) -> None:
    definition, _findings = read({"zookeeper_resources": value})
    json.dumps(definition.zookeeper.resources, allow_nan=False)
    assert rules_of({"zookeeper_resources": value}) == ([("INPUT-TYPE", where)] if where else [])


@pytest.mark.parametrize(("name", "good"), [("registry/kafka:1", True), ("registry/kafk\x00", False), ("registry/\ud800", False), ("ü", True)])
def test_text_that_no_file_can_hold(name: str, good: bool) -> None:
    found = rules_of({"clients_producers": [{"name": "a", "topic": "t", "image": name}]})
    assert found == ([] if good else [("INPUT-FORMAT", "clients_producers[0].image")])


POOL = {"name": "a", "roles": ["broker"]}
COUNTS: list[tuple[dict[str, t.Any], int, str]] = [
    ({"kafka_node_pools": [{**POOL, "node_ids": list(range(2000))}]}, 2000, ""),
    ({"kafka_node_pools": [{**POOL, "node_ids": list(range(2001))}]}, 2000, "kafka_node_pools[0].node_ids"),
    ({"kafka_node_pools": [{**POOL, "node_ids": list(range(2000))}, {**POOL, "node_ids": [2000]}]}, 2000, "kafka_node_pools"),
    ({"kafka_node_pools": [{"name": "a", "roles": ["controller"], "node_ids": list(range(100))}]}, 100, ""),
    ({"kafka_node_pools": [{"name": "a", "roles": ["controller"], "node_ids": list(range(101))}]}, 0, "kafka_node_pools"),
]


@pytest.mark.parametrize(("variables", "nodes", "where"), COUNTS)
def test_more_than_can_be_checked_is_told(variables: dict[str, t.Any], nodes: int, where: str) -> None:
    assert sum(len(pool.node_ids) for pool in read(variables)[0].pools) == nodes
    assert rules_of(variables) == ([("INPUT-RANGE", where)] if where else [])


@pytest.mark.parametrize(("count", "findings"), [(20, 20), (21, 21), (1000, 21)])
def test_unknown_options_are_told_up_to_a_number(count: int, findings: int) -> None:
    found = read({"kafka_listeners": [{"name": "A", "port": 1, **{f"x{number}": 1 for number in range(count)}}]})[1]
    assert [finding.rule for finding in found] == ["INPUT-UNKNOWN"] * findings
    assert (f"has {count - 20} more keys" in found[-1].message) is (count > 20)


@pytest.mark.parametrize("value", [10**400, float("inf"), "\ud800", b"x", {"a": "hunter2"}, ["hunter2"]])
def test_a_quoted_value_is_short_and_printable(value: t.Any) -> None:
    assert len(shown(value)) <= 80
    assert shown(value).isprintable()
    assert "hunter2" not in shown(value)
