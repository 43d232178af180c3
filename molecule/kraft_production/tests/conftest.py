# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures and helpers of molecule/topology."""

from __future__ import annotations

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "topology/tests"))

from cluster import kubectl, outside, plan

__all__ = ["kubectl", "outside", "plan"]
