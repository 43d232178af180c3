# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that the judge starts run aside, and end with all that they started; the judge itself has a processor whenever it wants one."""

from __future__ import annotations

import os
import pathlib
import sys
import tempfile

import processes
import psutil
import pytest
from processes import LEAST, MUCH, begun, favoured, weigh
from safety_cluster import JudgeError, run, until

# As Ansible's workers: a session of its own.
WORKER = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True); time.sleep(300)"


def test_what_a_command_started_ends_with_it() -> None:
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said, begun([sys.executable, "-c", WORKER], said) as process:
        children = until(lambda: [child for child in psutil.Process(process.pid).children() if "sleep" in str(child.cmdline())], 20, "no worker came")
        assert process.poll() is None
    assert process.poll() == -9
    until(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children), 20, "a worker is left")


def test_what_a_command_says() -> None:
    assert run([sys.executable, "-c", "print('said')"]) == "said\n"
    with pytest.raises(JudgeError, match="said why"):
        run([sys.executable, "-c", "raise SystemExit('said why')"])


@pytest.mark.parametrize(
    ("weight", "name", "value"),
    [(LEAST, "cpu.shares", "2"), (LEAST, "cpu.weight", "1"), (MUCH, "cpu.shares", "8192"), (LEAST, "cgroup.procs", "")],
)
def test_the_weight_of_a_group(tmp_path: pathlib.Path, weight: dict[str, str], name: str, value: str) -> None:
    (tmp_path / name).write_text("")
    weigh(tmp_path, weight)
    assert [file.read_text() for file in tmp_path.iterdir()] == [value]


def groups_of_this_process() -> str:
    return pathlib.Path("/proc/self/cgroup").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a control group")
def test_the_judge_is_favoured_for_a_while() -> None:
    before = groups_of_this_process()
    with favoured() as allowed:
        assert allowed
        assert "/kafkaops-judge" in groups_of_this_process()
    assert groups_of_this_process() == before
    assert not (processes.groups() / "kafkaops-judge").exists()


def test_a_judge_without_rights_says_so(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "CGROUPS", tmp_path / "missing")
    before = groups_of_this_process()
    with favoured() as allowed:
        assert not allowed
    assert groups_of_this_process() == before
