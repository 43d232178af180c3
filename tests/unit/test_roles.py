# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables are described once and described truly."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (PROJECT / "roles").iterdir())


def load(path: pathlib.Path) -> t.Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def options(role: str) -> dict[str, dict[str, t.Any]]:
    """The options of all entry points of a role."""
    found: dict[str, dict[str, t.Any]] = {}
    for entry in load(PROJECT / "roles" / role / "meta/argument_specs.yml")["argument_specs"].values():
        found.update(entry.get("options", {}))
    return found


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_the_specification_tells(role: str) -> None:
    defaults = load(PROJECT / "roles" / role / "defaults/main.yml") or {}
    described = {name: option["default"] for name, option in options(role).items() if "default" in option}
    assert {name: value for name, value in described.items() if "{{" not in str(value)} == {
        name: value for name, value in defaults.items() if "{{" not in str(value)
    }
    assert set(described) == set(defaults)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_a_readme_and_every_option_a_description(role: str) -> None:
    assert (PROJECT / "roles" / role / "README.md").stat().st_size > 0
    assert all(option.get("description") for option in options(role).values())


def test_defaults_of_the_roles_are_those_of_the_definition() -> None:
    variables: dict[str, t.Any] = {}
    for role in ("kafka", "zookeeper", "services", "clients"):
        variables.update({name: option["default"] for name, option in options(role).items() if "default" in option})
    variables["kafka_cluster_name"] = "kafka"
    definition, findings = _definition.read(variables)
    assert findings == []
    assert dataclasses.asdict(definition) == dataclasses.asdict(_definition.read({})[0])


def test_a_role_knows_every_variable_with_its_prefix_that_the_collection_reads() -> None:
    described = {name for role in ROLES for name in options(role)}
    source = (PROJECT / "plugins/module_utils/_definition.py").read_text(encoding="utf-8")
    read = set(re.findall(r'reader\.\w+\(\s*"((?:kafka|zookeeper|services|clients)_\w+)"', source))
    assert read
    assert read <= described
    ours = {name for name in described if name.startswith(_definition.PREFIXES)}
    assert ours <= read | set(_definition.OTHER_VARIABLES) | {"clients_producers", "clients_consumers", "zookeeper_volume"}


INVENTORIES = sorted(path.name for path in (PROJECT / "inventories").iterdir())


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_inventories_to_copy_hold_nothing_unknown(inventory: str) -> None:
    variables = load(PROJECT / "inventories" / inventory / "group_vars/all.yml")
    _found, findings = _definition.read({name: value for name, value in variables.items() if name.startswith(_definition.PREFIXES)})
    assert findings == []
