# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the ports of Services: does a connection to an advertised port arrive at the listener it is meant for?"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import POD_NAME, Planned, Server, Service, ServicePort
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.addresses import Address, addresses


def _per_pod(target: int, port: int) -> str:
    """One broker that listens on 9093, and its Service with port 9094."""
    variables = ("KAFKA_LISTENERS=PLAINTEXT://:9093", f"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://kafka-0:{port}")
    leading = a_service("kafka-0", f"selector: {{{POD_NAME}: kafka-0}}, ports: [{{port: 9094, targetPort: {target}}}]")
    return objects(leading, changed("kafka", *variables, spec="replicas: 1"))


def bound(server: Server, listener: str) -> list[int]:
    """The ports that a listener is bound to."""
    return [endpoint.port for endpoint in server.listeners if endpoint.name == listener]


@rule(
    "ADV-PORT-NOT-EXPOSED",
    "error",
    "runtime",
    "Clients get connection refused or a time-out, or arrive at another listener.",
    example=Example("zookeeper", wrong=_per_pod(target=9093, port=9093), right=_per_pod(target=9093, port=9094)),
)
def advertised_port(planned: Planned) -> t.Iterator[Problem]:
    """The advertised port is the Service's port, and that leads to the listener's port; behind a pod's name it is the listener's own."""
    for address in addresses(planned):
        server, port, own = address.server, address.endpoint.port, bound(address.server, address.endpoint.name)
        service = address.lead.service
        if not own or service is None or server not in address.lead.servers:
            continue
        if address.lead.kind == "pod" or service.headless:
            if port not in own:
                message = f"{address.host} leads straight to the pod, where the listener has port {own[0]} and not {port}"
                yield Problem(address.where, message, f"advertise port {own[0]}")
            continue
        leading = [each for each in service.ports if each.port == port]
        targets = [planned.target(server, each) for each in leading]
        if not any(target in own for target in targets):
            right = [each.port for each in service.ports if planned.target(server, each) in own]
            shown = f"leads to port {targets[0]} of the pod" if leading else "is none of its ports"
            fix = f"advertise port {right[0]}" if right else f"give {service.where} a port {port} with targetPort {own[0]}"
            yield Problem(address.where, f"port {port} of {service.where} {shown}, and the listener has port {own[0]}", fix)


@rule(
    "SVC-TARGETPORT",
    "error",
    "runtime",
    "Whoever connects to the Service gets connection refused.",
    example=Example("zookeeper", wrong=_per_pod(target=9099, port=9094), right=_per_pod(target=9093, port=9094)),
)
def target_port(planned: Planned) -> t.Iterator[Problem]:
    """A Service leads to ports that something in the pod listens on."""
    for service in planned.services:
        if service.exists or service.headless:
            continue  # names of pods need no ports
        servers = [server for server in planned.selected(service) if server.workload.component in ("kafka", "zookeeper")]
        for port in service.ports if servers else ():
            if not _is_listening(planned, servers[0], port):
                shown = f"port {port.target}" if isinstance(port.target, int) else f"the port {port.target!r}"
                listening = ", ".join(f"{endpoint.name}:{endpoint.port}" for endpoint in servers[0].listeners)
                message = f"port {port.port} leads to {shown} of pod {servers[0].pod}, where nothing listens"
                fix = f"set targetPort to the port of a listener ({listening})" if listening else "set targetPort to a port of the server"
                yield Problem(f"{service.where} ports[{port.port}]", message, fix)


def _is_listening(planned: Planned, server: Server, port: ServicePort) -> bool:
    number = planned.target(server, port)
    unknown = server.workload.component == "kafka" and not server.listeners
    return unknown or number in server.bound_ports


def _open_node_ports(planned: Planned, address: Address) -> list[tuple[Service, ServicePort]]:
    """The node ports behind which a listener is."""
    own = bound(address.server, address.endpoint.name)
    return [
        (service, port)
        for service in planned.selecting(address.server)
        if service.type == "NodePort"
        for port in service.ports
        if planned.target(address.server, port) in own
    ]


@rule(
    "ADV-NODEPORT",
    "error",
    "runtime",
    "Clients outside connect to a port that is closed on the Kubernetes node.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: EXTERNAL, port: 9094, exposure: node_port, advertised_host: 'node{id}.example.com',"
        " first_node_port: 31090, advertised_port: 9094}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092}, {name: EXTERNAL, port: 9094, exposure: node_port, advertised_host: 'node{id}.example.com',"
        " first_node_port: 31090}]",
    ),
)
def advertised_node_port(planned: Planned) -> t.Iterator[Problem]:
    """From outside, a listener behind a node port is advertised with the node port."""
    for address in addresses(planned):
        if address.lead.kind in ("pod", "service", "missing") or not address.host:
            continue
        opened = _open_node_ports(planned, address)
        balanced = any(service.type == "LoadBalancer" for service in planned.selecting(address.server))
        if not opened or (balanced and address.endpoint.port in _ports_of_balancers(planned, address)):
            continue
        if any(address.host in service.external_ips and address.endpoint.port == port.port for service, port in opened):
            continue
        node_ports = [port.node_port for _service, port in opened if port.node_port]
        own = {port.port for _service, port in opened} | set(bound(address.server, address.endpoint.name))
        port = address.endpoint.port
        # A node port that is not fixed is only known to be none of the others.
        if (node_ports and port not in node_ports) or (not node_ports and port in own):
            wanted = str(node_ports[0]) if node_ports else "the node port that Kubernetes assigns"
            message = f"{address.host}:{port} is advertised, and the listener is behind {wanted} of {opened[0][0].where}"
            fix = f"advertise {wanted}; where something outside translates the port, use an exposure without a NodePort Service"
            yield Problem(address.where, message, fix)


def _ports_of_balancers(planned: Planned, address: Address) -> set[int]:
    own = bound(address.server, address.endpoint.name)
    services = [service for service in planned.selecting(address.server) if service.type == "LoadBalancer"]
    return {port.port for service in services for port in service.ports if planned.target(address.server, port) in own}


@rule(
    "NODEPORT-SHARED",
    "error",
    "config",
    "Kubernetes refuses the second Service: provided port is already allocated.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: INTERNAL, port: 9092},"
        " {name: A, port: 9094, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 30000},"
        " {name: B, port: 9095, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 30002}]",
        right="kafka_listeners: [{name: INTERNAL, port: 9092},"
        " {name: A, port: 9094, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 30000},"
        " {name: B, port: 9095, exposure: node_port, advertised_host: k8s.example.com, first_node_port: 30003}]",
    ),
)
def node_port_shared(planned: Planned) -> t.Iterator[Problem]:
    """A node port belongs to one Service."""
    used: dict[int, list[Service]] = collections.defaultdict(list)
    for service in planned.services:
        if not service.exists:
            for port in service.ports:
                if port.node_port:
                    used[port.node_port].append(service)
    for number, services in used.items():
        if len(services) > 1:
            names = ", ".join(dict.fromkeys(service.where for service in services))
            yield Problem(names, f"node port {number} stands {len(services)} times", "let the ranges not overlap")
