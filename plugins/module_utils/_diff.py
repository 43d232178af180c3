# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Differences of Kubernetes objects as text for a person. Private to the collection."""

from __future__ import annotations

import typing as t

import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._objects import name_of

HIDDEN = frozenset(("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"))
"""Metadata that the server changes with every change."""


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as such, so that its lines are compared one by one."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def differences(result: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """What changed in each object of a result of kubernetes.core.k8s, in the shape that Ansible prints for ``--diff``."""
    inner = result.get("result") or {}
    found = []
    for each in inner.get("results") or [result]:
        diff, obj = each.get("diff"), each.get("result") or {}
        if each.get("changed") and diff and obj.get("kind"):
            name = name_of(obj)
            found.append({"before_header": name, "after_header": name, "before": _shown(diff.get("before")), "after": _shown(diff.get("after"))})
    return found


def _shown(obj: t.Any) -> str:
    if not obj:
        return ""
    kept = {key: value for key, value in obj.items() if key != "status"}
    if isinstance(kept.get("metadata"), dict):
        kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in HIDDEN}
    return yaml.dump(_plain(kept), Dumper=_Dumper, allow_unicode=True, sort_keys=True)


def _plain(value: t.Any) -> t.Any:
    """The same in plain types: values from Ansible may be subclasses that YAML does not know."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, str) else value
