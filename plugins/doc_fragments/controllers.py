# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that modules which change a dynamic quorum share."""

from __future__ import annotations


class ModuleDocFragment:
    """Which controllers vote."""

    DOCUMENTATION = r"""
options:
  controllers:
    description:
      - The controllers of a dynamic quorum that are to be voters, and where they are reached by each other.
      - M(kafkaops.kubernetes.kafka_replace) changes no vote where none is named.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: Its node id.
        type: int
        required: true
      host:
        description: The host name that it advertises to other controllers.
        type: str
        required: true
      port:
        description: The port that goes with it.
        type: int
        required: true
      listener:
        description: The name of the listener.
        type: str
        default: CONTROLLER
"""
