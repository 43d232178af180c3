# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Makes a configuration as small as possible while something stays true of it."""

from __future__ import annotations

import typing as t

Properties = dict[str, str]
_ROUNDS = 100


def smallest(properties: Properties, holds: t.Callable[[Properties], bool]) -> Properties:
    """Takes away keys, then items of lists, then characters, as long as ``holds`` still does."""
    least = dict(properties)
    for _round in range(_ROUNDS):
        before = dict(least)
        for candidate in _smaller(before):
            if sum(map(_size, candidate.items())) < sum(map(_size, least.items())) and holds(candidate):
                least = candidate
                break
        if least == before:
            return least
    return least


def _size(item: tuple[str, str]) -> int:
    return 100 + len(item[1])


def _smaller(properties: Properties) -> t.Iterator[Properties]:
    for key in properties:
        yield {name: value for name, value in properties.items() if name != key}
    for key, value in properties.items():
        items = value.split(",")
        for index in range(len(items) if len(items) > 1 else 0):
            yield {**properties, key: ",".join(items[:index] + items[index + 1 :])}
    for key, value in properties.items():
        if len(value) <= 40:
            for index in range(len(value)):
                yield {**properties, key: value[:index] + value[index + 1 :]}
