# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Filters over module results. Private to the collection's roles."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _delivery,
    _findings_table,
    _kafka_info,
    _manifests,
    _objects,
    _plan_security,
    _quorum,
    _roll_state,
    _rotation,
    _status,
    _unchanged,
)


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {
            "message_account": _delivery.total,
            "kafka_export": _kafka_info.export,
            "object_name": _objects.name_of,
            "applied_objects": _objects.applied_objects,
            "workloads_not_ready": _objects.not_serving,
            "roll_nodes": _roll_state.members,
            "quorum_controllers": _quorum.endpoints,
            "login_files": lambda texts, mode, user, password: {**texts, **_plan_security.login_files(mode, user, password)},
            "secret": _secret,
            "secret_texts": _objects.secret_texts,
            "certificate_secrets": _certificate_secrets,
            "next_authority": _rotation.advance,
            "applied_at": lambda secret: _rotation.applied_at(secret, _unchanged.FIELD_MANAGER),
            "kafka_status": _status.lines,
            "findings_table": _findings_table.table,
            "findings_that_stop": _findings_table.stopping,
        }


def _secret(plan: t.Mapping[str, t.Any], name: str, component: str, texts: t.Mapping[str, str]) -> dict[str, t.Any]:
    return _manifests.secret(plan, name, {**plan["labels"], "app.kubernetes.io/component": component}, texts)


def _certificate_secrets(
    plan: t.Mapping[str, t.Any], keys: t.Sequence[t.Mapping[str, t.Any]], issued: t.Sequence[t.Mapping[str, t.Any]], trusted: str
) -> list[dict[str, t.Any]]:
    """The Secrets with issued certificates. ``keys``, ``issued``: results of the loops over ``plan.issuance.certificates``."""
    found = []
    for wanted, key, certificate in zip(plan["issuance"]["certificates"], keys, issued):
        texts = {"tls.key": key["privatekey"], "tls.crt": certificate["certificate"], "ca.crt": trusted}
        found.append(_secret(plan, wanted["name"], wanted["component"], {**texts, "tls-combined.pem": texts["tls.key"] + texts["tls.crt"]}))
    return found
