# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""A long-lived JVM per release that answers what the real classes say."""

from __future__ import annotations

import dataclasses
import subprocess
import threading
import types
import typing as t
import urllib.parse

from ansible_collections.kafkaops.kubernetes.tests.oracle import jars

# Fast start matters more than peak speed; no name of a configuration may be looked up in DNS (until 3.7 Kafka
# resolves the voters while it parses them), so the JVM gets an empty hosts file instead of a resolver.
_JVM = ("-Xshare:auto", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx256m")

Properties = t.Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the real class said: accepted, or which exception with which message."""

    accepted: bool
    exception: str = ""
    message: str = ""


class Judge:
    """Asks one JVM; use as a context manager. Lines go out in a thread, so that neither side can block."""

    def __init__(self, program: str, classpath: str) -> None:
        hosts = jars.cache() / "no-hosts"
        hosts.touch()
        path = f"{jars.compiled()}:{classpath}"
        self._process = subprocess.Popen(
            [jars.java(), *_JVM, f"-Djdk.net.hosts.file={hosts}", "-cp", path, program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()

    def ask_lines(self, lines: t.Iterable[str]) -> t.Iterator[str]:
        """One answer per line, in order."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        todo = list(lines)

        def send() -> None:
            for line in todo:
                stdin.write(line.encode() + b"\n")
            stdin.flush()

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        for _line in todo:
            answer = stdout.readline()
            if not answer:
                raise RuntimeError("the JVM of the judge died")
            yield answer.decode().rstrip("\n")
        sender.join()

    def ask(self, configurations: t.Iterable[Properties]) -> t.Iterator[Verdict]:
        """The verdict on each configuration, in order."""
        return map(verdict, self.ask_lines(map(encode, configurations)))


def kafka(release: str) -> Judge:
    """The judge of one Kafka release: ``KafkaConfig.fromProps``."""
    return Judge("Judge", jars.kafka_classpath(release))


def verdict(answer: str) -> Verdict:
    """One answer line as a Verdict."""
    if answer == "1":
        return Verdict(True)
    exception, message = (urllib.parse.unquote_plus(field) for field in answer.split("\t")[1:3])
    return Verdict(False, exception, message)


def encode(properties: Properties) -> str:
    """``key=value`` pairs separated by tabs, both percent-encoded."""
    quote = urllib.parse.quote
    return "\t".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in properties.items())
