# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules of layer 2: would this cluster work on Kubernetes? Private to the collection.

A rule is a generator of :class:`Problem` over the definition and the plan made from it. Rules of one subject
stand together; :data:`RULES` has them all.
"""

from __future__ import annotations

import collections
import dataclasses
import ipaddress
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition, Listener
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan import OWNED, Plan, node_port

HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?)*\.?")
UNITS = {"k": 1, "m": 2, "g": 3, "ki": 1, "mi": 2, "gi": 3, "ti": 4, "pi": 5}


@dataclasses.dataclass(frozen=True)
class Problem:
    """What a rule found: where, what is wrong, and how to mend it."""

    where: str
    message: str
    fix: str


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule: its stable id, how bad a breach is, when it shows, what happens then, and what it asks for."""

    id: str
    severity: Severity
    stage: Stage
    consequence: str
    about: str
    problems: t.Callable[[Definition, Plan], t.Iterator[Problem]]


RULES: dict[str, Rule] = {}

_Check = t.Callable[[Definition, Plan], t.Iterator[Problem]]


def rule(rule_id: str, severity: Severity, stage: Stage, consequence: str) -> t.Callable[[_Check], _Check]:
    """Declare a rule."""

    def declare(problems: _Check) -> _Check:
        RULES[rule_id] = Rule(rule_id, severity, stage, consequence, (problems.__doc__ or "").partition("\n")[0], problems)
        return problems

    return declare


def check(definition: Definition, plan: Plan) -> list[Finding]:
    """The findings of every rule."""
    return [
        Finding(each.id, each.severity, each.stage, problem.where, problem.message, problem.fix, each.consequence)
        for each in RULES.values()
        for problem in each.problems(definition, plan)
    ]


# --- names and ids -----------------------------------------------------------------------------------------------


def _repeated(items: t.Iterable[t.Any]) -> list[t.Any]:
    return [item for item, count in collections.Counter(items).items() if count > 1]


@rule("ID-SHARED", "error", "start", "Two brokers cannot have one id: the second one fails to register and restarts for ever.")
def id_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Ids are unique in a cluster, whatever the pool."""
    for node_id in _repeated(node_id for pool in definition.pools for node_id in pool.node_ids):
        yield Problem("kafka_node_pools", f"node id {node_id} stands more than once", "give every node an id of its own")


@rule("NAME-SHARED", "error", "config", "The second object overwrites the first.")
def name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Pools, clients and Services have names of their own."""
    for name in _repeated(pool.name for pool in definition.pools):
        yield Problem("kafka_node_pools", f"two pools are called {name!r}", "rename one")
    for name in _repeated(client.name for client in definition.clients):
        yield Problem("clients_producers, clients_consumers", f"two clients are called {name!r}", "rename one")
    # Nodes of equal name are told by ID-SHARED and by the pools' names.
    if not _repeated(node.name for node in plan.nodes):
        for name in _repeated(service.name for service in plan.services):
            yield Problem("kafka_listeners", f"two Services would be called {name!r}", "rename a listener or a pool")


# --- listeners ---------------------------------------------------------------------------------------------------


@rule("LSN-DUP-NAME", "error", "config", "Kafka exits: Each listener must have a different name.")
def listener_name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Names are compared as Kafka does, in upper case."""
    for name in _repeated(listener.name for listener in definition.listeners):
        yield Problem("kafka_listeners", f"two listeners are called {name}", "rename one")


@rule("LSN-DUP-PORT", "error", "config", "Kafka exits: Each listener must have a different port.")
def listener_port_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """All listeners of a broker are in one pod."""
    for port in _repeated(listener.port for listener in definition.listeners if listener.port):
        names = [listener.name for listener in definition.listeners if listener.port == port]
        yield Problem("kafka_listeners", f"{' and '.join(names)} both have port {port}", "give each its own port")


@rule("LSN-NONE", "error", "config", "A broker without a listener cannot be reached.")
def listener_none(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """At least one listener."""
    if not definition.listeners:
        yield Problem("kafka_listeners", "is empty", "write at least one listener")


@rule("LSN-UNKNOWN", "error", "config", "Kafka exits, or the client has no address to begin with.")
def listener_unknown(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Whoever names a listener names one that there is."""
    names = [listener.name for listener in definition.listeners]
    wanted = [("kafka_inter_broker_listener", definition.inter_broker_listener)]
    wanted += [(f"clients_{client.kind}s[{client.name}].listener", client.listener) for client in definition.clients]
    for where, name in wanted:
        if name and name not in names:
            yield Problem(where, f"there is no listener {name!r}", f"write one of {', '.join(names)}")


@rule("PORT-NAME-SHARED", "error", "config", "Kubernetes refuses the Service: its ports need different names.")
def port_name_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Port names have 15 characters, so long listener names may become equal."""
    for node in plan.nodes[:1]:
        for name in _repeated(port.name for port in node.ports):
            if not _repeated(listener.name for listener in definition.listeners):
                message = f"two listeners have the port name {name!r}"
                yield Problem("kafka_listeners", message, "let the first 15 characters of their names differ")


# --- advertised addresses ----------------------------------------------------------------------------------------


def _literal(host: str) -> t.Any:
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def _place(definition: Definition, name: str) -> str:
    index = [listener.name for listener in definition.listeners].index(name)
    return f"kafka_listeners[{index}] ({name})"


@rule(
    "ADV-SHARED",
    "error",
    "runtime",
    "Clients reach an arbitrary broker instead of the leader: with ZooKeeper the second broker does not start "
    "('Configured end points are already registered'), with KRaft messages fail at random.",
)
def advertised_shared(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Every broker has an address of its own on every listener (``KafkaServer.createBrokerInfo``)."""
    fix = "use {id} in advertised_host, advertised_hosts by node id, first_node_port, or leave the address to the collection"
    nodes: dict[tuple[str, int], list[str]] = collections.defaultdict(list)
    names: dict[tuple[str, int], str] = {}
    for node in plan.nodes:
        for place in node.advertised:
            if place.known:
                nodes[place.host.lower(), place.port].append(str(node.id))
                names[place.host.lower(), place.port] = place.listener
    for (host, port), ids in nodes.items():
        if len(ids) > 1:
            who = f"brokers {', '.join(sorted(set(ids)))}" if len(set(ids)) > 1 else f"two listeners of broker {ids[0]}"
            yield Problem(_place(definition, names[host, port]), f"{who} advertise one address, {host}:{port}", fix)
    raw = definition.config.get("advertised.listeners")
    if raw and len(plan.nodes) > 1:
        yield Problem("kafka_config[advertised.listeners]", f"{len(plan.nodes)} brokers would all advertise {raw!r}", "remove it; " + fix)


@rule("ADV-WILDCARD", "error", "config", "Nobody can connect to it; Kafka itself refuses 0.0.0.0, and takes [::] and 0 silently.")
def advertised_wildcard(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """An advertised address is one that clients connect to, not one to bind."""
    for listener, host in _given_hosts(definition):
        literal = _literal(host)
        if host == "0" or (literal is not None and literal.is_unspecified):
            yield Problem(_place(definition, listener.name), f"{host} is advertised", "advertise an address that clients can reach")


@rule("ADV-LOOPBACK", "error", "runtime", "Clients connect to themselves: 'Connection to node could not be established'.")
def advertised_loopback(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A loopback address is right only inside the broker's own pod."""
    for listener, host in _given_hosts(definition):
        literal = _literal(host)
        if host.lower().rstrip(".") == "localhost" or (literal is not None and literal.is_loopback):
            yield Problem(_place(definition, listener.name), f"{host} is advertised", "advertise an address that clients can reach")


@rule("HOST-NOT-DNS", "error", "runtime", "Kafka accepts it, clients and TLS do not resolve or accept it.")
def advertised_not_dns(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """An advertised host is an address or a DNS name: letters, digits, hyphens and dots."""
    for listener, host in _given_hosts(definition):
        if host != "0" and _literal(host) is None and not HOST.fullmatch(host):
            message = f"{host!r} is neither an address nor a DNS name"
            yield Problem(_place(definition, listener.name), message, "write a host alone, without scheme, port or blanks")


@rule("ADV-UNKNOWN-NODE", "error", "config", "The address belongs to nobody; most likely a broker was meant that now gets another one.")
def advertised_unknown_node(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """``advertised_hosts`` and ``node_ports`` name nodes by id."""
    ids = {str(node.id) for node in plan.nodes}
    for listener in definition.listeners:
        for key in [*listener.advertised_hosts, *listener.node_ports]:
            if key not in ids:
                yield Problem(_place(definition, listener.name), f"{key!r} is not the id of a node", f"use one of {', '.join(sorted(ids))}")


def _given_hosts(definition: Definition) -> t.Iterator[tuple[Listener, str]]:
    for listener in definition.listeners:
        hosts = [listener.advertised_host, *listener.advertised_hosts.values()]
        yield from ((listener, host.replace("{id}", "0")) for host in dict.fromkeys(hosts) if host)


# --- node ports --------------------------------------------------------------------------------------------------


@rule("NODEPORT-HOST", "error", "runtime", "Brokers would advertise no host, and no client could connect.")
def node_port_host(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A node port is reached through an address of a Kubernetes node; no namespaced right tells which."""
    ids = {str(node.id) for node in plan.nodes}
    for listener in definition.listeners:
        if listener.exposure == "node_port" and not listener.advertised_host and ids - set(listener.advertised_hosts):
            fix = "set advertised_host to an address or name of a Kubernetes node that clients reach"
            yield Problem(_place(definition, listener.name), "exposure node_port needs a host to advertise", fix)


@rule("NODEPORT-VALUE", "error", "config", "Kubernetes refuses the Service, or brokers share a port.")
def node_port_value(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Fixed node ports are numbers, and one a broker and listener."""
    used: list[int] = []
    for listener in definition.listeners:
        if listener.exposure != "node_port":
            if listener.first_node_port or listener.node_ports:
                message = f"node ports are given for exposure {listener.exposure}"
                yield Problem(_place(definition, listener.name), message, "set exposure to node_port or remove them")
            continue
        for key, value in listener.node_ports.items():
            if not value.isdecimal():
                yield Problem(_place(definition, listener.name), f"{value!r} of node {key} is not a port", "write a number")
        used += [port for port in (node_port(listener, node.id) for node in plan.nodes) if port]
    for port in _repeated(used):
        yield Problem("kafka_listeners", f"node port {port} stands for two brokers or listeners", "let the ranges not overlap")


@rule("NODEPORT-RANGE", "warning", "config", "Kubernetes refuses the Service unless its API server was given another range.")
def node_port_range(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The API server's default ``--service-node-port-range`` is 30000-32767."""
    for listener in definition.listeners:
        if listener.exposure == "node_port":
            outside = sorted({port for node in plan.nodes if (port := node_port(listener, node.id)) and not 30000 <= port <= 32767})
            if outside:
                message = f"node ports {', '.join(map(str, outside))} are outside of 30000-32767"
                yield Problem(_place(definition, listener.name), message, "choose ports within the range")


# --- replication -------------------------------------------------------------------------------------------------

FACTORS = ("default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,9}", text, re.ASCII) else None


@rule("RF-OVER-BROKERS", "error", "runtime", "Topics cannot be created; with the offsets topic every consumer group hangs.")
def factor_over_brokers(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A partition has its replicas on different brokers."""
    for node in plan.nodes[:1]:
        for key in FACTORS:
            factor = _number(node.properties.get(key))
            if factor is not None and factor > len(plan.nodes):
                yield Problem(f"kafka_config[{key}]", f"{factor} replicas on {len(plan.nodes)} brokers", f"set at most {len(plan.nodes)}, or add brokers")


ISR_PAIRS = (("min.insync.replicas", "default.replication.factor"), ("transaction.state.log.min.isr", "transaction.state.log.replication.factor"))


@rule("ISR-OVER-RF", "error", "runtime", "Producers with acks=all get NOT_ENOUGH_REPLICAS for ever.")
def in_sync_over_factor(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A partition cannot have more in-sync replicas than replicas."""
    for in_sync_key, factor_key, in_sync, factor in _in_sync(plan):
        if in_sync > factor:
            yield Problem(f"kafka_config[{in_sync_key}]", f"{in_sync} in-sync replicas of {factor} ({factor_key})", f"set at most {max(1, factor - 1)}")


@rule("ISR-EQUALS-RF", "warning", "runtime", "Whenever one broker is down, restarts included, producers with acks=all stop.")
def in_sync_equals_factor(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """One replica must be able to be absent."""
    for in_sync_key, factor_key, in_sync, factor in _in_sync(plan):
        if in_sync == factor > 1:
            yield Problem(f"kafka_config[{in_sync_key}]", f"{in_sync} in-sync replicas of {factor} ({factor_key})", f"set {factor - 1}")


def _in_sync(plan: Plan) -> t.Iterator[tuple[str, str, int, int]]:
    for node in plan.nodes[:1]:
        for in_sync_key, factor_key in ISR_PAIRS:
            in_sync, factor = _number(node.properties.get(in_sync_key)), _number(node.properties.get(factor_key))
            if in_sync is not None and factor is not None:
                yield in_sync_key, factor_key, in_sync, factor


@rule("RACK-FEW", "warning", "runtime", "Kafka spreads replicas over racks; two replicas of a partition share one and are lost together.")
def racks_few(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """As many racks as replicas, or none."""
    racks = {node.rack for node in plan.nodes if node.rack}
    without = [node.name for node in plan.nodes if not node.rack]
    if racks and without:
        yield Problem("kafka_node_pools", f"nodes without a rack beside nodes with one: {', '.join(without)}", "give racks to all pools or to none")
    for node in plan.nodes[:1]:
        factor = _number(node.properties.get("default.replication.factor")) or 1
        if racks and len(racks) < min(factor, len(plan.nodes)):
            yield Problem("kafka_node_pools", f"{len(racks)} racks for {factor} replicas", f"name at least {factor} racks")


# --- configuration, memory ---------------------------------------------------------------------------------------


@rule("CONFIG-OWNED", "error", "config", "Two places would say different things about one property.")
def config_owned(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """What the collection decides has a variable of its own."""
    places = [("kafka_config", definition.config)]
    places += [(f"kafka_node_pools[{index}].config", pool.config) for index, pool in enumerate(definition.pools)]
    for where, config in places:
        for key in config:
            if key in OWNED:
                yield Problem(f"{where}[{key}]", "is made from kafka_listeners, kafka_node_pools and the zookeeper_ variables", "remove it and set those")


def bytes_of(quantity: t.Any) -> float | None:
    """Bytes of a Kubernetes quantity or of a JVM size; None where it is neither."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKMGTPmg]i?)?", str(quantity).strip(), re.ASCII)
    if not match:
        return None
    unit = (match.group(2) or "").lower()
    base = 1024 if unit.endswith("i") or not str(quantity).strip()[-1].isupper() else 1000
    return float(match.group(1)) * (base ** UNITS[unit] if unit else 1)


@rule("HEAP-OVER-LIMIT", "error", "start", "The kernel kills the JVM (OOMKilled) as soon as it touches its heap.")
def heap_over_limit(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """A container's memory limit holds heap, threads, direct buffers and the code cache."""
    shapes = [(f"kafka_node_pools[{index}]", pool.heap, pool.resources) for index, pool in enumerate(definition.pools)]
    shapes.append(("zookeeper_heap", definition.zookeeper.heap, definition.zookeeper.resources))
    for where, heap, resources in shapes:
        limits = resources.get("limits")
        memory = limits.get("memory") if isinstance(limits, dict) else None
        limit, size = bytes_of(memory), bytes_of(heap)
        if limit is not None and size is not None and size >= limit * 0.9:
            message = f"a heap of {heap} does not fit into a memory limit of {memory}"
            yield Problem(where, message, "leave at least a quarter of the limit to everything else")


# --- ZooKeeper ---------------------------------------------------------------------------------------------------


@rule("ZK-RELEASE", "error", "config", "Kafka exits: 'Missing required configuration \"process.roles\"'.")
def zookeeper_release(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Kafka 4.0 and later have no ZooKeeper mode."""
    if definition.mode == "zookeeper" and int(definition.version.split(".")[0]) >= 4:
        yield Problem("kafka_version", f"Kafka {definition.version} has no ZooKeeper mode", "use 3.9.2 or an earlier release")


@rule("ZK-EVEN", "warning", "runtime", "One server more that may fail, and no failure more that is survived.")
def zookeeper_even(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Ensembles have an odd number of servers."""
    if len(plan.zookeeper_nodes) % 2 == 0 and plan.zookeeper_nodes:
        yield Problem("zookeeper_nodes", f"{len(plan.zookeeper_nodes)} is even", "use 3 or 5")


@rule("ZK-SINGLE", "warning", "runtime", "When its Kubernetes node is down, no leader can be elected and no topic created.")
def zookeeper_single(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """One server has no replica."""
    if len(plan.zookeeper_nodes) == 1 and len(plan.nodes) > 1:
        yield Problem("zookeeper_nodes", "one ZooKeeper server for several brokers", "use 3 or 5")


@rule("ZK-CHROOT-TWICE", "error", "config", "One of two would be ignored.")
def zookeeper_chroot_twice(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """The chroot of an existing ensemble stands at the end of its connect string."""
    if definition.zookeeper.connect and definition.zookeeper.chroot:
        yield Problem("zookeeper_chroot", "is for the ensemble that the collection runs", "append it to zookeeper_connect")


# --- clients -----------------------------------------------------------------------------------------------------


@rule("CLIENT-NO-GROUP", "error", "runtime", "Consumers without a group cannot share a topic's partitions; each would read everything.")
def client_no_group(definition: Definition, plan: Plan) -> t.Iterator[Problem]:
    """Several replicas of a consumer need a group."""
    for client in definition.clients:
        if client.kind == "consumer" and client.replicas > 1 and not client.group_id and "group.id" not in client.properties:
            yield Problem(f"clients_consumers[{client.name}]", f"{client.replicas} replicas and no group_id", "set group_id")
