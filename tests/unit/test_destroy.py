# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster is made of is what its end deletes."""

from __future__ import annotations

import pathlib
import typing as t

import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _manifests, _plan, _plan_kafka

PROJECT = pathlib.Path(__file__).resolve().parents[2]
EVERYTHING = {
    "kafka_listeners": [
        {"name": "INTERNAL", "port": 9092, "security": "SSL", "allow_from": []},
        {"name": "OUT", "port": 9093, "security": "SSL", "exposure": "load_balancer"},
    ],
    "kafka_tls_source": "cert_manager",
    "clients_producers": [{"name": "p", "topic": "t"}],
}


def delete() -> dict[str, t.Any]:
    tasks = yaml.safe_load((PROJECT / "roles/kafka/tasks/destroy.yml").read_text(encoding="utf-8"))
    return next(task for task in tasks if task["name"] == "Delete")


def test_every_kind_that_is_made_is_deleted() -> None:
    definition, _findings = _definition.read(EVERYTHING)
    plan = _plan.build(definition, {}, _plan_kafka.new_identity(definition, lambda: "id")).as_dict()
    made = {(obj["apiVersion"], obj["kind"]) for obj in _manifests.write(plan, _manifests.PARTS, "image")}
    # StatefulSets make claims; the namespace is deleted only where asked.
    wanted = (made | {("v1", "PersistentVolumeClaim")}) - {("v1", "Namespace")}
    deleted = {(item["api_version"], item["kind"]) for items in delete()["vars"].values() if isinstance(items, list) for item in items}
    assert len(wanted) == 9
    assert wanted <= deleted


def test_the_answer_with_deleted_secrets_is_not_shown() -> None:
    assert "Secret" in [item["kind"] for items in delete()["vars"].values() if isinstance(items, list) for item in items]
    assert delete()["no_log"] == "{{ item.kind == 'Secret' }}"
