# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Restarts nodes behind the gate."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _gate_model, _kubernetes, _roll, _roll_lock
from ansible_collections.kafkaops.kubernetes.plugins.plugin_utils import _roll_action

OPTIONS: dict[str, t.Any] = {
    **_roll_action.OPTIONS,
    "before": {"type": "str", "default": ""},
    "pause": {"type": "int", "default": 0},
    "drain": {"type": "str", "default": ""},
    "rack_at_once": {"type": "bool", "default": False},
    "preferred_leaders": {"type": "bool", "default": False},
}


class ActionModule(_roll_action.RollAction):
    """See the documentation of the module of the same name."""

    OPTIONS = OPTIONS
    STOPS = "nodes are restarted by deleting their pods"

    def act(self, namespace: _kubernetes.Namespace, lock: _roll_lock.RollLock, options: dict[str, t.Any]) -> dict[str, t.Any]:
        """Restart one node, or tell in check mode which ones would be."""
        roller = _roller(namespace, lock, options)
        return _preview(roller) if self._task.check_mode else _step(roller, lock)


def _roller(namespace: _kubernetes.Namespace, lock: _roll_lock.RollLock, options: dict[str, t.Any]) -> _roll.Roller:
    members = _roll_action.members(options)
    nodes = [each for each in members if not each.zookeeper]
    gate = _gate_model.Options(
        # A single node cannot be spared, and whoever has only one knows.
        allow_without_spare=options["allow_without_spare"] or len(nodes) == 1,
        accepted=frozenset(each.id for each in nodes if each.stopped),
        check_reachable=options["check_reachable"],
        patience_ms=options["patience"] * 1000,
    )
    how = _roll.Options(
        ready_s=options["ready_timeout"],
        pause_s=options["pause"],
        before=options["before"],
        preferred=options["preferred_leaders"],
        drain=options["drain"],
        rack_at_once=options["rack_at_once"],
        gate=gate,
    )
    return _roll.Roller(namespace, _roll_action.road(options), members, lock, how)


def _preview(roller: _roll.Roller) -> dict[str, t.Any]:
    order, against = roller.preview()
    shown = [{"node": roller.member(each).name, "causes": list(each.causes)} for each in order]
    return {"changed": bool(order), "order": shown, "left": len(order), "against": against, "besides": roller.besides()}


def _step(roller: _roll.Roller, lock: _roll_lock.RollLock) -> dict[str, t.Any]:
    try:
        done = roller.step()
    except BaseException:
        lock.release()
        raise
    if done is None or done.left == 0:
        lock.release()
    if done is None:
        return {"changed": False, "node": "", "causes": [], "left": 0}
    return {
        "changed": True,
        "node": ", ".join(each.name for each in done.members),
        "causes": list(done.causes),
        "left": done.left,
        "waited": round(done.waited_s, 1),
        "seconds": round(done.took_s, 1),
    }
