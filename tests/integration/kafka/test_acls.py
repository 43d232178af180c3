# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""kafka_acls against real authorizers; what is there is read by Kafka's own ``AclCommand``."""

from __future__ import annotations

import re
import typing as t

import pytest
from brokers import ADMIN, ADMIN_PASSWORD, Cluster
from conftest import call, thrice

# The tool moved with 4.0.
ACL_COMMANDS = {"3": "kafka.admin.AclCommand", "4": "org.apache.kafka.tools.AclCommand"}


def listed(cluster: Cluster, principal: str) -> set[tuple[str, ...]]:
    """Rules of a principal as Kafka's own tool tells them: type, name, pattern, operation, permission, host."""
    text = cluster.tool(ACL_COMMANDS[cluster.release[0]], "--list")
    found = set()
    resource: tuple[str, ...] = ()
    for line in text.splitlines():
        head = re.search(r"resourceType=(\w+), name=(.+?), patternType=(\w+)", line)
        rule = re.search(r"\(principal=(.+?), host=(.+?), operation=(\w+), permissionType=(\w+)\)", line)
        if head:
            resource = head.groups()
        elif rule and rule[1] == principal:
            found.add((*resource, rule[3], rule[4], rule[2]))
    return found


KINDS: list[tuple[dict[str, t.Any], set[tuple[str, ...]]]] = [
    (
        {"resource_type": "topic", "resource_name": "orders", "operations": ["read", "write", "describe_configs"]},
        {("TOPIC", "orders", "LITERAL", operation, "ALLOW", "*") for operation in ("READ", "WRITE", "DESCRIBE_CONFIGS")},
    ),
    (
        {"resource_type": "topic", "resource_name": "pay", "pattern_type": "prefixed", "operations": ["all"], "permission": "deny", "host": "192.0.2.7"},
        {("TOPIC", "pay", "PREFIXED", "ALL", "DENY", "192.0.2.7")},
    ),
    (
        {"resource_type": "group", "resource_name": "*", "operations": ["read", "delete"]},
        {("GROUP", "*", "LITERAL", each, "ALLOW", "*") for each in ("READ", "DELETE")},
    ),
    (
        {"resource_type": "cluster", "operations": ["alter", "create", "cluster_action", "idempotent_write", "alter_configs"]},
        {("CLUSTER", "kafka-cluster", "LITERAL", each, "ALLOW", "*") for each in ("ALTER", "CREATE", "CLUSTER_ACTION", "IDEMPOTENT_WRITE", "ALTER_CONFIGS")},
    ),
    (
        {"resource_type": "transactional_id", "resource_name": "tx-", "pattern_type": "prefixed", "operations": ["write", "describe"]},
        {("TRANSACTIONAL_ID", "tx-", "PREFIXED", each, "ALLOW", "*") for each in ("WRITE", "DESCRIBE")},
    ),
    (
        {"resource_type": "delegation_token", "resource_name": "token", "operations": ["describe"]},
        {("DELEGATION_TOKEN", "token", "LITERAL", "DESCRIBE", "ALLOW", "*")},
    ),
    (
        {"resource_type": "user", "resource_name": "User:other", "operations": ["create_tokens", "describe_tokens"]},
        {("USER", "User:other", "LITERAL", each, "ALLOW", "*") for each in ("CREATE_TOKENS", "DESCRIBE_TOKENS")},
    ),
]


def test_every_kind_of_rule(cluster: Cluster, name: str) -> None:
    principal = f"User:{name}"
    rules = [{"principal": principal, **rule} for rule, _expected in KINDS]
    expected = set().union(*(found for _rule, found in KINDS))
    done = thrice("kafka_acls", cluster, acls=rules)
    assert len(done.changes) == len(expected)
    assert f"allow {principal} read on topic orders" in done.changes
    assert listed(cluster, principal) == expected

    # Exactly the rules that are named go.
    done = thrice("kafka_acls", cluster, acls=[{**rules[0], "operations": ["write"], "state": "absent"}])
    assert done.changes == {f"allow {principal} write on topic orders": ["delete"]}
    assert listed(cluster, principal) == expected - {("TOPIC", "orders", "LITERAL", "WRITE", "ALLOW", "*")}

    # All others of this principal go, and nobody else's.
    assert call("kafka_acls", cluster, acls=[{**rules[0], "principal": f"{principal}-2"}]).changed
    too_many = call("kafka_acls", cluster, acls=rules[:1], purge={"principal": principal, "limit": 3})
    assert "purge.limit is 3" in too_many.message
    thrice("kafka_acls", cluster, acls=rules[:1], purge={"principal": principal, "resource_type": "cluster", "limit": 5})
    assert listed(cluster, principal) == {rule for rule in expected if rule[0] != "CLUSTER"}
    thrice("kafka_acls", cluster, acls=rules[:1], purge={"principal": principal, "limit": 20})
    assert {rule[:2] for rule in listed(cluster, principal)} == {("TOPIC", "orders")}
    assert len(listed(cluster, f"{principal}-2")) == 3


def test_what_kafka_refuses_and_the_rest(cluster: Cluster, name: str) -> None:
    good = {"principal": f"User:{name}", "resource_type": "topic", "resource_name": "a", "operations": ["read"]}
    nameless = {**good, "principal": name}
    misnamed = {**good, "resource_type": "cluster", "resource_name": "other", "operations": ["create"]}
    refused = call("kafka_acls", cluster, acls=[good, nameless, misnamed])
    assert list(refused.changes) == [f"allow User:{name} read on topic a"]
    errors = {each["name"]: each["error"] for each in refused.values["results"] if "error" in each}
    assert errors[f"allow {name} read on topic a"] == f"a principal has a type; write User:{name}"
    assert "InvalidRequestError" in errors[f"allow User:{name} create on cluster other"]
    assert len(errors) == 2
    assert listed(cluster, f"User:{name}") == {("TOPIC", "a", "LITERAL", "READ", "ALLOW", "*")}


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([{"principal": "User:a", "resource_type": "topic", "operations": ["read"]}], "has no resource_name"),
        (
            [
                {"principal": "User:a", "resource_type": "topic", "resource_name": "x", "operations": ["read"], "state": state}
                for state in ("present", "absent")
            ],
            "a rule is wanted, and wanted away",
        ),
        ([{"principal": "User:a", "resource_type": "topic", "resource_name": "x", "operations": ["fly"]}], "value of operations must be one or more of"),
    ],
)
def test_a_wrong_list_is_refused_as_a_whole(newest: Cluster, name: str, rules: list[dict[str, t.Any]], message: str) -> None:
    good = {"principal": f"User:{name}", "resource_type": "topic", "resource_name": "a", "operations": ["read"]}
    assert message in call("kafka_acls", newest, acls=[good, *rules]).message
    assert listed(newest, f"User:{name}") == set()


def test_warnings(newest: Cluster, name: str) -> None:
    rule = {"principal": f"User:{name}", "resource_type": "topic", "resource_name": name, "operations": ["read"]}
    assert not call("kafka_acls", newest, check=True, acls=[rule]).warnings
    denied = call("kafka_acls", newest, check=True, acls=[rule, {**rule, "operations": ["all"], "permission": "deny"}])
    assert "takes all of it away" in denied.warnings
    # What no request meets: Kafka takes it all the same.
    assert "Kafka never checks create_tokens on a topic" in call("kafka_acls", newest, check=True, acls=[{**rule, "operations": ["create_tokens"]}]).warnings
    assert "write an address" in call("kafka_acls", newest, check=True, acls=[{**rule, "host": "app.example.com"}]).warnings


def test_a_lockout_is_foretold_by_what_then_happens(newest: Cluster, name: str) -> None:
    """Somebody with rights of his own takes them away from himself: told beforehand, and true afterwards."""
    assert call("kafka_users", newest, users=[{"name": name, "password": "pw-" + name}]).changed
    right = {"principal": f"User:{name}", "resource_type": "cluster", "operations": ["alter", "describe", "describe_configs"]}
    assert call("kafka_acls", newest, acls=[right]).changed
    himself = {
        "bootstrap_servers": [newest.address("SASL")],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_username": name,
        "sasl_password": "pw-" + name,
    }
    harmless = call("kafka_acls", newest, check=True, acls=[{**right, "operations": ["create"]}], **himself)
    assert harmless.changed
    assert not harmless.warnings
    assert not call("kafka_acls", newest, acls=[right], **himself).changed
    foretold = call("kafka_acls", newest, check=True, acls=[{**right, "state": "absent"}], **himself)
    assert f"User:{name}, who does this now, loses alter and describe on the cluster" in foretold.warnings
    assert call("kafka_acls", newest, acls=[{**right, "state": "absent"}]).changed
    assert "ClusterAuthorizationFailedError" in call("kafka_acls", newest, acls=[right], **himself).message
    # The brokers' super user needs no rule.
    admin = {**himself, "sasl_username": ADMIN, "sasl_password": ADMIN_PASSWORD}
    assert not call("kafka_acls", newest, check=True, acls=[right], **admin).warnings
