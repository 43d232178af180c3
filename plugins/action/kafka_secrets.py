# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the control node inside of Ansible: a module of its own would cost half a second a call."""

from __future__ import annotations

import datetime
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _roll_state, _secrets, _unchanged, _validate
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _api, _variables


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Make the Secrets and compare them with what there is."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(dict(_api.OPTIONS))
        definition, plan, found, _findings = _validate.read(_variables.of_cluster(self._templar, task_vars), _api.looker(options))
        manifests = _secrets.write(definition, plan, found, _roll_state.written(datetime.datetime.now(datetime.timezone.utc)))
        result.update(changed=False, changes=_unchanged.changed(manifests, found.all() if found else []), _ansible_no_log=True)
        return result
