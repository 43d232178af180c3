# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences are shown line by line, without what the server changes of itself."""

from __future__ import annotations

import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._diff import differences

OBJECT = {"kind": "ConfigMap", "metadata": {"name": "c"}}
BEFORE = {"data": {"f": "a=1\nb=2\n"}, "metadata": {"resourceVersion": "1", "labels": {"x": "y"}}, "status": {"z": 1}}
AFTER = {"data": {"f": "a=1\nb=3\n"}, "metadata": {"resourceVersion": "2", "labels": {"x": "y"}}}


def one(changed: bool = True, **diff: t.Any) -> dict[str, t.Any]:
    return {"changed": changed, "result": OBJECT, "diff": diff}


def test_a_changed_object_is_shown_by_its_lines() -> None:
    (diff,) = differences({"result": {"results": [one(before=BEFORE, after=AFTER), one(False, before={}, after={})]}})
    assert diff["before_header"] == diff["after_header"] == "ConfigMap/c"
    before, after = diff["before"].splitlines(), diff["after"].splitlines()
    assert [line.strip() for line in before if line not in after] == ["b=2"]
    assert [line.strip() for line in after if line not in before] == ["b=3"]
    assert "resourceVersion" not in diff["after"]
    assert "status" not in diff["before"]


def test_a_new_object_has_nothing_before() -> None:
    (diff,) = differences(one(before={}, after=AFTER))
    assert diff["before"] == ""
    assert "b=3" in diff["after"]


def test_a_result_without_diff_shows_nothing() -> None:
    assert differences({"skipped": True}) == []
    assert differences({"result": {"results": [{"changed": True, "result": OBJECT}]}}) == []
