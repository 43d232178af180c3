# SPDX-License-Identifier: GPL-3.0-or-later
"""How nodes and clients of a plan encrypt, log in and are allowed what they do."""

from __future__ import annotations

import re
import shlex
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _manifests, _plan, _plan_kafka, _plan_security
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made

SPLIT = [{"name": "controller", "node_ids": [100], "roles": ["controller"]}, {"name": "broker", "node_ids": [0, 1]}]
ZOOKEEPER = {"kafka_mode": "zookeeper", "kafka_version": "3.9.2"}
PASSWORD = "PlantedPassword-1"


def plan(**variables: t.Any) -> _plan.Plan:
    definition, findings = _definition.read({"kafka_cluster_name": "events", "kafka_node_pools": SPLIT, **variables})
    assert findings == []
    return _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id"))


def listener(security: str, **options: t.Any) -> dict[str, t.Any]:
    return {"name": "INTERNAL", "port": 9092, "security": security, **options}


def of_listener(properties: t.Mapping[str, str], name: str) -> dict[str, str]:
    prefix = f"listener.name.{name}."
    return {key[len(prefix) :]: value for key, value in properties.items() if key.startswith(prefix)}


def test_without_security_nothing_is_said_of_it() -> None:
    found = plan()
    assert found.certificates == ()
    assert found.credential_files == ()
    assert not found.has_secrets
    for node in found.nodes:
        assert not [key for key in node.properties if "ssl" in key or "sasl" in key or "authorizer" in key or "provider" in key]


def test_an_encrypted_listener_has_its_files_and_so_have_the_controllers() -> None:
    broker = plan(kafka_listeners=[listener("SSL")]).brokers[0]
    stores = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": "/etc/kafkaops/tls/tls-combined.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": "/etc/kafkaops/tls/ca.crt",
        "ssl.client.auth": "required",
    }
    assert of_listener(broker.properties, "internal") == stores
    assert of_listener(broker.properties, "controller") == stores
    assert broker.properties["listener.security.protocol.map"] == "INTERNAL:SSL,CONTROLLER:SSL"
    assert broker.ready_command == ("/opt/kafkaops/bin/probe", "tls", "9092")


def test_a_controller_hears_nothing_of_the_brokers_listeners() -> None:
    secrets = {"listener.name.internal.plain.sasl.jaas.config": "x", "delegation.token.secret.key": "y"}
    found = plan(kafka_listeners=[listener("SASL_SSL", mechanisms=["SCRAM-SHA-512", "PLAIN"])], kafka_secret_config=secrets)
    controller, broker = found.controllers[0].properties, found.brokers[0].properties
    assert of_listener(controller, "internal") == {}
    assert "sasl.mechanism.inter.broker.protocol" not in controller
    assert "delegation.token.secret.key" in controller
    assert "plain.sasl.jaas.config" in of_listener(broker, "internal")
    assert broker["sasl.mechanism.inter.broker.protocol"] == "SCRAM-SHA-512"


@pytest.mark.parametrize(
    ("security", "auth", "expected"),
    [("SSL", None, "required"), ("SASL_SSL", None, "none"), ("SASL_SSL", "requested", "requested"), ("SSL", "none", "none")],
)
def test_who_shows_a_certificate(security: str, auth: str | None, expected: str) -> None:
    options = {"client_auth": auth} if auth else {}
    assert of_listener(plan(kafka_listeners=[listener(security, **options)]).brokers[0].properties, "internal")["ssl.client.auth"] == expected


def test_brokers_log_in_by_files_and_other_listeners_have_no_login_of_theirs() -> None:
    broker = plan(kafka_listeners=[listener("SASL_SSL"), {**listener("SASL_SSL"), "name": "CLIENTS", "port": 9093}]).brokers[0]
    login = of_listener(broker.properties, "internal")["scram-sha-512.sasl.jaas.config"]
    assert login == (
        "org.apache.kafka.common.security.scram.ScramLoginModule required"
        ' username="${kafkaops:/etc/kafkaops/credentials:inter-broker-user}" password="${kafkaops:/etc/kafkaops/credentials:inter-broker-password}";'
    )
    assert of_listener(broker.properties, "clients")["scram-sha-512.sasl.jaas.config"].endswith("ScramLoginModule required;")


def test_every_file_that_a_property_refers_to_is_mounted() -> None:
    found = plan(kafka_listeners=[listener("SASL_SSL")], kafka_secret_config={"delegation.token.secret.key": "x", "my.own_key-1": "y"})
    layout = found.as_dict()
    for node, laid_out in zip(found.nodes, layout["nodes"]):
        referred = set(re.findall(r"\$\{kafkaops:([^:}]+):([^}]+)\}", " ".join(node.properties.values())))
        stateful_set = next(obj for obj in _manifests.nodes(layout, [laid_out], "i") if obj["kind"] == "StatefulSet")
        (volume,) = (each for each in stateful_set["spec"]["template"]["spec"]["volumes"] if each["name"] == "config")
        paths = {item["path"] for source in volume["projected"]["sources"] if "secret" in source for item in source["secret"].get("items", [])}
        assert referred
        assert {f"{directory.replace('/etc/kafkaops/', '')}/{file}" for directory, file in referred} <= paths
        assert node.properties["config.providers"] == "kafkaops"


def test_providers_of_the_user_stay() -> None:
    config = {"config.providers": "vault, file", "config.providers.vault.class": "a.B"}
    properties = plan(kafka_listeners=[listener("SASL_SSL")], kafka_config=config).brokers[0].properties
    assert properties["config.providers"] == "vault,file,kafkaops"
    assert properties["config.providers.vault.class"] == "a.B"
    assert plan(kafka_config=config).brokers[0].properties["config.providers"] == "vault, file"


def test_what_the_user_says_of_a_listener_comes_before_what_the_collection_says() -> None:
    jaas = "listener.name.internal.scram-sha-512.sasl.jaas.config"
    own = plan(kafka_listeners=[listener("SASL_SSL")], kafka_secret_config={jaas: "x required;"}).brokers[0].properties
    assert own[jaas] == "${kafkaops:/etc/kafkaops/credentials:config." + jaas + "}"
    plain = plan(kafka_listeners=[listener("SASL_SSL", config={"ssl.client.auth": "required"})]).brokers[0].properties
    assert plain["listener.name.internal.ssl.client.auth"] == "required"


SUPER: list[tuple[dict[str, t.Any], str]] = [
    ({"kafka_listeners": [listener("SSL")]}, "User:CN=events"),
    ({"kafka_listeners": [listener("SASL_SSL")]}, "User:kafka;User:kafka-b;User:CN=events"),
    ({"kafka_listeners": [listener("SASL_PLAINTEXT")], **ZOOKEEPER, "kafka_node_pools": SPLIT[1:]}, "User:kafka;User:kafka-b"),
    # Controllers are encrypted as soon as an authorizer is on.
    ({"kafka_listeners": [listener("SASL_PLAINTEXT")]}, "User:kafka;User:kafka-b;User:CN=events"),
    ({"kafka_listeners": [listener("SSL")], "kafka_super_users": ["User:ops", "User:CN=events"]}, "User:CN=events;User:ops"),
    ({"kafka_listeners": [listener("SASL_SSL")], "kafka_inter_broker_user": "node"}, "User:node;User:node-b;User:CN=events"),
]


@pytest.mark.parametrize(("variables", "expected"), SUPER)
def test_nodes_are_super_users(variables: dict[str, t.Any], expected: str) -> None:
    found = plan(kafka_authorization="acl", **variables)
    assert {node.properties["super.users"] for node in found.nodes} == {expected}


@pytest.mark.parametrize(
    ("variables", "authorizer"),
    [
        ({}, "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ({**ZOOKEEPER, "kafka_node_pools": SPLIT[1:]}, "kafka.security.authorizer.AclAuthorizer"),
    ],
)
def test_the_authorizer_is_that_of_the_mode(variables: dict[str, t.Any], authorizer: str) -> None:
    assert {node.properties["authorizer.class.name"] for node in plan(kafka_authorization="acl", **variables).nodes} == {authorizer}


def given(subject: str) -> dict[str, str]:
    return {"certificate": made.pem(made.server(made.root(), subject)), "key": made.key_pem(made.key(subject))}


def test_given_certificates_say_themselves_who_the_nodes_are() -> None:
    certificates = {"0": given("one"), "default": given("all"), "zookeeper-1": given("zoo")}
    found = plan(kafka_listeners=[listener("SSL")], kafka_authorization="acl", kafka_tls_source="given", kafka_tls_certificates=certificates)
    assert found.nodes[0].properties["super.users"] == "User:CN=one,O=events;User:CN=all,O=events"


def test_a_certificate_has_every_name_that_its_node_is_reached_by() -> None:
    listeners = [
        listener("SSL"),
        {"name": "OUT", "port": 9094, "security": "SSL", "exposure": "custom", "advertised_host": "b{id}.example.com", "advertised_port": "909{id}"},
        {"name": "FIX", "port": 9095, "security": "SSL", "exposure": "node_port", "advertised_host": "192.0.2.1", "first_node_port": 30000},
    ]
    found = plan(kafka_listeners=listeners, kafka_tls_names=["extra.example.com", "2001:db8::1"])
    certificates = {certificate.node: certificate for certificate in found.certificates}
    broker = certificates["1"]
    assert broker.name == "events-broker-1-tls"
    assert set(broker.addresses) == {"192.0.2.1", "2001:db8::1"}
    for node in found.nodes:
        own = certificates[str(node.id)]
        names = {*own.dns, *own.addresses}
        assert node.host in names
        assert {place.host for place in node.advertised} <= names
    forms = ["events-bootstrap", "events-bootstrap.kafka", "events-bootstrap.kafka.svc", "events-bootstrap.kafka.svc.cluster.local"]
    assert {"b1.example.com", "extra.example.com", "events-broker-1", "events-broker-1-fix", *forms} <= set(broker.dns)
    assert "b0.example.com" not in broker.dns
    # Clients do not come to controllers.
    assert "events-bootstrap" not in certificates["100"].dns
    assert len(broker.dns) == len(set(broker.dns))


@pytest.mark.parametrize(("source", "clients"), [("own", {"events-client-ops"}), ("given", set()), ("cert_manager", set())])
def test_only_the_own_authority_makes_certificates_for_clients(source: str, clients: set[str]) -> None:
    found = plan(kafka_listeners=[listener("SSL")], kafka_tls_clients=["ops"], kafka_tls_source=source)
    assert {certificate.name for certificate in found.certificates if not certificate.node} == clients


def credentials(stored: dict[str, str] | None = None, **variables: t.Any) -> dict[str, str]:
    definition = _definition.read({"kafka_listeners": [listener("SASL_SSL")], **variables})[0]
    return _plan_security.credentials(definition, stored or {}, lambda: "made-up-password", _plan_kafka.inter_broker(definition))


LOGIN = "inter-broker-password"


@pytest.mark.parametrize(
    ("stored", "variables", "expected"),
    [
        ({}, {}, "made-up-password"),
        ({}, {"kafka_inter_broker_password": PASSWORD}, PASSWORD),
        ({LOGIN: "stored-password"}, {}, "stored-password"),
        # What brokers use is changed by rotation only.
        ({LOGIN: "stored-password"}, {"kafka_inter_broker_password": PASSWORD}, "stored-password"),
    ],
)
def test_which_password_counts(stored: dict[str, str], variables: dict[str, t.Any], expected: str) -> None:
    assert credentials(stored, **variables)[LOGIN] == expected


@pytest.mark.parametrize("security", ["PLAINTEXT", "SSL"])
def test_where_brokers_do_not_log_in_there_is_no_password(security: str) -> None:
    assert credentials(kafka_listeners=[listener(security)]) == {}
    assert set(credentials(kafka_listeners=[listener(security)], kafka_secret_config={"a.b": "c"})) == {"config.a.b"}


@pytest.mark.parametrize("password", ["~~~~~~~~~~~~", "-._~-._~-._~", "a" * 128, "0123456789ab"])
def test_a_tool_reads_its_arguments_as_they_were_meant(password: str) -> None:
    # Java's launcher splits a file of arguments at blanks, and takes quotes off, as a shell does.
    kraft = shlex.split(credentials(kafka_inter_broker_password=password)["format.args"])
    assert kraft == ["kafka.tools.StorageTool", "format", "--add-scram", f"SCRAM-SHA-512=[name=kafka,password={password}]"]
    zookeeper = shlex.split(credentials(kafka_inter_broker_password=password, **ZOOKEEPER)["prepare.args"])
    assert zookeeper[:6] == ["kafka.admin.ConfigCommand", "--alter", "--entity-type", "users", "--entity-name", "kafka"]
    assert zookeeper[6:] == ["--add-config", f"SCRAM-SHA-512=[password={password}]"]


TRUST = {"ssl.truststore.type": "PEM", "ssl.truststore.location": "/etc/kafkaops/tls/ca.crt"}
APPLICATIONS: list[tuple[dict[str, t.Any], dict[str, t.Any], dict[str, str]]] = [
    (listener("PLAINTEXT"), {}, {}),
    (listener("SSL", client_auth="none"), {}, {"security.protocol": "SSL", **TRUST}),
    (
        listener("SSL"),
        {"tls_client": "ops"},
        {"security.protocol": "SSL", **TRUST, "ssl.keystore.type": "PEM", "ssl.keystore.location": "/etc/kafkaops/tls/tls-combined.pem"},
    ),
    (listener("SASL_PLAINTEXT"), {"user": "app", "password": PASSWORD}, {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-512"}),
    (listener("SSL"), {"bootstrap_servers": ["elsewhere:9092"]}, {}),
]


@pytest.mark.parametrize(("own", "options", "expected"), APPLICATIONS)
def test_how_an_application_comes_in(own: dict[str, t.Any], options: dict[str, t.Any], expected: dict[str, str]) -> None:
    found = plan(kafka_listeners=[own], kafka_tls_clients=["ops"], clients_producers=[{"name": "p", "topic": "t", **options}])
    (client,) = found.clients
    lines = dict(line.split("=", 1) for line in client.file.splitlines())
    assert {key: value for key, value in lines.items() if key != "bootstrap.servers"} == expected
    assert client.secret is ("user" in options)
    assert client.tls_secret == ("events-client-ops" if "tls_client" in options else "")
    assert PASSWORD not in client.file


@pytest.mark.parametrize(
    ("properties", "options"),
    [
        ({"listener.name.clients.sasl.oauthbearer.jwks.endpoint.url": "https://a/keys"}, ("https://a/keys",)),
        ({"sasl.oauthbearer.token.endpoint.url": "https://b/token", "sasl.oauthbearer.jwks.endpoint.url": "https://a/keys"}, ("https://a/keys,https://b/token",)),
        ({"sasl.oauthbearer.jwks.endpoint.url": "${secrets:/etc/kafkaops/credentials:config.url}"}, ()),
        ({"sasl.oauthbearer.jwks.endpoint.refresh.ms": "1000"}, ()),
    ],
)
def test_a_broker_may_fetch_keys_from_where_its_properties_say(properties: dict[str, str], options: tuple[str, ...]) -> None:
    assert _plan_security.jvm_options(properties) == tuple(f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={urls}" for urls in options)
