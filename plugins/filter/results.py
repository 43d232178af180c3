# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Filters over module results. Private to the collection's roles."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _delivery, _objects


class FilterModule:
    """Filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """The filters by name."""
        return {
            "message_account": _delivery.total,
            "object_name": _objects.name_of,
            "applied_objects": _objects.applied_objects,
            "workloads_not_ready": _objects.not_serving,
            "workloads_outdated": _objects.outdated,
            "services_without_address": _objects.without_address,
        }
