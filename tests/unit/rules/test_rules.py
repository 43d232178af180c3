# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Every rule has a case that must fail and a near twin that must pass, and a place in the document."""

from __future__ import annotations

import ast
import importlib.util
import pathlib
import re
import types
import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._broker_config import SUBJECTS, check
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import RULES as CLUSTER_RULES
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import SUBJECTS as CLUSTER_SUBJECTS
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._cluster_rules import Rule as ClusterRule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._registry import BASES, RULES, Rule, steps
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import MINORS, minor_of, minor_text
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._zookeeper_config import ZOO_RULES, ZooRule, check_server
from unit.rules.patches import findings_of

ROOT = pathlib.Path(__file__).resolve().parents[3]
IDS = [f"{rule.id}-{rule.title}" for rule in RULES]
CLUSTER_IDS = [f"{rule.id}-{rule.severity}" for rule in CLUSTER_RULES]


def refusals(findings: t.Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == "error" and finding.stage == "config"]


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_wrong_side_breaks_the_rule(rule: Rule) -> None:
    found = check(rule.example.properties(rule.example.wrong), rule.example.release)
    mine = [finding for finding in found if (finding.rule, finding.severity, finding.stage) == (rule.id, rule.severity, rule.stage)]
    assert mine
    if rule.severity != "error" or rule.stage != "config":
        # Kafka accepts it: only then is it this rule that has something to say.
        assert refusals(found) == []
    else:
        assert {finding.rule for finding in refusals(found)} == {rule.id}


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_right_side_does_not(rule: Rule) -> None:
    found = check(rule.example.properties(rule.example.right), rule.example.release)
    assert [finding for finding in found if finding.rule == rule.id] == []
    assert refusals(found) == []


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_both_sides_differ_in_little(rule: Rule) -> None:
    wrong, right = (rule.example.properties(side) for side in (rule.example.wrong, rule.example.right))
    differing = [key for key in {**wrong, **right} if wrong.get(key) != right.get(key)]
    assert 1 <= len(differing) <= 3


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_the_rule_is_complete(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9.-]+", rule.id)
    assert rule.since <= rule.until
    assert rule.applies(minor_of(rule.example.release))
    assert rule.example.base in BASES
    assert rule.step in steps(MINORS[-1])
    assert all((rule.title, rule.consequence, rule.fix, rule.source))
    assert rule.check.__doc__ or "<locals>" in rule.check.__qualname__
    assert rule.check.__module__ in [module.__name__ for _title, module in SUBJECTS]


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.severity == "error" and rule.stage == "config"], ids=lambda rule: rule.id)
def test_a_rule_is_silent_in_releases_it_is_not_for(rule: Rule) -> None:
    for minor in MINORS:
        found = check(rule.example.properties(rule.example.wrong), minor_text(minor))
        if not rule.applies(minor):
            others = [other for other in RULES if other.id == rule.id and other.applies(minor)]
            assert others or rule.id not in [finding.rule for finding in found], minor


@pytest.mark.parametrize("rule", ZOO_RULES, ids=lambda rule: rule.id)
def test_zookeeper_rules_have_both_sides(rule: ZooRule) -> None:
    example = rule.example
    wrong = check_server(example.lines(example.wrong), example.wrong_myid, example.version)
    right = check_server(example.lines(example.right), example.myid, example.version)
    assert rule.id in [finding.rule for finding in wrong]
    assert rule.id not in [finding.rule for finding in right]
    assert refusals(right) == []
    if rule.severity != "error" or rule.stage != "config":
        assert refusals(wrong) == []


@pytest.mark.parametrize("rule", CLUSTER_RULES, ids=CLUSTER_IDS)
def test_a_rule_of_layer_2_tells_wrong_from_right(rule: ClusterRule) -> None:
    wrong, right = ([(finding.rule, finding.severity, finding.stage) for finding in findings_of(rule.example, side)] for side in rule.example[1:3])
    assert (rule.id, rule.severity, rule.stage) in wrong
    assert (rule.id, rule.severity, rule.stage) not in right


@pytest.mark.parametrize("rule", CLUSTER_RULES, ids=CLUSTER_IDS)
def test_the_rule_of_layer_2_is_complete(rule: ClusterRule) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9.-]+", rule.id)
    assert all((rule.about.endswith("."), rule.consequence.endswith((".", "'")), rule.problems.__doc__))
    assert rule.problems.__module__ in [module.__name__ for _title, module in CLUSTER_SUBJECTS]
    assert rule.example.wrong != rule.example.right
    assert set(rule.instead_of) <= {each.id for each in [*RULES, *ZOO_RULES]}


def test_no_two_rules_of_layer_2_have_the_same_id_and_severity() -> None:
    names = [(rule.id, rule.severity, rule.subject) for rule in CLUSTER_RULES]
    assert len(set(names)) == len(names)


def test_no_two_rules_have_the_same_id_and_title() -> None:
    names = [(rule.id, rule.title) for rule in RULES] + [(rule.id, rule.title) for rule in ZOO_RULES]
    assert len(set(names)) == len(names)


def test_no_module_of_rules_is_long() -> None:
    for path in (ROOT / "plugins" / "module_utils").glob("_*rules/*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 550, path.name


def generator() -> types.ModuleType:
    specification = importlib.util.spec_from_file_location("generate_rules", ROOT / "docs" / "generate_rules.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_document_is_current() -> None:
    """After a change to a rule: ``PYTHONPATH=collections python docs/generate_rules.py``."""
    assert (ROOT / "docs" / "rules.md").read_text(encoding="utf-8") == generator().document()


def findings_in_code() -> set[str]:
    """The ids that stand in the calls that make findings."""
    calls = [
        call
        for path in (ROOT / "plugins/module_utils").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Finding"
    ]
    ids = [next(iter([*call.args[:1], *(each.value for each in call.keywords if each.arg == "rule")]), None) for call in calls]
    return {each.value for each in ids if isinstance(each, ast.Constant)}


def test_every_finding_is_in_the_document() -> None:
    document = set(re.findall(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+", (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")))
    found = findings_in_code()
    assert {"AUTHORITY-LOST", "RELEASE-UNKNOWN"} <= found
    assert found - document == set()
