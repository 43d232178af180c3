# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The road: directly and through the tunnel, with every kind of security, and what happens when something breaks."""

from __future__ import annotations

import functools
import gc
import json
import pathlib
import socket
import tempfile
import time
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_calls, _kafka_client
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Forbidden, Road, RoadError, Security, Settings
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import BrokerPod, Routes, Target
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_tunnel import Tunnel
from brokers import ADMIN, ADMIN_PASSWORD, Cluster, Direct, free_port, threads_and_files, tunnel
from conftest import call


def security(cluster: Cluster, listener: str) -> Security:
    """How to speak to a listener of the tests' brokers."""
    pem = cluster.certificates
    return {
        "PLAIN": Security(),
        "SASL": Security("SASL_PLAINTEXT", username=ADMIN, password=ADMIN_PASSWORD),
        "TLS": Security("SSL", ca=pem.ca, certificate=pem.client, key=pem.client_key),
    }[listener]


@pytest.mark.parametrize("way", ["direct", "tunnel"])
@pytest.mark.parametrize("listener", ["PLAIN", "SASL", "TLS"])
def test_every_kind_of_security_both_ways_and_nothing_is_left(
    cluster: Cluster, listener: str, way: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gc.collect()
    before = threads_and_files()
    opened: list[Target] = []
    port = cluster.ports[1][listener]
    # Through the tunnel the first name is one that only Kubernetes could resolve.
    host = "127.0.0.1" if way == "direct" else "kafka-bootstrap.default.svc.cluster.local"
    # The server's certificate is for its own address, and not for the bootstrap's.
    secure = Security(**{**vars(security(cluster, listener)), "check_hostname": way == "direct"})
    with Road(Settings("kafka", (f"{host}:{port}",), secure, timeout=20), tunnel(cluster, opened) if way == "tunnel" else None) as road:
        assert road.brokers() == {1: ""}
        assert set(_kafka_calls.topics(road)) >= set()
        # Kafka's own public calls work on the same road.
        assert road.admin.describe_cluster()["cluster_id"] == road.cluster_id
    assert {target.port for target in opened} == ({port} if way == "tunnel" else set())
    gc.collect()
    after = threads_and_files()
    assert after[0] == before[0]
    assert {file.split(" ", 1)[1] for file in after[1]} <= {file.split(" ", 1)[1] for file in before[1]}
    assert list(tmp_path.iterdir()) == [], "no key is left on disk"


WRONG: list[tuple[str, t.Callable[[Cluster], Security], str]] = [
    ("SASL", lambda cluster: Security("SASL_PLAINTEXT", username=ADMIN, password="not-the-password"), "sasl_password|SaslAuthenticationFailed"),
    ("SASL", lambda cluster: Security("SASL_PLAINTEXT", username="nobody", password="not-the-password"), "sasl_password|SaslAuthenticationFailed"),
    (
        "SASL",
        lambda cluster: Security("SASL_PLAINTEXT", mechanism="PLAIN", username=ADMIN, password="not-the-password"),
        "UnsupportedSaslMechanism|sasl_mechanism",
    ),
    ("SASL", lambda cluster: Security(), "security_protocol"),
    ("TLS", lambda cluster: Security("SSL", ca=cluster.certificates.ca), "bad certificate|certificate required"),
    ("TLS", lambda cluster: Security("SSL", ca=cluster.certificates.server), "certificate verify failed"),
    ("TLS", lambda cluster: Security(), "Invalid frame length|security_protocol"),
    ("PLAIN", lambda cluster: Security("SSL", ca=cluster.certificates.ca), "Handshake failed|security_protocol|SSL"),
    ("TLS", lambda cluster: Security("SSL", ca="no certificate"), "ssl_ca is not a PEM certificate"),
    (
        "TLS",
        lambda cluster: Security("SSL", ca=cluster.certificates.ca, certificate=cluster.certificates.client, key="no key"),
        "ssl_certificate and ssl_key are not",
    ),
]


@pytest.mark.parametrize(("listener", "secure", "message"), WRONG)
def test_what_is_wrong_is_told_and_the_password_is_not(newest: Cluster, listener: str, secure: t.Callable[[Cluster], Security], message: str) -> None:
    begun = time.monotonic()
    with pytest.raises(RoadError, match=message) as error, Road(Settings("events", (newest.address(listener),), secure(newest), timeout=30)):
        pass
    assert time.monotonic() - begun < 20, "what cannot mend itself is not tried for the whole time"
    assert "not-the-password" not in str(error.value)
    if "PEM" not in message and "ssl_" not in message:
        assert f"cluster events: connect, at {newest.address(listener)}" in str(error.value)


def test_nobody_listens() -> None:
    place = f"127.0.0.1:{free_port()}"
    with pytest.raises(RoadError, match=r"ECONNREFUSED.*gave up after 1 s"), Road(Settings("events", (place,), timeout=1)):
        pass


def test_somebody_listens_and_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        for secure in (Security(), Security("SSL", check_hostname=False)):
            begun = time.monotonic()
            with pytest.raises(RoadError), Road(Settings("events", (place,), secure, timeout=2)):
                pass
            assert time.monotonic() - begun < 10


def test_an_address_that_the_tunnel_does_not_know(newest: Cluster) -> None:
    routes = Routes("events", "team-a", (BrokerPod("events-broker-0-0", "events-broker-0", True),))
    servers = (f"events-bootstrap:{newest.ports[1]['PLAIN']}",)
    message = r"127\.0\.0\.1:\d+ is no address of this cluster's brokers that is known here"
    with pytest.raises(RoadError, match=message), Road(Settings("events", servers, timeout=4), Tunnel(routes.targets, Direct, 2)) as road:
        road.brokers()


def test_a_forward_that_fails_is_told(newest: Cluster) -> None:
    def opener(target: Target) -> t.Any:
        raise OSError("port-forward: pods is forbidden")

    with pytest.raises(RoadError, match="pods is forbidden"), Road(newest.settings(timeout=2), tunnel(newest, [], opener)):
        pass


def test_a_right_that_is_missing_is_told_at_once(newest: Cluster) -> None:
    def opener(target: Target) -> t.Any:
        raise PermissionError("get and create pods/portforward: Forbidden")

    begun = time.monotonic()
    with pytest.raises(Forbidden, match="pods/portforward: Forbidden"), Road(newest.settings(timeout=60), tunnel(newest, [], opener)):
        pass
    assert time.monotonic() - begun < 30


def test_another_cluster_is_refused_before_anything_is_written(newest: Cluster, name: str) -> None:
    refused = call("kafka_topics", newest, topics=[{"name": name}], cluster_id="of-another-cluster")
    assert f"leads to the cluster with id {newest.cluster_id!r}" in refused.message
    assert "Nothing was changed" in refused.message
    assert name not in {topic["name"] for topic in call("kafka_info", newest, gather=["topics"])["topics"]}
    assert call("kafka_topics", newest, topics=[{"name": name}], cluster_id=newest.cluster_id).changed


@pytest.mark.parametrize(
    ("server", "message"), [("http://127.0.0.1:{port}", "Connection refused"), ("", "Could not create API client: Invalid kube-config file")]
)
def test_an_api_server_that_is_not_there(newest: Cluster, tmp_path: pathlib.Path, server: str, message: str) -> None:
    file = tmp_path / "kubeconfig"
    if server:
        contexts = [{"name": "x", "context": {"cluster": "c", "user": "u"}}]
        clusters = [{"name": "c", "cluster": {"server": server.format(port=free_port())}}]
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "contexts": contexts,
            "clusters": clusters,
            "users": [{"name": "u", "user": {}}],
        }
        file.write_text(json.dumps(config), encoding="utf-8")
    failed = call("kafka_info", newest, namespace="team-a", kubeconfig=str(file), timeout=8)
    assert failed.message.startswith("cluster test: reach the Kubernetes API server: ")
    assert message in failed.message


def test_several_at_once_through_one_tunnel(three: Cluster) -> None:
    opened: list[Target] = []
    with Road(three.settings(timeout=30), tunnel(three, opened)) as road:
        for broker in three.ids:
            (result,) = _kafka_calls.describe_configs(road, [(_kafka_calls.BROKER, str(broker))], broker)
            assert result.resource_name == str(broker)
    assert {target.pod for target in opened} == {"kafka-1-0", "kafka-2-0", "kafka-3-0"}


def test_a_broker_restarts_while_a_road_is_open(three: Cluster, name: str) -> None:
    """The road finds the broker again, or another one, and what was under way is done in the end."""
    with Road(three.settings(timeout=90), tunnel(three, [])) as road:
        assert set(road.brokers()) == {1, 2, 3}
        three.stop(2)
        # Any broker will do; the one that is gone is passed over.
        request = functools.partial(_kafka_client.metadata.MetadataRequest, topics=[])
        assert road.send("list the brokers", request).brokers
        three.start(2)
        three.wait(2)
        (result,) = _kafka_calls.describe_configs(road, [(_kafka_calls.BROKER, "2")], 2)
        assert result.resource_name == "2"
