#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_quorum
short_description: Add, replace and remove the voters of a Kafka cluster's dynamic quorum
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Makes every controller in O(controllers) a voter, and takes the vote of those in O(leaving). Voters that are in neither stay.
  - Kafka counts the votes of disks. A controller whose disk was lost comes back with another directory and has no vote, while the
    directory that is gone is counted on. It gets its vote back, since the old directory is removed and the new one added.
  - One change at a time. A voter is added when it has caught up with the leader, and each change is made only while a majority of
    the voters that there are after it follows the leader. The leader leaves last.
  - A voter that is only down keeps its vote.
  - Killed at any moment and called again, it goes on. All state is Kafka's own.
  - A quorum that is static (C(kraft.version) 0, and every one before Kafka 3.9) is refused where something would have to change.
  - O(timeout) is the time for each look and change. Everything together has no limit but O(patience).
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kafkaops.kubernetes.controllers
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: RV(steps) are what would be done now, and RV(waiting) what would have to be waited for after them.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  leaving:
    description: Node ids of the voters that are to be none any more.
    type: list
    elements: int
    default: []
  patience:
    description: For how many seconds to wait without any progress, such as for a controller that does not catch up.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Let controller 103 take the place of controller 102
  kafkaops.kubernetes.kafka_quorum:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap:9092]
    controllers:
      - {id: 103, host: events-controller-103-0.events-controller-nodes.kafka.svc.cluster.local, port: 9090}
    leaving: [102]
"""

RETURN = r"""
steps:
  description: The changes in their order, and why each was made.
  type: list
  elements: dict
  returned: success
  sample:
    - {action: remove, id: 102, directory: 9rLqAQnPQXaVxPmTZ6WYjw, why: controller 102 leaves}
waiting:
  description: In check mode, what has to be waited for before anything more can be changed. Empty where there is nothing.
  type: str
  returned: success
  sample: controller 103 is no voter, and has not caught up with the leader
leader:
  description: The id of the leader, which is the active controller; -1 where there is none.
  type: int
  returned: success
  sample: 100
voters:
  description: The voters afterwards. The directory is C(directory.id) in C(meta.properties) on its disk, and empty in a static quorum.
  type: list
  elements: dict
  returned: success
  sample: [{id: 100, directory: JEXY6aqPQY-7TiJgZPvFng}]
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_module, _quorum_calls

OPTIONS: dict[str, t.Any] = {
    "controllers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "id": {"type": "int", "required": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "listener": {"type": "str", "default": "CONTROLLER"},
        },
    },
    "leaving": {"type": "list", "elements": "int", "default": []},
    "patience": {"type": "int", "default": 300},
}


def act(params: dict[str, t.Any], check: bool) -> dict[str, t.Any]:
    """Lead the voters there, or tell what would be done."""
    work = _quorum_calls.Voters(lambda: _kafka_module.road(params), params["patience"])
    controllers = _quorum_calls.endpoints(params["controllers"])
    return work.foretell(controllers, params["leaving"]) if check else work.lead(controllers, params["leaving"])


def outcome(this: _kafka_module.Caller) -> dict[str, t.Any]:
    """Act and tell."""
    return _kafka_module.by_itself(this, act)


def main() -> None:
    """In a process of its own."""
    _kafka_module.finish(_kafka_module.module(OPTIONS), outcome)


if __name__ == "__main__":
    main()
