# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From inventory variables to a plan and its findings, from manifests to findings. Private to the collection."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _broker_config,
    _cluster_rules,
    _definition,
    _identity,
    _issuing,
    _kafka_rules,
    _plan,
    _properties,
    _security_rules,
    _zookeeper_config,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import Planned, Told
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, worst_first
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _release


def nowhere(namespace: str, cluster: str) -> Found | None:
    """Look nowhere: what there is, is not to be known."""
    return None


def read(
    variables: t.Mapping[str, t.Any], look: t.Callable[[str, str], Found | None]
) -> tuple[_definition.Definition, _plan.Plan, Found | None, list[Finding]]:
    """The definition in ``variables``, its plan, what there is of the cluster, and what is wrong with the input.

    ``look(namespace, cluster)``: what there is of it, or None where that is not to be known. Addresses that Kubernetes
    assigned and the cluster's identity come from there.
    """
    definition, findings = _definition.read(variables)
    found = look(definition.namespace, definition.cluster)
    identity, more = _identity.identify(definition, found)
    plan = _plan.build(definition, _plan.assigned(found.objects.get("Service", []) if found else []), identity)
    now = datetime.datetime.now(datetime.timezone.utc)
    plan = dataclasses.replace(plan, issuance=_issuing.due(definition, plan, found, now), certificate_days=_issuing.days_left(plan, found, now))
    more += _identity.login(definition, found)
    more += _issuing.against(definition, plan, found)
    more += _issuing.by_others(definition, plan, found)
    return definition, plan, found, findings + more


def validate(variables: t.Mapping[str, t.Any], look: t.Callable[[str, str], Found | None] = nowhere) -> tuple[_plan.Plan, list[Finding]]:
    """The plan of the cluster that ``variables`` describe, and all that is to be said about it; see :func:`read`."""
    definition, plan, found, findings = read(variables, look)
    told: Told = {}
    findings += _cluster_rules.check_variables(definition, plan, told)
    findings += _security_rules.check(definition, plan, datetime.datetime.now(datetime.timezone.utc))
    findings += _both_layers(_cluster_rules.from_plan(definition, plan), found, told)
    findings += _declared(variables, plan)
    return plan, worst_first(findings)


def _declared(variables: t.Mapping[str, t.Any], plan: _plan.Plan) -> list[Finding]:
    """What is to be said about the topics, users and access rules that the cluster is to hold."""
    given = variables if isinstance(variables, t.Mapping) else {}
    lists = {name: given[name] for name in _definition.DECLARED if isinstance(given.get(name), (list, tuple))}
    topics, users, quotas, acls = (lists.get(name, ()) for name in _definition.DECLARED)
    found = _kafka_rules.check_topics(topics, len(plan.brokers), plan.version, [node.id for node in plan.brokers])
    found += _kafka_rules.check_users(users, quotas)
    return found + _kafka_rules.check_acls(acls, users if "kafka_users" in lists else None)


MANIFEST_VARIABLES = ("kafka_namespace", "kafka_version", "kafka_cluster_domain")


def validate_manifests(
    manifests: t.Any,
    variables: t.Mapping[str, t.Any],
    look: t.Callable[[str, str], Found | None] = nowhere,
    stored_ids: t.Mapping[str, int] | None = None,
) -> list[Finding]:
    """All that is to be said about the Kubernetes objects of one Kafka cluster that somebody wrote, or a chart rendered.

    ``variables``: of an inventory, for what objects do not tell: ``kafka_namespace`` of those that name none,
    ``kafka_version`` of images whose tag names none, ``kafka_cluster_domain``. ``look``: see :func:`read`.
    ``stored_ids``: node ids on disk by pod, where they are known.
    """
    definition, findings = _definition.read({key: value for key, value in variables.items() if key in MANIFEST_VARIABLES})
    planned, unread = _cluster_rules.from_manifests(
        manifests,
        namespace=definition.namespace if variables.get("kafka_namespace") else "default",
        domain=definition.domain,
        kafka_version=definition.version if variables.get("kafka_version") else "",
        stored_ids=stored_ids,
    )
    # What else a definition needs is none of the manifests' business.
    findings = [finding for finding in findings if finding.where in MANIFEST_VARIABLES]
    return worst_first([*findings, *unread, *_both_layers(planned, look(planned.namespace, ""), {})])


def _both_layers(planned: Planned, found: Found | None, told: Told) -> list[Finding]:
    """Layer 2 first: what it says of a cluster, layer 1 need not say again of a property."""
    findings = _cluster_rules.check(planned, found, told)
    for server in planned.servers:
        for finding in _layer_one(server):
            if not _cluster_rules.superfluous(finding, server, told):
                findings.append(dataclasses.replace(finding, where=server.where(finding.where)))
    return findings


def _layer_one(server: Server) -> list[Finding]:
    if server.workload.component == "kafka":
        if server.release.minor in _release.MINORS:
            return _broker_config.check_broker(server.broker)
        return _broker_config.check(server.properties, str(server.release))
    if server.workload.component == "zookeeper":
        return _zookeeper_config.check_server(_properties.render(server.properties).splitlines(), server.myid, str(server.release))
    return []


def zookeeper_version(kafka_version: str) -> str:
    """The ZooKeeper that a Kafka release brings (its own dependency list); empty for what is no release."""
    release = _release.parse(kafka_version)
    return "" if release is None else str(_cluster_rules.zookeeper_of(release))
