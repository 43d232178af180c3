# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks, on the finished cluster and on small ones of their own."""

from __future__ import annotations

import re
import signal
import time
import typing as t

import pytest
from conftest import SMALL

testinfra_hosts = ["local://"]


def test_check_mode_and_diff_on_a_finished_cluster_find_nothing_to_do(ansible: t.Any) -> None:
    run = ansible("site.yml", "--check", "--diff")
    assert run.code == 0, run.output
    assert run.recap["changed"] == 0, run.output


def test_the_rights_of_one_namespace_are_enough_to_ask_kafka(ansible: t.Any) -> None:
    status = ansible("playbooks/status.yml")
    assert status.code == 0, status.output
    assert "Brokers: 3 of 3 serve" in status.output
    assert "Restarts due: none" in status.output


def test_check_mode_shows_what_a_change_would_do_and_does_not_do_it(ansible: t.Any, kubectl: t.Any) -> None:
    before = kubectl.json("configmap", "events-broker-0")["metadata"]["resourceVersion"]
    run = ansible("site.yml", "--check", "--diff", "-e", '{"kafka_config": {"num.io.threads": 5}}')
    assert run.code == 0, run.output
    assert run.recap["changed"] > 0
    assert "num.io.threads=5" in run.output
    assert kubectl.json("configmap", "events-broker-0")["metadata"]["resourceVersion"] == before


TUTORIAL = {
    **SMALL,
    "kafka_namespace": "tutorial",
    "kafka_node_pools": [{"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"]}],
    "kafka_listeners": [{"name": "PLAINTEXT", "port": 9092, "advertised_host": "kafka"}],
}
"""What many tutorials show: three replicas behind one advertised address."""


def test_one_advertised_address_for_all_brokers_is_refused_and_nothing_applied(ansible: t.Any, kubectl: t.Any) -> None:
    run = ansible("site.yml", variables=TUTORIAL, host="tutorial")
    assert run.code != 0
    assert "ADV-SHARED" in run.output
    assert "brokers 0, 1, 2 advertise one address, kafka:9092" in run.output
    assert kubectl("get", "namespace", "tutorial", "--ignore-not-found") == ""


def test_check_mode_works_where_there_is_no_namespace_yet(ansible: t.Any, kubectl: t.Any) -> None:
    run = ansible("site.yml", "--check", "--diff", variables=SMALL, host="small")
    assert run.code == 0, run.output
    assert "StatefulSet/small-node-7" in run.output
    assert kubectl("get", "namespace", "small", "--ignore-not-found") == ""


@pytest.fixture(scope="module")
def small(ansible: t.Any, kubectl: t.Any) -> t.Iterator[None]:
    """A small cluster, provisioned by a play that is killed at every stage and started again."""
    stages = ["Keep the plan", "Write the manifests", "Apply Secrets", "apply : Apply]", "Wait until the workloads serve", "Note it in the cluster's Secret"]
    for task in stages:
        run = ansible("site.yml", variables=SMALL, host="small", until=task)
        assert run.code == -signal.SIGKILL, run.output
    run = ansible("site.yml", variables=SMALL, host="small")
    assert run.code == 0, run.output
    yield
    kubectl("delete", "namespace", "small", "--ignore-not-found")


def test_a_play_killed_at_any_stage_finishes_when_started_again(small: None, ansible: t.Any) -> None:
    run = ansible("site.yml", variables=SMALL, host="small")
    assert run.code == 0, run.output
    assert run.recap["changed"] == 0, run.output


def test_pods_that_run_an_older_definition_are_named_or_restarted(small: None, ansible: t.Any, kubectl: t.Any) -> None:
    before = kubectl.json("pod", "small-node-7-0", "-n", "small")["metadata"]["uid"]
    changed = {**SMALL, "kafka_config": {"num.io.threads": 5}}
    named = ansible("site.yml", "-e", "kafka_roll=false", variables=changed, host="small")
    assert named.code == 0, named.output
    assert re.search(r"take over their new definition when their pod is deleted.*small-node-7", named.output, re.DOTALL)
    assert kubectl.json("pod", "small-node-7-0", "-n", "small")["metadata"]["uid"] == before

    rolled = ansible("site.yml", variables=changed, host="small")
    assert rolled.code == 0, rolled.output
    assert "small-node-7 restarted (configuration)" in rolled.output
    assert kubectl.json("pod", "small-node-7-0", "-n", "small")["metadata"]["uid"] != before
    again = ansible("site.yml", variables=changed, host="small")
    assert again.recap["changed"] == 0, again.output


def test_a_broker_that_a_killed_roll_took_out_of_its_service_comes_back(small: None, ansible: t.Any, kubectl: t.Any) -> None:
    def listed() -> list[str]:
        slices = kubectl.json("endpointslice", "-n", "small", "-l", "kubernetes.io/service-name=small-node-7")["items"]
        return [each["targetRef"]["name"] for slice_ in slices for each in slice_.get("endpoints") or []]

    assert listed() == ["small-node-7-0"]
    kubectl("label", "pod", "small-node-7-0", "-n", "small", "app.kubernetes.io/name-")
    deadline = time.monotonic() + 30
    while listed() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert listed() == []
    run = ansible("playbooks/roll.yml", variables=SMALL, host="small")
    assert run.code == 0, run.output
    assert "small-node-7 restarted (template)" in run.output
    assert listed() == ["small-node-7-0"]


def test_what_a_definition_no_longer_has_is_deleted(small: None, ansible: t.Any, kubectl: t.Any) -> None:
    def services() -> list[str]:
        return kubectl("get", "service", "-n", "small", "-o", "name").split()

    outside = {"name": "OUTSIDE", "port": 9095, "exposure": "load_balancer"}
    wider = {**SMALL, "kafka_listeners": [{"name": "INTERNAL", "port": 9092}, outside]}
    run = ansible("site.yml", variables=wider, host="small")
    assert run.code == 0, run.output
    assert "service/small-node-7-outside" in services()
    other = {**SMALL, "kafka_listeners": [{"name": "INTERNAL", "port": 9092}, {**outside, "exposure": "node_port", "advertised_host": "198.18.1.11"}]}
    run = ansible("site.yml", variables=other, host="small")
    assert run.code == 0, run.output
    service = kubectl.json("service", "small-node-7-outside", "-n", "small")["spec"]
    assert service["type"] == "NodePort"
    file = kubectl.json("configmap", "small-node-7", "-n", "small")["data"]["server.properties"]
    assert f"OUTSIDE://198.18.1.11:{service['ports'][0]['nodePort']}" in file
    run = ansible("site.yml", variables=SMALL, host="small")
    assert run.code == 0, run.output
    assert "service/small-node-7-outside" not in services()


def test_a_load_balancer_that_nobody_serves_is_named(small: None, ansible: t.Any) -> None:
    listener = {"name": "NOWHERE", "port": 9095, "exposure": "load_balancer", "load_balancer_class": "example.com/nobody"}
    hopeless = {**SMALL, "kafka_listeners": [{"name": "INTERNAL", "port": 9092}, listener], "services_address_timeout": 5}
    run = ansible("site.yml", variables=hopeless, host="small")
    assert run.code == 2
    assert "Service/small-node-7-nowhere did not serve within 5 s" in run.output
    assert "No address: nothing in this Kubernetes cluster gives addresses" in run.output


def test_a_pod_that_cannot_start_is_explained(small: None, ansible: t.Any, kubectl: t.Any) -> None:
    hopeless = {**SMALL, "clients_producers": [{"name": "hopeless", "topic": "t", "command": ["/no/such/program"]}], "kafka_ready_timeout": 20}
    run = ansible("site.yml", variables=hopeless, host="small")
    assert run.code != 0
    assert "Deployment/small-hopeless did not serve within 20 s" in run.output
    assert "/no/such/program" in run.output
    kubectl("delete", "deployment", "-n", "small", "small-hopeless")


def test_destroy_asks_and_keeps_the_claims_unless_told(small: None, ansible: t.Any, kubectl: t.Any) -> None:
    def left(kind: str) -> list[str]:
        return kubectl("get", kind, "-n", "small", "-l", "app.kubernetes.io/instance=small", "-o", "name").split()

    unasked = ansible("playbooks/destroy.yml", variables=SMALL, host="small")
    assert unasked.code != 0
    assert "Nothing was deleted" in unasked.output
    assert left("statefulset")

    kept = ansible("playbooks/destroy.yml", "-e", "kafka_destroy_confirm=small", variables=SMALL, host="small")
    assert kept.code == 0, kept.output
    assert not left("statefulset,service,configmap,poddisruptionbudget,pod")
    assert left("persistentvolumeclaim,secret") == ["persistentvolumeclaim/data-0-small-node-7-0", "secret/small-cluster"]

    gone = ansible("playbooks/destroy.yml", "-e", "kafka_destroy_confirm=small", "-e", "kafka_destroy_claims=true", variables=SMALL, host="small")
    assert gone.code == 0, gone.output
    assert not left("persistentvolumeclaim,secret")
