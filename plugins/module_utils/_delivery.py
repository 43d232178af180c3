# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Accounts for messages: what was sent against what was received. Private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import json
import typing as t

if t.TYPE_CHECKING:
    # Topic, partition and offset: where a message stands.
    Place = tuple[str, int, int]


@dataclasses.dataclass(frozen=True)
class Account:
    """What became of the messages that a broker acknowledged.

    ``lost``: acknowledged and not received, or received with another value. ``duplicated``: received more often
    than once, or acknowledged once and stored twice.
    """

    sent: int
    received: int
    lost: int
    duplicated: int

    def __add__(self, other: Account) -> Account:
        return Account(
            self.sent + other.sent,
            self.received + other.received,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
        )

    @property
    def whole(self) -> bool:
        """Whether something was sent, all of it received, and nothing twice."""
        return 0 < self.sent == self.received and self.lost == self.duplicated == 0

    @property
    def text(self) -> str:
        """The account as one line."""
        return f"sent {self.sent}, received {self.received}, lost {self.lost}, duplicated {self.duplicated}"


def account(sent: t.Mapping[Place, str], received: t.Iterable[tuple[Place, str]]) -> Account:
    """Account for the messages in ``sent``; what was received beside them belongs to others and does not count."""
    times: collections.Counter[Place] = collections.Counter()
    right: set[Place] = set()
    for place, value in received:
        if place in sent:
            times[place] += 1
            if value == sent[place]:
                right.add(place)
    return Account(
        sent=len(sent),
        received=len(right),
        lost=len(sent) - len(right),
        duplicated=sum(count - 1 for count in times.values()),
    )


def total(results: t.Iterable[t.Mapping[str, t.Any]]) -> dict[str, t.Any]:
    """The sum of the accounts in module results (those skipped count nothing), as ``text`` and ``whole``."""
    names = [field.name for field in dataclasses.fields(Account)]
    accounts = [Account(**{name: int(result[name]) for name in names}) for result in results if "sent" in result]
    found = sum(accounts, Account(0, 0, 0, 0))
    return {"text": found.text, "whole": found.whole}


def records(log: str, event: str) -> t.Iterator[tuple[Place, str, int]]:
    """Place, value and time (ms) of each record that a log of Kafka's verifiable clients tells of.

    ``event``: ``producer_send_success`` (VerifiableProducer) or ``record_data`` (VerifiableConsumer --verbose).
    Lines that are none, such as the runtime's own log or one cut off, are passed over.
    """
    for line in log.splitlines():
        if event not in line:
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and entry.get("name") == event:
            place = (str(entry["topic"]), int(entry["partition"]), int(entry["offset"]))
            yield place, str(entry["value"]), int(entry["timestamp"])
