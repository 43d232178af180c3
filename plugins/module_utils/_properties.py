# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Java properties files as Kafka and ZooKeeper read them. Private to the collection."""

from __future__ import annotations

import re
import typing as t

_BLANKS = " \t\f"
_LINE_END = re.compile("\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Entry(t.NamedTuple):
    """One key and its value. ``line``: where it begins, from 1. ``written``: as it stands in the file, lines joined.

    ``malformed``: it has a ``\\u`` without four hexadecimal digits behind it, for which Java refuses the whole file.
    """

    key: str
    value: str
    line: int
    written: str
    malformed: bool


def read(text: str) -> list[Entry]:
    """The entries of a file in order, as ``java.util.Properties.load`` reads them; of equal keys the last one counts.

    Comments begin with ``#`` or ``!``; ``=``, ``:`` or blanks end a key; a backslash at the end of a line continues it.
    """
    entries = []
    for number, line in _logical_lines(text):
        end = 0
        while end < len(line) and line[end] not in "=: \t\f":
            end += 2 if line[end] == "\\" else 1
        key, rest = line[:end], line[end:].lstrip(_BLANKS)
        if rest[:1] in ("=", ":"):
            rest = rest[1:].lstrip(_BLANKS)
        bare_key, bare_value = _unescape(key), _unescape(rest)
        entries.append(Entry(bare_key or "", bare_value or "", number, line, None in (bare_key, bare_value)))
    return entries


def decode(data: bytes) -> str:
    """The characters that Java sees: Kafka and ZooKeeper load their files from a stream, which is ISO-8859-1."""
    return data.decode("latin-1")


def _logical_lines(text: str) -> t.Iterator[tuple[int, str]]:
    """``Properties.LineReader``: the number of the first line, and the text without comments, blanks in front and line ends."""
    lines = _LINE_END.split(text)
    if not lines[-1]:
        lines.pop()
    parts: list[str] = []
    begun = 0
    for number, line in enumerate(lines, 1):
        line = line.lstrip(_BLANKS)
        # A line that is nothing but a backslash leaves no text, so that the next one may still be a comment.
        if not any(parts):
            parts, begun = [], number
            if not line or line[0] in "#!":
                continue
        backslashes = len(line) - len(line.rstrip("\\"))
        if backslashes % 2:
            parts.append(line[:-1])
            # Java skips the second half of \r\n here, and then finds the end of the file before a line has begun.
            if number == len(lines) and (any(parts) or not text.endswith("\r\n")):
                yield begun, "".join(parts)
        else:
            yield begun, "".join((*parts, line))
            parts = []


def _unescape(text: str) -> str | None:
    """``Properties.loadConvert``; None where it throws."""
    if "\\" not in text:
        return text
    malformed = False

    def replaced(found: re.Match[str]) -> str:
        nonlocal malformed
        if found[1]:
            return chr(int(found[1], 16))
        malformed = malformed or found[2] == "u"
        return _LETTERS.get(found[2], found[2])

    result = _ESCAPE.sub(replaced, text)
    # Two escaped halves of a pair are one character.
    return None if malformed else result.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def render(properties: t.Mapping[str, str]) -> str:
    """A file with one ``key=value`` a line, sorted, so that equal properties give equal files.

    Keys and values hold no line break (the reader of the input refuses them). A backslash would begin an
    escape (``java.util.Properties.load``) and is doubled; other characters outside of Latin-1 are escaped, since
    Java reads these files as Latin-1.
    """
    return "".join(f"{_escape(key)}={_escape(properties[key])}\n" for key in sorted(properties))


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\")
    if text.isascii() and text.isprintable():
        return text
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 0x20 <= code < 0x7F else f"\\u{code:04x}" for code in codes)
