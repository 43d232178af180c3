# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Existing files are checked for a release, by whoever uses nothing else of the collection."""

from __future__ import annotations

import pathlib
import typing as t

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate_files
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._validate_files import RULES, Rule, check_broker, check_zookeeper
from hypothesis import strategies as st

SOUND = """\
broker.id=1
zookeeper.connect=zk-0.zk:2181,zk-1.zk:2181,zk-2.zk:2181/kafka
listeners=PLAINTEXT://:9092
advertised.listeners=PLAINTEXT://kafka-1.kafka:9092
log.dirs=/var/lib/kafka/data
"""
ZOO = """\
tickTime=2000
initLimit=10
syncLimit=5
dataDir=/var/lib/zookeeper/data
clientPort=2181
server.1=zk-0.zk:2888:3888
server.2=zk-1.zk:2888:3888
server.3=zk-2.zk:2888:3888
autopurge.purgeInterval=24
"""


def options(**given: t.Any) -> dict[str, t.Any]:
    return {**dict.fromkeys(_validate_files.OPTIONS), **given}


def rules(findings: t.Iterable[Finding]) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in findings]


@pytest.mark.parametrize("form", ["properties", "properties_text", "properties_file"])
def test_the_three_ways_to_give_a_configuration(form: str, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "server.properties"
    path.write_text(SOUND, encoding="utf-8")
    ways = {"properties_text": SOUND, "properties_file": str(path), "properties": dict(line.split("=", 1) for line in SOUND.splitlines())}
    given = options(kafka_version="3.9.2", **{form: ways[form]})
    assert _validate_files.check(given) == []
    assert [finding.rule for finding in _validate_files.check({**given, "kafka_version": "4.1.2"})][:1] == ["ROLE-REQUIRED"]


def test_a_finding_names_the_line() -> None:
    text = f"# a comment\n\n{SOUND}num.io.threads=0\n"
    assert rules(check_broker(text.encode(), "3.9.2")) == [("TYPE-OR-RANGE", "num.io.threads (line 8)")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_both_sides(rule: Rule) -> None:
    wrong = [finding for finding in check_broker((SOUND + rule.wrong).encode(), "3.9.2") if finding.rule == rule.id]
    assert [(finding.severity, finding.stage) for finding in wrong] == [(rule.severity, rule.stage)]
    lines = SOUND.count("\n") + len(rule.wrong.splitlines())
    assert wrong[0].where.endswith(f"(line {lines})")
    assert rule.id not in [finding.rule for finding in check_broker((SOUND + rule.right).encode(), "3.9.2")]
    assert rule.about


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1\na=2\na=3\n", "a (line 8): is set 3 times, in lines 6, 7, 8"),
        ("\ufeffa=1", ""),
        ("a=C:\\temp", ""),
        ("a=1\\\n  ,2\na:3", "a (line 8): is set 2 times, in lines 6, 8"),
    ],
)
def test_duplicates_name_their_lines(text: str, expected: str) -> None:
    found = [f"{finding.where}: {finding.message}" for finding in check_broker((SOUND + text).encode(), "3.9.2") if finding.rule == "PROPS-DUP"]
    assert found == ([expected] if expected else [])


def test_a_byte_order_mark_is_found_in_front_only() -> None:
    found = [finding.message for finding in check_broker(("\ufeff" + SOUND).encode(), "3.9.2") if finding.rule == "PROPS-ENCODING"]
    assert found == ["has a byte order mark in front, which becomes a part of the key"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"broker.rack=z\xfcrich", False),
        (b"broker.rack=z\xc3\xbcrich", True),
        (b"# z\xc3\xbcrich", False),
        (b"broker.rack=z\\u00fcrich", False),
    ],
)
def test_only_utf_8_is_told(line: bytes, told: bool) -> None:
    assert ("PROPS-ENCODING" in [finding.rule for finding in check_broker(SOUND.encode() + line, "3.9.2")]) is told


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("log.dirs=/a # b", True),
        ("log.dirs=/a#b", False),
        ("ssl.keystore.password=a #b", False),
        ('listener.name.a.plain.sasl.jaas.config=x required password="a #b";', False),
    ],
)
def test_a_comment_behind_a_value_is_told_but_a_secret_may_have_one(line: str, told: bool) -> None:
    assert ("PROPS-COMMENT" in [finding.rule for finding in check_broker((SOUND + line).encode(), "3.9.2")]) is told


def test_no_secret_is_ever_said() -> None:
    secrets = "ssl.keystore.password=hunter2 \\q\nssl.key.password=hunter2\nssl.key.password=hunter2\\u12\nssl.keystore.key=hünter2 hunter2\n"
    found = check_broker((SOUND + secrets).encode(), "3.9.2")
    assert {"PROPS-DUP", "PROPS-ESCAPE", "PROPS-BACKSLASH", "PROPS-ENCODING"} <= {finding.rule for finding in found}
    assert "nter2" not in "".join("".join(finding.as_dict().values()) for finding in found)


@pytest.mark.parametrize(
    ("text", "myid", "expected"),
    [
        (ZOO, "1", []),
        (ZOO, "1\n", []),
        (ZOO, None, []),
        (ZOO, "", [("ZOO-MYID", "myid")]),
        (ZOO, "zk-0", [("ZOO-MYID", "myid")]),
        (ZOO, "9", [("ZOO-MYID-UNLISTED", "myid")]),
        (ZOO + "tickTime=0\n", "1", [("ZOO-TICK", "tickTime (line 10)"), ("PROPS-DUP", "tickTime (line 10)")]),
        (ZOO + "server.3=zk-2.zk:2888:3888\n", "1", [("ZOO-SERVER-DUP", "server.3 (line 9)")]),
        (ZOO + "snapCount=\\u\n", "1", [("ZOO-ESCAPE", "snapCount (line 10)")]),
    ],
)
def test_a_zoo_cfg(text: str, myid: str | None, expected: list[tuple[str, str]]) -> None:
    found = rules(check_zookeeper(text.encode(), myid, "3.9.2"))
    assert [(rule, where.replace("server.3 (line 10)", "server.3 (line 9)")) for rule, where in found] == expected


@pytest.mark.parametrize(("kafka", "zookeeper", "refused"), [("3.9.2", "", True), ("3.5.2", "", False), ("", "3.8.4", True), ("", "3.6.4", False)])
def test_the_release_of_zookeeper(kafka: str, zookeeper: str, refused: bool) -> None:
    found = _validate_files.check(options(zookeeper_text=ZOO + "syncEnabled=yes\n", myid="1", kafka_version=kafka, zookeeper_version=zookeeper))
    assert any(finding.severity == "error" for finding in found) is refused


@pytest.mark.parametrize("form", ["properties_text", "zookeeper_text", "properties"])
def test_without_a_release_nothing_can_be_said(form: str) -> None:
    given: t.Any = {"a": "1"} if form == "properties" else "a=1"
    assert [finding.rule for finding in _validate_files.check(options(**{form: given}))] == ["RELEASE-UNKNOWN"]


@pytest.mark.parametrize("form", ["properties_file", "zookeeper_file"])
@pytest.mark.parametrize("name", ["missing", ".", "nul\0", "x" * 5000])
def test_a_file_that_cannot_be_read_is_a_finding(form: str, name: str, tmp_path: pathlib.Path) -> None:
    (finding,) = _validate_files.check(options(kafka_version="3.9.2", **{form: f"{tmp_path}/{name}"}))
    assert (finding.rule, finding.severity) == ("FILE-UNREADABLE", "error")
    assert str(tmp_path) in finding.where


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates()
ANY = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALAR.filter(lambda key: key == key), inner, max_size=4), max_leaves=10)
KEYS = st.sampled_from(["listeners", "advertised.listeners", "num.io.threads", "log.dirs", "process.roles", "node.id", "zookeeper.connect", "ssl.key.password"])
VERSIONS = st.sampled_from(["2.4", "3.9.2", "4.3.1", "", "x"]) | st.text()


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.dictionaries(KEYS | st.text(), ANY, max_size=6) | st.dictionaries(SCALAR.filter(lambda key: key == key), ANY), VERSIONS)
def test_any_dictionary_gives_findings_and_no_traceback(properties: dict[t.Any, t.Any], version: str) -> None:
    for finding in _validate_files.check(options(properties=properties, kafka_version=version)):
        assert isinstance(finding, Finding)
        assert len(finding.message) < 11_000


LINES = st.builds("{}{}{}\n".format, KEYS | st.text(max_size=10), st.sampled_from(["=", ":", " ", "\\", "=\\u", ""]), st.text(max_size=20))
PIECES = st.lists(LINES | st.text(max_size=20) | st.sampled_from(["\\\n", "\r", "#", "\ud800", "\x00", "ü", "\\u00", "server.1=[:", "group.1=:"]), max_size=12)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(PIECES.map("".join), VERSIONS, st.none() | st.text(max_size=5), st.sampled_from(["properties_text", "zookeeper_text"]))
def test_any_text_gives_findings_and_no_traceback(text: str, version: str, myid: str | None, form: str) -> None:
    for finding in _validate_files.check(options(kafka_version=version, myid=myid, **{form: text})):
        assert len(finding.message) < 11_000
        assert len(finding.where) < 1000


@pytest.mark.parametrize("form", ["properties_text", "zookeeper_text"])
@pytest.mark.parametrize("piece", ["a", "a=b\n", "\\", "\\\n", "\\u", "listeners=A://:1,", "listeners=,", "=", "server.1=a:1:2\n", "log.dirs=/a,", "#", "ü"])
def test_megabytes_are_no_problem(form: str, piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    found = _validate_files.check(options(kafka_version="3.9.2", myid="1", **{form: text}))
    assert len(found) < 500
    assert sum(len(finding.message) + len(finding.where) for finding in found) < 100_000


@pytest.mark.parametrize("form", ["properties_text", "zookeeper_text"])
def test_nor_is_a_value_of_ten(form: str) -> None:
    found = _validate_files.check(options(kafka_version="3.9.2", myid="1", **{form: f"listeners={'x' * 10_000_000}\nserver.1={'y' * 10_000_000}\n"}))
    assert sum(len(str(finding.as_dict())) for finding in found) < 100_000
