# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The guide's OAUTHBEARER listener on a real broker: who has a token of the issuer is let in as whom it names, and nobody else."""

from __future__ import annotations

import base64
import json
import pathlib
import re
import time
import typing as t

import pytest
import yaml
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _validate
from brokers import Cluster
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import KafkaError
from kafka.net.sasl.oauth import AbstractTokenProvider

GUIDE = pathlib.Path(__file__).resolve().parents[3] / "docs/security.md"
PREFIX = "listener.name.clients."
KEY, OTHER_KEY = (rsa.generate_private_key(65537, 2048) for _each in range(2))


def in_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def keys() -> str:
    """What the issuer publishes of its key."""
    numbers = KEY.public_key().public_numbers()
    parts = {name: in_base64(number.to_bytes((number.bit_length() + 7) // 8, "big")) for name, number in (("n", numbers.n), ("e", numbers.e))}
    return json.dumps({"keys": [{"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256", **parts}]})


class Token(AbstractTokenProvider):
    """A token for ``name``, signed by ``key``."""

    def __init__(self, name: str, key: rsa.RSAPrivateKey = KEY, audience: str = "kafka", ends_in: float = 600) -> None:
        now = int(time.time())
        claims = {"sub": name, "aud": audience, "iat": now - 60, "exp": now + int(ends_in), "scope": "kafka"}
        text = ".".join(in_base64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "one", "typ": "JWT"}, claims))
        self._token = f"{text}.{in_base64(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def token(self) -> str:
        return self._token


def broker(directory: pathlib.Path, *, planned: bool = True) -> Cluster:
    """A broker with the listener that the guide shows, whose issuer is a file; with the options of the JVM that are ``planned`` for it."""
    (directory / "keys.json").write_text(keys(), encoding="utf-8")
    url = f"file://{directory}/keys.json"
    (block,) = (found for found in re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL) if "OAUTHBEARER" in found)
    plan, _findings = _validate.validate(yaml.safe_load(block.replace("https://login.example.com/keys", url)))
    assert plan is not None
    node = plan.nodes[0]
    own = {key.removeprefix(PREFIX): value for key, value in node.properties.items() if key.startswith(PREFIX) and ".ssl." not in f".{key}"}
    own.pop("ssl.client.auth", None)
    return Cluster(directory / "kafka", "4.3.1", more=own, jvm=node.jvm_options if planned else ())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Cluster]:
    with broker(tmp_path_factory.mktemp("oauthbearer")) as found:
        yield found


def topics(cluster: Cluster, token: Token, make: str = "") -> set[str]:
    """What someone with this token sees, once the topic ``make`` is made."""
    client = KafkaAdminClient(
        bootstrap_servers=cluster.address("SASL"),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="OAUTHBEARER",
        sasl_oauth_token_provider=token,
        request_timeout_ms=5000,
        bootstrap_timeout_ms=5000,
    )
    try:
        if make:
            client.create_topics([NewTopic(make, num_partitions=1, replication_factor=1)])
        return set(client.list_topics())
    finally:
        client.close()


def test_a_token_names_the_user(guarded: Cluster) -> None:
    assert "by-the-operator" in topics(guarded, Token("operator"), "by-the-operator")
    assert "by-the-operator" not in topics(guarded, Token("shop")), "known, and without a right"


@pytest.mark.parametrize(
    "token", [Token("operator", key=OTHER_KEY), Token("operator", audience="others"), Token("operator", ends_in=-300)], ids=["key", "audience", "ended"]
)
def test_a_token_that_the_issuer_did_not_give_for_this_is_refused(guarded: Cluster, token: Token) -> None:
    with pytest.raises(KafkaError):
        topics(guarded, token)


def test_a_broker_refuses_a_url_that_is_not_allowed(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RuntimeError, match=r"broker 1 .* died"), broker(tmp_path, planned=False):
        pass
