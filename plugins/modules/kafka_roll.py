#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_roll
short_description: Restart the next node of a Kafka cluster that has to be
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Restarts one node that runs with something else than its definition says (image, configuration, certificate, resources), or
    whose pod is older than O(before), and waits until it is back for good. Several reasons cost one restart.
  - ZooKeeper servers among the nodes are restarted too, for the same reasons.
  - Before, the gate has to open. No partition may fall below its C(min.insync.replicas), a majority of controllers that have
    caught up has to be left, and no other node may be unready, fenced, recovering its logs, freshly empty or without one of its disks.
    What cannot be read counts as not healthy. A ZooKeeper server is restarted once all others are ready, which they are as part of a
    quorum only, and while no broker is in trouble, unless no broker is ready at all.
  - After, it waits until the pod is ready, the broker is unfenced and in the ISR of all its partitions, and the controller has caught up.
    A ZooKeeper server is back once it is ready, and all others are still.
  - Call it until RV(left) is 0. Which node is next is decided at each call. Nodes that do not serve come first, then ZooKeeper servers with
    the one that leads last, then controllers with the active one last, then brokers. Which server leads is asked through
    C(pods/portforward); without that right they come in the order of their ids.
  - Killed at any moment and called again, it restarts no node twice. A node that was restarted for its present definition and still
    is not as that says stops it, as does a restarted node whose image cannot be had or that crashes. The others go on serving.
  - What was restarted, when and why is kept in the ConfigMap C(<cluster>-roll) and told as Events of the StatefulSet. The ConfigMap
    also has a lock. Only one playbook at a time restarts nodes of a cluster; one that was killed is recognised.
  - It runs on the control node.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
  - kafkaops.kubernetes.kafka
  - kafkaops.kubernetes.nodes
  - kubernetes.core.k8s_auth_options
attributes:
  check_mode:
    support: full
    details: It tells which nodes would be restarted in which order, why, and what stands against the first of them now.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: It restarts one node at each call, and changes nothing once no node is left.
options:
  before:
    description: Restart every pod that was created before this time too, as Kubernetes writes times (C(2026-01-31T12:00:00Z)).
    type: str
    default: ""
  patience:
    description:
      - For how many seconds to wait without any progress, before a restart and after it.
      - While replicas catch up, logs are recovered or anything else gets better, it waits for as long as that takes.
    type: int
    default: 600
  ready_timeout:
    description: For how many seconds to wait until a restarted pod is ready.
    type: int
    default: 900
  pause:
    description: For how many seconds to wait once a node is back.
    type: int
    default: 0
  drain:
    description:
      - A Kubernetes node. Only what runs there is restarted then, so that it goes elsewhere. It has to be cordoned.
      - It stops where a pod would have no other Kubernetes node to run on, before that pod is deleted as far as rights allow to see it,
        else as soon as the scheduler has said so.
    type: str
    default: ""
  rack_at_once:
    description:
      - Whether all brokers of a rack are restarted at once that have to be, which takes a large cluster as many turns as it has racks.
      - They are only where it is proven for every partition that enough replicas are in sync elsewhere. Else it is one broker, as always.
      - Controllers, combined nodes and ZooKeeper servers are restarted one at a time all the same, and so is what is drained or stopped.
    type: bool
    default: false
  preferred_leaders:
    description:
      - Whether a node is given back what it should lead, one partition first and then more at a time, and is back only once it leads all of it.
      - Otherwise Kafka does so within some minutes, all at once.
    type: bool
    default: false
  allow_without_spare:
    description:
      - Whether to restart nodes although some partitions have no replica above C(min.insync.replicas), such as all with one replica,
        or the quorum or the ZooKeeper ensemble has one or two voters. These stop while the node is away.
      - A cluster of a single node is restarted in any case.
    type: bool
    default: false
  check_reachable:
    description: Whether the addresses in O(nodes[].outside) have to answer from the control node before the next node is restarted.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Restart the next node
  kafkaops.kubernetes.kafka_roll:
    cluster: events
    namespace: kafka
    bootstrap_servers: [events-bootstrap.kafka.svc.cluster.local:9092]
    nodes:
      - {name: events-node-0, pod: events-node-0-0, id: 0, roles: [broker, controller]}
  register: restarted
  until: restarted is failed or restarted.left == 0
"""

RETURN = r"""
node:
  description: The node that was restarted, or the brokers of a rack with commas between them; empty where none has to be.
  type: str
  returned: success, not in check mode
  sample: events-node-2
causes:
  description: Why. C(configuration), C(image), C(certificate), C(resources), C(template), C(resize), C(manual), C(drain), C(stop) or C(stuck).
  type: list
  elements: str
  returned: success, not in check mode
  sample: [configuration]
left:
  description: How many nodes are still to be restarted.
  type: int
  returned: success
  sample: 2
waited:
  description: For how many seconds it waited until the node could be restarted.
  type: float
  returned: when a node was restarted
  sample: 0.4
seconds:
  description: How many seconds the restart took, until the node was back for good.
  type: float
  returned: when a node was restarted
  sample: 17.2
order:
  description: The nodes that would be restarted, in order, each with its causes.
  type: list
  elements: dict
  returned: in check mode
  sample: [{node: events-node-2, causes: [configuration]}]
besides:
  description: What else of the cluster runs on the Kubernetes node O(drain), each with its component.
  type: list
  elements: str
  returned: in check mode
  sample: [events-shop-5d9c7b8f4-x2x7k (producer)]
against:
  description: What stands against restarting the first of them now.
  type: list
  elements: str
  returned: in check mode
  sample: []
"""
