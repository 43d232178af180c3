# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are in Secrets and nowhere else, whatever the cluster; and every node of it would start."""

from __future__ import annotations

import base64
import json
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _broker_config,
    _definition,
    _manifests,
    _plan,
    _plan_kafka,
    _secrets,
    _security_rules,
    _validate,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made
from ansible_collections.kafkaops.kubernetes.tests.oracle.certificates import NOW

Variables = dict

# Words that stand for secrets; each begins alike, so that one search finds all.
WORD = "Planted"
CLUSTER = "events"
WRITTEN = "2026-01-31T12:00:00Z"
POOLS: dict[str, list[dict[str, t.Any]]] = {
    "combined": [{"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"]}],
    "split": [{"name": "ctl", "node_ids": [100, 101, 102], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1]}],
    "zookeeper": [{"name": "broker", "node_ids": [1, 2, 3]}],
}
JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required user_x=PlantedJaas;"


@st.composite
def listeners(draw: t.Any) -> list[dict[str, t.Any]]:
    found = []
    for index, name in enumerate(draw(st.lists(st.sampled_from(["INTERNAL", "CLIENTS", "OUT_SIDE", "B2B"]), min_size=1, max_size=4, unique=True))):
        exposure = draw(st.sampled_from(["internal", "cluster_ip", "node_port", "load_balancer", "custom"]))
        listener = {
            "name": name,
            "port": 9092 + index,
            "security": draw(st.sampled_from(["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"])),
            "exposure": exposure,
            "mechanisms": draw(st.sampled_from([[], ["SCRAM-SHA-512"], ["PLAIN"], ["PLAIN", "SCRAM-SHA-512"]])),
        }
        if exposure in ("node_port", "custom"):
            listener["advertised_host"] = f"b{{id}}-{index}.example.com"
        optional = {
            "client_auth": st.sampled_from(["none", "requested", "required"]),
            "allow_from": st.sampled_from([[], [{"podSelector": {}}], [{"ipBlock": {"cidr": "10.0.0.0/8"}}]]),
        }
        found.append({**listener, **draw(st.fixed_dictionaries({}, optional=optional))})
    return found


def planted_pem(name: str) -> str:
    return f"-----BEGIN PRIVATE KEY-----\nPlantedKey{name}\n-----END PRIVATE KEY-----"


@st.composite
def clusters(draw: t.Any) -> Variables:
    """A cluster of any kind that is right."""
    kind = draw(st.sampled_from(sorted(POOLS)))
    variables: Variables = {
        "kafka_cluster_name": CLUSTER,
        "kafka_mode": "zookeeper" if kind == "zookeeper" else "kraft",
        "kafka_version": "3.9.2" if kind == "zookeeper" else draw(st.sampled_from(["3.9.2", "4.3.1"])),
        "kafka_quorum": draw(st.sampled_from(["static", "dynamic"])),
        "kafka_node_pools": POOLS[kind],
        "kafka_listeners": draw(listeners()),
        "kafka_authorization": draw(st.sampled_from(["none", "acl"])),
        "kafka_controller_security": draw(st.sampled_from(["", "SSL", "PLAINTEXT"])),
        "kafka_super_users": draw(st.sampled_from([[], ["User:ops", "User:CN=ops"]])),
        "kafka_inter_broker_password": draw(st.sampled_from(["", "PlantedLogin1"])),
        "kafka_tls_source": draw(st.sampled_from(["own", "given", "cert_manager"])),
        "kafka_tls_clients": draw(st.sampled_from([[], ["ops"]])),
        "kafka_tls_issuer": {"name": "ca"},
        "kafka_tls_authority": made.root().pem,
        "kafka_tls_certificates": {"default": {"certificate": made.pem(made.server(made.root())), "key": planted_pem("Default")}},
        "zookeeper_tls": draw(st.booleans()),
    }
    secrets = draw(st.sampled_from([{}, {"ssl.key.password": "PlantedKeyPassword", "my.plugin-key_1": "Planted with $ { \\ and \" '"}]))
    for listener in variables["kafka_listeners"]:
        if "PLAIN" in listener["mechanisms"]:
            secrets = {**secrets, f"listener.name.{listener['name'].lower()}.plain.sasl.jaas.config": JAAS}
    variables["kafka_secret_config"] = secrets
    if draw(st.booleans()):
        login = draw(st.sampled_from([{}, {"user": "app", "password": "PlantedApplication"}]))
        variables["clients_producers"] = [{"name": "shop", "topic": "t", "listener": variables["kafka_listeners"][-1]["name"], **login}]
        variables["clients_consumers"] = [{"name": "sink", "topic": "t", "group_id": "g", "user": "sink", "password": "PlantedConsumer1"}]
    return variables


def planned(variables: Variables) -> tuple[_definition.Definition, _plan.Plan]:
    definition, findings = _definition.read(variables)
    assert findings == []
    return definition, _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "MkU3OEVBNTcwNTJENDM2Qk"))


def texts(secret: t.Mapping[str, t.Any]) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in secret["data"].items()}


ANY = hypothesis.settings(max_examples=150, deadline=None)


@hypothesis.given(clusters())
@ANY
def test_no_secret_is_in_anything_but_a_secret(variables: Variables) -> None:
    definition, plan = planned(variables)
    objects = _manifests.write(plan.as_dict(), _manifests.PARTS, "image")
    others = [obj if obj["kind"] != "Secret" else texts(obj) for obj in objects]
    _again, findings = _validate.validate(variables)
    findings += _security_rules.check(definition, plan, NOW)
    for what in (plan.as_dict(), others, [finding.as_dict() for finding in findings]):
        assert WORD not in json.dumps(what)
    assert WORD not in repr(plan)
    assert WORD not in repr(definition)
    assert WORD in str(variables)


@hypothesis.given(clusters())
@ANY
def test_every_node_would_start(variables: Variables) -> None:
    _definition_read, plan = planned(variables)
    for node in plan.nodes:
        assert [finding for finding in _broker_config.check(node.properties, plan.version) if finding.severity == "error"] == []


@hypothesis.given(clusters())
@ANY
def test_whatever_a_pod_mounts_is_made(variables: Variables) -> None:
    definition, plan = planned(variables)
    layout = plan.as_dict()
    objects = [*_manifests.write(layout, _manifests.PARTS, "image"), *_secrets.write(definition, plan, None, WRITTEN)]
    made_keys = {(obj["kind"], obj["metadata"]["name"]): set(obj.get("data") or {}) for obj in objects}
    if plan.tls_source != "given":
        # Written by roles/certificates, or by cert-manager.
        made_keys.update({("Secret", certificate.name): {"tls-combined.pem", "ca.crt"} for certificate in plan.certificates})
    if plan.tls_source == "own":
        made_keys["Secret", f"{CLUSTER}-authority"] = {"ca.crt"}
    pods = [obj["spec"]["template"]["spec"] for obj in objects if obj["kind"] in ("StatefulSet", "Deployment")]
    assert pods
    for pod in pods:
        for source in (source for volume in pod["volumes"] for source in volume.get("projected", {}).get("sources", [])):
            kind, reference = ("Secret", source["secret"]) if "secret" in source else ("ConfigMap", source["configMap"])
            keys = {item["key"] for item in reference.get("items", [])}
            assert reference.get("optional") or keys <= made_keys[kind, reference["name"]]
        assert pod["automountServiceAccountToken"] is False


@hypothesis.given(clusters())
@ANY
def test_nothing_is_made_up_twice(variables: Variables) -> None:
    definition, plan = planned(variables)
    first = _secrets.write(definition, plan, None, WRITTEN)
    second = _secrets.write(definition, plan, Found(True, {"Secret": first}, ()), "2026-02-02T00:00:00Z")
    assert first == second
    assert {obj["kind"] for obj in first} <= {"Secret"}
    assert bool(first) is plan.has_secrets
    names = [obj["metadata"]["name"] for obj in first]
    assert len(names) == len(set(names))


SASL = {"name": "INTERNAL", "port": 9092, "security": "SASL_SSL"}
ONE: Variables = {
    "kafka_cluster_name": CLUSTER,
    "kafka_node_pools": POOLS["combined"],
    "kafka_listeners": [SASL],
    "kafka_secret_config": {"ssl.key.password": "PlantedKeyPassword"},
}


def secrets_of(**variables: t.Any) -> dict[str, dict[str, str]]:
    definition, plan = planned({**ONE, **variables})
    return {secret["metadata"]["name"]: texts(secret) for secret in _secrets.write(definition, plan, None, WRITTEN)}


def test_the_nodes_login_is_in_one_secret() -> None:
    (found,) = secrets_of(kafka_inter_broker_password="PlantedLogin1").values()
    assert found == {
        "config.ssl.key.password": "PlantedKeyPassword",
        "inter-broker-user": "kafka",
        "inter-broker-password": "PlantedLogin1",
        "format.args": 'kafka.tools.StorageTool format --add-scram "SCRAM-SHA-512=[name=kafka,password=PlantedLogin1]"\n',
    }


def test_a_password_is_made_up_of_letters_and_digits() -> None:
    one, other = (secrets_of()["events-credentials"]["inter-broker-password"] for _time in range(2))
    assert one != other
    assert len(one) == 32
    assert one.isalnum()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"kafka_secret_config": {"ssl.key.password": "PlantedOther"}}, WRITTEN),
        ({"kafka_inter_broker_password": "PlantedLogin2"}, None),  # it is changed by rotation only, which restarts the nodes
    ],
)
def test_a_changed_secret_setting_says_since_when(changed: Variables, expected: str | None) -> None:
    definition, plan = planned(ONE)
    first = _secrets.write(definition, plan, None, "2026-01-01T00:00:00Z")
    definition, plan = planned({**ONE, **changed})
    (second,) = _secrets.write(definition, plan, Found(True, {"Secret": first}, ()), WRITTEN)
    assert texts(second).get("config-changed-at") == expected
    (third,) = _secrets.write(definition, plan, Found(True, {"Secret": [second]}, ()), "2026-03-01T00:00:00Z")
    assert texts(third).get("config-changed-at") == expected


def test_an_application_reads_its_file_with_the_login_in_it() -> None:
    found = secrets_of(clients_producers=[{"name": "shop", "topic": "t", "user": "app", "password": "PlantedApplication"}])
    lines = found["events-shop"]["client.properties"].splitlines()
    login = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="app" password="PlantedApplication";'
    assert f"sasl.jaas.config={login}" in lines
    assert {"sasl.mechanism=SCRAM-SHA-512", "security.protocol=SASL_SSL"} <= set(lines)


@pytest.mark.parametrize(("name", "expected"), [("zookeeper-1", "Own"), ("1", "Default"), ("2", "Default")])
def test_which_certificate_is_given_to_whom(name: str, expected: str) -> None:
    certificates = {"default": {"certificate": "c", "key": "Default"}, name: {"certificate": "c", "key": "Own"}}
    found = secrets_of(
        kafka_mode="zookeeper",
        kafka_version="3.9.2",
        kafka_node_pools=POOLS["zookeeper"],
        zookeeper_tls=True,
        kafka_tls_source="given",
        kafka_tls_authority="authority",
        kafka_tls_certificates=certificates,
    )
    assert found["events-authority"] == {"ca.crt": "authority\n"}
    assert found["events-zookeeper-1-tls"] == {"tls-combined.pem": f"{expected}\nc\n"}
    assert found["events-broker-1-tls"] == {"tls-combined.pem": f"{'Own' if name == '1' else 'Default'}\nc\n"}
    assert len([name for name in found if name.endswith("-tls")]) == 6
