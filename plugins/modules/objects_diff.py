#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: objects_diff
short_description: Show what applying several objects changed
version_added: 1.0.0
author:
  - kafkaops.kubernetes contributors (@kafkaops)
description:
  - M(kubernetes.core.k8s) returns the diffs of a list of objects where Ansible does not print them. This prints them.
  - This is an action plugin; it reads nothing but its argument and changes nothing.
extends_documentation_fragment:
  - kafkaops.kubernetes.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
options:
  applied:
    description: What M(kubernetes.core.k8s) returned.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the differences
  kafkaops.kubernetes.objects_diff:
    applied: "{{ applied }}"
  when: ansible_diff_mode
"""

RETURN = r""" # """
