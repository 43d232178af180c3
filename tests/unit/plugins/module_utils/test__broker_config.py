# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The broker half of the validator against the stored answers of the real ``KafkaConfig``, and against nonsense."""

from __future__ import annotations

import subprocess
import sys
import time
import typing as t

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._broker_config import check, refused
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import keys, lifetimes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import BASES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import MINORS, minor_text
from ansible_collections.kafkaops.kubernetes.tests.oracle import stored
from hypothesis import strategies as st

RELEASES = [minor_text(minor) for minor in MINORS]
FUZZ_RELEASES = stored.fuzz()[0]


def errors(findings: t.Iterable[Finding]) -> list[str]:
    return [finding.rule for finding in findings if finding.severity == "error" and finding.stage == "config"]


@pytest.mark.parametrize("case", stored.all_kafka_cases(), ids=lambda case: case["id"])
def test_agrees_with_the_hand_made_cases(case: dict[str, t.Any]) -> None:
    for minor in MINORS:
        if case in stored.kafka_cases(minor):
            found = errors(check(case["properties"], minor_text(minor)))
            assert bool(found) == (not case["valid"]), minor
            if not case["valid"]:
                assert case["rule"] == found[0], minor


@pytest.mark.parametrize("index", range(len(FUZZ_RELEASES)), ids=FUZZ_RELEASES)
def test_agrees_with_the_stored_random_rows(index: int) -> None:
    differing = [
        row["p"] for row in stored.fuzz()[1] if row["ok"][index] != "." and refused(check(row["p"], FUZZ_RELEASES[index])) != (row["ok"][index] == "0")
    ]
    assert differing == []


# 4.x has no ZooKeeper.
SOUND = [(base, "3.9") for base in BASES] + [(base, "4.3") for base in BASES if base not in ("zookeeper", "migration")]


@pytest.mark.parametrize(("base", "release"), SOUND)
def test_nothing_is_said_about_a_sound_configuration(base: str, release: str) -> None:
    assert check(BASES[base], release) == []


@pytest.mark.parametrize("release", ["3.9.2", "3.9", "v3.9.0", "4.0.1-rc1", "4.1.1", "2.4"])
def test_releases_are_understood(release: str) -> None:
    assert "RELEASE-UNKNOWN" not in [finding.rule for finding in check(BASES["broker"], release)]


@pytest.mark.parametrize(
    ("base", "change", "refusing", "accepting", "rule"),
    [
        ("broker", {"controller.quorum.voters": "100@$(POD).kafka:9093"}, "3.9.0", "3.9.1", "VOT-SYNTAX"),
        ("controller", {"listeners": "CONTROLLER://0.0.0.0:9093"}, "3.9.0", "3.9", "ADV-0000"),
        ("controller", {"controller.quorum.voters": "1@0.0.0.0:9093"}, "4.2.1", "4.2.0", "VOT-ROUTABLE"),
        ("controller", {"advertised.listeners": ""}, "3.3.2", "3.3.1", "ADV-CONTROLLER"),
        ("migration", {"authorizer.class.name": ""}, "3.5.0", "3.5.1", "MIG-AUTHORIZER"),
        ("migration", {"log.dirs": "/a,/b"}, "3.5.2", "3.5.1", "MIG-JBOD"),
        ("zookeeper", {"sasl.server.max.receive.size": "x"}, "2.8.2", "2.8.1", "TYPE-OR-RANGE"),
        ("broker", {"max.decompressed.message.bytes": "0"}, "4.2.2", "4.2.1", "TYPE-OR-RANGE"),
        ("broker", {"max.decompressed.message.bytes": "0"}, "4.2", "4.2.0", "TYPE-OR-RANGE"),
    ],
)
def test_patch_releases_that_differ(base: str, change: dict[str, str], refusing: str, accepting: str, rule: str) -> None:
    assert errors(check({**BASES[base], **change}, refusing)) == [rule]
    assert errors(check({**BASES[base], **change}, accepting)) == []


def test_a_key_of_a_later_patch_release_is_told() -> None:
    (finding,) = check({**BASES["broker"], "alter.config.policy.kraft.compatibility.enable": "true"}, "3.9.1")
    assert (finding.rule, finding.severity) == ("KEY-TOO-NEW", "warning")
    assert finding.message == "is there from Kafka 3.9.2 on"


@pytest.mark.parametrize(
    ("listeners", "release", "rules"),
    [
        ("PLAINTEXT://:9092", "3.2.3", ["CLN-CONTROLLER-EMPTY"]),
        ("CONTROLLER://:9093", "3.2.3", []),
        ("PLAINTEXT://:9092", "3.9.2", ["CTL-LISTENERS-ONLY", "CLN-NOT-IN-LISTENERS"]),
    ],
)
def test_a_controller_that_advertises_nothing_still_needs_its_listener(listeners: str, release: str, rules: list[str]) -> None:
    assert errors(check({**BASES["controller"], "advertised.listeners": "", "listeners": listeners}, release)) == rules


FILE = "org.apache.kafka.common.config.provider.FileConfigProvider"


@pytest.mark.parametrize(
    ("properties", "rules"),
    [
        ({"config.providers": "p", "config.providers.p.class": FILE}, []),
        ({"config.providers": "p", "config.providers.p.class": f" {FILE}"}, ["PROVIDER-CLASS"]),
        ({"config.providers": "p", "config.providers.p.class": "java.lang.String"}, ["PROVIDER-CLASS"]),
        ({"config.providers": "p", "config.providers.p.class": ""}, ["PROVIDER-CLASS"]),
        ({"config.providers": "p"}, []),
        ({"config.providers": "p", "config.providers.p.class": FILE, "num.io.threads": "${p:/x:y}"}, []),
        ({"config.providers": "p", "config.providers.p.class": FILE, "num.io.threads": "${p:/x:y"}, ["TYPE-OR-RANGE"]),
        ({"config.providers": "p", "config.providers.p.class": FILE, "num.io.threads": "${q:/x:y}"}, ["TYPE-OR-RANGE"]),
        ({"config.providers": "q, p", "config.providers.p.class": FILE, "num.io.threads": "${p:/x:y}"}, ["TYPE-OR-RANGE"]),
        ({"config.providers": "p", "num.io.threads": "${p:/x:y}"}, ["TYPE-OR-RANGE"]),
        ({"sasl.login.class": "com.example.Login"}, []),
        ({"sasl.login.class": "com.example."}, ["CLASS-NOT-FOUND"]),
        ({"sasl.login.class": "com example"}, ["CLASS-NOT-FOUND"]),
        ({"auto.create.topics.enable": "fal\u017fe"}, []),
    ],
)
def test_classes_and_providers(properties: dict[str, str], rules: list[str]) -> None:
    assert errors(check({**BASES["broker"], **properties}, "3.9.2")) == rules


@pytest.mark.parametrize(("name", "rules"), [("com.example.Own", []), ("com.example.", ["AUTHORIZER-CLASS"]), ("kafka.Own", ["AUTHORIZER-CLASS"])])
def test_an_authorizer_that_cannot_be_a_class(name: str, rules: list[str]) -> None:
    assert errors(check({**BASES["zookeeper"], "authorizer.class.name": name}, "3.2.3")) == rules


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("client.quota.callback.class", "com.example.Quotas"),
        ("authorizer.class.name", "com.example.Authorizer"),
        ("listener.name.plaintext.principal.builder.class", "com.example.Builder"),
        ("listener.name.sasl_ssl.plain.sasl.server.callback.handler.class", "com.example.Handler"),
        ("group.consumer.assignors", "com.example.Assignor"),
    ],
)
def test_a_class_of_others_is_mentioned(name: str, value: str) -> None:
    found = [finding for finding in check({**BASES["broker"], name: value}, "3.9.2") if finding.rule == "CLASS-EXTERNAL"]
    assert [(finding.where, finding.severity) for finding in found] == [(name, "info")]


@pytest.mark.parametrize("release", ["", "2.3", "4.4", "3.10", "latest", "3", "3.9.2.1", None, 3.9, "9" * 5000, "٣.٩"])
def test_other_releases_are_an_error(release: t.Any) -> None:
    (finding,) = check(BASES["broker"], release)
    assert (finding.rule, finding.severity) == ("RELEASE-UNKNOWN", "error")


@pytest.mark.parametrize(
    ("written", "release", "rule", "meant"),
    [
        ("advertised_listeners", "3.9", "KEY-UNKNOWN", "advertised.listeners"),
        ("log.retention.hour", "3.9", "KEY-UNKNOWN", "log.retention.hours"),
        ("Log.Dirs", "3.9", "KEY-UNKNOWN", "log.dirs"),
        ("retention.ms", "3.9", "KEY-UNKNOWN", "log.retention.ms"),
        ("port", "3.0", "KEY-REMOVED", "2.8"),
        ("zookeeper.connect", "4.0", "KEY-REMOVED", "3.9"),
        ("controller.quorum.bootstrap.servers", "3.5", "KEY-TOO-NEW", "3.8"),
        ("acme.plugin.size", "3.9", "KEY-FOREIGN", ""),
        ("log.acme", "3.9", "KEY-UNKNOWN", ""),
    ],
)
def test_unknown_keys_are_named(written: str, release: str, rule: str, meant: str) -> None:
    found = [finding for finding in check({**BASES["broker"], written: "x"}, release) if finding.where == written]
    assert [finding.rule for finding in found] == [rule]
    assert meant in found[0].message
    assert found[0].severity != "error"


@pytest.mark.parametrize(
    "name",
    [
        "super.users",
        "allow.everyone.if.no.acl.found",
        "rsm.config.s3.bucket",
        "rlmm.config.remote.log.metadata.topic.num.partitions",
        "config.providers.file.class",
        "cruise.control.metrics.reporter.bootstrap.servers",
        "listener.name.plaintext.max.connections",
    ],
)
def test_keys_of_plug_ins_are_not_mentioned(name: str) -> None:
    assert [finding for finding in check({**BASES["broker"], name: "1"}, "3.9") if finding.where == name] == []


def test_passwords_are_not_shown() -> None:
    secret = "hunter2-hunter2"
    properties = {
        **BASES["zookeeper"],
        "listeners": "SASL_SSL://:9092",
        "advertised.listeners": "SASL_SSL://k:9092",
        "security.inter.broker.protocol": "SASL_SSL",
        "ssl.keystore.password": secret,
        "ssl.truststore.password": secret,
        "password.encoder.secret": secret,
        "sasl.jaas.config": f'x required password="{secret}"',
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f'x required password="{secret}"',
        "listener.name.sasl_ssl.ssl.key.password": secret,
    }
    found = check(properties, "3.9")
    assert found
    assert secret not in str(found)


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(max_size=20),
    st.lists(st.one_of(st.text(), st.integers(), st.none()), max_size=5),
    st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
    st.sampled_from(["PLAINTEXT://:9092", "CONTROLLER", "1@localhost:9093", "[::1]:1,", "://", "a:b:c", "@", "${x:y}", "\x00", "\ud800"]),
)
NAMES = st.one_of(st.sampled_from(sorted(lifetimes())), st.text(), st.integers(), st.none(), st.tuples(st.integers()))


@hypothesis.settings(max_examples=400, deadline=None)
@hypothesis.given(st.dictionaries(NAMES, VALUES, max_size=12), st.sampled_from(RELEASES), st.sampled_from(sorted(BASES)))
def test_nonsense_gives_findings_and_no_traceback(nonsense: dict[t.Any, t.Any], release: str, base: str) -> None:
    for finding in check({**BASES[base], **nonsense}, release):
        assert isinstance(finding, Finding)
        assert finding.message
        assert finding.fix
        assert len(finding.message) < 100_000


@hypothesis.settings(max_examples=50, deadline=None)
@hypothesis.given(VALUES, st.one_of(st.text(), st.none(), st.integers()))
def test_anything_may_be_passed(properties: t.Any, release: t.Any) -> None:
    assert isinstance(check(properties, release), list)


LARGE = 10_000_000
LARGE_TEXTS = {
    "letters": lambda size: "a" * size,
    "digits": lambda size: "9" * size,
    "commas": lambda size: "," * size,
    "colons": lambda size: "A://" + ":" * size,
    "slashes": lambda size: "://" * (size // 3),
    "ports": lambda size: "A://" + "1:" * (size // 2),
    "blanks": lambda size: "a" + " " * size + "b",
    "brackets": lambda size: "[" * size,
    "at": lambda size: "1@" * (size // 2),
    "quotes": lambda size: '"' * size,
    "listeners": lambda size: "A://h:1," * (size // 8),
    "voters": lambda size: "1@h:1," * (size // 6),
}
LARGE_KEYS = [
    "listeners",
    "advertised.listeners",
    "listener.security.protocol.map",
    "controller.quorum.voters",
    "zookeeper.connect",
    "node.id",
    "log.cleaner.min.cleanable.ratio",
    "max.connections.per.ip.overrides",
    "inter.broker.protocol.version",
    "listener.name.plaintext.plain.sasl.jaas.config",
    "unknown.key",
]


@pytest.mark.parametrize("kind", sorted(LARGE_TEXTS))
def test_time_grows_with_the_length_and_no_faster(kind: str) -> None:
    """A hundred kilobytes in every key; what is quadratic takes minutes."""
    for key in LARGE_KEYS:
        started = time.process_time()
        found = check({**BASES["zookeeper"], key: LARGE_TEXTS[kind](200_000)}, "3.9")
        assert time.process_time() - started < 3, key
        assert all(len(finding.message) < 100_000 for finding in found)


@pytest.mark.parametrize(("key", "kind"), [("listeners", "colons"), ("node.id", "digits"), ("zookeeper.connect", "letters"), ("log.dirs", "blanks")])
def test_ten_megabytes_give_a_finding(key: str, kind: str) -> None:
    assert check({**BASES["zookeeper"], key: LARGE_TEXTS[kind](LARGE)}, "3.9")


def test_the_import_needs_nothing_from_outside() -> None:
    module = "ansible_collections.kafkaops.kubernetes.plugins.module_utils._broker_config"
    code = f"import sys, {module}; print('yaml' in sys.modules, 'ansible' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("minor", MINORS, ids=RELEASES)
def test_every_release_has_its_keys(minor: tuple[int, int]) -> None:
    known = keys(minor)
    assert 190 < len(known) < 400
    assert "listeners" in known
    assert ("zookeeper.connect" in known) == (minor <= (3, 9))
    assert not [key for key in known.values() if key.check.startswith("?")]
