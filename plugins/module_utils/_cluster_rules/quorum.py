# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the controllers: do they find each other, and can they form a quorum at all?"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Probe, Server, Workload, numbered
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._names import Lead, follow
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule

VOTERS = "controller.quorum.voters"
BOOTSTRAP = "controller.quorum.bootstrap.servers"

_KAFKA_TOOL = re.compile(r"kafka-(metadata-quorum|broker-api-versions|topics|cluster|configs|metadata-shell|console-\w+)|/kafkaops/bin/probe")
_SERVES = re.compile(r"\b(srvr|stat|mntr|cons|wchs|isro|conf)\b|/kafkaops/bin/probe|zkCli|zookeeper-shell")


def _patch(voters: str) -> str:
    return objects(changed("kafka", f"KAFKA_CONTROLLER_QUORUM_VOTERS={voters}"))


_RIGHT = "100@ctl-0.ctl-hs.demo.svc.cluster.local:9093,101@ctl-1.ctl-hs.demo.svc.cluster.local:9093,102@ctl-2.ctl-hs.demo.svc.cluster.local:9093"


def _key(server: Server) -> str:
    return VOTERS if server.voters else BOOTSTRAP


def _leads(planned: Planned) -> t.Iterator[tuple[Server, str, int, Lead]]:
    """Where each node looks for controllers; nodes that look in the same places once."""
    seen: set[tuple[t.Any, ...]] = set()
    for server in planned.kafka:
        places = (server.namespace, *server.controller_addresses)
        if places not in seen:
            seen.add(places)
            for host, port in server.controller_addresses:
                yield server, host, port, follow(planned, host, server.namespace)


@rule(
    "VOT-UNKNOWN-POD",
    "error",
    "runtime",
    "One voter less than there seem to be can be reached, and nothing says so until the quorum is lost.",
    instead_of=("VOT-ID-MISSING",),
    example=Example("kraft", wrong=_patch(_RIGHT.replace("102@ctl-2", "103@ctl-3")), right=_patch(_RIGHT)),
)
def voter_unknown(planned: Planned) -> t.Iterator[Problem]:
    """Voters and bootstrap servers are pods that are planned."""
    for server, host, port, lead in _leads(planned):
        if lead.kind == "missing":
            yield Problem(server.where(_key(server)), f"{host}:{port} leads nowhere: {lead.reason}", "name every planned controller's pod, and no other one")


@rule(
    "VOT-ELSEWHERE",
    "error",
    "runtime",
    "The voter answers with another id than it is asked for by, and takes no part in the quorum.",
    example=Example(
        "kraft", wrong=_patch(_RIGHT.replace("100@ctl-0", "100@ctl-9").replace("101@ctl-1", "101@ctl-0").replace("ctl-9", "ctl-1")), right=_patch(_RIGHT)
    ),
)
def voter_elsewhere(planned: Planned) -> t.Iterator[Problem]:
    """The address of a voter is that of the controller with its id."""
    seen: set[tuple[t.Any, ...]] = set()
    for server in planned.kafka:
        voters = tuple(server.voters.values())
        if voters in seen:
            continue
        seen.add(voters)
        for voter in voters:
            lead = follow(planned, voter.host, server.namespace)
            at = lead.servers[0] if lead.kind in ("pod", "service") and len(lead.servers) == 1 else None
            if at is not None and at.id is not None and at.workload.component == "kafka" and at.id != voter.id:
                message = f"voter {voter.id} is said to be at pod {at.pod}, which is node {at.id}"
                yield Problem(server.where(VOTERS), message, f"write {at.id}@{voter.host}:{voter.port}")


@rule(
    "VOT-INCONSISTENT",
    "error",
    "runtime",
    "Nodes count different majorities: two leaders can be elected, or none.",
    example=Example("kraft", wrong=_patch(_RIGHT.rpartition(",")[0]), right=_patch(_RIGHT)),
)
def voters_differ(planned: Planned) -> t.Iterator[Problem]:
    """All nodes of a cluster have the same voters."""
    found: dict[tuple[t.Any, ...], list[Server]] = {}
    for server in planned.kafka:
        if server.controller_addresses:
            voters = tuple(sorted((voter.id, _place(planned, server, voter.host), voter.port) for voter in server.voters.values()))
            found.setdefault(voters, []).append(server)
    if len(found) > 1:
        groups = [numbered(servers) for servers in found.values()]
        shown = "; ".join(f"nodes {group} have {len(voters) or 'no static'} voters" for group, voters in zip(groups[:3], found))
        servers = min(found.values(), key=len)
        yield Problem(servers[0].where(_key(servers[0])), f"there are {len(found)} different lists: {shown}", "write one list on all nodes")


def _place(planned: Planned, server: Server, host: str) -> str:
    """A host under one name, however it is written."""
    lead = follow(planned, host, server.namespace)
    return lead.servers[0].pod if lead.kind == "pod" else host


@rule(
    "VOT-PORT-MISMATCH",
    "error",
    "runtime",
    "No other node reaches this controller. Kafka accepts it on purpose, since something could translate the port.",
    example=Example(
        "kraft", wrong=objects(changed("ctl", "KAFKA_LISTENERS=CONTROLLER://:9095")), right=objects(changed("ctl", "KAFKA_LISTENERS=CONTROLLER://:9093"))
    ),
)
def voter_port(planned: Planned) -> t.Iterator[Problem]:
    """The port of a voter is the one that its pod listens on for controllers, since nothing on the way translates it."""
    for server, host, port, lead in _leads(planned):
        for controller in lead.servers:
            bound = {endpoint.port for endpoint in controller.controller_listeners}
            if lead.kind == "service" and lead.service is not None and not lead.service.headless:
                reached = {planned.target(controller, each) for each in lead.service.ports if each.port == port}
            else:
                reached = {port}
            if bound and not bound & reached:
                listening = ", ".join(map(str, sorted(bound)))
                message = f"{host}:{port} leads to pod {controller.pod}, which listens for controllers on {listening}"
                yield Problem(server.where(_key(server)), message, f"write port {min(bound)}")


@rule(
    "CLN-PROTOCOL-DIFFERS",
    "error",
    "runtime",
    "Brokers speak to the controllers in another security protocol than these expect, and never register.",
    example=Example(
        "kraft",
        wrong=objects(changed("kafka", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=PLAINTEXT:PLAINTEXT,CONTROLLER:SSL")),
        right=objects(changed("kafka", "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT")),
    ),
)
def controller_protocol(planned: Planned) -> t.Iterator[Problem]:
    """Nodes and controllers agree on the security protocol of the controller listener."""
    offered = {_controller_protocol(server) for server in planned.controllers} - {""}
    for server in planned.kafka if offered else ():
        own = _controller_protocol(server)
        if server.controller_addresses and own and own not in offered:
            message = f"{_controller_name(server)} is {own} here, and {', '.join(sorted(offered))} at the controllers"
            yield Problem(server.where("listener.security.protocol.map"), message, "use one security protocol")


def _controller_name(server: Server) -> str:
    names = server.read(lambda broker: broker.controller_names) or []
    return names[0] if names else ""


def _controller_protocol(server: Server) -> str:
    return (server.read(lambda broker: broker.protocols) or {}).get(_controller_name(server), "")


@rule(
    "QUORUM-EVEN",
    "warning",
    "runtime",
    "One controller more that may fail, and no failure more that is survived.",
    instead_of=("VOT-EVEN",),
    example=Example("kraft", wrong=objects(changed("ctl", spec="replicas: 2")), right=objects(changed("ctl", spec="replicas: 3"))),
)
def controllers_even(planned: Planned) -> t.Iterator[Problem]:
    """There is an odd number of controllers."""
    count = len(planned.controllers)
    if count and count % 2 == 0:
        server = planned.controllers[0]
        yield Problem(server.where("process.roles"), f"{count} controllers are planned", "use 3 or 5")


@rule(
    "QUORUM-SINGLE",
    "warning",
    "runtime",
    "While it is down no leader can be elected, no topic created, and no broker can start.",
    example=Example("kraft", wrong=objects(changed("ctl", spec="replicas: 1")), right=objects(changed("ctl", spec="replicas: 3"))),
)
def controller_single(planned: Planned) -> t.Iterator[Problem]:
    """Several brokers have several controllers."""
    if len(planned.controllers) == 1 and len(planned.brokers) > 1:
        yield Problem(planned.controllers[0].where("process.roles"), f"one controller for {len(planned.brokers)} brokers", "use 3 or 5")


def _controllers(unready: str, policy: str) -> str:
    """Controllers whose readiness needs a quorum."""
    probe = "readinessProbe: {exec: {command: [kafka-metadata-quorum.sh, --bootstrap-controller, 'localhost:9093', describe, --status]}}"
    named = a_service("ctl-hs", f"publishNotReadyAddresses: {unready}")
    return objects(named, changed("ctl", container=probe, spec=f"podManagementPolicy: {policy}"))


@rule(
    "QUORUM-DEADLOCK",
    "error",
    "start",
    "No pod is ready before there is a quorum, and before a pod is ready Kubernetes starts no other one, or gives it no name: all wait for ever.",
    example=Example("kraft", wrong=_controllers("false", "OrderedReady"), right=_controllers("true", "Parallel")),
)
def deadlock(planned: Planned) -> t.Iterator[Problem]:
    """Where readiness needs a quorum, pods start in parallel and have names before they are ready."""
    for workload, members in _ensembles(planned):
        if len(members) < 2 or not needs_quorum(workload.readiness, workload, members[0]):
            continue
        service = planned.service(workload.namespace, workload.governing_service)
        reasons = []
        if workload.kind == "StatefulSet" and workload.pod_management == "OrderedReady" and workload.replicas > 1:
            reasons.append("podManagementPolicy is OrderedReady")
        # Of servers that bind their own names ZK-UNREADY-DNS says it.
        told = workload.component == "zookeeper" and not members[0].zoo.flag("quorumListenOnAllIPs")
        if service is not None and service.headless and not service.publishes_unready and not told:
            reasons.append(f"{service.where} lists ready pods only")
        if reasons:
            fix = "set podManagementPolicy: Parallel and publishNotReadyAddresses: true, or let readiness be an open port"
            yield Problem(workload.where, f"the readiness probe needs a quorum, and {' and '.join(reasons)}", fix)


def _ensembles(planned: Planned) -> t.Iterator[tuple[Workload, list[Server]]]:
    """Workloads whose pods vote, and all that vote with them."""
    for members in (planned.controllers, planned.zookeeper):
        for workload in {id(server.workload): server.workload for server in members}.values():
            yield workload, members


def needs_quorum(probe: Probe, workload: Workload, server: Server) -> bool:
    """Whether a probe only succeeds once there is a quorum."""
    if workload.component == "zookeeper":
        return probe.kind == "exec" and _SERVES.search(probe.command) is not None
    if probe.kind == "exec":
        return _KAFKA_TOOL.search(probe.command) is not None
    # A broker opens its own listeners when it has caught up with the metadata, a controller opens its at once.
    port = workload.ports.get(probe.port, 0) if isinstance(probe.port, str) else probe.port
    return probe.kind == "tcp" and server.is_broker and port in {endpoint.port for endpoint in server.listeners if endpoint not in server.controller_listeners}
