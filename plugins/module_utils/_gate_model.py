# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""A cluster at one moment, as the gate sees it, and what the gate says. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

PodState = t.Literal["ready", "starting", "terminating", "missing", "image", "scheduling", "crash_loop", "unknown"]
"""``ready``: Kubernetes says so. ``starting``: a container runs and is not ready. ``missing``: there is no pod. ``image``: its
image cannot be pulled (``ImagePullBackOff``, ``ErrImagePull``, ``InvalidImageName``). ``scheduling``: ``Unschedulable``.
``crash_loop``: waiting in ``CrashLoopBackOff``. ``unknown``: anything else, and what could not be read."""

NOT_RUNNING = frozenset(("missing", "image", "scheduling", "crash_loop"))
"""States in which no container of the pod runs at this moment."""


@dataclasses.dataclass(frozen=True)
class Node:
    """A Kafka process. None stands for what could not be read, and counts as not healthy.

    ``broker``: it holds partitions (a broker or a combined node); the fields below mean nothing for a controller.
    ``unfenced``: registered and not fenced (with ZooKeeper: registered). ``recovering_logs``: logs that are still to be
    recovered; a broker is fenced until it has recovered, so that None is as good as 0 for one that is not.
    ``offline_log_dirs``: directories that failed. ``reachable``: its external listeners answered from outside after its
    last restart; True where it has none. ``empty_for_ms``: how long ago it started with an empty log directory, None if it did not.
    """

    id: int
    pod: PodState
    broker: bool = True
    rack: str | None = None
    unfenced: bool | None = None
    recovering_logs: int | None = None
    offline_log_dirs: tuple[str, ...] | None = None
    reachable: bool | None = None
    empty_for_ms: int | None = None


class Partition(t.NamedTuple):
    """``leader``: -1 where there is none. ``removing``, ``adding``: replicas that a running reassignment takes away and
    adds; both are among ``replicas``. ``lags``: ``(broker, messages)`` that replicas outside the ISR are behind."""

    number: int
    leader: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    removing: tuple[int, ...] = ()
    adding: tuple[int, ...] = ()
    lags: tuple[tuple[int, int], ...] = ()


class Topic(t.NamedTuple):
    """``min_insync_replicas``: what holds for the topic, from itself or its brokers; None where it could not be read."""

    name: str
    min_insync_replicas: int | None
    partitions: tuple[Partition, ...]


@dataclasses.dataclass(frozen=True)
class Quorum:
    """``DescribeQuorum``, or the same of a ZooKeeper ensemble (``zookeeper``): its ids are not node ids then, and who is ready has caught up.

    ``leader``: -1 where there is none. ``caught_up_ms``, ``observers_ms``: when each voter and observer had last caught up
    with the leader, in milliseconds of the leader's clock, the leader's own being its present time; -1: never.
    ``fetch_timeout_ms``: ``controller.quorum.fetch.timeout.ms``. ``replaced``: voters whose disk was replaced: the quorum
    counts on a directory that is gone, and what has their id now has no vote.
    """

    voters: tuple[int, ...]
    leader: int
    caught_up_ms: t.Mapping[int, int]
    fetch_timeout_ms: int = 2000
    observers_ms: t.Mapping[int, int] = dataclasses.field(default_factory=dict)
    zookeeper: bool = False
    replaced: frozenset[int] = frozenset()

    def caught_up(self) -> frozenset[int]:
        """Voters that follow the leader within the fetch timeout, with the leader itself; none where there is no leader."""
        now = self.caught_up_ms.get(self.leader, -1)
        if self.leader not in self.voters or now < 0:
            return frozenset()
        found = frozenset(voter for voter in self.voters if voter == self.leader or self._recent(self.caught_up_ms.get(voter, -1), now))
        return found - self.replaced

    def observers_behind(self) -> frozenset[int]:
        """Observers (brokers) that do not follow the metadata log within the fetch timeout."""
        now = self.caught_up_ms.get(self.leader, -1)
        return frozenset(observer for observer, seen in self.observers_ms.items() if not self._recent(seen, now))

    def _recent(self, seen: int, now: int) -> bool:
        return seen >= 0 and now - seen <= self.fetch_timeout_ms


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """All that was read. ``quorum``: None where it could not be read. ``unreadable``: what else could not be, in words
    such as ``reassignments`` or ``log directories of 3``. ``replica_lag_time_max_ms``: the brokers' configuration.
    ``zookeeper``: the pods of the cluster's own ensemble by server id."""

    nodes: t.Mapping[int, Node]
    topics: tuple[Topic, ...]
    quorum: Quorum | None
    unreadable: tuple[str, ...] = ()
    replica_lag_time_max_ms: int = 30_000
    zookeeper: t.Mapping[int, PodState] = dataclasses.field(default_factory=dict)

    def empty_limit_ms(self) -> int:
        """How long an empty replica may count as in sync: leaders look every half of ``replica.lag.time.max.ms``."""
        return self.replica_lag_time_max_ms * 3 // 2


@dataclasses.dataclass(frozen=True)
class Options:
    """What the user decides.

    ``allow_without_spare``: restart although partitions of ``min.insync.replicas`` replicas or fewer (all topics with one
    replica), or a quorum of one or two voters, cannot go on meanwhile. ``accepted``: nodes whose own trouble is known and
    holds nothing up; their replicas count for nothing all the same. ``emptied``: nodes whose disks are given up, so that
    nothing of their own keeps them: neither disks that failed, nor logs that are being recovered, nor a pod that is stopped
    already, as those of a Kubernetes node that is gone are. ``check_reachable``: external listeners must have answered.
    ``patience_ms``: how long to wait without any progress.
    """

    allow_without_spare: bool = False
    accepted: frozenset[int] = frozenset()
    emptied: frozenset[int] = frozenset()
    check_reachable: bool = True
    patience_ms: int = 600_000


class Reason(t.NamedTuple):
    """``code``: stable; ``text``: for a person; ``lasting``: waiting changes nothing, someone has to decide."""

    code: str
    text: str
    lasting: bool = False


SHOWN = 10
"""How many partitions and nodes are named; the rest are counted."""


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``go``: now. ``wait``: ask again. ``stop``: waiting does not help, or has not for the time that the user gave.

    ``partitions``: the first of those that block, of ``partition_count``. ``without_spare``: the first of those that stop
    taking writes or serving while the node is away whenever that is, of ``without_spare_count``; said with ``go``, too.
    """

    answer: t.Literal["go", "wait", "stop"]
    reasons: tuple[Reason, ...] = ()
    partitions: tuple[str, ...] = ()
    partition_count: int = 0
    without_spare: tuple[str, ...] = ()
    without_spare_count: int = 0


def listed(items: t.Iterable[t.Any]) -> str:
    """The first few, and how many more there are."""
    all_items = [str(item) for item in items]
    more = len(all_items) - SHOWN
    return ", ".join(all_items[:SHOWN]) + (f" and {more} more" if more > 0 else "")
