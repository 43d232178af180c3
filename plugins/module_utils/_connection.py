# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""How the control node comes to a cluster's brokers: through the API server, as the brokers come to each other. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _manifests, _plan_security
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found

Plan = t.Mapping[str, t.Any]


def connection(plan: Plan, found: Found) -> dict[str, t.Any]:
    """Options of the modules that talk to Kafka, such as M(kafkaops.kubernetes.kafka_topics); with secrets in them.

    ``plan``: as ``Plan.as_dict`` gives it. ``found``: what there is; the Secrets of the cluster are read from it.
    """
    node = next(node for node in plan["nodes"] if "broker" in node["roles"])
    properties = node["properties"]
    name = properties["inter.broker.listener.name"]
    security = dict(item.split(":") for item in properties["listener.security.protocol.map"].split(","))[name]
    options: dict[str, t.Any] = {
        "cluster": plan["cluster"],
        "namespace": plan["namespace"],
        "bootstrap_servers": plan["bootstrap"][name].split(","),
        "security_protocol": security,
        "addresses": [
            {"host": place["host"], "port": place["port"], "node": each["name"], "listener_port": _port(each, place["listener"])}
            for each in plan["nodes"]
            for place in each["advertised"]
            if place["host"] and place["port"] and place["listener"] == name
        ],
    }
    if plan["identity"]["cluster_id"]:
        options["cluster_id"] = plan["identity"]["cluster_id"]
    if security.endswith("SSL"):
        options["ssl_ca"] = _trusted(plan, found, node)
    if security == "SSL":
        pem = found.secret(_manifests.certificate_name(node["name"])).get("tls-combined.pem", "")
        key, marker, chain = pem.partition("-----BEGIN CERTIFICATE-----")
        options.update(ssl_key=key, ssl_certificate=marker + chain)
    if security.startswith("SASL"):
        secret = found.secret(_manifests.credentials_name(plan["cluster"]))
        options.update(sasl_username=secret.get(_plan_security.USER_FILE, ""), sasl_password=secret.get(_plan_security.PASSWORD_FILE, ""))
    return options


def _trusted(plan: Plan, found: Found, node: Plan) -> str:
    secret = _manifests.certificate_name(node["name"]) if plan["tls_source"] == "cert_manager" else _manifests.authority_name(plan["cluster"])
    return found.secret(secret).get("ca.crt", "")


def _port(node: Plan, listener: str) -> int:
    """The port in the pod that a listener is bound to."""
    bound = dict(item.split("://:") for item in node["properties"]["listeners"].split(","))
    return int(bound[listener])
