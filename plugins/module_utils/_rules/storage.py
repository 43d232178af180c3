# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about log directories."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._model import Broker
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Example, Problem, repeated, rule, shown


@rule(
    "LOGDIR-NONE",
    "There is no log directory",
    step="values",
    when=("log.dirs", "log.dir"),
    fix="Name at least one directory; take away the comma that has nothing beside it.",
    source="KafkaConfig.validateValues, from 4.2 on ConfigDef.ValidList",
    example=Example("3.9", "broker", wrong={"log.dirs": ","}, right={"log.dirs": "/var/lib/kafka/data"}),
)
def none(broker: Broker) -> t.Iterator[Problem]:
    """Until 4.1 empty items are dropped."""
    refused = False
    for key in ("log.dirs", "log.dir"):
        if broker.refused.get(key):
            refused = True
            yield Problem(key, f"{shown(broker.written.get(key, ''))} {broker.refused[key]}")
    if not refused and not broker.log_dirs:
        yield Problem("log.dirs", f"{shown(broker.written.get('log.dirs', broker.written.get('log.dir', '')))} is empty")


@rule(
    "LOGDIR-JBOD-TIERED",
    "Tiered storage with several log directories",
    since="3.6",
    until="3.7",
    step="values",
    fix="Use one log directory, or Kafka 3.8 or later.",
    when=("remote.log.storage.system.enable",),
    source="KafkaConfig.validateValues",
    example=Example(
        "3.7",
        "broker",
        common={"remote.log.storage.system.enable": "true"},
        wrong={"log.dirs": "/data/0,/data/1"},
        right={"log.dirs": "/data/0"},
    ),
)
def tiered(broker: Broker) -> t.Iterator[Problem]:
    """remote.log.storage.system.enable."""
    if broker.get("remote.log.storage.system.enable") and len(broker.log_dirs) > 1:
        yield Problem("log.dirs", f"has {len(broker.log_dirs)} directories, and tiered storage is on")


@rule(
    "LOGDIR-CORDONED",
    "A cordoned log directory does not exist",
    since="4.3",
    step="brokers",
    fix="Use directories of log.dirs, or * alone.",
    when=("cordoned.log.dirs",),
    source="KafkaConfig.validateCordonedLogDirs",
    example=Example(
        "4.3",
        "broker",
        wrong={"cordoned.log.dirs": "/data/9"},
        right={"cordoned.log.dirs": "/var/lib/kafka/data"},
    ),
)
def cordoned(broker: Broker) -> t.Iterator[Problem]:
    """Brokers only."""
    key = "cordoned.log.dirs"
    entries = broker.get(key) if broker.is_broker else []
    if "*" in entries:
        if len(entries) > 1:
            yield Problem(key, "has other directories beside *")
        return
    for entry in entries:
        if entry not in broker.log_dirs:
            yield Problem(key, f"{shown(entry)} is not one of log.dirs")


@rule(
    "LOGDIR-DUP",
    "One log directory is named twice",
    severity="error",
    stage="start",
    consequence="The broker exits: Duplicate log directory found. From 4.2 on it is dropped.",
    when=("log.dirs", "log.dir"),
    fix="Name every directory once.",
    source="LogManager.createAndValidateLogDirs",
    example=Example("3.9", "broker", wrong={"log.dirs": "/data/0,/data/0"}, right={"log.dirs": "/data/0,/data/1"}),
)
def twice(broker: Broker) -> t.Iterator[Problem]:
    """Compared without a slash at the end."""
    for path, count in repeated(path.rstrip("/") or "/" for path in broker.log_dirs):
        yield Problem("log.dirs", f"{shown(path)} is named {count} times")


@rule(
    "LOGDIR-KRAFT-JBOD",
    "Several log directories in KRaft",
    since="2.8",
    until="3.6",
    severity="warning",
    stage="runtime",
    consequence="Not supported before 3.7: after the failure of one disk the controller does not know what is lost.",
    when=("log.dirs", "log.dir"),
    fix="Use one log directory, or Kafka 3.7 or later.",
    source="KIP-858",
    example=Example("3.6", "broker", wrong={"log.dirs": "/data/0,/data/1"}, right={"log.dirs": "/data/0"}),
)
def kraft_jbod(broker: Broker) -> t.Iterator[Problem]:
    """From 3.7 on it needs metadata.version 3.7-IV2."""
    if broker.roles and len(broker.log_dirs) > 1:
        yield Problem("log.dirs", f"has {len(broker.log_dirs)} directories")


@rule(
    "LOGDIR-TMP",
    "Data is kept in /tmp",
    severity="warning",
    stage="runtime",
    consequence="It is gone with the container.",
    fix="Set log.dirs to a directory on a volume.",
    source="ServerLogConfigs.LOG_DIR_DEFAULT",
    example=Example("3.9", "broker", wrong={"log.dirs": None}, right={"log.dirs": "/var/lib/kafka/data"}),
)
def temporary(broker: Broker) -> t.Iterator[Problem]:
    """The default is /tmp/kafka-logs."""
    for path in broker.log_dirs:
        if path == "/tmp" or path.startswith("/tmp/"):
            yield Problem("log.dirs", f"{shown(path)} is not kept")


@rule(
    "LOGDIR-RELATIVE",
    "A log directory is a relative path",
    severity="warning",
    stage="runtime",
    consequence="It depends on the directory the process is started in, and is likely not on the volume.",
    when=("log.dirs", "log.dir"),
    fix="Write the path from the root on.",
    source="java.io.File",
    example=Example("3.9", "broker", wrong={"log.dirs": "data"}, right={"log.dirs": "/data"}),
)
def relative(broker: Broker) -> t.Iterator[Problem]:
    """Also what is left of an unexpanded variable."""
    for path in broker.log_dirs:
        if not path.startswith("/"):
            yield Problem("log.dirs", f"{shown(path)} does not begin with a slash")
