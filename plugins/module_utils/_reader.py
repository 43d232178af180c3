# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Reads untrusted input variables into typed values. Private to the collection.

Input comes from inventories, surveys and files: a number may be a string, an empty string means "not set", a
list may be a dictionary. Whatever comes, a reader returns a value of the right type and says in a finding what
was wrong; it never raises.
"""

from __future__ import annotations

import collections.abc
import difflib
import itertools
import math
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding

TRUE = frozenset(("true", "yes", "on", "1"))
FALSE = frozenset(("false", "no", "off", "0"))

DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_MOST_BITS = 1000
_MOST_ITEMS = 2000  # of a list or dictionary; whoever has more has made a mistake, and checking them would take minutes
_MOST_UNKNOWN = 20
_MOST_LEVELS = 30
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")

QUANTITY = re.compile(r"[1-9][0-9]*(Ki|Mi|Gi|Ti|Pi)")
MEMORY = re.compile(r"[1-9][0-9]*[kKmMgG]")


def shown(value: t.Any) -> str:
    """A value as it is quoted in a message: short, printable, one line; of a list or dictionary the type, since it may hold secrets."""
    if isinstance(value, str):
        text = repr(value[:80])
    else:
        plain = scalar_text(value)
        if plain is None:
            return f"a value of type {type(value).__name__}"
        text = f"{plain} ({type(value).__name__})"
    return text if len(text) <= 80 else text[:77] + "..."


def scalar_text(value: t.Any) -> str | None:
    """The text of a string, number or boolean; None for anything else, and for what is no number one could write."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else None
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _MOST_BITS else None
    return str(value) if isinstance(value, str) else None


def _hidden(value: t.Any) -> str:
    return f"a value of type {type(value).__name__}, which is not shown,"


def did_you_mean(word: str, known: t.Iterable[str], cutoff: float = 0.7) -> str:
    """``; did you mean X?`` for the nearest known word, or nothing."""
    near = difflib.get_close_matches(word[:100], list(known), n=1, cutoff=cutoff)
    return f"; did you mean {near[0]}?" if near else ""


class Reader:
    """Reads one dictionary of the input at ``where``, collecting findings in a shared list."""

    def __init__(self, raw: t.Any, where: str, findings: list[Finding], *, secret: bool = False) -> None:
        """``secret``: no message may show a value of it."""
        self._shown = _hidden if secret else shown
        self.where = where
        self.findings = findings
        self._seen: set[str] = set()
        self._raw: dict[str, t.Any] = {}
        if isinstance(raw, collections.abc.Mapping):
            kept = raw.items() if len(raw) <= _MOST_ITEMS or not where else self._first(raw.items(), len(raw), where)
            self._raw = {key if isinstance(key, str) else scalar_text(key) or shown(key): value for key, value in kept}
        elif raw is not None and raw != "":
            self.wrong("INPUT-TYPE", where, f"{self._shown(raw)} is not a dictionary", "write a dictionary of options")

    def at(self, key: str) -> str:
        """The place of a key as users write it."""
        return f"{self.where}.{key}" if self.where else key

    def wrong(self, rule: str, where: str, message: str, fix: str) -> None:
        """Record an error in the input."""
        self.findings.append(
            Finding(rule, "error", "config", where or "variables", message, fix, "The input cannot be understood; nothing is applied.")
        )

    def _first(self, items: t.Iterable[t.Any], count: int, where: str, most: int = _MOST_ITEMS) -> t.Iterable[t.Any]:
        """The first of too many items."""
        self.wrong("INPUT-RANGE", where, f"has {count} entries, of which {most} are read", f"write {most} at most")
        return itertools.islice(items, most)

    def has(self, key: str) -> bool:
        """Whether the key is set to something other than nothing."""
        return self._raw.get(key) not in (None, "")

    def _take(self, key: str) -> t.Any:
        self._seen.add(key)
        value = self._raw.get(key)
        return None if isinstance(value, str) and value.strip() == "" else value

    def text(
        self,
        key: str,
        default: str = "",
        *,
        required: bool = False,
        pattern: re.Pattern[str] | None = None,
        choices: t.Sequence[str] = (),
        shape: str = "a string",
        longest: int = 10_000,
    ) -> str:
        """A string; numbers are taken as their text."""
        value = self._take(key)
        if value is None:
            if required:
                self.wrong("INPUT-REQUIRED", self.at(key), "is required and not set", f"set it to {shape}")
            return default
        text = scalar_text(value)
        if isinstance(value, bool) or text is None:
            self.wrong("INPUT-TYPE", self.at(key), f"{shown(value)} is not {shape}", f"write {shape}")
            return default
        text = text.strip()
        if choices and text not in choices:
            hint = did_you_mean(text, choices)
            self.wrong("INPUT-CHOICE", self.at(key), f"{shown(text)} is not one of {', '.join(choices)}{hint}", "write one of them")
            return default
        if len(text) > longest or _UNWRITABLE.search(text) or (pattern is not None and not pattern.fullmatch(text)):
            self.wrong("INPUT-FORMAT", self.at(key), f"{shown(text)} is not {shape}", f"write {shape}")
            return default
        return text

    def secret(self, key: str, *, pattern: re.Pattern[str] | None = None, shape: str = "a string") -> str:
        """A string that no message may show; line breaks within are kept."""
        value = self._take(key)
        if value is None:
            return ""
        if not isinstance(value, str) or _UNWRITABLE.search(value) or (pattern is not None and not pattern.fullmatch(value.strip())):
            self.wrong("INPUT-FORMAT", self.at(key), f"is not {shape}; its value is not shown", f"write {shape}")
            return ""
        return value.strip()

    def integer(self, key: str, default: int, *, minimum: int, maximum: int) -> int:
        """A whole number within a range; a survey's string of digits is one too."""
        return _integer(self, self.at(key), self._take(key), default, minimum, maximum)

    def flag(self, key: str, default: bool) -> bool:
        """A boolean; surveys have none, so ``"yes"``, ``"no"``, ``"true"`` and ``"false"`` are taken too."""
        value = self._take(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        word = (scalar_text(value) or "").strip().lower()
        if word in TRUE or word in FALSE:
            return word in TRUE
        self.wrong("INPUT-TYPE", self.at(key), f"{shown(value)} is not a boolean", "write true or false")
        return default

    def child(self, key: str) -> Reader:
        """A nested dictionary."""
        return Reader(self._take(key), self.at(key), self.findings)

    def children(self, key: str, default: t.Sequence[t.Any] = (), most: int = _MOST_ITEMS) -> list[Reader]:
        """A list of dictionaries, ``most`` of them at most."""
        return [Reader(raw, where, self.findings) for where, raw in self._items(key, default, most)]

    def named_secrets(self, key: str) -> list[tuple[str, Reader]]:
        """A dictionary of dictionaries of which no message may show a value."""
        child = Reader(self._take(key), self.at(key), self.findings, secret=True)
        return [(name, Reader(raw, child.at(name), self.findings, secret=True)) for name, raw in child._raw.items()]

    def integers(self, key: str, *, minimum: int, maximum: int) -> list[int]:
        """A list of whole numbers; those that are none are left out and reported."""
        read = [_integer(self, where, raw, minimum - 1, minimum, maximum) for where, raw in self._items(key, ())]
        return [number for number in read if number >= minimum]

    def texts(self, key: str, default: t.Sequence[str] = ()) -> list[str]:
        """A list of non-empty strings."""
        read = []
        for where, raw in self._items(key, default):
            text = (scalar_text(raw) or "").strip()
            if isinstance(raw, bool) or not text or _UNWRITABLE.search(text):
                self.wrong("INPUT-TYPE", where, f"{shown(raw)} is not a non-empty string", "write a string")
            else:
                read.append(text)
        return read

    def _items(self, key: str, default: t.Sequence[t.Any], most: int = _MOST_ITEMS) -> list[tuple[str, t.Any]]:
        value = self._take(key)
        if value is None:
            value = default
        if isinstance(value, (str, bytes)) or not isinstance(value, collections.abc.Sequence):
            self.wrong("INPUT-TYPE", self.at(key), f"{shown(value)} is not a list", "write a list")
            return []
        kept = value if len(value) <= most else self._first(value, len(value), self.at(key), most)
        return [(f"{self.at(key)}[{index}]", item) for index, item in enumerate(kept)]

    def properties(self, key: str, *, secret: bool = False) -> dict[str, str]:
        """A dictionary of properties as Kafka's files hold them: booleans in lower case, lists joined by commas.

        ``secret``: no message may show a value of it.
        """
        child = Reader(self._take(key), self.at(key), self.findings, secret=secret)
        read = {}
        for name, value in child._raw.items():
            where = f"{child.where}[{shown(name)}]"
            text = property_text(value)
            if text is None:
                self.wrong("INPUT-TYPE", where, f"{child._shown(value)} is not a property's value", "write a string, a number, a boolean or a list of them")
            elif not name.strip() or any(char in name for char in " =:\n\r\t#!") or "\n" in text or "\r" in text:
                self.wrong("INPUT-FORMAT", where, "a key holds a blank, '=', ':', '#' or '!', or a value a line break", "write key and value on one line each")
            else:
                read[name] = text
        return read

    def mappings(self, key: str) -> tuple[dict[str, t.Any], ...] | None:
        """A list of dictionaries handed to Kubernetes as they are; None where nothing is said."""
        return tuple(Reader(raw, where, self.findings)._object() for where, raw in self._items(key, ())) if self.has(key) else None

    def objects(self, key: str) -> dict[str, t.Any]:
        """A dictionary handed to Kubernetes as it is, such as resources or annotations."""
        return self.child(key)._object()

    def _object(self) -> dict[str, t.Any]:
        """The dictionary as JSON can hold it; whatever else is in it is left out and reported."""
        return {name: self._json(value, self.at(name), _MOST_LEVELS) for name, value in self._raw.items()}

    def _json(self, value: t.Any, where: str, levels: int) -> t.Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (str, int, float)):
            text = scalar_text(value)
            if text is not None and not _UNWRITABLE.search(text):
                return value
        elif levels and isinstance(value, collections.abc.Mapping):
            below = Reader(value, where, self.findings)
            return {name: below._json(item, below.at(name), levels - 1) for name, item in below._raw.items()}
        elif levels and isinstance(value, (list, tuple)):
            kept = value if len(value) <= _MOST_ITEMS else self._first(value, len(value), where)
            return [self._json(item, f"{where}[{index}]", levels - 1) for index, item in enumerate(kept)]
        nested = isinstance(value, (list, tuple, collections.abc.Mapping))
        reason = "is nested too deeply" if nested else f"{self._shown(value)} is nothing that Kubernetes takes"
        self.wrong("INPUT-TYPE", where, reason, "write strings, numbers, booleans, lists and dictionaries")
        return None

    def close(self) -> None:
        """Report the keys nobody asked for."""
        unknown = [name for name in self._raw if name not in self._seen]
        for name in unknown[:_MOST_UNKNOWN]:
            hint = did_you_mean(name, self._seen)
            self.wrong("INPUT-UNKNOWN", self.at(name), f"there is no such option{hint}", "remove it or correct its name")
        if len(unknown) > _MOST_UNKNOWN:
            self.wrong("INPUT-UNKNOWN", self.where, f"has {len(unknown) - _MOST_UNKNOWN} more keys that are no options", "remove them")

    def close_variables(self, prefixes: t.Sequence[str], others: t.Iterable[str]) -> None:
        """Report inventory variables with our prefixes that nobody asked for.

        One that is nearly a known name is a misspelling and an error; any other may be the user's own.
        """
        known = self._seen.union(others)
        unknown = [name for name in self._raw if name not in known and name.startswith(tuple(prefixes))]
        for name in unknown[:_MOST_ITEMS]:
            hint = did_you_mean(name, known, cutoff=0.85)
            if hint:
                self.wrong("INPUT-UNKNOWN", name, f"there is no such variable{hint}", "correct its name, or rename a variable of your own")
            else:
                self.findings.append(
                    Finding("INPUT-UNUSED", "warning", "config", name, "no role of this collection reads it", "remove it, or rename a variable of your own")
                )


def _integer(reader: Reader, where: str, value: t.Any, default: int, minimum: int, maximum: int) -> int:
    if value is None:
        return default
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"[-+]?[0-9]{1,18}", value.strip(), re.ASCII):
        number = int(value)
    if number is None:
        reader.wrong("INPUT-TYPE", where, f"{shown(value)} is not a whole number", f"write a number from {minimum} to {maximum}")
        return default
    if not minimum <= number <= maximum:
        reader.wrong("INPUT-RANGE", where, f"{shown(value)} is not from {minimum} to {maximum}", "choose one within the range")
        return default
    return number


def property_text(value: t.Any) -> str | None:
    """The text of a property's value, or None where it cannot be one."""
    text = scalar_text(value)
    if text is not None:
        return text.strip()
    if isinstance(value, collections.abc.Sequence) and not isinstance(value, (str, bytes, bytearray)) and len(value) <= _MOST_ITEMS:
        parts = [scalar_text(item) for item in value]
        if all(part is not None for part in parts):
            return ",".join(part.strip() for part in t.cast("list[str]", parts))
    return None
