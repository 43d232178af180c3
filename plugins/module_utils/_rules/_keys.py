# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Types and checks of single values, as ``org.apache.kafka.common.config.ConfigDef`` applies them."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules import _java
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._release import Minor, Release, minor_of

OWN = ("kafka.", "org.apache.kafka.")
"""The packages of Kafka's own classes."""

_CLASS = re.compile(r"[^\W\d][\w$]*(?:\.[^\W\d][\w$]*)*")

Value = t.Union[None, bool, int, float, str, list[str]]


class Missing:
    """The type of REQUIRED."""


REQUIRED = Missing()
"""The default of a key that has none."""

_TYPE_WORDS = {
    "BOOLEAN": "true or false",
    "SHORT": "a whole number from -32768 to 32767",
    "INT": "a whole number from -2147483648 to 2147483647",
    "LONG": "a whole number of 64 bits",
    "DOUBLE": "a number",
}


@dataclasses.dataclass(frozen=True)
class Key:
    """One broker key of one release. ``check``: see ``_kafka_keys``. ``default``: parsed, or REQUIRED."""

    name: str
    kind: str
    default: Value | Missing
    check: str

    def parse(self, text: str) -> Value:
        """``ConfigDef.parseType``; raises ValueError with the reason in words."""
        trimmed = _java.trim(text)
        kind = self.kind
        if kind in ("STRING", "PASSWORD", "CLASS"):
            return trimmed
        if kind == "LIST":
            return _java.split_commas(trimmed, keep_empty_tail=True) if trimmed else []
        value: Value
        if kind == "BOOLEAN":
            value = _java.boolean(trimmed)
        elif kind == "DOUBLE":
            value = _java.double(trimmed)
        else:
            value = _java.integer(trimmed, kind)
        if value is None:
            raise ValueError(f"expected {_TYPE_WORDS[kind]}")
        return value


@functools.cache
def keys(minor: Minor) -> dict[str, Key]:
    """All keys of one minor by name."""
    result: dict[str, Key] = {}
    for name, since, until, kind, default, check in _rows():
        if since <= minor <= until:
            key = Key(name, kind, None, check)
            parsed = {"!": REQUIRED, "-": None}.get(default) if default[0] != "=" else key.parse(default[1:])
            result[name] = dataclasses.replace(key, default=parsed)
    return result


@functools.cache
def keys_of(release: Release) -> dict[str, Key]:
    """All keys of one release by name: of its minor, but for those that a later patch release brought."""
    return {name: key for name, key in keys(release.minor).items() if release.patch >= first_patch(name, release.minor)}


def first_patch(name: str, minor: Minor) -> int:
    """The patch release that brought a key to a minor; 0 unless it was a later one than the first."""
    return _patches().get((name, minor), 0)


@functools.cache
def _patches() -> dict[tuple[str, Minor], int]:
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_keys

    found = {}
    for line in _kafka_keys.PATCHES.splitlines():
        name, release = line.split("\t")
        minor, _dot, patch = release.rpartition(".")
        found[name, minor_of(minor)] = int(patch)
    return found


@functools.cache
def lifetimes() -> dict[str, tuple[Minor, Minor]]:
    """Every key that some release knows: the first and the last minor that does."""
    result: dict[str, tuple[Minor, Minor]] = {}
    for name, since, until, _kind, _default, _check in _rows():
        first, last = result.get(name, (since, until))
        result[name] = (min(first, since), max(last, until))
    return result


@functools.cache
def classes(minor: Minor) -> dict[str, frozenset[str]]:
    """The classes of Kafka's own jars that class-typed keys may name, and the interfaces of each."""
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_keys

    result: dict[str, set[str]] = {}
    for line in _kafka_keys.CLASSES.splitlines():
        since, until, interface, name = line.split("\t")
        if minor_of(since) <= minor <= minor_of(until):
            result.setdefault(name, set()).add(interface)
    return {name: frozenset(interfaces) for name, interfaces in result.items()}


def class_problem(release: Release, key: Key, text: str) -> str | None:
    """Why a class-typed value is refused; None if it is not, if it cannot be known, or if the key is of another type."""
    name = _java.trim(text)
    if key.kind != "CLASS":
        return None
    if not name:
        return "names no class"
    if name.startswith(OWN) and name not in classes(release.minor):
        return f"is no class of Kafka {release}"
    return None if _CLASS.fullmatch(name) else "is no name of a class"


def is_foreign(name: str) -> bool:
    """Whether a class may come with somebody else's jar, so that nothing is known about it from here."""
    return bool(_CLASS.fullmatch(name)) and not name.startswith(OWN)


@functools.cache
def protocol_versions(minor: Minor) -> dict[str, int]:
    """The inter-broker protocol versions a release knows, long and short, each with its position in time.

    ``MetadataVersion.fromVersionString``: the short name exists only for versions up to the release's own minor.
    """
    order = protocol_order()
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_keys

    newest = dict(pair.split("=") for pair in _kafka_keys.NEWEST_VERSION.split())
    result: dict[str, int] = {}
    for name, position in order.items():
        if position <= order[newest[f"{minor[0]}.{minor[1]}"]]:
            result[name] = position
            short = name.partition("-")[0]
            if short.startswith("0.") or minor_of(short) <= minor:
                result[short] = position
    return result


@functools.cache
def protocol_order() -> dict[str, int]:
    """The position in time of every inter-broker protocol version by its long name (``3.4-IV0``)."""
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_keys

    return {name: position for position, name in enumerate(_kafka_keys.VERSIONS.split())}


def protocol_version(text: str, minor: Minor) -> int | None:
    """``ApiVersion.apply`` (until 3.2) and ``MetadataVersion.fromVersionString``: the position, None if invalid."""
    wanted = 3 if text.startswith("0.") else 2
    segments = _java.split(text, ".")
    # Until 3.2 Scala takes the first segments in any case; later an exact count leaves the text as it is ("2.4.").
    key = text if minor >= (3, 3) and wanted >= len(segments) else ".".join(segments[:wanted])
    return protocol_versions(minor).get(key)


def refusal(key: Key, value: Value) -> str | None:
    """Why the validator of the key refuses a parsed value; None if it does not. Not ``voters``, ``bootstrap``, ``version``."""
    check = key.check
    if not check:
        return None
    kind, _colon, rest = check.partition(":")
    if kind.endswith("list"):
        return _refused_list(kind, rest, value)
    if kind == "nonempty":
        return "must not be empty" if value == "" else None
    if kind in ("in", "ci"):
        return _refused_word(rest.split("|"), value, kind == "ci")
    if value is None or not isinstance(value, (int, float)):
        return None
    return _refused_number(check, value)


def _refused_list(kind: str, rest: str, value: Value) -> str | None:
    if not isinstance(value, list):
        return None
    if "+" in kind and not value:
        return "must not be empty"
    if "~" in kind and "" in value:
        return "must not contain an empty item"
    if rest != "*":
        allowed = rest.split("|")
        for item in value:
            if item not in allowed:
                return f"items must be one of {', '.join(allowed)}"
    return None


def _refused_word(allowed: list[str], value: Value, any_case: bool) -> str | None:
    if value is None and not any_case:
        return None if "null" in allowed else f"must be one of {', '.join(allowed)}"
    text = str(value)
    accepted = text.upper() in allowed if any_case else text in allowed
    return None if accepted else f"must be one of {', '.join(allowed)}"


def _refused_number(check: str, value: float) -> str | None:
    bounds, _bar, extra = check.partition("|")
    if extra and value == float(extra):
        return None
    if bounds.startswith(">="):
        low, high = float(bounds[2:]), math.inf
        words = f"must be at least {bounds[2:]}"
    else:
        first, last = bounds.split("..")
        low, high = float(first), float(last)
        words = f"must be between {first} and {last}"
    # Java compares as doubles and only refuses what is smaller or larger: NaN passes.
    return words if value < low or value > high else None


@functools.cache
def _rows() -> list[tuple[str, Minor, Minor, str, str, str]]:
    # Late, because only whoever checks a configuration needs the 40 kB.
    from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_keys

    rows = []
    for line in _kafka_keys.KEYS.splitlines():
        name, since, until, kind, default, check = line.split("\t")
        rows.append((name, minor_of(since), minor_of(until), kind, default, "" if check == "." else check))
    return rows
