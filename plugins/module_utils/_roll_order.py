# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which node is restarted next, why, and which have been. Private to the collection.

ZooKeeper servers are nodes here like all others, with ids of their own: server 1 is not broker 1.
Asked again before each restart, since the active controller moves and nodes get well or ill meanwhile. Whether the
node may be restarted now is not decided here but by the gate.
"""

from __future__ import annotations

import dataclasses
import typing as t

Cause = t.Literal["configuration", "image", "certificate", "resources", "resize", "manual", "drain", "stop", "template", "stuck", "replace"]
"""``configuration``: its ``server.properties`` or ``kafka_secret_config`` differ in what Kafka cannot take while it runs. ``image``,
``resources``, ``certificate``: what it runs with differs. ``resize``: a claim has grown and its file system waits for a new pod.
``manual``: someone asked for it. ``drain``: it is to leave its Kubernetes node. ``template``: the pod is from an older template in
another way. ``stop``: it is to be stopped, and not started again. ``stuck``: it does not run. ``replace``: its disks are replaced,
which is no roll's work and stands in the journal only."""

COMPARED: tuple[tuple[Cause, str], ...] = (
    ("image", "image"),
    ("configuration", "configuration"),
    ("certificate", "certificate"),
    ("resources", "resources"),
    ("template", "template"),
    ("resize", "claims"),
)


@dataclasses.dataclass(frozen=True)
class Version:
    """What a node runs with, or should: checksums or names, empty where it has none. ``template``: of all the rest of the pod.
    ``claims``: the sizes of its claims; not those asked for where they are waited for in vain until the pod starts anew."""

    image: str = ""
    configuration: str = ""
    certificate: str = ""
    resources: str = ""
    template: str = ""
    claims: str = ""


@dataclasses.dataclass(frozen=True)
class Node:
    """``pod_uid``: of its pod, None where there is none. ``running``: what that pod runs with, ``wanted``: what it should.

    ``zookeeper``: a server of the ensemble. ``controller``: a controller or combined node. ``ready``: Kubernetes says so. ``stuck``: no container of it runs.
    ``dynamic``: the difference in configuration was applied without a restart. ``drain``: it is to leave its Kubernetes node.
    ``manual``: the id of a request to restart it, empty without. ``stop``: it is to be stopped, and nothing else matters then.
    """

    id: int
    pod_uid: str | None
    running: Version
    wanted: Version
    zookeeper: bool = False
    controller: bool = False
    ready: bool = True
    stuck: bool = False
    dynamic: bool = False
    drain: bool = False
    stop: bool = False
    manual: str = ""
    rack: str | None = None


@dataclasses.dataclass(frozen=True)
class Entry:
    """A restart in the journal, written before the pod is deleted. ``pod_uid``: of the pod to be deleted; ``wanted`` and
    ``manual``: what it was restarted for. A run that was killed in between has an entry whose pod still is there.
    ``at``: when, in UTC; ``outcome``: what became of it, empty until that is known; both are for a person.
    ``returned``: uid of the pod that came back, empty where nobody has seen that. ``claims``: uids of the claims that are deleted where its
    disks are replaced. ``zookeeper``: the node is a server of the ensemble."""

    node: int
    pod_uid: str | None
    wanted: Version
    causes: tuple[Cause, ...]
    manual: str = ""
    at: str = ""
    outcome: str = ""
    returned: str = ""
    claims: tuple[str, ...] = ()
    zookeeper: bool = False


@dataclasses.dataclass(frozen=True)
class Restart:
    """One restart, for all its causes. ``zookeeper``: the node is a server of the ensemble."""

    node: int
    causes: tuple[Cause, ...]
    zookeeper: bool = False


@dataclasses.dataclass(frozen=True)
class Order:
    """``restarts``: what is still to be restarted, in order. ``futile``: nodes whose last restart was for what they should run
    with, and which still do not: restarting them again would not help, and restarting others might do the same to them."""

    restarts: tuple[Restart, ...]
    futile: tuple[Restart, ...] = ()


def causes(node: Node, journal: t.Iterable[Entry] = ()) -> tuple[Cause, ...]:
    """Why a node has to be restarted; empty: it need not be. A request that was carried out is none any more."""
    if node.stop:
        return ("stop",)
    found: list[Cause] = []
    for cause, field in COMPARED:
        if getattr(node.running, field) != getattr(node.wanted, field) and not (cause == "configuration" and node.dynamic):
            found.append(cause)
    if node.manual and not any(_carried_out(entry, node) and entry.manual == node.manual for entry in journal):
        found.append("manual")
    if node.drain:
        found.append("drain")
    if node.stuck and found:
        found.append("stuck")
    return tuple(found)


def order(nodes: t.Iterable[Node], journal: t.Sequence[Entry] = (), active: int | None = None, leader: int | None = None) -> Order:
    """What to restart, and in which order: what is not ready first, then ZooKeeper servers with the one that leads last, then
    controllers with the active one last, then brokers, then what is stopped. Brokers that all are not ready may be waiting for the
    ensemble, and come after it.

    A node that is stuck although it is as it should be is not restarted. ``active``: the active controller, None where
    there is none that is among the nodes (ZooKeeper: the broker that is the controller). ``leader``: the ZooKeeper server that
    leads, None where that is not known.
    """
    nodes = list(nodes)
    last = {(entry.node, entry.zookeeper): entry for entry in journal}
    served = any(node.ready for node in nodes if not node.zookeeper)
    todo: list[tuple[Node, Restart]] = []
    futile: list[Restart] = []
    for node in nodes:
        found = causes(node, journal)
        if found:
            restart = Restart(node.id, found, node.zookeeper)
            entry = last.get((node.id, node.zookeeper))
            if entry and _was_in_vain(entry, node, found):
                futile.append(restart)
            else:
                todo.append((node, restart))
    todo.sort(key=lambda item: _place_of_server(item[0], leader, served) if item[0].zookeeper else _place(item[0], active))
    return Order(tuple(restart for _node, restart in todo), tuple(sorted(futile, key=lambda restart: (not restart.zookeeper, restart.node))))


def together(nodes: t.Sequence[Node], first: Restart, journal: t.Sequence[Entry] = (), active: int | None = None) -> tuple[Restart, ...]:
    """The restart and all others of its rack that could go with it, where the gate proves that they may.

    Only ready brokers: a node that is not ready shows first whether a restart helps, and controllers go one by one.
    """
    known = {node.id: node for node in nodes if not node.zookeeper}

    def batchable(node: Node) -> bool:
        return node.ready and not node.stuck and not node.stop and not node.controller and node.id != active and node.rack == rack

    rack = None if first.zookeeper else known[first.node].rack
    if rack is None or not batchable(known[first.node]):
        return (first,)
    others = [each for each in order(nodes, journal, active).restarts if not each.zookeeper and each.node != first.node and batchable(known[each.node])]
    return (first, *others)


def _carried_out(entry: Entry, node: Node) -> bool:
    """Whether the pod that the entry is about is gone and there is another one."""
    return (entry.node, entry.zookeeper) == (node.id, node.zookeeper) and node.pod_uid is not None and entry.pod_uid != node.pod_uid


def _was_in_vain(entry: Entry, node: Node, found: tuple[Cause, ...]) -> bool:
    """Whether the last restart was to bring what is wanted now, and the pod that came of it still is another. One that somebody else has
    made since says nothing, and a new request may come on top of it later. A pod may come back to a Kubernetes node that it had left,
    and leave it again, as a node may be started that was stopped."""
    same = entry.wanted == node.wanted and set(found) <= {*entry.causes, "stuck"} and entry.manual == node.manual
    return same and not node.drain and not node.stop and _carried_out(entry, node) and entry.returned in ("", node.pod_uid)


def _place(node: Node, active: int | None) -> tuple[int, int, int]:
    """Unready before ready, but the active controller after all others of its kind; controllers before brokers. What is to be
    stopped comes last: without it others may have no spare any more."""
    if node.stop:
        return (4, int(node.id == active), node.id)
    if node.id == active:
        return (2 if node.controller else 3, 1, node.id)
    if node.stuck or not node.ready:
        return (0, 3 if node.controller else 4, node.id)
    return (2, 0, node.id) if node.controller else (3, 0, node.id)


def _place_of_server(node: Node, leader: int | None, served: bool) -> tuple[int, int, int]:
    """Of a ZooKeeper server: unready before ready, and the leader last, so that there is one election. ``served``: some Kafka node
    is ready."""
    well = node.ready and not node.stuck
    return (int(well and served), int(well) + int(node.id == leader), node.id)
