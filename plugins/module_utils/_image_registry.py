# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Asking an image registry. The edge of ``_image.py``. Private to the collection."""

from __future__ import annotations

import base64
import hashlib
import json
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._image import (
    MANIFEST_TYPES,
    Answer,
    Challenge,
    Reference,
    is_local,
    manifest_answer,
    parse_challenge,
    push_answer,
    registry_url,
    token_url,
)


class Unreachable(Exception):
    """No answer at all."""


class _Response(t.NamedTuple):
    status: int
    headers: t.Any
    body: bytes


class Registry:
    """One registry, one login. Speaks the OCI distribution API as far as asking goes."""

    def __init__(
        self, registry: str, username: str = "", password: str = "", insecure: bool = False, validate_certs: bool = True
    ) -> None:
        self.url = registry_url(registry, insecure)
        self.username = username
        self._password = password
        self._validate_certs = validate_certs
        self._use_proxy = not is_local(registry)

    def digest(self, reference: Reference) -> Answer:
        """Whether it has this tag, and with which digest."""
        url = f"{self.url}/v2/{reference.repository}/manifests/{reference.tag or reference.digest or 'latest'}"
        headers = {"Accept": ", ".join(MANIFEST_TYPES)}
        response = self._ask("HEAD", url, reference.repository, "pull", headers)
        answer = manifest_answer(response.status, response.headers.get("Docker-Content-Digest", ""))
        if answer.kind == "present" and not answer.digest:
            body = self._ask("GET", url, reference.repository, "pull", headers).body
            answer = Answer("present", f"sha256:{hashlib.sha256(body).hexdigest()}")
        return answer

    def may_push(self, reference: Reference) -> Answer:
        """Begin an upload and give it up again: the only way to learn whether a push will be let in."""
        url = f"{self.url}/v2/{reference.repository}/blobs/uploads/"
        response = self._ask("POST", url, reference.repository, "pull,push", {})
        answer = push_answer(response.status)
        upload = urllib.parse.urljoin(url, response.headers.get("Location", ""))
        if answer.kind == "present" and upload != url and upload.startswith(f"{self.url}/"):
            self._ask("DELETE", upload, reference.repository, "pull,push", {})
        return answer

    def _ask(self, method: str, url: str, repository: str, actions: str, headers: dict[str, str]) -> _Response:
        """Ask, and ask again with the login or the token that the registry wants."""
        response = self._send(method, url, headers)
        if response.status != 401:
            return response
        challenge = parse_challenge(response.headers.get("WWW-Authenticate", ""))
        authorization = self._authorization(challenge, repository, actions) if challenge else ""
        return self._send(method, url, {**headers, "Authorization": authorization}) if authorization else response

    def _authorization(self, challenge: Challenge, repository: str, actions: str) -> str:
        login = base64.b64encode(f"{self.username}:{self._password}".encode()).decode()
        basic = f"Basic {login}" if self.username else ""
        if challenge.scheme == "basic":
            return basic
        headers = {"Authorization": basic} if basic else {}
        response = self._send("GET", token_url(challenge, repository, actions), headers)
        try:
            said = json.loads(response.body) if response.status == 200 else {}
        except ValueError:
            said = {}
        token = (said.get("token") or said.get("access_token")) if isinstance(said, dict) else None
        return f"Bearer {token}" if token else ""

    def _send(self, method: str, url: str, headers: dict[str, str]) -> _Response:
        try:
            with open_url(
                url,
                method=method,
                headers=headers,
                data=b"" if method == "POST" else None,
                timeout=10,
                validate_certs=self._validate_certs,
                use_proxy=self._use_proxy,
                use_netrc=False,
                http_agent="kafkaops.kubernetes",
            ) as reply:
                return _Response(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return _Response(error.code, error.headers, b"")
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise Unreachable(str(getattr(error, "reason", error))) from error
