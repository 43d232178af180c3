# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_status as status
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_system as system

UNIFIED = "25 1 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
HYBRID = """\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 30 0:27 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime shared:3 master:1 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
34 30 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
"""
JOINED = "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct,devices"


@pytest.mark.parametrize(
    ("mountinfo", "expected"),
    [
        (UNIFIED, system.Hierarchies(("/sys/fs/cgroup",), (), "/sys/fs/cgroup", unified=True)),
        (
            HYBRID,
            system.Hierarchies(
                ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup/memory", "/sys/fs/cgroup/pids"),
                ("/sys/fs/cgroup/unified",),
                "/sys/fs/cgroup/pids",
                unified=False,
            ),
        ),
        (
            JOINED,
            system.Hierarchies(("/sys/fs/cgroup/cpu,cpuacct",), (), "/sys/fs/cgroup/cpu,cpuacct", unified=False),
        ),
    ],
    ids=["version 2", "hybrid", "joined controllers"],
)
def test_hierarchies(mountinfo: str, expected: system.Hierarchies) -> None:
    assert system.hierarchies(mountinfo) == expected


def test_no_hierarchy_is_an_error() -> None:
    with pytest.raises(system.LocalKubernetesError, match="no cgroup"):
        system.hierarchies("24 1 254:0 / / rw,relatime - ext4 /dev/vda rw")


@pytest.mark.parametrize(
    ("times", "shares", "weight"),
    [(1, "1024", "100"), (6, "6144", "600"), (100, "102400", "10000"), (101, "103424", "10000")],
    ids=["the default", "three nodes of two processors", "the most of version 2", "more than version 2 has"],
)
def test_weights(times: int, shares: str, weight: str) -> None:
    assert system.weights(times) == {"cpu.shares": shares, "cpu.weight": weight}


def test_write_changes_what_differs(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a" / "b"
    assert system.write(str(path), "one", 0o600)
    assert not system.write(str(path), "one", 0o600)
    assert system.write(str(path), "two", 0o600)
    assert system.write(str(path), "two", 0o644)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("two", 0o644)
    assert os.listdir(tmp_path / "a") == ["b"]


def test_waiting_ends_with_the_explanation() -> None:
    with pytest.raises(system.LocalKubernetesError, match=r"waited 0 s for rain\. The sky is blue"):
        system.wait_until("rain", 0, lambda: False, lambda: "The sky is blue")
    system.wait_until("nothing", 0, lambda: True)


def test_the_end_of_a_log(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    assert system.tail(str(log), 2) == f"The end of {log}:\nline 98\nline 99"
    assert "cannot be read" in system.tail(str(tmp_path / "none"))


def test_inputs_are_the_content_of_all_files(tmp_path: pathlib.Path) -> None:
    certificate = tmp_path / "certificate"
    process = processes.Process("p", ("p",), files={"/f": "1"}, reads=(str(certificate),))
    without = system.inputs(process)
    certificate.write_text("x")
    first = system.inputs(process)
    assert without != first == system.inputs(process)
    certificate.write_text("y")
    assert system.inputs(process) != first
    assert system.inputs(processes.Process("p", ("p",), files={"/f": "2"}, reads=(str(certificate),))) != first


def test_this_process_is_seen() -> None:
    assert system.command_line(os.getpid())
    assert system.resident_bytes([os.getpid()]) >= system.proportional_bytes([os.getpid()]) > 0
    assert system.command_line(2**22 + 1) == system.environment(2**22 + 1) == ()


def condition(value: str) -> dict[str, object]:
    return {"type": "Ready", "status": value, "lastHeartbeatTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(("value", "expected"), [("True", True), ("False", False), ("Unknown", False)])
def test_a_node_is_described(value: str, expected: bool) -> None:
    node = {
        "metadata": {"name": "node1", "labels": {"topology.kubernetes.io/zone": "zone-0"}},
        "status": {
            "conditions": [{"type": "MemoryPressure", "status": "False"}, condition(value)],
            "addresses": [{"type": "Hostname", "address": "node1"}, {"type": "InternalIP", "address": "198.18.1.11"}],
        },
    }
    assert status.describe_node(node) == {
        "name": "node1",
        "ready": expected,
        "zone": "zone-0",
        "address": "198.18.1.11",
    }
    assert status.heartbeat(node) == "2026-01-01T00:00:00Z"


def test_a_node_that_says_nothing_yet() -> None:
    assert status.describe_node({"metadata": {"name": "node1"}}) == {
        "name": "node1",
        "ready": False,
        "zone": None,
        "address": None,
    }
    assert status.heartbeat(None) is None
