# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Actions that stop nodes while they hold the lock of the cluster. Private to the collection.

They run on the control node inside of Ansible: the lock is held by the playbook's own process, not by one of a task's.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _drain_calls, _kafka_args, _kafka_module, _kafka_road, _kubernetes, _roll, _roll_lock
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException

# What the port-forward needs takes a second to load. Ansible loads this file in its own process, which each task's is forked from, so that
# it is loaded once and not for each node.
from kubernetes.client.api import core_v1_api  # noqa: F401
from kubernetes.dynamic.exceptions import DynamicApiError
from urllib3.exceptions import HTTPError

Options = t.Dict[str, t.Any]  # noqa: UP006

OPTIONS: Options = {
    "nodes": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "pod": {"type": "str", "required": True},
            "id": {"type": "int", "required": True},
            "roles": {"type": "list", "elements": "str", "choices": ["broker", "controller", "zookeeper"], "required": True},
            "outside": {"type": "list", "elements": "str", "default": []},
            "stopped": {"type": "bool", "default": False},
        },
    },
    "patience": {"type": "int", "default": 600},
    "ready_timeout": {"type": "int", "default": 900},
    "allow_without_spare": {"type": "bool", "default": False},
    "check_reachable": {"type": "bool", "default": False},
}
"""What all of them take."""


class RollAction(ActionBase):  # type: ignore[misc]
    """See the documentation of the module of the same name. ``STOPS``: how it stops nodes, for a person."""

    TRANSFERS_FILES = False
    OPTIONS: Options
    STOPS: str

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """The result of :meth:`act`."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(
            {**_kafka_args.SPEC, **self.OPTIONS}, required_together=_kafka_args.TOGETHER, required_if=_kafka_args.REQUIRED_IF
        )
        if not options["namespace"]:
            raise AnsibleActionFail(f"namespace is missing: {self.STOPS}. Nothing was changed. Mend: name the namespace.")
        try:
            client = get_api_client(**{key: options[key] for key in AUTH_ARG_SPEC if options[key] is not None})
            namespace = _kubernetes.Namespace(client, options["namespace"])
            lock = _roll_lock.RollLock(namespace, options["cluster"], _roll_lock.holder(os.getppid()))
            result.update(self.act(namespace, lock, options))
        except (CoreException, HTTPError, DynamicApiError, _kafka_road.RoadError, _roll.Stopped, _drain_calls.Gone, Refusal) as error:
            raise AnsibleActionFail(f"cluster {options['cluster']}: {error}") from error
        return result

    def act(self, namespace: _kubernetes.Namespace, lock: _roll_lock.RollLock, options: Options) -> dict[str, t.Any]:
        """What the task is there for, in check mode too."""
        raise NotImplementedError


def members(options: Options) -> list[_roll.Member]:
    """The nodes and ZooKeeper servers."""
    return [_roll.Member(each["name"], each["pod"], each["id"], tuple(each["roles"]), tuple(each["outside"]), each["stopped"]) for each in options["nodes"]]


def road(options: Options) -> t.Callable[[float], _kafka_road.Road]:
    """A way to the cluster with this many seconds for everything."""
    return lambda seconds: _kafka_module.road({**options, "timeout": seconds})
