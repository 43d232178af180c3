# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The rules about a server's certificate. Private to the collection; the way in is ``_certificates.check``."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _pem
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._finding import Severity, Stage

if t.TYPE_CHECKING:
    from cryptography import x509

_CONVERT = "convert it: openssl pkcs8 -topk8 -nocrypt -in old.key -out new.key"
_DECRYPT = "decrypt it, and keep it in a Secret: openssl pkcs8 -topk8 -nocrypt -in old.key -out new.key"
_SHOWN = 10  # names in one message


@dataclasses.dataclass(frozen=True)
class Asked:
    """Everything that is checked at once.

    ``chain``: what the server shows, its own certificate first. ``trusted``: of the authority. ``leaf``: the server's own
    certificate, that is the one of the key, else the first. ``path``: from there upwards to a trusted one, as far as it
    goes. ``key``: None where it cannot be read.
    """

    chain_blocks: list[_pem.Block]
    key_blocks: list[_pem.Block]
    authority_blocks: list[_pem.Block]
    chain: list[x509.Certificate]
    trusted: list[x509.Certificate]
    leaf: x509.Certificate | None
    path: list[x509.Certificate]
    key: t.Any
    key_password: str | None
    names: tuple[str, ...]
    client: bool
    now: datetime.datetime
    days_warning: int

    @property
    def complete(self) -> bool:
        """Whether the path ends at a trusted certificate."""
        return bool(self.path) and self.path[-1] in self.trusted


class Problem(t.NamedTuple):
    """What a rule found, and how to mend it."""

    message: str
    fix: str


Check = t.Callable[[Asked], t.Iterator[Problem]]


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule: its stable id, how bad a breach is, when it shows, what happens then, and what it asks for.

    ``wrong`` and ``right``: an example of each in words.
    """

    id: str
    severity: Severity
    stage: Stage
    consequence: str
    about: str
    wrong: str
    right: str
    problems: Check


RULES: list[Rule] = []


def _rule(rule_id: str, severity: Severity, stage: Stage, consequence: str, *, wrong: str, right: str) -> t.Callable[[Check], Check]:
    def declare(problems: Check) -> Check:
        about = (problems.__doc__ or "").partition("\n")[0]
        RULES.append(Rule(rule_id, severity, stage, consequence, about, wrong, right, problems))
        return problems

    return declare


@_rule(
    "TLS-SECRET-MISPLACED",
    "error",
    "config",
    "The key would be written where certificates are kept, which everybody may read.",
    wrong="a file with both the key and the certificate, given as the certificate",
    right="the certificate alone; the key in its own variable",
)
def _secret(asked: Asked) -> t.Iterator[Problem]:
    """A private key stands in no place for certificates."""
    for place, blocks in (("certificate", asked.chain_blocks), ("authority", asked.authority_blocks)):
        if any(block.is_private_key for block in blocks):
            yield Problem(
                f"there is a private key among the certificates of the {place}", "give the key in its own place, and replace it where others could read it"
            )


@_rule(
    "TLS-UNREADABLE",
    "error",
    "start",
    "Kafka exits when it opens the listener: it finds no certificate, or no key.",
    wrong="a certificate whose last line is missing; a certificate request; an empty text",
    right="-----BEGIN CERTIFICATE-----, lines of Base64, -----END CERTIFICATE-----",
)
def _unreadable(asked: Asked) -> t.Iterator[Problem]:
    """Certificates and key are PEM texts that can be read to their end."""
    for place, blocks in (("certificate", asked.chain_blocks), ("authority", asked.authority_blocks)):
        certificates = [block for block in blocks if block.is_certificate]
        request = any("REQUEST" in block.label for block in blocks)
        if request:
            yield Problem(f"the {place} has a certificate request", "give the certificate that was issued for it")
        elif not certificates:
            yield Problem(f"there is no certificate in the text of the {place}", "give it in PEM form, from -----BEGIN CERTIFICATE----- to its end")
        for number, block in enumerate(certificates, 1):
            if _pem.certificate(block) is None:
                reason = "is cut off or no Base64" if block.der is None else "cannot be read"
                yield Problem(f"certificate {number} of the {place} {reason}", "give the text again, complete and with its line breaks")
    for one in (*asked.chain, *asked.trusted):
        if _pem.is_nameless(one):
            yield Problem("Java reads no certificate without a subject, unless it has critical alternative names", "issue it with a subject, such as CN=kafka")
    keys = [block for block in asked.key_blocks if block.is_private_key]
    if not keys:
        yield Problem("there is no private key in the text of the key", "give it in PEM form, from -----BEGIN PRIVATE KEY----- to its end")
    for block in keys:
        if block.der is None or (block.label == "PRIVATE KEY" and _pem.private_key(block, None) is None):
            yield Problem("the private key cannot be read", "give the text again, complete and with its line breaks")


@_rule(
    "TLS-KEY-FORMAT",
    "error",
    "start",
    "Kafka exits when it opens the listener: Private key could not be loaded. It reads one RSA, EC or DSA key in PKCS 8 form.",
    wrong="-----BEGIN RSA PRIVATE KEY----- (PKCS 1) or -----BEGIN EC PRIVATE KEY----- (SEC 1)",
    right="-----BEGIN PRIVATE KEY----- (PKCS 8); encrypted only with PBES 1, and with ssl.key.password",
)
def _key_format(asked: Asked) -> t.Iterator[Problem]:
    """The key is one that Kafka's own reader takes."""
    keys = [block for block in asked.key_blocks if block.is_private_key]
    if len(keys) > 1:
        yield Problem(f"there are {len(keys)} private keys", "give the one of the certificate")
    for block in keys:
        if block.label not in ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"):
            form = {"RSA PRIVATE KEY": "PKCS 1", "EC PRIVATE KEY": "SEC 1"}.get(block.label, block.label.partition(" ")[0])
            yield Problem(f"the private key is in {form} form; Kafka reads PKCS 8 only", _CONVERT)
        elif block.label == "ENCRYPTED PRIVATE KEY":
            if not asked.key_password:
                yield Problem("the private key is encrypted, and there is no ssl.key.password", "give its password, or decrypt it")
            elif block.der is not None and _pem.private_key(block, asked.key_password) is None:
                yield Problem("the private key cannot be decrypted with ssl.key.password", "give its own password")
            elif block.is_pbes2:
                yield Problem("the private key is encrypted with PBES2, as OpenSSL does it; Java has no such SecretKeyFactory for Kafka's PEM reader", _DECRYPT)
        elif asked.key_password:
            yield Problem("the private key is not encrypted, and there is an ssl.key.password", "take the password away")
    if asked.key is not None and _pem.key_type(asked.key).split()[0] not in ("RSA", "EC", "DSA"):
        yield Problem(f"Kafka reads no {_pem.key_type(asked.key)} key from PEM", "use an EC key of the curve P-256, or RSA of 2048 bits or more")


@_rule(
    "TLS-KEY-MISMATCH",
    "error",
    "start",
    "No handshake succeeds; where brokers use TLS among themselves, the broker exits.",
    wrong="the key of the last certificate beside the renewed one",
    right="the key that the certificate was requested with",
)
def _key_mismatch(asked: Asked) -> t.Iterator[Problem]:
    """The key belongs to the certificate."""
    if asked.key is None or asked.leaf is None or _pem.same_key(asked.key.public_key(), asked.leaf.public_key()):
        return
    message = f"the key ({_pem.key_type(asked.key)}) is not the one of {_pem.name(asked.leaf.subject)} ({_pem.key_type(asked.leaf.public_key())})"
    yield Problem(message, "give the key that the certificate was requested with")


@_rule(
    "TLS-CHAIN",
    "error",
    "start",
    "Kafka refuses a chain that is out of order; clients refuse one that does not lead to what they trust.",
    wrong="the certificate alone, where an intermediate authority issued it",
    right="the certificate, then the intermediate authority; what clients trust is the root",
)
def _chain(asked: Asked) -> t.Iterator[Problem]:
    """The chain is in order, and leads to the authority without a gap."""
    if asked.leaf is None:
        return
    own = [one for one in asked.chain if not _pem.is_ca(one)]
    if len(set(asked.chain)) < len(asked.chain):
        yield Problem("a certificate stands in the chain twice", "keep it once")
    elif len(own) > 1:
        yield Problem(f"the chain has {len(own)} certificates that are no authorities: {_subjects(own)}", "keep the one of the key, and what issued it")
    else:
        for lower, upper in zip(asked.chain, asked.chain[1:]):
            if lower.issuer != upper.subject:
                message = (
                    f"the chain is out of order: behind {_pem.name(lower.subject)} must come {_pem.name(lower.issuer)}, and there is {_pem.name(upper.subject)}"
                )
                yield Problem(message, "put the server's own certificate first, then whoever issued it, and so on")
                return
    if asked.trusted and not asked.complete:
        last = asked.path[-1]
        issuer = _pem.name(last.issuer)
        same = any(one.subject == last.issuer for one in (*asked.trusted, *asked.chain) if one != last)
        if same:
            yield Problem(f"{_pem.name(last.subject)} was signed by another {issuer} than the one that is here", "give the authority's present certificate")
        elif last.issuer == last.subject:
            yield Problem(f"{_pem.name(last.subject)} signed itself and is not trusted", "add it to the authority, or use a certificate of the authority")
        else:
            yield Problem(
                f"{_pem.name(last.subject)} was issued by {issuer}, which is neither in the chain nor in the authority", f"append the certificate of {issuer}"
            )


@_rule(
    "TLS-NOT-CA",
    "error",
    "runtime",
    "Clients refuse every certificate that it issued.",
    wrong="a server's certificate given as the authority",
    right="a certificate with CA:TRUE, and keyCertSign where it has a key usage",
)
def _not_ca(asked: Asked) -> t.Iterator[Problem]:
    """Whoever issued a certificate of the chain is an authority, and may have that many below it."""
    for depth, one in enumerate(asked.path[1:]):
        if not _pem.is_ca(one):
            yield Problem(f"{_pem.name(one.subject)} issued a certificate and is no authority", "have the certificate issued by an authority")
            continue
        most = _pem.path_length(one)
        if most is not None and most < depth and one not in asked.trusted:
            yield Problem(f"{_pem.name(one.subject)} may have {most} authorities below it, and has {depth}", "let the one above it issue the certificate")


@_rule(
    "TLS-EXPIRED",
    "error",
    "runtime",
    "Clients refuse it, and so do the other brokers.",
    wrong="notAfter in the past",
    right="notAfter in the future",
)
def _expired(asked: Asked) -> t.Iterator[Problem]:
    """No certificate of the chain has ended."""
    for one in _all(asked):
        if _pem.not_after(one) < asked.now:
            yield Problem(f"{_pem.name(one.subject)} ended on {day(_pem.not_after(one))}", "renew it")


@_rule(
    "TLS-NOT-YET-VALID",
    "error",
    "runtime",
    "Clients refuse it until then. A clock may be wrong.",
    wrong="notBefore in the future",
    right="notBefore in the past",
)
def _not_yet(asked: Asked) -> t.Iterator[Problem]:
    """Every certificate of the chain has begun."""
    for one in _all(asked):
        if _pem.not_before(one) > asked.now:
            yield Problem(f"{_pem.name(one.subject)} begins on {day(_pem.not_before(one))}", "wait, or issue it with an earlier beginning; look at the clock")


@_rule(
    "TLS-EXPIRES-SOON",
    "warning",
    "runtime",
    "From then on clients refuse it, and so do the other brokers.",
    wrong="notAfter in a week",
    right="notAfter in three months",
)
def _expires_soon(asked: Asked) -> t.Iterator[Problem]:
    """No certificate of the chain is about to end."""
    for one in _all(asked):
        left = _pem.not_after(one) - asked.now
        if datetime.timedelta(0) <= left < datetime.timedelta(days=asked.days_warning):
            yield Problem(f"{_pem.name(one.subject)} ends in {days(left)}, on {day(_pem.not_after(one))}", "renew it")


@_rule(
    "TLS-SAN-MISSING",
    "error",
    "runtime",
    "Clients that come by this name refuse the certificate: No subject alternative name matching it found.",
    wrong="CN=kafka-0.example.com without alternative names; *.example.com for kafka-0.eu.example.com",
    right="a DNS name, or a wildcard for its left-most label; for an address the address itself",
)
def _names(asked: Asked) -> t.Iterator[Problem]:
    """Every name that the server is reached by is an alternative name of its certificate."""
    if asked.leaf is None:
        return
    missing = [host for host in asked.names if not _pem.covers(asked.leaf, host)]
    if missing:
        dns, addresses = _pem.names(asked.leaf)
        present = f"it covers {listed((*dns, *addresses))}" if dns or addresses else "it has no alternative names, and the common name does not count"
        yield Problem(f"{_pem.name(asked.leaf.subject)} does not cover {listed(missing)}; {present}", "issue it with these names as subjectAltName")


@_rule(
    "TLS-USAGE",
    "error",
    "runtime",
    "Java's TLS refuses the certificate in this part.",
    wrong="extended key usage clientAuth only, on a server",
    right="extended key usage serverAuth and clientAuth, or none; key usage digitalSignature, or none",
)
def _usage(asked: Asked) -> t.Iterator[Problem]:
    """A certificate that says what it is for says serverAuth, between brokers clientAuth too."""
    if asked.leaf is None:
        return
    subject = _pem.name(asked.leaf.subject)
    for purpose in ("serverAuth", "clientAuth") if asked.client else ("serverAuth",):
        if not _pem.may_be(asked.leaf, purpose):
            yield Problem(f"{subject} has an extended key usage without {purpose}", f"issue it with {purpose}, or without extended key usage")
    if not _pem.may_sign(asked.leaf):
        yield Problem(f"{subject} has a key usage without digitalSignature", "issue it with digitalSignature, or without key usage")


@_rule(
    "TLS-WEAK",
    "error",
    "runtime",
    "Java refuses it: Algorithm constraints check failed.",
    wrong="a signature with MD5",
    right="a signature with SHA-256",
)
def _broken(asked: Asked) -> t.Iterator[Problem]:
    """No key and no signature is one that Java refuses."""
    for one in _all(asked):
        if _refused_hash(asked, one):
            yield Problem(f"{_pem.name(one.subject)} is signed with {_hash(one)}", "have it issued with SHA-256")
        if _strength(one) == "refused":
            yield Problem(f"{_pem.name(one.subject)} has the key {_pem.key_type(one.public_key())}", "use EC P-256, or RSA of 2048 bits or more")


@_rule(
    "TLS-WEAK",
    "warning",
    "runtime",
    "Some clients refuse it, and more will.",
    wrong="RSA of 1024 bits; a signature with SHA-1",
    right="RSA of 2048 bits; a signature with SHA-256",
)
def _weak(asked: Asked) -> t.Iterator[Problem]:
    """No key and no signature is weak."""
    for one in _all(asked):
        if _hash(one) == "SHA1" and one.issuer != one.subject:
            yield Problem(f"{_pem.name(one.subject)} is signed with SHA-1", "have it issued with SHA-256")
        if _strength(one) == "weak":
            yield Problem(f"{_pem.name(one.subject)} has the key {_pem.key_type(one.public_key())}", "use EC P-256, or RSA of 2048 bits or more")


def _hash(of: x509.Certificate) -> str:
    return _pem.hash_name(of).upper()


def _refused_hash(asked: Asked, one: x509.Certificate) -> bool:
    # What a certificate that is trusted as it is says about itself is not looked at.
    return _hash(one) in ("MD2", "MD5") and one not in asked.trusted


def _strength(of: x509.Certificate) -> str:
    """``jdk.certpath.disabledAlgorithms``: RSA and DSA below 1024 bits, EC below 224; weak is RSA and DSA below 2048."""
    kind, bits = _pem.key_type(of.public_key()).split()[0], _pem.key_bits(of.public_key())
    if kind not in ("RSA", "DSA", "EC"):
        return ""
    if bits < (224 if kind == "EC" else 1024):
        return "refused"
    return "weak" if kind != "EC" and bits < 2048 else ""


def _all(asked: Asked) -> list[x509.Certificate]:
    """The certificates that matter: of the chain, and whoever signed them."""
    return [*asked.chain, *(one for one in asked.path if one not in asked.chain)]


def _subjects(certificates: t.Sequence[x509.Certificate]) -> str:
    return " and ".join(_pem.name(one.subject) for one in certificates[:_SHOWN])


def listed(names: t.Iterable[str]) -> str:
    known = sorted(names)
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return ", ".join(known[:_SHOWN]) + more


def day(moment: datetime.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def days(left: datetime.timedelta) -> str:
    return "less than a day" if left.days < 1 else "1 day" if left.days == 1 else f"{left.days} days"
