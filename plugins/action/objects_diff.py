# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Only an action can hand a diff to Ansible's display."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _diff


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Return the diff."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec({"applied": {"type": "dict", "required": True}})
        differences = _diff.differences(options["applied"])
        # Ansible prints no diff of a task that changed nothing.
        result.update(changed=bool(differences), diff=differences)
        return result
