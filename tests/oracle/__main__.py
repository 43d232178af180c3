# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Starts the comparison with the real classes; see compare.py."""

from __future__ import annotations

import sys

from ansible_collections.kafkaops.kubernetes.tests.oracle.compare import main

if __name__ == "__main__":
    sys.exit(main())
