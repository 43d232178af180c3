# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import tarfile

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_image as image
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_source as source

EVERYTHING = {command for commands in source.PACKAGES.values() for command in commands}


@pytest.mark.parametrize(
    ("absent", "docker", "registry", "expected"),
    [
        (set(), False, False, []),
        ({"runc"}, False, False, ["runc"]),
        ({"ctr", "/usr/lib/cni/ptp"}, False, False, ["containerd", "containernetworking-plugins"]),
        ({"dockerd", "docker-registry"}, False, False, ["docker.io", "docker-registry"]),
        ({"dockerd", "docker-registry"}, True, False, ["docker-registry"]),
        ({"dockerd", "docker-registry"}, False, True, ["docker.io"]),
        ({"dockerd", "docker-registry"}, True, True, []),
    ],
)
def test_what_is_missing_is_named(absent: set[str], docker: bool, registry: bool, expected: list[str]) -> None:
    found = EVERYTHING - absent
    assert source.missing_packages(found.__contains__, docker, registry) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("go version go1.26.8 linux/amd64\n", "1.26.8"),
        ("go version go1.19 linux/arm64\n", "1.19"),
        ("go version devel go1.27-abcdef\n", None),
        ("", None),
    ],
)
def test_the_version_of_go(output: str, expected: str | None) -> None:
    assert source.go_version(output) == expected


@pytest.mark.parametrize(
    ("version", "needed", "expected"),
    [
        ("1.19", "1.24.0", True),
        ("1.23.9", "1.24.0", True),
        ("1.24.0", "1.24.0", False),
        ("1.24", "1.24.3", False),
        ("1.26.8", "1.24.0", False),
        ("2.0", "1.24.0", False),
    ],
)
def test_older(version: str, needed: str, expected: bool) -> None:
    assert source.older(version, needed) is expected


def test_the_key_changes_with_every_source() -> None:
    sources = {"go.mod": b"module x", "cmd/a/main.go": b"package main"}
    assert source.sources_key(sources) == source.sources_key(dict(reversed(list(sources.items()))))
    assert source.sources_key(sources) != source.sources_key({**sources, "go.mod": b"module y"})
    assert source.sources_key(sources) != source.sources_key({"go.mod": b"module x", "cmd/b/main.go": b"package main"})


def test_only_sources_are_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / "cmd").mkdir()
    for name in ("go.mod", "go.sum", "cmd/main.go", "README.md", "cmd/main.go~"):
        (tmp_path / name).write_text(name)
    assert list(source.read_sources(str(tmp_path))) == ["cmd/main.go", "go.mod", "go.sum"]


def program_directory(cache: pathlib.Path, name: str, *programs: str) -> str:
    directory = cache / name
    directory.mkdir()
    for program in programs:
        (directory / program).touch(mode=0o755)
    return str(directory)


def test_programs_are_found_if_all_are_there(tmp_path: pathlib.Path) -> None:
    finished = program_directory(tmp_path, "key-go1.26.8", *source.PROGRAMS)
    program_directory(tmp_path, "key-go1.25.0", "kubernetes")
    assert source.built(str(tmp_path), "key", "1.26.8") == finished
    assert source.built(str(tmp_path), "key", "1.25.0") is None
    assert source.built(str(tmp_path), "other", "1.26.8") is None
    assert source.built(str(tmp_path), "key", None) == finished


def test_the_build_needs_no_compiler_of_c_and_stamps_the_version() -> None:
    command = source.build_command("/opt/go/bin/go", "/target")
    assert command[:3] == ["/opt/go/bin/go", "build", "-trimpath"]
    assert (
        f"-X k8s.io/component-base/version.gitVersion=v{source.KUBERNETES_VERSION}"
        in command[command.index("-ldflags") + 1]
    )
    assert command[-3:] == ["./cmd/coredns", "./cmd/kubernetes", "./cmd/pause"]


def test_the_versions_are_those_of_the_go_module() -> None:
    module = pathlib.Path(__file__).resolve().parents[4].joinpath("roles/local_kubernetes/files/kubernetes/go.mod")
    text = module.read_text(encoding="utf-8")
    assert f"k8s.io/kubernetes v{source.KUBERNETES_VERSION}\n" in text
    assert source.needed_go(text) == "1.24.0"


def test_an_image_is_what_its_manifest_says() -> None:
    content = image.archive("local/pause:1", b"program", "pause")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    [manifest] = json.loads(files["manifest.json"])
    settings = json.loads(files[manifest["Config"]])
    assert manifest["RepoTags"] == ["local/pause:1"]
    assert settings["config"]["Entrypoint"] == ["/pause"]
    assert settings["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(files['layer.tar']).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(files["layer.tar"])) as layer:
        assert [(member.name, member.mode) for member in layer] == [("pause", 0o755)]


def test_an_image_is_the_same_every_time() -> None:
    assert image.archive("a:1", b"program", "pause") == image.archive("a:1", b"program", "pause")
    assert os.path.basename(source.target("/cache", "key", None)) == "key-gonone"
