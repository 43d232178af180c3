#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_reassign
short_description: Spread the replicas of a Kafka cluster over its brokers, and empty those that leave
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Moves replicas so that O(brokers) hold all of them, apart by rack, even in number, with leaders even, and with as few bytes moved as
    can be. What is on any other broker leaves it. Replicas become even in number and not in bytes, since that moves less.
  - It moves batch by batch, a twenty-fifth of one at a time, under a throttle where one is given, which it takes away again. New replicas do not lead while
    anything is copied; then replicas get their order, and preferred leaders are elected.
  - Killed at any moment and called again, it waits for what still runs, and goes on with what is left. All state is Kafka's own.
    What leads to a broker that is not to hold replicas, or is down, is cancelled instead.
  - Topic configuration C(leader.replication.throttled.replicas), C(follower.replication.throttled.replicas), other than V(*), and, where
    such is found, the rates of the same names at the brokers, are taken for leftovers of a reassignment, and removed.
  - O(timeout) is the time for each step, such as one look at what there is. Everything together has no limit but O(patience).
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: RV(left) and RV(brokers) tell what would move. Before Kafka 4.0 nobody can tell whether a broker that is down is registered.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  state:
    description:
      - V(placed) moves replicas to where they should be.
      - V(cancelled) ends every reassignment that runs, with replicas as they were before it, and removes throttles.
      - V(drained) changes nothing, and fails unless O(leaving) hold no replica at this moment.
      - V(unregistered) makes the cluster forget O(leaving). It refuses while one of them holds a replica or is alive.
        Brokers with ZooKeeper are not registered; there is nothing to do then.
    type: str
    default: placed
    choices: [placed, cancelled, drained, unregistered]
  brokers:
    description:
      - Ids of the brokers that may hold replicas. All of them must be alive.
      - Without, all brokers; where one that holds replicas is not alive, that is refused.
    type: list
    elements: int
    default: []
  leaving:
    description: Ids of the brokers that V(drained) and V(unregistered) are about.
    type: list
    elements: int
    default: []
  throttle:
    description:
      - Bytes a second that each broker may send and receive for moving replicas; V(0) is as fast as it goes.
      - It holds for reassignments too that are still running from an earlier call; with V(0) these keep the throttle that they have.
    type: int
    default: 0
  batch_bytes:
    description: Bytes that one batch moves at most. A larger partition has a batch of its own.
    type: int
    default: 10737418240
  batch_partitions:
    description: Partitions that one batch moves at most. At most a 25th of them begins to move, or changes its leader, at one moment.
    type: int
    default: 100
  batches:
    description: How many batches to move at most in this call; V(0) is all of them.
    type: int
    default: 0
  allow_fewer_racks:
    description: Whether the replicas of a partition may end up in fewer racks than they are in now; else that is refused.
    type: bool
    default: false
  patience:
    description: For how many seconds to wait without any progress. As long as anything moves, it goes on.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Use all brokers, the new ones too
  kafkaops.kubernetes.kafka_reassign:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap:9092]
    throttle: 50000000

- name: Empty broker 3
  kafkaops.kubernetes.kafka_reassign:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap:9092]
    brokers: [0, 1, 2]
"""

RETURN = r"""
moved:
  description: What this call moved; partitions of which only the order of replicas changed are counted, and move no bytes.
  type: dict
  returned: with O(state=placed)
  sample: {partitions: 40, bytes: 8589934592, seconds: 172.4}
left:
  description: What is still to be moved; the seconds are null where nobody can tell yet.
  type: dict
  returned: with O(state=placed)
  sample: {partitions: 20, bytes: 4294967296, batches: 1, seconds: 86.2}
brokers:
  description: By broker, replicas, preferred leaders and bytes, before and after.
  type: dict
  returned: with O(state=placed)
  sample: {before: [{id: 0, replicas: 40, leaders: 20, bytes: 8589934592}], after: [{id: 0, replicas: 30, leaders: 15, bytes: 6442450944}]}
adopted:
  description: Partitions that were on the move already, and were waited for.
  type: int
  returned: with O(state=placed)
  sample: 0
elected:
  description: Partitions that their preferred leader leads again.
  type: int
  returned: with O(state=placed)
  sample: 20
cancelled:
  description: Partitions whose reassignment was ended; with O(state=placed), since it led to brokers that are not to hold replicas or are down.
  type: list
  elements: str
  returned: with O(state=placed) and O(state=cancelled)
  sample: [orders-0]
unregistered:
  description: Brokers that the cluster has forgotten by this call.
  type: list
  elements: int
  returned: with O(state=unregistered)
  sample: [3]
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_module, _reassign, _reassign_calls

OPTIONS: dict[str, t.Any] = {
    "state": {"type": "str", "default": "placed", "choices": ["placed", "cancelled", "drained", "unregistered"]},
    "brokers": {"type": "list", "elements": "int", "default": []},
    "leaving": {"type": "list", "elements": "int", "default": []},
    "throttle": {"type": "int", "default": 0},
    "batch_bytes": {"type": "int", "default": 10 * 2**30},
    "batch_partitions": {"type": "int", "default": 100},
    "batches": {"type": "int", "default": 0},
    "allow_fewer_racks": {"type": "bool", "default": False},
    "patience": {"type": "int", "default": 600},
}


def act(params: dict[str, t.Any], check: bool) -> dict[str, t.Any]:
    """What the state asks for."""
    work = _reassign_calls.Reassigner(lambda: _kafka_module.road(params), params["patience"], fewer_racks=params["allow_fewer_racks"])
    if params["state"] == "cancelled":
        return work.cancel(check)
    if params["state"] == "drained":
        return work.drained(params["leaving"])
    if params["state"] == "unregistered":
        return work.unregister(params["leaving"], check)
    limits = _reassign.Limits(params["batch_bytes"], params["batch_partitions"], params["throttle"])
    return work.foretell(params["brokers"], limits) if check else work.place(params["brokers"], limits, params["batches"])


def outcome(this: _kafka_module.Caller) -> dict[str, t.Any]:
    """Act and tell."""
    return _kafka_module.by_itself(this, act)


def main() -> None:
    """In a process of its own."""
    _kafka_module.finish(_kafka_module.module(OPTIONS), outcome)


if __name__ == "__main__":
    main()
