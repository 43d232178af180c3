# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates that cert-manager issues and renews; what is true about them is asked of the API server and of the listeners."""

from __future__ import annotations

import json
import pathlib
import re
import socket
import ssl
import typing as t

import pytest
from cluster import PROJECT, Client, Kubectl, play_inventory, ready, until
from cryptography import x509
from load import Load, account

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006
Outside = t.Callable[[str], Client]
Team = t.Tuple[str, ...]  # noqa: UP006

LISTENER = "EXTERNAL"
ISSUED = f"@{PROJECT}/molecule/cert_manager/vars/issued.yml"
ISSUER = "company-ca"
ROOT = "company-root"
SMALL = {
    "kafka_cluster_name": "small",
    "kafka_node_pools": [{"name": "node", "node_ids": [0], "roles": ["broker", "controller"], "volumes": [{"size": "1Gi"}]}],
    "kafka_listeners": [{"name": "INTERNAL", "port": 9092, "security": "SASL_SSL"}],
    "clients_producers": [],
    "kafka_topics": [],
    "kafka_tls_issuer": {"name": "nobody"},
}
"""A cluster whose issuer does not exist."""


@pytest.fixture(scope="module")
def nodes(kubectl: Kubectl) -> list[str]:
    found = kubectl.json("statefulset", "-l", "app.kubernetes.io/name=kafka")["items"]
    return sorted(item["metadata"]["name"] for item in found)


@pytest.fixture
def root(kubectl: Kubectl, tmp_path: pathlib.Path) -> ssl.SSLContext:
    """Trusts the authority of the issuer, and nobody else; asks for the right name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    (tmp_path / "root.crt").write_text(kubectl.secret(ROOT)["tls.crt"], encoding="utf-8")
    context.load_verify_locations(tmp_path / "root.crt")
    return context


def places(kubectl: Kubectl, node: str) -> dict[str, tuple[str, int]]:
    """Where a node says that it is reached, by listener."""
    properties = dict(line.split("=", 1) for line in kubectl.json("configmap", node)["data"]["server.properties"].splitlines() if "=" in line)
    found = re.findall(r"(\w+)://([^,]+):(\d+)", properties["advertised.listeners"])
    return {listener: (host, int(port)) for listener, host, port in found}


def shown(kubectl: Kubectl, node: str, context: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a client outside is shown, once it has found it good."""
    host, port = places(kubectl, node)[LISTENER]
    with socket.create_connection((host, port), 10) as plain, context.wrap_socket(plain, server_hostname=host) as secure:
        found = secure.getpeercert(binary_form=True)
    assert found
    return x509.load_der_x509_certificate(found)


def issued(kubectl: Kubectl, node: str) -> x509.Certificate:
    """The certificate in a node's Secret."""
    return x509.load_pem_x509_certificate(kubectl.secret(f"{node}-tls")["tls.crt"].encode())


def conditions(certificate: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {each["type"]: each for each in certificate["status"]["conditions"]}


def names(certificate: x509.Certificate) -> set[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))}


def pods(kubectl: Kubectl, nodes: list[str]) -> dict[str, str]:
    return {node: kubectl.json("pod", f"{node}-0")["metadata"]["uid"] for node in nodes}


def test_every_listener_shows_what_the_issuer_issued(kubectl: Kubectl, nodes: list[str], root: ssl.SSLContext) -> None:
    authority = kubectl.secret(ROOT)["tls.crt"]
    owned = {item["metadata"]["name"]: item for item in kubectl.json("certificate", "-l", "app.kubernetes.io/name=kafka")["items"]}
    assert sorted(owned) == [f"{node}-tls" for node in nodes]
    for node in nodes:
        certificate = owned[f"{node}-tls"]
        assert conditions(certificate)["Ready"]["status"] == "True"
        secret = kubectl.json("secret", f"{node}-tls")["metadata"]
        assert secret["annotations"]["cert-manager.io/issuer-name"] == ISSUER
        assert kubectl.secret(f"{node}-tls")["ca.crt"] == authority
        found = shown(kubectl, node, root)
        assert found == issued(kubectl, node)
        assert found.issuer == x509.load_pem_x509_certificate(authority.encode()).subject
        assert {host for host, _port in places(kubectl, node).values()} <= names(found)


def test_whoever_trusts_another_authority_does_not_come_in(kubectl: Kubectl, nodes: list[str]) -> None:
    for node in nodes:
        with pytest.raises(ssl.SSLCertVerificationError):
            shown(kubectl, node, ssl.create_default_context())


def renew(kubectl: Kubectl, node: str) -> None:
    """As ``cmctl renew`` does, and wait until it is done."""
    name = f"{node}-tls"
    before = kubectl.json("certificate", name)
    issuing = {
        "type": "Issuing",
        "status": "True",
        "reason": "ManuallyTriggered",
        "message": "by a test",
        "observedGeneration": before["metadata"]["generation"],
    }
    status = {"status": {"conditions": [*before["status"]["conditions"], issuing]}}
    kubectl("patch", "certificate", name, "--subresource=status", "--type=merge", f"--patch={json.dumps(status)}")

    def renewed() -> bool:
        now = kubectl.json("certificate", name)
        return now["status"]["revision"] > before["status"]["revision"] and "Issuing" not in conditions(now)

    until(renewed, 60, f"{name} is not renewed")


def test_what_is_renewed_is_taken_over_while_a_client_sends(
    plan: Plan, kubectl: Kubectl, nodes: list[str], root: ssl.SSLContext, outside: Outside, team: Team
) -> None:
    assert "changed=0" in play_inventory("site.yml", ISSUED, *team)
    before = pods(kubectl, nodes)
    old = {node: shown(kubectl, node, root) for node in nodes}
    for node in nodes[:2]:
        renew(kubectl, node)
    # A listener goes on showing what it had, until its node is restarted.
    assert {node: shown(kubectl, node, root) for node in nodes} == old
    with Load(outside(LISTENER), "while-renewing") as load:
        play_inventory("site.yml", ISSUED, *team)
    assert account(load) == f"sent {load.sent}, failed 0, lost 0, duplicated 0", load.failed[:3]
    after = pods(kubectl, nodes)
    assert [node for node in nodes if after[node] != before[node]] == nodes[:2]
    for node in nodes:
        assert shown(kubectl, node, root) == issued(kubectl, node)
        assert (shown(kubectl, node, root).serial_number == old[node].serial_number) is (node not in nodes[:2])
    journal = [json.loads(line) for line in kubectl.json("configmap", f"{plan['cluster']}-roll")["data"]["journal"].splitlines()]
    assert all(entry["outcome"].startswith("back after") for entry in journal[-2:]), journal[-2:]
    assert "changed=0" in play_inventory("site.yml", ISSUED, *team)


def test_a_new_name_is_in_every_certificate_when_the_play_ends(kubectl: Kubectl, nodes: list[str], root: ssl.SSLContext, team: Team) -> None:
    wanted = json.dumps({"kafka_tls_names": ["kafka.example.com"]})
    play_inventory("site.yml", ISSUED, wanted, *team)
    for node in nodes:
        found = shown(kubectl, node, root)
        assert found == issued(kubectl, node)
        assert "kafka.example.com" in names(found)
    assert "changed=0" in play_inventory("site.yml", ISSUED, wanted, *team)
    play_inventory("site.yml", ISSUED, *team)
    assert "kafka.example.com" not in names(shown(kubectl, nodes[-1], root))
    assert "changed=0" in play_inventory("site.yml", ISSUED, *team)


def test_an_issuer_that_does_not_exist_is_named_before_anything_is_applied(kubectl: Kubectl) -> None:
    said = play_inventory("site.yml", ISSUED, json.dumps(SMALL), code=2)
    assert f"there is no Issuer nobody in namespace {kubectl.namespace}" in said, said
    assert "nothing was applied" in said, said
    assert not kubectl.json("statefulset,certificate,secret", "-l", "app.kubernetes.io/instance=small")["items"]


def test_who_may_not_see_issuers_is_told_what_was_waited_for(kubectl: Kubectl, team: Team) -> None:
    small = (ISSUED, json.dumps(SMALL), *team)
    try:
        said = play_inventory("site.yml", *small, "kafka_ready_timeout=20", code=2)
        assert "Certificate small-node-0-tls is not issued by Issuer nobody" in said, said
        assert "describe certificaterequest" in said, said
    finally:
        play_inventory("destroy.yml", *small, "kafka_destroy_confirm=small", "kafka_destroy_claims=true")
    assert not kubectl.json("statefulset,certificate,secret", "-l", "app.kubernetes.io/instance=small")["items"]


def test_without_cert_manager_nothing_is_applied_and_the_nodes_go_on(
    plan: Plan, kubectl: Kubectl, nodes: list[str], root: ssl.SSLContext, team: Team, tmp_path: pathlib.Path
) -> None:
    before, serials = pods(kubectl, nodes), {node: shown(kubectl, node, root).serial_number for node in nodes}
    kind = kubectl.json("crd", "certificates.cert-manager.io")
    kubectl("delete", "crd", "certificates.cert-manager.io")
    try:
        said = play_inventory("site.yml", ISSUED, *team, code=2)
        assert "this Kubernetes cluster has no Certificates of cert-manager.io/v1" in said, said
        assert "nothing was applied" in said, said
    finally:
        again = {name: kind[name] for name in ("apiVersion", "kind", "spec")} | {"metadata": {"name": kind["metadata"]["name"]}}
        (tmp_path / "kind.json").write_text(json.dumps(again), encoding="utf-8")
        kubectl("create", "-f", str(tmp_path / "kind.json"))
        kubectl("wait", "--for=condition=Established", "crd/certificates.cert-manager.io")
    # What is issued stays: with cert-manager back, nobody needs a new certificate, and nobody is restarted.
    assert ready(plan, kubectl)
    play_inventory("site.yml", ISSUED, *team)
    assert "changed=0" in play_inventory("site.yml", ISSUED, *team)
    assert pods(kubectl, nodes) == before
    assert {node: shown(kubectl, node, root).serial_number for node in nodes} == serials
