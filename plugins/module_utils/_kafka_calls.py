# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Requests about topics and configuration, and their answers in plain types. Private to the collection."""

from __future__ import annotations

import collections
import functools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_client, _kafka_road
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Later, Refused
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_configs import CLUSTER, Running, State
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import CONTROLLER, Road, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import Partition, Setting, Topic, TopicState

TOPIC, BROKER = 2, 4
"""Types of resources that have a configuration."""

SET, DELETE = 0, 1
"""What IncrementalAlterConfigs does with a key."""

DYNAMIC_TOPIC, DYNAMIC_BROKER, DYNAMIC_DEFAULT_BROKER = 1, 2, 3
"""Where a value comes from, as DescribeConfigs tells it."""

KINDS = ("UNKNOWN", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD")
"""Types of keys, by the number that DescribeConfigs gives them."""

PARTITIONS_AT_ONCE = 1000
"""KRaft takes at most 10,000 records for one request; a partition is one, a configuration key another."""

ITEMS_AT_ONCE = 500


def at_once(items: t.Sequence[t.Any], size: t.Callable[[t.Any], int] = lambda _item: 1, limit: int = ITEMS_AT_ONCE) -> t.Iterator[list[t.Any]]:
    """The items in groups whose sizes sum up to at most ``limit``, or that hold one item."""
    group: list[t.Any] = []
    total = 0
    for item in items:
        if group and total + size(item) > limit:
            yield group
            group, total = [], 0
        group.append(item)
        total += size(item)
    if group:
        yield group


def topics(road: Road, *, config: bool = True) -> dict[str, TopicState]:
    """Every topic, with what is set for it alone."""
    metadata = road.send("list the topics", functools.partial(_kafka_client.metadata.MetadataRequest, topics=None, allow_auto_topic_creation=False))
    moving = reassignments(road)
    found = {}
    names = [topic.name for topic in metadata.topics if not topic.error_code]
    settings = topic_settings(road, names) if config else {}
    for topic in metadata.topics:
        if topic.error_code:
            continue  # it is being deleted at this moment
        partitions = sorted(topic.partitions, key=lambda partition: partition.partition_index)
        found[topic.name] = TopicState(
            partitions=tuple(
                Partition(tuple(each.replica_nodes), each.leader_id, tuple(each.isr_nodes), *moving.get((topic.name, each.partition_index), ((), ())))
                for each in partitions
            ),
            config=settings.get(topic.name, {}),
            internal=topic.is_internal,
        )
    return found


def reassignments(road: Road) -> dict[tuple[str, int], tuple[tuple[int, ...], tuple[int, ...]]]:
    """Replicas that are being added and removed, by topic and partition."""
    limit = int(road.time_left() * 1000)
    answer = road.send(
        "list the reassignments", functools.partial(_kafka_client.admin.ListPartitionReassignmentsRequest, topics=None, timeout_ms=limit), CONTROLLER
    )
    whole("list the reassignments", answer)
    return {
        (topic.name, each.partition_index): (tuple(each.adding_replicas), tuple(each.removing_replicas)) for topic in answer.topics for each in topic.partitions
    }


def topic_settings(road: Road, names: t.Sequence[str]) -> dict[str, dict[str, Setting]]:
    """What is set for each topic alone."""
    found: dict[str, dict[str, Setting]] = {}
    for group in at_once(names):
        for result in describe_configs(road, [(TOPIC, name) for name in group]):
            if not result.error_code:
                found[result.resource_name] = {each.name: setting(each) for each in result.configs if each.config_source == DYNAMIC_TOPIC}
    return found


def describe_configs(road: Road, resources: t.Sequence[tuple[int, str]], node: int | None = None, keys: t.Sequence[str] | None = None) -> list[t.Any]:
    """``DescribeConfigs``: one result for each resource."""
    asked = [(kind, name, keys) for kind, name in resources]
    return list(road.send("read the configuration", functools.partial(_kafka_client.admin.DescribeConfigsRequest, resources=asked), node).results)


def log_dirs(road: Road, broker: int, partitions: t.Mapping[str, t.Sequence[int]] | None = None) -> list[t.Any]:
    """``DescribeLogDirs``: one result for each directory of a broker. ``partitions``: with these of each topic only."""
    request = _kafka_client.admin.DescribeLogDirsRequest

    def ask() -> t.Any:
        kind = request.DescribableLogDirTopic
        return request(topics=None if partitions is None else [kind(topic=topic, partitions=list(numbers)) for topic, numbers in partitions.items()])

    return list(road.send("describe the log directories", ask, broker).results)


def replica_sizes(directories: t.Iterable[t.Any]) -> dict[tuple[str, int], int]:
    """Bytes by topic and partition in results of :func:`log_dirs`, without copies that are on their way to another directory."""
    return {
        (topic.name, each.partition_index): each.partition_size
        for directory in directories
        for topic in directory.topics
        for each in topic.partitions
        if not each.is_future_key
    }


MIN_INSYNC_REPLICAS = "min.insync.replicas"


def min_insync_replicas(road: Road, names: t.Sequence[str]) -> dict[str, int]:
    """``min.insync.replicas`` as it holds for each topic, from itself or the brokers; without those that could not be read."""
    found = {}
    for group in at_once(names):
        for result in describe_configs(road, [(TOPIC, name) for name in group], keys=[MIN_INSYNC_REPLICAS]):
            for each in result.configs or ():
                if each.name == MIN_INSYNC_REPLICAS and not result.error_code:
                    found[result.resource_name] = int(each.value)
    return found


def setting(entry: t.Any) -> Setting:
    """An entry of ``DescribeConfigs``; without a text where Kafka keeps it secret."""
    kind = KINDS[entry.config_type] if 0 <= entry.config_type < len(KINDS) else "UNKNOWN"
    return Setting(None if entry.is_sensitive else entry.value or "", kind)


def alter_configs(
    road: Road, resources: t.Mapping[tuple[int, str], t.Mapping[str, str | None]], check: bool, node: int | str | None = CONTROLLER
) -> dict[tuple[int, str], str]:
    """``IncrementalAlterConfigs``; what Kafka refused, by resource. A value of None resets a key."""
    refused = {}
    for group in at_once(list(resources.items())):
        entries = [(kind, name, [(key, DELETE if value is None else SET, value) for key, value in settings.items()]) for (kind, name), settings in group]
        answer = road.send(
            "change the configuration",
            functools.partial(_kafka_client.admin.IncrementalAlterConfigsRequest, resources=entries, validate_only=check),
            node,
            writes=not check,
        )
        for each in answer.responses:
            if each.error_code:
                refused[each.resource_type, each.resource_name] = refusal(each.error_code, each.error_message)
    return refused


def write_topics(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    """Make the changes of ``_kafka_topics.plan``; in check mode let Kafka say what it would do, which it cannot for deletions and moves."""
    by_kind: dict[str, list[Change]] = collections.defaultdict(list)
    for change in changes:
        by_kind[change.kind].append(change)
    refused: Refused = {}
    if not check:
        refused.update(_delete(road, by_kind["delete"]))
    refused.update(_create(road, by_kind["create"], check))
    refused.update(_grow(road, by_kind["partitions"], check))
    if not check:
        refused.update(_move(road, by_kind["replicas"]))
    configured = {(TOPIC, change.item): change for change in by_kind["config"]}
    said = alter_configs(road, {resource: change.data for resource, change in configured.items()}, check)
    refused.update({configured[resource]: why for resource, why in said.items()})
    return refused


def _limit(road: Road) -> int:
    # The broker gives up first, so that its answer still arrives.
    return max(1000, int(road.time_left() * 900))


def _by_item(changes: t.Sequence[Change], answers: t.Iterable[t.Any], name: str = "name") -> Refused:
    found = {change.item: change for change in changes}
    return {found[getattr(each, name)]: refusal(each.error_code, each.error_message) for each in answers if each.error_code}


def _delete(road: Road, changes: t.Sequence[Change]) -> Refused:
    protocol = _kafka_client.admin
    refused: Refused = {}
    for group in at_once(changes):

        def request(group: t.Sequence[Change] = group) -> t.Any:
            states = [protocol.DeleteTopicsRequest.DeleteTopicState(name=change.item) for change in group]
            return protocol.DeleteTopicsRequest(topics=states, timeout_ms=_limit(road))

        answer = road.send("delete topics", request, CONTROLLER, writes=True)
        refused.update(_by_item(group, answer.responses))
    return refused


def _create(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    protocol = _kafka_client.admin
    refused: Refused = {}

    def size(change: Change) -> int:
        return (change.data.partitions or 1) + len(change.data.config)

    def creatable(topic: Topic) -> t.Any:
        kind = protocol.CreateTopicsRequest.CreatableTopic
        return kind(
            name=topic.name,
            num_partitions=-1 if topic.assignments else topic.partitions or -1,
            replication_factor=-1 if topic.assignments else topic.replication_factor or -1,
            assignments=[
                kind.CreatableReplicaAssignment(partition_index=number, broker_ids=list(replicas)) for number, replicas in enumerate(topic.assignments)
            ],
            configs=[kind.CreatableTopicConfig(name=key, value=value) for key, value in topic.config.items()],
        )

    for group in at_once(changes, size, PARTITIONS_AT_ONCE):

        def request(group: t.Sequence[Change] = group) -> t.Any:
            return protocol.CreateTopicsRequest(topics=[creatable(change.data) for change in group], timeout_ms=_limit(road), validate_only=check)

        answer = road.send("create topics", request, CONTROLLER, writes=not check)
        said = _by_item(group, answer.topics)
        # A moment ago there was none: with ZooKeeper a deletion goes on after it was acknowledged.
        refused.update({change: Later(why) if why.startswith("TopicAlreadyExists") else why for change, why in said.items()})
    return refused


def _grow(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    protocol = _kafka_client.admin
    refused: Refused = {}

    def growing(change: Change) -> t.Any:
        count, assignments = change.data
        kind = protocol.CreatePartitionsRequest.CreatePartitionsTopic
        chosen = [kind.CreatePartitionsAssignment(broker_ids=list(replicas)) for replicas in assignments]
        return kind(name=change.item, count=count, assignments=chosen or None)

    for group in at_once(changes, lambda change: int(change.data[0]), PARTITIONS_AT_ONCE):

        def request(group: t.Sequence[Change] = group) -> t.Any:
            return protocol.CreatePartitionsRequest(topics=[growing(change) for change in group], timeout_ms=_limit(road), validate_only=check)

        answer = road.send("add partitions", request, CONTROLLER, writes=not check)
        refused.update(_by_item(group, answer.results))
    return refused


def _move(road: Road, changes: t.Sequence[Change]) -> Refused:
    protocol = _kafka_client.admin
    refused: Refused = {}
    for group in at_once(changes, lambda change: len(change.data), PARTITIONS_AT_ONCE):

        def request(group: t.Sequence[Change] = group) -> t.Any:
            topic = protocol.AlterPartitionReassignmentsRequest.ReassignableTopic
            moving = [
                topic(
                    name=change.item,
                    partitions=[topic.ReassignablePartition(partition_index=number, replicas=list(replicas)) for number, replicas in change.data.items()],
                )
                for change in group
            ]
            return protocol.AlterPartitionReassignmentsRequest(topics=moving, timeout_ms=_limit(road))

        answer = road.send("reassign partitions", request, CONTROLLER, writes=True)
        whole("reassign partitions", answer)
        by_name = {change.item: change for change in group}
        for each in answer.responses:
            reasons = [f"partition {part.partition_index}: {refusal(part.error_code, part.error_message)}" for part in each.partitions if part.error_code]
            if reasons:
                refused[by_name[each.name]] = "; ".join(reasons[:5])
    return refused


def whole(operation: str, answer: t.Any) -> None:
    """Raise where Kafka refused a request as a whole."""
    if answer.error_code:
        raise _kafka_road.RoadError(f"{operation}: {refusal(answer.error_code, answer.error_message)}")


def running(road: Road) -> State:
    """The configuration that every live broker runs with, and what is set at run time for all of them."""
    brokers = {}
    for broker in road.brokers():
        (result,) = describe_configs(road, [(BROKER, str(broker))], broker)
        if result.error_code:
            raise _kafka_road.RoadError(f"read the configuration of broker {broker}: {refusal(result.error_code, result.error_message)}")
        brokers[broker] = {each.name: Running(setting(each), each.read_only, each.config_source == DYNAMIC_BROKER) for each in result.configs}
    (default,) = describe_configs(road, [(BROKER, "")])
    if default.error_code:
        raise _kafka_road.RoadError(f"read the configuration of all brokers: {refusal(default.error_code, default.error_message)}")
    return State({each.name: setting(each) for each in default.configs if each.config_source == DYNAMIC_DEFAULT_BROKER}, brokers)


def write_configs(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    """Make the changes of ``_kafka_configs.plan``. Each broker judges and takes its own configuration."""
    refused: Refused = {}
    for change in changes:
        name = "" if change.item == CLUSTER else change.item.rpartition(" ")[2]
        said = alter_configs(road, {(BROKER, name): change.data}, check, int(name) if name else None)
        if said:
            refused[change] = "; ".join(said.values())
    return refused


def super_users(road: Road) -> list[str]:
    """The principals that need no access rule, as some broker has them."""
    broker = min(road.brokers())
    (result,) = describe_configs(road, [(BROKER, str(broker))], broker, ["super.users"])
    return [each.strip() for entry in result.configs for each in (entry.value or "").split(";") if each.strip()]
