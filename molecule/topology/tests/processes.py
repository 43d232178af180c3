# SPDX-License-Identifier: GPL-3.0-or-later
"""How a play ends as with the machine that runs it."""

from __future__ import annotations

import contextlib

import psutil


def kill(pid: int) -> None:
    """End a process with all that it started; each of Ansible's workers leads a session of its own, which a group of processes does not reach."""
    first = psutil.Process(pid)
    first.suspend()
    for process in [*first.children(recursive=True), first]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
