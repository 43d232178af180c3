# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Asking a registry: against a small one of our own, which wants no login, a password or a token."""

from __future__ import annotations

import base64
import collections.abc
import hashlib
import http.server
import json
import threading
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._image import Answer, Reference
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._image_registry import Registry, Unreachable

DIGEST = "sha256:" + "a1" * 32
LOGIN = "Basic " + base64.b64encode(b"me:secret").decode()
MANIFEST = b'{"schemaVersion": 2}'


class Handler(http.server.BaseHTTPRequestHandler):
    server: FakeRegistry

    def log_message(self, *_arguments: t.Any) -> None:
        """Be quiet."""

    def _answer(self, status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _let_in(self) -> bool:
        """Whether to go on; otherwise the refusal is sent."""
        given = self.headers.get("Authorization", "")
        if self.server.wants == "basic" and given != LOGIN:
            self._answer(401, {"WWW-Authenticate": 'Basic realm="test"'})
        elif self.server.wants == "bearer" and given != "Bearer token-for-me":
            realm = f"http://127.0.0.1:{self.server.server_port}/token"
            self._answer(401, {"WWW-Authenticate": f'Bearer realm="{realm}",service="test"'})
        elif self.server.wants == "something":
            self._answer(401, {"WWW-Authenticate": "Negotiate"})
        else:
            return True
        return False

    def do_HEAD(self) -> None:
        self.server.asked.append((self.command, self.path))
        if self.path.startswith("/token"):
            allowed = self.headers.get("Authorization") == LOGIN
            self._answer(
                200 if allowed else 401, body=json.dumps({"token": "token-for-me"}).encode() if allowed else b""
            )
        elif self._let_in():
            if "application/vnd.oci.image.index.v1+json" not in self.headers["Accept"]:
                self._answer(406)
            elif self.path.endswith("/there"):
                self._answer(200, {"Docker-Content-Digest": DIGEST})
            elif self.path.endswith("/terse"):
                self._answer(200, body=MANIFEST)
            else:
                self._answer(404)

    do_GET = do_HEAD

    def do_POST(self) -> None:
        self.server.asked.append((self.command, self.path))
        if self._let_in():
            self._answer(202, {"Location": "/v2/kafka/blobs/uploads/1?state=x"})

    def do_DELETE(self) -> None:
        self.server.asked.append((self.command, self.path))
        if self._let_in():
            self._answer(204)


class FakeRegistry(http.server.ThreadingHTTPServer):
    wants = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str]] = []

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.server_port}"


@pytest.fixture(name="fake")
def _fake() -> collections.abc.Iterator[FakeRegistry]:
    with FakeRegistry() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


TEST_DIGEST: list[tuple[str, str, str, Answer]] = [
    ("", "", "there", Answer("present", DIGEST)),
    ("", "", "terse", Answer("present", f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}")),
    ("", "", "gone", Answer("absent", "", "status 404")),
    ("basic", "secret", "there", Answer("present", DIGEST)),
    ("basic", "wrong", "there", Answer("login", "", "status 401")),
    ("basic", "", "there", Answer("login", "", "status 401")),
    ("bearer", "secret", "there", Answer("present", DIGEST)),
    ("bearer", "wrong", "there", Answer("login", "", "status 401")),
    ("something", "secret", "there", Answer("login", "", "status 401")),
]


@pytest.mark.parametrize(("wants", "password", "tag", "expected"), TEST_DIGEST)
def test_digest(fake: FakeRegistry, wants: str, password: str, tag: str, expected: Answer) -> None:
    fake.wants = wants
    registry = Registry(fake.name, "me" if password else "", password)
    assert registry.digest(Reference(fake.name, "kafka", tag)) == expected


def test_one_request_is_enough(fake: FakeRegistry) -> None:
    Registry(fake.name).digest(Reference(fake.name, "kafka", "there"))
    assert fake.asked == [("HEAD", "/v2/kafka/manifests/there")]


@pytest.mark.parametrize(
    ("wants", "password", "kind"), [("", "", "present"), ("basic", "secret", "present"), ("basic", "", "login")]
)
def test_may_push(fake: FakeRegistry, wants: str, password: str, kind: str) -> None:
    fake.wants = wants
    registry = Registry(fake.name, "me" if password else "", password)
    assert registry.may_push(Reference(fake.name, "kafka")).kind == kind
    left = ("DELETE", "/v2/kafka/blobs/uploads/1?state=x") in fake.asked
    assert left == (kind == "present"), "an upload that was begun is given up again"


def test_token_is_asked_for_what_is_done(fake: FakeRegistry) -> None:
    fake.wants = "bearer"
    registry = Registry(fake.name, "me", "secret")
    registry.digest(Reference(fake.name, "kafka", "there"))
    registry.may_push(Reference(fake.name, "kafka"))
    scopes = [path.partition("scope=")[2] for _method, path in fake.asked if path.startswith("/token")]
    assert scopes[0] == "repository%3Akafka%3Apull"
    assert scopes[1] == "repository%3Akafka%3Apull%2Cpush"


def test_unreachable() -> None:
    with FakeRegistry() as server:
        name = server.name
    with pytest.raises(Unreachable, match="refused"):
        Registry(name).digest(Reference(name, "kafka", "there"))
