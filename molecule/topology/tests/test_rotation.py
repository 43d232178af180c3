# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and passwords are replaced while a client goes on sending, and nothing fails or is lost."""

from __future__ import annotations

import ssl
import typing as t

import pytest
from cluster import Client, Kubectl, listener_security, play_inventory, until
from kafka import KafkaAdminClient
from load import Load, whole

testinfra_hosts = ["local://"]

Plan = t.Dict[str, t.Any]  # noqa: UP006


def with_context(options: Client) -> tuple[Client, ssl.SSLContext]:
    """The options with a context that may learn of new certificates while it is in use, as a client's files may."""
    context = ssl.create_default_context(cafile=options["ssl_cafile"])
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options["ssl_keyfile"])
    return {name: value for name, value in options.items() if name not in ("ssl_cafile", "ssl_certfile", "ssl_keyfile")} | {"ssl_context": context}, context


def fits(plan: Plan, security: str) -> str:
    """The external listener with this security of a cluster with three nodes, or nothing."""
    listeners = [name for name in plan["external_listeners"] if listener_security(plan, name) == security]
    return listeners[0] if listeners and len(plan["nodes"]) == 3 else ""


def test_the_authority_is_replaced_while_a_client_sends(plan: Plan, kubectl: Kubectl, outside: t.Callable[[str], Client], tmp_path: t.Any) -> None:
    listener = fits(plan, "SSL")
    if not listener:
        return
    options, context = with_context(outside(listener))
    before = kubectl.secret(f"{plan['cluster']}-authority")["tls.crt"]
    with Load(options, "while-rotating") as load:
        # The client outside is given what to trust between the first step and the second, as the documentation says.
        play_inventory("rotate_certificates.yml", "certificates_rotate_until=trust")
        both = kubectl.secret(f"{plan['cluster']}-authority")
        assert both["ca.crt"].count("BEGIN CERTIFICATE") == 2
        context.load_verify_locations(cadata=both["ca.crt"])
        play_inventory("rotate_certificates.yml", "certificates_rotate_until=switch")
        client = kubectl.secret(f"{plan['cluster']}-client-ops")
        for name in ("tls.crt", "tls.key"):
            (tmp_path / name).write_text(client[name], encoding="utf-8")
        context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
        play_inventory("rotate_certificates.yml")
    after = kubectl.secret(f"{plan['cluster']}-authority")
    assert before not in after["ca.crt"]
    assert after["ca.crt"] == after["tls.crt"]
    whole(load)


def test_the_brokers_password_is_replaced_while_a_client_sends(plan: Plan, kubectl: Kubectl, outside: t.Callable[[str], Client]) -> None:
    listener = fits(plan, "SASL_SSL")
    if not listener:
        return
    secret = f"{plan['cluster']}-credentials"
    before = kubectl.secret(secret)
    admin = {**outside(listener), "sasl_plain_username": "admin", "sasl_plain_password": "only-for-this-test-1"}
    with Load(admin, "while-rotating") as load:
        play_inventory("rotate_password.yml")
    after = kubectl.secret(secret)
    assert (before["inter-broker-user"], after["inter-broker-user"]) == ("kafka", "kafka-b")
    assert before["inter-broker-password"] != after["inter-broker-password"]
    whole(load)
    client = KafkaAdminClient(**admin)
    try:
        users = [each for each in client.describe_user_scram_credentials() if each]
    finally:
        client.close()
    assert "kafka-b" in str(users)
    assert "'kafka'" not in str(users)


def test_an_application_takes_its_new_password_over(plan: Plan, kubectl: Kubectl) -> None:
    if not any(client["secret"] for client in plan["clients"]):
        return

    def pods() -> set[str]:
        found = kubectl.json("pod", "-l", f"kafkaops.kubernetes/client={plan['clients'][0]['name']}")["items"]
        return {pod["metadata"]["uid"] for pod in found if not pod["metadata"].get("deletionTimestamp")}

    old = pods()
    changed = "vault_shop_password=only-for-this-test-3"
    play_inventory("site.yml", changed)
    assert not old & pods()
    deployment = f"deployment/{plan['clients'][0]['name']}"
    until(lambda: "producer_send_success" in kubectl("logs", deployment, "--tail=20"), 60, "it does not get in")
    assert "changed=0" in play_inventory("site.yml", changed)
    play_inventory("site.yml")


@pytest.mark.parametrize("playbook", ["rotate_certificates.yml", "rotate_password.yml"])
def test_there_is_nothing_to_rotate_in_a_cluster_without(plan: Plan, playbook: str) -> None:
    there = plan["certificates"] if playbook == "rotate_certificates.yml" else plan["credential_files"]
    if not there:
        assert "Nothing was changed" in play_inventory(playbook, code=2)
