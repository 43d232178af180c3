#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_acls
short_description: Access rules of a Kafka cluster as a list
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Creates and deletes access rules (ACLs) so that they are as listed. New rules come before others go.
  - A rule that is not listed is left alone, unless O(purge) says otherwise.
  - Warns about rules that no request ever meets, and where whoever does this locks himself out.
  - The brokers need an authorizer.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.kafka
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: Kafka has no way to ask whether it would accept a rule.
  diff_mode:
    support: full
options:
  acls:
    description: The rules.
    type: list
    elements: dict
    default: []
    suboptions:
      principal:
        description: Who, with the type, such as C(User:app). C(User:*) is everybody.
        type: str
        required: true
      resource_type:
        description: On what.
        type: str
        required: true
        choices: [topic, group, cluster, transactional_id, delegation_token, user]
      resource_name:
        description: The name, or its beginning with O(acls[].pattern_type=prefixed); V(*) with V(literal) is all names. Not needed for V(cluster).
        type: str
      pattern_type:
        description: How O(acls[].resource_name) is compared.
        type: str
        default: literal
        choices: [literal, prefixed]
      operations:
        description: What; each is a rule of its own.
        type: list
        elements: str
        required: true
        choices:
          - all
          - read
          - write
          - create
          - delete
          - alter
          - describe
          - cluster_action
          - describe_configs
          - alter_configs
          - idempotent_write
          - create_tokens
          - describe_tokens
      permission:
        description: Whether it is allowed or denied. What is denied once is denied, whatever is allowed.
        type: str
        default: allow
        choices: [allow, deny]
      host:
        description: From which address; V(*) is any. Kafka knows no names and no networks here.
        type: str
        default: '*'
      state:
        description: V(absent) deletes exactly these rules.
        type: str
        default: present
        choices: [present, absent]
  purge:
    description: Delete rules that are not listed, within a scope. An option that is left out is any.
    type: dict
    suboptions:
      limit:
        description: How many rules may be deleted so at most. Where there are more, nothing at all is changed.
        type: int
        required: true
      resource_type:
        description: Only rules on such resources.
        type: str
        choices: [topic, group, cluster, transactional_id, delegation_token, user]
      resource_name:
        description: Only rules with exactly this name.
        type: str
      pattern_type:
        description: Only rules of this type of pattern.
        type: str
        choices: [literal, prefixed]
      principal:
        description: Only rules for this principal.
        type: str
  operator:
    description:
      - The principal that must not lose its right to see and change access rules.
      - Without, C(User:) and O(sasl_username), where that is given. Super users of the brokers need no rule.
    type: str
"""

EXAMPLES = r"""
- name: An application's rights
  kafkaops.kubernetes.kafka_acls:
    cluster: events
    namespace: team-a
    bootstrap_servers: [events-bootstrap:9092]
    acls:
      - {principal: 'User:shop', resource_type: topic, resource_name: orders, operations: [read, describe]}
      - {principal: 'User:shop', resource_type: group, resource_name: shop-, pattern_type: prefixed, operations: [read]}
      - {principal: 'User:*', resource_type: topic, resource_name: payroll, operations: [all], permission: deny, host: 192.0.2.7}
    purge: {principal: 'User:shop', limit: 10}
"""

RETURN = r"""
results:
  description: The rules that changed or failed.
  type: list
  elements: dict
  returned: always
  sample: [{name: 'allow User:shop read on topic orders', changes: [create]}]
cluster_id:
  description: The id of the cluster.
  type: str
  returned: always
  sample: MkU3OEVBNTcwNTJENDM2Qg
"""

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_acls, _kafka_calls, _kafka_module, _kafka_road, _kafka_security_calls

RESOURCE_TYPES = list(_kafka_acls.RESOURCE_TYPES)
OPERATIONS = list(_kafka_acls.OPERATIONS)
PATTERN_TYPES = list(_kafka_acls.PATTERN_TYPES)

OPTIONS: dict[str, t.Any] = {
    "acls": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "principal": {"type": "str", "required": True},
            "resource_type": {"type": "str", "required": True, "choices": RESOURCE_TYPES},
            "resource_name": {"type": "str"},
            "pattern_type": {"type": "str", "default": "literal", "choices": PATTERN_TYPES},
            "operations": {"type": "list", "elements": "str", "required": True, "choices": OPERATIONS},
            "permission": {"type": "str", "default": "allow", "choices": ["allow", "deny"]},
            "host": {"type": "str", "default": "*"},
            "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
        },
    },
    "purge": {
        "type": "dict",
        "options": {
            "limit": {"type": "int", "required": True},
            "resource_type": {"type": "str", "choices": RESOURCE_TYPES},
            "resource_name": {"type": "str"},
            "pattern_type": {"type": "str", "choices": PATTERN_TYPES},
            "principal": {"type": "str"},
        },
    },
    "operator": {"type": "str"},
}


def act(this: _kafka_module.Caller, road: _kafka_road.Road) -> dict[str, t.Any]:
    """Read, plan, write, tell."""
    params = this.params
    present, absent = _kafka_acls.read(params["acls"])
    purge = _kafka_acls.scope(params["purge"]) if params["purge"] else None
    operator = params["operator"] or (f"User:{params['sasl_username']}" if params["sasl_username"] else "")
    super_users = _kafka_calls.super_users(road) if operator else []

    def plan(there: set[_kafka_acls.Rule]) -> t.Any:
        found = _kafka_acls.plan(present, absent, there, purge)
        later = _kafka_acls.after(found, there)
        wanted = set(present)
        found.warnings += [f"{rule}: {why}" for rule, why in _kafka_acls.never_match(later) if rule in wanted]
        found.warnings += _kafka_acls.lockouts(there, later, operator, super_users)
        return found

    _report, result = _kafka_module.apply(
        this,
        road,
        lambda: _kafka_security_calls.rules(road),
        plan,
        lambda changes, check: _kafka_security_calls.write_rules(road, changes, check),
    )
    return result


def main() -> None:
    """In a process of its own."""
    _kafka_module.main(OPTIONS, act)


if __name__ == "__main__":
    main()
