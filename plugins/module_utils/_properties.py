# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Java properties files as Kafka and ZooKeeper read them. Private to the collection."""

from __future__ import annotations

import typing as t


def render(properties: t.Mapping[str, str]) -> str:
    """A file with one ``key=value`` a line, sorted, so that equal properties give equal files.

    Keys and values hold no line break (the reader of the input refuses them). A backslash would begin an
    escape (``java.util.Properties.load``) and is doubled; other characters outside of Latin-1 are escaped, since
    Java reads these files as Latin-1.
    """
    return "".join(f"{_escape(key)}={_escape(properties[key])}\n" for key in sorted(properties))


def _escape(text: str) -> str:
    text = text.replace("\\", "\\\\")
    units = text.encode("utf-16-be", "surrogatepass")
    codes = [int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2)]
    return "".join(chr(code) if 0x20 <= code < 0x7F else f"\\u{code:04x}" for code in codes)
