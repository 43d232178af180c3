# SPDX-License-Identifier: GPL-3.0-or-later
"""Which objects an apply would change. What the API server really keeps is tested in molecule/default."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _unchanged

WANTED: dict[str, t.Any] = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "kafka-0", "namespace": "kafka", "labels": {"a/b": "c"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"x": "y"}},
        "template": {"spec": {"containers": [{"name": "kafka", "env": [{"name": "A", "value": "1"}], "command": ["start", "kafka"]}], "volumes": []}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}],
    },
}
FIELDS: dict[str, t.Any] = {
    "f:metadata": {"f:labels": {"f:a/b": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"kafka"}': {".": {}, "f:name": {}, "f:command": {}, "f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:value": {}}}}
                },
                "f:volumes": {},
            }
        },
        "f:volumeClaimTemplates": {},
    },
}


def server() -> dict[str, t.Any]:
    """The object as the API server has it: with defaults, a status, and fields of others."""
    there = copy.deepcopy(WANTED)
    there["metadata"]["labels"]["other"] = "theirs"
    there["metadata"]["managedFields"] = [
        {"manager": "controller", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
        {"manager": "kafkaops.kubernetes", "operation": "Apply", "fieldsV1": copy.deepcopy(FIELDS)},
    ]
    there["spec"]["revisionHistoryLimit"] = 10
    there["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
    there["spec"]["volumeClaimTemplates"][0]["status"] = {"phase": "Pending"}
    there["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = "Filesystem"
    there["status"] = {"replicas": 1}
    return there


def test_what_was_applied_is_unchanged() -> None:
    assert _unchanged.changed([WANTED], [server()]) == []


def test_what_is_not_there_is_changed() -> None:
    assert _unchanged.changed([WANTED], []) == [WANTED]
    assert _unchanged.changed([WANTED], [{**server(), "kind": "Deployment"}]) == [WANTED]


def set_at(obj: dict[str, t.Any], path: str, value: t.Any) -> None:
    """Set, or with ``None`` remove, what is at a path such as ``spec/ports/0/name``."""
    *way, last = path.split("/")
    place: t.Any = obj
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step.replace("~", "/")]
    last = last.replace("~", "/")
    if value is None:
        del place[last]
    else:
        place[last] = value


CONTAINER = "spec/template/spec/containers/0"
WANTED_CHANGES = [
    ("a value", "spec/replicas", 2),
    ("a label", "metadata/labels/a~b", "d"),
    ("one label more", "metadata/labels/new", "1"),
    ("one label less", "metadata/labels/a~b", None),
    ("an item's field", CONTAINER + "/env/0/value", "2"),
    ("an item more", CONTAINER + "/env", [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
    ("another item", CONTAINER + "/env", [{"name": "B", "value": "1"}]),
    ("a field of an item less", CONTAINER + "/command", None),
    ("the order of a list owned as a whole", CONTAINER + "/command", ["kafka", "start"]),
    ("a part of a map owned as a whole", "spec/selector/matchLabels/more", "1"),
    ("a claim's template", "spec/volumeClaimTemplates/0/spec/accessModes", ["ReadWriteMany"]),
    ("a field more", "spec/serviceName", "kafka"),
    ("a field less", "spec/replicas", None),
]


@pytest.mark.parametrize(("name", "path", "value"), WANTED_CHANGES, ids=[case[0] for case in WANTED_CHANGES])
def test_a_changed_definition_is_applied(name: str, path: str, value: t.Any) -> None:
    wanted = copy.deepcopy(WANTED)
    set_at(wanted, path, value)
    assert _unchanged.changed([wanted], [server()]) == [wanted]


SERVER_CHANGES = [
    ("someone changed a value", "spec/replicas", 0, True),
    ("someone removed a label of ours", "metadata/labels/a~b", None, True),
    ("someone emptied a list of ours", CONTAINER + "/env", [], True),
    ("someone added a label", "metadata/labels/new", "1", False),
    ("someone set a field that we do not", "spec/paused", True, False),
    ("someone added to a map owned as a whole", "spec/selector/matchLabels/more", "1", True),
    ("applied by another manager only", "metadata/managedFields/1/manager", "kubectl", True),
    ("updated instead of applied", "metadata/managedFields/1/operation", "Update", True),
    ("managers are not known", "metadata/managedFields", None, True),
]


@pytest.mark.parametrize(("name", "path", "value", "changed"), SERVER_CHANGES, ids=[case[0] for case in SERVER_CHANGES])
def test_drift_is_applied_away_where_it_is_ours(name: str, path: str, value: t.Any, changed: bool) -> None:
    there = server()
    if path == "metadata/managedFields/1/manager" or path.endswith("operation"):
        there["metadata"]["managedFields"][1][path.rpartition("/")[2]] = value
    else:
        set_at(there, path, value)
    assert bool(_unchanged.changed([WANTED], [there])) is changed


@pytest.mark.parametrize(("replicas", "changed"), [(1, False), (0, True)])
def test_who_set_the_number_of_pods_does_not_matter(replicas: int, changed: bool) -> None:
    there = server()
    there["spec"]["replicas"] = replicas
    del there["metadata"]["managedFields"][1]["fieldsV1"]["f:spec"]["f:replicas"]
    assert bool(_unchanged.changed([WANTED], [there])) is changed
