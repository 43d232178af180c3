# SPDX-License-Identifier: GPL-3.0-or-later
"""ZooKeeper takes nobody without a certificate of the cluster."""

from __future__ import annotations

import contextlib
import pathlib
import re
import socket
import ssl
import subprocess
import typing as t

from cluster import STATE, Kubectl

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006

PLAIN, SECURE = 2181, 2182


@contextlib.contextmanager
def forwarded(namespace: str, pod: str, port: int) -> t.Iterator[int]:
    """A port of this machine that leads to a pod's."""
    command = [str(STATE / "bin/kubectl"), "--kubeconfig", str(STATE / "admin.kubeconfig"), "-n", namespace, "port-forward", f"pod/{pod}", f":{port}"]
    with subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout
        try:
            line = process.stdout.readline()
            (found,) = re.findall(r"127\.0\.0\.1:(\d+)", line)
            yield int(found)
        finally:
            process.terminate()


def said(port: int, context: ssl.SSLContext) -> bytes:
    """What ZooKeeper answers to someone who asks whether it is well; nothing where it talks to nobody."""
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as plain, context.wrap_socket(plain) as secure:
            secure.sendall(b"ruok")
            return secure.recv(16)
    except OSError:
        return b""


def test_only_who_has_a_certificate_reaches_zookeeper(plan: Plan, kubectl: Kubectl, tmp_path: pathlib.Path) -> None:
    for name, text in kubectl.secret(f"{plan['nodes'][0]['name']}-tls").items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for server in plan["zookeeper_nodes"]:
        stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        stranger.check_hostname = False
        stranger.load_verify_locations(tmp_path / "ca.crt")
        broker = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        broker.check_hostname = False
        broker.load_verify_locations(tmp_path / "ca.crt")
        broker.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
        with forwarded(plan["namespace"], server["pod"], SECURE) as port:
            assert said(port, broker) == b"imok"
            assert said(port, stranger) == b""


def test_what_is_not_encrypted_stays_in_the_pod(plan: Plan, kubectl: Kubectl) -> None:
    asking = plan["nodes"][0]["pod"]
    for server in plan["zookeeper_nodes"]:
        address = kubectl.json("pod", server["pod"])["status"]["podIP"]

        def opens(port: int, address: str = address) -> bool:
            return "open" in kubectl("exec", asking, "--", "bash", "-c", f"exec 3<>/dev/tcp/{address}/{port} && echo open || true")

        assert opens(SECURE)
        assert not opens(PLAIN)
