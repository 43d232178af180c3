# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Compares what is said about certificates with Kafka's ``DefaultSslEngineFactory`` and a handshake of Java."""

from __future__ import annotations

import time
import urllib.parse

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificates
from ansible_collections.kafkaops.kubernetes.tests.oracle import certificates, jars, judge

FIRST_PEM = (2, 7)
"""The first minor that reads PEM."""


def compare(release: str) -> int:
    """All certificates of the table with one release; how many disagreements."""
    started = time.monotonic()
    # A name after the other, as clients come.
    asked = [(case, name) for case in certificates.cases() for name in case.names]
    differing = 0
    with judge.Judge("TlsJudge", jars.kafka_classpath(release)) as real:
        for (case, name), answer in zip(asked, real.ask_lines([_question(case, name) for case, name in asked])):
            said = _said(case, name)
            # Where we are stricter, Java really must take it.
            agreed = answer[0] == "1" and bool(said) if case.stricter else (answer[0] == "1") != bool(said)
            if not agreed:
                differing += 1
                heard = urllib.parse.unquote_plus(answer)
                print(f"\nKafka {release} and the validator disagree about {case.name}\n  Kafka:     {heard}\n  validator: {said or 'accepts'}\n")
            elif answer[0] == "1":
                differing += _named_differently(release, case, urllib.parse.unquote_plus(answer.split("\t")[1]))
    print(f"Certificates, Kafka {release}: {len(asked)} cases, {differing} disagreements, {time.monotonic() - started:.1f} s", flush=True)
    return differing


def _named_differently(release: str, case: certificates.Case, principal: str) -> int:
    described = {one.subject for one in _certificates.describe(case.chain)}
    if principal in described:
        return 0
    print(f"\nKafka {release} calls the subject of {case.name} {principal!r}, the validator {sorted(described)}")
    return 1


def _question(case: certificates.Case, name: str) -> str:
    fields = (case.chain, case.key, "-" if case.password is None else case.password, case.authority, name, "1" if case.client else "0")
    return "\t".join(urllib.parse.quote(field, safe="") for field in fields)


def _said(case: certificates.Case, name: str) -> str:
    found = _certificates.check(
        case.chain, case.key, case.authority, [name], now=certificates.NOW, where="here", client=case.client, key_password=case.password
    )
    return "; ".join(f"{finding.rule} {finding.message}" for finding in found if finding.severity == "error")
