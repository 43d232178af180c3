# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests without a fault, and small changes to them, as ``kubectl patch`` would merge these."""

from __future__ import annotations

import copy
import pathlib
import typing as t

import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules._registry import Example
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules.live import KINDS
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._live import Found

EXAMPLES = pathlib.Path(__file__).resolve().parents[3] / "docs" / "examples"
BASES = {path.stem: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in EXAMPLES.glob("*.yml")}
NAMESPACE = "demo"
Object = dict[str, t.Any]


def patched(base: str, patches: t.Iterable[Object]) -> list[Object]:
    """The objects of a base with patches merged in by kind and name; what is not there is added to its namespace."""
    objects = {(obj["kind"], obj["metadata"]["name"]): copy.deepcopy(obj) for obj in BASES[base]}
    for patch in patches:
        key = patch["kind"], patch["metadata"]["name"]
        if patch.get("$patch") == "delete":
            del objects[key]
        else:
            objects[key] = merged(objects.get(key, {"metadata": {"namespace": NAMESPACE}}), patch)
    return list(objects.values())


def merged(value: t.Any, change: t.Any) -> t.Any:
    """Dictionaries by key, lists of dictionaries by ``name``, null takes away, anything else replaces."""
    if isinstance(value, dict) and isinstance(change, dict):
        result = {key: merged(value[key], each) if key in value else each for key, each in {**value, **change}.items() if key not in change}
        result.update({key: merged(value.get(key), each) for key, each in change.items() if each is not None})
        return result
    if isinstance(change, list) and change and all(isinstance(item, dict) and "name" in item for item in change):
        items = {item["name"]: item for item in value or []}
        for item in change:
            if item.get("$patch") == "delete":
                items.pop(item["name"], None)
            else:
                items[item["name"]] = merged(replaced_source(items.get(item["name"], {}), item), item)
        return list(items.values())
    return copy.deepcopy(change)


def replaced_source(old: Object, new: Object) -> Object:
    """A variable has a value or a source, a volume one kind: the new one replaces the old one."""
    return {} if "value" in new and "valueFrom" in old else old


def there(objects: t.Iterable[Object] = (), unreadable: t.Collection[str] = (), namespace: str = "kafka") -> t.Callable[[str, str], Found]:
    """Look at a Kubernetes cluster with these objects in it."""
    found: dict[str, list[Object]] = {kind: [] for kind in KINDS if kind not in unreadable}
    for obj in objects:
        placed = {**obj, "metadata": {"namespace": namespace, **obj["metadata"]}}
        for kind in (obj["kind"], f"{obj['kind']} of all namespaces"):
            if kind in found:
                found[kind].append(placed)
    return lambda _namespace, _cluster: Found(True, found, tuple(unreadable))


nothing_there = there()


def findings_of(example: Example, side: str) -> list[Finding]:
    """What the validator says about one side of an example."""
    content = yaml.safe_load(side)
    if example.of == "variables":
        return _validate.validate(content, nothing_there)[1]
    if example.of == "live":
        # Storage classes are readable where there is one.
        unreadable = () if any(obj["kind"] == "StorageClass" for obj in content) else ("StorageClass",)
        return _validate.validate(yaml.safe_load(example.variables), there(content, unreadable))[1]
    if example.of == "access":
        return _validate.validate({}, there(unreadable=content["unreadable"]))[1]
    return _validate.validate_manifests(patched(example.of, content), {}, nothing_there)
