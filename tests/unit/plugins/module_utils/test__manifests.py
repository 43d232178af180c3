# SPDX-License-Identifier: GPL-3.0-or-later
"""How a plan's certificates, secrets and pods are laid out."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _manifests, _plan, _plan_kafka

NODES = [{"name": "node", "node_ids": [0], "roles": ["broker", "controller"]}]
SSL = {"name": "INTERNAL", "port": 9092, "security": "SSL"}
SASL = {**SSL, "security": "SASL_SSL"}
LOGIN = {"name": "shop", "topic": "t", "user": "app", "password": "planted-password"}


def layout(**variables: t.Any) -> dict[str, t.Any]:
    definition, findings = _definition.read({"kafka_cluster_name": "events", "kafka_node_pools": NODES, **variables})
    assert findings == []
    return _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id")).as_dict()


def objects(*parts: str, **variables: t.Any) -> dict[tuple[str, str], dict[str, t.Any]]:
    found = _manifests.write(layout(**variables), parts or _manifests.PARTS, "registry/kafka@sha256:1")
    named = {(obj["kind"], obj["metadata"]["name"]): obj for obj in found}
    assert len(named) == len(found)
    return named


def pod(workload: dict[str, t.Any]) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", workload["spec"]["template"]["spec"])


def sources(workload: dict[str, t.Any]) -> list[tuple[str, str, list[str]]]:
    """What a pod's files are made of: the kind, the name, the paths of a Secret's keys."""
    (volume,) = (each for each in pod(workload)["volumes"] if each["name"] == "config")
    found = []
    for source in volume["projected"]["sources"]:
        ((kind, reference),) = source.items()
        found.append((kind, reference["name"], [item["path"] for item in reference.get("items", [])]))
    return found


FILES: list[tuple[dict[str, t.Any], list[tuple[str, str, list[str]]]]] = [
    ({}, []),
    ({"kafka_listeners": [SSL]}, [("secret", "events-node-0-tls", ["tls/tls-combined.pem"]), ("secret", "events-authority", ["tls/ca.crt"])]),
    (
        {"kafka_listeners": [SSL], "kafka_tls_source": "cert_manager"},
        [("secret", "events-node-0-tls", ["tls/tls-combined.pem"]), ("secret", "events-node-0-tls", ["tls/ca.crt"])],
    ),
    ({"kafka_secret_config": {"a.b": "planted-value"}}, [("secret", "events-credentials", ["credentials/config.a.b"])]),
    (
        {"kafka_listeners": [{**SASL, "security": "SASL_PLAINTEXT"}]},
        [("secret", "events-credentials", [f"credentials/{name}" for name in ("inter-broker-user", "inter-broker-password", "format.args")])],
    ),
]


@pytest.mark.parametrize(("variables", "expected"), FILES)
def test_what_a_nodes_files_are_made_of(variables: dict[str, t.Any], expected: list[t.Any]) -> None:
    found = sources(objects("kafka", **variables)["StatefulSet", "events-node-0"])
    always = [("configMap", "events-node-0", []), ("secret", "events-cluster", ["cluster/id", "cluster/initial-controllers", "cluster/formed"])]
    assert found == [*always, *expected]


def test_an_application_with_a_login_has_no_config_map() -> None:
    found = objects("clients", kafka_listeners=[SASL], clients_producers=[LOGIN, {"name": "plain", "topic": "t", "bootstrap_servers": ["a:1"]}])
    assert ("ConfigMap", "events-shop") not in found
    assert sources(found["Deployment", "events-shop"]) == [("secret", "events-shop", []), ("secret", "events-authority", ["tls/ca.crt"])]
    assert sources(found["Deployment", "events-plain"]) == [("configMap", "events-plain", [])]
    assert ("ConfigMap", "events-plain") in found


def test_an_application_with_a_certificate_gets_it() -> None:
    client = {"name": "shop", "topic": "t", "tls_client": "ops"}
    found = objects("clients", kafka_listeners=[SSL], kafka_tls_clients=["ops"], clients_producers=[client])
    assert sources(found["Deployment", "events-shop"])[1:] == [
        ("secret", "events-client-ops", ["tls/tls-combined.pem"]),
        ("secret", "events-authority", ["tls/ca.crt"]),
    ]


def test_of_a_cluster_without_nodes_nothing_is_asked() -> None:
    definition, _findings = _definition.read(
        {"kafka_node_pools": [], "kafka_listeners": [SSL], "kafka_tls_source": "cert_manager", "clients_producers": [{"name": "p", "topic": "t"}]}
    )
    plan = _plan.build(definition, {}).as_dict()
    assert [obj["kind"] for obj in _manifests.write(plan, ["clients"], "i")] == ["ConfigMap", "Deployment"]


def test_nothing_secret_is_in_an_environment_or_on_a_command_line() -> None:
    variables = {"kafka_listeners": [SASL], "kafka_inter_broker_password": "planted-password", "clients_producers": [LOGIN]}
    for (kind, _name), obj in objects(**variables).items():
        for container in pod(obj)["containers"] if kind in ("StatefulSet", "Deployment") else ():
            assert "planted" not in str(container)
            assert {variable["name"] for variable in container["env"]} <= {
                "KAFKA_HEAP_OPTS", "KAFKA_BOOTSTRAP_SERVERS", "KAFKA_TOPIC", "KAFKA_GROUP_ID", "KAFKA_CLIENT_PROPERTIES",
            }  # fmt: skip
            assert not any("valueFrom" in variable for variable in container["env"])


def test_pods_are_as_the_restricted_standard_wants_them() -> None:
    workloads = [obj for (kind, _name), obj in objects(clients_producers=[{"name": "p", "topic": "t"}]).items() if kind in ("StatefulSet", "Deployment")]
    assert len(workloads) == 2
    for workload in workloads:
        spec = pod(workload)
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
        (volume,) = (each for each in spec["volumes"] if each["name"] == "config")
        assert volume["projected"]["defaultMode"] == 0o440


def test_a_brokers_own_addresses_lead_to_it_while_it_starts_and_those_of_all_only_to_who_is_ready() -> None:
    outside = {"name": "OUTSIDE", "port": 9094, "exposure": "node_port", "advertised_host": "kafka.example.com", "first_node_port": 30090}
    found = objects(kafka_listeners=[{"name": "INTERNAL", "port": 9092}, outside])
    services = {name: obj["spec"].get("publishNotReadyAddresses", False) for (kind, name), obj in found.items() if kind == "Service"}
    assert services == {"events-bootstrap": False, "events-broker-nodes": True, "events-node-0": True, "events-node-0-outside": True}


def test_cert_manager_is_asked_for_what_kafka_reads() -> None:
    issuer = {"name": "ca", "kind": "ClusterIssuer"}
    variables = {"kafka_listeners": [SSL], "kafka_tls_source": "cert_manager", "kafka_tls_issuer": issuer, "kafka_tls_names": ["192.0.2.1"]}
    spec = objects("certificates", **variables)["Certificate", "events-node-0-tls"]["spec"]
    assert spec["secretName"] == "events-node-0-tls"
    assert spec["issuerRef"] == {"name": "ca", "kind": "ClusterIssuer", "group": "cert-manager.io"}
    assert spec["additionalOutputFormats"] == [{"type": "CombinedPEM"}]
    assert spec["privateKey"]["encoding"] == "PKCS8"
    assert {"server auth", "client auth"} <= set(spec["usages"])
    assert spec["ipAddresses"] == ["192.0.2.1"]
    assert (spec["duration"], spec["renewBefore"]) == ("8760h0m0s", "720h0m0s")
    assert objects("certificates", kafka_listeners=[SSL]) == {}


def test_the_identity_is_kept_in_a_secret_and_zookeeper_mode_has_none() -> None:
    secret = objects("cluster")["Secret", "events-cluster"]
    assert set(secret["data"]) == {"id", "quorum", "initial-controllers"}
    assert objects("cluster", kafka_mode="zookeeper", kafka_version="3.9.2", kafka_node_pools=[{"name": "b", "node_ids": [0]}]) == {}
