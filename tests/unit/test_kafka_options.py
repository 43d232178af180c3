# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules document is what they take."""

from __future__ import annotations

import importlib
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.doc_fragments import controllers, nodes
from ansible_collections.kafkaops.kubernetes.plugins.doc_fragments.kafka import ModuleDocFragment
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_args

MODULES = (
    "kafka_acls", "kafka_configs", "kafka_features", "kafka_info", "kafka_log_dirs", "kafka_quorum", "kafka_reassign", "kafka_topics", "kafka_users",
)


FRAGMENTS = {"kafkaops.kubernetes.controllers": controllers, "kafkaops.kubernetes.nodes": nodes}
"""Those with options of the modules themselves; the connection's are compared apart."""


def documented(module: t.Any) -> dict[str, t.Any]:
    """The options that a module documents, in fragments too."""
    documentation = yaml.safe_load(module.DOCUMENTATION)
    found = dict(documentation["options"])
    for name in documentation["extends_documentation_fragment"]:
        if name in FRAGMENTS:
            found.update(yaml.safe_load(FRAGMENTS[name].ModuleDocFragment.DOCUMENTATION)["options"])
    return found


def shape(options: t.Mapping[str, t.Any], children: str) -> dict[str, t.Any]:
    """Options without their texts, comparable between documentation and specification."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": list(option["choices"]) if "choices" in option else None,
            "options": shape(option.get(children) or {}, children),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("name", MODULES)
def test_options_of_a_module(name: str) -> None:
    module = importlib.import_module(f"ansible_collections.kafkaops.kubernetes.plugins.modules.{name}")
    assert shape(documented(module), "suboptions") == shape(module.OPTIONS, "options")


@pytest.mark.parametrize("name", ["kafka_replace", "kafka_roll"])
def test_options_of_an_action(name: str) -> None:
    action, module = (importlib.import_module(f"ansible_collections.kafkaops.kubernetes.plugins.{kind}.{name}") for kind in ("action", "modules"))
    assert "kafkaops.kubernetes.nodes" in yaml.safe_load(module.DOCUMENTATION)["extends_documentation_fragment"]
    assert shape(documented(module), "suboptions") == shape(action.OPTIONS, "options")


def test_options_of_the_connection() -> None:
    assert shape(yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"], "suboptions") == shape(_kafka_args.KAFKA, "options")
