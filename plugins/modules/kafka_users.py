#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_users
short_description: SCRAM users and quotas of a Kafka cluster as lists
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Sets and removes SCRAM credentials and quotas so that they are as listed. What is not listed is left alone, unless O(purge) says otherwise.
  - Kafka does not tell whether a credential has a certain password. So the module returns a record of each password, RV(records), which the caller
    keeps and gives back the next time as O(records), best in a Kubernetes Secret. Where the record is of another password, or is missing, the password is set.
  - A record has a salt and a digest made with as many iterations as Kafka's own. Nobody can log in with it, but short passwords can be guessed from it,
    so keep it as secret as Kafka's own metadata, and give the task C(no_log=true).
  - A password that somebody else changed in Kafka does not show. To set it again, leave O(records) out.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: Kafka is asked whether it would accept the quotas. It has no way to ask about credentials.
  diff_mode:
    support: full
options:
  users:
    description: The users.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The user's name.
        type: str
        required: true
      password:
        description: The password. Needed unless O(users[].state=absent).
        type: str
      mechanisms:
        description: For which mechanisms the user has a credential. Those that are not listed are removed.
        type: list
        elements: str
        default: [SCRAM-SHA-512]
        choices: [SCRAM-SHA-256, SCRAM-SHA-512]
      iterations:
        description: How often the password is hashed, from 4096 to 16384.
        type: int
        default: 4096
      state:
        description: V(absent) removes all credentials of the user.
        type: str
        default: present
        choices: [present, absent]
  records:
    description: What this module returned as RV(records) the last time.
    type: dict
    default: {}
  update_password:
    description: Whether a password is set where it, or O(users[].iterations), changed, or only where the user has no credential.
    type: str
    default: on_change
    choices: [on_change, on_create]
  purge:
    description: Remove users that are not listed.
    type: dict
    suboptions:
      pattern:
        description: A regular expression that has to match the whole name.
        type: str
        required: true
      limit:
        description: How many users may be removed so at most. Where there are more, nothing at all is changed.
        type: int
        required: true
  quotas:
    description: The quotas. Limits of an entity that are not listed are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      user:
        description: The user, or C(<default>) for all that have none of their own.
        type: str
      client_id:
        description: The client id, or C(<default>). Together with O(quotas[].user) the client of that user.
        type: str
      ip:
        description: The address, or C(<default>). Not together with the others.
        type: str
      producer_byte_rate:
        description: Bytes a second and broker that may be produced.
        type: float
      consumer_byte_rate:
        description: Bytes a second and broker that may be consumed.
        type: float
      request_percentage:
        description: Percentage of a broker's request and network threads.
        type: float
      controller_mutation_rate:
        description: Partitions a second that may be created or deleted.
        type: float
      connection_creation_rate:
        description: Connections a second; for addresses only.
        type: float
      state:
        description: V(absent) removes all limits of the entity.
        type: str
        default: present
        choices: [present, absent]
  purge_quotas:
    description: Remove all quotas that are not listed, at most so many. Where there are more, nothing at all is changed.
    type: int
"""

EXAMPLES = r"""
- name: Users and quotas, with the records in a Secret
  kafkaops.kubernetes.kafka_users:
    cluster: events
    namespace: team-a
    bootstrap_servers: [events-bootstrap:9092]
    users:
      - {name: shop, password: '{{ shop_password }}'}
      - {name: old, state: absent}
    quotas:
      - {user: shop, producer_byte_rate: 10000000}
      - {user: '<default>', client_id: '<default>', request_percentage: 200}
    records: '{{ stored_records }}'
  no_log: true
  register: users
"""

RETURN = r"""
results:
  description: The users and quotas that changed or failed.
  type: list
  elements: dict
  returned: always
  sample: [{name: shop, changes: [set SCRAM-SHA-512 (another password)]}]
records:
  description: What to give as O(records) the next time, by user and mechanism. Also where the task fails, since part of it may have been done.
  type: dict
  returned: always, unless the cluster could not be reached at all, or the lists are wrong in themselves
  sample: {shop: {SCRAM-SHA-512: 4096$c2FsdA==$ZGlnZXN0}}
cluster_id:
  description: The id of the cluster.
  type: str
  returned: always
  sample: MkU3OEVBNTcwNTJENDM2Qg
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_changes, _kafka_module, _kafka_road, _kafka_security_calls, _kafka_users

LIMITS = ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate", "connection_creation_rate")

OPTIONS: dict[str, t.Any] = {
    "users": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "password": {"type": "str", "no_log": True},
            "mechanisms": {"type": "list", "elements": "str", "default": ["SCRAM-SHA-512"], "choices": list(_kafka_users.MECHANISMS)},
            "iterations": {"type": "int", "default": _kafka_users.MIN_ITERATIONS},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        },
    },
    "records": {"type": "dict", "default": {}},
    "update_password": {"type": "str", "default": "on_change", "choices": ["on_change", "on_create"], "no_log": False},
    "purge": {"type": "dict", "options": {"pattern": {"type": "str", "required": True}, "limit": {"type": "int", "required": True}}},
    "quotas": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "user": {"type": "str"},
            "client_id": {"type": "str"},
            "ip": {"type": "str"},
            **{limit: {"type": "float"} for limit in LIMITS},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        },
    },
    "purge_quotas": {"type": "int"},
}


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Read, plan, write, tell: first the users, then the quotas."""
    params = this.params
    users = _kafka_users.read_users(params["users"])
    quotas = _kafka_users.read_quotas(params["quotas"], LIMITS)
    records: dict[str, dict[str, str]] = {name: dict(kept) for name, kept in params["records"].items()}
    purge = (params["purge"]["pattern"], params["purge"]["limit"]) if params["purge"] else None
    parts = []
    try:
        if users or purge:
            _report, result = _kafka_module.apply(
                this,
                road,
                lambda: _kafka_security_calls.credentials(road),
                lambda there: _kafka_users.plan_users(users, there, records, update_password=params["update_password"], purge=purge),
                lambda changes, check: _kafka_security_calls.write_users(road, changes, check, records),
            )
            parts.append(result)
        if quotas or params["purge_quotas"] is not None:
            _report, result = _kafka_module.apply(
                this,
                road,
                lambda: _kafka_security_calls.quotas(road),
                lambda there: _kafka_users.plan_quotas(quotas, there, params["purge_quotas"]),
                lambda changes, check: _kafka_security_calls.write_quotas(road, changes, check),
            )
            parts.append(result)
    except (_kafka_road.RoadError, _kafka_changes.Refusal) as error:
        # What was set before it failed is recorded, too.
        return {"failed": True, "msg": str(error), "records": records}
    return {**_kafka_module.together(parts), "records": records}


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
