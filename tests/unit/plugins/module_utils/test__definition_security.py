# SPDX-License-Identifier: GPL-3.0-or-later
"""What users say about certificates, passwords and rights, and that it is never said again."""

from __future__ import annotations

import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding

WORD = "PlantedWord4711"


def read(**variables: t.Any) -> tuple[_definition.Definition, list[Finding]]:
    return _definition.read(variables)


def rules(**variables: t.Any) -> list[tuple[str, str]]:
    return [(finding.rule, finding.where) for finding in read(**variables)[1]]


WRONG: list[tuple[str, t.Any, t.Any]] = [
    ("kafka_controller_security", "SASL_SSL", "SSL"),
    ("kafka_authorization", "opa", "acl"),
    ("kafka_super_users", ["ops"], ["User:ops"]),
    ("kafka_super_users", ["User:a;User:b"], ["User:a", "User:b"]),
    ("kafka_super_users", ["User:a\nUser:b"], ["User:CN=a,O=b c"]),
    ("kafka_inter_broker_user", 'kafka" password="x', "kafka-1"),
    ("kafka_inter_broker_user", "a b", "a.b"),
    ("kafka_inter_broker_password", "elevenchars", "twelve-chars"),
    ("kafka_inter_broker_password", "with,comma-and-more", "without.comma_and~more"),
    ("kafka_inter_broker_password", 'with"quote-and-more', "a" * 128),
    ("kafka_inter_broker_password", "a" * 129, "12345678901234"),
    ("kafka_inter_broker_password", 123456789012, "123456789012"),
    ("kafka_tls_source", "vault", "cert_manager"),
    ("kafka_tls_issuer", {"name": "ca", "kind": "Secret"}, {"name": "ca", "kind": "ClusterIssuer"}),
    ("kafka_tls_issuer", {"name": "ca", "knd": "Issuer"}, {"name": "ca", "kind": "Issuer"}),
    ("kafka_tls_clients", ["Ops"], ["ops"]),
    ("kafka_tls_clients", ["a" * 31], ["a" * 30]),
    ("kafka_tls_days", 0, 1),
    ("kafka_tls_renew_days", 3651, 3650),
    ("kafka_tls_authority_days", 1, 2),
    ("kafka_tls_certificates", {"0": {"certificate": "x", "kee": "y"}}, {"0": {"certificate": "x", "key": "y"}}),
    ("kafka_tls_certificates", [], {}),
    ("kafka_secret_config", {"a b": "x"}, {"a.b": "x"}),
    ("kafka_secret_config", {"a": "x\ny"}, {"a": "x y"}),
]


@pytest.mark.parametrize(("name", "wrong", "right"), WRONG)
def test_what_is_refused_and_what_is_not(name: str, wrong: t.Any, right: t.Any) -> None:
    assert any(where.startswith(name) for _rule, where in rules(**{name: wrong}))
    assert rules(**{name: right}) == []


def test_certificates_keep_their_lines() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    tls = read(kafka_tls_authority=f"\n{pem}\n", kafka_tls_certificates={0: {"certificate": pem, "key": pem}})[0].security.tls
    assert tls.authority == tls.certificates["0"].certificate == tls.certificates["0"].key == pem


# Every way to write a secret in the wrong shape at the right place.
SHAPES: list[t.Callable[[t.Any], dict[str, t.Any]]] = [
    lambda secret: {"kafka_inter_broker_password": secret},
    lambda secret: {"kafka_secret_config": secret},
    lambda secret: {"kafka_secret_config": {"ssl.key.password": secret}},
    lambda secret: {"kafka_tls_authority": secret},
    lambda secret: {"kafka_tls_certificates": secret},
    lambda secret: {"kafka_tls_certificates": {"default": secret}},
    lambda secret: {"kafka_tls_certificates": {"default": {"key": secret}}},
    lambda secret: {"kafka_tls_certificates": {"default": {"certificate": secret, "kye": secret}}},
    lambda secret: {"clients_producers": {"name": "p", "topic": "t", "password": secret}},
    lambda secret: {"clients_producers": [{"name": "p", "topic": "t", "user": "u", "password": secret}]},
    lambda secret: {"clients_producers": [{"name": "p", "topic": "t", "pasword": secret}]},
    lambda secret: {"clients_consumers": [[{"password": secret}]]},
]
VALUES: list[t.Any] = [
    WORD,
    f"{WORD} with blanks",
    f"{WORD}\nand lines",
    [WORD],
    {"value": WORD},
    [[WORD]],
    WORD.encode(),
    f"-----BEGIN PRIVATE KEY-----\n{WORD}\n-----END PRIVATE KEY-----",
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
@pytest.mark.parametrize("shape", range(len(SHAPES)))
def test_no_message_shows_a_secret_however_it_is_written(shape: int, value: t.Any) -> None:
    definition, findings = read(**SHAPES[shape](value))
    assert not [finding for finding in findings if WORD in str(finding.as_dict())]
    assert WORD not in repr(definition)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
NAMES = sorted({name for name, _wrong, _right in WRONG})


@hypothesis.given(st.dictionaries(st.sampled_from(NAMES), ANYTHING, max_size=4))
@hypothesis.settings(deadline=None)
def test_anything_at_all_is_read(variables: dict[str, t.Any]) -> None:
    definition, findings = read(**variables)
    assert isinstance(definition.security.tls.days, int)
    assert all(finding.severity == "error" and finding.fix for finding in findings)
