# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Would these certificates work? Private to the collection.

Everything works on PEM text, reads no file and never raises. Whatever is said, no key is ever part of it.
"""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _certificate_rules as rules
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _pem
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Finding

if t.TYPE_CHECKING:
    from cryptography import x509

CRYPTOGRAPHY_IMPORT_ERROR = _pem.CRYPTOGRAPHY_IMPORT_ERROR
_MOST = 20  # findings of one rule
_UNCHECKED = "Python's cryptography is missing on the control node, so that nothing is known about them."


@dataclasses.dataclass(frozen=True)
class Certificate:
    """What a certificate says.

    ``subject``, ``issuer``: as Kafka writes a principal, without ``User:`` (RFC 2253). ``not_before``, ``not_after``: in
    UTC. ``dns_names`` in lower case, ``addresses`` in their shortest form. ``key_type``: such as ``RSA 2048``.
    """

    subject: str
    issuer: str
    serial: int
    not_before: datetime.datetime
    not_after: datetime.datetime
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    is_ca: bool
    key_type: str


def describe(pem: str) -> list[Certificate]:
    """The certificates in a PEM text in order; what is none, or cannot be read, is left out."""
    return [_described(certificate) for certificate in _certificates(_pem.blocks(pem))]


def _described(of: x509.Certificate) -> Certificate:
    return Certificate(
        subject=_pem.name(of.subject),
        issuer=_pem.name(of.issuer),
        serial=of.serial_number,
        not_before=_pem.not_before(of),
        not_after=_pem.not_after(of),
        dns_names=_pem.names(of)[0],
        addresses=_pem.names(of)[1],
        is_ca=_pem.is_ca(of),
        key_type=_pem.key_type(of.public_key()),
    )


def due(chain_pem: str, authority_pem: str, names: t.Iterable[str], *, now: datetime.datetime, renew_days: int) -> str | None:
    """Why a certificate that the collection issued must be issued anew; None where it need not.

    ``authority_pem``: the authority that would issue it now. ``names``: what it must cover, no more and no less.
    ``now``: in UTC. ``renew_days``: how many days before its end a certificate is replaced.
    """
    certificates = _certificates(_pem.blocks(chain_pem))
    if not certificates:
        return "there is none yet" if not chain_pem.strip() else "what is there cannot be read"
    leaf = certificates[0]
    if not any(_pem.signed_by(leaf, authority) for authority in _certificates(_pem.blocks(authority_pem))):
        return "it was issued by another authority"
    wanted, present = {_pem.normal(name) for name in names}, {name for kind in _pem.names(leaf) for name in kind}
    if wanted - present:
        return f"it does not cover {rules.listed(wanted - present)}"
    if present - wanted:
        return f"it still covers {rules.listed(present - wanted)}"
    left = _pem.not_after(leaf) - now
    if left < datetime.timedelta(0):
        return f"it ended on {rules.day(_pem.not_after(leaf))}"
    if left < datetime.timedelta(days=renew_days):
        return f"it ends in {rules.days(left)}"
    return None


def check(
    chain_pem: str,
    key_pem: str,
    authority_pem: str,
    names: t.Iterable[str],
    *,
    now: datetime.datetime,
    where: str,
    days_warning: int = 30,
    client: bool = False,
    key_password: str | None = None,
) -> list[Finding]:
    """All findings about a server's certificate; see ``docs/rules.md``.

    ``chain_pem``: the certificate and what lies between it and the authority. ``key_pem``: its private key, PKCS 8.
    ``authority_pem``: the certificates that the other side trusts. ``names``: every DNS name and IP address that the
    server is reached by. ``now``: in UTC. ``where``: the variable concerned. ``days_warning``: from how many days before
    an end on there is a warning. ``client``: whether it is shown to other servers as well, as between brokers.
    ``key_password``: ``ssl.key.password``.
    """
    if CRYPTOGRAPHY_IMPORT_ERROR:
        return [Finding("TLS-UNCHECKED", "warning", "runtime", where, "certificates cannot be opened here", "pip install cryptography", _UNCHECKED)]
    chain_blocks, authority_blocks = _pem.blocks(chain_pem), _pem.blocks(authority_pem)
    key_blocks = _pem.blocks(key_pem)
    chain, trusted = _certificates(chain_blocks), _certificates(authority_blocks)
    keys = [_pem.private_key(block, key_password) for block in key_blocks if block.is_private_key]
    key = keys[0] if len(keys) == 1 else None
    own = [one for one in chain if key is not None and _pem.same_key(key.public_key(), one.public_key())]
    leaf = next(iter(own + chain), None)
    asked = rules.Asked(
        chain_blocks=chain_blocks,
        key_blocks=key_blocks,
        authority_blocks=authority_blocks,
        chain=chain,
        trusted=trusted,
        leaf=leaf,
        path=_path(leaf, chain, trusted),
        key=key,
        key_password=key_password,
        names=tuple(name for name in dict.fromkeys(names) if name.strip()),
        client=client,
        now=now,
        days_warning=days_warning,
    )
    return [
        Finding(rule.id, rule.severity, rule.stage, where, problem.message, problem.fix, rule.consequence)
        for rule in rules.RULES
        for problem in itertools.islice(rule.problems(asked), _MOST)
    ]


def _certificates(blocks: t.Iterable[_pem.Block]) -> list[x509.Certificate]:
    if CRYPTOGRAPHY_IMPORT_ERROR:
        return []
    loaded = (_pem.certificate(block) for block in blocks)
    return [certificate for certificate in loaded if certificate is not None]


def _path(leaf: x509.Certificate | None, chain: list[x509.Certificate], trusted: list[x509.Certificate]) -> list[x509.Certificate]:
    """Upwards from the server's certificate: whoever signed it, trusted ones first, until one is trusted or there is none."""
    path = [leaf] if leaf is not None else []
    while path and path[-1] not in trusted:
        signer = next((one for one in (*trusted, *chain) if one not in path and _pem.signed_by(path[-1], one)), None)
        if signer is None:
            break
        path.append(signer)
    return path
