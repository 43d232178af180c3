# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about keys as such: of the wrong type, misspelt, naming a class that is not there."""

from __future__ import annotations

import difflib
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._registry import rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import BOOLEANS, BOOLEANS_36, LONGS, Server


@rule(
    "ZOO-ESCAPE",
    "A \\u without four hexadecimal digits",
    fix="Write a backslash as two, and any other character as \\u and four hexadecimal digits.",
    wrong=("dataLogDir=/var/lib\\users",),
    right=("dataLogDir=/var/lib\\\\users",),
)
def _escapes(server: Server) -> t.Iterator[Problem]:
    for entry in server.entries:
        if entry.malformed:
            yield Problem(entry.key or f"line {entry.line}", "has a broken \\u escape, for which Java refuses the whole file")


@rule(
    "ZOO-TYPE",
    "A value is no number, or neither true nor false",
    fix="Use a whole number, true or false.",
    wrong=("maxClientCnxns=many",),
    right=("maxClientCnxns=60",),
)
def _types(server: Server) -> t.Iterator[Problem]:
    for key, kind in (*((key, "INT") for key in server.integers), *((key, "LONG") for key in LONGS)):
        value = server.get(key)
        if value is not None and _java.integer(value, kind) is None:
            yield Problem(key, f"{shown(value)} is no whole number")
    for key in server.strict_booleans:
        value = server.get(key)
        if value is not None and value.lower() not in ("true", "false"):
            yield Problem(key, f"{shown(value)} is neither true nor false")


@rule(
    "ZOO-BOOLEAN",
    "A value that is neither true nor false counts as false",
    until="3.6",
    version="3.6",
    severity="warning",
    stage="runtime",
    consequence="The option is off; from 3.7 on the server exits.",
    fix="Use true or false.",
    wrong=("quorumListenOnAllIPs=yes",),
    right=("quorumListenOnAllIPs=true",),
)
def _booleans(server: Server) -> t.Iterator[Problem]:
    for key in (*BOOLEANS, *BOOLEANS_36):
        value = server.get(key)
        if value is not None and value.lower() not in ("true", "false"):
            yield Problem(key, f"{shown(value)} counts as false")


@rule(
    "ZOO-METRICS",
    "The metrics provider does not exist",
    since="3.6",
    fix="Use org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider, or leave it out.",
    wrong=("metricsProvider.className=",),
    right=("metricsProvider.className=org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",),
)
def _metrics(server: Server) -> t.Iterator[Problem]:
    value = server.get("metricsProvider.className")
    known = (
        "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
        "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
        "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider",
    )
    if value is not None and (not value or (value.startswith("org.apache.zookeeper.") and value not in known)):
        yield Problem("metricsProvider.className", f"{shown(value)} is no class of ZooKeeper")


@rule(
    "ZOO-KEY-UNKNOWN",
    "A key is misspelt",
    severity="warning",
    stage="runtime",
    consequence="It becomes a Java system property that nobody reads.",
    fix="Correct the name.",
    wrong=("maxClientConnexions=60",),
    right=("maxClientCnxns=60",),
)
def _unknown(server: Server) -> t.Iterator[Problem]:
    known = server.known
    for key in map(_java.trim, server.properties):
        if key in known or key.startswith(("server.", "group", "weight", "metricsProvider.", "authProvider.", "ssl.")):
            continue
        lowered = {name.lower(): name for name in known}
        close = difflib.get_close_matches(key.lower(), lowered, n=1, cutoff=0.75) if len(key) <= 100 else []
        if close:
            meant = lowered[close[0]]
            yield Problem(key, f"is no key of ZooKeeper; did you mean {meant}?", f"Write {meant}.")
