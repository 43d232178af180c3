# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The table of layer 2's rules: how one is declared, and how all of them are run. Private to the collection."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding, Severity, Stage

Subject = t.Literal["variables", "planned", "live", "access"]
"""What a rule looks at: definition and plan; what is going to run; that beside what is there already; what was readable of it."""


class Problem(t.NamedTuple):
    """What a rule found: where, what is wrong, and how to mend it.

    ``servers``: the pods it is about, where what the rule makes superfluous (``instead_of``) is so for them only.
    """

    where: str
    message: str
    fix: str
    servers: tuple[str, ...] = ()


class Example(t.NamedTuple):
    """Two texts in YAML that differ in as little as possible: ``wrong`` breaks the rule, ``right`` does not.

    ``of`` says of what: ``variables`` of an inventory; ``zookeeper`` or ``kraft``, objects merged into
    ``docs/examples/<of>.yml`` as ``kubectl patch`` would; ``live``, what is there when the ``variables`` are applied;
    ``access``, what of it may be read.
    """

    of: str
    wrong: str
    right: str
    variables: str = "{}"


def changed(name: str, *variables: str, container: str = "", spec: str = "", kind: str = "StatefulSet") -> str:
    """A change to a workload of ``docs/examples`` and to its container, which has the same name, as an item of a YAML list.

    ``variables``: of the environment, ``NAME=value``; ``NAME`` alone takes one away. ``container``, ``spec``: further
    fields of the container and of the workload, ``key: value``.
    """
    entries = [f"{{name: {each}, $patch: delete}}" if "=" not in each else "{{name: {}, value: '{}'}}".format(*each.split("=", 1)) for each in variables]
    fields = [f"name: {name}", *([f"env: [{', '.join(entries)}]"] if entries else []), *([container] if container else [])]
    pods = [f"template: {{spec: {{containers: [{{{', '.join(fields)}}}]}}}}"] if len(fields) > 1 else []
    return f"{{kind: {kind}, metadata: {{name: {name}}}, spec: {{{', '.join([spec] * bool(spec) + pods)}}}}}"


def a_service(name: str, spec: str) -> str:
    """A Service, or a change to one of ``docs/examples``, as an item of a YAML list. ``spec``: ``key: value``."""
    return f"{{kind: Service, metadata: {{name: {name}}}, spec: {{{spec}}}}}"


def objects(*items: str) -> str:
    """A YAML list."""
    return f"[{', '.join(items)}]"


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule: its stable id, how bad a breach is, when it shows, what happens then, and what it asks for.

    An id may stand twice, where it depends on the circumstances how bad a breach is. ``instead_of``: rules of layer 1
    that say the same with less knowledge. ``needs``: what a rule of subject ``live`` must have read.
    """

    id: str
    severity: Severity
    stage: Stage
    consequence: str
    about: str
    subject: Subject
    example: Example
    problems: t.Callable[..., t.Iterator[Problem]]
    instead_of: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


RULES: list[Rule] = []
"""All rules in the order of their declaration; filled by the modules beside this one."""

_Check = t.TypeVar("_Check", bound=t.Callable[..., t.Iterator[Problem]])


def rule(
    rule_id: str,
    severity: Severity,
    stage: Stage,
    consequence: str,
    *,
    example: Example,
    subject: Subject = "planned",
    instead_of: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
) -> t.Callable[[_Check], _Check]:
    """Declares the function below it as a rule; the first line of its docstring says what the rule asks for."""

    def declare(problems: _Check) -> _Check:
        about = (problems.__doc__ or "").partition("\n")[0]
        RULES.append(Rule(rule_id, severity, stage, consequence, about, subject, example, problems, instead_of, needs))
        return problems

    return declare


Told = dict[str, set[str]]
"""By rule of layer 1: the pods of which layer 2 has said it better; ``""`` for all."""


def run(subject: Subject, *about: t.Any, told: Told | None = None) -> list[Finding]:
    """The findings of the rules of one subject; ``told`` takes note of what layer 1 need not say again."""
    findings = []
    for each in RULES:
        if each.subject == subject:
            for problem in each.problems(*about):
                findings.append(Finding(each.id, each.severity, each.stage, problem.where, problem.message, problem.fix, each.consequence))
                if told is not None:
                    told.setdefault(each.id, set()).add("")
                    for other in each.instead_of:
                        told.setdefault(other, set()).update(problem.servers or ("",))
    return findings
