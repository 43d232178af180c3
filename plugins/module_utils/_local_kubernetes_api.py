# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The little of the Kubernetes API that starting a cluster needs. Private to the collection."""

from __future__ import annotations

import http.client
import json
import ssl
import typing as t
import urllib.parse

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_plan as plan


class Api:
    """An API server, asked as its administrator."""

    def __init__(self, authority: str, certificate: str, key: str) -> None:
        self._context = ssl.create_default_context(cafile=authority)
        self._context.load_cert_chain(certificate, key)

    def request(self, method: str, path: str, body: t.Any = None, seconds: float = 10) -> tuple[int, t.Any]:
        """Status and decoded body of an answer; status 0 where there is none."""
        url = urllib.parse.urlsplit(plan.API_URL)
        connection = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=seconds, context=self._context)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    def get(self, path: str) -> t.Any:
        """An object, or nothing."""
        status, body = self.request("GET", path)
        return body if status == 200 else None

    def ready(self) -> bool:
        return self.request("GET", "/readyz", seconds=3)[0] == 200


def http_ok(address: str, port: int, path: str) -> bool:
    """Whether something answers there as it should (plain HTTP)."""
    connection = http.client.HTTPConnection(address, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
