#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_replace
short_description: Take the disks of a node of a Kafka cluster, and see it back on new ones
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - V(emptied) and V(restored) are two halves. Between them the node's StatefulSet is made anew, as C(playbooks/replace.yml) does, and
    Kubernetes makes new claims for it.
  - The node may run, or be dead. Its data is copied from the other brokers, and its metadata from the active controller.
  - Before it is stopped, the same gate opens as for a restart, without its vote. Its vote is taken before it stops, and given to its
    new disk. A claim is deleted only when the broker is in no ISR any more, since an empty broker that counts as in sync holds up
    every write that waits for it.
  - A node with the only copy of a partition, or of the metadata, is refused.
  - Killed at any moment and called again, it goes on. Which claims are to go stands in the journal, the ConfigMap C(<cluster>-roll),
    before anything is done. New ones are not deleted by it.
  - It holds the lock of M(kafkaops.kubernetes.kafka_roll) from the first half to the end of the second one.
  - It runs on the control node.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kafkaops.kubernetes.controllers
  - kafkaops.kubernetes.nodes
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: It tells which claims would be deleted, and what stands against it now.
  diff_mode:
    support: none
  idempotent:
    support: none
    details: Each call of V(emptied) after a replacement that has ended begins another one.
options:
  node:
    description: The id of the node.
    type: int
    required: true
  state:
    description:
      - V(emptied) takes its vote, stops it by deleting its StatefulSet, waits until nothing counts on its data, and deletes its claims.
      - V(restored) waits until its pod is ready, makes it a voter again, and waits until it is unfenced and in the ISR of all its partitions.
    type: str
    choices: [emptied, restored]
    required: true
  patience:
    description: For how many seconds to wait without any progress, before it is stopped and afterwards.
    type: int
    default: 600
  ready_timeout:
    description: For how many seconds to wait until its pod, and then its claims, are gone, and until its new pod is ready.
    type: int
    default: 900
  allow_without_spare:
    description: Whether to stop it although some partitions have no replica above C(min.insync.replicas). These stop while it is away.
    type: bool
    default: false
  check_reachable:
    description: Whether the addresses in O(nodes[].outside) of the other nodes have to answer from the control node.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Take the disks of node 2
  kafkaops.kubernetes.kafka_replace:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap:9092]
    node: 2
    state: emptied
    nodes: "{{ kafka_plan | kafkaops.kubernetes.roll_nodes }}"
    controllers: "{{ kafka_plan | kafkaops.kubernetes.quorum_controllers }}"
"""

RETURN = r"""
claims:
  description: The claims that were deleted by this call, or would be.
  type: list
  elements: str
  returned: with O(state=emptied)
  sample: [data-0-events-node-2-0]
against:
  description: In check mode, what stands against stopping the node now.
  type: list
  elements: str
  returned: with O(state=emptied)
  sample: []
seconds:
  description: How long it took from its start until it was back for good.
  type: float
  returned: with O(state=restored)
  sample: 41.2
"""
