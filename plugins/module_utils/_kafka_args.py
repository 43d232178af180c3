# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The connection options of every module that talks to Kafka. Private to the collection; documented in ``doc_fragments/kafka.py``."""

from __future__ import annotations

import typing as t

from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC

KAFKA: dict[str, t.Any] = {
    "cluster": {"type": "str", "default": "kafka"},
    "bootstrap_servers": {"type": "list", "elements": "str", "required": True},
    "cluster_id": {"type": "str"},
    "namespace": {"type": "str"},
    "addresses": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "node": {"type": "str", "required": True},
            "listener_port": {"type": "int", "required": True},
        },
    },
    "security_protocol": {"type": "str", "default": "PLAINTEXT", "choices": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]},
    "sasl_mechanism": {"type": "str", "default": "SCRAM-SHA-512", "choices": ["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]},
    "sasl_username": {"type": "str"},
    "sasl_password": {"type": "str", "no_log": True},
    "ssl_ca": {"type": "str"},
    "ssl_certificate": {"type": "str"},
    "ssl_key": {"type": "str", "no_log": True},
    "ssl_check_hostname": {"type": "bool", "default": True},
    "timeout": {"type": "int", "default": 60},
}

SPEC: dict[str, t.Any] = {**AUTH_ARG_SPEC, **KAFKA}
TOGETHER = [("ssl_certificate", "ssl_key"), ("sasl_username", "sasl_password")]
REQUIRED_IF = [
    ("security_protocol", "SASL_PLAINTEXT", ("sasl_username", "sasl_password")),
    ("security_protocol", "SASL_SSL", ("sasl_username", "sasl_password")),
]
