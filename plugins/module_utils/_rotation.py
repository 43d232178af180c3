# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Replacing a certificate authority without an outage, step by step. Pure; private to the collection.

First everyone trusts the new authority beside the old one, then certificates come from the new one, then nobody trusts
the old one any more. After each step all nodes are restarted. The authority's Secret says how far it is: ``step``.
"""

from __future__ import annotations

import typing as t

TRUST, SWITCH, DROP = "trust", "switch", "drop"
STEPS = (TRUST, SWITCH, DROP)


def advance(authority: t.Mapping[str, str], new: t.Mapping[str, str]) -> dict[str, str]:
    """The texts of the authority's Secret after the next step; after the last one, without ``step``.

    ``authority``: its texts now: ``tls.crt`` and ``tls.key`` sign, ``ca.crt`` is trusted, and in the first step
    ``next.crt`` and ``next.key`` will sign. ``new``: ``tls.crt`` and ``tls.key`` of an authority made for the first step.
    """
    step = authority.get("step", "")
    if not step:
        trusted = f"{authority['tls.crt'].strip()}\n{new['tls.crt'].strip()}\n"
        return {**_signer(authority), "ca.crt": trusted, "next.crt": new["tls.crt"], "next.key": new["tls.key"], "step": TRUST}
    if step == TRUST:
        return {"tls.crt": authority["next.crt"], "tls.key": authority["next.key"], "ca.crt": authority["ca.crt"], "step": SWITCH}
    if step == SWITCH:
        return {**_signer(authority), "ca.crt": authority["tls.crt"], "step": DROP}
    return {**_signer(authority), "ca.crt": authority["ca.crt"]}


def _signer(authority: t.Mapping[str, str]) -> dict[str, str]:
    return {name: authority[name] for name in ("tls.crt", "tls.key")}


def applied_at(secret: t.Mapping[str, t.Any], manager: str) -> str:
    """When the API server saw our last change of an object, as Kubernetes writes times; its clock, not ours."""
    entries = (secret.get("metadata") or {}).get("managedFields") or []
    return max((entry.get("time", "") for entry in entries if entry.get("manager") == manager), default="")
