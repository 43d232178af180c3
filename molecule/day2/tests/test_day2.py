# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster is upgraded, rolled, misconfigured and scaled while a client goes on sending, and nothing fails or is lost."""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import typing as t

from cluster import PROJECT, Client, Kubectl, command, play_inventory, until
from kafka import KafkaAdminClient
from load import Load, whole
from processes import kill

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006
Outside = t.Callable[[str], Client]

POOL: dict[str, t.Any] = {"name": "node", "node_ids": [0, 1, 2], "roles": ["broker", "controller"], "heap": "1g", "volumes": [{"size": "20Gi"}]}
FOUR = json.dumps({"kafka_node_pools": [POOL, {**POOL, "name": "more", "node_ids": [3], "roles": ["broker"]}]})
# There are as many Kubernetes nodes as nodes at first, and a fourth one has to go beside another.
OLD, NEW = (f"kafka_version={version} kafka_anti_affinity=preferred" for version in ("3.9.2", "4.3.1"))


def uids(plan: Plan, kubectl: Kubectl) -> dict[str, str]:
    """The pods of the nodes, by node."""
    pods = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in kubectl.json("pod")["items"]}
    return {node["name"]: pods.get(node["pod"], "") for node in plan["nodes"]}


def journal(plan: Plan, kubectl: Kubectl) -> list[dict[str, t.Any]]:
    return [json.loads(line) for line in kubectl.json("configmap", f"{plan['cluster']}-roll")["data"]["journal"].splitlines()]


def lock(plan: Plan, kubectl: Kubectl) -> str:
    return kubectl.json("configmap", f"{plan['cluster']}-roll")["data"]["lock"]


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Play:
    """A playbook that runs beside the test, until the block it stands for ends: then it is killed, as by a machine that fails."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(command(*arguments), cwd=PROJECT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def until(self, text: str) -> None:
        """Read on until it says this."""
        assert self._process.stdout
        said = ""
        for line in self._process.stdout:
            said += line
            if text in line:
                return
        raise AssertionError(said)

    def __enter__(self) -> Play:
        return self

    def __exit__(self, failure: type[BaseException] | None, *_about: object) -> None:
        ended = self._process.poll() is not None
        if not ended:
            kill(self._process.pid)
        said = self._process.communicate()[0]
        assert failure or not ended, said


def test_an_upgrade_and_then_its_end(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before = uids(plan, kubectl)
    assert "changed=0" in play_inventory("finish_upgrade.yml", OLD)
    with Load(outside("EXTERNAL"), "upgrading") as load:
        said = play_inventory("site.yml", NEW)
        assert len(re.findall(r"events-node-. restarted \(image", said)) == 3, said
        assert not set(before.values()) & set(uids(plan, kubectl).values())
        # The way back is still open, and it is said until when.
        assert "UPGRADE-BACK" in play_inventory("validate.yml", OLD, "kafka_live=true")
        assert "changed=1" in play_inventory("finish_upgrade.yml", NEW)
        assert "changed=0" in play_inventory("finish_upgrade.yml", NEW)
    whole(load)
    status = play_inventory("status.yml", NEW)
    assert "Brokers: 3 of 3 serve" in status
    assert "Restarts due: none" in status


def test_a_roll_that_is_killed_goes_on_and_two_do_not_run_at_once(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before, since = uids(plan, kubectl), now()
    every = f"kafka_roll_before={since}"
    preview = play_inventory("roll.yml", NEW, every, "--check")
    assert preview.count("- manual") == 3, preview
    assert uids(plan, kubectl) == before

    def entries() -> list[dict[str, t.Any]]:
        return [entry for entry in journal(plan, kubectl) if entry["at"] >= since]

    with Load(outside("EXTERNAL"), "rolling") as load:
        # The first run is killed while it pauses, the second one in the middle of a restart.
        with Play("roll.yml", NEW, every, "kafka_roll_pause=900"):
            until(lambda: entries() and entries()[0]["outcome"], 180, "no node is restarted")
            assert "is being rolled by another run" in play_inventory("roll.yml", NEW, every, code=2)
        with Play("roll.yml", NEW, every):
            until(lambda: len(set(before.values()) & set(uids(plan, kubectl).values())) == 1, 180, "no second node is restarted")
        said = play_inventory("roll.yml", NEW, every)
        assert said.count("restarted (manual)") == 1, said
    whole(load)
    assert sorted(entry["node"] for entry in entries()) == [0, 1, 2]
    assert not set(before.values()) & set(uids(plan, kubectl).values())
    assert lock(plan, kubectl) == ""
    events = kubectl("get", "event", "--field-selector", "reason=Restarted", "-o", "jsonpath={.items[*].involvedObject.name}").split()
    # Of the one at which the first run was killed, nobody has seen the end.
    assert len(set(events) & set(before)) >= 2


def test_a_definition_that_cannot_work_stops_after_one_node(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    before = uids(plan, kubectl)
    with Load(outside("EXTERNAL"), "misconfigured") as load:
        said = play_inventory("site.yml", NEW, json.dumps({"kafka_node_pools": [{**POOL, "heap": "1m"}]}), code=2)
        assert "Too small maximum heap" in said, said
        assert "No other node was restarted" in said
        broken = uids(plan, kubectl)
        (stopped,) = [node for node in before if broken[node] != before[node]]
        said = play_inventory("site.yml", NEW)
        assert f"{stopped} restarted (resources" in said, said
    whole(load)
    after = uids(plan, kubectl)
    assert [node for node in before if after[node] != before[node]] == [stopped]


def test_a_broker_comes_and_goes(plan: Plan, kubectl: Kubectl, outside: Outside) -> None:
    def replicas() -> set[int]:
        client = KafkaAdminClient(**outside("EXTERNAL"))
        try:
            (found,) = client.describe_topics(["scaling"])
        finally:
            client.close()
        return {replica for partition in found["partitions"] for replica in partition["replica_nodes"]}

    def named(kind: str) -> set[str]:
        return {item["metadata"]["name"] for item in kubectl.json(kind)["items"]}

    before = uids(plan, kubectl)
    with Load(outside("EXTERNAL"), "scaling") as load:
        play_inventory("site.yml", NEW, FOUR)
        assert "3" not in map(str, replicas())
        foretold = play_inventory("scale.yml", NEW, FOUR, "--check")
        assert "changed=0" not in foretold
        play_inventory("scale.yml", NEW, FOUR, "kafka_scale_throttle=10000000")
        assert replicas() == {0, 1, 2, 3}
        assert "changed=0" in play_inventory("scale.yml", NEW, FOUR)

        # Taken off the definition, it is not forgotten but refused, until it is named.
        assert "ORPHAN-NODE" in play_inventory("site.yml", NEW, code=2)
        assert "events-more-3" in named("statefulset")
        play_inventory("scale.yml", NEW, "kafka_scale_in=3")
        assert replicas() == {0, 1, 2}
        assert "events-more-3" not in named("statefulset") | named("service") | named("configmap")
        assert "data-0-events-more-3-0" in named("persistentvolumeclaim")
        assert "changed=0" in play_inventory("site.yml", NEW)
    whole(load)
    assert uids(plan, kubectl) == before
    assert "Brokers: 3 of 3 serve" in play_inventory("status.yml", NEW)
