# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What has to be done so that topics are as wanted. Pure; private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_changes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal

THROTTLES = frozenset(("leader.replication.throttled.replicas", "follower.replication.throttled.replicas"))
"""Set for as long as a reassignment runs; who set them takes them away again."""

INTERNAL = frozenset(("__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"))
"""Topics that Kafka makes itself when it needs them (``org.apache.kafka.common.internals.Topic``)."""

Replicas = tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class Setting:
    """A configured value; ``kind`` is its type as Kafka tells it. ``text`` is None where Kafka keeps it secret."""

    text: str | None
    kind: str = "STRING"


@dataclasses.dataclass(frozen=True)
class Partition:
    """Where a partition is. ``replicas``: with those that a reassignment adds or removes."""

    replicas: Replicas
    leader: int = -1
    in_sync: Replicas = ()
    adding: Replicas = ()
    removing: Replicas = ()

    @property
    def target(self) -> Replicas:
        """The replicas once a reassignment that is under way has ended."""
        return tuple(replica for replica in self.replicas if replica not in self.removing)


@dataclasses.dataclass(frozen=True)
class TopicState:
    """A topic that is there: its partitions in order, and what is set for it alone."""

    partitions: tuple[Partition, ...]
    config: t.Mapping[str, Setting] = dataclasses.field(default_factory=dict)
    internal: bool = False

    def shown(self) -> dict[str, t.Any]:
        """For a diff."""
        factors = sorted({len(partition.target) for partition in self.partitions})
        return {
            "partitions": len(self.partitions),
            "replication_factor": factors[0] if len(factors) == 1 else factors,
            "config": {key: setting.text for key, setting in sorted(self.config.items())},
        }


@dataclasses.dataclass(frozen=True)
class Topic:
    """A topic as wanted. Without ``partitions`` or ``replication_factor`` the brokers' defaults hold for a new one, and an
    old one keeps its own. ``fewer_partitions``: ``refuse``, ``keep`` or ``recreate`` where it has more than wanted."""

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    assignments: tuple[Replicas, ...] = ()
    config: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    absent: bool = False
    fewer_partitions: str = "refuse"


@dataclasses.dataclass(frozen=True)
class Purge:
    """Delete what matches the whole of ``pattern`` and is not on the list, at most ``limit`` of it."""

    pattern: str
    limit: int


def read(items: t.Iterable[t.Mapping[str, t.Any]]) -> list[Topic]:
    """Topics from the options of a module."""
    found = []
    for item in items:
        name = str(item["name"])
        assignments = tuple(tuple(int(broker) for broker in replicas) for replicas in item.get("assignments") or ())
        partitions, factor = item.get("partitions"), item.get("replication_factor")
        if assignments and (partitions not in (None, len(assignments)) or factor is not None):
            raise Refusal(f"topic {name}: assignments already say how many partitions and replicas there are; leave out partitions and replication_factor")
        for what, value in (("partitions", partitions), ("replication_factor", factor)):
            if value is not None and value < 1:
                raise Refusal(f"topic {name}: {what} is {value}; write 1 or more, or leave it out")
        found.append(
            Topic(
                name=name,
                partitions=len(assignments) or partitions,
                replication_factor=factor,
                assignments=assignments,
                config=_kafka_changes.setting_texts(item.get("config") or {}, f"topic {name}: config"),
                absent=item.get("state") == "absent",
                fewer_partitions=item.get("fewer_partitions") or "refuse",
            )
        )
    _kafka_changes.once((topic.name for topic in found), "topics")
    return found


def plan(
    wanted: t.Sequence[Topic],
    there: t.Mapping[str, TopicState],
    brokers: t.Mapping[int, str],
    *,
    reset: bool = True,
    purge: Purge | None = None,
) -> Plan:
    """The changes that lead from ``there`` to ``wanted``.

    ``brokers``: id and rack of those that are alive. ``reset``: what is set and not wanted returns to its default.
    """
    found = Plan()
    load = collections.Counter(replica for state in there.values() for partition in state.partitions for replica in partition.target)
    for topic in wanted:
        state = there.get(topic.name)
        if topic.name in INTERNAL or (state and state.internal):
            found.refused[topic.name] = "it is a topic of Kafka's own; leave it off the list, and use broker configuration such as offsets.topic.*"
        elif state is None:
            if not topic.absent:
                found.changes.append(_create(topic))
                found.show(topic.name, None, _wanted_shown(topic))
        elif topic.absent:
            _delete(topic.name, state, found)
        else:
            _alter(topic, state, brokers, load, reset, found)
    if purge:
        names = {topic.name for topic in wanted}
        mine = (name for name, state in there.items() if name not in names and not is_internal(name, state))
        for name in _kafka_changes.to_purge(mine, purge.pattern, purge.limit, "topics"):
            _delete(name, there[name], found)
    return found


def is_internal(name: str, state: TopicState) -> bool:
    """Whether a topic belongs to Kafka or to a tool of its own, by Kafka's mark or by the usual beginning of such names."""
    return state.internal or name.startswith("__")


def _create(topic: Topic) -> Change:
    size = f"{topic.partitions or 'default'} partitions"
    factor = f"{len(topic.assignments[0])}" if topic.assignments else f"{topic.replication_factor or 'default'}"
    return Change(topic.name, "create", f"create with {size}, replication factor {factor}", topic)


def _wanted_shown(topic: Topic) -> dict[str, t.Any]:
    factor = len(topic.assignments[0]) if topic.assignments else topic.replication_factor
    return {"partitions": topic.partitions or "default", "replication_factor": factor or "default", "config": dict(sorted(topic.config.items()))}


def _delete(name: str, state: TopicState, found: Plan) -> None:
    if is_internal(name, state):
        found.refused[name] = "it is an internal topic, and those are never deleted"
    else:
        found.changes.append(Change(name, "delete", f"delete with its {len(state.partitions)} partitions"))
        found.show(name, state.shown(), None)


def _alter(topic: Topic, state: TopicState, brokers: t.Mapping[int, str], load: collections.Counter[int], reset: bool, found: Plan) -> None:
    count = len(state.partitions)
    after = state.shown()
    changes = []
    if topic.partitions and topic.partitions < count and topic.fewer_partitions != "keep":
        if topic.fewer_partitions == "recreate":
            found.changes.append(Change(topic.name, "delete", f"delete with its {count} partitions, to create it with {topic.partitions}"))
            found.show(topic.name, state.shown(), _wanted_shown(topic))
        else:
            found.refused[topic.name] = (
                f"it has {count} partitions and {topic.partitions} are wanted; Kafka cannot take partitions away. "
                "Mend: correct the number, or write fewer_partitions: keep, or recreate, which deletes its messages"
            )
        return
    if topic.partitions and topic.partitions > count:
        # Kafka takes new partitions only with as many replicas as the first one has; if need be they move in the next round.
        fitting = all(len(replicas) == len(state.partitions[0].replicas) for replicas in topic.assignments[count:])
        chosen = topic.assignments[count:] if fitting else ()
        changes.append(Change(topic.name, "partitions", f"partitions {count} -> {topic.partitions}", (topic.partitions, chosen), str(topic.partitions)))
        after["partitions"] = topic.partitions
    try:
        moves = _moves(topic, state, brokers, load)
    except Refusal as refusal:
        found.refused[topic.name] = str(refusal)
        return
    if moves:
        changes.append(Change(topic.name, "replicas", _moves_say(topic, state, moves), moves, repr(moves)))
        after["replication_factor"] = topic.replication_factor or len(topic.assignments[0])
    settings = config_changes(topic.config, state.config, reset, keep=THROTTLES)
    if settings:
        changes.append(Change(topic.name, "config", config_says(settings, state.config), settings, repr(sorted(settings))))
        after["config"] = config_after(state.config, settings)
    if changes:
        found.changes += changes
        found.show(topic.name, state.shown(), after)


def _moves(topic: Topic, state: TopicState, brokers: t.Mapping[int, str], load: collections.Counter[int]) -> dict[int, Replicas]:
    """The new replicas of each partition that has to move."""
    if topic.assignments:
        pairs = enumerate(zip(state.partitions, topic.assignments))
        return {number: replicas for number, (partition, replicas) in pairs if partition.target != replicas}
    factor = topic.replication_factor
    if not factor or all(len(partition.target) == factor for partition in state.partitions):
        return {}
    if factor > len(brokers):
        raise Refusal(f"replication factor {factor} is wanted and {len(brokers)} brokers are alive")
    moves = {}
    for number, partition in enumerate(state.partitions):
        if len(partition.target) != factor:
            moves[number] = spread(partition.target, factor, brokers, load)
            load.subtract(partition.target)
            load.update(moves[number])
    return moves


def spread(replicas: Replicas, factor: int, brokers: t.Mapping[int, str], load: t.Mapping[int, int]) -> Replicas:
    """``factor`` replicas, moving as little as possible: dead brokers and doubled racks leave first, then the last ones;
    new ones go to racks that have none yet, then to the brokers with the least replicas."""
    kept = list(replicas)
    while len(kept) > factor:
        racks = collections.Counter(brokers.get(broker, "") for broker in kept)
        # The first one is the preferred leader: it stays as long as it is alive.
        kept.remove(max(kept, key=lambda broker: (broker not in brokers, broker != kept[0], racks[brokers.get(broker, "")], kept.index(broker))))
    while len(kept) < factor:
        used = {brokers.get(broker, "") for broker in kept}
        free = [broker for broker in brokers if broker not in kept]
        kept.append(min(free, key=lambda broker: (brokers[broker] in used, load.get(broker, 0), broker)))
    return tuple(kept)


def _moves_say(topic: Topic, state: TopicState, moves: t.Mapping[int, Replicas]) -> str:
    if topic.assignments:
        shown = ", ".join(f"{number}: {list(state.partitions[number].target)} -> {list(replicas)}" for number, replicas in list(moves.items())[:5])
        return f"reassign {len(moves)} partitions ({shown}{' ...' if len(moves) > 5 else ''})"
    before = sorted({len(state.partitions[number].target) for number in moves})
    return f"replication factor {'/'.join(map(str, before))} -> {topic.replication_factor}, {len(moves)} partitions"


def config_changes(wanted: t.Mapping[str, str], there: t.Mapping[str, Setting], reset: bool, keep: t.Collection[str] = ()) -> dict[str, str | None]:
    """Keys and their new values; None resets a key to its default."""
    found: dict[str, str | None] = {}
    for key, value in wanted.items():
        if key not in there or not _kafka_changes.same_setting(there[key].kind, value, there[key].text):
            found[key] = value
    if reset:
        found.update({key: None for key in there if key not in wanted and key not in keep})
    return found


def config_says(settings: t.Mapping[str, str | None], there: t.Mapping[str, Setting]) -> str:
    """A change of configuration in words."""
    words = []
    for key, value in sorted(settings.items()):
        before = there[key].text if key in there else "default"
        words.append(f"{key} {before} -> {'default' if value is None else value}")
    return "; ".join(words)


def config_after(there: t.Mapping[str, Setting], settings: t.Mapping[str, str | None]) -> dict[str, t.Any]:
    """What is configured after a change, for a diff."""
    merged = {**{key: setting.text for key, setting in there.items()}, **settings}
    return {key: value for key, value in sorted(merged.items()) if value is not None}
