# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Rules about SASL and TLS."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import Problem, shown
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._registry import rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_rules._server import Server


@rule(
    "ZOO-SASL",
    "SASL between servers is required and not enabled",
    fix="Set quorum.auth.enableSasl, quorum.auth.learnerRequireSasl and quorum.auth.serverRequireSasl in this order.",
    wrong=("quorum.auth.serverRequireSasl=true",),
    right=("quorum.auth.enableSasl=true",),
)
def _sasl(server: Server) -> t.Iterator[Problem]:
    enabled = server.flag("quorum.auth.enableSasl")
    learner, required = server.flag("quorum.auth.learnerRequireSasl"), server.flag("quorum.auth.serverRequireSasl")
    if (learner or required) and not enabled:
        yield Problem("quorum.auth.enableSasl", "is not true, and SASL is required")
    elif required and not learner:
        yield Problem("quorum.auth.learnerRequireSasl", "is not true, and quorum.auth.serverRequireSasl is")


@rule(
    "ZOO-SSL-AUTH",
    "The TLS authentication of clients has no provider",
    fix="Set authProvider.<name> to the class, or leave ssl.authProvider out for x509.",
    wrong=("secureClientPort=2281", "ssl.authProvider=foo"),
    right=("secureClientPort=2281", "ssl.authProvider=x509"),
)
def _ssl_auth(server: Server) -> t.Iterator[Problem]:
    port = server.integer("secureClientPort")
    scheme = server.get("ssl.authProvider")
    if port is None or (port == 0 and server.minor < (3, 9)) or scheme in (None, "x509"):
        return
    if not server.has(f"authProvider.{scheme}"):
        yield Problem("ssl.authProvider", f"{shown(scheme)} has no authProvider.{scheme}")
