#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_wait
short_description: Wait until StatefulSets, Deployments and Services serve, claims have grown, and certificates are issued
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Waits until every pod of the named workloads is there and ready, and every named Service has the addresses that Kubernetes gives it.
  - A claim has grown when it has the size that it asks for, or when only a restart of its pod is left to be done.
  - A certificate is issued when cert-manager has put what it asks for into its Secret.
  - Unlike O(kubernetes.core.k8s#module:wait) of M(kubernetes.core.k8s) this holds for StatefulSets with C(updateStrategy=OnDelete) too.
  - On failure the message has the reason of each pod that is not ready and the end of its log.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kubernetes.core.k8s_auth_options
requirements:
  - kubernetes >= 24.2.0
attributes:
  check_mode:
    support: full
    details: It changes nothing; in check mode it looks once and does not fail.
  diff_mode:
    support: none
options:
  namespace:
    description: The namespace of the workloads.
    type: str
    required: true
  workloads:
    description:
      - What to wait for, each as C(StatefulSet/name), C(Deployment/name), C(Service/name), C(PersistentVolumeClaim/name) or C(Certificate/name).
    type: list
    elements: str
    required: true
  timeout:
    description: For how many seconds to wait at most.
    type: int
    default: 600
"""

EXAMPLES = r"""
- name: Wait for a broker
  kafkaops.kubernetes.kafka_wait:
    namespace: kafka
    workloads: [StatefulSet/kafka-broker-0]
    timeout: 900
"""

RETURN = r"""
waiting:
  description: The workloads that do not serve.
  type: list
  elements: str
  returned: always
  sample: []
outdated:
  description: The StatefulSets whose pods run an older template, or have to start anew for one of the claims to grow.
  type: list
  elements: str
  returned: success
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kubernetes
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.client import get_api_client
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.core import AnsibleK8SModule
from ansible_collections.kubernetes.core.plugins.module_utils.k8s.exceptions import CoreException


def main() -> None:
    """Wait, and explain where that was in vain."""
    module = AnsibleK8SModule(
        module_class=AnsibleModule,
        argument_spec={
            **AUTH_ARG_SPEC,
            "namespace": {"type": "str", "required": True},
            "workloads": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    names, timeout = module.params["workloads"], 0 if module.check_mode else module.params["timeout"]
    try:
        namespace = _kubernetes.Namespace(get_api_client(module=module), module.params["namespace"])
        _kubernetes.wait_for(lambda: not namespace.not_serving(names), timeout)
        waiting = namespace.not_serving(names)
        if waiting and not module.check_mode:
            module.fail_json(
                msg=f"{', '.join(waiting)} did not serve within {timeout} s.\n{namespace.explain(waiting)}", waiting=waiting
            )
        module.exit_json(changed=False, waiting=waiting, outdated=namespace.outdated(names))
    except CoreException as error:
        module.fail_from_exception(error)


if __name__ == "__main__":
    main()
