# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables are described once and described truly."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _definition, _validate
from jinja2.nativetypes import NativeEnvironment

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
    source = "".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "plugins/module_utils").glob("_definition*.py")))
    read = set(re.findall(r'reader\.\w+\(\s*"((?:kafka|zookeeper|services|clients)_\w+)"', source))
    assert read
    assert read <= described
    ours = {name for name in described if name.startswith(_definition.PREFIXES)}
    assert ours <= read | set(_definition.OTHER_VARIABLES) | set(_definition.DECLARED) | {"clients_producers", "clients_consumers", "zookeeper_volume"}


INVENTORIES = sorted(path.name for path in (PROJECT / "inventories").iterdir())


def templated(value: t.Any, variables: dict[str, t.Any]) -> t.Any:
    """The value with its references to other variables resolved, as Ansible would."""
    if isinstance(value, dict):
        return {key: templated(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [templated(item, variables) for item in value]
    return NativeEnvironment().from_string(value).render(variables, lookup=lambda *_of: "") if isinstance(value, str) else value


@pytest.mark.parametrize("inventory", INVENTORIES)
def test_nothing_is_to_be_said_about_inventories_to_copy(inventory: str) -> None:
    passwords = {"vault_admin_password": "only-for-this-test", "vault_shop_password": "only-for-this-test"}
    variables = {**load(PROJECT / "inventories" / inventory / "group_vars/all.yml"), **passwords}
    ours = {name: templated(value, variables) for name, value in variables.items() if name.startswith(_definition.PREFIXES)}
    _plan, findings = _validate.validate({"kafka_cluster_name": "events", **ours})
    assert [finding for finding in findings if finding.severity != "info"] == []
