# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the addresses that clients are told: can they be resolved, and do they lead to this broker only?"""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import POD_INDEX, POD_NAME, Planned, Server, Service, numbered
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._names import Lead, follow
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._endpoints import Endpoint, is_dns_name, is_ip, is_loopback, is_wildcard

KEY = "advertised.listeners"
_ONE_EACH = "advertise the pod's own name below its headless Service, or a Service for each broker ({id} in advertised_host of this collection)"
_BEHIND = a_service("kafka", "selector: {app: kafka}, ports: [{port: 9092}]")
_ADVERTISED = "KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://"
_SHOP = changed("shop", "BOOTSTRAP_SERVERS=kafka-hs.demo:9092", kind="Deployment").replace("metadata: {name: shop}", "metadata: {name: shop, namespace: shop}")

_ONE_BY_NAME = changed("kafka", _ADVERTISED + "$(POD_NAME):9092", spec="replicas: 1")


def _for_pod(name: str, pod: str) -> str:
    return a_service(name, f"selector: {{{POD_NAME}: {pod}}}, ports: [{{port: 9092}}]")


class Address(t.NamedTuple):
    """What one broker tells clients about one listener, and where that leads for a pod of its own namespace."""

    server: Server
    endpoint: Endpoint
    lead: Lead

    @property
    def host(self) -> str:
        """The advertised host."""
        return self.endpoint.host or ""

    @property
    def where(self) -> str:
        """The place of this listener."""
        return self.server.where(KEY, self.endpoint.name)


def addresses(planned: Planned) -> list[Address]:
    """All advertised addresses that lead anywhere but to the client itself."""
    found: list[Address] | None = planned.kept.get("addresses")
    if found is None:
        found = [
            Address(server, endpoint, follow(planned, endpoint.host or "", server.namespace))
            for server in planned.brokers
            for endpoint in server.advertised
            if endpoint.host and not is_loopback(endpoint.host) and not is_wildcard(endpoint.host) and endpoint.host != "0.0.0.0"
        ]
        planned.kept["addresses"] = found
    return found


def _shared(planned: Planned) -> dict[tuple[str, int], list[Address]]:
    """The addresses that several brokers advertise."""
    if "shared" not in planned.kept:
        planned.kept["shared"] = _find_shared(planned)
    return t.cast("dict[tuple[str, int], list[Address]]", planned.kept["shared"])


def _find_shared(planned: Planned) -> dict[tuple[str, int], list[Address]]:
    found: dict[tuple[str, int], list[Address]] = collections.defaultdict(list)
    for address in addresses(planned):
        found[address.host.lower().rstrip("."), address.endpoint.port].append(address)
    return {place: same for place, same in found.items() if len({id(address.server) for address in same}) > 1}


@rule(
    "ADV-SHARED",
    "error",
    "runtime",
    "Clients reach an arbitrary broker instead of the leader: with ZooKeeper the second broker does not start "
    "('Configured end points are already registered'), with KRaft messages fail at random.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: kafka.example.com}]",
        right="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'kafka-{id}.example.com'}]",
    ),
)
def advertised_shared(planned: Planned) -> t.Iterator[Problem]:
    """Every broker has an address of its own on every listener (``KafkaServer.createBrokerInfo``)."""
    fix = "use {id} in advertised_host, advertised_hosts by node id, first_node_port, or leave the address to the collection"
    for (host, port), same in _shared(planned).items():
        servers = list({id(address.server): address.server for address in same}.values())
        named = servers[0].place.startswith("kafka_config")
        message = f"brokers {numbered(servers)} advertise one address, {host}:{port}"
        yield Problem(same[0].where, message, fix if named else _ONE_EACH)


@rule(
    "ADV-LOOPBACK",
    "error",
    "runtime",
    "Clients connect to themselves: 'Connection to node could not be established'.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: localhost}]",
        right="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'localhost-{id}.example.com'}]",
    ),
)
def advertised_loopback(planned: Planned) -> t.Iterator[Problem]:
    """A loopback address is right only inside the broker's own pod."""
    for server in planned.brokers:
        for endpoint in server.advertised:
            if endpoint.host and is_loopback(endpoint.host.rstrip(".").strip("[]")):
                yield Problem(server.where(KEY, endpoint.name), f"{endpoint.host} is advertised", "advertise an address that clients can reach")


@rule(
    "HOST-NOT-DNS",
    "error",
    "runtime",
    "Kafka accepts it, clients and TLS do not resolve or accept it.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'kafka_{id}.example.com'}]",
        right="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'kafka-{id}.example.com'}]",
    ),
)
def advertised_not_dns(planned: Planned) -> t.Iterator[Problem]:
    """An advertised host is an address or a DNS name: letters, digits, hyphens and dots."""
    for server in planned.brokers:
        for endpoint in server.advertised:
            host = (endpoint.host or "").strip("[]")
            if host and not is_ip(host) and not is_dns_name(host) and not is_wildcard(host):
                message = f"{endpoint.host!r} is neither an address nor a DNS name"
                yield Problem(server.where(KEY, endpoint.name), message, "write a host alone, without scheme, port or blanks")


def _node_port_services(planned: Planned, address: Address) -> list[Service]:
    """The Services that open a node port for a listener of a broker."""
    bound = [endpoint.port for endpoint in address.server.listeners if endpoint.name == address.endpoint.name]
    return [
        service
        for service in planned.selecting(address.server)
        if service.type in ("NodePort", "LoadBalancer") and any(planned.target(address.server, port) in bound for port in service.ports)
    ]


@rule(
    "ADV-DNS-UNKNOWN",
    "error",
    "runtime",
    "Clients fail with UnknownHostException; so do brokers, where they use this listener among themselves.",
    example=Example("zookeeper", wrong=objects(changed("kafka", spec="serviceName: other")), right=objects(changed("kafka", spec="serviceName: kafka-hs"))),
)
def advertised_missing(planned: Planned) -> t.Iterator[Problem]:
    """A name inside of Kubernetes is one that Kubernetes gives: of a Service, or of a pod below its governing headless Service."""
    for address in addresses(planned):
        if address.lead.kind == "missing":
            fix = "name the pod as pod.<spec.serviceName>.namespace.svc.<cluster domain>, and plan that Service, headless"
            yield Problem(address.where, f"nothing is called {address.host}: {address.lead.reason}", fix)


@rule(
    "ADV-DNS-UNKNOWN",
    "warning",
    "runtime",
    "Unless a Service of this name is there already, clients fail with UnknownHostException.",
    example=Example(
        "variables",
        wrong="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'kafka-{id}'}]",
        right="kafka_listeners: [{name: PLAINTEXT, port: 9092, advertised_host: 'kafka-{id}.example.com'}]",
    ),
)
def advertised_unplanned(planned: Planned) -> t.Iterator[Problem]:
    """A name without a domain is one of a planned Service."""
    told = set(_shared(planned))
    for address in addresses(planned):
        named = address.host.lower().rstrip("."), address.endpoint.port
        # The name of a Kubernetes node has no domain either, and node ports are advertised with it.
        if address.lead.kind == "unplanned" and named not in told and is_dns_name(address.host) and not _node_port_services(planned, address):
            yield Problem(address.where, f"no Service {address.host} is planned", "plan that Service, or advertise a name with its domain")


@rule(
    "ADV-ELSEWHERE",
    "error",
    "runtime",
    "Clients ask one broker for what another one leads: NOT_LEADER_OR_FOLLOWER, or a time-out.",
    example=Example("zookeeper", wrong=objects(_for_pod("kafka-0", "kafka-1"), _ONE_BY_NAME), right=objects(_for_pod("kafka-0", "kafka-0"), _ONE_BY_NAME)),
)
def advertised_elsewhere(planned: Planned) -> t.Iterator[Problem]:
    """An advertised address leads to the broker that advertises it."""
    told = set(_shared(planned))
    for address in addresses(planned):
        lead = address.lead
        if lead.kind not in ("pod", "service") or address.server in lead.servers or (address.host.lower().rstrip("."), address.endpoint.port) in told:
            continue
        # A Service without a selector, or one of others that is there already, leads to what is not planned here.
        if lead.service is None or (lead.kind == "service" and (not lead.service.selector or (lead.service.exists and not lead.servers))):
            continue
        leads = f"pod {lead.servers[0].pod}" if lead.servers else "no pod that is planned"
        yield Problem(address.where, f"{address.host} of pod {address.server.pod} leads to {leads}", "let the Service select this broker's pod")


def _several(planned: Planned, address: Address) -> list[Server]:
    """The brokers behind the Service that an address names."""
    return [server for server in address.lead.servers if server.is_broker] if address.lead.kind == "service" else []


@rule(
    "ADV-LB-SERVICE",
    "error",
    "runtime",
    "Each connection goes to another broker: NOT_LEADER_OR_FOLLOWER, and metadata that changes all the time.",
    example=Example("zookeeper", wrong=objects(_BEHIND, changed("kafka", _ADVERTISED + "kafka:9092")), right=objects(_BEHIND)),
)
def advertised_load_balanced(planned: Planned) -> t.Iterator[Problem]:
    """An advertised address is not a Service in front of several brokers; that is for bootstrap only."""
    for address in addresses(planned):
        brokers = _several(planned, address)
        if len(brokers) > 1 and address.server in brokers:
            yield Problem(address.where, f"Service {address.host} leads to brokers {numbered(brokers)}", _ONE_EACH)


@rule(
    "ADV-LB-SERVICE",
    "info",
    "runtime",
    "It works with one broker. With a second one, clients reach either of them at random, and nothing says so.",
    example=Example(
        "kraft",
        wrong=objects(_BEHIND, changed("kafka", _ADVERTISED + "kafka:9092", spec="replicas: 1")),
        right=objects(_BEHIND, changed("kafka", spec="replicas: 1")),
    ),
)
def advertised_load_balanced_once(planned: Planned) -> t.Iterator[Problem]:
    """The address of a broker still leads to it alone when there is a second one."""
    if len(planned.brokers) != 1:
        return
    for address in addresses(planned):
        service, several = address.lead.service, _several(planned, address)
        one_pod = service is not None and (POD_NAME in service.selector or POD_INDEX in service.selector)
        if several == [address.server] and address.server.workload.scales and not one_pod:
            yield Problem(address.where, f"Service {address.host} would lead to all brokers of {address.server.workload.where}", _ONE_EACH)


@rule(
    "ADV-SHORT-NAME",
    "warning",
    "runtime",
    "Clients in other namespaces fail with UnknownHostException.",
    example=Example("zookeeper", wrong=objects(_SHOP, changed("kafka", _ADVERTISED + "$(POD_NAME).kafka-hs:9092")), right=objects(_SHOP)),
)
def advertised_short(planned: Planned) -> t.Iterator[Problem]:
    """Where clients are in other namespaces, advertised names say their namespace."""
    others = [name for name in planned.client_namespaces if name != planned.namespace]
    for address in addresses(planned) if others else ():
        internal = len(address.server.advertised) > 1 and address.endpoint.name == address.server.read(lambda broker: broker.inter_broker[0])
        if address.lead.kind in ("pod", "service") and not address.lead.everywhere and not internal:
            fix = f"write the whole name, {address.host}.{address.server.namespace}.svc.{planned.domain}"
            yield Problem(address.where, f"{address.host} is a name in namespace {address.server.namespace} only, and clients are in {', '.join(others)}", fix)
