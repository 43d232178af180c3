# SPDX-License-Identifier: GPL-3.0-or-later
"""Levels of features only go up, and no further than all nodes know."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _kafka_features
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._kafka_changes import Refusal

STATE: dict[str, t.Any] = {
    "metadata.version": {"supported": [7, 29], "finalized": 25},
    "group.version": {"supported": [0, 1], "finalized": None},
}


@pytest.mark.parametrize(
    ("wanted", "changes"),
    [
        ({"metadata.version": "latest"}, {"metadata.version": (25, 29)}),
        ({"metadata.version": 27}, {"metadata.version": (25, 27)}),
        ({"metadata.version": "27"}, {"metadata.version": (25, 27)}),
        ({"metadata.version": 25}, {}),
        ({"group.version": 1}, {"group.version": (0, 1)}),
        ({"group.version": 0}, {}),
        ({}, {}),
    ],
)
def test_what_rises(wanted: dict[str, t.Any], changes: dict[str, tuple[int, int]]) -> None:
    assert _kafka_features.changes(wanted, STATE) == changes


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"metadata.version": 24}, "a step back"),
        ({"metadata.version": 30}, "not among those that all brokers know, 7 to 29"),
        ({"metadata.version": "newest"}, "neither a level"),
        ({"metadata.version": None}, "neither a level"),
        ({"metadata.versions": 29}, "no such feature. It has: group.version, metadata.version"),
    ],
)
def test_what_is_refused(wanted: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Refusal, match=said):
        _kafka_features.changes(wanted, STATE)
