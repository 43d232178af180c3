# SPDX-License-Identifier: GPL-3.0-or-later
"""What breaks in the middle of an election and cannot be made to break there with real brokers."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _elections, _kafka_calls
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import RoadError
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import Partition, TopicState


class Road:
    """A way to a cluster."""



def test_a_look_that_fails_while_leaders_are_waited_for_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[RoadError | int] = [RoadError("cut"), 2, RoadError("cut"), 1]

    @contextlib.contextmanager
    def road() -> t.Iterator[Road]:
        if isinstance(looks[0], RoadError):
            raise t.cast("RoadError", looks.pop(0))
        yield Road()

    def topics(_road: Road, *, config: bool) -> dict[str, TopicState]:
        return {"t": TopicState((Partition((1, 2), t.cast("int", looks.pop(0)), (1, 2)),))}

    monkeypatch.setattr(_kafka_calls, "topics", topics)
    _elections._wait_led(t.cast("t.Any", road), [("t", 0)])
    assert not looks, "it did not wait until its leader was the preferred one"
