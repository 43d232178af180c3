# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Gives a node new disks behind the gate."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model, _kubernetes, _quorum_calls, _replace_calls, _roll, _roll_lock
from ansible_collections.kafkaops.kubernetes.plugins.modules import kafka_quorum
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _roll_action

OPTIONS: dict[str, t.Any] = {
    **_roll_action.OPTIONS,
    "controllers": kafka_quorum.OPTIONS["controllers"],
    "node": {"type": "int", "required": True},
    "state": {"type": "str", "choices": ["emptied", "restored"], "required": True},
}


class ActionModule(_roll_action.RollAction):
    """See the documentation of the module of the same name."""

    OPTIONS = OPTIONS
    STOPS = "a node is replaced by deleting its claims"

    def act(self, namespace: _kubernetes.Namespace, lock: _roll_lock.RollLock, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Empty the node, see it restored, or tell in check mode what would be done."""
        return _act(_replacer(namespace, lock, options), lock, options, check=bool(self._task.check_mode))


def _replacer(namespace: _kubernetes.Namespace, lock: _roll_lock.RollLock, options: dict[str, t.Any]) -> _replace_calls.Replacer:
    gate = _gate_model.Options(
        allow_without_spare=options["allow_without_spare"],
        check_reachable=options["check_reachable"],
        patience_ms=options["patience"] * 1000,
    )
    how = _roll.Options(ready_s=options["ready_timeout"], gate=gate)
    road = _roll_action.road(options)
    found = _replace_calls.Replacer(namespace, road, _roll_action.members(options), lock, how)
    if options["controllers"]:
        found.voters = _quorum_calls.Voters(lambda: road(options["timeout"]), options["patience"])
        found.endpoints = _quorum_calls.endpoints(options["controllers"])
    return found


def _act(work: _replace_calls.Replacer, lock: _roll_lock.RollLock, options: dict[str, t.Any], *, check: bool) -> dict[str, t.Any]:
    emptied = options["state"] == "emptied"
    if check:
        claims, against = work.foretell(options["node"]) if emptied else ([], [])
        return {"changed": bool(claims), "claims": claims, "against": against}
    try:
        if emptied:
            # The lock stays until the node is restored.
            claims = work.empty(options["node"])
            return {"changed": bool(claims), "claims": claims, "against": []}
        seconds = work.restore(options["node"])
    except BaseException:
        lock.release()
        raise
    lock.release()
    return {"changed": True, "seconds": round(seconds, 1)}
