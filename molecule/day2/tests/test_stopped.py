# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is stopped on purpose and started again while a client sends."""

from __future__ import annotations

from cluster import Kubectl, play_inventory
from load import Load, whole
from test_day2 import NEW, Outside, Plan, uids

testinfra_hosts = ["local://"]


def test_a_node_is_stopped_and_started(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before, stopped = uids(plan, kubectl), "kafka_stopped=2"
    with Load(outside("EXTERNAL"), "stopping") as load:
        assert "events-node-2 stopped (stop)" in play_inventory("site.yml", NEW, stopped)
        assert uids(plan, kubectl) == {**before, "events-node-2": ""}
        assert "changed=0" in play_inventory("site.yml", NEW, stopped)
        assert "Brokers: 2 of 3 serve, stopped: 2" in play_inventory("status.yml", NEW, stopped)
        play_inventory("site.yml", NEW)
        after = uids(plan, kubectl)
        assert after["events-node-2"]
        assert {**after, "events-node-2": ""} == {**before, "events-node-2": ""}
    whole(load)
    assert "changed=0" in play_inventory("site.yml", NEW)
