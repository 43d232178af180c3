# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the control node inside of Ansible: a module of its own would cost half a second a call."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _findings_table, _validate, _validate_files
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _api, _variables


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Validate and return the plan."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            {
                **_api.OPTIONS,
                "definition": {"type": "dict"},
                "manifests": {"type": "list", "elements": "dict"},
                "live": {"type": "str", "choices": ["true", "false", "auto"], "default": "false"},
                "fail_on": {"type": "str", "choices": list(_findings_table.STOPPING), "default": "error"},
                **_validate_files.OPTIONS,
            },
            mutually_exclusive=[("definition", *_validate_files.GIVEN), ("manifests", *_validate_files.GIVEN)],
        )
        if any(options[name] is not None for name in _validate_files.GIVEN):
            about, plan, findings = "The configuration", None, _validate_files.check(options)
        elif options["manifests"] is not None:
            look = _api.looker(options, options["live"])
            about, plan, findings = "The manifests", None, _validate.validate_manifests(options["manifests"], options["definition"] or {}, look)
        else:
            variables = options["definition"]
            if variables is None:
                variables = _variables.of_cluster(self._templar, task_vars)
            built, findings = _validate.validate(variables, _api.looker(options, options["live"]))
            about, plan = f"Cluster {built.cluster}: nothing was applied", built.as_dict()
        shown = _findings_table.merged(findings)
        stopping = _findings_table.stopping(shown, options["fail_on"])
        result.update(changed=False, findings=shown)
        if stopping:
            result.update(failed=True, msg=f"{about}.\n{_findings_table.explain(stopping)}")
        elif plan is not None:
            result["plan"] = plan
        return result
