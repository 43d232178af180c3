# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The programs of the local cluster: what must be installed, what is built and where. Private to the collection."""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import typing as t

PROGRAMS = ("coredns", "kubernetes", "pause")

KUBERNETES_VERSION = "1.34.4"

PACKAGES = {
    "containerd": ("containerd", "ctr", "containerd-shim-runc-v2"),
    "runc": ("runc",),
    "containernetworking-plugins": ("/usr/lib/cni/ptp", "/usr/lib/cni/portmap", "/usr/lib/cni/host-local"),
    "conntrack": ("conntrack",),
    "docker.io": ("dockerd",),
    "docker-registry": ("docker-registry",),
    "iproute2": ("ip",),
    "iptables": ("iptables",),
    "mount": ("mount", "umount"),
    "socat": ("socat",),
    "util-linux": ("nsenter", "setsid", "unshare"),
}
"""Debian packages, and the commands that show that one is there."""


def missing_packages(found: t.Callable[[str], bool], docker: bool, registry: bool) -> list[str]:
    """The packages to install; ``docker``, ``registry``: one answers already, so it need not be started."""
    unneeded = {"docker.io"} if docker else set()
    if registry:
        unneeded.add("docker-registry")
    return [package for package, commands in PACKAGES.items() if package not in unneeded and not all(found(command) for command in commands)]


def sources_key(files: t.Mapping[str, bytes]) -> str:
    """A name for exactly these sources (by path in the Go module)."""
    checksum = hashlib.sha256()
    for path, content in sorted(files.items()):
        checksum.update(f"{path}\0{len(content)}\0".encode())
        checksum.update(content)
    return checksum.hexdigest()[:16]


def read_sources(directory: str) -> dict[str, bytes]:
    """The files that decide what is built."""
    root = pathlib.Path(directory)
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and (path.suffix == ".go" or path.name in ("go.mod", "go.sum"))
    }


def go_version(output: str) -> str | None:
    """The version in what ``go version`` says: ``1.26.8``."""
    match = re.match(r"go version go(\d+\.\d+(?:\.\d+)?)", output)
    return match.group(1) if match else None


def needed_go(go_mod: str) -> str:
    """The version that a ``go.mod`` asks for."""
    match = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    return match.group(1) if match else "1.24"


def older(version: str, needed: str) -> bool:
    """Whether one Go version precedes another."""

    def numbers(text: str) -> list[int]:
        return [int(part) for part in re.findall(r"\d+", text)]

    return numbers(version)[:2] < numbers(needed)[:2]


def target(cache_dir: str, key: str, version: str | None) -> str:
    """The directory of what a Go version makes of these sources."""
    return f"{cache_dir}/{key}-go{version or 'none'}"


def built(cache_dir: str, key: str, version: str | None) -> str | None:
    """The directory of finished programs; without Go on the machine, those of any Go version do."""
    candidates = [target(cache_dir, key, version)] if version else _any_version(cache_dir, key)
    for directory in candidates:
        if all(os.access(f"{directory}/{program}", os.X_OK) for program in PROGRAMS):
            return directory
    return None


def _any_version(cache_dir: str, key: str) -> list[str]:
    return sorted(str(path) for path in pathlib.Path(cache_dir).glob(f"{key}-go*"))


def build_command(go: str, output: str) -> list[str]:
    """How the programs are built, from within the Go module."""
    major, minor, _patch = KUBERNETES_VERSION.split(".")
    version = "k8s.io/component-base/version"
    stamps = {"gitVersion": f"v{KUBERNETES_VERSION}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    flags = ["-s", "-w", *(f"-X {version}.{name}={value}" for name, value in stamps.items())]
    packages = [f"./cmd/{program}" for program in PROGRAMS]
    return [go, "build", "-trimpath", "-buildvcs=false", "-ldflags", " ".join(flags), "-o", f"{output}/", *packages]
