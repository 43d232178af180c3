# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks are lost and replaced while a client goes on sending: nothing fails or is lost, and every controller has its vote in the end."""

from __future__ import annotations

import base64
import re
import uuid

from cluster import Kubectl, claims, play, play_inventory, ready, until
from kafka import KafkaAdminClient
from load import Load, whole
from test_day2 import NEW, Outside, Plan, Play, journal, lock, uids

testinfra_hosts = ["local://"]


def on_disk(plan: Plan, kubectl: Kubectl) -> dict[int, str]:
    """The id of each node's directory."""
    texts = {node["id"]: kubectl("exec", node["pod"], "--", "cat", "/var/lib/kafka/data-0/log/meta.properties") for node in plan["nodes"]}
    return {node: re.findall(r"directory\.id=(\S+)", text)[0] for node, text in texts.items()}


def voters(outside: Outside) -> dict[int, str]:
    """The directories that Kafka counts on."""
    client = KafkaAdminClient(**outside("EXTERNAL"))
    try:
        (partition,) = client.describe_metadata_quorum()["topics"][0]["partitions"]
    finally:
        client.close()
    ids = {each["replica_id"]: uuid.UUID(str(each["replica_directory_id"])).bytes for each in partition["current_voters"]}
    return {node: base64.urlsafe_b64encode(number).decode().rstrip("=") for node, number in ids.items()}


def test_a_lost_disk_gets_its_vote_back_and_another_one_is_replaced(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    first = claims(kubectl)
    with Load(outside("EXTERNAL"), "disks") as load:
        # Behind our back: the node comes back with an empty disk, and the quorum counts on the one that is gone.
        pod = uids(plan, kubectl)["events-node-1"]
        kubectl("delete", "persistentvolumeclaim", "data-0-events-node-1-0", "--wait=false")
        kubectl("delete", "pod", "events-node-1-0")
        until(lambda: uids(plan, kubectl)["events-node-1"] not in ("", pod), 120, "there is no new pod")
        kubectl("wait", "--for=condition=Ready", "pod/events-node-1-0", "--timeout=120s")
        assert "controller 1 has no vote: its disk was replaced" in play_inventory("status.yml", NEW)
        assert "the disk of controller 1 was replaced" in play_inventory("site.yml", NEW)

        second = claims(kubectl)
        assert [name for name in first if first[name] != second[name]] == ["data-0-events-node-1-0"]
        foretold = play_inventory("replace.yml", NEW, "kafka_replace=2", "--check")
        assert "data-0-events-node-2-0" in foretold
        assert claims(kubectl) == second
        with Play("replace.yml", NEW, "kafka_replace=2"):
            until(lambda: "data-0-events-node-2-0" not in claims(kubectl), 180, "the claim is not deleted")
        play_inventory("replace.yml", NEW, "kafka_replace=2")
    whole(load)
    third = claims(kubectl)
    assert [name for name in second if second[name] != third[name]] == ["data-0-events-node-2-0"]
    (entry,) = (entry for entry in journal(plan, kubectl) if "replace" in entry["causes"])
    assert entry["claims"] == [second["data-0-events-node-2-0"]]
    assert "back with new disks" in entry["outcome"]
    assert lock(plan, kubectl) == ""
    assert voters(outside) == on_disk(plan, kubectl)
    assert "changed=0" in play_inventory("site.yml", NEW)


def test_the_node_of_a_lost_kubernetes_node_is_replaced(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before, kept = uids(plan, kubectl), claims(kubectl)
    nodes = {pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in kubectl.json("pod")["items"]}
    # The client outside comes in by the address of one Kubernetes node, which has to stay.
    entrance = plan["bootstrap"]["EXTERNAL"].partition(":")[0]
    staying = {node["metadata"]["name"] for node in kubectl.json("node")["items"] if entrance in str(node["status"]["addresses"])}
    victim = next(node for node in plan["nodes"] if nodes[node["pod"]] not in staying)
    lost, claim = nodes[victim["pod"]], f"data-0-{victim['pod']}"
    variables = (NEW, f"kafka_replace={victim['id']}", "kafka_ready_timeout=60")
    with Load(outside("EXTERNAL"), "lost") as load:
        play("local_kubernetes.yml", f"local_kubernetes_node={lost}", "local_kubernetes_node_state=stopped")
        try:
            until(lambda: not ready(plan, kubectl), 120, "nobody noticed that a Kubernetes node is gone")
            said = play_inventory("replace.yml", *variables, code=2)
            # Nobody but a person knows that it does not run there any more.
            assert f"{victim['name']} does not stop" in said, said
            assert claims(kubectl)[claim] == kept[claim]
            for pod in kubectl("get", "pod", "--field-selector", f"spec.nodeName={lost}", "-o", "name").split():
                kubectl("delete", pod, "--grace-period=0", "--force")
            play_inventory("replace.yml", *variables)
            assert kubectl.json("pod", victim["pod"])["spec"]["nodeName"] != lost
            assert claims(kubectl)[claim] != kept[claim]
            assert voters(outside) == on_disk(plan, kubectl)
        finally:
            play("local_kubernetes.yml", f"local_kubernetes_node={lost}", "local_kubernetes_node_state=started", "local_kubernetes_node_wait=true")
    whole(load)
    assert "changed=0" in play_inventory("site.yml", NEW)
    after = uids(plan, kubectl)
    assert [node for node in before if before[node] != after[node]] == [victim["name"]]
