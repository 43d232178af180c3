# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims grow while a client sends. The last of the tests: what has grown stays."""

from __future__ import annotations

import json

from cluster import Kubectl, play_inventory
from load import Load, whole
from test_day2 import NEW, POOL, Outside, Plan, Play, uids

testinfra_hosts = ["local://"]

LARGER = json.dumps({"kafka_node_pools": [{**POOL, "volumes": [{"size": "21Gi"}]}]})
PENDING = {"type": "FileSystemResizePending", "status": "True", "lastTransitionTime": "2026-01-31T12:00:00Z", "lastProbeTime": None}


def test_claims_grow(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    def capacities() -> set[str]:
        return {claim["status"]["capacity"]["storage"] for claim in kubectl.json("persistentvolumeclaim")["items"] if "-node-" in claim["metadata"]["name"]}

    before = uids(plan, kubectl)
    assert capacities() == {"20Gi"}
    with Load(outside("EXTERNAL"), "growing") as load:
        assert "data-0-events-node-0-0: 20Gi -> 21Gi" in play_inventory("site.yml", NEW, LARGER, "--check")
        assert capacities() == {"20Gi"}
        with Play("site.yml", NEW, LARGER) as first:
            first.until("Make them anew")
        # Their pods run on without them.
        assert kubectl.json("statefulset")["items"] == []
        assert uids(plan, kubectl) == before
        play_inventory("site.yml", NEW, LARGER)
        assert "changed=0" in play_inventory("site.yml", NEW, LARGER)
        assert capacities() == {"21Gi"}
        assert "CLAIM-SHRINK" in play_inventory("site.yml", NEW, code=2)
        # As a driver leaves it that grows no file system in use; one that has just begun to wait may still do it.
        claim = ("patch", "persistentvolumeclaim", "data-0-events-node-1-0", "--subresource=status", "-p")
        kubectl(*claim, json.dumps({"status": {"conditions": [PENDING]}}))
        assert "- resize" in play_inventory("roll.yml", NEW, LARGER, "--check")
        kubectl(*claim, json.dumps({"status": {"conditions": None}}))
    whole(load)
    assert uids(plan, kubectl) == before
    templates = [item["spec"]["volumeClaimTemplates"] for item in kubectl.json("statefulset")["items"]]
    assert {claim["spec"]["resources"]["requests"]["storage"] for claims in templates for claim in claims} == {"21Gi"}
