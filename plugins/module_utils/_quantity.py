# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Sizes as Kubernetes and the JVM write them. Private to the collection."""

from __future__ import annotations

import re
import typing as t

UNITS = {"k": 1, "m": 2, "g": 3, "ki": 1, "mi": 2, "gi": 3, "ti": 4, "pi": 5}


def bytes_of(quantity: t.Any) -> float | None:
    """Bytes of a Kubernetes quantity or of a JVM size; None where it is neither."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kKMGTPmg]i?)?", str(quantity).strip(), re.ASCII)
    if not match:
        return None
    unit = (match.group(2) or "").lower()
    base = 1024 if unit.endswith("i") or not str(quantity).strip()[-1].isupper() else 1000
    return float(match.group(1)) * (base ** UNITS[unit] if unit else 1)
