# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Secrets of a cluster that are made from what the user gives or made up once. Private to the collection.

Certificates that the collection issues itself are not among them: see roles/certificates.
"""

from __future__ import annotations

import secrets
import string
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _manifests, _plan_kafka, _plan_security
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Plan


def make_password() -> str:
    """32 random letters and digits."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _number in range(32))


def write(definition: Definition, plan: Plan, found: Found | None, now: str, make: t.Callable[[], str] = make_password) -> list[dict[str, t.Any]]:
    """The Secrets as objects; what was made up before and is kept in one stays as it is. ``now``: UTC, as Kubernetes writes it."""
    layout = plan.as_dict()
    name = _manifests.credentials_name(plan.cluster)
    inter_broker = _plan_kafka.inter_broker(definition)
    stored = found.secret(name) if found else {}
    data = _plan_security.credentials(definition, stored, make, inter_broker)
    if data:
        data.update(_plan_security.config_changed_at(data, stored, now))
    objects = [_manifests.secret(layout, name, _labels(plan, "credentials"), data)] if data else []
    given = {f"{client.name}": client for client in definition.clients}
    for client in layout["clients"]:
        if client["secret"]:
            user = given[client["name"][len(plan.cluster) + 1 :]]
            text = client["file"] + _plan_security.login(user.user, user.password)
            objects.append(_manifests.secret(layout, client["name"], _manifests.client_labels(layout, client), {"client.properties": text}))
    return [*objects, *_given_certificates(definition, plan, layout)]


def _given_certificates(definition: Definition, plan: Plan, layout: t.Mapping[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    tls = definition.security.tls
    if tls.source != "given" or not plan.certificates:
        return
    yield _manifests.secret(layout, _manifests.authority_name(plan.cluster), _labels(plan, "authority"), {"ca.crt": tls.authority + "\n"})
    for certificate in plan.certificates:
        _name, given = tls.given(certificate.component, certificate.node)
        if given:
            data = {"tls-combined.pem": f"{given.key}\n{given.certificate}\n"}
            yield _manifests.secret(layout, certificate.name, _labels(plan, certificate.component), data)


def _labels(plan: Plan, component: str) -> dict[str, str]:
    return {**plan.labels, "app.kubernetes.io/component": component}
