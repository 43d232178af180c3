# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Something breaks in the middle of each module: it finishes or fails clearly, and the next run completes it.

The middle is the first request that writes. The connections go through the tunnel, whose far end counts requests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import struct
import threading
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_module
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_routes import Target
from brokers import Cluster, tunnel
from conftest import Result, call

CREATE_TOPICS, CREATE_ACLS, INCREMENTAL_ALTER_CONFIGS, ALTER_USER_SCRAM_CREDENTIALS = 19, 30, 44, 51
"""Numbers of requests in Kafka's protocol."""

WRITES = {
    "kafka_topics": CREATE_TOPICS,
    "kafka_users": ALTER_USER_SCRAM_CREDENTIALS,
    "kafka_acls": CREATE_ACLS,
    "kafka_configs": INCREMENTAL_ALTER_CONFIGS,
}


def wanted(module: str, name: str) -> dict[str, t.Any]:
    """Options of a module for two things that are not there yet; ``name``: that no other test uses."""
    both = (f"{name}-a", f"{name}-b")
    number = int(name.lstrip("t"))
    options: dict[str, dict[str, t.Any]] = {
        "kafka_topics": {"topics": [{"name": each, "partitions": 2} for each in both]},
        "kafka_users": {"users": [{"name": each, "password": f"password of {each}"} for each in both]},
        "kafka_acls": {"acls": [{"principal": f"User:{each}", "resource_type": "group", "resource_name": "g", "operations": ["read"]} for each in both]},
        "kafka_configs": {
            "all_brokers": {"log.cleaner.backoff.ms": 20000 + number},
            "brokers": {"1": {"log.cleaner.io.buffer.load.factor": 0.5 + number / 1e4}},
        },
    }
    return options[module]


@dataclasses.dataclass
class Cut:
    """Where the connection breaks, once: at a request of this kind, on its way to the broker or when the answer is on its way back."""

    request: int
    answered: bool
    meanwhile: t.Callable[[], None] = lambda: None
    """Called when the connection is broken."""

    done: bool = False

    def open(self, target: Target) -> Breakable:
        """For the tunnel."""
        return Breakable(self, target)


class Breakable:
    """The far end of a forward on this machine, which looks at each request."""

    def __init__(self, cut: Cut, target: Target) -> None:
        self._cut = cut
        self._far = socket.create_connection(("127.0.0.1", target.port), 5)
        self._far.settimeout(None)
        self.socket, self._near = socket.socketpair()
        self._last_answer_is_lost = False
        self._threads = [threading.Thread(target=self._until_broken, args=[each]) for each in (self._requests, self._answers)]
        for thread in self._threads:
            thread.start()

    def error(self) -> str:
        return ""

    def close(self) -> None:
        self._break()
        for thread in self._threads:
            thread.join()
        for each in (self.socket, self._near, self._far):
            each.close()

    def _break(self) -> None:
        for each in (self._near, self._far):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _until_broken(self, carry: t.Callable[[], bool]) -> None:
        cut = False
        with contextlib.suppress(OSError):
            cut = carry()
        self._break()
        if cut:
            self._cut.meanwhile()

    def _requests(self) -> bool:
        """Carry requests to the broker; whether that ended with the cut."""
        with self._near.makefile("rb") as stream:
            while len(size := stream.read(4)) == 4:
                request = stream.read(*struct.unpack("!i", size))
                if not self._cut.done and struct.unpack("!h", request[:2]) == (self._cut.request,):
                    self._cut.done = True
                    if not self._cut.answered:
                        return True
                    self._last_answer_is_lost = True
                self._far.sendall(size + request)
        return False

    def _answers(self) -> bool:
        """Carry answers back; whether that ended with the cut."""
        while answer := self._far.recv(1 << 16):
            if self._last_answer_is_lost:
                return True
            self._near.sendall(answer)
        return False


def run(module: str, cluster: Cluster, cut: Cut, monkeypatch: pytest.MonkeyPatch, **options: t.Any) -> Result:
    """A run whose connection breaks."""
    with monkeypatch.context() as patched:
        patched.setattr(_kafka_module, "tunnel", lambda _params: tunnel(cluster, [], cut.open))
        result = call(module, cluster, **options)
    assert cut.done, "it broke in the middle"
    return result


def records(result: Result) -> dict[str, t.Any]:
    """What the next run of ``kafka_users`` needs of this one."""
    return {"records": result.values["records"]} if "records" in result.values else {}


@pytest.mark.parametrize("answered", [False, True], ids=["request lost", "answer lost"])
@pytest.mark.parametrize("module", WRITES)
def test_the_connection_breaks(newest: Cluster, name: str, module: str, answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    options = wanted(module, name)
    result = run(module, newest, Cut(WRITES[module], answered), monkeypatch, **options)
    assert result.changed
    assert len(result.changes) == 2, "both are told as changed, whenever they were"
    assert not call(module, newest, **options, **records(result)).changed


@pytest.mark.parametrize(("module", "answered"), [("kafka_topics", True), ("kafka_users", False), ("kafka_acls", True), ("kafka_configs", False)])
def test_the_broker_restarts(newest: Cluster, name: str, module: str, answered: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only broker dies and comes back: the module goes on."""

    def restart() -> None:
        newest.stop(1)
        newest.start(1)

    options = wanted(module, name)
    result = run(module, newest, Cut(WRITES[module], answered, restart), monkeypatch, timeout=110, **options)
    newest.wait(1)
    assert result.changed
    assert len(result.changes) == 2
    assert not call(module, newest, **options, **records(result)).changed


def test_the_broker_does_not_come_back_in_time(newest: Cluster, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of one module; then others do not even begin. Each fails with the reason, and the next run completes it."""
    cut = Cut(ALTER_USER_SCRAM_CREDENTIALS, False, lambda: newest.stop(1))
    failed = {"kafka_users": run("kafka_users", newest, cut, monkeypatch, timeout=4, **wanted("kafka_users", name))}
    for module in WRITES:
        failed.setdefault(module, call(module, newest, timeout=2, **wanted(module, name)))
    assert failed["kafka_users"].values["records"] == {}
    newest.start(1)
    newest.wait(1)
    for module, result in failed.items():
        assert result.failed
        assert "gave up after " in result.message
        assert len(call(module, newest, **wanted(module, name)).changes) == 2, module
