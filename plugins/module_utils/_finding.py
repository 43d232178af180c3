# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What validation says about a configuration. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

Severity = t.Literal["error", "warning", "info"]
"""``error``: it would not work; ``warning``: it works and hurts later; ``info``: worth knowing."""

Stage = t.Literal["config", "start", "runtime"]
"""``config``: the process refuses its configuration; ``start``: it dies later in start-up; ``runtime``: it runs and misbehaves."""

_LONGEST = {"where": 300, "message": 10_000, "fix": 2000}  # a message may name a thousand nodes

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One statement about one place of a configuration.

    ``rule``: stable id such as ``ADV-SHARED``. ``where``: the variable or property concerned, e.g.
    ``kafka_listeners[1].port``. ``message``: what is wrong, with the offending value. ``consequence``: what
    happens if it is applied all the same. ``fix``: what to write instead.
    """

    rule: str
    severity: Severity
    stage: Stage
    where: str
    message: str
    fix: str
    consequence: str = ""

    def __post_init__(self) -> None:
        """Whoever writes a value of ten megabytes does not want it back."""
        for name, longest in _LONGEST.items():
            text = getattr(self, name)
            if len(text) > longest:
                object.__setattr__(self, name, f"{text[:longest]}... ({len(text)} characters)")

    def as_dict(self) -> dict[str, str]:
        """The finding as a module returns it; empty fields are left out."""
        return {key: value for key, value in dataclasses.asdict(self).items() if value}


def worst_first(findings: t.Iterable[Finding]) -> list[Finding]:
    """Errors before warnings before infos, duplicates dropped, otherwise in the order they were found."""
    return sorted(dict.fromkeys(findings), key=lambda finding: SEVERITIES.index(finding.severity))
