# SPDX-License-Identifier: GPL-3.0-or-later
"""One StatefulSet has the nodes' configuration and differs from theirs in how it restarts only."""

from __future__ import annotations

import base64
import typing as t

import pytest
import rollout
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _manifests, _plan, _plan_kafka

POOL = {"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"], "heap": "384m", "volumes": [{"size": "1Gi"}]}
LISTENERS = [
    {"name": "INTERNAL", "port": 9092},
    {"name": "EXTERNAL", "port": 9094, "exposure": "node_port", "advertised_host": "10.0.0.1", "first_node_port": 30190},
]


def objects(pools: t.Sequence[dict[str, t.Any]] = (POOL,), quorum: str = "static") -> list[dict[str, t.Any]]:
    """The manifests of a cluster, as site.yml would apply them."""
    place = {"kafka_cluster_name": "events", "kafka_namespace": "judge"}
    definition, findings = _definition.read({**place, "kafka_node_pools": list(pools), "kafka_listeners": LISTENERS, "kafka_quorum": quorum})
    assert findings == []
    plan = _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id")).as_dict()
    return _manifests.write(plan, ["services", "cluster", "kafka", "clients"], "registry/image:1")


def the(kind: str, found: t.Sequence[dict[str, t.Any]], name: str = "") -> dict[str, t.Any]:
    (one,) = (each for each in found if each["kind"] == kind and name in ("", each["metadata"]["name"]))
    return one


def test_three_nodes_become_one_stateful_set() -> None:
    found = rollout.one_stateful_set(objects())
    made = the("StatefulSet", found)
    (node,) = (each for each in objects() if each["kind"] == "StatefulSet" and each["metadata"]["name"] == "events-node-1")
    assert (made["metadata"]["name"], made["spec"]["replicas"], made["spec"]["updateStrategy"]) == ("events-node", 3, {"type": "RollingUpdate"})
    assert made["spec"]["selector"]["matchLabels"].items() <= made["spec"]["template"]["metadata"]["labels"].items()
    (container,), (theirs,) = made["spec"]["template"]["spec"]["containers"], node["spec"]["template"]["spec"]["containers"]
    differs = {key for key in {*container, *theirs} if container.get(key) != theirs.get(key)}
    assert differs == {"command", "readinessProbe"}
    assert "tcpSocket" in container["readinessProbe"]
    assert "exec" not in container["readinessProbe"]
    assert "nodeAffinity" not in made["spec"]["template"]["spec"]["affinity"]


def test_each_pod_has_its_nodes_configuration_under_the_name_that_it_has_now() -> None:
    found = rollout.one_stateful_set(objects())
    files = the("ConfigMap", found)["data"]
    assert sorted(files) == ["server-0.properties", "server-1.properties", "server-2.properties"]
    assert "node.id=1\n" in files["server-1.properties"]
    assert "INTERNAL://events-node-1.events-broker-nodes.judge.svc.cluster.local:9092,EXTERNAL://10.0.0.1:30191" in files["server-1.properties"]
    assert all("-0.events-broker-nodes" not in text.replace("events-node-0.", "") for text in files.values())
    volumes = the("StatefulSet", found)["spec"]["template"]["spec"]["volumes"]
    assert str(volumes).count("{'configMap': {'name': 'events-node'}") == 1


def test_services_select_one_pod_each_as_before() -> None:
    services = [each for each in rollout.one_stateful_set(objects()) if each["kind"] == "Service"]
    assert [each["metadata"]["name"] for each in services] == [each["metadata"]["name"] for each in objects() if each["kind"] == "Service"]
    external = the("Service", services, "events-node-2-external")
    assert external["spec"]["selector"]["statefulset.kubernetes.io/pod-name"] == "events-node-2"
    assert rollout.NODE not in str(services)


def test_the_first_controllers_of_a_dynamic_quorum_are_renamed_too() -> None:
    data = the("Secret", rollout.one_stateful_set(objects(quorum="dynamic")))["data"]
    voters = base64.b64decode(data["initial-controllers"]).decode()
    assert "1@events-node-1.events-broker-nodes.judge.svc.cluster.local:9090:" in voters
    assert "events-node-1-0." not in voters


@pytest.mark.parametrize(
    ("what", "pools"),
    [
        ("two pools", [{**POOL, "node_ids": [0, 1]}, {**POOL, "name": "other", "node_ids": [2]}]),
        ("ids that are no ordinals", [{**POOL, "node_ids": [1, 2, 3]}]),
    ],
)
def test_what_one_stateful_set_cannot_hold(what: str, pools: list[dict[str, t.Any]]) -> None:
    with pytest.raises(ValueError, match="nodes of one pool with the ids 0, 1, 2"):
        rollout.one_stateful_set(objects(pools))
    assert rollout.one_stateful_set(objects()), what
