# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Takes a snapshot of a cluster for the gate: from Kafka, and from what Kubernetes says of the pods. Private to the collection."""

from __future__ import annotations

import collections
import contextlib
import datetime
import socket
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model, _kafka_calls, _kafka_info_calls, _quorum, _roll_state
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Road, RoadError, Unsupported
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import TopicState

LAG_LIMIT, FETCH_TIMEOUT = "replica.lag.time.max.ms", "controller.quorum.fetch.timeout.ms"

Place = tuple[str, int]
Sizes = dict[Place, int]


class Disks(t.NamedTuple):
    """What ``DescribeLogDirs`` says of a broker: directories that failed, and the bytes of each partition."""

    failed: tuple[str, ...]
    sizes: Sizes


def unreadable(members: t.Iterable[_roll_state.Member], pods: t.Mapping[str, _roll_state.Object | None], why: str) -> _gate_model.Snapshot:
    """A snapshot of a cluster of which only Kubernetes tells anything, which is all that there is to know of an ensemble."""
    members = list(members)
    nodes = {each.id: _gate_model.Node(each.id, _roll_state.pod_state(pods[each.name]), each.broker) for each in members if not each.zookeeper}
    zookeeper = _servers(members, pods)
    return _gate_model.Snapshot(nodes, (), _ensemble(zookeeper) if zookeeper else None, (why,), zookeeper=zookeeper)


def snapshot(
    road: Road,
    members: t.Sequence[_roll_state.Member],
    pods: t.Mapping[str, _roll_state.Object | None],
    reach: t.Callable[[t.Sequence[str]], bool],
    now: datetime.datetime,
) -> tuple[_gate_model.Snapshot, int]:
    """The cluster at this moment, and the id of the active controller. Raises RoadError where Kafka cannot be asked.

    ``members``: nodes and ZooKeeper servers; ``pods``: theirs by the names of the members. ``reach``: whether all of these addresses
    answer.
    """
    states = _kafka_calls.topics(road, config=False)
    racks = road.brokers()
    disks, missing = _disks(road, racks)
    minimums = _kafka_calls.min_insync_replicas(road, list(states))
    lag_limit, fetch_timeout = _limits(road, racks)
    zookeeper = _servers(members, pods)
    quorum, active = _voters(road, zookeeper, fetch_timeout)
    topics = tuple(_topic(name, state, minimums.get(name), disks) for name, state in states.items())
    empty = _empty(topics, disks)
    nodes = {}
    for member in (each for each in members if not each.zookeeper):
        pod, broker = pods[member.name], disks.get(member.id)
        nodes[member.id] = _gate_model.Node(
            id=member.id,
            pod=_roll_state.pod_state(pod),
            broker=member.broker,
            rack=racks.get(member.id) or None,
            unfenced=member.id in racks,
            offline_log_dirs=broker.failed if broker else None,
            reachable=reach(member.outside),
            empty_for_ms=_roll_state.age_ms(pod, now) if member.id in empty else None,
        )
    return _gate_model.Snapshot(nodes, topics, quorum, missing, lag_limit, zookeeper), active


def _disks(road: Road, brokers: t.Iterable[int]) -> tuple[dict[int, Disks], tuple[str, ...]]:
    """What each broker says of its disks, and what could not be read."""
    found: dict[int, Disks] = {}
    missing = []
    for broker in brokers:
        try:
            directories = _kafka_calls.log_dirs(road, broker)
        except RoadError:
            missing.append(f"log directories of {broker}")
            continue
        found[broker] = Disks(tuple(each.log_dir for each in directories if each.error_code), _kafka_calls.replica_sizes(directories))
    return found, tuple(missing)


def _topic(name: str, state: TopicState, minimum: int | None, disks: t.Mapping[int, Disks]) -> _gate_model.Topic:
    return _gate_model.Topic(
        name,
        minimum,
        tuple(
            _gate_model.Partition(number, each.leader, each.replicas, each.in_sync, each.removing, each.adding, _lags((name, number), each, disks))
            for number, each in enumerate(state.partitions)
        ),
    )


def _lags(place: Place, partition: t.Any, disks: t.Mapping[int, Disks]) -> tuple[tuple[int, int], ...]:
    """How far replicas outside of the ISR are behind their leader: in bytes, which is all that brokers tell of it, and enough to see progress."""
    if len(partition.in_sync) == len(partition.replicas) or partition.leader not in disks:
        return ()
    whole = disks[partition.leader].sizes.get(place, 0)
    return tuple(
        (replica, max(0, whole - disks[replica].sizes.get(place, 0))) for replica in partition.replicas if replica not in partition.in_sync and replica in disks
    )


def _empty(topics: t.Iterable[_gate_model.Topic], disks: t.Mapping[int, Disks]) -> set[int]:
    """Brokers that have less than half of what their leaders have: right after an ordinary restart they have the same."""
    own: collections.Counter[int] = collections.Counter()
    there: collections.Counter[int] = collections.Counter()
    for topic in topics:
        for partition in topic.partitions:
            if partition.leader in disks:
                place = (topic.name, partition.number)
                size = disks[partition.leader].sizes.get(place, 0)
                for broker in partition.replicas:
                    if broker != partition.leader and broker in disks:
                        own[broker] += disks[broker].sizes.get(place, 0)
                        there[broker] += size
    return {broker for broker, size in there.items() if own[broker] * 2 < size}


def _limits(road: Road, brokers: t.Iterable[int]) -> tuple[int, int]:
    """``replica.lag.time.max.ms`` and ``controller.quorum.fetch.timeout.ms`` as the brokers have them; Kafka's defaults in a release without one."""
    for broker in brokers:
        (result,) = _kafka_calls.describe_configs(road, [(_kafka_calls.BROKER, str(broker))], broker, keys=[LAG_LIMIT, FETCH_TIMEOUT])
        found = {each.name: int(each.value) for each in result.configs if each.value}
        return found.get(LAG_LIMIT, 30_000), found.get(FETCH_TIMEOUT, 2000)
    raise RoadError("no broker is registered")


def _voters(road: Road, zookeeper: t.Mapping[int, _gate_model.PodState], fetch_timeout: int) -> tuple[_gate_model.Quorum | None, int]:
    """The quorum, and the id of the active controller."""
    try:
        found = _kafka_info_calls.quorum(road)
    except Unsupported:
        return _ensemble(zookeeper), int(_kafka_info_calls.cluster(road)["controller"])
    state = _quorum.read(found)
    voters = {voter.id: voter.caught_up_ms for voter in state.voters}
    # One that was replaced, or became a voter, is listed for minutes beside what follows now.
    observers = {each.id: each.caught_up_ms for each in sorted(state.observers, key=lambda each: each.caught_up_ms) if each.id not in voters}
    replaced = frozenset(voter.id for voter in state.voters if state.successor(voter))
    return _gate_model.Quorum(tuple(voters), state.leader, voters, fetch_timeout, observers, replaced=replaced), state.leader


def _servers(members: t.Iterable[_roll_state.Member], pods: t.Mapping[str, _roll_state.Object | None]) -> dict[int, _gate_model.PodState]:
    """The pods of the ensemble by server id; none in KRaft mode, or where someone else runs it."""
    return {each.id: _roll_state.pod_state(pods[each.name]) for each in members if each.zookeeper}


def _ensemble(zookeeper: t.Mapping[int, _gate_model.PodState]) -> _gate_model.Quorum:
    """The ensemble as its readiness probes see it: a server is ready that serves as leader or follower. One that someone
    else runs is not looked at, and counts as whole."""
    ready = [server for server, pod in zookeeper.items() if pod == "ready"] if zookeeper else [0]
    servers = tuple(zookeeper) or (0,)
    leader = ready[0] if len(ready) > len(servers) // 2 else -1
    return _gate_model.Quorum(servers, leader, {server: 0 if server in ready else -1 for server in servers}, zookeeper=True)


def leading(servers: t.Iterable[int], srvr: t.Callable[[int], str]) -> int | None:
    """The ZooKeeper server that leads; None where none says so. ``srvr``: what a server answers to the command of this name."""
    for server in servers:
        # It only matters for the order: who cannot be asked is no reason to do nothing.
        with contextlib.suppress(OSError):
            if "Mode: leader" in srvr(server).splitlines():
                return server
    return None


def reachable(addresses: t.Sequence[str], limit: float = 3.0) -> bool:
    """Whether something accepts connections at each ``host:port``."""
    for address in addresses:
        host, _colon, port = address.rpartition(":")
        try:
            with contextlib.closing(socket.create_connection((host.strip("[]"), int(port)), timeout=limit)):
                pass
        except OSError:
            return False
    return True
