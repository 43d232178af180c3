# SPDX-License-Identifier: GPL-3.0-or-later
"""Every topology that the inventories describe, on a real Kubernetes, as its users see it."""

from __future__ import annotations

import contextlib
import datetime
import pathlib
import time
import typing as t

from cluster import Client, Kubectl, certificate, listener_security, login, play, ready, until
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import KafkaError

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006
Outside = t.Callable[[str], Client]


def brokers(plan: Plan) -> list[dict[str, t.Any]]:
    return [node for node in plan["nodes"] if "broker" in node["roles"]]


def test_there_is_one_stateful_set_for_each_node(plan: Plan, kubectl: Kubectl) -> None:
    wanted = sorted(node["name"] for node in plan["nodes"] + plan["zookeeper_nodes"])
    assert [item["metadata"]["name"] for item in kubectl.json("statefulset")["items"]] == wanted
    assert ready(plan, kubectl)


def test_every_disk_belongs_to_the_cluster_whose_id_is_kept(plan: Plan, kubectl: Kubectl) -> None:
    if plan["mode"] != "kraft":
        assert not plan["identity"]["cluster_id"]
        return
    wanted = kubectl.secret(f"{plan['cluster']}-cluster")
    assert wanted["id"] == plan["identity"]["cluster_id"]
    assert wanted["formed"].startswith("20")
    for node in plan["nodes"]:
        for directory in node["properties"]["log.dirs"].split(","):
            found = kubectl("exec", node["pod"], "--", "cat", f"{directory}/meta.properties")
            assert f"cluster.id={wanted['id']}\n" in found
            assert f"node.id={node['id']}\n" in found


def test_no_pod_holds_a_password_where_others_may_read_it(plan: Plan, kubectl: Kubectl) -> None:
    names = [item["metadata"]["name"] for item in kubectl.json("secret")["items"] if item["metadata"]["name"].endswith("-credentials")]
    words = {value for name in names for key, value in kubectl.secret(name).items() if key != "inter-broker-user"}
    open_objects = kubectl("get", "configmap,statefulset,deployment,service,pod,event", "-o", "yaml")
    assert not [word for word in words if word.strip() in open_objects]
    for node in plan["nodes"]:
        seen = kubectl("exec", node["pod"], "--", "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/1/environ | tr '\\0' ' '")
        assert not [word for word in words if word.strip() in seen]
        assert not [word for word in words if word.strip() in kubectl("logs", node["pod"])]


def test_clients_outside_send_and_receive_through_every_listener(plan: Plan, outside: Outside) -> None:
    for listener in plan["external_listeners"]:
        options = outside(listener)
        with admin(options) as client:
            client.create_topics([NewTopic(f"through-{listener.lower()}", num_partitions=3, replication_factor=3)])
            found = client.describe_cluster()["brokers"]
        wanted = {(place["host"], place["port"]) for node in brokers(plan) for place in node["advertised"] if place["listener"] == listener}
        assert {(broker["host"], broker["port"]) for broker in found} == wanted
        sent = send(options, f"through-{listener.lower()}", 30)
        assert receive(options, f"through-{listener.lower()}", 30) == sent


def test_who_has_no_right_is_refused(plan: Plan, kubectl: Kubectl, outside: Outside, tmp_path: pathlib.Path) -> None:
    for listener in plan["external_listeners"]:
        security = listener_security(plan, listener)
        trusted = outside(listener)
        if security == "PLAINTEXT":
            continue
        assert accepted(trusted)
        plain = {"bootstrap_servers": trusted["bootstrap_servers"]}
        assert not accepted(plain), "without encryption"
        if security == "SSL":
            bare = {**plain, "security_protocol": "SSL", "ssl_cafile": trusted["ssl_cafile"]}
            assert not accepted(bare), "without a certificate"
            assert not accepted({**bare, **foreign_certificate(tmp_path)}), "with a certificate of another authority"
            shop = {**bare, **certificate(kubectl, f"{plan['cluster']}-client-shop", tmp_path)}
            assert not writes(shop, f"through-{listener.lower()}"), "known, but without a right"
        else:
            shop = {**trusted, **login("shop", "only-for-this-test-2")}
            assert writes(shop, "shop.orders"), "what a rule allows"
            assert not writes(shop, f"through-{listener.lower()}"), "what no rule allows"
            assert not accepted({**trusted, **login("kafka", "not-the-password")}), "with a wrong password"
            assert not accepted({**trusted, **login("nobody", "not-the-password")}), "as a user that does not exist"
        untrusted = tmp_path / "other-ca.crt"
        untrusted.write_text(pathlib.Path(foreign_certificate(tmp_path)["ssl_certfile"]).read_text(encoding="utf-8"), encoding="utf-8")
        assert not accepted({**trusted, "ssl_cafile": str(untrusted)}), "trusting another authority"


def test_the_cluster_is_whole_again_after_a_kubernetes_node_was_stopped_and_started(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    listener = next(iter(plan["external_listeners"]), None)
    if listener:
        before = receive(outside(listener), f"through-{listener.lower()}", 30)
    stopped = kubectl.json("pod", brokers(plan)[1]["pod"])["spec"]["nodeName"]
    play("local_kubernetes.yml", f"local_kubernetes_node={stopped}", "local_kubernetes_node_state=stopped")
    try:
        until(lambda: not ready(plan, kubectl), 120, "nobody noticed that a Kubernetes node is gone")
    finally:
        play("local_kubernetes.yml", f"local_kubernetes_node={stopped}", "local_kubernetes_node_state=started", "local_kubernetes_node_wait=true")
    until(lambda: ready(plan, kubectl), 300, kubectl("get", "pod"))
    if listener:
        until(lambda: in_sync(outside(listener), f"through-{listener.lower()}", 3), 120, "replicas do not catch up")
        assert receive(outside(listener), f"through-{listener.lower()}", 30) == before
        assert send(outside(listener), f"through-{listener.lower()}", 3)


@contextlib.contextmanager
def admin(options: Client, **more: t.Any) -> t.Iterator[KafkaAdminClient]:
    """An administrator's connection."""
    client = KafkaAdminClient(**{"request_timeout_ms": 15000, **options, **more})
    try:
        yield client
    finally:
        client.close()


def accepted(options: Client) -> bool:
    """Whether someone is let in at all."""
    try:
        with admin(options, request_timeout_ms=4000, bootstrap_timeout_ms=4000) as client:
            return bool(client.describe_cluster()["brokers"])
    except KafkaError:
        return False


def writes(options: Client, topic: str) -> bool:
    """Whether someone may write to a topic."""
    producer = KafkaProducer(max_block_ms=5000, request_timeout_ms=5000, **options)
    try:
        producer.send(topic, b"x").get(timeout=10)
    except KafkaError:
        return False
    finally:
        producer.close(timeout=1)
    return True


def in_sync(options: Client, topic: str, copies: int) -> bool:
    """Whether every replica of a topic is in sync."""
    try:
        with admin(options) as client:
            return all(len(partition["isr_nodes"]) == copies for partition in client.describe_topics([topic])[0]["partitions"])
    except KafkaError:
        return False


def send(options: Client, topic: str, count: int) -> list[bytes]:
    """Send messages to all partitions with acks=all."""
    producer = KafkaProducer(acks="all", **options)
    values = [f"{topic}-{number}".encode() for number in range(count)]
    try:
        for number, value in enumerate(values):
            producer.send(topic, value, partition=number % 3).get(timeout=60)
    finally:
        producer.close()
    return sorted(values)


def receive(options: Client, topic: str, count: int) -> list[bytes]:
    """The values of a topic, waiting at most a minute for ``count`` of them."""
    consumer = KafkaConsumer(enable_auto_commit=False, auto_offset_reset="earliest", **options)
    found: list[bytes] = []
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(3)])
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            found += [record.value for records in consumer.poll(timeout_ms=500).values() for record in records]
    finally:
        consumer.close()
    return sorted(found)


def foreign_certificate(directory: pathlib.Path) -> Client:
    """A certificate that an authority of one's own gave, with the right name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ops")])
    now = datetime.datetime.now(datetime.timezone.utc)
    built = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (directory / "foreign.crt").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (directory / "foreign.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return {"ssl_certfile": str(directory / "foreign.crt"), "ssl_keyfile": str(directory / "foreign.key")}
