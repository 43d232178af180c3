# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The API server for action plugins, through kubernetes.core's client. Private to the collection.

Imported with the action, so by Ansible's main process once: its workers are forks and need no half second each.
"""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _live
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException
from urllib3.exceptions import HTTPError

OPTIONS: dict[str, dict[str, t.Any]] = {"kubeconfig": {"type": "path"}, "context": {"type": "str"}}
"""How to reach the API server; empty for ``K8S_AUTH_*``, the pod's own account, or the usual kubeconfig."""


def looker(options: t.Mapping[str, t.Any], live: str = "true") -> t.Callable[[str, str], _live.Found | None]:
    """Look where ``live`` is ``true``, where that is possible with ``auto``, never with ``false``."""

    def look_or_not(namespace: str, cluster: str) -> _live.Found | None:
        if live == "false":
            return None
        try:
            return look(options, namespace, cluster)
        except AnsibleActionFail:
            if live == "true":
                raise
            return None

    return look_or_not


def look(options: t.Mapping[str, t.Any], namespace: str, cluster: str) -> _live.Found:
    """What there is of a cluster; raises AnsibleActionFail where the API server cannot be asked."""
    kubeconfig = options["kubeconfig"] or None
    try:
        if kubeconfig and not os.path.exists(kubeconfig):
            raise CoreException(f"there is no kubeconfig {kubeconfig}")
        return _live.read(_live.Api(get_api_client(kubeconfig=kubeconfig, context=options["context"] or None)), namespace, cluster)
    except (CoreException, HTTPError, OSError) as error:
        raise AnsibleActionFail(
            f"The API server of cluster {cluster} cannot be asked: {error}. Nothing was applied. "
            "Mend: kafka_kubeconfig and kafka_context, or K8S_AUTH_HOST and K8S_AUTH_API_KEY in the environment."
        ) from error
