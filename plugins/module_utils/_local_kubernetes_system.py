# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Processes, and the control groups that hold them. Private to the collection.

Every process of the local cluster lives in a control group below one of ours. That, and no pid file, says what is
ours: after a crash or a reboot the kernel still knows, and a recycled pid is never mistaken for a process of ours.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes

_MOUNTS = "/proc/self/mountinfo"
_TRACKERS = ("pids", "freezer", "devices", "memory")
_START = """
umask 022
ulimit -n "$(ulimit -Hn)"
exec >>"$1" 2>&1 </dev/null
echo $$ > "$2" || exit 1
shift 2
cd / && exec "$@"
"""
_PRIVATE = """
set -e
mount -t tmpfs tmpfs /opt  # its containerd makes a directory there
shift 2
exec "$@"
"""
_MACHINE = """
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/state /run/cache
mount --rbind "$1" /run/state
mount --rbind "$2" /run/cache
mount -t tmpfs -o mode=755 tmpfs /var/lib
mount -t tmpfs -o mode=755 tmpfs /var/log
mkdir -p "$1" "$2"
mount --move /run/state "$1"
mount --move /run/cache "$2"
mount --make-rshared /  # pods' mounts must reach containerd's shims
shift 2
exec "$@"
"""
_MOUNTS_OF_ITS_OWN = {processes.PRIVATE: _PRIVATE, processes.MACHINE: _MACHINE}
_INPUTS = "LOCAL_KUBERNETES_INPUTS"
"""Environment variable that tells what files a process was started with."""
_ENVIRONMENT = ("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root")


class LocalKubernetesError(Exception):
    """Something a user should read; becomes the module's failure."""


Runner = t.Callable[[t.Sequence[str]], str]
"""Runs a command and returns its output; raises :class:`LocalKubernetesError` if it fails."""


def wait_until(what: str, seconds: float, done: t.Callable[[], bool], explain: t.Callable[[], str] = str) -> None:
    """Wait for a state; after ``seconds`` raise what was waited for, and the explanation."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise LocalKubernetesError(f"waited {seconds:.0f} s for {what}. {explain()}".rstrip())
        time.sleep(0.1)


def write(path: str, content: str | bytes, mode: int = 0o644) -> bool:
    """Give a file its content, at once and whole; whether that changed anything."""
    target = pathlib.Path(path)
    data = content.encode() if isinstance(content, str) else content
    try:
        if target.read_bytes() == data and target.stat().st_mode & 0o777 == mode:
            return False
    except OSError:
        pass
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    new.chmod(mode)
    new.replace(target)
    return True


def tail(path: str, lines: int = 20) -> str:
    """The end of a log, for a failure's message."""
    try:
        text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return f"({path} cannot be read)"
    return f"The end of {path}:\n" + "\n".join(text.splitlines()[-lines:])


def is_mount_point(path: str) -> bool:
    """Whether something is mounted there, be it the directory itself: ``os.path.ismount`` misses that."""
    lines = pathlib.Path(_MOUNTS).read_text(encoding="utf-8").splitlines()
    return path in [line.split()[4] for line in lines]


@dataclasses.dataclass(frozen=True)
class Hierarchies:
    """The machine's cgroup hierarchies: one of version 2, or several of version 1."""

    roots: tuple[str, ...]
    """Those that have controllers."""
    others: tuple[str, ...]
    """Those that have none, where runc makes its groups all the same."""
    tracker: str
    """The one that says which processes are ours."""
    unified: bool


def hierarchies(mountinfo: str) -> Hierarchies:
    """The hierarchies in the text of a ``mountinfo``; those of version 1 win, as with the kubelet."""
    first: dict[str, str] = {}
    unified: list[str] = []
    for line in mountinfo.splitlines():
        fields, _separator, rest = line.partition(" - ")
        mount_point = fields.split()[4]
        kind, _source, options = [*rest.split(), "", "", ""][:3]
        if kind == "cgroup2":
            unified.append(mount_point)
        elif kind == "cgroup":
            for option in options.split(","):
                first.setdefault(option, mount_point)
    roots = tuple(dict.fromkeys(first.values()))
    for controller in _TRACKERS:
        if controller in first:
            return Hierarchies(roots, tuple(unified), first[controller], unified=False)
    if unified:
        return Hierarchies((unified[0],), (), unified[0], unified=True)
    raise LocalKubernetesError("no cgroup hierarchy is mounted: containers cannot run here")


def weights(times: int) -> dict[str, str]:
    """By file, what gives a group so many times the default part of the processors: of version 1, and of version 2, whose most is 100 times."""
    return {"cpu.shares": str(1024 * times), "cpu.weight": str(min(100 * times, 10_000))}


class Groups:
    """The control groups of the local cluster, below ``name`` in every hierarchy."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._all = hierarchies(pathlib.Path(_MOUNTS).read_text(encoding="utf-8"))
        self._everywhere = (*self._all.roots, *self._all.others)
        self._tracker = pathlib.Path(self._all.tracker, name)

    def exists(self) -> bool:
        return any(pathlib.Path(root, self._name).exists() for root in self._everywhere)

    def pids(self, group: str = "") -> list[int]:
        """The processes of a group and of all below it."""
        found: list[int] = []
        for directory, _directories, files in os.walk(self._tracker / group):
            if "cgroup.procs" in files:
                try:
                    text = pathlib.Path(directory, "cgroup.procs").read_text(encoding="ascii")
                except OSError:  # gone meanwhile
                    continue
                found += [int(pid) for pid in text.split()]
        return found

    def procs_file(self, group: str) -> str:
        """The file that takes a process into a group, which is made."""
        directory = self._tracker / group
        directory.mkdir(parents=True, exist_ok=True)
        return str(directory / "cgroup.procs")

    def delegate(self, group: str) -> None:
        """Make a group that a kubelet may divide further: there is one under every controller."""
        for root in self._all.roots:
            current = pathlib.Path(root)
            self._enable_controllers(current)
            for part in (self._name, *group.split("/")):
                current /= part
                current.mkdir(exist_ok=True)
                clone = current / "cgroup.clone_children"
                if clone.exists():
                    self._inherit(current, clone)
                self._enable_controllers(current)

    def weigh(self, times: int) -> bool:
        """Let all groups together have so many times the part of the processors that a group has by default; whether that was to be changed."""
        changed = False
        for root in self._all.roots:
            for name, value in weights(times).items():
                file = pathlib.Path(root, self._name, name)
                if file.exists() and file.read_text(encoding="ascii").strip() != value:
                    file.write_text(value, encoding="ascii")
                    changed = True
        return changed

    def _enable_controllers(self, directory: pathlib.Path) -> None:
        if not self._all.unified:
            return
        available = (directory / "cgroup.controllers").read_text(encoding="ascii").split()
        enabled = (directory / "cgroup.subtree_control").read_text(encoding="ascii").split()
        for controller in available:
            if controller not in enabled:
                (directory / "cgroup.subtree_control").write_text(f"+{controller}", encoding="ascii")

    @staticmethod
    def _inherit(directory: pathlib.Path, clone: pathlib.Path) -> None:
        """A cpuset starts empty, and nothing can run in it; later ones copy it."""
        clone.write_text("1", encoding="ascii")
        for name in ("cpuset.cpus", "cpuset.mems"):
            own = directory / name
            if own.exists() and not own.read_text(encoding="ascii").strip():
                own.write_text((directory.parent / name).read_text(encoding="ascii"), encoding="ascii")

    def kill(self, group: str = "", grace: float = 0) -> bool:
        """End every process of a group, after ``grace`` seconds by force; whether there was any."""
        there = self.pids(group)
        if there and grace:
            _signal(there, signal.SIGTERM)
            end = time.monotonic() + grace
            while self.pids(group) and time.monotonic() < end:
                time.sleep(0.05)

        def gone() -> bool:
            left = self.pids(group)
            _signal(left, signal.SIGKILL)
            return not left

        wait_until(f"the processes of {self._name}/{group} to end", 30, gone, lambda: f"Left: {self._describe(group)}")
        return bool(there)

    def _describe(self, group: str) -> str:
        return ", ".join(f"{pid} ({' '.join(command_line(pid))[:80]})" for pid in self.pids(group))

    def remove(self, group: str = "") -> None:
        """Remove a group whose processes are gone, and all below it, from every hierarchy."""

        def gone() -> bool:
            left = False
            for root in self._everywhere:
                for directory, _directories, _files in os.walk(pathlib.Path(root, self._name, group), topdown=False):
                    try:
                        os.rmdir(directory)
                    except FileNotFoundError:
                        pass
                    except OSError:  # the kernel still buries a process
                        left = True
            return not left

        wait_until(f"the control groups {self._name}/{group} to go", 15, gone)


def _signal(pids: t.Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def command_line(pid: int) -> tuple[str, ...]:
    """The arguments a process runs with; none if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.split("\0")[:-1])


def environment(pid: int) -> tuple[str, ...]:
    """The environment a process was started with, as NAME=VALUE; none if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    except OSError:
        return ()
    return tuple(text.split("\0")[:-1])


def resident_bytes(pids: t.Iterable[int]) -> int:
    """The memory that processes hold, shared pages counted in each."""
    pages = 0
    for pid in pids:
        try:
            pages += int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            continue
    return pages * os.sysconf("SC_PAGE_SIZE")


def proportional_bytes(pids: t.Iterable[int]) -> int:
    """The memory that processes hold, shared pages divided by those who share them."""
    kibibytes = 0
    for pid in pids:
        try:
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        kibibytes += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kibibytes * 1024


def inputs(process: processes.Process) -> str:
    """A short name for the content of all files that a process should be started with."""
    texts = [part for entry in sorted(process.files.items()) for part in entry]
    for path in process.reads:
        try:
            texts += [path, pathlib.Path(path).read_text(encoding="utf-8")]
        except OSError:
            texts += [path, ""]
    return plan.digest(*texts)


class Supervisor:
    """Starts the processes that should run, and knows those that do."""

    def __init__(self, groups: Groups, run: Runner, layout: plan.Layout) -> None:
        self._groups = groups
        self._run = run
        self._layout = layout

    def pid(self, process: processes.Process) -> int | None:
        """The process if it runs, with exactly these arguments."""
        for pid in self._groups.pids(process.name):
            if command_line(pid) == process.argv:
                return pid
        return None

    def running(self, process: processes.Process) -> bool:
        """Whether a process runs with these arguments, and was started with these files."""
        pid = self.pid(process)
        return pid is not None and f"{_INPUTS}={inputs(process)}" in environment(pid)

    def start(self, process: processes.Process, host: processes.Process | None = None) -> bool:
        """Have a process run; whether it had to be started. ``host``: the one whose mounts it shares."""
        if self.running(process):
            return False
        self._groups.kill(process.name, grace=5)
        for path in process.scratch:
            shutil.rmtree(path, ignore_errors=True)
        for path, content in process.files.items():
            write(path, content)
        log = self._layout.log(process.name)
        pathlib.Path(log).parent.mkdir(parents=True, exist_ok=True)
        self._run(
            [
                "setsid", "--fork", "sh", "-c", _START, "start", log, self._groups.procs_file(process.name),
                "env", "-i", *_ENVIRONMENT, f"{_INPUTS}={inputs(process)}", *self._namespaces(process, host), *process.argv,
            ]
        )  # fmt: skip
        wait_until(f"{process.name} to start", 15, lambda: self.pid(process) is not None, lambda: tail(log))
        return True

    def _namespaces(self, process: processes.Process, host: processes.Process | None) -> list[str]:
        words: list[str] = []
        if process.network:
            words.append(f"--net=/run/netns/{process.network}")
        if host is not None:
            words.append(f"--mount=/proc/{self.pid(host)}/ns/mnt")
        command = ["nsenter", *words, "--"] if words else []
        if prepare := _MOUNTS_OF_ITS_OWN.get(process.mounts):
            command += ["unshare", "--mount", "--propagation", "slave", "sh", "-c", prepare, "mounts"]
            command += [self._layout.state_dir, self._layout.cache_dir]
        return command

    def explain(self, process: processes.Process) -> str:
        """Why something waited for in vain may not have come: the end of a process's log."""
        state = "runs" if self.pid(process) else "does not run"
        return f"{process.name} {state}. {tail(self._layout.log(process.name))}"
