# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Connections to ports of pods through the Kubernetes API server. Private to the collection.

Needs the rights ``get`` and ``create`` of ``pods/portforward`` and ``list pods`` in one namespace: a connection by websocket counts as
``get`` up to Kubernetes 1.34, and as ``create`` later. Imports the Kubernetes client only when
it is used: that takes half a second, which a direct connection need not pay.
"""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_routes, _kafka_tunnel


class PodForward:
    """A :class:`_kafka_tunnel.Forward` over a port-forward of the Kubernetes client."""

    def __init__(self, forward: t.Any, port: int) -> None:
        self._forward = forward
        self._port = port

    @property
    def socket(self) -> socket.socket:
        return t.cast(socket.socket, self._forward.socket(self._port))

    def error(self) -> str:
        return str(self._forward.error(self._port) or "").strip()

    def close(self) -> None:
        self._forward.close()


class ApiServer:
    """One namespace behind an API server. ``client``: a ``K8SClient`` of kubernetes.core. ``timeout``: seconds for each forward."""

    def __init__(self, client: t.Any, namespace: str, timeout: float) -> None:
        self._api_client = client.client.client
        self._resource = client.resource("Pod", "v1")
        self._client = client
        self._namespace = namespace
        self._timeout = timeout

    def broker_pods(self, cluster: str) -> tuple[_kafka_routes.BrokerPod, ...]:
        """The brokers' pods of a cluster; raises ``OSError`` with what the API server said."""
        from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
        from kubernetes.client import ApiException
        from urllib3.exceptions import HTTPError

        selector = f"{_kafka_routes.INSTANCE}={cluster},{_kafka_routes.COMPONENT}=broker"
        try:
            found = self._client.get(self._resource, namespace=self._namespace, label_selector=selector, _request_timeout=self._timeout).to_dict()
        except (ApiException, HTTPError, CoreException) as error:
            raise _refused("list pods", error) from None
        return _kafka_routes.broker_pods(found["items"])

    def open(self, target: _kafka_routes.Target) -> _kafka_tunnel.Forward:
        """Forward to a port of a pod; raises ``OSError`` with what the API server said."""
        import websocket
        from kubernetes import client
        from kubernetes.stream import portforward

        # The Kubernetes client has no option for it; without, an API server that does not answer blocks for ever.
        websocket.setdefaulttimeout(self._timeout)
        # A client of its own: port-forwarding replaces a method of the client for as long as it takes to connect.
        api_client = client.ApiClient(self._api_client.configuration)
        api_client.default_headers.update(self._api_client.default_headers)
        try:
            connect = client.CoreV1Api(api_client).connect_get_namespaced_pod_portforward
            forward = portforward(connect, target.pod, self._namespace, ports=str(target.port))
        except client.ApiException as error:
            raise _refused("get and create pods/portforward", error) from None
        return PodForward(forward, target.port)


def _refused(operation: str, error: t.Any) -> OSError:
    """What the API server said; a ``PermissionError`` where it is of no use to ask again."""
    # The client tells of a refused websocket in words alone, with all headers of the answer.
    reason = str(getattr(error, "reason", None) or error).partition(" -+-+- ")[0]
    if getattr(error, "status", 0) in (401, 403) or reason.startswith(("Handshake status 401", "Handshake status 403")):
        return PermissionError(f"{operation}: {reason}. The user needs this right in the namespace, see roles/services/files/rights.yml")
    return OSError(f"{operation}: {reason}")
