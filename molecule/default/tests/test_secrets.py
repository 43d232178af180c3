# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing secret shows: not in what playbooks print, not in what the namespace's other objects hold, not in a pod's command lines."""

from __future__ import annotations

import base64
import typing as t

import pytest
from conftest import SMALL

testinfra_hosts = ["local://"]

PLANTED = {
    "kafka_inter_broker_password": "planted-inter-broker-1",
    "kafka_secret_config": {"delegation.token.secret.key": "planted-secret-config-2"},
    "clients_producers": [
        {"name": "planted", "topic": "t", "user": "app", "password": "planted-application-3", "replicas": 0, "command": ["/opt/kafkaops/bin/start"]}
    ],
}
SECRET: dict[str, t.Any] = {
    **SMALL,
    **PLANTED,
    "kafka_namespace": "secret",
    "kafka_listeners": [{"name": "INTERNAL", "port": 9092, "security": "SASL_SSL"}],
    "kafka_authorization": "acl",
    "kafka_super_users": ["User:app"],
    "kafka_tls_clients": ["ops"],
}
LOUD = ("-vvv", "--diff")


def in_many_forms(word: str) -> set[str]:
    """A secret, and what it looks like in a Secret's data, wherever it begins."""
    forms = {word}
    for shift in range(3):
        forms.add(base64.b64encode(b"x" * shift + word.encode()).decode()[4:-4])
    return {form for form in forms if len(form) > 12}


@pytest.fixture(scope="module")
def outputs(ansible: t.Any, kubectl: t.Any) -> t.Iterator[dict[str, str]]:
    """What every playbook says of a cluster with planted secrets, at its loudest, also where it fails."""
    changed = {**SECRET, "kafka_config": {"num.io.threads": 5}}
    renewed = {**changed, "kafka_secret_config": {"delegation.token.secret.key": "planted-secret-config-4"}}
    broken = {**SECRET, "kafka_config": {"num.io.threads": 0}}
    found = {}
    for name, playbook, variables, code in [
        ("site.yml in check mode", "site.yml", {**SECRET, "check": True}, 0),
        ("site.yml", "site.yml", SECRET, 0),
        ("site.yml again", "site.yml", SECRET, 0),
        ("site.yml changed", "site.yml", changed, 0),
        ("site.yml with another secret", "site.yml", renewed, 0),
        ("site.yml with that again", "site.yml", renewed, 0),
        ("site.yml refused", "site.yml", broken, 2),
        ("site.yml with a bad password", "site.yml", {**SECRET, "kafka_inter_broker_password": "planted bad one"}, 2),
        ("site.yml without a way to the API server", "site.yml", {**SECRET, "kafka_kubeconfig": "/nowhere"}, 2),
        ("validate.yml", "playbooks/validate.yml", SECRET, 0),
        ("destroy.yml refused", "playbooks/destroy.yml", SECRET, 2),
    ]:
        check = ("--check",) if variables.pop("check", False) else ()
        run = ansible(playbook, *LOUD, *check, variables=variables, host="secret")
        assert run.code == code, run.output
        found[name] = run.output
    yield found
    kubectl("delete", "namespace", "secret", "--ignore-not-found")


@pytest.fixture(scope="module")
def words(outputs: dict[str, str], kubectl: t.Any) -> set[str]:
    """All that is secret in the namespace: what was planted, and every key that was made."""
    found = {"planted-inter-broker-1", "planted-secret-config-2", "planted-secret-config-4", "planted-application-3", "planted bad one"}
    for secret in kubectl.json("secret", "-n", "secret")["items"]:
        for name, value in secret["data"].items():
            text = base64.b64decode(value).decode()
            if "PRIVATE KEY" in text:
                found.add(text.split("PRIVATE KEY-----")[1].splitlines()[1])
            elif name == "inter-broker-password":
                found.add(text)
    assert len(found) >= 7, "an authority's, a node's and a client's key are among them"
    return found


def test_no_playbook_prints_a_secret(outputs: dict[str, str], words: set[str]) -> None:
    shown = {(name, word) for name, output in outputs.items() for word in words for form in in_many_forms(word) if form in output}
    assert not shown


def test_a_node_takes_a_changed_secret_over(outputs: dict[str, str]) -> None:
    assert "secret-node-7 restarted (configuration)" in outputs["site.yml with another secret"]
    assert "changed=0" in outputs["site.yml with that again"]


def test_no_other_object_holds_a_secret(outputs: dict[str, str], words: set[str], kubectl: t.Any) -> None:
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    everything = kubectl("get", ",".join(kind for kind in kinds if kind != "secrets"), "-n", "secret", "-o", "yaml")
    assert "secret-node-7" in everything
    assert not {word for word in words for form in in_many_forms(word) if form in everything}


def test_no_process_shows_a_secret(outputs: dict[str, str], words: set[str], kubectl: t.Any) -> None:
    seen = kubectl("exec", "-n", "secret", "secret-node-7-0", "--", "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/1/environ | tr '\\0' ' '")
    log = kubectl("logs", "-n", "secret", "secret-node-7-0")
    assert "kafka.Kafka" in seen
    assert not {word for word in words for form in in_many_forms(word) if form in seen + log}
