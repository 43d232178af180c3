# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes node is emptied while a client sends; where there is no other place nothing is stopped."""

from __future__ import annotations

from cluster import Kubectl, play_inventory
from load import Load, whole
from test_day2 import NEW, Outside, Plan, uids

testinfra_hosts = ["local://"]


def places(plan: Plan, kubectl: Kubectl) -> dict[str, str]:
    """On which Kubernetes node each node runs."""
    pods = {pod["metadata"]["name"]: pod["spec"].get("nodeName", "") for pod in kubectl.json("pod")["items"]}
    return {node["name"]: pods[node["pod"]] for node in plan["nodes"]}


def test_a_kubernetes_node_is_emptied(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before, at = uids(plan, kubectl), places(plan, kubectl)
    away = at[plan["nodes"][0]["name"]]
    leaving = {node for node, place in at.items() if place == away}
    others = [item["metadata"]["name"] for item in kubectl.json("node")["items"] if item["metadata"]["name"] != away]
    variables = (NEW, f"kafka_drain_node={away}")
    try:
        for other in others:
            kubectl("cordon", other)
        said = play_inventory("drain.yml", *variables, code=2)
        assert f"cannot leave Kubernetes node {away}: no other Kubernetes node is ready and takes pods such as this" in said, said
        assert uids(plan, kubectl) == before
        for other in others:
            kubectl("uncordon", other)
        with Load(outside("EXTERNAL"), "draining") as load:
            foretold = play_inventory("drain.yml", *variables, "--check")
            assert foretold.count("- drain") == len(leaving), foretold
            said = play_inventory("drain.yml", *variables)
            assert said.count("restarted (drain)") == len(leaving), said
            assert "changed=0" in play_inventory("drain.yml", *variables)
        whole(load)
        assert away not in places(plan, kubectl).values()
        assert {node for node, uid in uids(plan, kubectl).items() if uid != before[node]} == leaving
    finally:
        for each in (away, *others):
            kubectl("uncordon", each)
