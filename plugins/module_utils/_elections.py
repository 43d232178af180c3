# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Lets preferred leaders lead, a few at once. Private to the collection."""

from __future__ import annotations

import collections
import contextlib
import functools
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_calls, _kafka_client, _reassign
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import CONTROLLER, Road, RoadError, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reassign import Place, State

SHOWS = 10.0
"""Seconds in which brokers learn from the controller who leads, and how a reassignment has ended; then what they show counts."""

PAUSE = 0.2
"""Seconds between two looks."""

RoadMaker = t.Callable[[], t.ContextManager[Road]]


def elect(new_road: RoadMaker, places: t.Sequence[Place], most: int) -> t.Iterator[int]:
    """Let preferred leaders lead: one at first, then twice as many each time, up to ``most``, each when brokers know of the last ones.

    A broker that has just begun does everything for the first time with the first ones, and clients wait (docs/safety.md). Gives how many
    lead now, of each part.
    """
    for part in _reassign.parts(places, most):
        with new_road() as road:
            elected = _elect(road, part)
        _wait_led(new_road, part)
        yield elected


def _elect(road: Road, places: t.Sequence[Place]) -> int:
    protocol = _kafka_client.admin.ElectLeadersRequest
    by_topic: dict[str, list[int]] = collections.defaultdict(list)
    for topic, number in places:
        by_topic[topic].append(number)
    topics = [protocol.TopicPartitions(topic=topic, partitions=numbers) for topic, numbers in by_topic.items()]
    limit = max(1000, int(road.time_left() * 900))
    request = functools.partial(protocol, election_type=0, topic_partitions=topics, timeout_ms=limit)
    answer = road.send("elect the preferred leaders", request, CONTROLLER, writes=False)
    if answer.error_code:
        raise RoadError(f"elect the preferred leaders: {refusal(answer.error_code, None)}")
    # A preferred leader that has just fallen out of sync is left alone; Kafka elects it later by itself.
    return sum(not each.error_code for topic in answer.replica_election_results for each in topic.partition_result)


def _wait_led(new_road: RoadMaker, places: t.Sequence[Place]) -> None:
    """Until brokers show that these are led by those that should; who has fallen out of sync is elected by Kafka later."""
    deadline = time.monotonic() + SHOWS
    while time.monotonic() < deadline:
        # A look that fails is one that showed nothing; a road that is gone fails what comes next.
        with contextlib.suppress(RoadError), new_road() as road:
            if not _reassign.elections(State({}, _kafka_calls.topics(road, config=False)), places):
                return
        time.sleep(PAUSE)
