# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What is told of a cluster, and how it becomes variables again. Pure; private to the collection."""

from __future__ import annotations

import base64
import dataclasses
import re
import typing as t
import uuid

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_acls, _kafka_users
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_topics import TopicState, is_internal

PARTS = (
    "cluster", "quorum", "features", "topics", "partitions", "reassignments", "log_dirs", "groups", "users", "quotas", "acls", "configs",
)  # fmt: skip
"""What may be asked for."""


@dataclasses.dataclass(frozen=True)
class Page:
    """Which items to tell: those whose names match ``pattern`` and come after ``after``, at most ``limit`` (0: all)."""

    limit: int = 0
    after: str = ""
    pattern: str = ".*"

    def names(self, every: t.Iterable[str]) -> tuple[list[str], str]:
        """The names of this page, and after which name the next one begins, or nothing where this is the last."""
        try:
            expression = re.compile(self.pattern)
        except re.error as error:
            raise Refusal(f"pattern is no regular expression: {error}") from None
        found = sorted(name for name in every if name > self.after and expression.fullmatch(name))
        if self.limit and len(found) > self.limit:
            return found[: self.limit], found[self.limit - 1]
        return found, ""


def directory(number: uuid.UUID | None) -> str:
    """The id of a directory as Kafka writes it, in ``meta.properties`` too; empty where there is none."""
    return base64.urlsafe_b64encode(number.bytes).decode().rstrip("=") if number else ""


def directory_number(text: str) -> uuid.UUID:
    """The same the other way round."""
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def topic(name: str, state: TopicState, *, assignments: bool = False) -> dict[str, t.Any]:
    """A topic as ``kafka_topics`` takes it, with ``internal`` besides."""
    shown = {"name": name, **state.shown(), "internal": is_internal(name, state)}
    if assignments:
        shown["assignments"] = [list(partition.target) for partition in state.partitions]
    return shown


def troubled(name: str, state: TopicState, min_in_sync: int) -> list[dict[str, t.Any]]:
    """Those partitions of a topic that have no leader, or fewer replicas in sync than they have or need."""
    found = []
    for number, partition in enumerate(state.partitions):
        missing = len(partition.in_sync) < len(partition.target)
        too_few = len(partition.in_sync) < min_in_sync
        if missing or too_few or partition.leader < 0:
            found.append(
                {
                    "topic": name,
                    "partition": number,
                    "leader": partition.leader,
                    "replicas": list(partition.replicas),
                    "in_sync": list(partition.in_sync),
                    "min_in_sync": min_in_sync,
                    "offline": partition.leader < 0,
                    "under_replicated": missing,
                    "under_min_in_sync": too_few,
                }
            )
    return found


def quota(who: _kafka_users.Entity, limits: t.Mapping[str, float]) -> dict[str, t.Any]:
    """A quota as ``kafka_users`` takes it."""
    names = {kind.replace("-", "_"): _kafka_users.DEFAULT if name is None else name for kind, name in who}
    # Whole numbers are written as such.
    return {**names, **{key: int(value) if value == int(value) else value for key, value in sorted(limits.items())}}


def rules(found: t.Iterable[_kafka_acls.Rule]) -> list[dict[str, t.Any]]:
    """Access rules as ``kafka_acls`` takes them: one item for all operations on one thing."""
    grouped: dict[tuple[str, ...], list[str]] = {}
    for rule in sorted(found):
        key = (rule.resource_type, rule.resource_name, rule.pattern_type, rule.principal, rule.permission, rule.host)
        grouped.setdefault(key, []).append(rule.operation)
    fields = ("resource_type", "resource_name", "pattern_type", "principal", "permission", "host")
    return [{**dict(zip(fields, key)), "operations": operations} for key, operations in grouped.items()]


def export(info: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What ``kafka_info`` told, as variables that change nothing when they are applied.

    ``info``: the parts topics, users, quotas and acls, those that there are, each in one page. Passwords are known to
    nobody; users get a variable's name in place of one, to be defined by whoever takes the cluster over.
    """
    found: dict[str, t.Any] = {}
    if "topics" in info:
        found["kafka_topics"] = [_exported_topic(item) for item in info["topics"] if not item["internal"]]
    if "users" in info:
        found["kafka_users"] = [
            {
                "name": user["name"],
                "mechanisms": sorted(user["mechanisms"]),
                "iterations": max(user["mechanisms"].values()),
                "password": "{{ kafka_passwords['" + user["name"] + "'] }}",
            }
            for user in info["users"]
        ]
    if "quotas" in info:
        found["kafka_quotas"] = list(info["quotas"])
    if "acls" in info:
        found["kafka_acls"] = list(info["acls"])
    return found


def _exported_topic(item: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    found = {key: item[key] for key in ("name", "partitions", "replication_factor")}
    if isinstance(item["replication_factor"], list):
        # Its partitions differ: only an assignment says that.
        found = {"name": item["name"], "assignments": item["assignments"]}
    if item["config"]:
        found["config"] = dict(item["config"])
    return found
