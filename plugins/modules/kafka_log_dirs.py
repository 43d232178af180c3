#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_log_dirs
short_description: Spread the replicas of brokers over their log directories
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Moves replicas between the log directories of each broker until all are about as full, by the size of their volumes where Kafka tells
    it (3.3 and newer). Nothing moves where they differ by less than a tenth.
  - Kafka moves none by itself, so a volume that was added stays as good as empty.
  - Nothing restarts, and no replica leaves its broker or its ISR. Kafka copies it, and changes over once the copy has caught up.
  - Killed and called again, it waits for what was begun and goes on.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  brokers:
    description: The ids of the brokers, one after the other.
    type: list
    elements: int
    required: true
  throttle:
    description: Bytes a second that each broker copies at most, by C(replica.alter.log.dirs.io.max.bytes.per.second). V(0) for no limit.
    type: int
    default: 0
  patience:
    description: For how many seconds to wait without any progress before giving up.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Use the new volumes of all brokers
  kafkaops.kubernetes.kafka_log_dirs:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap.kafka.svc.cluster.local:9092]
    brokers: [0, 1, 2]
    throttle: 50000000
"""

RETURN = r"""
brokers:
  description: For each broker, how many replicas with how many bytes were moved, or would be, and the bytes in each of its log directories before and after.
  type: list
  elements: dict
  returned: success
  sample: [{id: 0, replicas: 12, bytes: 5000, before: {/data-0/log: 10000, /data-1/log: 0}, after: {/data-0/log: 5000, /data-1/log: 5000}}]
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_module, _log_dirs, _log_dirs_calls

OPTIONS: dict[str, t.Any] = {
    "brokers": {"type": "list", "elements": "int", "required": True},
    "throttle": {"type": "int", "default": 0},
    "patience": {"type": "int", "default": 600},
}


def act(params: dict[str, t.Any], check: bool) -> dict[str, t.Any]:
    """One broker after the other."""
    work = _log_dirs_calls.Balancer(lambda: _kafka_module.road(params), params["throttle"], params["patience"])
    found, changed = [], False
    for broker in params["brokers"]:
        if check:
            before, moves = work.foretell(broker)
            adopted = len(before.copied)
        else:
            before, moves, adopted = work.balance(broker)
        found.append(_told(broker, before, moves))
        changed = changed or bool(moves) or bool(adopted)
    diff = {side: {str(each["id"]): each[side] for each in found} for side in ("before", "after")}
    return {"changed": changed, "brokers": found, "diff": diff}


def _told(broker: int, before: _log_dirs_calls.Look, moves: t.Sequence[_log_dirs.Move]) -> dict[str, t.Any]:
    was = _log_dirs.used(before.directories)
    now = dict(was)
    for move in moves:
        now[move.source] -= move.size
        now[move.target] += move.size
    return {"id": broker, "replicas": len(moves), "bytes": sum(move.size for move in moves), "before": was, "after": now}


def outcome(this: _kafka_module.Caller) -> dict[str, t.Any]:
    """Act and tell."""
    return _kafka_module.by_itself(this, act)


def main() -> None:
    """In a process of its own."""
    _kafka_module.finish(_kafka_module.module(OPTIONS), outcome)


if __name__ == "__main__":
    main()
