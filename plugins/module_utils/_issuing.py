# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which certificates the collection's own authority must issue now. Private to the collection."""

from __future__ import annotations

import datetime

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates, _manifests
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Issuance, Plan, ToIssue


def due(definition: Definition, plan: Plan, found: Found | None, now: datetime.datetime) -> Issuance:
    """What is missing, near its end, or names not what it should. ``now``: in UTC."""
    tls = definition.security.tls
    if tls.source != "own" or not plan.certificates:
        return Issuance()
    authority = found.secret(_manifests.authority_name(plan.cluster)) if found else {}
    issuer = authority.get("tls.crt", "")
    wanted = []
    for certificate in plan.certificates:
        stored = found.secret(certificate.name) if found else {}
        names = (*certificate.dns, *certificate.addresses)
        reason = _certificates.due(stored.get("tls.crt", ""), issuer, names, now=now, renew_days=tls.renew_days)
        if reason is None and stored.get("ca.crt") != authority.get("ca.crt"):
            reason = "what it is to trust has changed"
        if reason:
            names_by_kind = [*(f"DNS:{name}" for name in certificate.dns), *(f"IP:{address}" for address in certificate.addresses)]
            wanted.append(ToIssue(certificate.name, certificate.common_name, tuple(names_by_kind), certificate.component, reason))
    return Issuance(authority="" if issuer else "there is none yet", certificates=tuple(wanted), authority_days=tls.authority_days)


def days_left(plan: Plan, found: Found | None, now: datetime.datetime) -> dict[str, int]:
    """For how many whole days more the certificates of a cluster hold that there are, by Secret, the authority's among them;
    negative once they have ended."""
    names = [_manifests.authority_name(plan.cluster), *(certificate.name for certificate in plan.certificates)] if plan.certificates else []
    chains = {name: found.secret(name).get("tls.crt", "") or found.secret(name).get("tls-combined.pem", "") for name in names} if found else {}
    described = {name: _certificates.describe(chain) for name, chain in chains.items()}
    return {name: (certificates[0].not_after - now).days for name, certificates in described.items() if certificates}


def against(definition: Definition, plan: Plan, found: Found | None) -> list[Finding]:
    """What stands against making an authority or a password now, beside what there is."""
    own = definition.security.tls.source == "own" and bool(plan.certificates)
    if found is None or not (own or plan.credential_files):
        return []
    if "Secret" in found.unreadable:
        return [
            Finding(
                "SECRETS-UNREADABLE", "error", "start", "kafka_listeners", "Secrets of the namespace may not be read",
                "grant the rights of roles/services/files/rights.yml",
                "A second authority or password would be made, and nodes that have the first would not talk to nodes that have the second.",
            )
        ]  # fmt: skip
    issued = [certificate.name for certificate in plan.certificates if found.secret(certificate.name).get("tls.crt")] if own else []
    authority = _manifests.authority_name(plan.cluster)
    if not issued or found.secret(authority).get("tls.crt"):
        return []
    message = f"there is a certificate in Secret {issued[0]}, and no Secret {authority} with who issued it"
    return [
        Finding(
            "AUTHORITY-LOST", "error", "start", "kafka_tls_source", message,
            f"put Secret {authority} back; or delete the Secrets with certificates, and restart all nodes at once after the next run",
            "Nodes with certificates of a new authority and nodes with the old ones would not trust each other.",
        )
    ]  # fmt: skip
