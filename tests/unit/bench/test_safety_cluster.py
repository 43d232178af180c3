# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that the judge starts run aside, and end with all that they started."""

from __future__ import annotations

import pathlib
import sys
import tempfile

import psutil
import pytest
from safety_cluster import JudgeError, begun, run, set_aside, until

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


@pytest.mark.parametrize(("name", "least"), [("cpu.shares", "2"), ("cpu.weight", "1"), ("cgroup.procs", "")])
def test_a_group_of_the_least_weight(tmp_path: pathlib.Path, name: str, least: str) -> None:
    (tmp_path / name).write_text("")
    set_aside(tmp_path)
    assert [file.read_text() for file in tmp_path.iterdir()] == [least]
