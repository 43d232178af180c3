#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_manifests
short_description: Lay the plan of a Kafka cluster out as Kubernetes objects
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Lays a plan of M(kafkaops.kubernetes.kafka_validate) out as objects, and says which of them differ from what there is.
  - Changes nothing; M(kubernetes.core.k8s) applies what differs.
  - This is an action plugin. It asks the API server once for each kind, which costs a fraction of applying each object.
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
      - The plan.
    type: dict
    required: true
  parts:
    description:
      - What to lay out.
    type: list
    elements: str
    choices: [services, cluster, certificates, network, zookeeper, kafka, clients]
    required: true
  image:
    description:
      - The reference of the image that pods run.
    type: str
    default: ""
  compare:
    description:
      - Whether to look at what there is.
    type: bool
    default: true
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
- name: Validate and plan
  kafkaops.kubernetes.kafka_validate:
  register: validated

- name: See all objects of the cluster
  kafkaops.kubernetes.kafka_manifests:
    plan: "{{ validated.plan }}"
    parts: [services, cluster, certificates, network, zookeeper, kafka, clients]
    image: registry.example.com/kafka@sha256:...
    compare: false
"""

RETURN = r"""
manifests:
  description: All objects of the parts, in the order in which to apply them.
  type: list
  elements: dict
  returned: success
  sample: [{apiVersion: v1, kind: Namespace, metadata: {name: kafka}}]
changes:
  description: Those that differ from what there is, but for RV(remade); all where nothing was compared.
  type: list
  elements: dict
  returned: success
  sample: []
growing:
  description: Patches for claims that are there and smaller than the definition says.
  type: list
  elements: dict
  returned: success
  sample: []
growth:
  description: What of them grows from what to what.
  type: list
  elements: str
  returned: success
  sample: ["data-0-kafka-broker-0-0: 20Gi -> 30Gi"]
remade:
  description: Those StatefulSets whose templates of claims differ from what there is, which have to be deleted without their pods and made anew.
  type: list
  elements: dict
  returned: success
  sample: []
namespace_exists:
  description: Whether the namespace is there.
  type: bool
  returned: success
  sample: true
waiting:
  description: Those of the workloads that are there and do not serve, and of their claims that have not grown yet.
  type: list
  elements: str
  returned: success
  sample: []
obsolete:
  description: References to objects of the cluster that its definition no longer has, of whatever part. Never StatefulSets, claims or Secrets.
  type: list
  elements: dict
  returned: success
  sample: []
leaving:
  description: Kafka nodes that are there and that the definition no longer has, which C(playbooks/scale.yml) removes.
  type: list
  elements: dict
  returned: success
  sample: [{name: kafka-broker-3, pod: kafka-broker-3-0, id: 3}]
outdated:
  description:
    - The StatefulSets whose pods run an older template, with an older certificate or C(kafka_secret_config) than there is, or with a claim
      that waits for a restart, and those that are to be stopped and still run.
  type: list
  elements: str
  returned: success
  sample: []
new_disks:
  description: The controllers of a dynamic quorum whose disk is newer than the last time when all were seen to be voters, or that have none yet.
  type: list
  elements: str
  returned: success
  sample: []
outdated_clients:
  description: The Deployments of client applications whose pods run with an older Secret than there is, of whatever part.
  type: list
  elements: str
  returned: success
  sample: []
"""
