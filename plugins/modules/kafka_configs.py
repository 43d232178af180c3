#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_configs
short_description: Configuration of running brokers
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Sets configuration at run time, for all brokers and for each, and says which keys can be changed only in a roll.
  - Which keys these are is what the running brokers themselves say.
  - What is set at run time stands above the brokers' C(server.properties), and stays when they restart.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: Kafka itself is asked whether it would accept the configuration.
  diff_mode:
    support: full
options:
  all_brokers:
    description: Keys and values for all brokers.
    type: dict
    default: {}
  brokers:
    description: Keys and values for single brokers, by broker id. They stand above O(all_brokers).
    type: dict
    default: {}
  reset_config:
    description: Whether what is set at run time and not listed returns to what the brokers were started with; for all brokers, and for each listed one.
    type: bool
    default: false
  needs_roll:
    description:
      - What to do about keys that brokers read only when they start, and that run with another value than the one listed.
      - V(fail) makes all other changes and fails then. V(report) only returns them as RV(needs_roll).
    type: str
    default: fail
    choices: [fail, report]
  update_secrets:
    description: Secret values cannot be read back. V(on_create) sets those that are not set yet, V(always) sets all of them, and changes something each time.
    type: str
    default: on_create
    choices: [on_create, always]
"""

EXAMPLES = r"""
- name: More threads for replication, everywhere, without a roll
  kafkaops.kubernetes.kafka_configs:
    cluster: events
    namespace: team-a
    bootstrap_servers: [events-bootstrap:9092]
    all_brokers: {num.replica.fetchers: 4}
    brokers:
      "0": {leader.replication.throttled.rate: 50000000}
"""

RETURN = r"""
results:
  description: The resources that changed or failed; C(cluster) is all brokers.
  type: list
  elements: dict
  returned: always
  sample: [{name: cluster, changes: [num.replica.fetchers default -> 4]}]
needs_roll:
  description: The keys that take a roll, what runs and what is listed.
  type: list
  elements: dict
  returned: always
  sample: [{item: cluster, key: num.partitions, wanted: "6", running: "1"}]
cluster_id:
  description: The id of the cluster.
  type: str
  returned: always
  sample: MkU3OEVBNTcwNTJENDM2Qg
"""

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_calls, _kafka_configs, _kafka_module, _kafka_road

OPTIONS: dict[str, t.Any] = {
    "all_brokers": {"type": "dict", "default": {}},
    "brokers": {"type": "dict", "default": {}},
    "reset_config": {"type": "bool", "default": False},
    "needs_roll": {"type": "str", "default": "fail", "choices": ["fail", "report"]},
    "update_secrets": {"type": "str", "default": "on_create", "choices": ["on_create", "always"]},
}


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Read, plan, write, tell."""
    params = this.params
    wanted = _kafka_configs.read(params["all_brokers"], params["brokers"])
    roll: list[dict[str, t.Any]] = []

    def plan(state: _kafka_configs.State) -> t.Any:
        roll[:] = [dataclasses.asdict(each) for each in _kafka_configs.needs_roll(wanted, state)]
        return _kafka_configs.plan(
            wanted,
            state,
            reset=params["reset_config"],
            secrets_again=params["update_secrets"] == "always" and not done,
            report_only=params["needs_roll"] == "report",
        )

    done: list[bool] = []

    def write(changes: t.Sequence[t.Any], check: bool) -> t.Any:
        refused = _kafka_calls.write_configs(road, changes, check)
        done.append(True)
        return refused

    _report, result = _kafka_module.apply(this, road, lambda: _kafka_calls.running(road), plan, write)
    return {**result, "needs_roll": roll}


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
