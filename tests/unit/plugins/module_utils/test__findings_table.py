# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Findings as a person reads them, also those of a very large cluster."""

from __future__ import annotations

import json
import typing as t

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._findings_table import explain, merged, stopping, table
from hypothesis import strategies as st

AWX_CUTS_AT = 700_000


def finding(rule: str = "R", severity: t.Any = "error", where: str = "kafka_config", message: str = "it is wrong", fix: str = "mend it") -> Finding:
    return Finding(rule, severity, "config", where, message, fix, "It hurts.")


def test_the_table_reads_like_this() -> None:
    fix = "leave the address to the collection"
    found = [
        finding("ADV-SHARED", "warning", "kafka_listeners[0] (PLAINTEXT)", "brokers 0, 1, 2 advertise one address, kafka:9092", fix),
        finding("RF-MIN", "error", "min.insync.replicas", "'0' must be at least 1", "use 1 or more"),
        finding("ADV-SHARED", "warning", "kafka_listeners[1] (TLS)", "brokers 0, 1, 2 advertise one address, kafka:9093", fix),
    ]
    assert table(merged(found)) == [
        "severity  rule        where                           what, and how to mend it",
        "--------  ----------  ------------------------------  --------------------------------------------------------",
        "error     RF-MIN      min.insync.replicas             '0' must be at least 1.",
        "                                                      It hurts.",
        "                                                      Mend: use 1 or more.",
        "warning   ADV-SHARED  kafka_listeners[0] (PLAINTEXT)  brokers 0, 1, 2 advertise one address, kafka:9092.",
        "                                                      It hurts.",
        "                                                      Mend: leave the address to the collection.",
        "                      kafka_listeners[1] (TLS)        brokers 0, 1, 2 advertise one address, kafka:9093.",
        "                                                      Mend: leave the address to the collection.",
        "",
        "1 error, 2 warnings",
    ]


def test_no_findings_are_said_too() -> None:
    assert table([]) == ["Nothing to say."]


@pytest.mark.parametrize(("nodes", "shown"), [(1, 1), (3, 3), (4, 1), (1000, 1)])
def test_findings_of_many_nodes_become_one(nodes: int, shown: int) -> None:
    found = [finding(where=f"broker {number}", message=f"node {number} has port {9000 + number}") for number in range(nodes)]
    result = merged(found)
    assert len(result) == shown
    assert sum(one.get("count", 1) for one in result) == nodes
    if shown < nodes:
        assert result[0]["message"] == f"node 0 has port 9000 (and {nodes - 1} more like it)"
        assert table(result)[-1] == f"{nodes} errors; {nodes - 1} of them are like others and not shown"


def test_a_list_of_many_nodes_is_cut() -> None:
    (shown,) = merged([finding(message=f"brokers {', '.join(map(str, range(1000)))} advertise one address, kafka:9092")])
    assert shown["message"] == "brokers 0, 1, 2, 3, 4, 5, 6, 7, and 992 more advertise one address, kafka:9092"


def test_different_kinds_are_not_merged() -> None:
    found = [finding(message=f"{word} is wrong") for word in ("one", "two", "three", "four", "five")]
    assert len(merged(found)) == 5
    assert len(merged([*found, finding(severity="warning"), finding("S")])) == 7


def test_errors_come_first_and_rules_stand_together() -> None:
    found = [finding("A", "info"), finding("B"), finding("A", "warning"), finding("C"), finding("B", message="it is wrong as well")]
    assert [(one["severity"], one["rule"]) for one in merged(found)] == [("error", "B"), ("error", "B"), ("error", "C"), ("warning", "A"), ("info", "A")]


@pytest.mark.parametrize(("fail_on", "count"), [("error", 1), ("warning", 2), ("never", 0)])
def test_what_stops_a_run(fail_on: str, count: int) -> None:
    assert len(stopping(merged(finding(severity=severity) for severity in ("error", "warning", "info")), fail_on)) == count


def big(nodes: int) -> dict[str, t.Any]:
    """Everything wrong that comes to mind, on every node."""
    pools = [
        {"name": f"p{pool}", "node_ids": list(range(pool * 100, pool * 100 + 100)), "config": {"num.io.threads": 0, f"no.such.key.{pool}": 1, "log.dirs": "/x"}}
        for pool in range(nodes // 100)
    ]
    listeners = [
        {"name": "A", "port": 9092, "advertised_host": "kafka"},
        {"name": "B", "port": 9093, "exposure": "node_port", "advertised_host": "a_b-{id}", "first_node_port": 3},
        {"name": "C", "port": 9093, "exposure": "load_balancer", "advertised_hosts": {str(node): "localhost" for node in range(nodes)}},
    ]
    return {
        "kafka_node_pools": pools,
        "kafka_listeners": listeners,
        "kafka_config": {f"log.retention.hour{number}": "x" * 200 for number in range(30)},
        **{f"kafka_my_own_{'x' * number}": 1 for number in range(300)},
    }


def test_the_findings_of_a_thousand_nodes_fit_into_an_event_of_awx() -> None:
    findings = _validate.validate(big(1000))[1]
    result = merged(findings)
    assert len(findings) > 1000
    assert sum(one.get("count", 1) for one in result) == len(findings)
    # A failed task has its errors in the message and among the findings.
    event = json.dumps({"findings": result, "msg": explain(stopping(result, "error")), "table": table(result)})
    assert len(event) < AWX_CUTS_AT


def test_even_if_every_finding_is_of_its_own_kind() -> None:
    words = ["".join(chr(97 + number // 26**place % 26) for place in range(4)) for number in range(20_000)]
    result = merged(finding(f"RULE-{number % 150}", message=f"{word} {'x' * 5000}", where=word * 100, fix=word * 400) for number, word in enumerate(words))
    assert len(json.dumps(result)) < AWX_CUTS_AT / 2
    assert sum(one.get("count", 1) for one in result) == len(words)


TEXT = st.text(max_size=300)
FINDINGS = st.builds(Finding, TEXT, st.sampled_from(["error", "warning", "info"]), st.just("config"), TEXT, TEXT, TEXT, TEXT)


@hypothesis.settings(deadline=None)
@hypothesis.given(st.lists(FINDINGS), st.integers(80, 200))
def test_no_line_is_too_long_and_none_has_a_line_end(found: list[Finding], width: int) -> None:
    lines = table(merged(found), width)
    assert all(len(line) <= max(width, 110) for line in lines[:-1])
    assert not any(character in line for line in lines for character in "\n\r\t\x00")
