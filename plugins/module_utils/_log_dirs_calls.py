# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Moves replicas between the log directories of a broker. Nothing is remembered between runs: all state is Kafka's own. Private to the collection."""

from __future__ import annotations

import collections
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_calls, _kafka_client, _log_dirs
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Interrupted, Road, RoadError, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._log_dirs import Directory, Move, Place

RATE = "replica.alter.log.dirs.io.max.bytes.per.second"

METADATA = "__cluster_metadata"
"""It stays where ``metadata.log.dir`` says."""

PAUSE = 0.5
"""Seconds between two looks."""


class Stopped(RoadError):
    """It does not go on; the message says why, and what would mend it."""


class Look(t.NamedTuple):
    """A broker's directories, and the bytes that each copy under way has so far."""

    directories: list[Directory]
    copied: dict[Place, int]


def look(road: Road, broker: int) -> Look:
    """What there is now. A replica that is on its way counts where it goes."""
    found = _kafka_calls.log_dirs(road, broker)
    failed = [f"{each.log_dir} ({refusal(each.error_code, None)})" for each in found if each.error_code]
    if failed:
        raise Refusal(f"broker {broker} cannot use {', '.join(failed)}. Nothing was moved. Mend: replace the disk (playbooks/replace.yml) first.")
    sizes = _kafka_calls.replica_sizes(found)
    homes: dict[Place, str] = {}
    copied: dict[Place, int] = {}
    for future in (False, True):
        for directory in found:
            for topic in directory.topics:
                for each in topic.partitions:
                    if each.is_future_key is future and topic.name != METADATA:
                        place = (topic.name, each.partition_index)
                        homes[place] = directory.log_dir
                        if future:
                            copied[place] = each.partition_size
    directories = [
        Directory(
            each.log_dir,
            {place: sizes.get(place, 0) for place, path in homes.items() if path == each.log_dir},
            max(0, getattr(each, "total_bytes", 0) or 0),
            max(0, getattr(each, "usable_bytes", 0) or 0),
        )
        for each in found
    ]
    return Look(directories, copied)


class Balancer:
    """``road``: a new way to the cluster for each look. ``throttle``: bytes a second on each broker, 0 for none. ``patience``: seconds
    without any progress until it gives up."""

    def __init__(self, road: t.Callable[[], Road], throttle: int, patience: float) -> None:
        self._new_road = road
        self._throttle = throttle
        self._patience = patience

    def foretell(self, broker: int) -> tuple[Look, list[Move]]:
        """What there is, and what would move."""
        with self._new_road() as road:
            road.require_cluster()
            if broker not in road.brokers():
                raise Refusal(f"broker {broker} is not there. Nothing of it was changed. Mend: see that it runs.")
            before = look(road, broker)
        return before, _log_dirs.moves(before.directories)

    def balance(self, broker: int) -> tuple[Look, list[Move], int]:
        """Move what is to move and wait until it is there, with what an earlier run began; what there was, what was moved, and how many
        copies were under way already."""
        before, moves = self.foretell(broker)
        places = {(move.topic, move.number) for move in moves} | set(before.copied)
        if places and self._throttle:
            self._set_rate(broker, str(self._throttle))
        if moves:
            self._ask(broker, moves)
        if places:
            self._wait(broker, places)
        if self._throttle:
            # An earlier run may have been killed before it came to this.
            self._set_rate(broker, None)
        return before, moves, len(before.copied)

    def _ask(self, broker: int, moves: t.Sequence[Move]) -> None:
        request = _kafka_client.admin.AlterReplicaLogDirsRequest
        directory, topics = request.AlterReplicaLogDir, request.AlterReplicaLogDir.AlterReplicaLogDirTopic
        by_target: dict[str, dict[str, list[int]]] = collections.defaultdict(lambda: collections.defaultdict(list))
        for move in moves:
            by_target[move.target][move.topic].append(move.number)

        def make() -> t.Any:
            return request(
                dirs=[
                    directory(path=path, topics=[topics(name=name, partitions=numbers) for name, numbers in found.items()]) for path, found in by_target.items()
                ]
            )

        try:
            answer = self._send(broker, make)
        except Interrupted:
            answer = self._send(broker, make)  # asking twice moves once
        refused = [
            f"{topic.topic_name}-{each.partition_index}: {refusal(each.error_code, None)}"
            for topic in answer.results
            for each in topic.partitions
            if each.error_code
        ]
        if refused:
            raise Stopped(f"broker {broker} does not move {'; '.join(refused[:10])}. What it does move goes on. Mend what is named and run again.")

    def _send(self, broker: int, make: t.Callable[[], t.Any]) -> t.Any:
        with self._new_road() as road:
            return road.send("move replicas to another log directory", make, broker, writes=True)

    def _wait(self, broker: int, places: t.Collection[Place]) -> None:
        """Until no copy of these is under way any more."""
        best: tuple[int, int] | None = None
        progress, trouble = time.monotonic(), ""
        while True:
            try:
                with self._new_road() as road:
                    copied = {place: size for place, size in look(road, broker).copied.items() if place in places}
            except RoadError as error:
                trouble = f" The last look failed: {error}"
            else:
                if not copied:
                    return
                now = (-len(copied), sum(copied.values()))
                if best is None or now > best:
                    best, progress, trouble = now, time.monotonic(), ""
            if time.monotonic() - progress > self._patience:
                raise Stopped(
                    f"broker {broker}: {len(places)} replicas were to move, and nothing has moved for {self._patience:g} s.{trouble} They go on, throttled as "
                    "before. Mend: see that the broker is up and its volumes have room, and run again, which goes on here."
                )
            time.sleep(PAUSE)

    def _set_rate(self, broker: int, value: str | None) -> None:
        resource = {(_kafka_calls.BROKER, str(broker)): {RATE: value}}
        with self._new_road() as road:
            refused = _kafka_calls.alter_configs(road, resource, False, broker)
        if refused:
            raise Stopped(f"Kafka refused to change {RATE} of broker {broker}: {'; '.join(refused.values())}")
