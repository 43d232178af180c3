# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What has to be done next to replace the disks of a node. Pure; private to the collection.

A broker that comes back empty while it still counts as in sync holds up every write, and may lead what it has not. So it
is stopped first, is waited for until it has left every ISR, and only then are its claims deleted. Its vote goes before
it stops: a directory that is deleted never votes again, and is counted until it is removed.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._roll_order import Cause, Entry

CAUSE: Cause = "replace"

Phase = t.Literal["ask", "stop", "leave", "empty", "start"]
"""``ask``: may it be stopped? ``stop``: its vote, then its StatefulSet. ``leave``: wait until nothing counts on its data.
``empty``: its claims. ``start``: all that was to go is gone."""


@dataclasses.dataclass(frozen=True)
class Seen:
    """What there is of a node. ``runs``: its StatefulSet or its pod is there. ``claims``: uids of its claims by name."""

    runs: bool
    claims: t.Mapping[str, str]


def opened(entries: t.Iterable[Entry], node: int) -> Entry | None:
    """The replacement of this node that was begun and has not ended."""
    found = [entry for entry in entries if entry.node == node and CAUSE in entry.causes]
    return found[-1] if found and not found[-1].outcome else None


def doomed(seen: Seen, entry: Entry | None) -> dict[str, str]:
    """The claims that are still to be deleted: those that were there when it began."""
    return {name: uid for name, uid in seen.claims.items() if entry is None or uid in entry.claims}


def phase(seen: Seen, entry: Entry | None, *, allowed: bool = False, left: bool = False) -> Phase:
    """What comes next. ``allowed``: the gate was open for it just now; ``left``: nothing counts on its data any more.

    A node that runs on new claims already has been started; so has one whose claims somebody else has replaced.
    """
    if entry is not None and not doomed(seen, entry):
        return "start"
    if seen.runs:
        return "stop" if allowed else "ask"
    return "empty" if left else "leave"


def without_vote(snapshot: _gate_model.Snapshot, node: int) -> _gate_model.Snapshot:
    """The cluster as it is once the vote of this node is gone."""
    quorum = snapshot.quorum
    if quorum is None or quorum.zookeeper or node not in quorum.voters:
        return snapshot
    voters = tuple(voter for voter in quorum.voters if voter != node)
    leader = quorum.leader
    if leader == node and voters:
        # It resigns; the others elect whoever is the furthest.
        leader = max(voters, key=lambda voter: quorum.caught_up_ms.get(voter, -1))
    return dataclasses.replace(snapshot, quorum=dataclasses.replace(quorum, voters=voters, leader=leader))


def never(snapshot: _gate_model.Snapshot, node: int) -> str:
    """Why the disks of this node must not be deleted, whatever is waited for; empty where they may."""
    quorum = snapshot.quorum
    if quorum is not None and not quorum.zookeeper and quorum.voters == (node,):
        return f"node {node} is the only voter, and its disk has the only copy of the cluster's metadata. Add another controller first."
    only = [f"{topic.name}-{partition.number}" for topic in snapshot.topics for partition in topic.partitions if partition.replicas == (node,)]
    if only:
        return f"node {node} has the only copy of {len(only)} partitions: {_gate_model.listed(only)}. Give them more replicas, or move them away, first."
    return ""
