#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_topics
short_description: Topics of a Kafka cluster as a list
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Creates, alters and deletes topics so that they are as listed. The state is read once, and changes are sent in batches.
  - A topic that is not listed is left alone, unless O(purge) says otherwise. Topics of Kafka's own are never touched.
  - Where Kafka refuses a topic, all others are made as wanted all the same; then the task fails and names those refused.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: Kafka itself is asked whether it would accept new topics, partitions and configuration. It has no way to ask for deletions and moves.
  diff_mode:
    support: full
options:
  topics:
    description: The topics.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The topic's name.
        type: str
        required: true
      partitions:
        description:
          - How many partitions it has. Without, the brokers' C(num.partitions) for a new topic; an old one keeps its own.
          - Partitions can be added, and then keys go to other partitions than before. They cannot be taken away; see O(topics[].fewer_partitions).
        type: int
      replication_factor:
        description:
          - How many replicas each partition has. Without, the brokers' C(default.replication.factor) for a new topic; an old one keeps its own.
          - Of an old topic it is changed by reassignment, moving as little as possible. New replicas go to racks that have none yet, then to the
            brokers with the fewest replicas.
        type: int
      assignments:
        description: The brokers of each partition, in order of the partitions; the first one is the preferred leader. In place of the two above.
        type: list
        elements: list
      config:
        description:
          - Configuration of this topic alone. What is set in Kafka and not listed returns to its default, unless O(reset_config) is V(false).
          - Values may be lists. C(leader.replication.throttled.replicas) and its like are left alone unless they are listed.
        type: dict
        default: {}
      state:
        description: V(absent) deletes the topic with all its messages.
        type: str
        default: present
        choices: [present, absent]
      fewer_partitions:
        description:
          - What to do where the topic has more partitions than O(topics[].partitions).
          - V(refuse) fails, V(keep) leaves them, V(recreate) deletes the topic B(with all its messages) and creates it anew.
        type: str
        default: refuse
        choices: [refuse, keep, recreate]
  reset_config:
    description: Whether configuration that is not listed returns to its default.
    type: bool
    default: true
  purge:
    description: Delete topics that are not listed.
    type: dict
    suboptions:
      pattern:
        description: A regular expression that has to match the whole name. Names that begin with C(__) are never deleted.
        type: str
        required: true
      limit:
        description: How many topics may be deleted so at most. Where there are more, nothing at all is changed.
        type: int
        required: true
  wait:
    description: Wait until reassignments of the listed topics have ended; fails where O(timeout) is too short for that.
    type: bool
    default: false
seealso:
  - module: kafkaops.kubernetes.kafka_info
"""

EXAMPLES = r"""
- name: Topics
  kafkaops.kubernetes.kafka_topics:
    cluster: events
    namespace: team-a
    bootstrap_servers: [events-bootstrap:9092]
    topics:
      - name: orders
        partitions: 12
        replication_factor: 3
        config: {retention.ms: 604800000, cleanup.policy: [delete, compact]}
      - {name: orders-old, state: absent}
    purge: {pattern: 'test-.*', limit: 20}
"""

RETURN = r"""
results:
  description: The topics that changed or failed.
  type: list
  elements: dict
  returned: always
  sample: [{name: orders, changes: [partitions 6 -> 12]}]
reassigning:
  description: Those of the listed topics whose partitions are on the move.
  type: list
  elements: str
  returned: success
  sample: []
cluster_id:
  description: The id of the cluster.
  type: str
  returned: always
  sample: MkU3OEVBNTcwNTJENDM2Qg
"""

import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_calls, _kafka_module, _kafka_road, _kafka_topics

OPTIONS: dict[str, t.Any] = {
    "topics": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "partitions": {"type": "int"},
            "replication_factor": {"type": "int"},
            "assignments": {"type": "list", "elements": "list"},
            "config": {"type": "dict", "default": {}},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
            "fewer_partitions": {"type": "str", "default": "refuse", "choices": ["refuse", "keep", "recreate"]},
        },
    },
    "reset_config": {"type": "bool", "default": True},
    "purge": {"type": "dict", "options": {"pattern": {"type": "str", "required": True}, "limit": {"type": "int", "required": True}}},
    "wait": {"type": "bool", "default": False},
}


def on_the_move(road: _kafka_road.Road, wanted: list[_kafka_topics.Topic]) -> list[str]:
    """Those of the wanted topics that a reassignment moves now."""
    moving = {name for name, _partition in _kafka_calls.reassignments(road)}
    return sorted(topic.name for topic in wanted if topic.name in moving)


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Read, plan, write, tell."""
    params = this.params
    wanted = _kafka_topics.read(params["topics"])
    purge = _kafka_topics.Purge(**params["purge"]) if params["purge"] else None
    brokers = road.brokers()
    _report, result = _kafka_module.apply(
        this,
        road,
        lambda: _kafka_calls.topics(road),
        lambda there: _kafka_topics.plan(wanted, there, brokers, reset=params["reset_config"], purge=purge),
        lambda changes, check: _kafka_calls.write_topics(road, changes, check),
    )
    while params["wait"] and not this.check_mode and on_the_move(road, wanted):
        if road.time_left() <= 1:
            raise _kafka_road.RoadError(f"still on the move after {params['timeout']} s: {', '.join(on_the_move(road, wanted))}")
        time.sleep(0.5)
    return {**result, "reassigning": on_the_move(road, wanted)}


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
