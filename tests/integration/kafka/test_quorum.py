# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_quorum against a real dynamic quorum: a lost disk, one controller more, the leader leaves; what there is is read by Kafka's own tool."""

from __future__ import annotations

import collections.abc
import pathlib
import re
import shutil
import subprocess
import typing as t
import uuid

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_info
from brokers import Cluster
from conftest import call, until

TOOL = "org.apache.kafka.tools.MetadataQuorumCommand"


class Dynamic(Cluster):
    """Combined nodes whose quorum is dynamic; ``first``: directories of the first voters."""

    def __init__(self, directory: pathlib.Path, release: str) -> None:
        super().__init__(directory, release, "kraft", brokers=3)
        self.first = {node: _kafka_info.directory(uuid.UUID(int=uuid.uuid4().int >> 8)) for node in self.ids}
        self.formed = False

    def _properties(self, broker: int) -> dict[str, str]:
        found = super()._properties(broker)
        del found["controller.quorum.voters"]
        controller = f"CONTROLLER://{self.address('CONTROLLER', broker)}"
        found["process.roles"] = "broker,controller"
        found["controller.quorum.bootstrap.servers"] = ",".join(self.address("CONTROLLER", node) for node in self.ids)
        found["listeners"] = ",".join([each for each in found["listeners"].split(",") if not each.startswith("CONTROLLER")] + [controller])
        found["advertised.listeners"] = found["listeners"]
        return found

    def _format(self, broker: int) -> None:
        properties = "".join(f"{key}={value}\n" for key, value in self._properties(broker).items())
        self._file(broker).write_text(properties, encoding="utf-8")
        first = ",".join(f"{node}@{self.address('CONTROLLER', node)}:{self.first[node]}" for node in self.first)
        who = ["--no-initial-controllers"] if self.formed else ["--initial-controllers", first]
        command = self._java("kafka.tools.StorageTool", "128m", "format", "-t", self.cluster_id, "-c", str(self._file(broker)), *who)
        subprocess.run(command, check=True, capture_output=True)

    def _make_operator(self) -> None:
        """Nobody logs in here."""

    def replace_disk(self, node: int) -> None:
        """As a claim that is lost: the node comes back on an empty disk."""
        self.stop(node)
        shutil.rmtree(self.directory / f"data-{node}")
        self._format(node)
        self.start(node)
        self.wait(node)

    def on_disk(self) -> dict[int, str]:
        """The id of each node's directory."""
        texts = {node: (self.directory / f"data-{node}" / "meta.properties").read_text(encoding="utf-8") for node in self.ids}
        return {node: re.findall(r"directory\.id=(\S+)", text)[0] for node, text in texts.items()}

    def voters(self) -> dict[int, str]:
        """The voters by Kafka's own tool."""
        status = self.tool(TOOL, "describe", "--replication")
        return {int(node): directory for node, directory in re.findall(r"^(\d+)\s+(\S+)\s.*(?:Leader|Follower)", status, re.M)}


@pytest.fixture(scope="module", params=["4.3.1", "3.9.2"])
def dynamic(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Dynamic]:
    """Three controllers that have met."""
    with Dynamic(tmp_path_factory.mktemp("dynamic"), request.param) as found:
        found.formed = True
        yield found


def controllers(cluster: Cluster, nodes: collections.abc.Iterable[int]) -> list[dict[str, t.Any]]:
    return [{"id": node, "host": "127.0.0.1", "port": cluster.ports[node]["CONTROLLER"]} for node in nodes]


def test_a_lost_disk_one_controller_more_and_the_leader_leaves(dynamic: Dynamic) -> None:
    cluster = dynamic
    three = controllers(cluster, [1, 2, 3])
    assert not call("kafka_quorum", cluster, controllers=three).changed
    before = cluster.on_disk()
    assert before == cluster.first

    lost = next(node for node in (3, 2) if node != call("kafka_info", cluster, gather=["quorum"])["quorum"]["leader"])
    cluster.replace_disk(lost)
    assert cluster.voters() == before, "the directory that is gone is counted on"
    foretold = until(lambda: call("kafka_quorum", cluster, controllers=three, check=True), lambda found: bool(found["steps"]))
    assert [(each["action"], each["id"], each["directory"]) for each in foretold["steps"]] == [
        ("remove", lost, before[lost]),
        ("add", lost, cluster.on_disk()[lost]),
    ]
    done = call("kafka_quorum", cluster, controllers=three, diff=True)
    assert done["steps"] == foretold["steps"]
    assert done["diff"]["after"] == {str(node): directory for node, directory in cluster.on_disk().items()}
    assert cluster.voters() == cluster.on_disk() != before
    assert not call("kafka_quorum", cluster, controllers=three).changed

    # What is down keeps its vote, and nothing is risked for one that leaves meanwhile.
    cluster.stop(lost)
    still = [node for node in (1, 2, 3) if node != lost]
    assert not call("kafka_quorum", cluster, controllers=three).changed
    risky = until(lambda: call("kafka_quorum", cluster, leaving=[still[0]], patience=2), lambda found: found.failed)
    assert "2 are needed" in risky.message
    cluster.start(lost)
    cluster.wait(lost)

    new = cluster.grow()
    leader = call("kafka_info", cluster, gather=["quorum"])["quorum"]["leader"]
    rest = [node for node in cluster.ids if node != leader]
    done = call("kafka_quorum", cluster, controllers=controllers(cluster, rest), leaving=[leader])
    assert [(each["action"], each["id"]) for each in done["steps"]] == [("add", new), ("remove", leader)]
    on_disk = cluster.on_disk()
    assert cluster.voters() == {node: on_disk[node] for node in rest}
    assert not call("kafka_quorum", cluster, controllers=controllers(cluster, rest), leaving=[leader]).changed


def test_a_static_quorum_is_refused_where_it_would_have_to_change(newest: Cluster) -> None:
    assert not call("kafka_quorum", newest, controllers=controllers(newest, [1])).changed
    refused = call("kafka_quorum", newest, controllers=[*controllers(newest, [1]), {"id": 2, "host": "127.0.0.1", "port": 9}])
    assert "static quorum" in refused.message
    assert "Nothing was changed" in refused.message
