# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the control node inside of Ansible: a module of its own would cost half a second a call."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _validate


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate and return the plan."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            {
                "definition": {"type": "dict"},
                "services": {"type": "list", "elements": "dict", "default": []},
                "fail_on": {"type": "str", "choices": list(_validate.FAIL_ON), "default": "error"},
            }
        )
        variables = options["definition"]
        if variables is None:
            known = task_vars or {}
            variables = {
                name: self._templar.template(known[name])
                for name in known
                if isinstance(name, str) and name.startswith(_definition.PREFIXES) and name not in _definition.OTHER_VARIABLES
            }
        plan, findings = _validate.validate(variables, options["services"])
        stopping = _validate.refused(findings, options["fail_on"])
        result.update(changed=False, findings=[finding.as_dict() for finding in findings])
        if stopping:
            result.update(failed=True, msg=f"Cluster {plan.cluster}: nothing was applied.\n{_validate.explain(stopping)}")
        else:
            result["plan"] = plan.as_dict()
        return result
