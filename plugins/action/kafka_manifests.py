# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs on the control node inside of Ansible: a module of its own would cost half a second a call."""

from __future__ import annotations

import datetime
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _identity, _manifests, _objects, _obsolete, _resize, _roll_state, _unchanged
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _api


class ActionModule(ActionBase):
    """See the documentation of the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Write the manifests and compare them with what there is."""
        result = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            {
                **_api.OPTIONS,
                "plan": {"type": "dict", "required": True},
                "parts": {"type": "list", "elements": "str", "choices": list(_manifests.PARTS), "required": True},
                "image": {"type": "str", "default": ""},
                "compare": {"type": "bool", "default": True},
            }
        )
        manifests = _manifests.write(options["plan"], options["parts"], options["image"])
        result.update(changed=False, manifests=manifests, namespace_exists=False, changes=manifests)
        result.update({name: [] for name in ("growing", "growth", "remade", "waiting", "outdated", "outdated_clients", "new_disks", "obsolete", "leaving")})
        if options["compare"]:
            found = _api.look(options, options["plan"]["namespace"], options["plan"]["cluster"])
            if "cluster" in options["parts"] and (reason := _identity.contradicts(options["plan"], found)):
                raise AnsibleActionFail(reason)
            now = datetime.datetime.now(datetime.timezone.utc)
            names = {_objects.name_of(obj) for obj in manifests} | _resize.claims(manifests)
            all_manifests = _manifests.write(options["plan"], _manifests.PARTS, options["image"])
            everything = found.all()
            there = [obj for obj in everything if _objects.name_of(obj) in names]
            stopping = _roll_state.stopping(manifests, there)
            manifests = _roll_state.until_stopped(manifests, stopping)
            growing, remade = _resize.growing(manifests, there), _resize.remade(manifests, there)
            restart = {
                *_objects.outdated(there, now),
                *_roll_state.nodes_with_old_secrets(everything, options["plan"]["cluster"]),
                *_resize.changed_otherwise(remade, there),
                *stopping,
            }
            result.update(
                manifests=manifests,
                growing=growing,
                growth=_resize.said(growing, there),
                remade=remade,
                namespace_exists=found.namespace_exists,
                changes=[obj for obj in _unchanged.changed(manifests, there) if obj not in remade],
                waiting=_objects.not_serving(there, now),
                outdated=sorted(restart & {name.partition("/")[2] for name in names}),
                outdated_clients=_roll_state.clients_with_old_secrets(everything),
                new_disks=_identity.new_disks(options["plan"], (obj for obj in everything if obj["kind"] == "PersistentVolumeClaim")),
                obsolete=_obsolete.obsolete(all_manifests, everything, options["plan"]["cluster"]),
                leaving=_obsolete.leaving(all_manifests, everything, options["plan"]["cluster"]),
            )
        return result
