# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of kafka-python's log lines is the reason that a user is told."""

from __future__ import annotations

import logging

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_road

REFUSED = "Connection failed: KafkaConnectionError: 111 ECONNREFUSED"
HUNG_UP = "Bootstrap connection to bootstrap-0 failed: KafkaConnectionError: socket disconnected (backoff 0.05 secs)"
LATE = "Bootstrap connection to bootstrap-0 failed: RequestTimedOutError: Request timed out after 5 ms (backoff 0.05 secs)"
WRONG = "Connection failed: [Error 58] SaslAuthenticationFailedError: wrong"


@pytest.mark.parametrize(
    ("logged", "reason", "hopeless"),
    [
        ([], "", False),
        (["Bootstrap bootstrap-0 not ready; waiting 0.46 secs"], "", False),
        ([REFUSED, "Bootstrap failed: KafkaTimeoutError"], "KafkaConnectionError: 111 ECONNREFUSED", False),
        ([REFUSED, LATE], "RequestTimedOutError: Request timed out after 5 ms", False),
        # What cannot mend itself counts, whatever came of it later.
        ([WRONG, HUNG_UP, LATE], "[Error 58] SaslAuthenticationFailedError: wrong", True),
        # A broker that restarts hangs up once; one that does not like the client does so each time.
        ([HUNG_UP, REFUSED], f"KafkaConnectionError: {_kafka_road.HUNG_UP}", False),
        ([HUNG_UP, HUNG_UP, HUNG_UP, LATE], f"KafkaConnectionError: {_kafka_road.HUNG_UP}", True),
    ],
)
def test_reason(logged: list[str], reason: str, hopeless: bool) -> None:
    words = _kafka_road._LastWords()
    for line in logged:
        words.emit(logging.LogRecord("kafka.net.manager", logging.WARNING, "", 0, line, None, None))
    assert words.reason().partition(": wrong sasl_username")[0] == reason
    assert ("sasl_password" in words.reason()) is (_kafka_road.HUNG_UP in reason)
    assert words.hopeless() is hopeless


def test_what_others_log_is_none_of_it() -> None:
    words = _kafka_road._LastWords()
    words.emit(logging.LogRecord("urllib3", logging.WARNING, "", 0, WRONG, None, None))
    assert words.reason() == ""


def test_secrets_are_in_no_text_of_the_settings() -> None:
    security = _kafka_road.Security("SASL_SSL", key="the key", username="me", password="the password")
    assert "the key" not in repr(security)
    assert "the password" not in repr(_kafka_road.Settings("events", (), security))
