#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_features
short_description: Finish the upgrade of a Kafka cluster in KRaft mode
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Raises the finalized level of features, such as C(metadata.version), to what all nodes of the cluster know.
  - Until this is done, a cluster that was upgraded can go back to the release that it came from. After it, it cannot, so let
    the new release run for some days first.
  - A level is never lowered.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: Kafka is asked whether it would do it.
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  features:
    description: The level of each feature, or V(latest) for the highest one that all nodes know.
    type: dict
    default: {metadata.version: latest}
"""

EXAMPLES = r"""
- name: Finish the upgrade
  kafkaops.kubernetes.kafka_features:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap.kafka.svc.cluster.local:9092]
"""

RETURN = r"""
cluster_id:
  description: The cluster's id.
  type: str
  returned: success
  sample: 5L6g3nShT-eMCtK--X86sw
features:
  description: The levels from before and after by feature, those that changed.
  type: dict
  returned: success
  sample: {metadata.version: [25, 29]}
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_features, _kafka_info_calls, _kafka_module, _kafka_road

OPTIONS: dict[str, t.Any] = {"features": {"type": "dict", "default": {"metadata.version": _kafka_features.LATEST}}}


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Raise the levels."""
    road.require_cluster()
    changes = _kafka_features.changes(this.params["features"], _kafka_info_calls.features(road))
    if changes:
        _kafka_info_calls.raise_features(road, {name: after for name, (_before, after) in changes.items()}, this.check_mode)
    found: dict[str, t.Any] = {"changed": bool(changes), "features": {name: list(levels) for name, levels in changes.items()}}
    if this._diff:
        found["diff"] = {side: {name: levels[number] for name, levels in changes.items()} for number, side in enumerate(("before", "after"))}
    return found


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
