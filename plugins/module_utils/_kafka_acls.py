# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What has to be done so that access rules are as wanted. Pure; private to the collection."""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal

RESOURCE_TYPES = {"topic": 2, "group": 3, "cluster": 4, "transactional_id": 5, "delegation_token": 6, "user": 7}
OPERATIONS = {
    "all": 2, "read": 3, "write": 4, "create": 5, "delete": 6, "alter": 7, "describe": 8, "cluster_action": 9,
    "describe_configs": 10, "alter_configs": 11, "idempotent_write": 12, "create_tokens": 13, "describe_tokens": 14,
}  # fmt: skip
PERMISSIONS = {"deny": 2, "allow": 3}
PATTERN_TYPES = {"literal": 3, "prefixed": 4}
"""Words of the options, and Kafka's codes (``org.apache.kafka.common.acl`` and ``resource``)."""

ANY = 1
CLUSTER_NAME = "kafka-cluster"
ANYONE = "User:*"

MEANINGFUL = {
    "topic": {"read", "write", "create", "describe", "delete", "alter", "describe_configs", "alter_configs"},
    "group": {"read", "describe", "delete", "describe_configs", "alter_configs"},
    "cluster": {"create", "cluster_action", "describe_configs", "alter_configs", "idempotent_write", "alter", "describe"},
    "transactional_id": {"describe", "write"},
    "delegation_token": {"describe"},
    "user": {"create_tokens", "describe_tokens"},
}
"""Operations that Kafka checks on each type of resource (``AclEntry.supportedOperations``); ``all`` besides."""

IMPLIED = {"describe": {"read", "write", "delete", "alter"}, "describe_configs": {"alter_configs"}}
"""What allowing others allows too (``AclAuthorizer``, ``StandardAuthorizer``)."""


@dataclasses.dataclass(frozen=True, order=True)
class Rule:
    """One access rule, in the words of the options."""

    resource_type: str
    resource_name: str
    pattern_type: str
    principal: str
    operation: str
    permission: str
    host: str = "*"

    def __str__(self) -> str:
        name = f"{self.resource_type} {self.resource_name}{'*' if self.pattern_type == 'prefixed' else ''}"
        return f"{self.permission} {self.principal} {self.operation} on {name}" + (f" from {self.host}" if self.host != "*" else "")

    def covers(self, other: Rule) -> bool:
        """Whether this rule holds wherever the other one does, whatever they permit."""
        return (
            self.resource_type == other.resource_type
            and self.principal in (ANYONE, other.principal)
            and self.host in ("*", other.host)
            and self.operation in ("all", other.operation)
            and self._names_cover(other)
        )

    def _names_cover(self, other: Rule) -> bool:
        if self.pattern_type == "prefixed":
            return other.resource_name.startswith(self.resource_name) and (other.pattern_type == "prefixed" or other.resource_name != "*")
        return self.resource_name == "*" or (other.pattern_type == "literal" and self.resource_name == other.resource_name)


@dataclasses.dataclass(frozen=True)
class Scope:
    """Which rules are managed as a whole; an empty field is any. ``limit``: how many may go at most."""

    limit: int
    resource_type: str = ""
    resource_name: str = ""
    pattern_type: str = ""
    principal: str = ""

    def has(self, rule: Rule) -> bool:
        """Whether a rule is within the scope."""
        fields = ("resource_type", "resource_name", "pattern_type", "principal")
        return all(getattr(self, field) in ("", getattr(rule, field)) for field in fields)


def scope(purge: t.Mapping[str, t.Any]) -> Scope:
    """A scope from the option ``purge`` of a module."""
    return Scope(limit=purge["limit"], **{key: value or "" for key, value in purge.items() if key != "limit"})


def read(items: t.Iterable[t.Mapping[str, t.Any]]) -> tuple[list[Rule], list[Rule]]:
    """Rules that are wanted, and rules that must not be, from the options of a module; an item may have several operations."""
    present: list[Rule] = []
    absent: list[Rule] = []
    for item in items:
        kind = item["resource_type"]
        name = item.get("resource_name") or (CLUSTER_NAME if kind == "cluster" else "")
        if not name:
            raise Refusal(f"a rule of {item['principal']} on a {kind} has no resource_name; write a name, or '*' for all of them")
        found = [
            Rule(kind, name, item.get("pattern_type") or "literal", item["principal"], operation, item.get("permission") or "allow", item.get("host") or "*")
            for operation in item["operations"]
        ]
        (absent if item.get("state") == "absent" else present).extend(found)
    both = sorted(set(present) & set(absent))
    if both:
        raise Refusal(f"a rule is wanted, and wanted away: {both[0]}")
    return list(dict.fromkeys(present)), list(dict.fromkeys(absent))


def plan(present: t.Sequence[Rule], absent: t.Sequence[Rule], there: t.Collection[Rule], purge: Scope | None = None) -> Plan:
    """The changes that lead to what is wanted; new rules come first, so that nobody loses a right in between."""
    found = Plan()
    for rule in present:
        if ":" not in rule.principal:
            # With ZooKeeper Kafka would refuse all rules that are sent together with this one.
            found.refused[str(rule)] = f"a principal has a type; write User:{rule.principal}"
        elif rule not in there:
            found.changes.append(Change(str(rule), "create", "create", rule))
            found.show(str(rule), None, True)
    doomed = [rule for rule in absent if rule in there]
    if purge:
        beside = sorted(rule for rule in there if purge.has(rule) and rule not in present and rule not in doomed)
        if len(beside) > purge.limit:
            shown = "; ".join(map(str, beside[:5])) + (" ..." if len(beside) > 5 else "")
            raise Refusal(
                f"purge would delete {len(beside)} rules, and purge.limit is {purge.limit}: {shown}. Nothing was changed. "
                "Mend: put what is to stay on the list, narrow the scope, or raise purge.limit."
            )
        doomed += beside
    for rule in doomed:
        found.changes.append(Change(str(rule), "delete", "delete", rule))
        found.show(str(rule), True, None)
    return found


def after(found: Plan, there: t.Iterable[Rule]) -> set[Rule]:
    """The rules once a plan is carried out."""
    created = {change.data for change in found.changes if change.kind == "create"}
    return (set(there) | created) - {change.data for change in found.changes if change.kind == "delete"}


def never_match(rules: t.Iterable[Rule]) -> list[tuple[Rule, str]]:
    """Rules that no request ever meets, or that change nothing, and why."""
    found = []
    every = list(rules)
    denied = [rule for rule in every if rule.permission == "deny"]
    for rule in every:
        reason = _pointless(rule)
        if not reason and rule.permission == "allow":
            reason = next((f"'{other}' takes all of it away" for other in denied if other.covers(rule)), "")
        if reason:
            found.append((rule, reason))
    return found


def _pointless(rule: Rule) -> str:
    if rule.operation != "all" and rule.operation not in MEANINGFUL[rule.resource_type]:
        return f"Kafka never checks {rule.operation} on a {rule.resource_type}; it checks {', '.join(sorted(MEANINGFUL[rule.resource_type]))}"
    if rule.resource_type == "cluster" and not _names_cluster(rule):
        return f"the cluster as a resource is called {CLUSTER_NAME}"
    if rule.pattern_type == "prefixed" and rule.resource_name == "*":
        return "it holds for names that begin with an asterisk; for all names write '*' with pattern_type literal"
    if rule.host != "*" and not _is_address(rule.host):
        return "Kafka compares with the address that a client connects from; write an address, and not a name or a network"
    return ""


def _names_cluster(rule: Rule) -> bool:
    if rule.pattern_type == "prefixed":
        return CLUSTER_NAME.startswith(rule.resource_name)
    return rule.resource_name in (CLUSTER_NAME, "*")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def lockouts(before: t.Collection[Rule], later: t.Collection[Rule], operator: str, super_users: t.Collection[str] = ()) -> list[str]:
    """What ``operator`` may no longer do about access rules afterwards. ``operator``: a principal, or empty where unknown."""
    if not operator or operator in super_users:
        return []
    needed = [Rule("cluster", CLUSTER_NAME, "literal", operator, operation, "allow") for operation in ("alter", "describe")]
    lost = [rule.operation for rule in needed if _allows(before, rule) and not _allows(later, rule)]
    if not lost:
        return []
    return [f"{operator}, who does this now, loses {' and '.join(lost)} on the cluster, and can then neither see nor change these rules any more"]


def _allows(rules: t.Collection[Rule], wanted: Rule) -> bool:
    if any(rule.permission == "deny" and rule.covers(wanted) for rule in rules):
        return False
    enough = {wanted.operation, *IMPLIED.get(wanted.operation, ())}
    ways = [dataclasses.replace(wanted, operation=operation) for operation in enough]
    return any(rule.permission == "allow" and rule.covers(way) for rule in rules for way in ways)
