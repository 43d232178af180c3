# SPDX-License-Identifier: GPL-3.0-or-later
"""What a guide shows can be copied, and where it links to is there."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates as made

PROJECT = pathlib.Path(__file__).resolve().parents[2]
GUIDES = ("drain.md", "listeners.md", "replace.md", "roll.md", "scale.md", "security.md", "volumes.md")
MODULES = {path.stem for path in (PROJECT / "plugins/modules").glob("*.py")}
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What the examples look up; a certificate must cover what its nodes are told by.
NAMES = [f"kafka-node-{node}-0.kafka-broker-nodes.kafka.svc.cluster.local" for node in range(3)]
LOOKED_UP = {
    "ca.crt": made.root().pem,
    "kafka.crt": made.pem(made.server(made.root(), names=(*NAMES, "kafka-bootstrap.kafka.svc.cluster.local"))),
    "vault_kafka_key": made.key_pem(made.key("kafka-0")),
    "vault_plain_jaas": "org.apache.kafka.common.security.plain.PlainLoginModule required;",
    "": "looked-up-password",
}


def text(guide: str) -> str:
    return (PROJECT / "docs" / guide).read_text(encoding="utf-8")


def filled(value: t.Any) -> t.Any:
    """The value with something in the place of each variable and lookup."""
    if isinstance(value, dict):
        return {key: filled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each) for each in value]
    if isinstance(value, str) and "{{" in value:
        return next(found for name, found in LOOKED_UP.items() if name in value)
    return value


EXAMPLES = [(guide, block) for guide in GUIDES for block in BLOCK.findall(text(guide))]


@pytest.mark.parametrize(("guide", "block"), EXAMPLES)
def test_an_example_can_be_copied(guide: str, block: str) -> None:
    variables = filled(yaml.safe_load(block))
    _plan, findings = _validate.validate(variables)
    assert [finding for finding in findings if finding.severity != "info"] == []


def test_the_example_with_given_certificates_was_opened() -> None:
    (block,) = (block for _guide, block in EXAMPLES if "kafka_tls_source: given" in block)
    _plan, findings = _validate.validate(filled(yaml.safe_load(block.replace("vault_kafka_key", "vault_other"))))
    assert {finding.rule for finding in findings if finding.severity == "error"} == {"TLS-UNREADABLE"}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide: str) -> None:
    links = re.findall(r"\]\(([^)#]+)", text(guide))
    assert links
    assert [link for link in links if not (PROJECT / "docs" / link).exists()] == []


@pytest.mark.parametrize("guide", GUIDES)
def test_every_variable_and_rule_that_is_named_is_known(guide: str) -> None:
    described = "".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "roles").glob("*/meta/argument_specs.yml")))
    named = set(re.findall(r"\b(?:kafka|zookeeper|services)_[a-z_]+[a-z]\b", text(guide)))
    assert {name for name in named - MODULES if name not in described} == set()
    # CLUSTER and POOL begin the names of objects.
    rules = set(re.findall(r"`(?!CLUSTER-|POOL-)([A-Z]+-[A-Z-]+)`", text(guide)))
    assert {rule for rule in rules if rule not in text("rules.md")} == set()
