# SPDX-License-Identifier: GPL-3.0-or-later
"""The disk of a broker is replaced, and gets back what was on it."""

from __future__ import annotations

import json
import typing as t

from cluster import Kubectl, claims, play_inventory, ready

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006

ENCRYPTED = "zookeeper_tls=true"
TOPIC = json.dumps({"kafka_topics": [{"name": "kept", "partitions": 3, "replication_factor": 3}]})


def test_a_brokers_disk_is_replaced(plan: Plan, kubectl: Kubectl) -> None:
    pod = plan["nodes"][1]["pod"]
    play_inventory("topics_users_acls.yml", ENCRYPTED, TOPIC)
    before = claims(kubectl)
    assert f"data-0-{pod}" in play_inventory("replace.yml", ENCRYPTED, "kafka_replace=1", "--check")
    assert claims(kubectl) == before
    play_inventory("replace.yml", ENCRYPTED, "kafka_replace=1")
    after = claims(kubectl)
    assert [name for name in before if before[name] != after[name]] == [f"data-0-{pod}"]
    assert ready(plan, kubectl)
    found = kubectl("exec", pod, "--", "ls", "/var/lib/kafka/data-0/log").split()
    assert {"kept-0", "kept-1", "kept-2"} <= set(found)
    assert "broker.id=1\n" in kubectl("exec", pod, "--", "cat", "/var/lib/kafka/data-0/log/meta.properties")
    assert "changed=0" in play_inventory("site.yml", ENCRYPTED)
