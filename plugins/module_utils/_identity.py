# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The identity of a cluster in KRaft mode: made once, kept in a Secret, never changed. Private to the collection."""

from __future__ import annotations

import base64
import typing as t
import uuid

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import Definition
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._manifests import credentials_name, identity_name
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._objects import NODE
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_kafka import new_identity
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_model import Identity
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._plan_security import PASSWORD_FILE


def make_id() -> str:
    """A random id as Kafka makes them (``org.apache.kafka.common.Uuid.randomUuid``): none begins with a hyphen."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def identify(definition: Definition, found: Found | None, make: t.Callable[[], str] = make_id) -> tuple[Identity, list[Finding]]:
    """The cluster's identity, as it is kept or, for a new cluster, made now; and what stands against it.

    ``found``: what there is; None where nobody could look, which is good enough for validation only.
    """
    stored = found.secret(identity_name(definition.cluster)) if found else {}
    if definition.mode != "kraft" or not stored.get("id"):
        return new_identity(definition, make), list(_unknown(definition, found))
    identity = Identity(stored["id"], stored.get("quorum", ""), stored.get("initial-controllers", ""), stored.get("formed", ""))
    return identity, list(_changed(definition, identity))


def contradicts(plan: t.Mapping[str, t.Any], found: Found) -> str:
    """Why a plan, as ``Plan.as_dict`` gives it, must not be applied beside the identity that is kept now; empty where it may.

    They differ where the plan was made without looking, or where somebody else made the cluster in the meantime.
    """
    name, planned = identity_name(plan["cluster"]), plan["identity"]
    kept = found.secret(name)
    same = (kept.get("id"), kept.get("initial-controllers", "")) == (planned["cluster_id"], planned["initial_controllers"])
    if not kept.get("id") or not planned["cluster_id"] or (same and (planned["formed"] or "formed" not in kept)):
        return ""
    return (
        f"Cluster {plan['cluster']}: nothing was applied. Secret {name} keeps the cluster id {kept['id']} and its first controllers, and this plan"
        f" would overwrite them (with the id {planned['cluster_id']}): it was made without looking at what there is, or somebody else made the cluster"
        " in the meantime. Nodes refuse disks of another id. Mend: leave kafka_live at true and run it again."
    )


def new_disks(plan: t.Mapping[str, t.Any], claims: t.Iterable[t.Mapping[str, t.Any]]) -> list[str]:
    """Names of the controllers that may have to be made voters: they have no claim yet, or one that was made after every
    controller was last seen to be a voter. None where the voters do not change, or have not met yet."""
    identity = plan["identity"]
    if identity["quorum"] != "dynamic" or not identity["formed"]:
        return []
    made: dict[str, str] = {}
    for claim in claims:
        node = (claim["metadata"].get("labels") or {}).get(NODE, "")
        made[node] = max(made.get(node, ""), claim["metadata"]["creationTimestamp"])
    controllers = [node["name"] for node in plan["nodes"] if "controller" in node["roles"]]
    return [name for name in controllers if made.get(name, "9") > identity["formed"]]


def _unknown(definition: Definition, found: Found | None) -> t.Iterator[Finding]:
    if found is None or definition.mode != "kraft":
        return
    secret = f"Secret {identity_name(definition.cluster)}"
    if "Secret" in found.unreadable:
        yield Finding(
            "CLUSTER-ID-UNREADABLE", "error", "start", "kafka_mode", f"{secret} may not be read, so the cluster's id is not known",
            "grant the rights of roles/services/files/rights.yml", "A second id would be made, and brokers with data refuse to start under it.",
        )
    claims = [claim["metadata"]["name"] for claim in found.objects.get("PersistentVolumeClaim", []) if _ours(definition, claim)]
    if claims and not definition.cluster_id:
        yield Finding(
            "CLUSTER-ID-LOST", "error", "start", "kafka_cluster_id", f"there are claims of this cluster ({claims[0]} ...) and no {secret}",
            "set kafka_cluster_id to cluster.id of meta.properties on such a claim, or delete the claims to begin anew",
            "Kafka refuses disks that another cluster id has formatted: Invalid cluster.id.",
        )


def _ours(definition: Definition, claim: t.Mapping[str, t.Any]) -> bool:
    labels = claim["metadata"].get("labels") or {}
    return labels.get("app.kubernetes.io/instance") == definition.cluster and labels.get("app.kubernetes.io/component") != "zookeeper"


def _changed(definition: Definition, identity: Identity) -> t.Iterator[Finding]:
    if definition.cluster_id not in ("", identity.cluster_id):
        yield Finding(
            "CLUSTER-ID-CHANGED", "error", "start", "kafka_cluster_id", f"this cluster's id is {identity.cluster_id}",
            "remove kafka_cluster_id, or choose another kafka_cluster_name for another cluster", "Kafka refuses its own disks: Invalid cluster.id.",
        )
    if definition.quorum != identity.quorum:
        yield Finding(
            "QUORUM-CHANGED", "error", "start", "kafka_quorum", f"the disks of this cluster have a {identity.quorum} quorum",
            f"set kafka_quorum: {identity.quorum}", "Controllers do not find each other and the cluster has no leader.",
        )


def login(definition: Definition, found: Found | None) -> list[Finding]:
    """Whether the password that is given for the brokers is another one than they use."""
    stored = found.secret(credentials_name(definition.cluster)).get(PASSWORD_FILE, "") if found else ""
    if not stored or definition.security.inter_broker_password in ("", stored):
        return []
    return [
        Finding(
            "PASSWORD-CHANGED", "warning", "runtime", "kafka_inter_broker_password", "is not what the brokers log in by; the value is not shown",
            "run playbooks/rotate_password.yml, which makes it known to Kafka first", "The brokers go on with the one that they have.",
        )
    ]
