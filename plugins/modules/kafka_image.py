#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_image
short_description: Find out which broker image to run, and whether it has to be built
version_added: 1.0.0
description:
  - Computes the tag of the broker image from everything that goes into it, and asks the registry for the digest behind
    that tag. An image that is already there is known after one request.
  - It also checks jars that were fetched against the lock, see O(state=jars).
  - This is the working part of the role P(kafkaops.kubernetes.image#role); run the role, not this.
  - Runs on the controller.
author:
  - kafkaops.kubernetes contributors (@kafkaops)
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
  - kafkaops.kubernetes.attributes.idempotent
attributes:
  check_mode:
    support: full
    details:
      - In check mode an unreachable registry is a warning, because a play may be about to start it.
  diff_mode:
    support: none
  idempotent:
    support: full
  action:
    description: Runs on the controller, in the process of the play.
    support: full
options:
  state:
    description:
      - With V(resolved), say which image to run, and what is missing to build it.
      - With V(jars), compare every jar in O(jars_path) with the lock; if they are all as locked, move that directory to
        where the role keeps jars, otherwise fail and name each jar that differs.
    type: str
    choices: [resolved, jars]
    default: resolved
  source:
    description: The role's directory, with the locks and everything else that goes into an image.
    type: path
    required: true
  kafka_version:
    description: The release of Kafka.
    type: str
    required: true
  reference:
    description: An image that exists. With this, nothing is ever built.
    type: str
    default: ""
  flavour:
    description: What the image is made from, see the role.
    type: str
    choices: [assembled, base]
    default: assembled
  base:
    description: With O(flavour=base), the image to lay the start script over.
    type: str
    default: ""
  assembled_base:
    description: With O(flavour=assembled), an image with a Java runtime to use instead of making a Debian.
    type: str
    default: ""
  registry:
    description: Where the image goes, as C(host) or C(host:port).
    type: str
    default: localhost:5000
  repository:
    description: The image's path in the registry.
    type: str
    default: kafka
  username:
    description: Login of the registry.
    type: str
    default: ""
  password:
    description: Password of O(username).
    type: str
    default: ""
  insecure:
    description: Whether the registry speaks plain HTTP. A registry on this machine always does.
    type: bool
    default: false
  validate_certs:
    description: Whether the registry's certificate has to be valid.
    type: bool
    default: true
  cache_dir:
    description: Where jars and bases are kept between runs.
    type: path
    required: true
  debian_suite:
    description: Release of the base; empty is that of this machine.
    type: str
    default: ""
  debian_mirror:
    description: Mirror for the base; empty is that of this machine.
    type: str
    default: ""
  debian_java:
    description: Package with the Java runtime.
    type: str
    default: openjdk-17-jre-headless
  debian_refresh:
    description: Whether to make the Debian base anew although there is one.
    type: bool
    default: false
  jars_path:
    description: With O(state=jars), the directory with the jars that were fetched.
    type: path
seealso:
  - plugin: kafkaops.kubernetes.image
    plugin_type: role
"""

EXAMPLES = r"""
- name: Ask which image to run
  kafkaops.kubernetes.kafka_image:
    source: "{{ role_path }}"
    kafka_version: 3.9.2
    registry: localhost:5000
    cache_dir: ~/.cache/kafkaops-kubernetes
  register: answer
"""

RETURN = r"""
present:
  description: Whether the image is in the registry, or was named by O(reference).
  returned: O(state=resolved)
  type: bool
  sample: true
resolved:
  description: What pods should run; by digest whenever that is known.
  returned: O(state=resolved)
  type: str
  sample: localhost:5000/kafka@sha256:5bdd8d4dd8ebcb5c4fb10c6d0f6ce3e5d3ed9c5d2d6b0f23ae0b6c2d5e3c6a11
reference:
  description: The image by its tag.
  returned: O(state=resolved)
  type: str
  sample: localhost:5000/kafka:3.9.2-0b1c2d3e4f50
tag:
  description: The tag alone. Empty if O(reference) has none.
  returned: O(state=resolved)
  type: str
  sample: 3.9.2-0b1c2d3e4f50
digest:
  description: The digest. Empty if it is not known.
  returned: O(state=resolved)
  type: str
  sample: sha256:5bdd8d4dd8ebcb5c4fb10c6d0f6ce3e5d3ed9c5d2d6b0f23ae0b6c2d5e3c6a11
build:
  description: What the role needs to know to build the image. Empty with O(reference).
  returned: O(state=resolved)
  type: dict
  contains:
    from_image:
      description: The image under the layer with the start script.
      type: str
      returned: always
    base_image:
      description: The image under the jars. Empty with O(flavour=base).
      type: str
      returned: always
    debian_dir:
      description: Where the Debian base is kept. Empty if none is made.
      type: str
      returned: always
    debian_needed:
      description: Whether the Debian base has to be made before the tag is certain.
      type: bool
      returned: always
    jars_dir:
      description: Where the jars are kept. Empty with O(flavour=base).
      type: str
      returned: always
    jars_needed:
      description: Whether the jars have to be fetched.
      type: bool
      returned: always
    pom:
      description: A Maven project that depends on exactly the locked jars.
      type: str
      returned: when RV(build.jars_needed) is true
"""
