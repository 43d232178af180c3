# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster on a real Kubernetes, as its users see it."""

from __future__ import annotations

import re
import socket
import time
import typing as t

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

testinfra_hosts = ["local://"]

BROKERS = (0, 1, 2)
NODES = ",".join(f"198.18.1.11:{30190 + node}" for node in BROKERS)


def advertised(kubectl: t.Any, node: int) -> dict[str, tuple[str, int]]:
    """Host and port by listener, as the broker's file has it."""
    file = kubectl.json("configmap", f"events-broker-{node}")["data"]["server.properties"]
    line = re.search(r"^advertised\.listeners=(.*)$", file, re.MULTILINE)
    assert line
    places = (re.fullmatch(r"(\w+)://(.*):(\d+)", item) for item in line[1].split(","))
    return {place[1]: (place[2], int(place[3])) for place in places if place}


def test_one_stateful_set_and_one_service_for_each_broker(kubectl: t.Any) -> None:
    names = [f"events-broker-{node}" for node in BROKERS]
    assert [item["metadata"]["name"] for item in kubectl.items("statefulset", component="broker")] == names
    services = [item["metadata"]["name"] for item in kubectl.items("service", component="broker")]
    assert [name for name in services if re.fullmatch(r"events-broker-\d+", name)] == names


def test_every_pod_runs_restricted_and_by_digest(kubectl: t.Any) -> None:
    labels = kubectl.json("namespace", "molecule")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = kubectl.items("pod")
    assert len(pods) == 8
    for pod in pods:
        assert "@sha256:" in pod["spec"]["containers"][0]["image"]
        assert {condition["type"]: condition["status"] for condition in pod["status"]["conditions"]}["Ready"] == "True"


def test_brokers_run_as_a_user_on_a_root_file_system_that_is_not_writable(kubectl: t.Any) -> None:
    assert kubectl("exec", "events-broker-0-0", "--", "id", "-u").strip() == "1001"
    assert kubectl("exec", "events-broker-0-0", "--", "sh", "-c", "touch /opt/x 2>/dev/null || echo refused").strip() == "refused"
    assert not kubectl("exec", "events-broker-0-0", "--", "sh", "-c", "ls /var/run/secrets 2>/dev/null || true").strip()


def test_brokers_are_spread_over_zones_and_say_so(kubectl: t.Any) -> None:
    for node in BROKERS:
        where = kubectl.json("pod", f"events-broker-{node}-0")["spec"]["nodeName"]
        assert kubectl.json("node", where)["metadata"]["labels"]["topology.kubernetes.io/zone"] == f"zone-{node}"
    admin = KafkaAdminClient(bootstrap_servers=NODES)
    try:
        assert {broker["broker_id"]: broker["rack"] for broker in admin.describe_cluster()["brokers"]} == {node: f"zone-{node}" for node in BROKERS}
    finally:
        admin.close()


def test_zookeeper_has_a_leader_and_two_followers(kubectl: t.Any) -> None:
    modes = []
    for server in (1, 2, 3):
        command = 'exec 3<>/dev/tcp/127.0.0.1/2181; printf srvr >&3; cat <&3'
        answer = kubectl("exec", f"events-zookeeper-{server}-0", "--", "bash", "-c", command)
        modes.append(re.search(r"Mode: (\w+)", answer)[1])  # type: ignore[index]
    assert sorted(modes) == ["follower", "follower", "leader"]


def test_assigned_addresses_flow_into_what_brokers_advertise(kubectl: t.Any) -> None:
    for node in BROKERS:
        found = advertised(kubectl, node)
        balanced = kubectl.json("service", f"events-broker-{node}-balanced")
        chosen = kubectl.json("service", f"events-broker-{node}-chosen")
        assert found["INTERNAL"] == (f"events-broker-{node}-0.events-broker-nodes.molecule.svc.cluster.local", 9092)
        assert found["INSIDE"] == (f"events-broker-{node}.molecule.svc.cluster.local", 9093)
        assert found["NODES"] == ("198.18.1.11", 30190 + node)
        assert found["BALANCED"] == (balanced["status"]["loadBalancer"]["ingress"][0]["ip"], 9095)
        assert found["CHOSEN"] == ("198.18.1.12", chosen["spec"]["ports"][0]["nodePort"])


@pytest.mark.parametrize("listener", ["NODES", "BALANCED", "CHOSEN"])
def test_clients_outside_send_and_receive_through_each_broker(kubectl: t.Any, listener: str) -> None:
    places = [advertised(kubectl, node)[listener] for node in BROKERS]
    for host, port in places:
        socket.create_connection((host, port), timeout=5).close()
    sent, received = send_and_receive([f"{host}:{port}" for host, port in places], f"outside-{listener.lower()}", 60)
    assert received == sent


def test_client_applications_lose_and_double_nothing(ansible: t.Any) -> None:
    run = ansible("playbooks/verify.yml", "-e", "verify_messages=30")
    assert run.code == 0, run.output
    assert re.search(r"sent (\d+), received \1, lost 0, duplicated 0", run.output)


def test_the_consumer_has_the_properties_asked_for(kubectl: t.Any) -> None:
    file = kubectl.json("configmap", "events-consumer")["data"]["client.properties"]
    assert {"max.poll.records=100", "group.id=greetings", "auto.offset.reset=earliest"} <= set(file.splitlines())


def test_a_broker_pod_deleted_by_hand_comes_back_with_its_data(kubectl: t.Any) -> None:
    sent, received = send_and_receive(NODES.split(","), "kept", 90)
    assert received == sent
    before = kubectl.json("pod", "events-broker-1-0")["metadata"]["uid"]
    size = kubectl("exec", "events-broker-1-0", "--", "sh", "-c", "cat /var/lib/kafka/data-*/log/kept-*/*.log | wc -c")
    kubectl("delete", "pod", "events-broker-1-0")
    deadline = time.monotonic() + 180
    while not back(kubectl, before) and time.monotonic() < deadline:
        time.sleep(1)
    assert back(kubectl, before)
    assert kubectl("exec", "events-broker-1-0", "--", "sh", "-c", "cat /var/lib/kafka/data-*/log/kept-*/*.log | wc -c") == size
    assert sorted(receive(NODES.split(","), "kept", len(sent))) == sorted(sent)


def back(kubectl: t.Any, before: str) -> bool:
    """Whether another pod than the one before is ready."""
    pod = kubectl("get", "pod", "events-broker-1-0", "-o", "jsonpath={.metadata.uid} {.status.conditions[?(@.type=='Ready')].status}", check=False)
    return before not in pod and pod.endswith("True")


def send_and_receive(servers: list[str], topic: str, count: int) -> tuple[list[str], list[str]]:
    """Send messages to every partition with acks=all, then read the topic from its beginning."""
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        admin.create_topics([NewTopic(topic, num_partitions=3, replication_factor=3)])
    finally:
        admin.close()
    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    values = [f"{topic}-{number}" for number in range(count)]
    try:
        for number, value in enumerate(values):
            producer.send(topic, value.encode(), partition=number % 3).get(timeout=30)
    finally:
        producer.close()
    return sorted(values), sorted(receive(servers, topic, count))


def receive(servers: list[str], topic: str, count: int) -> list[str]:
    """All values of a topic, waiting at most a minute for ``count`` of them."""
    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False, auto_offset_reset="earliest")
    found: list[str] = []
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(3)])
        deadline = time.monotonic() + 60
        while len(found) < count and time.monotonic() < deadline:
            found += [record.value.decode() for records in consumer.poll(timeout_ms=500).values() for record in records]
    finally:
        consumer.close()
    return found
