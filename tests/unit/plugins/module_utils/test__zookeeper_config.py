# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The ZooKeeper half of the validator against the stored answers of the real classes, and against nonsense."""

from __future__ import annotations

import typing as t

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_config import BASE, check_server, parse_connect
from ansible_collections.kafkaops.kubernetes.tests.oracle import stored
from hypothesis import strategies as st

REFUSED_BY_CLIENT = {"ZK-CONNECT-EMPTY", "ZK-CONNECT-SYNTAX", "ZK-CHROOT-SYNTAX"}


def errors(findings: t.Iterable[Finding]) -> list[str]:
    return [finding.rule for finding in findings if finding.severity == "error" and finding.stage == "config"]


@pytest.mark.parametrize("release", ["3.8.0", "3.9.3"])
@pytest.mark.parametrize("case", stored.zookeeper_cfg_cases(), ids=lambda case: case["id"])
def test_agrees_with_the_stored_servers(case: dict[str, t.Any], release: str) -> None:
    assert bool(errors(check_server(case["zoo_cfg"], case["myid"], release))) == (not case["valid"])


@pytest.mark.parametrize("case", stored.zookeeper_connect_cases(), ids=lambda case: case["id"])
def test_agrees_with_the_stored_connect_strings(case: dict[str, t.Any]) -> None:
    parsed = parse_connect(case["properties"]["zookeeper.connect"])
    found = {finding.rule for finding in parsed.findings}
    assert bool(found & REFUSED_BY_CLIENT) == (not case["valid"])
    if case["valid"]:
        hosts = ", ".join(f"{host}:{port}" for host, port in parsed.hosts)
        assert f"hosts=[{hosts}] chroot={parsed.chroot or 'null'}" == case["result"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("zk-0:2181/kafka,zk-1:2181/kafka", "ZKC-CHROOT-EACH"),
        ("zk-0:2181/kafka,zk-1:2181", "ZKC-CHROOT-EACH"),
        ("zk-0:2181;zk-1:2181", "ZK-SEPARATOR"),
        ("zk-0:2181 zk-1:2181", "ZK-SEPARATOR"),
        ("$(ZK):2181", "ZK-PLACEHOLDER"),
        ("", "ZK-CONNECT-EMPTY"),
        ("zk:2181,zk:2181", "ZK-HOST-DUP"),
    ],
)
def test_traps_are_found(text: str, rule: str) -> None:
    assert [finding.rule for finding in parse_connect(text).findings] == [rule]


@pytest.mark.parametrize("text", ["zk-0:2181", "zk-0:2181,zk-1:2181/kafka", "zk-0, zk-1 , zk-2", "[::1]:2181/a/b", "zk-0:2181/"])
def test_sound_connect_strings_have_no_findings(text: str) -> None:
    assert parse_connect(text).findings == []


def test_a_sound_server_has_no_findings() -> None:
    assert check_server(BASE, "1\n", "3.8") == []
    assert check_server("\n".join(BASE), "1", "3.9.3") == []


@pytest.mark.parametrize("release", ["", "3.4", "3.10", "4.0", None, 3.9])
def test_other_releases_are_an_error(release: t.Any) -> None:
    (finding,) = check_server(BASE, "1", release)
    assert finding.rule == "RELEASE-UNKNOWN"


LINES = st.one_of(
    st.text(),
    st.none(),
    st.integers(),
    st.builds("{}={}".format, st.sampled_from(["server.1", "server.x", "group.1", "weight.1", "tickTime", "clientPort", "version", "myid"]), st.text()),
    st.sampled_from(["server.1=[", "server.1=;", "server.1=|", "server.1=;;", "\\", "=", ":", "server.=a:1:2", "group=", "\\u12", "a\\"]),
)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(
    st.one_of(st.lists(LINES, max_size=8), st.text(), st.none(), st.integers()),
    st.one_of(st.none(), st.text(), st.integers()),
    st.sampled_from(["3.5", "3.6", "3.7", "3.8", "3.9"]),
)
def test_nonsense_gives_findings_and_no_traceback(lines: t.Any, myid: t.Any, release: str) -> None:
    extra = list(BASE) + lines if isinstance(lines, list) else lines
    for finding in check_server(extra, myid, release):
        assert isinstance(finding, Finding)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.one_of(st.none(), st.integers(), st.text(), st.text(alphabet="[]:/,;. a1\ud800\x00")))
def test_any_connect_string_is_taken(text: t.Any) -> None:
    assert isinstance(parse_connect(text).findings, list)


@pytest.mark.parametrize("text", ["a" * 2_000_000, "," * 2_000_000, "/" * 2_000_000, ":" * 2_000_000, "zk/" + "a/" * 1_000_000])
def test_megabytes_are_no_problem(text: str) -> None:
    assert isinstance(parse_connect(text).findings, list)
    assert isinstance(check_server([f"server.1={text}", text], text, "3.9"), list)
