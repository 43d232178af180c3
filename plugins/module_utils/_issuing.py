# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which certificates the collection's own authority must issue now, and what stands in the way of others. Private to the collection."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates, _manifests
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition_security import CERT_MANAGER_GROUP
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


def by_others(definition: Definition, plan: Plan, found: Found | None) -> list[Finding]:
    """What stands in cert-manager's way, where it is to issue the certificates of the nodes. What may not be read is taken for well."""
    tls = definition.security.tls
    if found is None or tls.source != "cert_manager" or not (plan.certificates and tls.issuer.name):
        return []
    if "Certificate" not in found.objects:
        absent = Finding(
            "CERT-MANAGER-ABSENT", "error", "config", "kafka_tls_source", "this Kubernetes cluster has no Certificates of cert-manager.io/v1",
            "install cert-manager with its custom resource definitions; or set kafka_tls_source to own or given",
            "Kubernetes refuses the Certificates of the nodes, and the play stops half way.",
        )  # fmt: skip
        return [] if "Certificate" in found.unreadable else [absent]
    issuer = tls.issuer
    if issuer.group != CERT_MANAGER_GROUP or issuer.kind not in found.objects:
        return []
    place = "" if issuer.kind == "ClusterIssuer" else f" in namespace {plan.namespace}"
    there = [obj for obj in found.objects[issuer.kind] if obj["metadata"]["name"] == issuer.name]
    ready = {each["type"]: each for obj in there for each in (obj.get("status") or {}).get("conditions") or []}.get("Ready", {})
    asked = {obj["metadata"]["name"] for obj in found.objects["Certificate"] if obj["spec"]["issuerRef"]["name"] == issuer.name}
    missing = [certificate.name for certificate in plan.certificates if certificate.name not in asked or not found.secret(certificate.name)]
    severity: t.Literal["error", "warning"] = "error" if missing else "warning"
    consequence = f"Nothing is issued, and pods wait for Secret {missing[0]} for ever." if missing else "The nodes' certificates are not renewed, and end."
    if not there:
        names = ", ".join(sorted(obj["metadata"]["name"] for obj in found.objects[issuer.kind])) or "none"
        return [
            Finding(
                "ISSUER-ABSENT", severity, "start", "kafka_tls_issuer", f"there is no {issuer.kind} {issuer.name}{place}",
                f"name one that is there ({names}), make it, or set kind to Issuer or ClusterIssuer, whichever it is", consequence,
            )
        ]  # fmt: skip
    if ready.get("status") != "True":
        why = ready.get("message") or ready.get("reason") or "cert-manager has said nothing about it yet: does its controller run?"
        return [
            Finding(
                "ISSUER-NOT-READY", severity, "start", "kafka_tls_issuer", f"{issuer.kind} {issuer.name}{place} is not ready: {why}",
                f"see kubectl describe {issuer.kind.lower()} {issuer.name}, and run again once it is Ready", consequence,
            )
        ]  # fmt: skip
    return []
