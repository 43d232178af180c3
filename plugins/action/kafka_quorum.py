# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs inside of Ansible: a process of its own would cost more than what it does."""

from __future__ import annotations

from ansible_collections.kafkaops.kubernetes.plugins.modules import kafka_quorum
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _kafka_action


class ActionModule(_kafka_action.KafkaAction):
    """See the documentation of the module of the same name."""

    MODULE = kafka_quorum
