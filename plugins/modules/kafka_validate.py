#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_validate
short_description: Validate the definition of a Kafka cluster and plan it
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - Turns the variables of an inventory host, which is a Kafka cluster, into the plan of everything to apply.
  - Says what Kafka, ZooKeeper and Kubernetes would say to it, and which mistakes they would accept silently.
  - Runs on the control node. Changes nothing; reads from Kubernetes only with O(live).
  - This is an action plugin; with O(definition) left out it reads the host's variables C(kafka_*), C(zookeeper_*), C(services_*) and C(clients_*).
  - With O(properties), O(properties_file), O(properties_text), O(zookeeper_file) or O(zookeeper_text) it checks an existing configuration instead,
    of one broker, controller or ZooKeeper server, for whoever uses nothing else of this collection. Then there is no plan.
  - Files are read as Java reads them.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  definition:
    description:
      - The variables by name, instead of those of the inventory host.
    type: dict
  manifests:
    description:
      - The Kubernetes objects of one Kafka cluster that somebody wrote or a chart rendered, to be checked instead of a definition.
        StatefulSets, Deployments, Pods, Services and ConfigMaps count; the more of them, the more can be said.
      - Properties are read from the environment as the images C(apache/kafka), C(confluentinc/cp-kafka), C(confluentinc/cp-zookeeper),
        C(bitnami/kafka), C(wurstmeister/kafka), C(zookeeper) and C(bitnami/zookeeper) do, and from C(server.properties) or C(zoo.cfg) in a ConfigMap.
        A finding C(MANIFEST-UNREAD) names what could not be.
      - Of the definition, C(kafka_namespace) (of objects that name none, default V(default)), C(kafka_cluster_domain) and C(kafka_version)
        (of images whose tag names no release) are used. There is no plan then.
    type: list
    elements: dict
  live:
    description:
      - Whether to look at what there is in Kubernetes. Addresses and node ports that Kubernetes assigned, and the cluster's id, are taken from there,
        and what is planned is compared with what is there. Without, a finding C(LIVE-SKIPPED) says which checks were not made.
      - V(true) fails where the API server cannot be asked; V(auto) goes on without.
    type: str
    choices: ["true", "false", auto]
    default: "false"
  kubeconfig:
    description:
      - The kubeconfig. Without, C(K8S_AUTH_*), the pod's own account, or the usual kubeconfig is used.
    type: path
  context:
    description:
      - The context of the kubeconfig.
    type: str
  kafka_version:
    description:
      - The release of Kafka that shall run with the configuration, such as V(3.9.2); V(3.9) is the latest of that minor. From 2.4 to 4.3.
      - Needed with O(properties), O(properties_file) and O(properties_text). The variable of the same name is part of O(definition).
    type: str
  zookeeper_version:
    description:
      - The release of ZooKeeper, from 3.5 to 3.9. Left out, it is the one that O(kafka_version) brings.
    type: str
  properties:
    description:
      - The properties of a broker or controller by name.
    type: dict
  properties_file:
    description:
      - The path of a C(server.properties) on the control node, relative to the directory that Ansible was started in.
    type: path
  properties_text:
    description:
      - The content of a C(server.properties).
    type: str
  zookeeper_file:
    description:
      - The path of a C(zoo.cfg) on the control node, relative to the directory that Ansible was started in.
    type: path
  zookeeper_text:
    description:
      - The content of a C(zoo.cfg).
    type: str
  myid:
    description:
      - The content of the file C(myid) beside it. Left out, nothing is said about it.
    type: str
  fail_on:
    description:
      - Which findings make the task fail.
    type: str
    choices: [error, warning, never]
    default: error
"""

EXAMPLES = r"""
- name: Validate the cluster that the inventory describes
  kafkaops.kubernetes.kafka_validate:

- name: Refuse what many tutorials show
  kafkaops.kubernetes.kafka_validate:
    definition:
      kafka_cluster_name: events
      kafka_listeners:
        - name: PLAINTEXT
          port: 9092
          advertised_host: kafka

- name: Check manifests that are there already
  kafkaops.kubernetes.kafka_validate:
    manifests: "{{ lookup('ansible.builtin.file', 'kafka.yml') | from_yaml_all | list }}"
    definition:
      kafka_namespace: team-a

- name: Render a chart
  ansible.builtin.command:
    argv: [helm, template, events, ./chart, --namespace, team-a]
  register: rendered
  changed_when: false

- name: Check what it would install
  kafkaops.kubernetes.kafka_validate:
    manifests: "{{ rendered.stdout | from_yaml_all | select | list }}"
    definition:
      kafka_namespace: team-a
      kafka_version: 3.9.2

- name: Would Kafka 4.1 take the file that Kafka 3.9 runs with?
  kafkaops.kubernetes.kafka_validate:
    properties_file: /etc/kafka/server.properties
    kafka_version: 4.1.2

- name: Check one member of a ZooKeeper ensemble
  kafkaops.kubernetes.kafka_validate:
    zookeeper_text: "{{ lookup('ansible.builtin.template', 'zoo.cfg.j2') }}"
    zookeeper_version: 3.8.4
    myid: "1"
"""

RETURN = r"""
findings:
  description:
    - What there is to say, errors first.
    - Of more than three that differ in numbers only, as those of many nodes do, the first one stays.
    - The filter C(kafkaops.kubernetes.findings_table) makes a table of them.
  type: list
  elements: dict
  returned: always
  contains:
    rule:
      description: The rule's stable id.
      type: str
      sample: ADV-SHARED
    severity:
      description: V(error), V(warning) or V(info).
      type: str
      sample: error
    stage:
      description: When it shows; V(config), V(start) or V(runtime).
      type: str
      sample: runtime
    where:
      description: The variable or property concerned; with the line, where there is a file.
      type: str
      sample: kafka_listeners[0] (PLAINTEXT)
    message:
      description: What is wrong.
      type: str
      sample: brokers 0, 1, 2 advertise one address, kafka:9092
    consequence:
      description: What happens if it is applied all the same.
      type: str
      sample: Clients reach an arbitrary broker instead of the leader.
    fix:
      description: What to write instead.
      type: str
      sample: leave the address to the collection
    count:
      description: How many findings this one stands for.
      type: int
      returned: if it is more than one
      sample: 1000
plan:
  description: The plan. Its shape is private to the collection's roles.
  type: dict
  returned: success, unless manifests or a configuration were given
  sample: {cluster: events, namespace: kafka}
"""
