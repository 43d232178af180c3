# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is used of kafka-python, so that its absence is told in one place. Private to the collection."""

from __future__ import annotations

import traceback

KAFKA_IMPORT_ERROR = ""
try:
    from kafka import KafkaAdminClient, errors
    from kafka.net.compat import KafkaNetClient
    from kafka.protocol import admin, consumer, metadata
except ImportError:
    KAFKA_IMPORT_ERROR = traceback.format_exc()

__all__ = ["KAFKA_IMPORT_ERROR", "KafkaAdminClient", "KafkaNetClient", "admin", "consumer", "errors", "metadata"]
