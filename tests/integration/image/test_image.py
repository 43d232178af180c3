# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The role image, against a real engine (the default socket) and a real registry (``IMAGE_TEST_REGISTRY``).

Each session pushes to repositories of its own, so that "not there yet" is true. What is slow (Debian, jars) comes from
the role's cache, which the first session ever fills.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import json
import os
import pathlib
import re
import secrets
import shutil
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).parents[3]
REGISTRY = os.environ.get("IMAGE_TEST_REGISTRY", "localhost:5000")
SESSION = f"test-{secrets.token_hex(4)}"
DEAF = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
SANDBOX = ("--network=none", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL")


@dataclasses.dataclass(frozen=True)
class Run:
    """What a play did."""

    code: int
    report: dict[str, t.Any]

    @property
    def changed(self) -> int:
        return sum(host["changed"] for host in self.report["stats"].values())

    @property
    def results(self) -> list[dict[str, t.Any]]:
        return [host for play in self.report["plays"] for task in play["tasks"] for host in task["hosts"].values()]

    @property
    def facts(self) -> dict[str, t.Any]:
        facts = (result.get("ansible_facts", {}) for result in self.results)
        return next(found for found in facts if "image_resolved" in found)

    @property
    def message(self) -> str:
        failed = [result for result in self.results if result.get("failed")]
        return " ".join(str(failed[-1]["msg"]).split())


def play(
    *arguments: str, playbook: pathlib.Path | None = None, env: dict[str, str] | None = None, **variables: t.Any
) -> Run:
    variables = {"image_registry": REGISTRY, "image_repository": f"{SESSION}/kafka", "kafka_version": "3.9.2", **variables}
    done = subprocess.run(
        [
            *(pathlib.Path(sys.executable).with_name("ansible-playbook"), playbook or ROOT / "playbooks" / "image.yml"),
            *("--inventory=one,", "--extra-vars", json.dumps(variables), *arguments),
        ],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json", **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(done.returncode, json.loads(done.stdout[done.stdout.index("{") :]))


def docker(*arguments: str, code: int = 0, stdin: str | None = None) -> str:
    done = subprocess.run(
        ["docker", *arguments],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        input=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def tags(repository: str) -> list[str]:
    try:
        with urllib.request.urlopen(f"http://{REGISTRY}/v2/{repository}/tags/list") as answer:
            return json.load(answer)["tags"] or []
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise


@pytest.fixture(scope="session", name="built")
def _built() -> collections.abc.Iterator[Run]:
    run = play()
    assert run.code == 0, run.message
    yield run
    names = docker("image", "ls", "--format={{.Repository}}:{{.Tag}}").split()
    docker("image", "rm", "--force", *(name for name in names if SESSION in name))


@pytest.fixture(scope="session", name="image")
def _image(built: Run) -> str:
    return str(built.facts["image_result"]["reference"])


def stand_in(layout: str, image: str) -> str:
    """Something made like another image of Kafka: no start script, another user, another entry point."""
    name = f"{SESSION}-{layout}:1"
    move = "mkdir -p /usr/share/java && mv /opt/kafka/libs /usr/share/java/kafka" if layout == "cp" else "true"
    docker(
        *("build", "--network=none", f"--tag={name}", "-"),
        stdin=f"""
FROM {image}
USER 0
RUN rm -rf /opt/kafkaops && useradd --uid 1000 appuser && {move}
USER appuser
ENTRYPOINT ["/__cacert_entrypoint.sh"]
CMD ["/etc/kafka/docker/run"]
""",
    )
    return name


def test_built_and_pushed_by_digest(built: Run) -> None:
    result = built.facts["image_result"]
    assert built.facts["image_resolved"] == f"{REGISTRY}/{SESSION}/kafka@{result['digest']}"
    assert re.fullmatch(r"3\.9\.2-[0-9a-f]{12}", result["tag"])
    assert (result["built"], result["pushed"]) == (True, True)
    assert tags(f"{SESSION}/kafka") == [result["tag"]]


def test_second_run_changes_nothing_and_needs_no_engine(built: Run) -> None:
    again = play(env=DEAF)
    assert (again.code, again.changed) == (0, 0)
    assert again.facts["image_resolved"] == built.facts["image_resolved"]
    assert (again.facts["image_result"]["built"], again.facts["image_result"]["pushed"]) == (False, False)


def test_two_clusters_at_once() -> None:
    run = play("--inventory=two,", image_repository=f"{SESSION}/shared")
    assert run.code == 0, run.message
    assert len(run.report["stats"]) == 2
    assert len(tags(f"{SESSION}/shared")) == 1


def test_not_root(image: str) -> None:
    assert docker("inspect", "--format={{.Config.User}}", image).strip() == "1001:1001"
    assert docker("run", "--rm", "--entrypoint=id", *SANDBOX, image).startswith("uid=1001 gid=1001")
    assert (
        docker("run", "--rm", "--network=none", "--user=0", "--entrypoint=find", image, "/", "-xdev", "-type", "f", "-perm", "/6000")
        == ""
    )


def test_read_only_root(image: str) -> None:
    command = ("run", "--rm", "--entrypoint=sh", *SANDBOX, image, "-c")
    script = "/opt/kafkaops/bin/start class org.apache.kafka.tools.VerifiableProducer --help; ls -A /tmp"
    said = docker(*command, script)
    assert "usage: verifiable-producer" in said
    assert "hsperfdata" not in said


def test_addresses_are_forgotten_after_a_second(image: str) -> None:
    said = docker(
        *("run", "--rm", "--env=KAFKA_JVM_OPTS=-Djava.security.debug=properties", *SANDBOX, image),
        *("class", "org.apache.kafka.tools.VerifiableProducer", "--bootstrap-server=localhost:1"),
        *("--topic=any", "--max-messages=0"),
    )
    assert "security property: networkaddress.cache.ttl=1\n" in said
    assert "security property: networkaddress.cache.negative.ttl=0\n" in said


@pytest.fixture(name="zookeeper")
def _zookeeper(image: str, tmp_path: pathlib.Path) -> collections.abc.Iterator[tuple[str, ...]]:
    """What to give `docker run` for a ZooKeeper server with a disk."""
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    (tmp_path / "zoo.cfg").write_text("clientPort=2181\ndataDir=/data\nadmin.enableServer=false\n")
    (tmp_path / "zoo.cfg").chmod(0o644)
    mounts = (f"--volume={tmp_path}/zoo.cfg:/etc/zookeeper/zoo.cfg:ro", f"--volume={data}:/data")
    yield (*SANDBOX, *mounts, image)
    shutil.rmtree(data)


def test_zookeeper(zookeeper: tuple[str, ...]) -> None:
    name = f"{SESSION}-zookeeper"
    docker("run", "--detach", f"--name={name}", *zookeeper, "zookeeper", "/etc/zookeeper/zoo.cfg", "1")
    try:
        probe = ("exec", name, "/opt/kafkaops/bin/probe", "zookeeper")
        docker(*probe, "2182", code=1)
        deadline = time.monotonic() + 30
        while subprocess.run(["docker", *probe, "2181"], check=False, capture_output=True).returncode:
            assert time.monotonic() < deadline, docker("logs", name)
            time.sleep(0.3)
        assert docker("exec", name, "sh", "-c", "tr '\\0' ' ' </proc/1/cmdline").startswith("/usr/bin/java ")
        docker("stop", "--time=20", name)
        assert docker("inspect", "--format={{.State.ExitCode}}", name).strip() == "143", "SIGTERM reached the JVM"
        assert "QuorumPeerMain" in docker("logs", name)
    finally:
        docker("rm", "--force", name)
    said = docker("run", "--rm", *zookeeper, "zookeeper", "/etc/zookeeper/zoo.cfg", "2", code=64)
    assert "/data/myid says '1' but this server is to be 2" in said


TEST_START_REFUSED: list[tuple[tuple[str, ...], str]] = [
    ((), "'' is not one of"),
    (("bash",), "'bash' is not one of"),
    (("kafka",), "usage: start kafka"),
    (("kafka", "/nowhere"), "/nowhere is not there"),
    (("zookeeper", "/etc/passwd", "one"), "MYID must be a number"),
    (("zookeeper", "/etc/passwd", "1"), "sets no dataDir"),
    (("class",), "usage: start class"),
    (("archive",), "usage: start archive"),
]


@pytest.mark.parametrize(("arguments", "message"), TEST_START_REFUSED)
def test_start_refused(image: str, arguments: tuple[str, ...], message: str) -> None:
    assert message in docker("run", "--rm", *SANDBOX, image, *arguments, code=64)


@pytest.mark.parametrize(("layout", "libs"), [("apache", "/opt/kafka/libs"), ("cp", "/usr/share/java/kafka")])
def test_base(image: str, layout: str, libs: str) -> None:
    run = play(image_flavour="base", image_base=stand_in(layout, image))
    assert run.code == 0, run.message
    said = docker("run", "--rm", *SANDBOX, run.facts["image_result"]["reference"], "check")
    assert f"Kafka: {libs}/kafka_2.13-3.9.2.jar" in said
    assert "log4j.properties" in said


def test_base_without_kafka(image: str) -> None:
    name = docker("history", "--no-trunc", "--format={{.ID}}", image).split()[0]
    bare = f"{SESSION}-bare:1"
    docker("build", "--network=none", f"--tag={bare}", "-", stdin=f"FROM {name}\nUSER 0\nRUN rm -rf /opt/kafka\n")
    run = play(image_flavour="base", image_base=bare, image_repository=f"{SESSION}/bare")
    assert run.code == 2
    assert "this is not an image of Kafka" in run.message
    assert tags(f"{SESSION}/bare") == []


def test_wrong_checksum(tmp_path: pathlib.Path) -> None:
    """In a copy of the role, one digit of one checksum is another one."""
    shutil.copytree(ROOT / "roles" / "image", tmp_path / "roles" / "image")
    playbook = tmp_path / "play.yml"
    playbook.write_text((ROOT / "playbooks" / "image.yml").read_text().replace("kafkaops.kubernetes.image", "image"))
    lock = tmp_path / "roles" / "image" / "files" / "locks" / "kafka-3.9.2.lock"
    right = re.search(r"sha256:([0-9a-f]{64}) org\.scala-lang:scala-library:", lock.read_text())
    assert right
    wrong = ("1" if right[1][0] == "0" else "0") + right[1][1:]
    lock.write_text(lock.read_text().replace(right[1], wrong))
    run = play(playbook=playbook, image_repository=f"{SESSION}/wrong", image_cache_dir=str(tmp_path / "cache"))
    assert run.code == 2
    assert f"sha256 expected {wrong}, found {right[1]}" in run.message
    assert run.message.count("expected") == 1, "no other jar differs"
    assert "org.scala-lang:scala-library" in run.message
    assert tags(f"{SESSION}/wrong") == []
    assert not list((tmp_path / "cache").iterdir()), "nothing doubtful is kept"


TEST_REFUSED: list[tuple[dict[str, t.Any], str]] = [
    ({"image_registry": "127.0.0.1:1"}, "The registry 127.0.0.1:1 cannot be asked"),
    ({"kafka_version": "1.2.3"}, "there is one for 3.9.2, 4.3.1"),
    ({"image_flavour": "base"}, "image_base is empty"),
    ({"image_flavour": "base", "image_base": "No Image"}, "is not the name of an image"),
    ({"image_repository": "Upper"}, "image_repository is 'Upper'"),
    ({"image_reference": f"{REGISTRY}/{SESSION}/kafka:none"}, "has no such image"),
    ({"image_repository": f"{SESSION}/deaf"}, "A Docker engine is needed"),
]


@pytest.mark.parametrize(("variables", "message"), TEST_REFUSED)
def test_refused(variables: dict[str, t.Any], message: str) -> None:
    run = play(env=DEAF, **variables)
    assert run.code == 2
    assert message in run.message


def test_reference(built: Run, image: str) -> None:
    run = play(env=DEAF, image_reference=image)
    assert (run.code, run.changed) == (0, 0)
    assert run.facts["image_resolved"] == built.facts["image_resolved"]


@pytest.mark.parametrize("reference", ["apache/kafka:4.3.1", "127.0.0.1:1/kafka:4.3.1"])
def test_reference_that_cannot_be_resolved(reference: str) -> None:
    run = play(env=DEAF, image_reference=reference)
    assert (run.code, run.changed) == (0, 0)
    assert run.facts["image_resolved"] == reference
    assert any("used as it is, not by digest" in str(result.get("warnings")) for result in run.results)


def test_check_mode_on_a_fresh_machine(tmp_path: pathlib.Path) -> None:
    run = play(
        "--check",
        env=DEAF,
        image_repository=f"{SESSION}/check",
        image_cache_dir=str(tmp_path),
        image_registry="127.0.0.1:1",
    )
    assert run.code == 0
    assert re.fullmatch(r"127\.0\.0\.1:1/\S+:3\.9\.2-[0-9a-f]{12}", run.facts["image_resolved"])
    assert any("would be built" in str(result.get("msg")) for result in run.results)
    assert not list(tmp_path.iterdir())
