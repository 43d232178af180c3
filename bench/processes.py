# SPDX-License-Identifier: GPL-3.0-or-later
"""What the judge runs, and what part of the processors it has: client and control node are other machines than those that Kafka runs on."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
import typing as t

import psutil

PROJECT = pathlib.Path(__file__).resolve().parent.parent
CGROUPS = pathlib.Path("/sys/fs/cgroup")
LEAST = {"cpu.shares": "2", "cpu.weight": "1"}
"""By file, of versions 1 and 2, for a group that has what processors all others leave."""
MUCH = {"cpu.shares": "8192", "cpu.weight": "800"}
"""For a group that has a processor whenever it wants one: more parts than all pods of a local cluster on two processors."""


def groups() -> pathlib.Path:
    """Where control groups are made that share the processors."""
    return CGROUPS / "cpu" if (CGROUPS / "cpu").is_dir() else CGROUPS


def weigh(group: pathlib.Path, weight: t.Mapping[str, str]) -> None:
    """Make a control group of this weight. Priorities do not do that: the kernel shares processors among sessions first, and each of Ansible's workers
    is one."""
    group.mkdir(exist_ok=True)
    for name, value in weight.items():
        if (group / name).exists():
            (group / name).write_text(value, encoding="ascii")


@contextlib.contextmanager
def favoured() -> t.Iterator[bool]:
    """This process has a processor whenever it wants one, until the end of the block; whether it was allowed to."""
    group = groups() / "kafkaops-judge"
    lines = [line.split(":", 2) for line in pathlib.Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()]
    paths = {controllers: path for _number, controllers, path in lines}
    before = groups() / next((path for controllers, path in paths.items() if "cpu" in controllers.split(",")), paths.get("", "/")).lstrip("/")
    joined = False
    try:
        with contextlib.suppress(OSError):  # no rights
            weigh(group, MUCH)
            (group / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
            joined = True
        yield joined
    finally:
        if joined:
            (before / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")
        with contextlib.suppress(OSError):  # it was never made, or another one measures another cluster
            group.rmdir()


@contextlib.contextmanager
def begun(command: t.Sequence[str], said: t.IO[str]) -> t.Iterator[subprocess.Popen[str]]:
    """A command of the project that may run until the end of the block, with all that it starts; what it says is written to ``said``."""
    group = groups() / "kafkaops-aside"
    with contextlib.suppress(OSError):  # no rights: it has its part of the processors
        weigh(group, LEAST)
    joined = ["sh", "-c", '{ echo $$ >"$0"; } 2>/dev/null; exec "$@"', str(group / "cgroup.procs"), *command]
    process = subprocess.Popen(joined, cwd=PROJECT, env=environment(), text=True, stdout=said, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        if process.poll() is None:
            kill(process.pid)
            process.wait()
        with contextlib.suppress(OSError):
            group.rmdir()


def kill(pid: int) -> None:
    """End a process with all that it started, as with the machine that runs it. Ansible's workers are in no group of processes with it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        first = psutil.Process(pid)
        first.suspend()
        for process in [*first.children(recursive=True), first]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def environment() -> dict[str, str]:
    return {**os.environ, "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
