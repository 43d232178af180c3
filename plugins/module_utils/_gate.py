# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""May this node be restarted now? Private to the collection.

The same question before every stop: roll, reconfiguration, upgrade, scaling in, resize, drain. Nothing is asked of a
cluster here, and there is no clock: a snapshot goes in, a verdict comes out. What could not be read is not healthy.

A partition has enough without a node if at least ``min.insync.replicas`` replicas stay that are in the ISR, that no
running reassignment takes away, and whose brokers are unfenced, recovered and not freshly empty: one that came back
empty within ``replica.lag.time.max.ms`` is in the ISR still, and holds up every write that waits for it.
"""

from __future__ import annotations

import collections
import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_nodes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import (
    NOT_RUNNING,
    SHOWN,
    Options,
    Partition,
    Reason,
    Snapshot,
    Topic,
    Verdict,
    listed,
)

Ref = tuple[str, int]


class Gate:
    """Looks through a snapshot once, and then answers for each of its nodes.

    ``idle_ms`` of the answers: how long nothing has got better (:class:`_gate_progress.Watch`); a wait that is longer
    than the user's patience is a stop.
    """

    def __init__(self, snapshot: Snapshot, options: Options | None = None) -> None:
        self.snapshot = snapshot
        self.options = options or Options()
        self.trusted = _gate_nodes.trusted(snapshot)
        self._troubles = _gate_nodes.troubles(snapshot, self.options)

    @functools.cached_property
    def _index(self) -> tuple[dict[int, list[Ref]], dict[int, list[Ref]]]:
        """By broker: partitions that block its restart, and those that have no replica to spare."""
        blocked: dict[int, list[Ref]] = collections.defaultdict(list)
        spareless: dict[int, list[Ref]] = collections.defaultdict(list)
        for topic, partition in self._special():
            needed, spare = _needed(topic, partition)
            live = self._live(partition)
            left = len(live) if partition.leader >= 0 else -1
            ref = (topic.name, partition.number)
            for broker in partition.replicas:
                if not spare:
                    spareless[broker].append(ref)
                if left < needed or (left == needed and broker in live):
                    blocked[broker].append(ref)
        return blocked, spareless

    def _special(self) -> t.Iterator[tuple[Topic, Partition]]:
        """Partitions from which not just any one broker may be taken."""
        trusted = self.trusted.issuperset
        for topic in self.snapshot.topics:
            minimum = topic.min_insync_replicas
            for partition in topic.partitions:
                isr = partition[3]
                if minimum is None or len(isr) <= minimum or partition[4] or partition[1] < 0 or not trusted(isr):
                    yield topic, partition

    def _live(self, partition: Partition) -> frozenset[int]:
        live = self.trusted.intersection(partition.isr)
        return live.difference(partition.removing) if partition.removing else live

    def may_restart(self, node: int, idle_ms: int = 0) -> Verdict:
        """May this node be stopped now, to be started again?"""
        if node in self.snapshot.nodes and self._can_only_help(node):
            pod = self.snapshot.nodes[node].pod
            return Verdict("go", (Reason("stuck", f"Node {node} does not run ({pod}) and nothing counts on it: a restart can only help."),))
        blocked, spareless = self._index
        return self._verdict(frozenset((node,)), blocked.get(node, []), spareless.get(node, []), [], idle_ms)

    def may_stop_together(self, ids: t.Iterable[int], idle_ms: int = 0) -> Verdict:
        """May all of these nodes, a rack for example, be stopped at once? Only what is proven for every partition may."""
        nodes = frozenset(ids)
        blocked: list[Ref] = []
        spareless: list[Ref] = []
        never: list[Ref] = []
        disjoint, meet, trusted = nodes.isdisjoint, nodes.intersection, self.trusted.issuperset
        for topic in self.snapshot.topics:
            minimum = topic.min_insync_replicas
            for partition in topic.partitions:
                if disjoint(partition[2]):
                    continue
                isr = partition[3]
                if minimum is not None and len(isr) - len(meet(isr)) >= minimum and not partition[4] and partition[1] >= 0 and trusted(isr):
                    continue
                ref = (topic.name, partition.number)
                needed, spare = _needed(topic, partition)
                if not spare:
                    spareless.append(ref)
                if minimum is not None and len(partition[2]) - len(meet(partition[2])) < needed:
                    never.append(ref)
                live = self._live(partition)
                if partition[1] < 0 or len(live) - len(meet(live)) < needed:
                    blocked.append(ref)
        reasons = []
        if never:
            reasons.append(Reason("never_together", f"{len(never)} partitions have too many of their replicas on these nodes: {_named(never)}.", True))
        return self._verdict(nodes, blocked, spareless, reasons, idle_ms)

    def _verdict(self, nodes: frozenset[int], blocked: list[Ref], spareless: list[Ref], reasons: list[Reason], idle_ms: int) -> Verdict:
        snapshot, options = self.snapshot, self.options
        unknown = nodes - set(snapshot.nodes)
        if unknown or not nodes:
            text = f"There is no node {listed(sorted(unknown))} in this cluster." if unknown else "No node was named."
            return Verdict("stop", (Reason("unknown_node", text, True),))
        reasons += self._unreadable()
        reasons += _gate_nodes.own_reasons(snapshot, options, nodes)
        reasons += _gate_nodes.other_reasons(self._troubles, nodes)
        reasons += _gate_nodes.quorum_reasons(snapshot, options, nodes)
        reasons += _gate_nodes.zookeeper_reasons(snapshot)
        if spareless and not options.allow_without_spare:
            text = f"{len(spareless)} partitions have no replica above min.insync.replicas and stop while it is away: {_named(spareless)}. "
            reasons.append(Reason("no_spare", text + "Give these topics more replicas, or allow it.", True))
        if blocked:
            text = f"{len(blocked)} partitions would have too few replicas in sync, or have too few already: {_named(blocked)}."
            reasons.append(Reason("partitions", text))
        return _said(reasons, options, idle_ms, blocked, spareless)

    def _unreadable(self) -> list[Reason]:
        unreadable = self.snapshot.unreadable
        return [Reason("unreadable", f"Could not be read: {listed(unreadable)}.")] if unreadable else []

    def may_restart_zookeeper(self, server: int, idle_ms: int = 0) -> Verdict:
        """May this server of the ZooKeeper ensemble be stopped now, to be started again? Ids are those of the ensemble."""
        snapshot = self.snapshot
        if stranger := self._no_server(server):
            return stranger
        pod = snapshot.zookeeper.get(server)
        if pod in NOT_RUNNING:
            return Verdict("go", (Reason("stuck", f"ZooKeeper server {server} does not run ({pod}): a restart can only help."),))
        reasons = _gate_nodes.ensemble_reasons(snapshot, self.options, server)
        # Where no broker serves there is nothing to lose, and what they wait for may be the ensemble.
        if any(node.broker and node.pod == "ready" for node in snapshot.nodes.values()):
            reasons += self._unreadable() + _gate_nodes.other_reasons(self._troubles, frozenset())
        return _said(reasons, self.options, idle_ms, [], [])

    def has_returned_zookeeper(self, server: int, idle_ms: int = 0) -> Verdict:
        """Is a restarted server back for good: ready, which it is as part of a quorum only, and so are all others still?"""
        quorum = [Reason("quorum", "The quorum could not be read.")] if self.snapshot.quorum is None else []
        return self._no_server(server) or _said(quorum + _gate_nodes.zookeeper_reasons(self.snapshot), self.options, idle_ms, [], [])

    def _no_server(self, server: int) -> Verdict | None:
        quorum = self.snapshot.quorum
        if quorum is None or (quorum.zookeeper and server in quorum.voters):
            return None
        return Verdict("stop", (Reason("unknown_node", f"There is no ZooKeeper server {server} in this cluster.", True),))

    def _can_only_help(self, node: int) -> bool:
        """It does not run, and neither a partition that is alive nor the quorum counts on it."""
        found = self.snapshot.nodes[node]
        if found.pod not in NOT_RUNNING or found.unfenced or found.recovering_logs:
            return False
        quorum = self.snapshot.quorum
        if quorum is not None and not quorum.zookeeper and node in quorum.caught_up():
            return False
        return not any(node in partition[3] and partition[1] >= 0 for topic in self.snapshot.topics for partition in topic.partitions)

    def has_returned(self, node: int, idle_ms: int = 0, preferred: bool = False) -> Verdict:
        """Is a restarted node back for good: ready, unfenced, reachable, in the ISR of all its partitions, in the quorum?
        ``preferred``: it also leads what it should."""
        snapshot = self.snapshot
        if node not in snapshot.nodes:
            return self._verdict(frozenset((node,)), [], [], [], idle_ms)
        own = _gate_nodes.troubles(snapshot, self.options, accept=False)
        reasons = [Reason(code, text.format(node)) for code, text, nodes in own if node in nodes]
        reasons += self._unreadable()
        reasons += _gate_nodes.voter_reasons(snapshot, node)
        missing = [
            (topic.name, partition.number)
            for topic in snapshot.topics
            for partition in topic.partitions
            if node in partition[2]
            and node not in partition[4]
            and (node not in partition[3] or node not in self.trusted or (preferred and partition[2][0] == node != partition[1]))
        ]
        if missing:
            reasons.append(Reason("partitions", f"Node {node} is not back in {len(missing)} partitions: {_named(missing)}."))
        return _said(reasons, self.options, idle_ms, missing, [])

    def may_begin_empty(self, node: int, idle_ms: int = 0) -> Verdict:
        """May this node, which is stopped, be started without its data (another disk or claim)?

        Only once it is in no ISR: an empty replica that still counts as in sync holds up every write, and may be elected.
        """
        counted, only = [], []
        for topic in self.snapshot.topics:
            for partition in topic.partitions:
                if node in partition[2]:
                    ref = (topic.name, partition.number)
                    if len(partition.replicas) == 1:
                        only.append(ref)
                    if node in partition.isr or partition.leader < 0 or not self._live(partition) - {node}:
                        counted.append(ref)
        reasons = self._unreadable()
        if only:
            reasons.append(Reason("only_copy", f"Node {node} has the only copy of {len(only)} partitions: {_named(only)}. Move them away first.", True))
        if counted:
            text = f"Node {node} counts as in sync in {len(counted)} partitions, or nobody else does: {_named(counted)}."
            reasons.append(Reason("partitions", text))
        if node not in self.snapshot.nodes:
            return self._verdict(frozenset((node,)), [], [], [], idle_ms)
        return _said(reasons, self.options, idle_ms, counted, [])


def _needed(topic: Topic, partition: Partition) -> tuple[int, bool]:
    """How many replicas have to stay in sync, and whether there is one to spare.

    Without a spare, all others have to be in sync. Replicas that a reassignment takes away count here: it ends by itself.
    """
    minimum, factor = topic.min_insync_replicas, len(partition.replicas)
    if minimum is None:
        return factor + 1, True
    return (minimum, True) if factor > minimum else (factor - 1, False)


def _said(reasons: list[Reason], options: Options, idle_ms: int, blocked: list[Ref], spareless: list[Ref]) -> Verdict:
    answer: t.Literal["go", "wait", "stop"] = "wait" if reasons else "go"
    if reasons and idle_ms >= options.patience_ms:
        reasons = [*reasons, Reason("patience", f"Nothing has got better for {idle_ms // 1000} s.", True)]
    if any(reason.lasting for reason in reasons):
        answer = "stop"
    return Verdict(answer, tuple(reasons), _names(blocked), len(blocked), _names(spareless), len(spareless))


def _names(refs: list[Ref]) -> tuple[str, ...]:
    return tuple(f"{topic}-{number}" for topic, number in refs[:SHOWN])


def _named(refs: list[Ref]) -> str:
    more = len(refs) - SHOWN
    return ", ".join(_names(refs)) + (f" and {more} more" if more > 0 else "")
