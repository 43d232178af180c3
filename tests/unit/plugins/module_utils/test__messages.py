# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""A topic that was made just now is waited for; how brokers hear of it cannot be slowed down for real."""

from __future__ import annotations

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _messages


class Consumer:
    """What a broker that has not heard of a topic yet says, and then what it has heard."""

    def __init__(self, *answers: set[int] | None) -> None:
        self.answers = list(answers)

    def partitions_for_topic(self, _topic: str) -> set[int] | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def test_a_topic_that_no_broker_knows_yet_is_waited_for() -> None:
    assert _messages.known_partitions(Consumer(None, set(), {2, 0, 1}), "t", 10) == [0, 1, 2]


def test_a_topic_that_nobody_hears_of_is_named() -> None:
    with pytest.raises(_messages.KafkaError, match="no broker knows topic t"):
        _messages.known_partitions(Consumer(None), "t", 0)
