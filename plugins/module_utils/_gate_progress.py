# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Does waiting help? What is still to get better, and whether it does. Private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import Node, Snapshot

Key = tuple[t.Any, ...]
"""The kind first: ``replica``, ``leader``, ``reassignment``, ``recovery``, ``node``, ``empty``, ``reachable``, ``log_dirs``,
``voter``, ``observer``, ``unreadable``; then what it is about."""

UNKNOWN_LAG = 1 << 63
"""A replica that is out of sync by nobody knows how much: more than any that is known."""

_POD_RANK = {"ready": 0, "starting": 2, "terminating": 3}
_STUCK_RANK = 4


def outstanding(snapshot: Snapshot) -> dict[Key, int]:
    """What is not as it should be, and by how much: messages, logs, milliseconds, or just a number that falls."""
    found: dict[Key, int] = {}
    for topic in snapshot.topics:
        for partition in topic.partitions:
            if len(partition[3]) == len(partition[2]) and partition[1] >= 0 and not partition[4]:
                continue
            place = (topic.name, partition.number)
            lags = dict(partition.lags)
            for broker in partition.replicas:
                if broker not in partition.isr and broker not in partition.removing:
                    found[("replica", *place, broker)] = 1 + lags.get(broker, UNKNOWN_LAG)
            if partition.leader < 0:
                found[("leader", *place)] = 1
            if partition.removing:
                found[("reassignment", *place)] = len(partition.removing)
    for node in snapshot.nodes.values():
        found.update(_of_node(snapshot, node))
    quorum = snapshot.quorum
    if quorum is None:
        found["unreadable", "quorum"] = 1
    else:
        found.update({("voter", voter): 1 for voter in set(quorum.voters) - quorum.caught_up()})
        found.update({("observer", observer): 1 for observer in quorum.observers_behind()})
    found.update({("unreadable", what): 1 for what in snapshot.unreadable})
    return {key: amount for key, amount in found.items() if amount}


def _of_node(snapshot: Snapshot, node: Node) -> dict[Key, int]:
    found: dict[Key, int] = {("node", node.id): _POD_RANK.get(node.pod, _STUCK_RANK)}
    if node.broker:
        found["node", node.id] += not node.unfenced
        found["recovery", node.id] = node.recovering_logs or 0
        found["reachable", node.id] = int(not node.reachable)
        found["log_dirs", node.id] = 1 if node.offline_log_dirs is None else len(node.offline_log_dirs)
        if node.empty_for_ms is not None:
            found["empty", node.id] = max(0, snapshot.empty_limit_ms() - node.empty_for_ms)
    return found


def progressed(before: Snapshot, after: Snapshot) -> dict[str, int]:
    """How many things got better between two snapshots, by kind; empty where nothing did."""
    then, now = outstanding(before), outstanding(after)
    return dict(collections.Counter(str(key[0]) for key, amount in then.items() if now.get(key, 0) < amount))


@dataclasses.dataclass(frozen=True)
class Watch:
    """Remembers the best that was seen, so that what only goes up and down is no progress and waiting has an end.

    ``best``: the least amount of each thing that was ever outstanding; ``since_ms``: when the last of them fell.
    """

    best: t.Mapping[Key, int]
    since_ms: int

    @classmethod
    def begin(cls, snapshot: Snapshot, now_ms: int) -> Watch:
        """Start to wait."""
        return cls(outstanding(snapshot), now_ms)

    def seen(self, snapshot: Snapshot, now_ms: int) -> Watch:
        """The watch after another snapshot."""
        now = outstanding(snapshot)
        best = dict(self.best)
        better = False
        for key, amount in self.best.items():
            least = now.get(key, 0)
            if least < amount:
                best[key] = least
                better = True
        for key, amount in now.items():
            best.setdefault(key, amount)
        return Watch(best, now_ms if better else self.since_ms)

    def idle_ms(self, now_ms: int) -> int:
        """How long nothing has got better."""
        return max(0, now_ms - self.since_ms)
