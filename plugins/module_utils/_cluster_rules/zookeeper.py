# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules over the ZooKeeper ensemble, and over how brokers find it."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import _images
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server, numbered
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._names import follow
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example, Problem, a_service, changed, objects, rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._connect import ConnectString
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Member

CONNECT = "zookeeper.connect"
SESSION = "zookeeper.session.timeout.ms"
WHITELIST = "4lw.commands.whitelist"
_WORD = re.compile(r"\b(ruok|srvr|stat|mntr|conf|cons|crst|dump|envi|srst|wchc|wchp|wchs|isro|gtmk|dirs)\b")
_SERVERS = "server"


def _connect(value: str) -> str:
    return objects(changed("kafka", f"KAFKA_ZOOKEEPER_CONNECT={value}"))


def _session(value: str, image: str = "confluentinc/cp-kafka:7.9.0") -> str:
    return objects(changed("kafka", f"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS{value}", container=f"image: '{image}'"))


def _image(version: str) -> str:
    return objects(changed("zk", "ZOOKEEPER_QUORUM_LISTEN_ON_ALL_IPS=true", container=f"image: 'confluentinc/cp-zookeeper:{version}'"))


def _command(server_id: str) -> str:
    return objects(changed("zk", container=f"command: [bash, -c, 'export ZOOKEEPER_SERVER_ID={server_id} && exec /etc/confluent/docker/run']"))


@rule(
    "ZK-EVEN",
    "warning",
    "runtime",
    "One server more that may fail, and no failure more that is survived.",
    instead_of=("ZOO-EVEN",),
    example=Example(
        "variables",
        wrong="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_nodes: 4}",
        right="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_nodes: 5}",
    ),
)
def even(planned: Planned) -> t.Iterator[Problem]:
    """Ensembles have an odd number of servers."""
    count = len(planned.zookeeper)
    if count and count % 2 == 0:
        yield Problem(_where(planned.zookeeper[0]), f"{count} servers are an even number", "use 3 or 5")


@rule(
    "ZK-SINGLE",
    "warning",
    "runtime",
    "When its Kubernetes node is down, no leader can be elected and no topic created.",
    example=Example(
        "variables",
        wrong="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_nodes: 1}",
        right="{kafka_mode: zookeeper, kafka_version: 3.9.2, zookeeper_nodes: 3}",
    ),
)
def single(planned: Planned) -> t.Iterator[Problem]:
    """One server has no replica."""
    if len(planned.zookeeper) == 1 and len(planned.brokers) > 1:
        yield Problem(_where(planned.zookeeper[0]), "one ZooKeeper server for several brokers", "use 3 or 5")


def _where(server: Server) -> str:
    return server.places.get(_SERVERS) or server.workload.where


@rule(
    "ZK-UNREADY-DNS",
    "error",
    "start",
    "A server binds its own name for elections, and has none before it is ready: 'UnknownHostException', then 'Cannot open channel to 2 at election address'.",
    example=Example(
        "zookeeper", wrong=objects(a_service("zk-hs", "publishNotReadyAddresses: false")), right=objects(a_service("zk-hs", "publishNotReadyAddresses: true"))
    ),
)
def unready_names(planned: Planned) -> t.Iterator[Problem]:
    """The servers' headless Service lists unready pods too."""
    for server in planned.zookeeper if len(planned.zookeeper) > 1 else ():
        service = planned.service(server.namespace, server.workload.governing_service)
        if service is not None and service.headless and not service.publishes_unready and not server.zoo.flag("quorumListenOnAllIPs"):
            yield Problem(service.where, "lists ready pods only, and ZooKeeper servers wait for each other's names", "set publishNotReadyAddresses: true")


@rule(
    "ZK-2164",
    "error",
    "runtime",
    "A server that restarts does not join again (ZOOKEEPER-2164, mended in 3.5.8): at the second restart the ensemble is gone.",
    example=Example("zookeeper", wrong=_image("5.4.0"), right=_image("6.0.0")),
)
def wildcard(planned: Planned) -> t.Iterator[Problem]:
    """ZooKeeper 3.5.0 to 3.5.7 does not listen on all addresses for its quorum."""
    for server in planned.zookeeper if len(planned.zookeeper) > 1 else ():
        if server.release.minor == (3, 5) and server.release.patch < 8 and server.zoo.flag("quorumListenOnAllIPs"):
            message = f"is true, and ZooKeeper is {server.release}"
            yield Problem(server.where("quorumListenOnAllIPs"), message, "use ZooKeeper 3.5.8 or later, or set it to false")


@rule(
    "ZK-MYID",
    "error",
    "start",
    "The server exits: 'My id 0 not in the peer list'.",
    instead_of=("ZOO-MYID-UNLISTED", "ZOO-MYID-RANGE"),
    example=Example("zookeeper", wrong=_command("${HOSTNAME##*-}"), right=_command("$((${HOSTNAME##*-} + 1))")),
)
def myid(planned: Planned) -> t.Iterator[Problem]:
    """The number of a server is one of the numbered servers; lists that a script numbers begin with 1, ordinals with 0."""
    for server in planned.zookeeper:
        members = server.zoo.members
        if members and server.zoo.id is not None and server.zoo.id not in members and not server.zoo.dynamic:
            counted = " (ZOOKEEPER_SERVERS is numbered from 1)" if server.workload.family is _images.CONFLUENT_ZOOKEEPER else ""
            message = f"pod {server.pod} has the number {server.zoo.id}, and the servers are {', '.join(map(str, sorted(members)))}{counted}"
            yield Problem(server.where("myid"), message, "add 1 to the ordinal", (server.pod,))


_MEMBERS = "zk-0.zk-hs:2888:3888;zk-1.zk-hs:2888:3888;zk-2.zk-hs:2888:3888"


@rule(
    "ZK-MEMBERS",
    "error",
    "runtime",
    "A server that nobody reaches counts for the majority; servers with different lists count different majorities.",
    example=Example(
        "zookeeper",
        wrong=objects(changed("zk", "ZOOKEEPER_SERVERS=" + _MEMBERS.replace("zk-2", "zk-3"))),
        right=objects(changed("zk", "ZOOKEEPER_SERVERS=" + _MEMBERS)),
    ),
)
def members(planned: Planned) -> t.Iterator[Problem]:
    """Server lines name pods that are planned, the same on all servers."""
    lists = {tuple(sorted(server.zoo.members.values())): server for server in planned.zookeeper if server.zoo.members}
    if len(lists) > 1 and _differ(lists):
        servers = list(lists.values())
        yield Problem(servers[0].where("server.N"), f"servers {numbered(servers)} have different lists", "write one list on all servers")
    for server in list(lists.values())[:1]:
        for member in server.zoo.members.values():
            lead = follow(planned, member.host, server.namespace)
            if lead.kind == "missing":
                yield Problem(server.where(f"server.{member.id}"), f"{member.host} leads nowhere: {lead.reason}", "name the pods that are planned")


def _differ(lists: t.Iterable[t.Sequence[Member]]) -> bool:
    """Whether lists name different servers; a server may write 0.0.0.0 for itself."""
    known: dict[int, Member] = {}
    sizes = set()
    for listed in lists:
        sizes.add(len(listed))
        for member in listed:
            if member.host != "0.0.0.0" and known.setdefault(member.id, member) != member:
                return True
    return len(sizes) > 1


_PROBE = "readinessProbe: {exec: {command: [sh, -c, 'echo ruok | nc localhost 2181 | grep imok']}}"


@rule(
    "ZK-4LW",
    "error",
    "start",
    "The probe never succeeds: 'ruok is not executed because it is not in the whitelist' (only srvr is by default, from 3.5.3 on).",
    example=Example(
        "zookeeper",
        wrong=objects(changed("zk", container=_PROBE)),
        right=objects(changed("zk", "KAFKA_OPTS=-Dzookeeper.4lw.commands.whitelist=ruok,srvr", container=_PROBE)),
    ),
)
def whitelist(planned: Planned) -> t.Iterator[Problem]:
    """Four-letter words that probes send are on the whitelist."""
    for server in planned.zookeeper:
        release = server.release
        if (release.minor, release.patch) < ((3, 5), 3):
            continue
        allowed = [word.strip() for word in server.properties.get(WHITELIST, "srvr").split(",")]
        sent = {word for probe in server.workload.probes if probe.kind == "exec" for word in _WORD.findall(probe.command)}
        lacking = sorted(sent - set(allowed)) if "*" not in allowed else []
        if lacking:
            variable = "KAFKA_OPTS=-Dzookeeper." if server.workload.family is _images.CONFLUENT_ZOOKEEPER else ""
            message = f"a probe of {server.workload.where} sends {', '.join(lacking)}, and {WHITELIST} has {', '.join(allowed)}"
            yield Problem(server.where(WHITELIST), message, f"set {variable}{WHITELIST}={','.join([*allowed, *lacking])}")


# --- how brokers find it -------------------------------------------------------------------------------------------


def _connects(planned: Planned) -> t.Iterator[tuple[Server, ConnectString]]:
    """``zookeeper.connect`` of all nodes; nodes with the same text once."""
    seen: set[str] = set()
    for server in planned.kafka:
        connect = server.read(lambda broker: broker.connect)
        text = server.properties.get(CONNECT, "")
        if connect is not None and text not in seen:
            seen.add(text)
            yield server, connect


_HOSTS = "zk-0.zk-hs:2181,zk-1.zk-hs:2181,zk-2.zk-hs:2181"


@rule(
    "ZKC-UNKNOWN-HOST",
    "error",
    "start",
    "Brokers time out where the others are down: UnknownHostException, 'Timed out waiting for connection'.",
    example=Example("zookeeper", wrong=_connect(_HOSTS.replace("zk-2", "zk-3")), right=_connect(_HOSTS)),
)
def connect_unknown(planned: Planned) -> t.Iterator[Problem]:
    """``zookeeper.connect`` names pods and Services that are planned, with the port that clients are served on."""
    for server, connect in _connects(planned):
        for host, port in connect.hosts:
            lead = follow(planned, host, server.namespace)
            if lead.kind == "missing":
                yield Problem(
                    server.where(CONNECT), f"{host}:{port} leads nowhere: {lead.reason}", "name every server of the planned ensemble, and no other one"
                )
            for member in lead.servers if lead.kind == "pod" else ():
                served = {member.zoo.integer("clientPort"), member.zoo.integer("secureClientPort")} - {None}
                if member.workload.component == "zookeeper" and served and port not in served:
                    message = f"{host}:{port} is not the port of ZooKeeper's clients there"
                    yield Problem(server.where(CONNECT), message, f"write port {', '.join(map(str, served))}")


@rule(
    "ZKC-FEW-HOSTS",
    "warning",
    "runtime",
    "While the servers that are named are down, brokers do not find the others, and cannot start.",
    example=Example("zookeeper", wrong=_connect("zk-0.zk-hs:2181"), right=_connect(_HOSTS)),
)
def connect_few(planned: Planned) -> t.Iterator[Problem]:
    """``zookeeper.connect`` names all servers of the ensemble."""
    for server, connect in _connects(planned):
        leads = [follow(planned, host, server.namespace) for host, _port in connect.hosts]
        named = {id(member) for lead in leads for member in lead.servers}
        missing = [member for member in planned.zookeeper if id(member) not in named]
        # An ensemble elsewhere is none of ours, and a name that leads nowhere is another rule's.
        if named and missing and all(lead.kind in ("pod", "service") for lead in leads):
            pods = ", ".join(member.pod for member in missing[:5])
            yield Problem(server.where(CONNECT), f"does not name {pods}", "name every server of the ensemble")


@rule(
    "ZKC-INCONSISTENT",
    "error",
    "runtime",
    "Two clusters form, and nothing says so: each has some of the brokers, and topics of its own.",
    example=Example(
        "zookeeper",
        wrong=_connect(_HOSTS + "/kafka-$(ORDINAL)"),
        right=_connect(_HOSTS + "/kafka"),
    ),
)
def connect_differs(planned: Planned) -> t.Iterator[Problem]:
    """All nodes of a cluster use one ensemble and one chroot."""
    found = list(_connects(planned))
    chroots = {connect.chroot or "/": server for server, connect in found}
    if len(chroots) > 1:
        server = list(chroots.values())[-1]
        message = f"the nodes have {len(chroots)} different chroots: {', '.join(sorted(chroots)[:5])}"
        yield Problem(server.where(CONNECT), message, "write one zookeeper.connect on all nodes")
    elif len(found) > 1:
        first = _hosts(planned, *found[0])
        for server, connect in found[1:]:
            if first.isdisjoint(_hosts(planned, server, connect)):
                yield Problem(server.where(CONNECT), "names none of the servers that other nodes name", "write one zookeeper.connect on all nodes")


def _hosts(planned: Planned, server: Server, connect: ConnectString) -> set[t.Any]:
    """The servers behind the hosts, however these are written."""
    found: set[t.Any] = set()
    for host, port in connect.hosts:
        lead = follow(planned, host, server.namespace)
        found |= {id(member) for member in lead.servers} or {(host.lower(), port)}
    return found


@rule(
    "ZK-SESSION-CLAMP",
    "warning",
    "runtime",
    "The server grants 2 to 20 ticks (minSessionTimeout, maxSessionTimeout) whatever is asked for, and the session ends at another time than was meant.",
    example=Example("zookeeper", wrong=_session("=120000"), right=_session("=30000")),
)
def session_clamped(planned: Planned) -> t.Iterator[Problem]:
    """The session's timeout is one that the ensemble grants."""
    for ensemble in planned.zookeeper[:1]:
        tick = ensemble.zoo.integer("tickTime", 3000) or 3000
        shortest = ensemble.zoo.integer("minSessionTimeout", 2 * tick) or 2 * tick
        longest = ensemble.zoo.integer("maxSessionTimeout", 20 * tick) or 20 * tick
        asked = {server.number(SESSION): server for server in planned.kafka if server.uses_zookeeper}
        for timeout, server in asked.items():
            if timeout is not None and not shortest <= timeout <= longest:
                yield Problem(server.where(SESSION), f"{timeout} ms are asked for, and {shortest} to {longest} ms granted", "choose a timeout within")


@rule(
    "ZK-SESSION-SHORT",
    "info",
    "runtime",
    "A pause of the JVM or of the disk of six seconds takes the broker out of the cluster; KIP-537 made it 18 s in Kafka 2.5.",
    example=Example("zookeeper", wrong=_session("", "confluentinc/cp-kafka:5.4.0"), right=_session("", "confluentinc/cp-kafka:5.5.0")),
)
def session_short(planned: Planned) -> t.Iterator[Problem]:
    """The session's timeout is not the 6 s that were the default before Kafka 2.5."""
    for server in planned.kafka:
        if server.uses_zookeeper and SESSION not in server.properties and server.release.minor < (2, 5):
            yield Problem(server.where(SESSION), "is 6000 ms by default in this release", "set it to 18000")
