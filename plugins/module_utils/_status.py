# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What a running cluster looks like, in lines for a person. Pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _quorum

SHOWN = 10

Facts = t.Mapping[str, t.Any]


def lines(plan: Facts, info: Facts, roll: Facts) -> list[str]:
    """``info``: of ``kafka_info``, with the parts cluster, quorum, features, partitions and reassignments; ``roll``: of
    ``kafka_roll`` in check mode."""
    brokers = {each["id"] for each in info["cluster"]["brokers"]}
    wanted = {node["id"] for node in plan["nodes"] if "broker" in node["roles"]}
    stopped = wanted & set(plan["stopped"]) - brokers
    away = _named(", stopped: ", stopped) + _named(", missing: ", wanted - brokers - stopped)
    found = [
        f"Cluster {plan['cluster']}, Kafka {plan['version']}, id {info['cluster']['id']}",
        f"Brokers: {len(brokers)} of {len(wanted)} serve" + away + _named(", besides: ", brokers - wanted),
        *_voters(plan, info),
        _partitions(info["partitions"], "partitions" in info["next"]),
        f"Moving: {len(info['reassignments'])} partitions",
    ]
    if level := (info.get("features") or {}).get("metadata.version", {}).get("finalized"):
        found.append(f"metadata.version: {level}, supported up to {info['features']['metadata.version']['supported'][1]}")
    order = [f"{each['node']} ({', '.join(each['causes'])})" for each in roll["order"]]
    found.append("Restarts due: " + (", ".join(order) or "none"))
    found += [f"  against the first: {reason}" for reason in roll["against"]]
    found += [f"Certificate {name}: {days} days left" for name, days in sorted(plan["certificate_days"].items(), key=lambda item: item[1])]
    return found


def _voters(plan: Facts, info: Facts) -> list[str]:
    quorum = info.get("quorum")
    if not quorum:
        return [f"Controller: {info['cluster']['controller']}"]
    behind = [f"{each['id']} (lag {each['lag']})" for each in quorum["voters"] if each["lag"]]
    wrong = _quorum.without_vote(_quorum.read(quorum), [node["id"] for node in plan["nodes"] if "controller" in node["roles"]])
    return [
        f"Controllers: {len(quorum['voters'])} voters, {quorum['leader']} leads" + _named(", behind: ", behind),
        *(f"  {line}" for line in wrong),
    ]


def _partitions(troubled: t.Sequence[Facts], more: bool) -> str:
    if not troubled:
        return "Partitions: all are in sync"
    without = sum(each["offline"] for each in troubled)
    under = sum(each["under_min_in_sync"] for each in troubled)
    shown = [f"{each['topic']}-{each['partition']}" for each in troubled]
    count = f"at least {len(troubled)}" if more else len(troubled)
    return f"Partitions: {count} are not in sync, {under} of them below min.insync.replicas, {without} without a leader" + _named(": ", shown)


def _named(words: str, items: t.Collection[t.Any]) -> str:
    some = [str(item) for item in (sorted(items) if isinstance(items, set) else items)]
    more = f" and {len(some) - SHOWN} more" if len(some) > SHOWN else ""
    return words + ", ".join(some[:SHOWN]) + more if some else ""
