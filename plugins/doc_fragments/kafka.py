# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation that modules which talk to Kafka share."""

from __future__ import annotations


class ModuleDocFragment:
    """How to reach a cluster."""

    DOCUMENTATION = r"""
requirements:
  - kafka-python >= 3.0
  - kubernetes >= 24.2.0, with O(namespace)
notes:
  - With O(namespace) the brokers are reached through the Kubernetes API server. The rights needed are C(list pods) and
    C(get) and C(create pods/portforward) in that namespace. Nothing of the brokers' network, nor their DNS, has to be reachable.
  - Without O(namespace) the module connects directly, and every advertised address of the listener has to be reachable.
  - The module opens no connection to a broker that O(addresses) and the cluster's own names do not tell.
options:
  cluster:
    description: The cluster's name. It selects the pods by their label C(app.kubernetes.io/instance) and stands in messages.
    type: str
    default: kafka
  bootstrap_servers:
    description:
      - Where to begin, each as C(host:port).
      - With O(namespace) this is best C(CLUSTER-bootstrap:PORT), which is any broker that is ready.
    type: list
    elements: str
    required: true
  cluster_id:
    description:
      - The id that the cluster has. Before anything is written it is compared, so that a definition never lands on another cluster.
      - Without, nothing is compared. The id is returned as C(cluster_id) by every module.
    type: str
  namespace:
    description: The namespace of the brokers' pods. Where given, the way leads through the Kubernetes API server.
    type: str
  addresses:
    description:
      - Addresses outside of Kubernetes that the listener advertises, such as node ports or load balancers, and where they lead. Only with O(namespace).
      - The names that the collection gives to pods and Services are known without.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The advertised host.
        type: str
        required: true
      port:
        description: The advertised port.
        type: int
        required: true
      node:
        description: The node's name, as in the label C(kafkaops.kubernetes/node) of its pod.
        type: str
        required: true
      listener_port:
        description: The port of the listener in the pod.
        type: int
        required: true
  security_protocol:
    description: How the listener speaks.
    type: str
    default: PLAINTEXT
    choices: [PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL]
  sasl_mechanism:
    description: How to authenticate.
    type: str
    default: SCRAM-SHA-512
    choices: [SCRAM-SHA-512, SCRAM-SHA-256, PLAIN]
  sasl_username:
    description: Who to authenticate as.
    type: str
  sasl_password:
    description: The password.
    type: str
  ssl_ca:
    description: Certificates of the authorities that sign the brokers' certificates, as PEM text. Without, those of the system.
    type: str
  ssl_certificate:
    description: The client's certificate and its chain, as PEM text, where the listener wants one.
    type: str
  ssl_key:
    description: The key of O(ssl_certificate), as PEM text without a password.
    type: str
  ssl_check_hostname:
    description: Whether the brokers' certificates must be for the hosts that they advertise.
    type: bool
    default: true
  timeout:
    description: For how many seconds everything together may take at most. Connection errors are tried again until then.
    type: int
    default: 60
"""
