# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Compares how properties files are read with ``java.util.Properties``."""

from __future__ import annotations

import random
import time
import urllib.parse

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _properties
from ansible_collections.kafkaops.kubernetes.tests.oracle import judge
from ansible_collections.kafkaops.kubernetes.tests.oracle.shrink import smallest

_PIECES = (
    "a", "b", "listeners", "PLAINTEXT://:9092", ",", "=", "=", ":", " ", "  ", "\t", "\f", "\n", "\n", "\n", "\r", "\r\n", "\\", "\\", "\\\\", "\\\n", "\\\r\n",
    "#", "!", "# a", "\\u0041", "\\u00e9", "\\ud83d", "\\ude00", "\\u", "\\u12", "\\u12g4", "\\t", "\\n", "\\f", "\\x", "\\=", "\\:", "\\ ", "\\#", "u0041",
    "ü", "€", "\x00", "\x0b", "\x85", "\u2028", "\ufeff",
)  # fmt: skip


def compare(seed: int, fresh: int) -> int:
    """Random files; how many disagreements."""
    started = time.monotonic()
    source = random.Random(f"{seed} properties")
    texts = ["".join(source.choices(_PIECES, k=source.randint(0, 25))) for _index in range(fresh)]
    differing = 0
    with judge.Judge("PropertiesJudge", "") as real:

        def differs(text: str) -> bool:
            (answer,) = real.ask_lines([urllib.parse.quote(text, safe="")])
            return answer != _read(text)

        answers = list(real.ask_lines([urllib.parse.quote(text, safe="") for text in texts]))
        for text, answer in zip(texts, answers):
            if answer != _read(text):
                differing += 1
                if differing <= 5:
                    least = smallest({"file": text}, lambda changed: differs(changed.get("file", "")))["file"]
                    print(f"\nJava and the validator disagree about the file {least!r}\n  validator: {_read(least)}\n")
    print(f"Properties files: {len(texts)}, {differing} disagreements, {time.monotonic() - started:.1f} s", flush=True)
    return differing


def _read(text: str) -> str:
    entries = _properties.read(_properties.decode(text.encode("utf-8")))
    if any(entry.malformed for entry in entries):
        return "0\tIllegalArgumentException\tMalformed+%5Cuxxxx+encoding."
    pairs = {entry.key: entry.value for entry in entries}
    # Java sorts by UTF-16 units.
    names = sorted(pairs, key=lambda name: name.encode("utf-16-be", "surrogatepass"))
    return "1" + "".join(f"\t{_quote(name)}={_quote(pairs[name])}" for name in names)


def _quote(text: str) -> str:
    # As URLEncoder does it; half a surrogate pair becomes a question mark.
    clean = "".join("?" if 0xD800 <= ord(character) < 0xE000 else character for character in text)
    return urllib.parse.quote_plus(clean, safe="*-._").replace("~", "%7E")
