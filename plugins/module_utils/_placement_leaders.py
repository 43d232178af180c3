# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Preferred leaders made even by the order of replicas, which moves no bytes. Private to the collection."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _placement_levels as _levels


def even_leaders(rows: t.Sequence[list[int]], number: int) -> list[int]:
    """Reorder the replicas in ``rows`` (brokers, counted from 0 to ``number``) until their first ones are as even as they
    can be; those that can stay do. Returns how many each broker leads then."""
    work = _Leaders(rows, number)
    fewest, more = divmod(sum(work.count), number) if number else (0, 0)
    goal = [fewest] * number
    for broker in sorted(range(number), key=work.count.__getitem__, reverse=True)[:more]:
        goal[broker] += 1
    _levels.even_out(work.count, goal, work.edges, work.shift)
    return work.count


class _Leaders:
    """``offered``: what a leader could hand to whom; entries of partitions that have another leader by now are dropped when met."""

    def __init__(self, rows: t.Sequence[list[int]], number: int) -> None:
        self.rows = rows
        self.count = count = [0] * number
        self.offered: list[dict[int, list[int]]] = [collections.defaultdict(list) for _broker in range(number)]
        for row in rows:
            if row:
                count[row[0]] += 1
        most = -(-sum(count) // number) if number else 0
        for partition, row in enumerate(rows):
            if row and count[row[0]] > most:
                taker = min(row, key=count.__getitem__)
                if count[taker] < most:
                    self._put_first(partition, taker)
            for taker in row[1:]:
                self.offered[row[0]][taker].append(partition)

    def _put_first(self, partition: int, broker: int) -> None:
        row = self.rows[partition]
        self.count[row[0]] -= 1
        self.count[broker] += 1
        row.remove(broker)
        row.insert(0, broker)

    def edges(self, giver: int, unseen: set[int]) -> t.Iterator[tuple[int, int]]:
        """See :data:`_placement_levels.Edges`."""
        for taker in sorted(unseen):
            offered = self.offered[giver].get(taker, [])
            while offered and self.rows[offered[-1]][0] != giver:
                offered.pop()
            if offered:
                yield taker, offered[-1]

    def shift(self, partition: int, giver: int, taker: int) -> bool:
        """See :data:`_placement_levels.Shift`."""
        row = self.rows[partition]
        if row[0] != giver or taker not in row[1:]:
            return False
        self._put_first(partition, taker)
        for other in row[1:]:
            self.offered[taker][other].append(partition)
        return True
