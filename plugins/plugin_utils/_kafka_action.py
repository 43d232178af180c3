# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Modules that talk to Kafka, inside of Ansible instead of a process of their own. Private to the collection.

A process of its own costs a task 0.6 s, and its list is written, read and cleaned several times on the way there and
back. The module is started all the same where the task says that it is to run somewhere else, or as somebody else.
"""

from __future__ import annotations

import types
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.validation import check_type_dict
from ansible.module_utils.errors import UnsupportedError
from ansible.plugins.action import ActionBase
from ansible.plugins.action.normal import ActionModule as ModuleProcess
from ansible.utils.vars import transform_to_native_types
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_args, _kafka_client, _kafka_module

DIGESTS = "records"
"""The one part of a result that is made from passwords and given back: nothing is crossed out in it, even where a short
password happens to stand in a digest."""


SHOWN = 10
"""How many wrong items are told at once."""


class InProcess:
    """A :class:`_kafka_module.Caller` that collects its warnings."""

    def __init__(self, params: dict[str, t.Any], check_mode: bool, diff: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self._diff = diff
        self.warnings: list[str] = []

    def warn(self, warning: str) -> None:
        """Keep a warning for the result."""
        self.warnings.append(warning)


class KafkaAction(ModuleProcess):  # type: ignore[misc]
    """Runs ``act`` of :attr:`MODULE`, a module with ``OPTIONS``; see the documentation of that module."""

    TRANSFERS_FILES = False
    MODULE: types.ModuleType

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The module's result, from here, or from a process of its own where :meth:`elsewhere` says so."""
        if self.elsewhere():
            return t.cast("dict[str, t.Any]", super().run(tmp, task_vars))
        result: dict[str, t.Any] = ActionBase.run(self, tmp, task_vars)
        params, secrets = self._options()
        this = InProcess(params, bool(self._task.check_mode), bool(self._task.diff))
        found = self.outcome(this)
        result.update({key: value if key == DIGESTS else remove_values(value, secrets) for key, value in found.items()})
        if this.warnings:
            result["warnings"] = remove_values(this.warnings, secrets)
        return result

    def outcome(self, this: InProcess) -> dict[str, t.Any]:
        """What comes of it. A module that connects itself says so by an ``outcome`` of its own."""
        own: t.Callable[[InProcess], dict[str, t.Any]] | None = getattr(self.MODULE, "outcome", None)
        return own(this) if own else _kafka_module.outcome(this, self.MODULE.act)

    def elsewhere(self) -> str:
        """Why a process of its own is needed, or nothing."""
        reasons = {
            "another host": self._connection.transport not in ("local", "ansible.builtin.local"),
            "another user": bool(self._connection.become),
            "async": bool(self._task.async_val),
            "an environment": any(self._task.environment or ()),
            # The interpreter for modules may have it.
            "kafka-python": bool(_kafka_client.KAFKA_IMPORT_ERROR),
        }
        return ", ".join(reason for reason, holds in reasons.items() if holds)

    def _options(self) -> tuple[dict[str, t.Any], set[str]]:
        """The checked options, and which of their values are secret."""
        spec = {**_kafka_args.SPEC, **self.MODULE.OPTIONS}
        validator = ArgumentSpecValidator(
            spec,
            required_together=_kafka_args.TOGETHER,
            required_if=_kafka_args.REQUIRED_IF,
        )
        # Values that came with a vault are still encrypted here.
        given = transform_to_native_types(self._task.args, redact=False)
        checked = validator.validate(given)
        secrets: set[str] = checked._no_log_values
        if checked.error_messages:
            found = wrong_items(spec, given) or [_said(checked)]
            raise AnsibleActionFail(remove_values("; ".join(found), secrets))
        return checked.validated_parameters, secrets


def wrong_items(options: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> list[str]:
    """What is wrong with single items of lists, with the item: Ansible tells the list alone. At most :data:`SHOWN`."""
    found = []
    for name, option in options.items():
        items = given.get(name)
        if option.get("elements") != "dict" or not isinstance(items, list):
            continue
        validator = ArgumentSpecValidator(option["options"])
        for number, item in enumerate(items):
            try:
                checked = validator.validate(check_type_dict(item))
            except TypeError:
                found.append(f"{name}[{number}] is a {type(item).__name__}; write a dictionary with {', '.join(option['options'])}")
            else:
                who = f" ({item['name']})" if isinstance(item, dict) and "name" in item else ""
                if checked.error_messages:
                    found.append(f"{name}[{number}]{who}: {remove_values(_said(checked), checked._no_log_values)}")
            if len(found) == SHOWN:
                return [*found, "there may be more"]
    return found


def _said(checked: t.Any) -> str:
    return "; ".join(f"{'unknown option ' if isinstance(error, UnsupportedError) else ''}{error.msg}" for error in checked.errors.errors)
