# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the control node inside of Ansible: a module of its own would cost half a second a call."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _connection
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _api

# Every task that uses the connection forwards ports: loaded here, in Ansible's own process, it is there for all of them.
from kubernetes.client.api import core_v1_api  # noqa: F401


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Read the Secrets and return the options; nothing of them is printed."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec({**_api.OPTIONS, "plan": {"type": "dict", "required": True}})
        plan = options["plan"]
        given = {name: options[name] for name in ("kubeconfig", "context") if options[name]}
        connection = {**_connection.connection(plan, _api.look(options, plan["namespace"], plan["cluster"])), **given}
        result.update(changed=False, connection=connection, _ansible_no_log=True)
        return result
