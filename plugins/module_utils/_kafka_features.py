# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which features of a cluster are to be raised, and to what. Pure; private to the collection."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal

LATEST = "latest"


def changes(wanted: t.Mapping[str, t.Any], state: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, tuple[int, int]]:
    """Features whose finalized level has to rise: what it is (0 where there is none) and what it becomes.

    ``wanted``: a level, or ``latest``, by feature. ``state``: of ``kafka_info``, ``supported`` (lowest and highest level that
    all brokers know) and ``finalized`` by feature. Raises Refusal for what Kafka does not know, and for any way back.
    """
    found = {}
    for name, level in wanted.items():
        if name not in state:
            raise Refusal(f"features.{name}: this cluster has no such feature. It has: {', '.join(sorted(state)) or 'none'}. Nothing was changed.")
        lowest, highest = state[name]["supported"]
        now = state[name]["finalized"] or 0
        target = highest if level == LATEST else _number(name, level)
        if target < now:
            raise Refusal(
                f"features.{name}: the cluster is at level {now}, and {target} would be a step back, which can lose metadata. Nothing was changed. "
                "Mend: leave it at its level; Kafka's kafka-features.sh downgrade does it where you are certain."
            )
        if not lowest <= target <= highest:
            raise Refusal(
                f"features.{name}: level {target} is not among those that all brokers know, {lowest} to {highest}. Nothing was changed. "
                "Mend: roll all nodes to the release that has it first."
            )
        if target != now:
            found[name] = (now, target)
    return found


def _number(name: str, level: t.Any) -> int:
    try:
        return int(str(level))
    except ValueError:
        raise Refusal(f"features.{name}: {level!r} is neither a level, a whole number, nor {LATEST}. Nothing was changed.") from None
