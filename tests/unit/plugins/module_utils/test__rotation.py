# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of replacing a certificate authority."""

from __future__ import annotations

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _rotation

OLD = {"tls.crt": "old", "tls.key": "old-key", "ca.crt": "old"}
NEW = {"tls.crt": "new", "tls.key": "new-key", "ca.crt": "new"}


def test_at_no_time_is_a_certificate_shown_that_someone_does_not_trust() -> None:
    """Between two steps nodes have what was before or what is now, so each must trust the signers of both."""
    states = [OLD]
    while len(states) == 1 or states[-1].get("step"):
        states.append(_rotation.advance(states[-1], NEW))
    assert [state.get("step", "") for state in states] == ["", "trust", "switch", "drop", ""]
    for before, after in zip(states, states[1:]):
        for signer in (before["tls.crt"], after["tls.crt"]):
            for trusted in (before["ca.crt"], after["ca.crt"]):
                assert signer in trusted
    assert states[-1] == NEW


def test_the_key_of_the_next_authority_is_kept_until_it_signs() -> None:
    first = _rotation.advance(OLD, NEW)
    assert (first["next.crt"], first["next.key"]) == ("new", "new-key")
    second = _rotation.advance(first, {})
    assert (second["tls.crt"], second["tls.key"]) == ("new", "new-key")
    assert "next.key" not in second


def test_when_it_was_applied_is_told_by_the_api_server() -> None:
    entries = [
        {"manager": "kafkaops.kubernetes", "time": "2026-01-01T00:00:00Z"},
        {"manager": "kafkaops.kubernetes", "time": "2026-01-02T00:00:00Z"},
        {"manager": "kubectl", "time": "2026-01-03T00:00:00Z"},
    ]
    assert _rotation.applied_at({"metadata": {"managedFields": entries}}, "kafkaops.kubernetes") == "2026-01-02T00:00:00Z"
    assert _rotation.applied_at({"metadata": {}}, "kafkaops.kubernetes") == ""
