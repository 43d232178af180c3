# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The part of the gate that looks at nodes and at the quorum. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._gate_model import NOT_RUNNING, Node, Options, Reason, Snapshot, listed

Trouble = tuple[str, str, frozenset[int]]
"""Code, text with a place for the nodes, nodes."""


def _restored(node: Node) -> bool:
    """Whether its logs are recovered for certain."""
    return node.recovering_logs == 0 or (node.recovering_logs is None and node.unfenced is True)


def _freshly_empty(snapshot: Snapshot, node: Node) -> bool:
    return node.empty_for_ms is not None and node.empty_for_ms <= snapshot.empty_limit_ms()


def trusted(snapshot: Snapshot) -> frozenset[int]:
    """Brokers whose place in an ISR can be believed."""
    nodes = snapshot.nodes.values()
    return frozenset(node.id for node in nodes if node.broker and node.unfenced and _restored(node) and not _freshly_empty(snapshot, node))


def troubles(snapshot: Snapshot, options: Options, accept: bool = True) -> list[Trouble]:
    """What is wrong with which nodes, and would take out a second one, or hide that it is out. ``accept``: leave out what the user accepted."""
    accepted = options.accepted if accept else frozenset()
    nodes = [node for node in snapshot.nodes.values() if node.id not in accepted]
    brokers = [node for node in nodes if node.broker]
    quorum = snapshot.quorum
    behind = quorum.observers_behind() - accepted if quorum is not None and not quorum.zookeeper else frozenset()
    found: list[tuple[str, str, t.Iterable[Node]]] = [
        ("stuck", "Pods that do not run: {}. What stopped them may stop the next one, too.", (node for node in nodes if node.pod in NOT_RUNNING)),
        ("not_ready", "Pods that are not ready: {}.", (node for node in nodes if node.pod != "ready" and node.pod not in NOT_RUNNING)),
        ("fenced", "Brokers that Kafka does not count on (fenced or not registered): {}.", (node for node in brokers if not node.unfenced)),
        ("recovering", "Brokers that recover their logs, or may do so: {}.", (node for node in brokers if not _restored(node))),
        ("offline_log_dirs", "Brokers with log directories that failed or could not be read: {}.", (node for node in brokers if node.offline_log_dirs != ())),
        ("empty", "Brokers that began empty just now and may still count as in sync: {}.", (node for node in brokers if _freshly_empty(snapshot, node))),
    ]
    if options.check_reachable:
        away = (node for node in brokers if not node.reachable)
        found.append(("unreachable", "Brokers whose external listeners have not answered since their last restart: {}.", away))
    known = (node for node in brokers if node.id in behind)
    found.append(("metadata_behind", "Brokers that do not follow the metadata log: {}.", known))
    listing = [(code, text, frozenset(node.id for node in nodes)) for code, text, nodes in found]
    return [trouble for trouble in listing if trouble[2]]


def other_reasons(found: t.Iterable[Trouble], leaving: frozenset[int]) -> list[Reason]:
    """Troubles of nodes that would have to serve meanwhile: one node at a time."""
    return [Reason(code, text.format(listed(sorted(nodes - leaving)))) for code, text, nodes in found if nodes - leaving]


def own_reasons(snapshot: Snapshot, options: Options, leaving: frozenset[int]) -> list[Reason]:
    """What keeps the nodes themselves from being stopped."""
    nodes = [snapshot.nodes[node] for node in sorted(leaving - options.emptied)]
    recovering = [node.id for node in nodes if node.broker and (node.recovering_logs or (not _restored(node) and node.pod not in NOT_RUNNING))]
    terminating = [node.id for node in nodes if node.pod == "terminating"]
    failed = [node.id for node in nodes if node.broker and node.offline_log_dirs != () and node.pod not in NOT_RUNNING and node.id not in options.accepted]
    reasons = []
    if recovering:
        reasons.append(Reason("recovering", f"Node {listed(recovering)} recovers its logs, or may do so; a restart would begin that again."))
    if terminating:
        reasons.append(Reason("not_ready", f"Node {listed(terminating)} is being stopped already."))
    if failed:
        text = f"Node {listed(failed)} has log directories that failed or could not be read; look at its disks first, or accept it."
        reasons.append(Reason("offline_log_dirs", text))
    return reasons


def quorum_reasons(snapshot: Snapshot, options: Options, leaving: frozenset[int]) -> list[Reason]:
    """Whether a majority of voters that have caught up stays. A broker needs a quorum, too: to be left and to come back."""
    quorum = snapshot.quorum
    if quorum is None:
        return [Reason("quorum", "The quorum could not be read.")]
    if quorum.leader not in quorum.voters:
        return [Reason("quorum", "The quorum has no leader.")]
    voters, majority = len(quorum.voters), len(quorum.voters) // 2 + 1
    stopped = frozenset() if quorum.zookeeper else leaving.intersection(quorum.voters)
    reasons = []
    needed = majority
    if stopped and voters <= 2:
        needed = voters - 1
        if not options.allow_without_spare:
            text = f"A quorum of {voters} stops while one of its voters is away. Have three controllers, or allow it."
            reasons.append(Reason("no_spare_voter", text, True))
    if voters - len(stopped) < needed:
        reasons.append(Reason("never_together", f"Nodes {listed(sorted(stopped))} are too many of {voters} voters.", True))
    left = quorum.caught_up() - stopped
    if len(left) < needed:
        who = listed(sorted(left)) or "none"
        text = f"Of {voters} voters, {len(left)} would be left that have caught up within {quorum.fetch_timeout_ms} ms ({who}); {needed} are needed."
        if quorum.replaced:
            text += f" The disk of {listed(sorted(quorum.replaced))} was replaced, with which its vote is gone; site.yml gives it one again."
        reasons.append(Reason("quorum", text))
    return reasons


def zookeeper_reasons(snapshot: Snapshot, leaving: frozenset[int] = frozenset()) -> list[Reason]:
    """ZooKeeper servers that would have to serve meanwhile: one at a time, as with nodes. ``leaving``: ids of the ensemble."""
    quorum = snapshot.quorum
    if quorum is None or not quorum.zookeeper:
        return []
    away = [server for server in quorum.voters if server not in leaving and quorum.caught_up_ms.get(server, -1) < 0]
    return [Reason("zookeeper", f"ZooKeeper servers that are not ready: {listed(away)}.")] if away else []


def ensemble_reasons(snapshot: Snapshot, options: Options, server: int) -> list[Reason]:
    """What the ensemble itself says against stopping one of its servers. With all others ready a majority is left, if there can be one."""
    quorum = snapshot.quorum
    if quorum is None:
        return [Reason("quorum", "The quorum could not be read.")]
    reasons = zookeeper_reasons(snapshot, frozenset((server,)))
    if snapshot.zookeeper.get(server) == "terminating":
        reasons.append(Reason("not_ready", f"ZooKeeper server {server} is being stopped already."))
    if len(quorum.voters) <= 2 and not options.allow_without_spare:
        text = f"An ensemble of {len(quorum.voters)} stops while one of its servers is away. Have three, or allow it (kafka_roll_allow_without_spare)."
        reasons.append(Reason("no_spare_voter", text, True))
    return reasons


def voter_reasons(snapshot: Snapshot, node: int) -> list[Reason]:
    """Whether a restarted node follows the quorum again, if it is one of its voters."""
    quorum = snapshot.quorum
    if quorum is None:
        return [Reason("quorum", "The quorum could not be read.")]
    if not quorum.zookeeper and node in quorum.replaced:
        text = f"Node {node} has another disk than the quorum counts on, and no vote; site.yml, or playbooks/replace.yml, gives it one."
        return [Reason("no_vote", text, True)]
    if not quorum.zookeeper and node in quorum.voters and node not in quorum.caught_up():
        return [Reason("quorum", f"Voter {node} has not caught up.")]
    return []
