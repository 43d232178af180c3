# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From inventory variables to a plan and its findings. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import (
    _broker_config,
    _cluster_rules,
    _definition,
    _plan,
    _zookeeper_config,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, worst_first


def validate(variables: t.Mapping[str, t.Any], services: t.Sequence[t.Mapping[str, t.Any]] = ()) -> tuple[_plan.Plan, list[Finding]]:
    """The plan of the cluster that ``variables`` describe, and all that is to be said about it.

    ``services``: Service objects as the API server returned them, for the addresses that Kubernetes assigns.
    """
    definition, findings = _definition.read(variables)
    plan = _plan.build(definition, _plan.assigned(services))
    findings += _cluster_rules.check(definition, plan)
    # What a rule of layer 2 says of a variable, layer 1 need not say again of the property made from it.
    told = {finding.rule for finding in findings}
    for node in plan.nodes:
        findings += [finding for finding in _broker_config.check(node.properties, definition.version) if finding.rule not in told]
    findings += _zookeeper_config.parse_connect(plan.zookeeper_connect).findings
    for node in plan.zookeeper_nodes:
        findings += _zookeeper_config.check_server(node.file.splitlines(), str(node.id), zookeeper_version(definition.version))
    return plan, worst_first(findings)


def zookeeper_version(kafka_version: str) -> str:
    """The ZooKeeper that a Kafka release brings (its own dependency list)."""
    major, minor = (int(part) for part in kafka_version.split(".")[:2])
    if (major, minor) >= (3, 6):
        return "3.8.4"
    return "3.6.4" if major == 3 else "3.5.9"


FAIL_ON = ("error", "warning", "never")


def refused(findings: t.Iterable[Finding], fail_on: str) -> list[Finding]:
    """The findings that stop a run: errors, with ``fail_on=warning`` warnings too, with ``never`` none."""
    stopping = {"error": ("error",), "warning": ("error", "warning"), "never": ()}[fail_on]
    return [finding for finding in findings if finding.severity in stopping]


def explain(findings: t.Sequence[Finding]) -> str:
    """Findings as text for a person: one paragraph each, the rule first."""
    return "\n".join(
        f"[{finding.severity}] {finding.rule} at {finding.where}: {finding.message}. {finding.consequence} Mend: {finding.fix}."
        for finding in findings
    )
