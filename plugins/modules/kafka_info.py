#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_info
short_description: What a Kafka cluster is and how it fares
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Reads the parts asked for, each with as few requests as there can be, and changes nothing.
  - Long parts come in pages, so that a large cluster does not flood whoever reads the result.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: It changes nothing.
  diff_mode:
    support: none
options:
  gather:
    description:
      - What to read.
      - V(cluster), the id, the controller and the brokers; V(quorum), leader, voters, observers and their lag (KRaft); V(features), such as
        C(metadata.version); V(topics), with what is set for each; V(partitions), those without a leader or with too few replicas in sync;
        V(reassignments); V(log_dirs), with bytes; V(groups), consumer groups with lag; V(users), SCRAM users; V(quotas); V(acls);
        V(configs), what is set at run time and which keys need a roll.
    type: list
    elements: str
    default: [cluster]
    choices: [cluster, quorum, features, topics, partitions, reassignments, log_dirs, groups, users, quotas, acls, configs]
  limit:
    description: How many topics, groups, users, quotas or names of resources with access rules a page has; V(0) is all.
    type: int
    default: 200
  after:
    description: By part, the name after which the page begins; what the last page returned as RV(next).
    type: dict
    default: {}
  pattern:
    description: Only what has a name that this regular expression matches as a whole; for the parts that come in pages.
    type: str
    default: '.*'
  assignments:
    description: Whether V(topics) tells the brokers of each partition.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Is all well?
  kafkaops.kubernetes.kafka_info:
    cluster: events
    namespace: team-a
    bootstrap_servers: [events-bootstrap:9092]
    gather: [cluster, quorum, partitions, reassignments, log_dirs]
  register: info
"""

RETURN = r"""
cluster:
  description: The id, the controller and the brokers. Likewise the other parts under their names.
  type: dict
  returned: where asked for
  sample: {id: MkU3OEVBNTcwNTJENDM2Qg, controller: 0, brokers: [{id: 0, host: events-broker-0-0, port: 9092, rack: zone-a}]}
next:
  description: By part, what to give as O(after) for the next page. Parts that are complete are not in it.
  type: dict
  returned: always
  sample: {topics: orders}
unsupported:
  description: Parts that this cluster has not, such as V(quorum) with ZooKeeper.
  type: list
  elements: str
  returned: always
  sample: []
cluster_id:
  description: The id of the cluster.
  type: str
  returned: always
  sample: MkU3OEVBNTcwNTJENDM2Qg
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_info, _kafka_info_calls, _kafka_module, _kafka_road

OPTIONS: dict[str, t.Any] = {
    "gather": {"type": "list", "elements": "str", "default": ["cluster"], "choices": list(_kafka_info.PARTS)},
    "limit": {"type": "int", "default": 200},
    "after": {"type": "dict", "default": {}},
    "pattern": {"type": "str", "default": ".*"},
    "assignments": {"type": "bool", "default": False},
}


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Read and tell."""
    params = this.params

    def page(part: str) -> _kafka_info.Page:
        return _kafka_info.Page(params["limit"], str(params["after"].get(part, "")), params["pattern"])

    return {"changed": False, **_kafka_info_calls.gather(road, params["gather"], page, assignments=params["assignments"])}


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
