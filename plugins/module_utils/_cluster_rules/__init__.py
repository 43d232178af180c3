# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Layer 2: would this cluster work on Kubernetes? Private to the collection.

A plan of this collection or somebody's manifests become a ``Planned`` (``_model``); rules of one subject stand together
in a module and look at that, at the variables it was made from, or at what is there already.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import (
    _from_manifests,
    _from_plan,
    _images,
    _registry,
    access,
    addresses,
    binding,
    certificates,
    ids,
    images,
    live,
    migration,
    nodes,
    quorum,
    replication,
    secrets,
    services,
    storage,
    upgrade,
    variables,
    zookeeper,
)
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._model import Planned, Server
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import RULES, Rule, Told
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.storage import mount_of
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan import Plan

__all__ = ["RULES", "SUBJECTS", "Planned", "Rule", "Told", "check", "check_variables", "from_manifests", "from_plan", "superfluous", "zookeeper_of"]

SUBJECTS = (
    ("Variables", variables),
    ("Secrets", secrets),
    ("Roles, releases and listeners", nodes),
    ("Logins and rights", access),
    ("Where certificates come from", certificates),
    ("Advertised addresses", addresses),
    ("Ports of Services", services),
    ("What is bound in a pod", binding),
    ("Images and their environment", images),
    ("Where data is kept", storage),
    ("Replication", replication),
    ("Node ids", ids),
    ("Controllers", quorum),
    ("The ZooKeeper ensemble", zookeeper),
    ("The way from ZooKeeper to KRaft", migration),
    ("What is there already", live),
    ("From one release to another", upgrade),
)
"""The modules with the rules, in the order of ``docs/rules.md``."""

from_plan = _from_plan.read
zookeeper_of = _images.zookeeper_of
from_manifests = _from_manifests.read


def check_variables(definition: Definition, plan: Plan, told: Told) -> list[Finding]:
    """The findings about the variables of a cluster."""
    return _registry.run("variables", definition, plan, told=told)


def check(planned: Planned, found: Found | None, told: Told) -> list[Finding]:
    """The findings about what is going to run, beside what was ``found`` in the Kubernetes cluster; None without access.

    ``told`` takes note of what layer 1 need not say again.
    """
    findings = _registry.run("access", found)
    if found is not None:
        planned = live.beside(planned, found)
        findings += _registry.run("live", planned, found, told=told)
    return findings + _registry.run("planned", planned, told=told)


_KNOWN_BETTER: dict[str, t.Callable[[Server], bool]] = {
    "BIND-PRIVILEGED": lambda server: server.workload.privileged is True,
    "LOGDIR-TMP": lambda server: all(mount is not None and mount.kind == "claim" for mount in (mount_of(server, path) for path in server.log_dirs)),
}
"""Rules of layer 1 that guess at what the manifest says."""


def superfluous(finding: Finding, server: Server, told: Told) -> bool:
    """Whether layer 1's finding about a server says nothing more than layer 2 has."""
    where = told.get(finding.rule, ())
    better = _KNOWN_BETTER.get(finding.rule)
    return "" in where or server.pod in where or (better is not None and better(server))
