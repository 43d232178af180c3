# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The jars the judge runs with: fetched by Maven, kept in the user's cache.

Cache: ``${XDG_CACHE_HOME:-~/.cache}/kafkaops-kubernetes/oracle/``. Per release one generated ``pom.xml`` and one
``classpath``; the jars themselves stay in Maven's own repository.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import shutil
import subprocess

HERE = pathlib.Path(__file__).resolve().parent

KAFKA_RELEASES = (
    "2.4.1", "2.5.1", "2.6.3", "2.7.2", "2.8.2",
    "3.0.2", "3.1.2", "3.2.3", "3.3.2", "3.4.1", "3.5.2", "3.6.2", "3.7.2", "3.8.1", "3.9.2",
    "4.0.2", "4.1.2", "4.2.2", "4.3.1",
)  # fmt: skip
"""The latest patch release of every minor that the validator knows."""

KAFKA_OLDER = (
    "2.4.0", "2.5.0", "2.6.0", "2.6.1", "2.6.2", "2.7.0", "2.7.1", "2.8.0", "2.8.1",
    "3.0.0", "3.0.1", "3.1.0", "3.1.1", "3.2.0", "3.2.1", "3.2.2", "3.3.0", "3.3.1", "3.4.0", "3.5.0", "3.5.1", "3.6.0", "3.6.1",
    "3.7.0", "3.7.1", "3.8.0", "3.9.0", "3.9.1",
    "4.0.0", "4.0.1", "4.1.0", "4.1.1", "4.2.0", "4.2.1", "4.3.0",
)  # fmt: skip
"""All older patch releases, in order."""

KAFKA_DIVERGING = ("2.8.1", "3.0.1", "3.1.1", "3.2.1", "3.3.1", "3.5.0", "3.5.1", "3.6.1", "3.9.0", "3.9.1", "4.2.0", "4.2.1")
"""Those that judge differently from the latest one of their minor."""

ZOOKEEPER_RELEASES = ("3.5.10", "3.6.4", "3.7.2", "3.8.4", "3.9.3")

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kafkaops.oracle</groupId><artifactId>jars</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>{dependencies}</dependencies>
</project>
"""
_DEPENDENCY = "<dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version></dependency>"

# What the ZooKeeper server needs at run time and its pom leaves to the installation.
_ZOOKEEPER_EXTRAS = (
    ("io.dropwizard.metrics", "metrics-core", "4.1.12.1"),
    ("org.xerial.snappy", "snappy-java", "1.1.10.5"),
)


class OracleUnavailable(RuntimeError):
    """There is no Java, no Maven, or no way to the jars."""


def cache() -> pathlib.Path:
    """The directory of everything that is fetched or compiled; created if missing."""
    base = os.environ.get("XDG_CACHE_HOME") or str(pathlib.Path.home() / ".cache")
    directory = pathlib.Path(base) / "kafkaops-kubernetes" / "oracle"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def kafka_classpath(release: str) -> str:
    """The class path of Kafka's core of one release, for example ``"3.9.2"``."""
    return _classpath(f"kafka-{release}", [("org.apache.kafka", "kafka_2.13", release)])


def kafka_tools_classpath(release: str) -> str:
    """The class path of a broker and of Kafka's command line tools of one release."""
    return _classpath(f"kafka-tools-{release}", [("org.apache.kafka", name, release) for name in ("kafka_2.13", "kafka-tools")])


def zookeeper_classpath(release: str) -> str:
    """The class path of the ZooKeeper server of one release, for example ``"3.8.4"``."""
    return _classpath(f"zookeeper-{release}", [("org.apache.zookeeper", "zookeeper", release), *_ZOOKEEPER_EXTRAS])


def compiled() -> pathlib.Path:
    """The directory of the compiled judges; compiled again whenever a source changes."""
    sources = sorted((HERE / "java").glob("*.java"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    target = cache() / f"classes-{digest}"
    if not target.is_dir():
        scratch = cache() / f"classes-{digest}.{os.getpid()}"
        # Only the judge of ZooKeeper is compiled against something; what it uses is the same in all releases.
        path = zookeeper_classpath(ZOOKEEPER_RELEASES[-1])
        _run([_tool("javac"), "-nowarn", "-cp", path, "-d", str(scratch), *map(str, sources)])
        try:
            scratch.rename(target)
        except OSError:  # another process was faster
            shutil.rmtree(scratch)
    return target


def java() -> str:
    """The ``java`` to run; raises OracleUnavailable if there is none."""
    return _tool("java")


def _classpath(name: str, dependencies: list[tuple[str, str, str]]) -> str:
    directory = cache() / name
    stored = directory / "classpath"
    if stored.is_file():
        known = stored.read_text(encoding="utf-8").strip()
        if known and all(map(os.path.exists, known.split(os.pathsep))):
            return known
    directory.mkdir(exist_ok=True)
    pom = _POM.format(dependencies="".join(_DEPENDENCY.format(*dependency) for dependency in dependencies))
    (directory / "pom.xml").write_text(pom, encoding="utf-8")
    scratch = directory / f"classpath.{os.getpid()}"
    _run(
        [_tool("mvn"), "-B", "-q", "-f", str(directory / "pom.xml"), "dependency:build-classpath",
         f"-Dmdep.outputFile={scratch}"]
    )  # fmt: skip
    scratch.replace(stored)
    return stored.read_text(encoding="utf-8").strip()


def _tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise OracleUnavailable(f"{name} is not on the PATH")
    return found


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OracleUnavailable(f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
