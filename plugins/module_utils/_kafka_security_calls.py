# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Requests about users, quotas and access rules, and their answers in plain types. Private to the collection."""

from __future__ import annotations

import collections
import functools
import os
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_acls, _kafka_client, _kafka_users
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_acls import Rule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_calls import at_once
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Refused
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_road import CONTROLLER, Road, RoadError, refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_users import Entity

SALT_BYTES = 24
SECURITY_DISABLED = 54
"""The error where the brokers have no authorizer."""

DEFAULT_NAME, ANY_NAME = 1, 2
"""Which names DescribeClientQuotas looks for."""

_RESOURCE = {code: word for word, code in _kafka_acls.RESOURCE_TYPES.items()}
_OPERATION = {code: word for word, code in _kafka_acls.OPERATIONS.items()}
_PERMISSION = {code: word for word, code in _kafka_acls.PERMISSIONS.items()}
_PATTERN = {code: word for word, code in _kafka_acls.PATTERN_TYPES.items()}
_MECHANISM = {code: word for word, (code, _hash) in _kafka_users.MECHANISMS.items()}


def rules(road: Road) -> set[Rule]:
    """Every access rule of the cluster."""
    protocol = _kafka_client.admin

    def request() -> t.Any:
        return protocol.DescribeAclsRequest(
            resource_type_filter=_kafka_acls.ANY,
            resource_name_filter=None,
            pattern_type_filter=_kafka_acls.ANY,
            principal_filter=None,
            host_filter=None,
            operation=_kafka_acls.ANY,
            permission_type=_kafka_acls.ANY,
        )

    answer = road.send("list the access rules", request)
    if answer.error_code == SECURITY_DISABLED:
        raise RoadError("list the access rules: the brokers have no authorizer; set authorizer.class.name in kafka_config and roll them")
    if answer.error_code:
        raise RoadError(f"list the access rules: {refusal(answer.error_code, answer.error_message)}")
    return {
        Rule(
            _RESOURCE[resource.resource_type],
            resource.resource_name,
            _PATTERN[resource.pattern_type],
            acl.principal,
            _OPERATION[acl.operation],
            _PERMISSION[acl.permission_type],
            acl.host,
        )
        for resource in answer.resources
        for acl in resource.acls
    }


def write_rules(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    """Make the changes of ``_kafka_acls.plan``; Kafka has no way to ask what it would say."""
    if check:
        return {}
    refused: Refused = {}
    for group in at_once([change for change in changes if change.kind == "create"]):
        answer = road.send("create access rules", functools.partial(_creations, group), CONTROLLER, writes=True)
        for change, result in zip(group, answer.results):
            if result.error_code:
                refused[change] = refusal(result.error_code, result.error_message)
    for group in at_once([change for change in changes if change.kind == "delete"]):
        answer = road.send("delete access rules", functools.partial(_filters, group), CONTROLLER, writes=True)
        for change, result in zip(group, answer.filter_results):
            said = [refusal(each.error_code, each.error_message) for each in (result, *result.matching_acls) if each.error_code]
            if said:
                refused[change] = "; ".join(said)
    return refused


def _needs_version(group: t.Sequence[Change]) -> int:
    return 3 if any(change.data.resource_type == "user" for change in group) else 1


def _creations(group: t.Sequence[Change]) -> t.Any:
    protocol = _kafka_client.admin
    creations = [
        protocol.CreateAclsRequest.AclCreation(
            resource_type=_kafka_acls.RESOURCE_TYPES[change.data.resource_type],
            resource_name=change.data.resource_name,
            resource_pattern_type=_kafka_acls.PATTERN_TYPES[change.data.pattern_type],
            principal=change.data.principal,
            host=change.data.host,
            operation=_kafka_acls.OPERATIONS[change.data.operation],
            permission_type=_kafka_acls.PERMISSIONS[change.data.permission],
        )
        for change in group
    ]
    return protocol.CreateAclsRequest(creations=creations, min_version=_needs_version(group))


def _filters(group: t.Sequence[Change]) -> t.Any:
    protocol = _kafka_client.admin
    filters = [
        protocol.DeleteAclsRequest.DeleteAclsFilter(
            resource_type_filter=_kafka_acls.RESOURCE_TYPES[change.data.resource_type],
            resource_name_filter=change.data.resource_name,
            pattern_type_filter=_kafka_acls.PATTERN_TYPES[change.data.pattern_type],
            principal_filter=change.data.principal,
            host_filter=change.data.host,
            operation=_kafka_acls.OPERATIONS[change.data.operation],
            permission_type=_kafka_acls.PERMISSIONS[change.data.permission],
        )
        for change in group
    ]
    return protocol.DeleteAclsRequest(filters=filters, min_version=_needs_version(group))


def credentials(road: Road) -> dict[str, dict[str, int]]:
    """Iterations of every SCRAM credential, by user and mechanism."""
    answer = road.send("list the users", functools.partial(_kafka_client.admin.DescribeUserScramCredentialsRequest, users=None))
    if answer.error_code:
        raise RoadError(f"list the users: {refusal(answer.error_code, answer.error_message)}")
    known = [result for result in answer.results if not result.error_code]
    return {result.user: {_MECHANISM[each.mechanism]: each.iterations for each in result.credential_infos} for result in known}


def write_users(road: Road, changes: t.Sequence[Change], check: bool, records: dict[str, dict[str, str]]) -> Refused:
    """Make the changes of ``_kafka_users.plan_users`` and keep ``records`` up to date; Kafka cannot be asked what it would say."""
    if check:
        return {}
    refused: Refused = {}
    for group in _each_user_once(changes):
        fresh = {change: os.urandom(SALT_BYTES) for change in group if change.kind == "set"}
        hashing = ((change.data[1], change.data[0].password, salt, change.data[0].iterations) for change, salt in fresh.items())
        _kafka_users.hash_ahead(_kafka_users.salted, hashing)
        answer = road.send("change users", functools.partial(_credentials, group, fresh), CONTROLLER, writes=True)
        said = {result.user: refusal(result.error_code, result.error_message) for result in answer.results if result.error_code}
        for change in group:
            if change.item in said:
                refused[change] = said[change.item]
            elif change.kind == "set":
                user, mechanism = change.data
                records.setdefault(user.name, {})[mechanism] = _kafka_users.record(mechanism, user.password, fresh[change], user.iterations)
            else:
                records.get(change.item, {}).pop(change.data[1], None)
    return refused


def _each_user_once(changes: t.Sequence[Change]) -> t.Iterator[list[Change]]:
    """Groups in which no user stands twice: KRaft refuses both changes then (``ScramControlManager``)."""
    turns: dict[int, list[Change]] = {}
    seen: collections.Counter[str] = collections.Counter()
    for change in changes:
        turns.setdefault(seen[change.item], []).append(change)
        seen[change.item] += 1
    for turn in turns.values():
        yield from at_once(turn)


def _credentials(group: t.Sequence[Change], salts: t.Mapping[Change, bytes]) -> t.Any:
    protocol = _kafka_client.admin
    upsertions, deletions = [], []
    for change in group:
        code = _kafka_users.MECHANISMS[change.data[1]][0]
        if change.kind == "set":
            user, mechanism = change.data
            salted = _kafka_users.salted(mechanism, user.password, salts[change], user.iterations)
            upsertions.append((user.name, code, user.iterations, salts[change], salted))
        else:
            deletions.append((change.item, code))
    return protocol.AlterUserScramCredentialsRequest(deletions=deletions, upsertions=upsertions)


def quotas(road: Road) -> dict[Entity, dict[str, float]]:
    """Every quota, by entity."""
    found: dict[Entity, dict[str, float]] = {}
    # With ZooKeeper an address cannot be asked for together with a user or client.
    for kind in _kafka_users.ENTITY_TYPES:
        for match in (DEFAULT_NAME, ANY_NAME):
            component = (kind, match, None)
            answer = road.send(
                "list the quotas",
                functools.partial(_kafka_client.admin.DescribeClientQuotasRequest, components=[component], strict=False),
            )
            if answer.error_code:
                raise RoadError(f"list the quotas: {refusal(answer.error_code, answer.error_message)}")
            for entry in answer.entries or []:
                who = tuple(sorted(((each.entity_type, each.entity_name) for each in entry.entity), key=lambda pair: _kafka_users.ENTITY_TYPES.index(pair[0])))
                found[who] = {value.key: value.value for value in entry.values}
    return found


def write_quotas(road: Road, changes: t.Sequence[Change], check: bool) -> Refused:
    """Make the changes of ``_kafka_users.plan_quotas``."""
    refused: Refused = {}
    for group in at_once(changes):
        entries = [
            ([(kind, name) for kind, name in change.data[0]], [(key, value or 0.0, value is None) for key, value in change.data[1].items()]) for change in group
        ]
        answer = road.send(
            "change quotas",
            functools.partial(_kafka_client.admin.AlterClientQuotasRequest, entries=entries, validate_only=check),
            CONTROLLER,
            writes=not check,
        )
        by_entity = {frozenset(change.data[0]): change for change in group}
        for entry in answer.entries:
            if entry.error_code:
                who = frozenset((each.entity_type, each.entity_name) for each in entry.entity)
                refused[by_entity[who]] = refusal(entry.error_code, entry.error_message)
    return refused
