# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Clusters for the tests, and modules to call on them."""

from __future__ import annotations

import collections.abc
import dataclasses
import importlib
import itertools
import json
import pathlib
import sys
import time
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.play_context import PlayContext
from ansible.playbook.task import Task
from ansible.plugins.loader import connection_loader
from ansible.template import Templar

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from brokers import Cluster

RELEASES = [("4.3.1", "kraft"), ("3.9.2", "kraft"), ("3.9.2", "zookeeper")]
COLLECTION = "kafkaops.kubernetes"
ACTIONS = f"ansible_collections.{COLLECTION}.plugins.action"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session", params=RELEASES, ids="-".join)
def cluster(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Cluster]:
    """One broker; each release and mode in turn."""
    with Cluster(tmp_path_factory.mktemp("kafka"), *request.param) as found:
        yield found


@pytest.fixture(scope="session", params=[("4.3.1", "kraft"), ("3.9.2", "zookeeper")], ids="-".join)
def three(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Cluster]:
    """Three brokers, one of them (in KRaft) the controller too."""
    with Cluster(tmp_path_factory.mktemp("three"), *request.param, brokers=3) as found:
        yield found


@pytest.fixture(scope="session")
def newest(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Cluster]:
    """One broker of the newest release, for what does not depend on it."""
    with Cluster(tmp_path_factory.mktemp("newest"), "4.3.1", "kraft") as found:
        yield found


@pytest.fixture
def name() -> str:
    """The beginning of a name that no other test uses."""
    return f"t{next(_NUMBERS)}"


@dataclasses.dataclass(frozen=True)
class Result:
    """What a module returned."""

    values: dict[str, t.Any]

    @property
    def failed(self) -> bool:
        return bool(self.values.get("failed"))

    @property
    def message(self) -> str:
        return str(self.values.get("msg", ""))

    @property
    def changed(self) -> bool:
        assert not self.failed, self.message
        return bool(self.values["changed"])

    @property
    def changes(self) -> dict[str, list[str]]:
        """What changed, by item."""
        return {each["name"]: each["changes"] for each in self.values["results"] if each["changes"]}

    @property
    def warnings(self) -> str:
        return "\n".join(str(each) for each in self.values.get("warnings", []))

    def __getitem__(self, key: str) -> t.Any:
        assert not self.failed, self.message
        return self.values[key]


def until(read: t.Callable[[], t.Any], right: t.Callable[[t.Any], bool], limit: float = 60) -> t.Any:
    """The first answer that is right, or the last one when ``limit`` seconds have passed."""
    deadline = time.monotonic() + limit
    while True:
        found = read()
        if right(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


def call(module: str, cluster: Cluster, *, check: bool = False, diff: bool = False, **options: t.Any) -> Result:
    """Run a task on this machine, as one of Ansible's workers does, as the super user unless ``options`` say otherwise."""
    arguments = {
        "cluster": "test",
        "bootstrap_servers": [cluster.address(broker=each) for each in cluster.ids],
        "timeout": 60,
        **options,
    }
    task = Task()
    task.action, task.args, task.check_mode, task.diff = f"{COLLECTION}.{module}", arguments, check, diff
    context, loader = PlayContext(), DataLoader()
    action = importlib.import_module(f"{ACTIONS}.{module}").ActionModule(task, connection_loader.get("local", context), context, loader, Templar(loader))
    assert not action.elsewhere()
    try:
        result = action.run(task_vars={})
    except AnsibleActionFail as error:
        result = {"failed": True, "msg": str(error)}
    # What a worker hands on has to be plain data.
    return Result(json.loads(json.dumps(result)))


def thrice(module: str, cluster: Cluster, **options: t.Any) -> Result:
    """In check mode, for real, and again: check mode foretells what is done and writes nothing, and the third time nothing is left to do."""
    foretold = call(module, cluster, check=True, **options)
    foretold_again = call(module, cluster, check=True, **options)
    done = call(module, cluster, diff=True, **options)
    assert foretold.changed, "check mode foretells a change"
    assert foretold_again.changes == foretold.changes, "check mode wrote nothing"
    assert foretold.changes == done.changes
    again = call(module, cluster, **options)
    assert not again.changed, again.changes
    return done
