# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The little that manifests of Kafka do in a shell before they start it. Private to the collection.

No shell: assignments, ``${HOSTNAME##*-}`` and sums are understood, and whatever else there is makes a value unknown,
never a wrong one.
"""

from __future__ import annotations

import re
import typing as t

_WORD = r"""("(?:[^"\\]|\\.)*"|'[^']*'|(?:\$\(\(.*?\)\)|\$\{[^}]*\}|[^\s;&|"'<>()])+)"""
_ASSIGNMENT = re.compile(rf"(?:^|[\s;&])([A-Za-z_][A-Za-z0-9_]*)={_WORD}", re.MULTILINE)
_OVERRIDE = re.compile(rf"--override\s+([A-Za-z0-9_.-]+)={_WORD}")
_MYID = re.compile(rf"echo\s+{_WORD}\s*>+\s*\S*myid\b")
_REFERENCE = re.compile(r"\$\(\((?P<sum>[^()]*)\)\)|\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<change>##\*-|:-[^${}]*)?\}|\$(?P<bare>[A-Za-z_][A-Za-z0-9_]*)")
_LONGEST = 10_000  # of a script; nobody writes a longer one into a manifest

Environment = t.Mapping[str, t.Optional[str]]
"""Variables by name; None for one that is set to something that is not known."""


def assigned(script: str, environment: Environment) -> dict[str, str | None]:
    """The environment that a script gives to what it starts: ``export NAME=value``, or ``NAME=value`` before a command."""
    found = dict(environment)
    for name, word in _ASSIGNMENT.findall(script[:_LONGEST]):
        found[name] = value(word, found)
    return found


def overrides(script: str, environment: Environment) -> dict[str, str | None]:
    """The properties in ``kafka-server-start.sh server.properties --override key=value``."""
    return {name: value(word, environment) for name, word in _OVERRIDE.findall(script[:_LONGEST])}


def myid(script: str, environment: Environment) -> str | None:
    """What a script writes into ZooKeeper's ``myid``; None where it writes none, or it cannot be known."""
    found = _MYID.search(script[:_LONGEST])
    return value(found[1], environment) if found else None


def value(word: str, environment: Environment) -> str | None:
    """A word without its quotes, variables put in; None where it cannot be known."""
    if word[:1] == "'":
        return word[1:-1]
    text = word[1:-1] if word[:1] == '"' else word
    unknown = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal unknown
        result = _sum(found["sum"], environment) if found["sum"] is not None else _variable(found, environment)
        unknown = unknown or result is None
        return result or ""

    result = _REFERENCE.sub(replaced, text)
    return None if unknown or "$" in result or "`" in result or "\\" in result else result


def _variable(found: re.Match[str], environment: Environment) -> str | None:
    name, change = found["name"] or found["bare"], found["change"] or ""
    if change.startswith(":-"):
        # Unknown is not unset.
        return environment.get(name, "") or (None if name in environment and environment[name] is None else change[2:])
    known = environment.get(name, "")
    return known.rpartition("-")[2] if known is not None and change else known


def _sum(text: str, environment: Environment) -> str | None:
    """``${HOSTNAME##*-} + 1``."""
    total = 0
    for part in text.split("+"):
        bare = part.strip()
        if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", bare):
            bare = "$" + bare
        known = value(bare, environment)
        if known is None or not re.fullmatch(r"[0-9]{1,9}", known, re.ASCII):
            return None
        total += int(known)
    return str(total)
