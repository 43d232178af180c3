# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Whatever an inventory or a survey holds, at whichever option: there are findings, never a traceback, and they are short.

The options come from the roles' argument specifications, so that new ones are tried too.
"""

from __future__ import annotations

import datetime
import json
import pathlib
import typing as t

import hypothesis
import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import trust_as_template
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _findings_table, _validate
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._definition import PREFIXES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from hypothesis import strategies as st

ROOT = pathlib.Path(__file__).resolve().parents[4]


def specified() -> dict[str, dict[str, t.Any]]:
    """Every variable that describes a cluster."""
    found: dict[str, dict[str, t.Any]] = {}
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"].values():
            found.update({name: option for name, option in entry.get("options", {}).items() if name.startswith(PREFIXES)})
    return found


OPTIONS = specified()

TEXTS = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(categories=["Cs", "Cc", "Zs", "Lo"]), max_size=5),
    st.sampled_from(["", " ", "true", "no", "0", "-1", "9092", "1e9", "3.9", "3.9.2", "4.1.2", "broker", "A", "a-b", "a.b", "[::1]", "{id}", "{{ x }}"]),
    st.sampled_from(["\x00", "\ud800", "é" * 40, "kafka\n", "10Gi", "1g", "node_port", "load_balancer", "zookeeper", "kraft", "/a", "a:1/b,c:1/b"]),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, 1, 3, 9092, 65536]),
    st.floats(),
    TEXTS,
    TEXTS.map(wrap_var),
    TEXTS.map(trust_as_template),
    st.binary(max_size=5),
    st.dates(),
    st.datetimes(),
)
KEYS = SCALARS.filter(lambda key: key == key)
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4) | st.tuples(inner), max_leaves=8)


def values(option: dict[str, t.Any]) -> st.SearchStrategy[t.Any]:
    """Values for one option: mostly of its shape, with anything inside."""
    nested = option.get("options")
    inner: st.SearchStrategy[t.Any] = ANYTHING
    if option.get("choices"):
        inner = st.sampled_from(option["choices"]) | ANYTHING
    if nested:
        inner = st.fixed_dictionaries({}, optional={name: values(below) for name, below in nested.items()}) | ANYTHING
    if option.get("type") == "list":
        return st.lists(inner | st.integers(0, 5), max_size=4) | ANYTHING
    if option.get("type") == "int":
        return st.integers(-1, 70_000) | ANYTHING
    return inner


VARIABLES = st.fixed_dictionaries({}, optional={name: values(option) for name, option in OPTIONS.items()})


def check(variables: t.Any) -> list[Finding]:
    plan, findings = _validate.validate(variables)
    for finding in findings:
        assert all((finding.rule, finding.where, finding.message, finding.fix))
        assert len(finding.message) <= 1000
    json.dumps(_findings_table.merged(findings))
    json.dumps(plan.as_dict())
    return findings


@hypothesis.settings(max_examples=400, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(VARIABLES)
def test_any_value_at_any_option(variables: dict[str, t.Any]) -> None:
    check(variables)


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(st.dictionaries(KEYS | st.sampled_from(sorted(OPTIONS)), ANYTHING, max_size=6) | ANYTHING)
def test_any_variables_at_all(variables: t.Any) -> None:
    check(variables)


def deep(levels: int, kind: str) -> t.Any:
    value: t.Any = "x"
    for _level in range(levels):
        value = [value] if kind == "list" else {"a": value}
    return value


def endless() -> t.Any:
    value: list[t.Any] = []
    value.append(value)
    return value


LARGE: list[tuple[str, t.Any]] = [
    ("ten megabytes of text", "x" * 10_000_000),
    ("ten megabytes of commas", "," * 10_000_000),
    ("a number of ten thousand digits", 10**10_000),
    ("the same as text", "1" * 10_000),
    ("nested lists", deep(100_000, "list")),
    ("nested dictionaries", deep(100_000, "dict")),
    ("a list in itself", endless()),
    ("a hundred thousand numbers", list(range(100_000))),
    ("a hundred thousand of nothing", [None] * 100_000),
    ("a hundred thousand dictionaries", [{} for _number in range(100_000)]),
    ("a hundred thousand keys", {f"key.{number}": number for number in range(100_000)}),
    ("a hundred thousand numbers as keys", dict.fromkeys(range(100_000), "x")),
]


def places(options: dict[str, dict[str, t.Any]], depth: int = 0) -> t.Iterator[tuple[str, t.Callable[[t.Any], t.Any]]]:
    """Every option, also those inside of others, and how a value gets there."""
    for name, option in options.items():
        yield name, lambda value, name=name: {name: value}
        if option.get("options"):
            for below, put in places(option["options"], depth + 1):
                in_list = option.get("type") == "list"
                yield f"{name}.{below}", lambda value, name=name, put=put, in_list=in_list: {name: [put(value)] if in_list else put(value)}


@pytest.mark.parametrize("large", LARGE, ids=[name for name, _value in LARGE])
def test_anything_large_at_every_option(large: tuple[str, t.Any]) -> None:
    for place, put in places(OPTIONS):
        plan, findings = _validate.validate(put(large[1]))
        said = json.dumps(_findings_table.merged(findings))
        assert len(said) < 100_000, place
        assert plan.cluster


def test_what_yaml_makes_of_an_inventory(tmp_path: pathlib.Path) -> None:
    """Dates, octal numbers, yes and no, tagged strings: as Ansible itself loads them."""
    text = """
    kafka_version: 2024-01-01
    kafka_cluster_name: !unsafe "{{ x }}"
    kafka_node_pools: [{name: yes, node_ids: [0o7, 1_000, 1e3, .nan, 12:30:45], heap: 010}]
    kafka_listeners: [{name: ~, port: 0x10, advertised_hosts: {1: 2024-01-01T00:00:00Z, ~: a}}]
    kafka_config: {2024-01-01: .inf, ? [a, b] : c, num.io.threads: !unsafe 0}
    """.replace("? [a, b] : c, ", "")
    path = tmp_path / "all.yml"
    path.write_text(text, encoding="utf-8")
    found = check(DataLoader().load_from_file(str(path)))
    wheres = {finding.where for finding in found}
    assert {"kafka_version", "kafka_cluster_name", "kafka_node_pools[0].name", "kafka_listeners[0].name"} <= wheres


def test_no_secret_of_a_wrong_type_is_said() -> None:
    secret = {"ssl.keystore.password": {"hunter2": "hunter2"}, "sasl.jaas.config": [["hunter2"]], "ssl.key.password": "hunter2\nhunter2"}
    for name in ("kafka_config", "zookeeper_config"):
        assert "hunter2" not in json.dumps([finding.as_dict() for finding in check({name: secret})])


def test_a_moment_in_a_survey_is_no_release() -> None:
    assert [finding.rule for finding in check({"kafka_version": datetime.date(2024, 1, 1)})][:1] == ["INPUT-TYPE"]
