# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""From what is wanted and what is there to what is done, the same for every kind of item. Private to the collection."""

from __future__ import annotations

import collections
import dataclasses
import re
import time
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import property_text
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._rules._keys import Key

ROUNDS = 8
"""How often a plan may be made anew before what is left counts as not done; a plan needs one round, a recreation two."""

SETTLE = 30.0
"""Seconds without any progress until what was acknowledged and does not show counts as not done. In KRaft the controller
acknowledges, and brokers learn it later: a moment, or as long as they need to make the logs of thousands of partitions."""

PAUSE = 0.1


class Later(str):
    """A reason of Kafka's that goes away by itself, such as a topic that is still being deleted."""


class Refusal(Exception):
    """The input is refused as a whole: nothing is changed."""


@dataclasses.dataclass(frozen=True)
class Change:
    """One thing to do. ``item``: what it concerns; ``kind``: what is done; ``says``: the same for people; ``data``: for who sends it.

    Changes are equal where they lead to the same, which is ``goal``, wherever they begin: brokers may show what they
    acknowledged bit by bit.
    """

    item: str
    kind: str
    says: str = dataclasses.field(compare=False)
    data: t.Any = dataclasses.field(default=None, compare=False, repr=False)
    goal: str = ""


@dataclasses.dataclass
class Plan:
    """What is to be done.

    ``refused``: why an item is left as it is, by item. ``before`` and ``after``: the items that change, for a diff.
    """

    changes: list[Change] = dataclasses.field(default_factory=list)
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def show(self, item: str, before: t.Any, after: t.Any) -> None:
        """Put an item into the diff; ``None`` where it is not there."""
        if before is not None:
            self.before[item] = before
        if after is not None:
            self.after[item] = after


@dataclasses.dataclass
class Report:
    """What became of a plan. ``errors``: by item, why it is not (wholly) as wanted."""

    changes: list[Change] = dataclasses.field(default_factory=list)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def results(self) -> list[dict[str, t.Any]]:
        """Items that changed or failed, in order of name: ``{name, changes, error}``."""
        found: dict[str, dict[str, t.Any]] = {}
        for change in self.changes:
            found.setdefault(change.item, {"name": change.item, "changes": []})["changes"].append(change.says)
        for item, error in self.errors.items():
            found.setdefault(item, {"name": item, "changes": []})["error"] = error
        return [found[item] for item in sorted(found)]


Refused = dict[Change, str]
"""What Kafka refused, and what it said."""


def converge(
    observe: t.Callable[[], t.Any],
    plan: t.Callable[[t.Any], Plan],
    write: t.Callable[[t.Sequence[Change], bool], Refused],
    *,
    check: bool,
    interrupted: type[Exception],
) -> Report:
    """Make it so, and look until Kafka shows it; in check mode ask Kafka what it would say, where it can be asked.

    Every round reads the state and plans anew. So a connection that breaks in the middle (``interrupted``) needs no
    care of its own, and what takes two steps needs no order of its own. An item that Kafka refuses is left alone
    from then on; the others go on.
    """
    report = Report()
    done: set[Change] = set()
    waiting: set[Change] = set()
    progress = time.monotonic()
    first: dict[Change, float] = {}
    rounds = 0
    while True:
        found = plan(observe())
        if not rounds:
            report.warnings, report.before, report.after = found.warnings, found.before, found.after
        report.errors.update({item: why for item, why in found.refused.items() if item not in report.errors})
        left = [change for change in found.changes if change.item not in report.errors]
        now = time.monotonic()
        fresh = [change for change in left if change not in done]
        if waiting != done.intersection(left):
            waiting, progress = done.intersection(left), now
        late = [change for change in left if change in done and now - progress > SETTLE]
        if check or not left:
            refused = write(left, True) if check and left else {}
            _account(report, left, refused)
            return report
        if late or rounds >= ROUNDS:
            report.errors.update({change.item: f"Kafka acknowledged it and does not show it: {change.says}" for change in late or left})
            continue
        if not fresh:
            time.sleep(PAUSE)
            continue
        rounds += 1
        try:
            refused = write(fresh, False)
        except interrupted:
            if rounds >= ROUNDS:
                raise
            # What was made of it shows in the next round; what was not is tried again.
            for change in fresh:
                if change not in report.changes:
                    report.changes.append(change)
            continue
        later = {change for change, why in refused.items() if isinstance(why, Later) and now - first.setdefault(change, now) < SETTLE}
        _account(report, [change for change in fresh if change not in later], refused)
        done.update(change for change in fresh if change not in refused)
        if later:
            rounds -= 1
            time.sleep(PAUSE)


def _account(report: Report, changes: t.Sequence[Change], refused: Refused) -> None:
    for change in changes:
        if change in refused:
            text = f"{change.says}: {refused[change]}"
            earlier = report.errors.get(change.item)
            report.errors[change.item] = f"{earlier}; {text}" if earlier else text
            report.changes = [each for each in report.changes if each != change]
        elif change not in report.changes:
            report.changes.append(change)


def to_purge(names: t.Iterable[str], pattern: str, limit: int, what: str) -> list[str]:
    """Those names that match the whole of ``pattern``; refuses where they are more than ``limit``."""
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise Refusal(f"purge.pattern is no regular expression: {error}") from None
    found = sorted(name for name in names if expression.fullmatch(name))
    if len(found) > limit:
        shown = ", ".join(found[:10]) + (" ..." if len(found) > 10 else "")
        raise Refusal(
            f"purge would delete {len(found)} {what}, and purge.limit is {limit}: {shown}. Nothing was changed. "
            "Mend: put what is to stay on the list, narrow purge.pattern, or raise purge.limit."
        )
    return found


def once(items: t.Iterable[str], what: str) -> None:
    """Refuse a list that has an item twice: which of them is meant?"""
    twice = sorted(item for item, count in collections.Counter(items).items() if count > 1)
    if twice:
        raise Refusal(f"more than once on the list of {what}: {', '.join(twice)}. Nothing was changed. Mend: keep one of each.")


def setting_texts(settings: t.Mapping[str, t.Any], where: str) -> dict[str, str]:
    """Configuration as Kafka gets it: ``true`` and not ``True``, lists joined with commas."""
    found = {}
    for key, value in settings.items():
        text = property_text(value)
        if text is None:
            raise Refusal(f"{where}.{key}: write a text, a number, true or false, or a list of these")
        found[str(key)] = text
    return found


def same_setting(kind: str, wanted: str, there: str | None) -> bool:
    """Whether two texts are one value to Kafka. ``kind``: type of the key, such as ``INT``, as Kafka tells it."""
    if there is None:
        return False
    if wanted == there:
        return True
    key = Key("", kind if kind in ("BOOLEAN", "INT", "SHORT", "LONG", "DOUBLE", "LIST") else "STRING", None, "")
    try:
        return key.parse(wanted) == key.parse(there)
    except ValueError:
        return False
