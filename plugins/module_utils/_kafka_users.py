# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What has to be done so that SCRAM users and quotas are as wanted. Pure; private to the collection.

Kafka tells of a credential only its mechanism and iterations. Whether a password changed is told by a *record*:
``iterations$salt$digest``, where the digest is an HMAC with a fixed message and the salted password as its key. It is
as hard to guess a password from a record as from what Kafka itself stores, and nobody can log in with a record.
"""

from __future__ import annotations

import base64
import binascii
import concurrent.futures
import dataclasses
import functools
import hashlib
import hmac
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_changes
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Change, Plan, Refusal

MECHANISMS = {"SCRAM-SHA-256": (1, "sha256"), "SCRAM-SHA-512": (2, "sha512")}
"""Kafka's code of each mechanism, and its hash."""

MIN_ITERATIONS, MAX_ITERATIONS = 4096, 16384
"""What Kafka accepts (``ScramMechanism.minIterations``, ``ScramFormatter``)."""

_MESSAGE = b"kafkaops.kubernetes record of a password"

ENTITY_TYPES = ("user", "client-id", "ip")
DEFAULT = "<default>"
"""As a name: the quota of all users, clients or addresses that have none of their own."""

Records = t.Mapping[str, t.Mapping[str, str]]
"""Records by user and mechanism."""

Entity = tuple[tuple[str, t.Optional[str]], ...]
"""Pairs of type and name, in order of type; a name of None is the default."""


@dataclasses.dataclass(frozen=True)
class User:
    """A user as wanted."""

    name: str
    password: str = dataclasses.field(default="", repr=False)
    mechanisms: tuple[str, ...] = ("SCRAM-SHA-512",)
    iterations: int = MIN_ITERATIONS
    absent: bool = False


@dataclasses.dataclass(frozen=True)
class Quota:
    """Limits of an entity as wanted; none at all removes it."""

    entity: Entity
    limits: t.Mapping[str, float]


@functools.lru_cache(maxsize=8192)
def salted(mechanism: str, password: str, salt: bytes, iterations: int) -> bytes:
    """What Kafka stores of a password, before it is hashed again (RFC 5802, ``Hi``)."""
    return hashlib.pbkdf2_hmac(MECHANISMS[mechanism][1], password.encode(), salt, iterations)


def record(mechanism: str, password: str, salt: bytes, iterations: int) -> str:
    """The record of a password."""
    digest = hmac.new(salted(mechanism, password, salt, iterations), _MESSAGE, "sha256").digest()
    return f"{iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def belongs(text: str, mechanism: str, password: str) -> bool:
    """Whether a record is that of a password."""
    try:
        iterations, salt, _digest = text.split("$")
        if not MIN_ITERATIONS <= int(iterations) <= MAX_ITERATIONS:
            return False
        again = record(mechanism, password, base64.b64decode(salt, validate=True), int(iterations))
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(again, text)


def hash_ahead(function: t.Callable[..., t.Any], arguments: t.Iterable[tuple[t.Any, ...]]) -> None:
    """Call ``function``, which is :func:`salted` or uses it, many times on all processors; what it hashed is remembered.

    A password takes 3 ms: most of what a run with many users takes, and Python lets go of its lock meanwhile.
    """
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for _result in pool.map(lambda each: function(*each), arguments):
            pass


def read_users(items: t.Iterable[t.Mapping[str, t.Any]]) -> list[User]:
    """Users from the options of a module."""
    found = []
    for item in items:
        name, absent = item["name"], item.get("state") == "absent"
        mechanisms = tuple(item.get("mechanisms") or ["SCRAM-SHA-512"])
        iterations = item.get("iterations") or MIN_ITERATIONS
        if not absent and not item.get("password"):
            raise Refusal(f"user {name} has no password")
        if not MIN_ITERATIONS <= iterations <= MAX_ITERATIONS:
            raise Refusal(f"user {name}: iterations is {iterations}; Kafka accepts {MIN_ITERATIONS} to {MAX_ITERATIONS}")
        found.append(User(name, item.get("password") or "", mechanisms, iterations, absent))
    _kafka_changes.once((user.name for user in found), "users")
    return found


def plan_users(
    wanted: t.Sequence[User],
    there: t.Mapping[str, t.Mapping[str, int]],
    records: Records,
    *,
    update_password: str = "on_change",
    purge: tuple[str, int] | None = None,
) -> Plan:
    """The changes that lead to what is wanted.

    ``there``: iterations by user and mechanism. ``update_password``: ``on_change`` sets it where the record is
    missing or of another password, ``on_create`` only where there is no credential. ``purge``: pattern and limit.
    """
    found = Plan()
    if update_password == "on_change":
        hash_ahead(belongs, _to_compare(wanted, there, records))
    for user in wanted:
        known = there.get(user.name, {})
        keep = () if user.absent else user.mechanisms
        reasons = {}
        for mechanism in keep:
            reason = _why(user, mechanism, known, records.get(user.name, {}).get(mechanism, ""), update_password)
            if reason:
                reasons[mechanism] = reason
                found.changes.append(Change(user.name, "set", f"set {mechanism} ({reason})", (user, mechanism), mechanism))
        _remove(user.name, [mechanism for mechanism in known if mechanism not in keep], found)
        after = {mechanism: user.iterations if mechanism in reasons else known[mechanism] for mechanism in keep}
        if reasons or set(known) - set(keep):
            # A new password shows in the diff, although nobody may see it.
            shown = {mechanism: f"{count} iterations" + (", new password" if mechanism in reasons else "") for mechanism, count in after.items()}
            found.show(user.name, {mechanism: f"{count} iterations" for mechanism, count in known.items()} or None, shown or None)
    if purge:
        names = {user.name for user in wanted}
        for name in _kafka_changes.to_purge((each for each in there if each not in names), purge[0], purge[1], "users"):
            _remove(name, list(there[name]), found)
            found.show(name, {mechanism: f"{count} iterations" for mechanism, count in there[name].items()}, None)
    return found


def _to_compare(wanted: t.Iterable[User], there: t.Mapping[str, t.Mapping[str, int]], records: Records) -> t.Iterator[tuple[str, str, str]]:
    """The arguments of :func:`belongs` for what :func:`_why` is going to compare."""
    for user in wanted:
        for mechanism in () if user.absent else user.mechanisms:
            kept = records.get(user.name, {}).get(mechanism)
            if kept and there.get(user.name, {}).get(mechanism) == user.iterations:
                yield kept, mechanism, user.password


def _why(user: User, mechanism: str, known: t.Mapping[str, int], kept: str, update_password: str) -> str:
    if mechanism not in known:
        return "new"
    if update_password == "on_create":
        return ""
    if known[mechanism] != user.iterations:
        return f"iterations {known[mechanism]} -> {user.iterations}"
    if not kept:
        return "no record of the password"
    return "" if belongs(kept, mechanism, user.password) else "another password"


def _remove(name: str, mechanisms: t.Iterable[str], found: Plan) -> None:
    for mechanism in mechanisms:
        found.changes.append(Change(name, "remove", f"remove {mechanism}", (name, mechanism), mechanism))


def entity(item: t.Mapping[str, t.Any]) -> Entity:
    """The entity that an item of the options names, as ``user``, ``client_id`` and ``ip``."""
    names = {kind: item.get(kind.replace("-", "_")) for kind in ENTITY_TYPES}
    found = tuple((kind, None if name == DEFAULT else name) for kind, name in names.items() if name)
    if not found:
        raise Refusal("a quota names nobody; write user, client_id, both, or ip")
    if names["ip"] and len(found) > 1:
        raise Refusal(f"a quota of ip {names['ip']} cannot be one of a user or client too; write two")
    return found


def entity_text(who: Entity) -> str:
    """An entity in words, such as ``user=app, client-id=<default>``."""
    return ", ".join(f"{kind}={DEFAULT if name is None else name}" for kind, name in who)


def read_quotas(items: t.Iterable[t.Mapping[str, t.Any]], keys: t.Sequence[str]) -> list[Quota]:
    """Quotas from the options of a module; ``keys``: the options that are limits."""
    found = []
    for item in items:
        limits = {key: float(item[key]) for key in keys if item.get(key) is not None}
        found.append(Quota(entity(item), {} if item.get("state") == "absent" else limits))
    _kafka_changes.once((entity_text(quota.entity) for quota in found), "quotas")
    return found


def plan_quotas(wanted: t.Sequence[Quota], there: t.Mapping[Entity, t.Mapping[str, float]], purge_limit: int | None = None) -> Plan:
    """The changes that lead to what is wanted; ``purge_limit``: remove all others, at most so many."""
    found = Plan()
    for quota in wanted:
        _limits(quota.entity, quota.limits, there.get(quota.entity, {}), found)
    if purge_limit is not None:
        named = {quota.entity for quota in wanted}
        others = {entity_text(who): who for who in there if who not in named}
        for text in _kafka_changes.to_purge(others, ".*", purge_limit, "quotas"):
            _limits(others[text], {}, there[others[text]], found)
    return found


def _limits(who: Entity, wanted: t.Mapping[str, float], there: t.Mapping[str, float], found: Plan) -> None:
    ops: dict[str, float | None] = {key: value for key, value in wanted.items() if there.get(key) != value}
    ops.update({key: None for key in there if key not in wanted})
    if ops:
        text = entity_text(who)
        words = [f"{key} {_number(there.get(key))} -> {_number(value)}" for key, value in sorted(ops.items())]
        found.changes.append(Change(text, "quota", "; ".join(words), (who, ops), repr(sorted(ops))))
        found.show(text, dict(there) or None, dict(wanted) or None)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:g}" if value < 1e6 else f"{value:.0f}"
