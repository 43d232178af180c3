# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""How findings are shown: those of many nodes merged into one, and all of them as a table. Private to the collection."""

from __future__ import annotations

import dataclasses
import re
import textwrap
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import SEVERITIES, Finding, worst_first

Shown = dict[str, t.Any]
"""A finding as a module returns it, with ``count`` where it stands for several."""

STOPPING: dict[str, tuple[str, ...]] = {"error": ("error",), "warning": ("error", "warning"), "never": ()}
"""The severities that stop a run, by the option ``fail_on``."""

_FEW = 3  # as many of a kind are shown one by one
_BUDGET = 250_000  # characters; AWX cuts an event off at 700,000, and a failed task says its errors twice
_LONGEST = 1000
_NUMBER = re.compile(r"[0-9]+")
_NUMBERS = re.compile(r"\b((?:[0-9]+, ){8})((?:[0-9]+, ){3,}[0-9]+)\b")


def merged(findings: t.Iterable[Finding]) -> list[Shown]:
    """The findings, worst first, as a module returns them.

    Of more than three that differ in numbers only, as those of many nodes do, the first stays and says how many there
    are. So that the result of a large cluster can be kept and read, no more than ten kinds of one rule stay, fewer if
    there is very much to say.
    """
    found = worst_first(findings)
    for most, longest in ((10, _LONGEST), (3, _LONGEST), (1, 200)):
        result = _merged(found, most, longest)
        if sum(len(str(value)) for finding in result for value in finding.values()) <= _BUDGET:
            break
    return result


def _merged(findings: t.Sequence[Finding], most: int, longest: int) -> list[Shown]:
    kinds: dict[tuple[str, ...], list[Finding]] = {}
    for finding in findings:
        kinds.setdefault((finding.rule, finding.severity, finding.stage, _shape(finding.where), _shape(finding.message)), []).append(finding)
    by_rule: dict[tuple[str, str], list[list[Finding]]] = {}
    for kind in kinds.values():
        by_rule.setdefault((kind[0].rule, kind[0].severity), []).append(kind)
    result: list[Shown] = []
    for of_rule in by_rule.values():
        for kind in of_rule[:most]:
            result += [_shown(finding, longest) for finding in kind] if len(kind) <= _FEW else [_shown(kind[0], longest, len(kind))]
        left = [finding for kind in of_rule[most:] for finding in kind]
        if left:
            result.append(_shown(left[0], longest, len(left), "of this rule"))
    return sorted(result, key=lambda finding: SEVERITIES.index(finding["severity"]))


def _shape(text: str) -> str:
    return _NUMBER.sub("#", text[:_LONGEST])


def _shown(finding: Finding, longest: int, count: int = 1, like: str = "like it") -> Shown:
    texts = dataclasses.asdict(finding)
    texts["message"] = _NUMBERS.sub(lambda numbers: f"{numbers[1]}and {numbers[2].count(',') + 1} more", texts["message"])
    shown: Shown = {key: value if len(value) <= longest else f"{value[:longest]}..." for key, value in texts.items()}
    if count > 1:
        shown.update(message=f"{shown['message']} (and {count - 1} more {like})", count=count)
    return shown


def stopping(findings: t.Iterable[Shown], fail_on: str) -> list[Shown]:
    """The findings that stop a run: errors, with ``fail_on=warning`` warnings too, with ``never`` none; any other word is ``error``."""
    return [finding for finding in findings if finding["severity"] in STOPPING.get(fail_on, STOPPING["error"])]


def explain(findings: t.Iterable[Shown]) -> str:
    """Findings as text: one paragraph each, the rule first."""
    paragraphs = []
    for finding in findings:
        said = f"{_sentence(finding['message'])} {finding['consequence']} Mend: {_sentence(finding['fix'])}"
        paragraphs.append(f"[{finding['severity']}] {finding['rule']} at {finding['where']}: {said}")
    return "\n".join(paragraphs)


def table(findings: t.Sequence[Shown], width: int = 110) -> list[str]:
    """The lines of a table no wider than ``width``: severity, rule, where; what, what happens otherwise, how to mend it.

    Errors come first, findings of one rule stand together; the last line counts. ``findings``: see ``merged``.
    """
    if not findings:
        return ["Nothing to say."]
    rules = list(dict.fromkeys(finding["rule"] for finding in findings))
    rule_width = min(26, max(4, *map(len, rules)))
    where_width = min(30, max(5, *(len(str(finding["where"])) for finding in findings)))
    widths = (8, rule_width, where_width, max(20, width - 8 - rule_width - where_width - 6))
    lines = _row(("severity", "rule", "where", "what, and how to mend it"), widths) + _row(tuple("-" * number for number in widths), widths)
    before = ("", "")
    for finding in sorted(findings, key=lambda finding: (SEVERITIES.index(finding["severity"]), rules.index(finding["rule"]))):
        again = (finding["severity"], finding["rule"]) == before
        before = (finding["severity"], finding["rule"])
        lines += _row((*(("", "") if again else before), str(finding["where"]), _text(finding, again)), widths)
    return [*lines, "", _summary(findings)]


def _text(finding: Shown, again: bool) -> str:
    # What happens otherwise is the same for all findings of a rule.
    sentences = [finding["message"], "" if again else finding["consequence"], f"Mend: {finding['fix']}"]
    return "\n".join(_sentence(sentence) for sentence in sentences if sentence)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?", "...")) else f"{text}."


def _row(cells: t.Sequence[str], widths: t.Sequence[int]) -> list[str]:
    columns = [[line for paragraph in cell.split("\n") for line in _wrapped(paragraph, width)] for cell, width in zip(cells, widths)]
    height = max(map(len, columns))
    padded = [column + [""] * (height - len(column)) for column in columns]
    return ["  ".join(part.ljust(width) for part, width in zip(parts, widths)).rstrip() for parts in zip(*padded)]


def _wrapped(text: str, width: int) -> list[str]:
    # A word that is too long, such as a list of listeners, is cut rather than let the table grow.
    return textwrap.wrap("".join(character if character.isprintable() else "?" for character in text), width, break_on_hyphens=False) or [""]


def _summary(findings: t.Sequence[Shown]) -> str:
    counts = {severity: sum(finding.get("count", 1) for finding in findings if finding["severity"] == severity) for severity in SEVERITIES}
    words = [f"{count} {severity}{'s' if count > 1 else ''}" for severity, count in counts.items() if count]
    hidden = sum(counts.values()) - len(findings)
    return f"{', '.join(words)}{f'; {hidden} of them are like others and not shown' if hidden else ''}"
