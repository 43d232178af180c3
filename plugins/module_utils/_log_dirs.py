# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Which replicas of a broker move to which of its log directories. Pure; private to the collection.

Kafka puts a new replica into the directory with the fewest replicas, whatever their sizes, and moves none by itself: a
volume that was added stays as good as empty.
"""

from __future__ import annotations

import dataclasses
import typing as t

UNEVEN = 0.1
"""Directories whose levels differ by less than this part of their mean count as even: traffic undoes more than that."""

Place = tuple[str, int]
"""Topic and partition."""


@dataclasses.dataclass(frozen=True)
class Directory:
    """A log directory that works. ``replicas``: bytes by partition, those on their way here included. ``total``, ``free``: bytes of
    its volume, 0 where the release does not tell (before Kafka 3.3)."""

    path: str
    replicas: t.Mapping[Place, int]
    total: int = 0
    free: int = 0


class Move(t.NamedTuple):
    """A replica and where it goes."""

    topic: str
    number: int
    size: int
    source: str
    target: str


def used(directories: t.Iterable[Directory]) -> dict[str, int]:
    """Bytes of replicas in each directory."""
    return {directory.path: sum(directory.replicas.values()) for directory in directories}


def moves(directories: t.Sequence[Directory]) -> list[Move]:
    """The moves after which each directory is about as full as the others, by its volume's size where that is told; the largest
    first. None where they are even, or no single move would make them more so."""
    capacity = {each.path: float(each.total or 1) for each in directories}
    if any(not each.total for each in directories):
        capacity = dict.fromkeys(capacity, 1.0)
    load = {path: float(size) for path, size in used(directories).items()}
    room = {each.path: each.free if each.total else float("inf") for each in directories}
    homes = {place: each.path for each in directories for place in each.replicas}
    sizes = {place: size for each in directories for place, size in each.replicas.items()}
    at = dict(homes)

    def level(path: str, more: float = 0) -> float:
        return (load[path] + more) / capacity[path]

    if len(directories) < 2 or not sum(load.values()):
        return []
    mean = sum(load.values()) / sum(capacity.values())

    def better() -> tuple[Place, str, str] | None:
        """A replica of the fullest directory that something can be done for, and where it goes. The fuller of the two is then less full than
        before, so that the levels, the highest first, only fall, and this ends."""
        order = sorted(load, key=lambda path: (level(path), path))
        for full in reversed(order):
            for empty in order:
                if level(full) - level(empty) <= UNEVEN * mean:
                    break
                # What leaves the fuller of the two the least full; of equals the smaller one, which is copied sooner.
                choice = min(
                    (
                        (max(level(full, -sizes[place]), level(empty, sizes[place])), sizes[place], place)
                        for place, path in at.items()
                        if path == full and 0 < sizes[place] <= room[empty]
                    ),
                    default=None,
                )
                if choice is not None and choice[0] < level(full):
                    return choice[2], full, empty
        return None

    while found_better := better():
        place, full, empty = found_better
        size = sizes[place]
        at[place] = empty
        load[full], load[empty] = load[full] - size, load[empty] + size
        room[full], room[empty] = room[full] + size, room[empty] - size
    found = [Move(*place, sizes[place], homes[place], path) for place, path in at.items() if path != homes[place]]
    return sorted(found, key=lambda move: (-move.size, move.topic, move.number))
