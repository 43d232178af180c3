# SPDX-License-Identifier: GPL-3.0-or-later
"""ZooKeeper servers take a new authority over with the brokers, and before them."""

from __future__ import annotations

import json
import typing as t

from cluster import Kubectl, play_inventory, ready

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006

ENCRYPTED = "zookeeper_tls=true"


def test_check_mode_shows_the_servers_first(plan: Plan) -> None:
    said = play_inventory("roll.yml", ENCRYPTED, "kafka_roll_before=2100-01-01T00:00:00Z", "--check")
    server, broker = plan["zookeeper_nodes"][-1]["name"], plan["nodes"][0]["name"]
    order = said.partition("Say what would be restarted")[2]
    assert 0 < order.find(server) < order.find(broker), said


def test_the_authority_is_replaced_without_an_outage(plan: Plan, kubectl: Kubectl) -> None:
    authority = f"{plan['cluster']}-authority"
    before = kubectl.secret(authority)["tls.crt"]
    play_inventory("rotate_certificates.yml", ENCRYPTED)
    after = kubectl.secret(authority)
    assert before not in after["ca.crt"]
    assert after["ca.crt"] == after["tls.crt"]
    assert ready(plan, kubectl)
    journal = [json.loads(line) for line in kubectl.json("configmap", f"{plan['cluster']}-roll")["data"]["journal"].splitlines()]
    servers, nodes = len(plan["zookeeper_nodes"]), len(plan["nodes"])
    # In each of the three steps all servers, and then all brokers.
    entries = journal[-3 * (servers + nodes) :]
    assert [entry["zookeeper"] for entry in entries] == 3 * (servers * [True] + nodes * [False])
    assert all(entry["outcome"].startswith("back after") for entry in entries), entries
