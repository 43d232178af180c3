# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Kafka releases as numbers."""

from __future__ import annotations

import functools
import re
import typing as t

Minor = tuple[int, int]

MINORS: tuple[Minor, ...] = (
    (2, 4), (2, 5), (2, 6), (2, 7), (2, 8),
    (3, 0), (3, 1), (3, 2), (3, 3), (3, 4), (3, 5), (3, 6), (3, 7), (3, 8), (3, 9),
    (4, 0), (4, 1), (4, 2), (4, 3),
)  # fmt: skip
"""The minors whose rules are known, oldest first."""

OLDEST, NEWEST = MINORS[0], MINORS[-1]
LAST_ZOOKEEPER: Minor = (3, 9)
FIRST_KRAFT: Minor = (2, 8)

_LATEST_PATCH = 99
_RELEASE = re.compile(r"\s*v?([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?(?![0-9.])[^\n]{0,100}\s*", re.ASCII)


class Release(t.NamedTuple):
    """A release; ``patch`` is 99, that is "the latest", where the text names only a minor."""

    minor: Minor
    patch: int

    def __str__(self) -> str:
        """``3.9`` or ``3.9.2``."""
        text = minor_text(self.minor)
        return text if self.patch == _LATEST_PATCH else f"{text}.{self.patch}"


@functools.lru_cache(maxsize=256)
def parse(text: str) -> Release | None:
    """``"3.9"``, ``"3.9.2"``, ``"4.0.1-rc1"`` as a Release; None if it is none. Nothing says yet that it is known."""
    found = _RELEASE.fullmatch(text[:200])
    if not found:
        return None
    major, minor, patch = found.groups()
    return Release((int(major), int(minor)), _LATEST_PATCH if patch is None else int(patch))


def minor_text(minor: Minor) -> str:
    """``(3, 9)`` as ``3.9``."""
    return f"{minor[0]}.{minor[1]}"


def minor_of(text: str) -> Minor:
    """``3.9`` as ``(3, 9)``; for texts of this collection only, raises ValueError otherwise."""
    major, minor = text.split(".")
    return int(major), int(minor)
