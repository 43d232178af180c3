# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import ssl

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_pki as pki
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes

NODE = processes.Identity("node1", "system:node:node1", "system:nodes", ("node1",), ("198.18.1.11",))
PROXY = processes.Identity("proxy", "system:kube-proxy")


def test_what_is_good_is_kept(tmp_path: pathlib.Path) -> None:
    first = pki.Authority(str(tmp_path))
    issued = [first.issue(NODE), first.issue(PROXY), first.key("service-accounts")]
    second = pki.Authority(str(tmp_path))
    assert [second.issue(NODE), second.issue(PROXY), second.key("service-accounts")] == issued
    assert (first.changed, second.changed) == (True, False)
    assert second.certificate == first.certificate


@pytest.mark.parametrize(
    "change",
    [{"addresses": ("198.18.1.12",)}, {"common_name": "system:node:node2"}, {"organization": None}, {"names": ()}],
)
def test_what_an_identity_has_become_is_issued_anew(tmp_path: pathlib.Path, change: dict[str, object]) -> None:
    authority = pki.Authority(str(tmp_path))
    certificate, key = authority.issue(NODE)
    changed, same_key = authority.issue(dataclasses.replace(NODE, **change))  # type: ignore[arg-type]
    assert changed != certificate
    assert same_key == key


@pytest.mark.parametrize("lost", ["ca.key", "ca.crt", "node1.key"])
def test_what_is_lost_is_replaced_with_all_that_hangs_on_it(tmp_path: pathlib.Path, lost: str) -> None:
    before, _key = pki.Authority(str(tmp_path)).issue(NODE)
    (tmp_path / lost).unlink()
    authority = pki.Authority(str(tmp_path))
    after, key = authority.issue(NODE)
    assert authority.changed
    assert (after == before) == (lost == "ca.crt")
    context = ssl.create_default_context(cadata=authority.certificate)
    (tmp_path / "pair").write_text(after + key)
    context.load_cert_chain(tmp_path / "pair")


def test_a_damaged_file_is_replaced(tmp_path: pathlib.Path) -> None:
    pki.Authority(str(tmp_path)).issue(NODE)
    (tmp_path / "node1.crt").write_text("not a certificate")
    assert pki.Authority(str(tmp_path)).issue(NODE)[0].startswith("-----BEGIN CERTIFICATE-----")


def test_keys_are_for_nobody_else_and_readable_by_the_api_server(tmp_path: pathlib.Path) -> None:
    pki.Authority(str(tmp_path)).issue(NODE)
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    assert (tmp_path / "node1.key").read_text().startswith("-----BEGIN EC PRIVATE KEY-----")


def test_strict_readers_trust_them(tmp_path: pathlib.Path) -> None:
    """As Python does from 3.13 on, unasked."""
    authority = pki.Authority(str(tmp_path))
    authority.issue(NODE)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=authority.certificate)
    server.load_cert_chain(tmp_path / "node1.crt", tmp_path / "node1.key")
    client = ssl.create_default_context(cadata=authority.certificate)
    client.load_cert_chain(tmp_path / "node1.crt", tmp_path / "node1.key")
    server.verify_mode = ssl.CERT_REQUIRED
    for context in (server, client):
        context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="198.18.1.11"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _time in range(4):
        for end in ends:
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
    assert all(end.version() for end in ends)
    assert ends[1].getpeercert()
