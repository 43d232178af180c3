#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_validate
short_description: Validate the definition of a Kafka cluster and plan it
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Turns the variables of an inventory host, which is a Kafka cluster, into the plan of everything to apply.
  - Says what Kafka, ZooKeeper and Kubernetes would say to it, and which mistakes they would accept silently.
  - Runs on the control node, reads and changes nothing outside of it.
  - This is an action plugin; with O(definition) left out it reads the host's variables C(kafka_*), C(zookeeper_*), C(services_*) and C(clients_*).
attributes:
  check_mode:
    description: Can run in check_mode and return changed status prediction without modifying target.
    support: full
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
    support: none
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
    support: full
options:
  definition:
    description:
      - The variables by name, instead of those of the inventory host.
    type: dict
  services:
    description:
      - Service objects as the API server returned them. Addresses and node ports that Kubernetes assigned are taken from there.
    type: list
    elements: dict
    default: []
  fail_on:
    description:
      - Which findings make the task fail.
    type: str
    choices: [error, warning, never]
    default: error
"""

EXAMPLES = r"""
- name: Validate the cluster that the inventory describes
  kafkaops.kubernetes.kafka_validate:

- name: Refuse what many tutorials show
  kafkaops.kubernetes.kafka_validate:
    definition:
      kafka_cluster_name: events
      kafka_listeners:
        - name: PLAINTEXT
          port: 9092
          advertised_host: kafka
"""

RETURN = r"""
findings:
  description: What there is to say, errors first.
  type: list
  elements: dict
  returned: always
  contains:
    rule:
      description: The rule's stable id.
      type: str
      sample: ADV-SHARED
    severity:
      description: V(error), V(warning) or V(info).
      type: str
      sample: error
    stage:
      description: When it shows; V(config), V(start) or V(runtime).
      type: str
      sample: runtime
    where:
      description: The variable or property concerned.
      type: str
      sample: kafka_listeners[0] (PLAINTEXT)
    message:
      description: What is wrong.
      type: str
      sample: brokers 0, 1, 2 advertise one address, kafka:9092
    consequence:
      description: What happens if it is applied all the same.
      type: str
      sample: Clients reach an arbitrary broker instead of the leader.
    fix:
      description: What to write instead.
      type: str
      sample: leave the address to the collection
plan:
  description: The plan. Its shape is private to the collection's roles.
  type: dict
  returned: success
  sample: {cluster: events, namespace: kafka}
"""
