# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule about security has a case that must fail and a near twin that must pass."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _cluster_rules, _definition, _plan, _plan_kafka, _security_rules
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import access, certificates, nodes, secrets
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made
from ansible_collections.kafkaops.kubernetes.tests.oracle.certificates import DAY, NOW

Variables = dict
SPLIT = [{"name": "controller", "node_ids": [100, 101, 102], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1, 2]}]
COMBINED = [{"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"]}]
ZOOKEEPER = {"kafka_mode": "zookeeper", "kafka_version": "3.9.2"}
ACL = {"kafka_authorization": "acl", "kafka_super_users": ["User:ops"]}
LITERAL = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="literal-word";'
REFERRED = LITERAL.replace("literal-word", "${file:/etc/x:y}")


def own(**options: t.Any) -> dict[str, t.Any]:
    """The brokers' own listener."""
    return {"name": "INTERNAL", "port": 9092, **options}


def other(**options: t.Any) -> dict[str, t.Any]:
    return {"name": "CLIENTS", "port": 9093, **options}


def listeners(*items: dict[str, t.Any], **variables: t.Any) -> Variables:
    return {"kafka_listeners": list(items), **variables}


def pools(roles: list[str], **variables: t.Any) -> Variables:
    return {"kafka_node_pools": [{"name": "node", "node_ids": [0], "roles": roles}], **variables}


def producer(*items: dict[str, t.Any], **options: t.Any) -> Variables:
    return listeners(*items, clients_producers=[{"name": "p", "topic": "t", **options}])


def config(key: str, value: str, **variables: t.Any) -> Variables:
    return {"kafka_config": {key: value}, **variables}


def pool_config(key: str, value: str, **variables: t.Any) -> Variables:
    return {"kafka_node_pools": [{**COMBINED[0], "config": {key: value}}], **variables}


def secret_config(key: str, **variables: t.Any) -> Variables:
    return {"kafka_secret_config": {key: "x"}, **variables}


def names_of(node: int, pool: str = "node", kind: str = "broker") -> tuple[str, ...]:
    """All that a node of the cluster ``kafka`` is told by."""
    return (f"kafka-{pool}-{node}-0.kafka-{kind}-nodes.kafka.svc.cluster.local", "kafka-bootstrap.kafka.svc.cluster.local")


def given(*names: str, subject: str = "kafka-0", **how: t.Any) -> dict[str, str]:
    """A certificate and its key."""
    issued = made.server(made.root(), subject, names=names or sum((names_of(node) for node in range(3)), ()), **how)
    return {"certificate": made.pem(issued), "key": made.key_pem(made.key(subject))}


def tls(certificates: dict[t.Any, t.Any], *, authority: str | None = None, **variables: t.Any) -> Variables:
    trusted = made.root().pem if authority is None else authority
    return {
        **listeners(own(security="SSL")),
        "kafka_tls_source": "given",
        "kafka_tls_authority": trusted,
        "kafka_tls_certificates": certificates,
        **variables,
    }


JAAS = "listener.name.clients.plain.sasl.jaas.config"
PLAIN = listeners(own(), other(security="SASL_PLAINTEXT", mechanisms=["PLAIN"]))
SCRAM_256 = listeners(own(security="SASL_PLAINTEXT", mechanisms=["SCRAM-SHA-256"]))
ISSUER = {"kafka_tls_source": "cert_manager", "kafka_tls_issuer": {"name": "ca"}, **listeners(own(security="SSL"))}

# rule, variables that break it, variables as near as can be that do not
CASES: list[tuple[str, Variables, Variables]] = [
    ("SECRET-IN-CONFIG", config("ssl.key.password", "literal-word"), config("ssl.key.password", "${file:/etc/x:y}")),
    ("SECRET-IN-CONFIG", config("ssl.key.password", "literal-word"), secret_config("ssl.key.password")),
    ("SECRET-IN-CONFIG", config("ssl.key.password", "${file:/etc/x:y}literal-word"), config("ssl.key.password", "${a:b}${c:d}")),
    ("SECRET-IN-CONFIG", config("ssl.keystore.key", "literal-word"), config("ssl.keystore.certificate.chain", "literal-word")),
    ("SECRET-IN-CONFIG", config("delegation.token.secret.key", "literal-word"), config("delegation.token.expiry.time.ms", "1000000")),
    ("SECRET-IN-CONFIG", config("my.plugin.Password", "literal-word"), config("my.plugin.password.file", "/etc/x")),
    ("SECRET-IN-CONFIG", config("zookeeper.ssl.keystore.password", "literal-word", **ZOOKEEPER), config("zookeeper.ssl.keystore.location", "w", **ZOOKEEPER)),
    # Password of the release: gone in 4.0, and still none to be read by everyone.
    ("SECRET-IN-CONFIG", config("password.encoder.secret", "literal-word"), config("password.encoder.iterations", "4096")),
    ("SECRET-IN-CONFIG", config(JAAS, LITERAL), config(JAAS, REFERRED)),
    ("SECRET-IN-CONFIG", config(JAAS, LITERAL.replace("password", "user_a")), config(JAAS, REFERRED.replace("password", "user_a"))),
    ("SECRET-IN-CONFIG", config(JAAS, 'x required clientSecret="literal-word";'), config(JAAS, 'x required clientId="literal-word";')),
    ("SECRET-IN-CONFIG", config(JAAS, "x required password=literal-word;"), config(JAAS, "x required password=${a:b:c};")),
    ("SECRET-IN-CONFIG", config(JAAS, "x required password='literal-word';"), config(JAAS, "x required password='${a:b:c}';")),
    ("SECRET-IN-CONFIG", pool_config("ssl.key.password", "literal-word"), pool_config("ssl.key.password", "${a:b}")),
    ("SECRET-IN-CONFIG", listeners(own(config={"ssl.key.password": "literal-word"})), listeners(own(config={"ssl.key.password": "${a:b}"}))),
    ("SECRET-IN-CONFIG", listeners(own(config={"plain.sasl.jaas.config": LITERAL})), listeners(own(config={"plain.sasl.jaas.config": REFERRED}))),
    (
        "SECRET-IN-CONFIG",
        {**ZOOKEEPER, "zookeeper_config": {"ssl.keyStore.password": "literal-word"}},
        {**ZOOKEEPER, "zookeeper_config": {"ssl.keyStore.passwordPath": "/etc/x"}},
    ),
    ("SECRET-IN-CONFIG", producer(own(), properties={"sasl.jaas.config": LITERAL}), producer(own(), properties={"sasl.jaas.config": REFERRED})),
    ("SECRET-IN-CONFIG", producer(own(), properties={"ssl.key.password": "literal-word"}), producer(own(), properties={"ssl.key.password": "${a:b}"})),
    ("SECRET-CONFIG-KEY", secret_config("my/plugin.password"), secret_config("my-plugin.password")),
    ("SECRET-CONFIG-KEY", secret_config("my}plugin"), secret_config("my_plugin")),
    ("SECRET-CONFIG-OWNED", secret_config("super.users"), secret_config("ssl.key.password")),
    ("SECRET-CONFIG-OWNED", secret_config("a.b", kafka_config={"a.b": "c"}), secret_config("a.b", kafka_config={"a.c": "c"})),
    ("SECRET-CONFIG-OWNED", {**secret_config("a.b"), **pool_config("a.b", "c")}, {**secret_config("a.b"), **pool_config("a.c", "c")}),
    ("SECRET-CONFIG-LOGGED", secret_config("sasl.oauthbearer.expected.issuer"), secret_config("sasl.oauthbearer.client.credentials.client.secret")),
    ("LSN-CONTROLLER-RESERVED", listeners(own(), other(name="controller")), listeners(own(), other(name="CONTROLLERS"))),
    ("LSN-CONTROLLER-RESERVED", listeners(own(), other(name="controller")), listeners(own(), other(name="controller"), **ZOOKEEPER)),
    ("LSN-CONTROLLER-RESERVED", listeners(own(), other(port=9090)), listeners(own(), other(port=9091))),
    (
        "LSN-CONTROLLER-RESERVED",
        listeners(own(), other(port=9091, exposure="load_balancer"), kafka_controller_port=9091, kafka_node_pools=SPLIT),
        listeners(own(), other(port=9090, exposure="load_balancer"), kafka_controller_port=9091, kafka_node_pools=SPLIT),
    ),
    ("ROLE-MODE", pools(["broker", "controller"], **ZOOKEEPER), pools(["broker"], **ZOOKEEPER)),
    ("ROLE-MODE", pools([]), pools(["controller"])),
    ("BROKER-NONE", pools(["controller"]), pools(["controller", "broker"])),
    ("BROKER-NONE", {"kafka_node_pools": []}, {}),
    ("QUORUM-NONE", pools(["broker"]), pools(["broker", "controller"])),
    ("QUORUM-NONE", pools(["broker"]), pools(["broker"], **ZOOKEEPER)),
    ("QUORUM-RELEASE", {"kafka_version": "3.8.1"}, {"kafka_version": "3.8.1", "kafka_quorum": "static"}),
    ("QUORUM-RELEASE", {"kafka_version": "3.8.1"}, {"kafka_version": "3.9.0"}),
    ("QUORUM-RELEASE", {"kafka_version": "3.8.1"}, {"kafka_version": "3.8.1", "kafka_mode": "zookeeper"}),
    (
        "SECURITY-RELEASE",
        listeners(own(security="SSL"), kafka_mode="zookeeper", kafka_version="2.6.3"),
        listeners(own(security="SSL"), kafka_mode="zookeeper", kafka_version="2.7.0"),
    ),
    (
        "SECURITY-RELEASE",
        secret_config("a.b", kafka_mode="zookeeper", kafka_version="2.6.3"),
        config("a.b", "c", kafka_mode="zookeeper", kafka_version="2.6.3"),
    ),
    (
        "SECURITY-RELEASE",
        listeners(own(security="SASL_SSL"), kafka_version="3.4.1", kafka_quorum="static"),
        listeners(own(security="SASL_SSL"), kafka_version="3.5.0", kafka_quorum="static"),
    ),
    (
        "SECURITY-RELEASE",
        listeners(own(security="SASL_SSL"), kafka_version="3.4.1", kafka_quorum="static"),
        listeners(own(security="SASL_SSL"), kafka_version="3.4.1", kafka_mode="zookeeper"),
    ),
    ("CUSTOM-HOST", listeners(own(), other(exposure="custom")), listeners(own(), other(exposure="custom", advertised_host="{id}.example.com"))),
    (
        "CUSTOM-HOST",
        listeners(own(), other(exposure="custom", advertised_hosts={"0": "a", "1": "b"})),
        listeners(own(), other(exposure="custom", advertised_hosts={"0": "a", "1": "b", "2": "c"})),
    ),
    (
        "CUSTOM-HOST",
        listeners(own(), other(exposure="custom", advertised_hosts={"0": "a"}), kafka_node_pools=SPLIT),
        listeners(own(), other(exposure="custom", advertised_hosts={"0": "a", "1": "b", "2": "c"}), kafka_node_pools=SPLIT),
    ),
    ("POLICY-PEER", listeners(own(allow_from=[{"podselector": {}}])), listeners(own(allow_from=[{"podSelector": {}}]))),
    ("POLICY-PEER", listeners(own(allow_from=[{}])), listeners(own(allow_from=[]))),
    (
        "POLICY-PEER",
        listeners(own(allow_from=[{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}])),
        listeners(own(allow_from=[{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"podSelector": {}, "namespaceSelector": {}}])),
    ),
    ("SASL-MECHANISM", PLAIN, {**PLAIN, **secret_config(JAAS)}),
    ("SASL-MECHANISM", PLAIN, listeners(own(), other(security="PLAINTEXT", mechanisms=["PLAIN"]))),
    ("SASL-MECHANISM", SCRAM_256, listeners(own(security="SASL_PLAINTEXT", mechanisms=["SCRAM-SHA-512"]))),
    ("SASL-MECHANISM", SCRAM_256, {**SCRAM_256, **secret_config("listener.name.internal.scram-sha-256.sasl.jaas.config")}),
    (
        "SASL-MECHANISM",
        listeners(own(security="SASL_SSL", mechanisms=["SCRAM-SHA-512", "OAUTHBEARER"])),
        listeners(own(security="SASL_SSL", mechanisms=["SCRAM-SHA-512", "OAUTHBEARER"], config={"oauthbearer.sasl.jaas.config": "x required;"})),
    ),
    ("AUTHZ-ANONYMOUS", {**listeners(own()), **ACL}, {**listeners(own(security="SSL")), **ACL}),
    ("AUTHZ-ANONYMOUS", {**listeners(own()), **ACL}, listeners(own())),
    ("AUTHZ-ANONYMOUS", {**listeners(own(), **ZOOKEEPER), **ACL}, {**listeners(own(security="SASL_PLAINTEXT"), **ZOOKEEPER), **ACL}),
    (
        "AUTHZ-ANONYMOUS",
        {**listeners(own(security="SSL", client_auth="none")), **ACL},
        {**listeners(own(security="SASL_SSL", client_auth="none")), **ACL},
    ),
    (
        "AUTHZ-ANONYMOUS",
        {**listeners(own(security="SSL", config={"ssl.client.auth": "none"})), **ACL},
        {**listeners(own(security="SSL", config={"ssl.client.auth": "requested"})), **ACL},
    ),
    (
        "AUTHZ-ANONYMOUS",
        {**listeners(own(security="SASL_SSL"), kafka_controller_security="PLAINTEXT"), **ACL},
        {**listeners(own(security="SASL_SSL"), kafka_controller_security="SSL"), **ACL},
    ),
    (
        "AUTHZ-ANONYMOUS",
        {**listeners(own(security="SASL_SSL")), **pool_config("listener.name.controller.ssl.client.auth", "none"), **ACL},
        {**listeners(own(security="SASL_SSL")), **pool_config("listener.name.controller.ssl.client.auth", "required"), **ACL},
    ),
    (
        "AUTHZ-ANONYMOUS",
        {**listeners(own(security="SSL")), **ACL, "kafka_super_users": ["User:ANONYMOUS"]},
        {**listeners(own(security="SSL")), **ACL, "kafka_super_users": ["User:anonymous"]},
    ),
    (
        "AUTHZ-NODES-DENIED",
        {**listeners(own(security="SSL")), **config("authorizer.class.name", "a.B")},
        {**listeners(own(security="SSL")), "kafka_config": {"authorizer.class.name": "a.B", "super.users": "User:x;User:CN=kafka"}},
    ),
    (
        "AUTHZ-NODES-DENIED",
        {**listeners(own(security="SASL_SSL"), kafka_authorization="acl"), **pool_config("super.users", "User:CN=kafka")},
        listeners(own(security="SASL_SSL"), kafka_authorization="acl"),
    ),
    (
        "AUTHZ-PRINCIPAL-MAPPED",
        {**listeners(own(security="SSL")), **ACL, **config("ssl.principal.mapping.rules", "RULE:^CN=(.*)$/$1/")},
        {**listeners(own(security="SSL")), **ACL, **config("ssl.principal.mapping.rules", "DEFAULT")},
    ),
    (
        "AUTHZ-PRINCIPAL-MAPPED",
        {**listeners(own(security="SSL"), other(security="SSL")), **ACL, **config("listener.name.internal.ssl.principal.mapping.rules", "RULE:a/b/")},
        {**listeners(own(security="SSL"), other(security="SSL")), **ACL, **config("listener.name.clients.ssl.principal.mapping.rules", "RULE:a/b/")},
    ),
    ("AUTHZ-NO-SUPER-USER", {"kafka_authorization": "acl"}, ACL),
    ("AUTHZ-NO-SUPER-USER", {"kafka_authorization": "acl"}, {}),
    ("AUTHZ-OPEN-LISTENER", {**listeners(own(security="SSL"), other()), **ACL}, {**listeners(own(security="SSL"), other(security="SASL_PLAINTEXT")), **ACL}),
    ("AUTHZ-OPEN-LISTENER", {**listeners(own(security="SSL"), other()), **ACL}, listeners(own(security="SSL"), other())),
    (
        "AUTHZ-OPEN-LISTENER",
        {**listeners(own(security="SSL", client_auth="requested")), **ACL},
        {**listeners(own(security="SSL", client_auth="required")), **ACL},
    ),
    (
        "AUTHZ-OPEN-LISTENER",
        {**listeners(own(security="SSL"), other(security="SSL", client_auth="none")), **ACL},
        {**listeners(own(security="SSL"), other(security="SASL_SSL", client_auth="none")), **ACL},
    ),
    ("CLIENT-NO-LOGIN", producer(own(security="SASL_SSL")), producer(own(security="SASL_SSL"), user="u", password="123456789012")),
    ("CLIENT-NO-LOGIN", producer(own(security="SASL_SSL")), producer(own(security="SASL_SSL"), properties={"sasl.jaas.config": "x required;"})),
    ("CLIENT-NO-LOGIN", producer(own(security="SASL_SSL")), producer(own(security="SASL_SSL"), bootstrap_servers=["a:9092"])),
    ("CLIENT-NO-LOGIN", producer(own(security="SASL_SSL")), producer(own(security="SSL"))),
    ("CLIENT-NO-LOGIN", producer(own(), user="u"), producer(own(), user="u", password="123456789012")),
    ("CLIENT-NO-LOGIN", producer(own(), password="123456789012"), producer(own())),
    (
        "CLIENT-NO-LOGIN",
        producer(own(), other(security="SASL_SSL", mechanisms=["PLAIN"]), listener="CLIENTS", user="u", password="123456789012"),
        producer(own(), other(security="SASL_SSL", mechanisms=["PLAIN", "SCRAM-SHA-512"]), listener="CLIENTS", user="u", password="123456789012"),
    ),
    (
        "CLIENT-IS-NODE",
        {**producer(own(security="SASL_SSL"), user="kafka", password="123456789012"), **ACL},
        {**producer(own(security="SASL_SSL"), user="kafka-1", password="123456789012"), **ACL},
    ),
    # The other one of the two that brokers log in as in turn.
    (
        "CLIENT-IS-NODE",
        {**producer(own(security="SASL_SSL"), user="kafka-b", password="123456789012"), **ACL},
        producer(own(security="SASL_SSL"), user="kafka-b", password="123456789012"),
    ),
    (
        "CLIENT-IS-NODE",
        {**listeners(own(security="SSL"), kafka_tls_clients=["kafka"]), **ACL},
        {**listeners(own(security="SSL"), kafka_tls_clients=["kafka-ops"]), **ACL},
    ),
    ("CLIENT-NO-CERTIFICATE", producer(own(security="SSL")), producer(own(security="SSL"), tls_client="ops")),
    ("CLIENT-NO-CERTIFICATE", producer(own(security="SSL")), producer(own(security="SSL"), properties={"ssl.keystore.location": "/x"})),
    ("CLIENT-NO-CERTIFICATE", producer(own(security="SSL")), producer(own(security="SSL", client_auth="requested"))),
    ("CLIENT-NO-CERTIFICATE", producer(own(security="SASL_SSL", client_auth="required")), producer(own(security="SASL_SSL"))),
    ("CLIENT-TLS-UNKNOWN", producer(own(security="SSL"), tls_client="ops"), {**producer(own(security="SSL"), tls_client="ops"), "kafka_tls_clients": ["ops"]}),
    ("CLIENT-TLS-UNKNOWN", {**producer(own(), tls_client="ops"), "kafka_tls_clients": ["ops"]}, {**producer(own()), "kafka_tls_clients": ["ops"]}),
    ("TLS-GIVEN-MISSING", tls({}), tls({"default": given()})),
    ("TLS-GIVEN-MISSING", tls({"0": given(), "1": given()}), tls({"0": given(), "1": given(), "2": given()})),
    ("TLS-GIVEN-MISSING", tls({"default": {**given(), "key": ""}}), tls({"default": given()})),
    ("TLS-GIVEN-MISSING", tls({"default": {**given(), "certificate": ""}}), tls({"default": given()}, kafka_tls_source="own")),
    ("TLS-GIVEN-MISSING", tls({"default": given()}, authority=""), tls({"default": given()}, authority="", **listeners(own()))),
    (
        "TLS-GIVEN-MISSING",
        tls({str(node): given() for node in range(4)}, zookeeper_tls=True, **ZOOKEEPER),
        tls({str(node): given() for node in range(3)} | {f"zookeeper-{number}": given() for number in (1, 2, 3)}, zookeeper_tls=True, **ZOOKEEPER),
    ),
    ("TLS-GIVEN-UNKNOWN", tls({"default": given(), "3": given()}), tls({"default": given(), "2": given()})),
    ("TLS-GIVEN-UNKNOWN", tls({"default": given(), "zookeeper-1": given()}), tls({"default": given(), "zookeeper-1": given()}, **ZOOKEEPER)),
    ("TLS-ISSUER-MISSING", {**ISSUER, "kafka_tls_issuer": {"kind": "ClusterIssuer"}}, ISSUER),
    ("TLS-UNUSED", {"kafka_tls_names": ["a.example.com"]}, listeners(own(security="SSL"), kafka_tls_names=["a.example.com"])),
    ("TLS-UNUSED", {"kafka_tls_names": ["a.example.com"]}, {"kafka_tls_names": []}),
    ("TLS-UNUSED", {"kafka_tls_days": 30}, {"kafka_tls_days": 30, "kafka_controller_security": "SSL"}),
    ("TLS-UNUSED", {"kafka_tls_days": 30, **ZOOKEEPER}, {"kafka_tls_days": 30, "zookeeper_tls": True, **ZOOKEEPER}),
    ("TLS-CLIENTS-SOURCE", {**ISSUER, "kafka_tls_clients": ["ops"]}, {**ISSUER, "kafka_tls_clients": ["ops"], "kafka_tls_source": "own"}),
]  # fmt: skip


RULES = {rule.id for rule in _cluster_rules.RULES if rule.problems.__module__ in [module.__name__ for module in (access, certificates, nodes, secrets)]}


def check(variables: Variables) -> list[Finding]:
    """What the rules of these modules say, and what is said about given certificates."""
    definition, _findings = _definition.read(variables)
    plan = _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id"))
    findings = [finding for finding in _cluster_rules.check_variables(definition, plan, {}) if finding.rule in RULES]
    return findings + _security_rules.check(definition, plan, NOW)


@pytest.mark.parametrize(("rule", "wrong", "right"), CASES)
def test_a_rule_tells_wrong_from_right(rule: str, wrong: Variables, right: Variables) -> None:
    told = [finding for finding in check(wrong) if finding.rule == rule]
    assert told
    assert all(finding.where.startswith(("kafka_", "clients_", "zookeeper_")) and finding.fix for finding in told)
    assert rule not in {finding.rule for finding in check(right)}


@pytest.mark.parametrize("variables", [wrong for _rule, wrong, _right in CASES])
def test_no_message_shows_a_secret(variables: Variables) -> None:
    said = " ".join(" ".join(finding.as_dict().values()) for finding in check(variables))
    assert "literal-word" not in said
    assert "PRIVATE KEY-----" not in said
    assert "123456789012" not in said


def test_every_rule_has_a_case() -> None:
    assert {rule for rule, _wrong, _right in CASES} == RULES


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"kafka_node_pools": SPLIT},
        ZOOKEEPER,
        {**listeners(own(security="SASL_SSL"), other(security="SSL", exposure="load_balancer")), **ACL},
        {**listeners(own(security="SASL_SSL"), **ZOOKEEPER), **ACL},
        {**ISSUER, **ACL},
        tls({"default": given()}, **ACL),
    ],
)
def test_nothing_to_say_about_what_is_right(variables: Variables) -> None:
    assert check(variables) == []


FEW = tuple(name for node in (0, 1) for name in names_of(node))
GIVEN: list[tuple[str, Variables, Variables]] = [
    ("TLS-SAN-MISSING", tls({"default": given(*FEW)}), tls({"default": given(*FEW), "2": given(*names_of(2))})),
    ("TLS-SAN-MISSING", tls({"default": given("*.kafka.svc.cluster.local")}), tls({"default": given("*.kafka-broker-nodes.kafka.svc.cluster.local", FEW[1])})),
    (
        "TLS-SAN-MISSING",
        tls({"default": given()}, **listeners(own(security="SSL"), other(security="SSL", exposure="custom", advertised_host="a{id}.example.com"))),
        tls({"default": given("*.example.com", FEW[1], *sum(map(names_of, range(3)), ()))},
            **listeners(own(security="SSL"), other(security="SSL", exposure="custom", advertised_host="a{id}.example.com"))),
    ),
    ("TLS-EXPIRED", tls({"default": given(begins=-9 * DAY, ends=-DAY)}), tls({"default": given(begins=-9 * DAY, ends=90 * DAY)})),
    ("TLS-EXPIRES-SOON", tls({"default": given(ends=29 * DAY)}), tls({"default": given(ends=29 * DAY)}, kafka_tls_renew_days=28)),
    ("TLS-SUBJECT", tls({"default": given(subject="a;b")}, **ACL), tls({"default": given(subject="a b")}, **ACL)),
    ("TLS-KEY-MISMATCH", tls({"default": {**given(), "key": made.key_pem(made.key("another"))}}), tls({"default": given()})),
    ("TLS-CHAIN", tls({"default": given()}, authority=made.root("another").pem), tls({"default": given()})),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "wrong", "right"), GIVEN)
def test_given_certificates_are_opened(rule: str, wrong: Variables, right: Variables) -> None:
    (told, *_more) = [finding for finding in check(wrong) if finding.rule == rule]
    assert told.where == "kafka_tls_certificates[default]"
    assert rule not in {finding.rule for finding in check(right)}
    assert rule not in {finding.rule for finding in check({**wrong, "kafka_tls_source": "own"})}
