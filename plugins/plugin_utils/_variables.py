# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The definition of a cluster among the variables of an inventory host. Private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition


def of_cluster(templar: t.Any, task_vars: t.Mapping[str, t.Any] | None) -> dict[str, t.Any]:
    """The variables that make up a cluster's definition, templated. A cluster is called as its inventory host is, unless they say otherwise."""
    known = task_vars or {}
    host = {"kafka_cluster_name": known["inventory_hostname"]} if "inventory_hostname" in known else {}
    return host | {
        name: templar.template(known[name])
        for name in known
        if isinstance(name, str) and name.startswith(_definition.PREFIXES) and name not in _definition.OTHER_VARIABLES
    }
