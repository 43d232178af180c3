# SPDX-License-Identifier: GPL-3.0-or-later
"""What bench/safety.py does to a cluster besides restarting it: the day-2 playbooks, with the variables of bench/safety.yml."""

from __future__ import annotations

import json
import re
import typing as t

from load.clients import JudgeError
from safety_cluster import Cluster, run

Play = t.Tuple[str, ...]  # noqa: UP006

FOUR = json.dumps({"safety_more": [{"name": "more", "node_ids": [3], "heap": "1g", "volumes": [{"size": "2Gi"}]}]})
OUT: tuple[Play, ...] = (("site.yml", "-e", FOUR), ("playbooks/scale.yml", "-e", FOUR))
IN: tuple[Play, ...] = (("playbooks/scale.yml", "-e", "kafka_scale_in=3"),)
RESTARTED = r"restarted \("
SITE: tuple[Play, ...] = (("site.yml",),)


class Operation(t.NamedTuple):
    """``plays``: what is measured; ``before`` and ``after``: what makes the cluster as it has to be for that, and as it was. ``says``: what
    the plays say where there was something to measure, a regular expression."""

    plays: tuple[Play, ...]
    before: tuple[Play, ...] = ()
    after: tuple[Play, ...] = ()
    says: str = r"changed=[1-9]"


OPERATIONS = {
    "reconfigure": Operation((("site.yml", "-e", "safety_queued=501"),), after=SITE, says=RESTARTED),
    "resources": Operation((("site.yml", "-e", "safety_heap=1100m"),), after=SITE, says=RESTARTED),
    # The way back is open until playbooks/finish_upgrade.yml.
    "upgrade": Operation((("site.yml", "-e", "kafka_version=4.3.1"),), after=SITE, says=RESTARTED),
    "scale-out": Operation(OUT, after=IN),
    "scale-in": Operation(IN, before=OUT),
    "resize": Operation(SITE),
    "drain": Operation((("playbooks/drain.yml",),)),
}


def run_all(cluster: Cluster, plays: t.Iterable[Play], *more: str) -> str:
    """Run playbooks one after the other; what they said."""
    # The last value of a variable counts.
    return "\n".join(run([*cluster.playbook(play[0]), *play[1:], *more]) for play in plays)


def operate(cluster: Cluster, way: str) -> str:
    """Do what is measured; what the playbooks said."""
    operation = OPERATIONS[way]
    if way == "drain":
        # It is the Kubernetes node of the first broker that is emptied.
        node = cluster.pod(cluster.brokers[0]).spec.node_name
        try:
            return run_all(cluster, operation.plays, "-e", f"kafka_drain_node={node}")
        finally:
            cluster.api.patch_node(node, {"spec": {"unschedulable": None}})
    if way == "resize":
        # Claims never shrink: what comes afterwards has to know of it.
        cluster.play += ["-e", f"safety_size={cluster.gibibytes() + 1}Gi"]
    said = run_all(cluster, operation.plays)
    if not re.search(operation.says, said):
        raise JudgeError(f"{way}: the playbooks did not say {operation.says}, so that there is nothing to measure:\n{said[-2000:]}")
    return said
