# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What a definition says about certificates, passwords and rights. Private to the collection.

Values that are secret are kept out of ``repr``, and a plan has none of them.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils._reader import DNS_LABEL, Reader

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
CLIENT_AUTHS = ("none", "requested", "required")
TLS_SOURCES = ("own", "given", "cert_manager")
CERT_MANAGER_GROUP = "cert-manager.io"
AUTHORIZATIONS = ("none", "acl")
PASSWORD = re.compile(r"[A-Za-z0-9._~-]{12,128}")
PRINCIPAL = re.compile(r"[A-Za-z]+:[^;\r\n]+")
SCRAM = "SCRAM-SHA-512"
ZOOKEEPER = "zookeeper-"
"""Begins the name under which a ZooKeeper server's certificate is given: its ids are no node ids."""


@dataclasses.dataclass(frozen=True)
class Given:
    """A certificate that the user gives: PEM texts, the leaf first in ``certificate``; some write the key there, too."""

    certificate: str = dataclasses.field(repr=False)
    key: str = dataclasses.field(repr=False, default="")


@dataclasses.dataclass(frozen=True)
class Issuer:
    """An issuer of cert-manager."""

    name: str = ""
    kind: str = "Issuer"
    group: str = CERT_MANAGER_GROUP


@dataclasses.dataclass(frozen=True)
class Tls:
    """Where certificates come from.

    ``certificates``: given ones by node id, those of ZooKeeper servers by ``zookeeper-`` and their id, ``default`` for
    all others.
    """

    source: str = "own"
    authority: str = dataclasses.field(repr=False, default="")
    certificates: t.Mapping[str, Given] = dataclasses.field(default_factory=dict)
    issuer: Issuer = Issuer()
    names: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    days: int = 365
    renew_days: int = 30
    authority_days: int = 3650

    def given(self, component: str, node: str) -> tuple[str, Given | None]:
        """The certificate that is given for a node, and the name it is given under; None where there is none."""
        own = f"{ZOOKEEPER}{node}" if component == "zookeeper" else node
        name = own if own in self.certificates else "default"
        return name, self.certificates.get(name)


@dataclasses.dataclass(frozen=True)
class Security:
    """Who may do what, and how nodes prove who they are. ``controller``: the security of the controllers' listener."""

    controller: str = ""
    authorization: str = "none"
    super_users: tuple[str, ...] = ()
    inter_broker_user: str = "kafka"
    inter_broker_password: str = dataclasses.field(repr=False, default="")
    secret_config: t.Mapping[str, str] = dataclasses.field(repr=False, default_factory=dict)
    tls: Tls = Tls()


def read(reader: Reader) -> Security:
    """The security part of the inventory's variables."""
    return Security(
        controller=reader.text("kafka_controller_security", choices=("PLAINTEXT", "SSL")),
        authorization=reader.text("kafka_authorization", "none", choices=AUTHORIZATIONS),
        super_users=tuple(_principal(reader, user) for user in reader.texts("kafka_super_users")),
        inter_broker_user=reader.text("kafka_inter_broker_user", "kafka", pattern=re.compile(r"[A-Za-z0-9._-]{1,60}"), shape="a user's name"),
        inter_broker_password=reader.secret(
            "kafka_inter_broker_password", pattern=PASSWORD, shape="12 to 128 letters, digits, '.', '_', '~' or '-' (Kafka's format tool reads no others)"
        ),
        secret_config=reader.properties("kafka_secret_config", secret=True),
        tls=_tls(reader),
    )


def _principal(reader: Reader, user: str) -> str:
    if not PRINCIPAL.fullmatch(user):
        reader.wrong("INPUT-FORMAT", "kafka_super_users", f"{user!r} is not a principal", "write one such as User:ops or User:CN=ops")
    return user


def _tls(reader: Reader) -> Tls:
    issuer = reader.child("kafka_tls_issuer")
    read_issuer = Issuer(
        name=issuer.text("name"), kind=issuer.text("kind", "Issuer", choices=("Issuer", "ClusterIssuer")), group=issuer.text("group", CERT_MANAGER_GROUP)
    )
    issuer.close()
    return Tls(
        source=reader.text("kafka_tls_source", "own", choices=TLS_SOURCES),
        authority=reader.secret("kafka_tls_authority"),
        certificates={name: _given(item) for name, item in reader.named_secrets("kafka_tls_certificates")},
        issuer=read_issuer,
        names=tuple(reader.texts("kafka_tls_names")),
        clients=tuple(name for name in reader.texts("kafka_tls_clients") if _client(reader, name)),
        days=reader.integer("kafka_tls_days", 365, minimum=1, maximum=3650),
        renew_days=reader.integer("kafka_tls_renew_days", 30, minimum=1, maximum=3650),
        authority_days=reader.integer("kafka_tls_authority_days", 3650, minimum=2, maximum=36500),
    )


def _client(reader: Reader, name: str) -> bool:
    good = bool(DNS_LABEL.fullmatch(name)) and len(name) <= 30
    if not good:
        reader.wrong("INPUT-FORMAT", "kafka_tls_clients", f"{name!r} is not a name", "write a DNS label of at most 30 characters")
    return good


def _given(reader: Reader) -> Given:
    given = Given(certificate=reader.secret("certificate"), key=reader.secret("key"))
    reader.close()
    return given
