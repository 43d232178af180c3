# SPDX-License-Identifier: GPL-3.0-or-later
"""The fixtures of every topology's tests."""

from __future__ import annotations

from cluster import kubectl, outside, plan

__all__ = ["kubectl", "outside", "plan"]
