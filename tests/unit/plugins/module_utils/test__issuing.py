# SPDX-License-Identifier: GPL-3.0-or-later
"""What the collection's own authority is to issue now, judged by certificates that were really issued."""

from __future__ import annotations

import base64
import datetime
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _issuing, _plan, _plan_kafka
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Issuance
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made
from ansible_collections.kafkaops.kubernetes.tests.oracle.certificates import DAY, NOW

TLS: dict[str, t.Any] = {
    "kafka_cluster_name": "events",
    "kafka_node_pools": [{"name": "node", "node_ids": [0, 1], "roles": ["broker", "controller"]}],
    "kafka_listeners": [{"name": "INTERNAL", "port": 9092, "security": "SSL"}],
    "kafka_tls_clients": ["ops"],
}
ALL = ["events-node-0-tls", "events-node-1-tls", "events-client-ops"]


def planned(**variables: t.Any) -> tuple[_definition.Definition, _plan.Plan]:
    definition, findings = _definition.read({**TLS, **variables})
    assert findings == []
    return definition, _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id"))


def secret(name: str, **data: str) -> dict[str, t.Any]:
    return {"metadata": {"name": name}, "data": {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}}


def authority(issuer: made.Issuer | None = None, trusted: str = "") -> dict[str, t.Any]:
    pem = (issuer or made.root()).pem
    return secret("events-authority", tls_crt=pem, tls_key="k", ca_crt=trusted or pem)


def issued(plan: _plan.Plan, trusted: str = "", **how: t.Any) -> list[dict[str, t.Any]]:
    """The Secrets of all certificates of a plan."""
    return [
        secret(each.name, tls_crt=made.pem(made.server(made.root(), names=(*each.dns, *each.addresses), **how)), ca_crt=trusted or made.root().pem)
        for each in plan.certificates
    ]


def due(*secrets: dict[str, t.Any], now: datetime.datetime = NOW, **variables: t.Any) -> Issuance:
    definition, plan = planned(**variables)
    return _issuing.due(definition, plan, Found(True, {"Secret": list(secrets)}, ()), now)


def reasons(issuance: Issuance) -> dict[str, str]:
    return {each.name: each.reason for each in issuance.certificates}


def test_a_new_cluster_gets_everything() -> None:
    found = due()
    assert found.authority == "there is none yet"
    assert [each.name for each in found.certificates] == ALL
    assert found.authority_days == 3650
    definition, plan = planned()
    assert reasons(_issuing.due(definition, plan, None, NOW)) == reasons(found)


def test_a_second_run_issues_nothing() -> None:
    found = due(authority(), *issued(planned()[1]))
    assert found.authority == ""
    assert found.certificates == ()


@pytest.mark.parametrize(("days", "names"), [(31, []), (29, ALL)])
def test_what_is_near_its_end_is_issued_anew(days: int, names: list[str]) -> None:
    found = due(authority(), *issued(planned()[1], ends=days * DAY))
    assert list(reasons(found)) == names
    assert found.authority == ""
    assert list(reasons(due(authority(), *issued(planned()[1], ends=days * DAY), kafka_tls_renew_days=28))) == []


def test_one_that_is_missing_is_issued_alone() -> None:
    secrets = [each for each in issued(planned()[1]) if each["metadata"]["name"] != "events-node-1-tls"]
    assert reasons(due(authority(), *secrets)) == {"events-node-1-tls": "there is none yet"}


def test_a_new_name_makes_new_certificates_of_nodes_and_not_of_clients() -> None:
    secrets = issued(planned()[1])
    assert reasons(due(authority(), *secrets, kafka_tls_names=["a.example.com"])) == dict.fromkeys(ALL[:2], "it does not cover a.example.com")
    more = issued(planned(kafka_tls_names=["a.example.com"])[1])
    assert reasons(due(authority(), *more)) == dict.fromkeys(ALL[:2], "it still covers a.example.com")
    assert reasons(due(authority(), *more, kafka_tls_names=["A.example.com."])) == {}


def test_days_that_are_left() -> None:
    _definition_of, plan = planned()
    secrets = {"Secret": [authority(), *issued(plan, ends=10 * DAY)]}
    days = _issuing.days_left(plan, Found(True, secrets, ()), NOW)
    assert {name: days[name] for name in ALL} == dict.fromkeys(ALL, 10)
    assert days["events-authority"] > 10
    assert _issuing.days_left(plan, Found(True, secrets, ()), NOW + 11 * DAY)[ALL[0]] == -1
    assert _issuing.days_left(plan, Found(True, {"Secret": secrets["Secret"][:2]}, ()), NOW).keys() == {"events-authority", ALL[0]}
    assert _issuing.days_left(plan, None, NOW) == {}
    assert _issuing.days_left(planned(**PLAIN)[1], Found(True, secrets, ()), NOW) == {}


def test_of_another_authority() -> None:
    found = due(authority(made.root("another")), *issued(planned()[1], trusted=made.root("another").pem))
    assert set(reasons(found).values()) == {"it was issued by another authority"}
    assert list(reasons(found)) == ALL


def test_who_is_to_trust_more_gets_a_new_secret() -> None:
    both = made.root().pem + made.root("next").pem
    assert reasons(due(authority(trusted=both), *issued(planned()[1]))) == dict.fromkeys(ALL, "what it is to trust has changed")
    assert reasons(due(authority(trusted=both), *issued(planned()[1], trusted=both))) == {}


@pytest.mark.parametrize(
    "variables",
    [
        {"kafka_tls_source": "given", "kafka_tls_clients": []},
        {"kafka_tls_source": "cert_manager", "kafka_tls_clients": []},
        {"kafka_listeners": [{"name": "INTERNAL", "port": 9092}]},
    ],
)
def test_others_issue_or_nobody_needs_any(variables: dict[str, t.Any]) -> None:
    assert due(**variables) == Issuance()


def test_names_are_said_as_x509_does() -> None:
    wanted = next(each for each in due(kafka_tls_names=["192.0.2.1", "2001:db8::1"]).certificates if each.name == "events-node-0-tls")
    assert {"IP:192.0.2.1", "IP:2001:db8::1", "DNS:events-bootstrap.kafka.svc"} <= set(wanted.subject_alt_name)
    assert wanted.common_name == "events"
    client = due().certificates[-1]
    assert (client.common_name, client.subject_alt_name, client.component) == ("ops", (), "client")


def against(there: Found | None, **variables: t.Any) -> list[str]:
    definition, plan = planned(**variables)
    return [finding.rule for finding in _issuing.against(definition, plan, there)]


OTHERS_ISSUE: dict[str, t.Any] = {"kafka_tls_source": "cert_manager", "kafka_tls_clients": []}
PLAIN: dict[str, t.Any] = {"kafka_listeners": [{"name": "INTERNAL", "port": 9092}], "kafka_tls_clients": []}
SASL: dict[str, t.Any] = {"kafka_listeners": [{"name": "INTERNAL", "port": 9092, "security": "SASL_PLAINTEXT"}], "kafka_tls_clients": []}


@pytest.mark.parametrize(
    ("secrets", "variables", "lost"),
    [
        (lambda plan: issued(plan), {}, True),
        (lambda plan: [authority(), *issued(plan)], {}, False),
        (lambda plan: [], {}, False),
        (lambda plan: issued(plan)[:1], {}, True),
        (lambda plan: issued(plan), OTHERS_ISSUE, False),
        (lambda plan: issued(plan), PLAIN, False),
    ],
)
def test_no_second_authority_is_made_where_the_first_is_lost(secrets: t.Any, variables: dict[str, t.Any], lost: bool) -> None:
    assert against(Found(True, {"Secret": secrets(planned()[1])}, ()), **variables) == (["AUTHORITY-LOST"] if lost else [])


@pytest.mark.parametrize(("variables", "refused"), [({}, True), (SASL, True), (PLAIN, False), (OTHERS_ISSUE, False)])
def test_nothing_is_made_up_where_secrets_cannot_be_read(variables: dict[str, t.Any], refused: bool) -> None:
    assert against(Found(True, {}, ("Secret",)), **variables) == (["SECRETS-UNREADABLE"] if refused else [])
    assert against(Found(True, {}, ("Pod",)), **variables) == []
    assert against(None, **variables) == []


ISSUER: dict[str, t.Any] = {**OTHERS_ISSUE, "kafka_tls_issuer": {"name": "ca"}}
CLUSTER_ISSUER: dict[str, t.Any] = {**OTHERS_ISSUE, "kafka_tls_issuer": {"name": "ca", "kind": "ClusterIssuer"}}
ANOTHER_GROUP: dict[str, t.Any] = {**OTHERS_ISSUE, "kafka_tls_issuer": {"name": "ca", "group": "issuers.example.com"}}
NOBODY: dict[str, list[dict[str, t.Any]]] = {"Certificate": [], "Issuer": [], "ClusterIssuer": []}


def issuer(status: str = "True", name: str = "ca", message: str = "") -> dict[str, t.Any]:
    """``status``: of its condition, empty where nobody has looked at it yet."""
    conditions = [{"type": "Ready", "status": status, "message": message}] if status else []
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def requests(plan: _plan.Plan, issuer_name: str = "ca") -> list[dict[str, t.Any]]:
    return [{"metadata": {"name": each.name}, "spec": {"issuerRef": {"name": issuer_name}}} for each in plan.certificates]


@pytest.mark.parametrize(
    ("objects", "variables", "expected"),
    [
        ({}, ISSUER, "CERT-MANAGER-ABSENT"),
        ({}, ANOTHER_GROUP, "CERT-MANAGER-ABSENT"),
        ({}, {}, ""),  # the collection issues itself
        ({}, {**ISSUER, **PLAIN}, ""),  # there is nothing to issue
        (NOBODY, ISSUER, "ISSUER-ABSENT"),
        ({**NOBODY, "Issuer": [issuer()]}, ISSUER, ""),
        ({**NOBODY, "Issuer": [issuer(name="other")]}, ISSUER, "ISSUER-ABSENT"),
        ({**NOBODY, "ClusterIssuer": [issuer()]}, ISSUER, "ISSUER-ABSENT"),
        ({**NOBODY, "ClusterIssuer": [issuer()]}, CLUSTER_ISSUER, ""),
        ({**NOBODY, "Issuer": [issuer()]}, CLUSTER_ISSUER, "ISSUER-ABSENT"),
        ({**NOBODY, "Issuer": [issuer("False")]}, ISSUER, "ISSUER-NOT-READY"),
        ({**NOBODY, "Issuer": [issuer("")]}, ISSUER, "ISSUER-NOT-READY"),
        (NOBODY, ANOTHER_GROUP, ""),  # kinds of others are not known here
        ({"Certificate": []}, ISSUER, ""),  # issuers may not be read
    ],
)
def test_cert_manager_and_the_issuer_are_there_first(objects: t.Any, variables: dict[str, t.Any], expected: str) -> None:
    definition, plan = planned(**variables)
    found = _issuing.by_others(definition, plan, Found(True, {"Secret": [], **objects}, ()))
    assert [(finding.rule, finding.severity) for finding in found] == ([(expected, "error")] if expected else [])


def test_whoever_may_not_read_certificates_is_not_told_that_there_are_none() -> None:
    assert _issuing.by_others(*planned(**ISSUER), Found(True, {}, ("Certificate", "Issuer"))) == []
    assert _issuing.by_others(*planned(**ISSUER), None) == []


@pytest.mark.parametrize(
    ("secrets", "asked", "severity"),
    [
        (lambda plan: issued(plan), lambda plan: requests(plan), "warning"),
        (lambda plan: issued(plan)[1:], lambda plan: requests(plan), "error"),
        (lambda plan: issued(plan), lambda plan: requests(plan, "former"), "error"),
        (lambda plan: issued(plan), lambda plan: requests(plan)[1:], "error"),
    ],
)
def test_nodes_that_have_what_the_issuer_issued_go_on_without_it(secrets: t.Any, asked: t.Any, severity: str) -> None:
    definition, plan = planned(**ISSUER)
    for issuers in ([], [issuer("False")]):
        objects = {"Secret": secrets(plan), "Certificate": asked(plan), "Issuer": issuers}
        assert [finding.severity for finding in _issuing.by_others(definition, plan, Found(True, objects, ()))] == [severity]


def test_what_is_said_of_an_issuer_leads_on() -> None:
    definition, plan = planned(**ISSUER)
    (absent,) = _issuing.by_others(definition, plan, Found(True, {**NOBODY, "Issuer": [issuer(name="b"), issuer(name="a")]}, ()))
    assert absent.message == "there is no Issuer ca in namespace kafka"
    assert "(a, b)" in absent.fix
    (unready,) = _issuing.by_others(definition, plan, Found(True, {**NOBODY, "Issuer": [issuer("False", message="no key")]}, ()))
    assert unready.message == "Issuer ca in namespace kafka is not ready: no key"
    (new,) = _issuing.by_others(*planned(**CLUSTER_ISSUER), Found(True, {**NOBODY, "ClusterIssuer": [issuer("")]}, ()))
    assert new.message == "ClusterIssuer ca is not ready: cert-manager has said nothing about it yet: does its controller run?"
