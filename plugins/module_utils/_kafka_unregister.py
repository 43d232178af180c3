# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""``UnregisterBroker``, which kafka-python does not have: the request by its schema. Private to the collection."""

from __future__ import annotations

import functools

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_client, _kafka_message
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import Road, RoadError, Unsupported, refusal

NOT_REGISTERED = 102


@functools.cache
def _message() -> _kafka_message.Message:
    return _kafka_message.make(64, "UnregisterBroker", [{"name": "BrokerId", "type": "int32", "versions": "0+"}])


def registered(road: Road) -> set[int] | None:
    """Ids of all brokers that are registered, alive or not; None where Kafka cannot tell, which is before 4.0."""
    request = _kafka_client.admin.DescribeClusterRequest
    try:
        answer = road.send("describe the cluster", lambda: request(include_fenced_brokers=True, min_version=2))
    except Unsupported:
        return None
    return {each.broker_id for each in answer.brokers}


def unregister(road: Road, broker: int) -> bool:
    """Take a broker off the list of those that are known; whether it was on it. With ZooKeeper there is no such list."""
    try:
        answer = road.send(f"unregister broker {broker}", lambda: _message().request(broker_id=broker), writes=True)
    except Unsupported:
        return False
    if answer.error_code not in (0, NOT_REGISTERED):
        raise RoadError(f"cluster {road.settings.cluster}: unregister broker {broker}: {refusal(answer.error_code, answer.error_message)}")
    return not answer.error_code
