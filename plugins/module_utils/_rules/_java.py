# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What Java does with text, where Python does something else. All functions are linear in the length of the text."""

from __future__ import annotations

import re

_BLANK = "".join(map(chr, range(0x21)))
_SPACES = " \t\n\x0b\f\r"
_DOUBLE = re.compile(
    r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[fFdD]?"
    r"|0[xX](?:[0-9a-fA-F]+\.?|[0-9a-fA-F]*\.[0-9a-fA-F]+)[pP][+-]?[0-9]+[fFdD]?)"
)

BITS = {"SHORT": 15, "INT": 31, "LONG": 63}


def trim(text: str) -> str:
    """``String.trim``: all characters up to U+0020 go."""
    return text.strip(_BLANK)


def split(text: str, separator: str) -> list[str]:
    """``String.split(separator)``: empty strings at the end are dropped, ``""`` gives ``[""]``."""
    return _without_empty_tail(text.split(separator), text)


def split_commas(text: str, keep_empty_tail: bool = False) -> list[str]:
    r"""``split("\\s*,\\s*")``; ``keep_empty_tail`` for ``split(.., -1)``."""
    items = text.split(",")
    last = len(items) - 1
    if last:
        items = [item.strip(_SPACES) if 0 < index < last else item.rstrip(_SPACES) if index == 0 else item.lstrip(_SPACES) for index, item in enumerate(items)]
    return items if keep_empty_tail else _without_empty_tail(items, text)


def csv_list(text: str) -> list[str]:
    """``Csv.parseCsvList``, before 3.7 ``CoreUtils.parseCsvList``: items between commas, empty ones dropped."""
    return [item for item in split_commas(text) if item] if text else []


def upper(text: str) -> str:
    """``toUpperCase(Locale.ROOT)``."""
    return text.upper()


def is_blank(text: str) -> bool:
    """``Utils.isBlank``: empty after ``trim``."""
    return not trim(text)


def integer(text: str, kind: str) -> int | None:
    """``Short/Integer/Long.parseInt``: None where Java throws NumberFormatException. Any Unicode digit counts."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not digits.isdecimal() or (not digits.isascii() and any(ord(digit) > 0xFFFF for digit in digits)):
        return None
    significant = digits.lstrip("0")
    if len(significant) > 20:  # certainly too large, and int() refuses thousands of digits
        return None
    value = int(significant or "0")
    if text[0] == "-":
        value = -value
    limit = 1 << BITS[kind]
    return value if -limit <= value < limit else None


def double(text: str) -> float | None:
    """``Double.parseDouble``: None where Java throws; ``NaN``, ``1.5f`` and ``0x1p3`` are numbers."""
    text = trim(text)
    if len(text) > 400 or not _DOUBLE.fullmatch(text):
        # A longer literal may be legal, but nobody writes one; Java would accept it only as plain digits.
        return float(text) if len(text) > 400 and re.fullmatch(r"[0-9]+\.?[0-9]*", text) else None
    sign = -1.0 if text[0] == "-" else 1.0
    bare = text.lstrip("+-")
    if bare[:2] in ("0x", "0X"):
        return sign * float.fromhex(bare.rstrip("fFdD") if "p" in bare.lower() else bare)
    if bare in ("NaN", "Infinity"):
        return sign * float(bare)
    return sign * float(bare.rstrip("fFdD"))


def boolean(text: str) -> bool | None:
    """``ConfigDef.parseType`` of a BOOLEAN: ``true`` or ``false`` in any case (``equalsIgnoreCase``: a long s is an s), else None."""
    return {"TRUE": True, "FALSE": False}.get(text.upper()) if len(text) < 6 else None


def _without_empty_tail(items: list[str], text: str) -> list[str]:
    if text == "":
        return [""]
    while items and not items[-1]:
        items.pop()
    return items
