# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is said about certificates that were really issued; the oracle asks Kafka and Java about the same ones."""

from __future__ import annotations

import datetime
import os
import pathlib
import subprocess
import sys
import typing as t

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._certificate_rules import RULES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made
from ansible_collections.kafkaops.kubernetes.tests.oracle.certificates import DAY, HOST, NOW, Case
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[4]
CASES = made.cases()


def checked(case: Case) -> list[Finding]:
    return _certificates.check(
        case.chain, case.key, case.authority, case.names, now=NOW, where="kafka_tls", client=case.client, key_password=case.password
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_exactly_the_rules_that_are_broken_are_told(case: Case) -> None:
    found = checked(case)
    # What follows from something that cannot be read is not told as well.
    assert {finding.rule for finding in found} == case.broken
    assert {finding.where for finding in found} <= {"kafka_tls"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.id}-{rule.severity}")
def test_every_rule_has_cases_that_break_it(rule: t.Any) -> None:
    assert any((finding.rule, finding.severity) == (rule.id, rule.severity) for case in CASES for finding in checked(case))
    assert rule.about
    assert rule.wrong
    assert rule.right


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_key_and_no_password_is_ever_said(case: Case) -> None:
    secret_lines = [line for line in case.key.replace(" ", "\n").split() if len(line) > 20 and "KEY" not in line]
    for finding in checked(case):
        said = " ".join(finding.as_dict().values())
        assert not any(line in said for line in secret_lines)
        assert case.password is None or f"'{case.password}'" not in said
        assert len(finding.message) < 600


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("the key of another certificate", "the key (EC secp256r1) is not the one of CN=kafka-0,O=events"),
        ("no intermediate authority", "CN=kafka-0,O=events was issued by CN=intermediate,O=events, which is neither in the chain nor in the authority"),
        ("another authority of the same name", "signed by another CN=root,O=events than the one that is here"),
        ("ends in a week", "CN=kafka-0,O=events ends in 7 days"),
        ("an RSA key in PKCS 1", "the private key is in PKCS 1 form; Kafka reads PKCS 8 only"),
        ("an EC key in SEC 1", "the private key is in SEC 1 form; Kafka reads PKCS 8 only"),
        ("a certificate cut off", "certificate 1 of the certificate is cut off or no Base64"),
        ("a common name and no others", "does not cover kafka-0; it has no alternative names, and the common name does not count"),
    ],
)
def test_the_message_says_what_and_where(name: str, words: str) -> None:
    (case,) = [case for case in CASES if case.name == name]
    assert words in checked(case)[0].message


def test_a_certificate_is_described() -> None:
    leaf = made.server(made.root(), names=("Kafka-0.Example.com", "fd00:0::1", "10.0.0.1"))
    described, authority = _certificates.describe(made.pem(leaf) + made.root().pem)
    assert described.subject == "CN=kafka-0,O=events"
    assert described.issuer == authority.subject == "CN=root,O=events"
    assert described.serial == leaf.serial_number
    assert (described.not_before, described.not_after) == (NOW - DAY, NOW + 365 * DAY)
    assert described.dns_names == ("kafka-0.example.com",)
    assert described.addresses == ("fd00::1", "10.0.0.1")
    assert (described.is_ca, authority.is_ca) == (False, True)
    assert described.key_type == "EC secp256r1"
    assert _certificates.describe("nothing") == []


def test_a_subject_is_written_as_kafka_writes_principals() -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b.c"),
            x509.NameAttribute(NameOID.COMMON_NAME, " kafka #1, Inc=\\ü "),
        ]
    )
    own = made.key("kafka-0")
    (described,) = _certificates.describe(made.pem(made.certificate(name, own, name, own)))
    assert described.subject == "CN=\\ kafka \\#1\\, Inc\\=\\\\ü\\ ,1.2.840.113549.1.9.1=#16056140622e63,C=DE"


@pytest.mark.parametrize(
    ("chain", "names", "reason"),
    [
        ({}, [HOST], None),
        ({}, [f"{HOST.upper()}."], None),
        ({"names": (HOST, "10.0.0.1")}, ["10.0.0.1", HOST], None),
        (None, [HOST], "there is none yet"),
        ("garbage", [HOST], "what is there cannot be read"),
        ({}, [HOST, "kafka.example.com"], "it does not cover kafka.example.com"),
        ({"names": (HOST, "10.0.0.1")}, [HOST], "it still covers 10.0.0.1"),
        ({"ends": 31 * DAY}, [HOST], None),
        ({"ends": 29 * DAY}, [HOST], "it ends in 29 days"),
        ({"ends": DAY / 2}, [HOST], "it ends in less than a day"),
        ({"begins": -9 * DAY, "ends": -DAY}, [HOST], f"it ended on {NOW - DAY:%Y-%m-%d %H:%M} UTC"),
    ],
)
def test_when_a_certificate_is_due(chain: t.Any, names: list[str], reason: str | None) -> None:
    text = chain or "" if not isinstance(chain, dict) else made.pem(made.server(made.root(), **chain))
    assert _certificates.due(text, made.root().pem, names, now=NOW, renew_days=30) == reason


@pytest.mark.parametrize(("authority", "reason"), [("root", None), ("other", "it was issued by another authority")])
def test_a_new_authority_makes_it_due(authority: str, reason: str | None) -> None:
    text = made.pem(made.server(made.root()))
    assert _certificates.due(text, made.root(authority).pem, [HOST], now=NOW, renew_days=30) == reason


GOOD = (made.pem(made.server(made.below(made.root()))) + made.below(made.root()).pem, made.key_pem(made.key("kafka-0")), made.root().pem)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(st.data())
def test_damaged_texts_give_findings_and_no_traceback(data: st.DataObject) -> None:
    texts = list(GOOD)
    which = data.draw(st.integers(0, 2))
    at = data.draw(st.integers(0, len(texts[which]) - 1))
    put = data.draw(st.text(max_size=5) | st.sampled_from(["A", "/", "=", "-----", "-----BEGIN CERTIFICATE-----", "\x00", "\ud800"]))
    texts[which] = texts[which][:at] + put + texts[which][at + data.draw(st.integers(0, 200)) :]
    for finding in _certificates.check(*texts, [HOST], now=NOW, where="here"):
        assert len(finding.message) < 2000


@pytest.mark.parametrize("piece", ["-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----", "-", "A", "\n"])
def test_megabytes_are_no_problem(piece: str) -> None:
    found = _certificates.check(piece * 300_000, piece * 300_000, piece * 300_000, ["a"] * 1000, now=NOW, where="here")
    assert found
    assert sum(len(finding.message) for finding in found) < 100_000


def test_days_of_warning_are_chosen() -> None:
    chain = made.pem(made.server(made.root(), ends=40 * DAY))
    texts = (chain, made.key_pem(made.key("kafka-0")), made.root().pem)
    assert _certificates.check(*texts, [HOST], now=NOW, where="here", days_warning=39) == []
    (finding,) = _certificates.check(*texts, [HOST], now=NOW, where="here", days_warning=41)
    assert (finding.rule, finding.severity) == ("TLS-EXPIRES-SOON", "warning")


def test_time_zones_do_not_matter() -> None:
    chain = made.pem(made.server(made.root(), ends=DAY / 24))
    there = NOW.astimezone(datetime.timezone(datetime.timedelta(hours=-11)))
    texts = (chain, made.key_pem(made.key("kafka-0")), made.root().pem)
    assert [finding.rule for finding in _certificates.check(*texts, [HOST], now=there, where="here")] == ["TLS-EXPIRES-SOON"]


def test_without_cryptography_it_is_said_that_nothing_was_checked() -> None:
    program = """
import sys, datetime
sys.modules["cryptography"] = None
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates
(finding,) = _certificates.check("a", "b", "c", ["d"], now=datetime.datetime.now(datetime.timezone.utc), where="here")
print(finding.rule, finding.severity, _certificates.describe("-----BEGIN CERTIFICATE-----A-----END CERTIFICATE-----"))
"""
    environment = {**os.environ, "PYTHONPATH": "collections"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "TLS-UNCHECKED warning []\n"
