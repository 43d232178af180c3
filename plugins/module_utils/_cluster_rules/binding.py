# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over what a process binds in its pod."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._names import follow
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import Endpoint, is_ip, is_loopback, is_wildcard

_LEAVE_EMPTY = "leave the host in listeners empty, and say in advertised.listeners how others reach it"


_BEHIND = a_service("kafka", "selector: {app: kafka}, ports: [{port: 9092}]")


def _listeners(value: str) -> str:
    return changed("kafka", f"KAFKA_LISTENERS=PLAINTEXT://{value}:9092")


def _bound(planned: Planned) -> t.Iterator[tuple[Server, Endpoint, str]]:
    """What is bound to one host."""
    for server in planned.kafka:
        for endpoint in server.listeners:
            host = endpoint.host or ""
            if host and host != "0.0.0.0" and not is_wildcard(host):
                yield server, endpoint, host


@rule(
    "BIND-LOOPBACK",
    "error",
    "runtime",
    "Services and other pods get connection refused.",
    example=Example("zookeeper", wrong=objects(_listeners("localhost")), right=objects(_listeners("0.0.0.0"))),
)
def bound_to_loopback(planned: Planned) -> t.Iterator[Problem]:
    """A listener accepts connections from other pods."""
    for server, endpoint, host in _bound(planned):
        if is_loopback(host):
            yield Problem(server.where("listeners", endpoint.name), f"{endpoint} is bound to the loopback address", _LEAVE_EMPTY)


@rule(
    "BIND-NOT-LOCAL",
    "error",
    "start",
    "Kafka exits: 'Socket server failed to bind to ...: Cannot assign requested address'.",
    example=Example("zookeeper", wrong=objects(_BEHIND, _listeners("kafka")), right=objects(_BEHIND, _listeners(""))),
)
def bound_elsewhere(planned: Planned) -> t.Iterator[Problem]:
    """A listener binds an address of its own pod."""
    for server, endpoint, host in _bound(planned):
        if is_loopback(host) or host in (server.pod_ip, server.pod) or server.workload.host_network:
            continue
        reason = _not_of_the_pod(planned, server, host)
        if reason:
            yield Problem(server.where("listeners", endpoint.name), f"{endpoint} is bound to {reason}", _LEAVE_EMPTY)


def _not_of_the_pod(planned: Planned, server: Server, host: str) -> str:
    if is_ip(host.strip("[]")):
        return "an address that is written down, and a pod gets its address when it starts"
    lead = follow(planned, host, server.namespace)
    if lead.kind == "pod":
        return "" if server in lead.servers else f"the address of another pod, {lead.servers[0].pod}"
    if lead.kind == "service" and lead.service is not None:
        if lead.service.headless:
            return "" if list(lead.servers) == [server] else f"one of the addresses behind {lead.service.where}"
        return f"the address of {lead.service.where}, which no pod has"
    if lead.kind == "missing":
        return f"a name that nothing has: {lead.reason}"
    return "a name that is none of the pod's own"


@rule(
    "BIND-UNREADY-DNS",
    "warning",
    "start",
    "Until the pod is ready its name has no address, and until the name has one Kafka does not start: it depends on the readiness probe whether it ever does.",
    example=Example(
        "zookeeper",
        wrong=objects(_listeners("$(POD_NAME).kafka-hs")),
        right=objects(_listeners("$(POD_NAME).kafka-hs"), a_service("kafka-hs", "publishNotReadyAddresses: true")),
    ),
)
def bound_to_unready_name(planned: Planned) -> t.Iterator[Problem]:
    """Whoever binds its own name needs that name before it is ready (``publishNotReadyAddresses``)."""
    for server, endpoint, host in _bound(planned):
        lead = follow(planned, host, server.namespace)
        if server in lead.servers and lead.service is not None and lead.service.headless and not lead.service.publishes_unready:
            message = f"{endpoint} is bound to the pod's own name, and {lead.service.where} lists ready pods only"
            yield Problem(server.where("listeners", endpoint.name), message, f"set publishNotReadyAddresses: true on {lead.service.where}, or " + _LEAVE_EMPTY)


@rule(
    "PORT-CLASH",
    "error",
    "start",
    "Whichever starts second exits: 'Address already in use'.",
    example=Example("zookeeper", wrong=objects(changed("kafka", "JMX_PORT=9092")), right=objects(changed("kafka", "JMX_PORT=9999"))),
)
def port_clash(planned: Planned) -> t.Iterator[Problem]:
    """All that listens in a pod, JMX and the containers beside Kafka too, has ports of its own."""
    for server in planned.kafka:
        jmx = [server.environment[name] for name in ("JMX_PORT", server.workload.family.jmx_variable) if name in server.environment]
        taken = dict.fromkeys(server.workload.other_ports, "another container or an agent of the JVM")
        taken.update({int(port): "JMX" for port in jmx if port.isdecimal() and len(port) < 6})
        for endpoint in server.listeners:
            if endpoint.port in taken:
                message = f"{endpoint} has the port of {taken[endpoint.port]}"
                yield Problem(server.where("listeners", endpoint.name), message, "give each a port of its own")
