# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that modules which stop nodes share."""

from __future__ import annotations


class ModuleDocFragment:
    """Which nodes a cluster has."""

    DOCUMENTATION = r"""
options:
  nodes:
    description: The nodes of the cluster, and the servers of its own ZooKeeper ensemble. None of these in KRaft mode, or where someone else runs it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The node's name, which is that of its StatefulSet.
        type: str
        required: true
      pod:
        description: The name of its pod.
        type: str
        required: true
      id:
        description: Its id. ZooKeeper servers have ids of their own.
        type: int
        required: true
      roles:
        description: What it is.
        type: list
        elements: str
        choices: [broker, controller, zookeeper]
        required: true
      outside:
        description: C(host:port) of its listeners for clients outside, which have to answer where O(check_reachable) says so.
        type: list
        elements: str
        default: []
      stopped:
        description:
          - Whether it is to be stopped and not started again. M(kafkaops.kubernetes.kafka_roll) scales it to nothing then, and waits
            until it has ended.
        type: bool
        default: false
"""
