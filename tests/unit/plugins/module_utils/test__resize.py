# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left to be done for larger claims, wherever a run before was killed."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _manifests, _resize, _unchanged, _validate
from hypothesis import given
from hypothesis import strategies as st

Object = t.Dict[str, t.Any]  # noqa: UP006


def manifests(*sizes: str, heap: str = "1g") -> list[Object]:
    pool = {"name": "node", "node_ids": [0, 1], "roles": ["broker", "controller"], "heap": heap, "volumes": [{"size": size} for size in sizes]}
    variables = {"kafka_cluster_name": "events", "kafka_node_pools": [pool]}
    plan = _validate.read(variables, _validate.nowhere)[1].as_dict()
    return _manifests.write(plan, ["kafka"], "registry.example.com/kafka@sha256:0")


def fields(value: t.Any) -> Object:
    """What an apply owns, each field as a whole."""
    return {f"f:{name}": {} for name in value}


def there(wanted: list[Object]) -> list[Object]:
    """What is there after these were applied: the API server adds some, and the claims."""
    found = []
    for obj in copy.deepcopy(wanted):
        for template in (obj.get("spec") or {}).get("volumeClaimTemplates", []):
            template["metadata"]["creationTimestamp"] = None
            template["spec"]["volumeMode"] = "Filesystem"
            template["status"] = {"phase": "Pending"}
            name = f"{template['metadata']['name']}-{obj['metadata']['name']}-0"
            found.append({"kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "kafka"}, "spec": copy.deepcopy(template["spec"])})
        owned = {"f:metadata": fields({"labels": 1}), **{f"f:{name}": fields(obj[name]) for name in ("spec", "data") if name in obj}}
        obj["metadata"]["managedFields"] = [{"manager": _unchanged.FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned}]
        found.append(obj)
    return found


def names(objects: t.Iterable[t.Any]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]


NODES = ["events-node-0", "events-node-1"]
CLAIMS = [f"data-0-{node}-0" for node in NODES]


@pytest.mark.parametrize(
    ("wanted", "growing", "remade", "otherwise"),
    [
        (manifests("20Gi"), [], [], []),
        (manifests("20480Mi"), [], [], []),
        (manifests("30Gi"), CLAIMS, NODES, []),
        (manifests("20Gi", "20Gi"), [], NODES, NODES),  # a volume more is mounted, too
        (manifests("30Gi", "20Gi"), CLAIMS, NODES, NODES),
        (manifests("30Gi", heap="2g"), CLAIMS, NODES, NODES),
        (manifests("20Gi", heap="2g"), [], [], []),  # applied as ever
        (manifests("10Gi"), [], NODES, []),  # refused by a rule where a claim is there
    ],
)
def test_what_is_to_be_done(wanted: list[Object], growing: list[str], remade: list[str], otherwise: list[str]) -> None:
    old = there(manifests("20Gi"))
    assert names(_resize.growing(wanted, old)) == growing
    assert names(_resize.remade(wanted, old)) == remade
    assert _resize.changed_otherwise(_resize.remade(wanted, old), old) == otherwise


def test_what_it_says() -> None:
    old = there(manifests("20Gi"))
    patches = _resize.growing(manifests("1Ti"), old)
    assert patches[0] == {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-0-events-node-0-0", "namespace": "kafka"},
        "spec": {"resources": {"requests": {"storage": "1Ti"}}},
    }
    assert _resize.said(patches, old) == [f"{claim}: 20Gi -> 1Ti" for claim in CLAIMS]
    assert _resize.claims(manifests("20Gi")) == {f"PersistentVolumeClaim/{claim}" for claim in CLAIMS}


@given(st.data())
def test_killed_anywhere_the_next_run_finishes(data: st.DataObject) -> None:
    """Any of the claims is patched, any of the StatefulSets deleted, or made anew."""
    wanted = manifests("30Gi")
    old, new = there(manifests("20Gi")), there(wanted)
    left = {}
    for before, after in zip(old, new):
        states = [before, after] if before["kind"] == "PersistentVolumeClaim" else [before, None, after] if before["kind"] == "StatefulSet" else [after]
        state = data.draw(st.sampled_from(states))
        if state:
            left[state["kind"], state["metadata"]["name"]] = state
    for patch in _resize.growing(wanted, left.values()):
        key = patch["kind"], patch["metadata"]["name"]
        left[key] = {**left[key], "spec": {**left[key]["spec"], **patch["spec"]}}
    remade = _resize.remade(wanted, left.values())
    made = [obj for obj in _unchanged.changed(wanted, left.values()) if obj not in remade]
    assert not [obj for obj in made if (obj["kind"], obj["metadata"]["name"]) in left], "what is there and different has to be deleted first"
    for obj in there([*made, *remade]):
        if obj["kind"] != "PersistentVolumeClaim":
            left[obj["kind"], obj["metadata"]["name"]] = obj
    assert sorted(left.values(), key=str) == sorted(new, key=str)
    assert _resize.growing(wanted, left.values()) == _resize.remade(wanted, left.values()) == _unchanged.changed(wanted, left.values()) == []
