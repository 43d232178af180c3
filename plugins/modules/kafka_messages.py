#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_messages
short_description: Send messages through a listener and receive them again
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Proves from where the module runs that clients reach every leader through a listener.
  - Sends O(messages) messages with C(acks=all) to O(topic), which is created where there is none, and receives them.
requirements:
  - kafka-python >= 2.1.0
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
attributes:
  check_mode:
    support: none
    details: It is skipped.
  diff_mode:
    support: none
options:
  bootstrap_servers:
    description: Addresses to begin with, each as C(host:port).
    type: list
    elements: str
    required: true
  topic:
    description: The topic.
    type: str
    default: kafkaops-messages
  partitions:
    description: How many partitions the topic gets where it has to be created; at least one for each broker reaches each of them.
    type: int
    default: 3
  messages:
    description: How many messages to send.
    type: int
    default: 100
  timeout:
    description: For how many seconds to try at most.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Send and receive through the node ports
  kafkaops.kubernetes.kafka_messages:
    bootstrap_servers: [192.0.2.10:30090, 192.0.2.10:30091]
    messages: 1000
"""

RETURN = r"""
sent:
  description: How many messages brokers acknowledged.
  type: int
  returned: success
  sample: 100
received:
  description: How many of these were received.
  type: int
  returned: success
  sample: 100
lost:
  description: How many were not received.
  type: int
  returned: success
  sample: 0
duplicated:
  description: How many receptions were one too many.
  type: int
  returned: success
  sample: 0
"""

import dataclasses
import traceback

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _messages


def main() -> None:
    """Send, receive, account."""
    module = AnsibleModule(
        argument_spec={
            "bootstrap_servers": {"type": "list", "elements": "str", "required": True},
            "topic": {"type": "str", "default": "kafkaops-messages"},
            "partitions": {"type": "int", "default": 3},
            "messages": {"type": "int", "default": 100},
            "timeout": {"type": "int", "default": 60},
        },
    )
    if _messages.KAFKA_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("kafka-python"), exception=_messages.KAFKA_IMPORT_ERROR)
    try:
        account = _messages.send_and_receive(**module.params)
    except _messages.KafkaError as error:
        servers = ", ".join(module.params["bootstrap_servers"])
        module.fail_json(msg=f"Through {servers}: {type(error).__name__}: {error}", exception=traceback.format_exc())
    module.exit_json(changed=True, **dataclasses.asdict(account))


if __name__ == "__main__":
    main()
