#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_connection
short_description: Learn how to talk to a Kafka cluster that the collection runs
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Returns the connection options of the modules that talk to Kafka, with the login and the certificates of the cluster's nodes from its Secrets.
  - The way leads through the API server's port-forward, so that nothing of the cluster needs to be reachable from the control node.
  - This is an action plugin. Its result is never printed.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  plan:
    description:
      - The plan, as M(kafkaops.kubernetes.kafka_validate) returns it.
    type: dict
    required: true
  kubeconfig:
    description:
      - The kubeconfig. Without, C(K8S_AUTH_*), the pod's own account, or the usual kubeconfig is used.
    type: path
  context:
    description:
      - The context of the kubeconfig.
    type: str
"""

EXAMPLES = r"""
- name: Learn how to talk to the cluster
  kafkaops.kubernetes.kafka_connection:
    plan: "{{ kafka_plan }}"
  register: kafka
  no_log: true
"""

RETURN = r"""
connection:
  description: Options of the modules that talk to Kafka, by name. Holds secrets.
  type: dict
  returned: success
"""
