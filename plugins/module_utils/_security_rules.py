# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is to be said about the certificates that a user gives for a cluster's nodes. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Certificate, Plan


def check(definition: Definition, plan: Plan, now: datetime.datetime) -> list[Finding]:
    """All findings about given certificates; none where others issue them. ``now``: in UTC. No key is ever part of one."""
    if definition.security.tls.source != "given":
        return []
    return [finding for certificate in plan.certificates for finding in _of(definition, plan, certificate, now)]


def _of(definition: Definition, plan: Plan, certificate: Certificate, now: datetime.datetime) -> t.Iterator[Finding]:
    """About one node's. What is missing is told by TLS-GIVEN-MISSING."""
    tls = definition.security.tls
    name, given = tls.given(certificate.component, certificate.node)
    if not (given and given.certificate and given.key and tls.authority):
        return
    where = f"kafka_tls_certificates[{name}]"
    needed = _needed(definition, plan, certificate)
    yield from _certificates.check(given.certificate, given.key, tls.authority, needed, now=now, where=where, days_warning=tls.renew_days, client=True)
    for leaf in _certificates.describe(given.certificate)[:1]:
        if ";" in leaf.subject and definition.security.authorization == "acl":
            yield Finding(
                "TLS-SUBJECT", "error", "start", where, f"its subject {leaf.subject!r} has a semicolon", "issue it with another subject",
                "Kafka takes it for the end of a name in super.users, and exits or trusts somebody else.",
            )  # fmt: skip


def _needed(definition: Definition, plan: Plan, certificate: Certificate) -> list[str]:
    """The names that nodes and clients are told. Shorter forms of them, which issued certificates have too, are a comfort."""
    told = {place.rpartition(":")[0] for places in plan.bootstrap.values() for place in places.split(",")}
    for node in (*plan.nodes, *plan.zookeeper_nodes):
        if (node.component, str(node.id)) == (certificate.component, certificate.node):
            told |= {node.host, *(place.host for place in node.advertised)}
    told |= set(definition.security.tls.names)
    return [name for name in (*certificate.dns, *certificate.addresses) if name in told]
