# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads what ``kafka_info`` tells, each part on its own. Private to the collection."""

from __future__ import annotations

import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _kafka_calls,
    _kafka_client,
    _kafka_info,
    _kafka_road,
    _kafka_security_calls,
    _kafka_users,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_configs import CLUSTER
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_info import Page
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Road, Unsupported
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import TopicState

QUORUM = "__cluster_metadata"


def gather(road: Road, parts: t.Collection[str], pages: t.Callable[[str], Page], *, assignments: bool = False) -> dict[str, t.Any]:
    """The parts asked for; besides ``next``, by part after which name to go on, and ``unsupported``: parts that this cluster has not."""
    found: dict[str, t.Any] = {"next": {}, "unsupported": []}
    states = _kafka_calls.topics(road, config=False) if {"topics", "partitions", "reassignments"} & set(parts) else {}
    readers: dict[str, t.Callable[[Page], tuple[t.Any, str]]] = {
        "cluster": lambda page: (cluster(road), ""),
        "quorum": lambda page: (quorum(road), ""),
        "features": lambda page: (features(road), ""),
        "topics": lambda page: topics(road, states, page, assignments),
        "partitions": lambda page: troubled(road, states, page),
        "reassignments": lambda page: reassignments(states, page),
        "log_dirs": lambda page: (log_dirs(road), ""),
        "groups": lambda page: groups(road, page),
        "users": lambda page: users(road, page),
        "quotas": lambda page: quotas(road, page),
        "acls": lambda page: acls(road, page),
        "configs": lambda page: (configs(road), ""),
    }
    for part in parts:
        try:
            found[part], after = readers[part](pages(part))
        except Unsupported:
            found["unsupported"].append(part)
        else:
            if after:
                found["next"][part] = after
    return found


def cluster(road: Road) -> dict[str, t.Any]:
    """Id, controller and brokers."""
    answer = road.send("describe the cluster", functools.partial(_kafka_client.metadata.MetadataRequest, topics=[]))
    brokers = [{"id": each.node_id, "host": each.host, "port": each.port, "rack": each.rack or ""} for each in answer.brokers]
    return {"id": answer.cluster_id, "controller": answer.controller_id, "brokers": sorted(brokers, key=lambda broker: broker["id"])}


def quorum(road: Road) -> dict[str, t.Any]:
    """The KRaft quorum: leader, voters and observers, each with how far it lags behind the leader."""
    request = _kafka_client.admin.DescribeQuorumRequest
    partition = request.TopicData.PartitionData(partition_index=0)
    answer = road.send("describe the quorum", lambda: request(topics=[request.TopicData(topic_name=QUORUM, partitions=[partition])]))
    _kafka_calls.whole("describe the quorum", answer)
    (state,) = answer.topics[0].partitions
    leader_end = max((each.log_end_offset for each in state.current_voters if each.replica_id == state.leader_id), default=state.high_watermark)

    def member(each: t.Any) -> dict[str, t.Any]:
        return {
            "id": each.replica_id,
            "directory": _kafka_info.directory(getattr(each, "replica_directory_id", None)),
            "log_end_offset": each.log_end_offset,
            "lag": max(0, leader_end - each.log_end_offset),
            "last_caught_up_ms": each.last_caught_up_timestamp,
        }

    return {
        "leader": state.leader_id,
        "epoch": state.leader_epoch,
        "high_watermark": state.high_watermark,
        "voters": [member(each) for each in state.current_voters],
        "observers": [member(each) for each in state.observers],
    }


def features(road: Road) -> dict[str, t.Any]:
    """Supported and finalized levels by feature, such as ``metadata.version``."""
    found = road.call("describe the features", road.admin.describe_features)
    return {
        name: {
            "supported": list(levels.get("supported", ())),
            # Kafka gives a range and sets both ends to the same level.
            "finalized": levels["finalized"][1] if "finalized" in levels else None,
        }
        for name, levels in found.items()
    }


def raise_features(road: Road, levels: t.Mapping[str, int], check: bool) -> None:
    """Finalize these levels; with ``check`` only ask whether Kafka would. Raises RoadError where it refuses any."""
    limit = max(1000, int(road.time_left() * 900))
    answers = road.call("finalize features", lambda: road.admin.update_features(dict(levels), validate_only=check, timeout_ms=limit))
    refused = {name: said for name, said in answers.items() if said != "OK"}
    if refused:
        raise _kafka_road.RoadError("finalize features: " + "; ".join(f"{name}: {said}" for name, said in refused.items()))


def topics(road: Road, states: t.Mapping[str, TopicState], page: Page, assignments: bool) -> tuple[list[dict[str, t.Any]], str]:
    """Topics with what is set for each alone."""
    names, after = page.names(states)
    settings = _kafka_calls.topic_settings(road, names)
    every = [TopicState(states[name].partitions, settings.get(name, {}), states[name].internal) for name in names]
    return [_kafka_info.topic(name, state, assignments=assignments) for name, state in zip(names, every)], after


def troubled(road: Road, states: t.Mapping[str, TopicState], page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """Partitions without a leader or with too few replicas in sync."""
    # Only where some replica is missing can min.insync.replicas be missed, or where it is larger than the number of replicas.
    minimum = _kafka_calls.min_insync_replicas(road, list(states))
    bad = {name: _kafka_info.troubled(name, state, minimum.get(name, 1)) for name, state in states.items()}
    names, after = page.names(name for name, partitions in bad.items() if partitions)
    return [partition for name in names for partition in bad[name]], after


def reassignments(states: t.Mapping[str, TopicState], page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """Partitions that are on the move."""
    names, after = page.names(name for name, state in states.items() if any(each.adding or each.removing for each in state.partitions))
    found = [
        {"topic": name, "partition": number, "replicas": list(each.replicas), "adding": list(each.adding), "removing": list(each.removing)}
        for name in names
        for number, each in enumerate(states[name].partitions)
        if each.adding or each.removing
    ]
    return found, after


def log_dirs(road: Road) -> list[dict[str, t.Any]]:
    """Every log directory of every broker, with the bytes and partitions in it."""
    found = []
    for broker in sorted(road.brokers()):
        for directory in _kafka_calls.log_dirs(road, broker):
            partitions = [each for topic in directory.topics for each in topic.partitions]
            found.append(
                {
                    "broker": broker,
                    "path": directory.log_dir,
                    "error": _kafka_road.refusal(directory.error_code, None),
                    "partitions": len(partitions),
                    "bytes": sum(each.partition_size for each in partitions),
                    "total_bytes": getattr(directory, "total_bytes", -1),
                    "usable_bytes": getattr(directory, "usable_bytes", -1),
                }
            )
    return found


def groups(road: Road, page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """Consumer groups with state, members and lag."""
    admin = road.admin
    listed = road.call("list the groups", admin.list_groups)
    consumers = {each["group_id"] for each in listed if each.get("protocol_type", "consumer") in ("consumer", "")}
    names, after = page.names(consumers)
    found = []
    described = road.call("describe the groups", lambda: admin.describe_groups(names)) if names else {}
    offsets = road.call("read the offsets of the groups", lambda: admin.list_group_offsets(names)) if names else {}
    places = {place for name in names for place in offsets.get(name, {})}
    ends = _ends(road, places)
    for name in names:
        committed = {place: value.offset for place, value in offsets.get(name, {}).items() if value.offset >= 0}
        lags = {f"{place.topic}-{place.partition}": max(0, ends[place] - offset) for place, offset in committed.items() if place in ends}
        details = described.get(name, {})
        found.append(
            {
                "name": name,
                "state": details.get("group_state") or details.get("state") or "",
                "members": len(details.get("members") or ()),
                "lag": sum(lags.values()),
                "lags": dict(sorted(lags.items())),
            }
        )
    return found, after


def _ends(road: Road, places: t.Collection[t.Any]) -> dict[t.Any, int]:
    """The end of each partition that is still there."""
    if not places:
        return {}
    latest = _kafka_client.consumer.OffsetSpec.LATEST
    there = _kafka_calls.topics(road, config=False)
    known = {place: latest for place in places if place.topic in there and place.partition < len(there[place.topic].partitions)}
    if not known:
        return {}
    found = road.call("read the ends of partitions", lambda: road.admin.list_partition_offsets(known))
    return {place: value.offset for place, value in found.items()}


def users(road: Road, page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """SCRAM users: iterations by mechanism."""
    found = _kafka_security_calls.credentials(road)
    names, after = page.names(found)
    return [{"name": name, "mechanisms": found[name]} for name in names], after


def quotas(road: Road, page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """Quotas by entity."""
    found = {_kafka_users.entity_text(who): (who, limits) for who, limits in _kafka_security_calls.quotas(road).items()}
    names, after = page.names(found)
    return [_kafka_info.quota(*found[name]) for name in names], after


def acls(road: Road, page: Page) -> tuple[list[dict[str, t.Any]], str]:
    """Access rules, those of one principal, resource and permission in one item; a page is made of resource names."""
    found = _kafka_security_calls.rules(road)
    names, after = page.names({rule.resource_name for rule in found})
    chosen = set(names)
    return _kafka_info.rules(rule for rule in found if rule.resource_name in chosen), after


def configs(road: Road) -> dict[str, t.Any]:
    """What is set at run time, for all brokers and for each; and by key whether a change needs a roll."""
    state = _kafka_calls.running(road)
    own = {str(broker): {key: entry.setting.text for key, entry in sorted(running.items()) if entry.own} for broker, running in state.brokers.items()}
    keys = {key: entry.read_only for running in state.brokers.values() for key, entry in running.items()}
    return {
        CLUSTER: {key: setting.text for key, setting in sorted(state.default.items())},
        "brokers": own,
        "dynamic": sorted(key for key, read_only in keys.items() if not read_only),
        "needs_roll": sorted(key for key, read_only in keys.items() if read_only),
    }
