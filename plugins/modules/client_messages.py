#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: client_messages
short_description: Account for the messages of verifiable client applications
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Reads the logs of client applications of a cluster that run C(org.apache.kafka.tools.VerifiableProducer) and
    C(org.apache.kafka.tools.VerifiableConsumer) (with C(--verbose)), as the example inventory has them.
  - Every message that a broker acknowledged to a producer must have been received by a consumer, exactly once.
  - Waits until what was sent when it was called has been received, at most O(timeout) seconds.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kubernetes.core.k8s_auth_options
requirements:
  - kubernetes >= 24.2.0
attributes:
  check_mode:
    support: full
    details: It changes nothing.
  diff_mode:
    support: none
options:
  namespace:
    description: The namespace of the cluster.
    type: str
    required: true
  cluster:
    description: The cluster's name.
    type: str
    required: true
  window:
    description: Counts the messages of the last so many seconds. The kubelet rotates logs, so a window must not reach far back.
    type: int
    default: 600
  minimum:
    description: Waits until at least so many messages were acknowledged.
    type: int
    default: 1
  timeout:
    description: For how many seconds to wait at most.
    type: int
    default: 120
"""

EXAMPLES = r"""
- name: Account for what the example clients sent
  kafkaops.kubernetes.client_messages:
    namespace: kafka
    cluster: kafka
    minimum: 100
"""

RETURN = r"""
sent:
  description: How many messages brokers acknowledged.
  type: int
  returned: success
  sample: 100
received:
  description: How many of these were received.
  type: int
  returned: success
  sample: 100
lost:
  description: How many were not received.
  type: int
  returned: success
  sample: 0
duplicated:
  description: How many receptions were one too many.
  type: int
  returned: success
  sample: 0
"""

import dataclasses
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _delivery, _kubernetes
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException


def logs(namespace: _kubernetes.Namespace, cluster: str, kind: str, seconds: int) -> t.Iterator[str]:
    """The logs of all containers of a kind of clients, those that ended before a restart too."""
    labels = f"app.kubernetes.io/instance={cluster},app.kubernetes.io/component={kind}"
    for pod in namespace.objects("Pod", labels):
        for status in (pod.get("status") or {}).get("containerStatuses") or []:
            if status.get("restartCount"):
                yield namespace.log(pod["metadata"]["name"], since=seconds, previous=True)
            if status.get("started"):
                yield namespace.log(pod["metadata"]["name"], since=seconds)


def main() -> None:
    """Read the producers' logs, then the consumers' until all is there or the time is over."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule,
        argument_spec={
            **AUTH_ARG_SPEC,
            "namespace": {"type": "str", "required": True},
            "cluster": {"type": "str", "required": True},
            "window": {"type": "int", "default": 600},
            "minimum": {"type": "int", "default": 1},
            "timeout": {"type": "int", "default": 120},
        },
        supports_check_mode=True,
    )
    cluster, window, timeout = module.params["cluster"], module.params["window"], module.params["timeout"]
    begun = time.monotonic()

    def seconds() -> int:
        return window + int(time.monotonic() - begun) + 1

    def sent() -> dict[_delivery.Place, str]:
        texts = logs(namespace, cluster, "producer", seconds())
        return {place: value for text in texts for place, value, _time in _delivery.records(text, "producer_send_success")}

    def accounted() -> _delivery.Account:
        texts = logs(namespace, cluster, "consumer", seconds())
        return _delivery.account(
            snapshot, [(place, value) for text in texts for place, value, _time in _delivery.records(text, "record_data")]
        )

    try:
        namespace = _kubernetes.Namespace(get_api_client(module=module), module.params["namespace"])
        _kubernetes.wait_for(lambda: len(sent()) >= module.params["minimum"], timeout)
        snapshot = sent()
        if len(snapshot) < module.params["minimum"]:
            module.fail_json(
                msg=f"The producers of {cluster} had {len(snapshot)} messages acknowledged within {timeout} s, fewer than "
                f"{module.params['minimum']}: look at their logs, and whether they run VerifiableProducer."
            )
        _kubernetes.wait_for(lambda: accounted().lost == 0, timeout)
        module.exit_json(changed=False, **dataclasses.asdict(accounted()))
    except CoreException as error:
        module.fail_from_exception(error)


if __name__ == "__main__":
    main()
