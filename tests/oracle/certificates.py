# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Real certificates, good and bad, made when they are asked for; and the table of what is wrong with each.

The unit tests look at the rules that are broken, the oracle asks Kafka and Java whether they would take them.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import functools
import ipaddress
import typing as t

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
HOST = "kafka-0.kafka.events.svc.cluster.local"
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH

_SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
_OLD_RSA: dict[str, tuple[bytes, hashes.HashAlgorithm]] = {
    "sha1": (bytes.fromhex("2a864886f70d010105"), hashes.SHA1()),
    "md5": (bytes.fromhex("2a864886f70d010104"), hashes.MD5()),
}


def key(name: str, kind: str = "ec") -> t.Any:
    """A key; the same one whenever the same is asked for. ``kind``: ``ec``, ``ed25519``, or the bits of an RSA key."""
    return _key(name, kind)


@functools.cache
def _key(_name: str, kind: str) -> t.Any:
    if kind == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, int(kind))


@dataclasses.dataclass(frozen=True)
class Issuer:
    """An authority: its name, key and certificate."""

    name: x509.Name
    key: t.Any
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        """Its certificate."""
        return pem(self.certificate)


def subject(text: str) -> x509.Name:
    """A name with a common name and an organisation."""
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "events"), x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(
    name: x509.Name,
    own_key: t.Any,
    issuer_name: x509.Name,
    issuer_key: t.Any,
    *,
    names: t.Sequence[str] = (),
    names_critical: bool = False,
    ca: bool = False,
    path_length: int | None = None,
    begins: datetime.timedelta = -DAY,
    ends: datetime.timedelta = 365 * DAY,
    uses: t.Sequence[x509.ObjectIdentifier] = (),
    signs: bool | None = None,
    signs_certificates: bool | None = None,
    old_hash: str = "",
) -> x509.Certificate:
    """A certificate. ``signs``, ``signs_certificates``: of a key usage; without both there is none."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer_name)
        .public_key(own_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
    )
    if ca or path_length is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(text) for text in names]), critical=names_critical)
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if signs is not None or signs_certificates is not None:
        usage = x509.KeyUsage(bool(signs), False, not signs_certificates, False, False, bool(signs_certificates), False, False, False)
        builder = builder.add_extension(usage, critical=True)
    signed = builder.sign(issuer_key, None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    return _signed_with(signed, issuer_key, old_hash) if old_hash else signed


def _signed_with(of: x509.Certificate, issuer_key: rsa.RSAPrivateKey, old_hash: str) -> x509.Certificate:
    # The builder refuses these hashes, so that the signature is made by hand: the identifiers have the same length.
    identifier, algorithm = _OLD_RSA[old_hash]
    body = of.tbs_certificate_bytes.replace(_SHA256_RSA, identifier)
    signature = issuer_key.sign(body, padding.PKCS1v15(), algorithm)
    encoded = of.public_bytes(serialization.Encoding.DER).replace(_SHA256_RSA, identifier)
    return x509.load_der_x509_certificate(encoded[: -len(signature)] + signature)


def _general(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def root(text: str = "root", kind: str = "ec") -> Issuer:
    """An authority that signed itself; the same one whenever the same is asked for."""
    return _root(text, kind)


@functools.cache
def _root(text: str, kind: str) -> Issuer:
    own = key(f"authority {text}", kind)
    return Issuer(subject(text), own, certificate(subject(text), own, subject(text), own, ca=True, ends=3650 * DAY))


@functools.cache
def below(above: Issuer, text: str = "intermediate", **how: t.Any) -> Issuer:
    """An authority that another one issued; the same one whenever the same is asked for."""
    own = key(f"authority {text}")
    made = certificate(subject(text), own, above.name, above.key, **{"ca": True, "ends": 1000 * DAY, **how})
    return Issuer(subject(text), own, made)


def server(issuer: Issuer, text: str = "kafka-0", kind: str = "ec", **how: t.Any) -> x509.Certificate:
    """A server's certificate with the key ``key(text, kind)``, for HOST unless other ``names`` are given."""
    return certificate(subject(text), key(text, kind), issuer.name, issuer.key, **{"names": (HOST,), **how})


def pem(of: x509.Certificate) -> str:
    """As text."""
    return of.public_bytes(serialization.Encoding.PEM).decode("ascii")


def key_pem(of: t.Any, form: str = "pkcs8", password: str = "") -> str:
    """A key as text. ``form``: ``pkcs8`` or ``traditional`` (PKCS 1 for RSA, SEC 1 for EC)."""
    formats = {"pkcs8": serialization.PrivateFormat.PKCS8, "traditional": serialization.PrivateFormat.TraditionalOpenSSL}
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    return str(of.private_bytes(serialization.Encoding.PEM, formats[form], encryption).decode("ascii"))


def pbes1_pem(of: t.Any, password: str) -> str:
    """A PKCS 8 key encrypted the old way, which is the only one that Java 17 reads; taken out of a PKCS 12 store."""
    encryption = serialization.PrivateFormat.PKCS12.encryption_builder().key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).build(password.encode())
    store = pkcs12.serialize_key_and_certificates(None, of, None, None, encryption)
    bag = bytes.fromhex("060b2a864886f70d010c0a0102")  # pkcs8ShroudedKeyBag, behind it the key with an explicit tag
    encoded = _element(_element(store[store.index(bag) + len(bag) :], inside=True))
    lines = base64.encodebytes(encoded).decode("ascii")
    return f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{lines}-----END ENCRYPTED PRIVATE KEY-----\n"


def _element(encoded: bytes, inside: bool = False) -> bytes:
    """The first element of DER, or what is inside of it."""
    size = encoded[1] & 0x7F if encoded[1] & 0x80 else 0
    length = int.from_bytes(encoded[2 : 2 + size], "big") if size else encoded[1]
    return encoded[2 + size if inside else 0 : 2 + size + length]


@dataclasses.dataclass(frozen=True)
class Case:
    """What is given, and which rules it breaks. ``stricter``: why we refuse what Java would take, if so."""

    name: str
    chain: str
    key: str
    authority: str
    broken: frozenset[str] = frozenset()
    names: tuple[str, ...] = (HOST,)
    client: bool = False
    password: str | None = None
    stricter: str = ""


def cases() -> list[Case]:
    """The table. A bad case stands beside a good one that differs in little."""
    return [*_keys(), *_chains(), *_times(), *_names(), *_subjects(), *_uses(), *_weak(), *_texts()]


def _case(name: str, broken: str = "", **how: t.Any) -> Case:
    given: dict[str, t.Any] = {"chain": pem(server(root())), "key": key_pem(key("kafka-0")), "authority": root().pem}
    return Case(name, broken=frozenset(broken.split()), **{**given, **how})


def _keys() -> t.Iterator[Case]:
    own = key("kafka-0")
    yield _case("an EC key in PKCS 8")
    yield _case("an EC key in SEC 1", "TLS-KEY-FORMAT", key=key_pem(own, "traditional"))
    large = pem(server(root(), kind="2048"))
    yield _case("an RSA key in PKCS 8", chain=large, key=key_pem(key("kafka-0", "2048")))
    yield _case("an RSA key in PKCS 1", "TLS-KEY-FORMAT", chain=large, key=key_pem(key("kafka-0", "2048"), "traditional"))
    old = pbes1_pem(own, "secret")
    yield _case("an encrypted key with its password", key=old, password="secret")
    yield _case("an encrypted key without a password", "TLS-KEY-FORMAT", key=old)
    yield _case("an encrypted key with another password", "TLS-KEY-FORMAT", key=old, password="other")
    yield _case("a key encrypted with PBES2", "TLS-KEY-FORMAT", key=key_pem(own, password="secret"), password="secret")
    yield _case("a key that is not encrypted, with a password", "TLS-KEY-FORMAT", password="secret")
    yield _case("an Ed25519 key", "TLS-KEY-FORMAT", chain=pem(server(root(), kind="ed25519")), key=key_pem(key("kafka-0", "ed25519")))
    yield _case("two keys", "TLS-KEY-FORMAT", key=key_pem(own) + key_pem(key("other")))
    yield _case("the key of another certificate", "TLS-KEY-MISMATCH", key=key_pem(key("other")))
    yield _case("the key of another kind", "TLS-KEY-MISMATCH", key=key_pem(key("other", "2048")))


def _chains() -> t.Iterator[Case]:
    top, middle = root(), below(root())
    leaf = pem(server(middle))
    yield _case("an intermediate authority in the chain", chain=leaf + middle.pem)
    yield _case("with the root in the chain", chain=leaf + middle.pem + top.pem)
    yield _case("no intermediate authority", "TLS-CHAIN", chain=leaf)
    yield _case("the intermediate authority is trusted itself", chain=leaf, authority=middle.pem)
    yield _case("the intermediate authority among the trusted", chain=leaf, authority=top.pem + middle.pem)
    yield _case("the chain upside down", "TLS-CHAIN", chain=middle.pem + leaf)
    yield _case("the root before the intermediate authority", "TLS-CHAIN", chain=leaf + top.pem + middle.pem)
    yield _case("a certificate twice", "TLS-CHAIN", chain=leaf + leaf + middle.pem)
    yield _case("two certificates of servers", "TLS-CHAIN", chain=pem(server(top)) + pem(server(top, "kafka-1")))
    yield _case("another authority", "TLS-CHAIN", authority=root("other").pem)
    yield _case("one of two authorities", authority=root("other").pem + top.pem)
    renewed = certificate(top.name, key("renewed"), top.name, key("renewed"), ca=True)
    yield _case("another authority of the same name", "TLS-CHAIN", authority=pem(renewed))
    own = key("kafka-0")
    alone = pem(certificate(subject("kafka-0"), own, subject("kafka-0"), own, names=(HOST,)))
    yield _case("a certificate that signed itself, and is trusted", chain=alone, authority=alone)
    yield _case("a certificate that signed itself, and is not", "TLS-CHAIN", chain=alone)
    no_authority = below(top, "no authority", ca=False)
    yield _case("an issuer that is no authority", "TLS-NOT-CA TLS-CHAIN", chain=pem(server(no_authority)) + no_authority.pem)
    trusted = certificate(subject("root"), top.key, subject("root"), top.key)
    yield _case("a trusted issuer that is no authority", "TLS-NOT-CA", authority=pem(trusted))
    may_not = below(top, "may not", signs=True, signs_certificates=False)
    yield _case("an authority whose key usage is something else", "TLS-NOT-CA TLS-CHAIN", chain=pem(server(may_not)) + may_not.pem)
    may = below(top, "may", signs=True, signs_certificates=True)
    yield _case("an authority with the key usage", chain=pem(server(may)) + may.pem)
    short = below(top, "short", path_length=0)
    deep = below(short, "deep")
    yield _case("too many authorities below one", "TLS-NOT-CA", chain=pem(server(deep)) + deep.pem + short.pem)
    yield _case("as many as it allows", chain=pem(server(short)) + short.pem)


def _times() -> t.Iterator[Case]:
    yield _case("ended yesterday", "TLS-EXPIRED", chain=pem(server(root(), begins=-10 * DAY, ends=-DAY)))
    yield _case("ends in a week", "TLS-EXPIRES-SOON", chain=pem(server(root(), ends=7 * DAY)))
    yield _case("ends in two months", chain=pem(server(root(), ends=60 * DAY)))
    yield _case("begins tomorrow", "TLS-NOT-YET-VALID", chain=pem(server(root(), begins=DAY)))
    ended = below(root(), "ended", begins=-10 * DAY, ends=-DAY)
    yield _case("an intermediate authority that ended", "TLS-EXPIRED", chain=pem(server(ended)) + ended.pem)
    old = certificate(root().name, root().key, root().name, root().key, ca=True, begins=-10 * DAY, ends=-DAY)
    yield _case("a root that ended", "TLS-EXPIRED", authority=pem(old), stricter="Java does not look at the dates of what it trusts; other clients do")


def _names() -> t.Iterator[Case]:
    def named(*names: str, to: str = HOST, broken: str = "", stricter: str = "") -> Case:
        chain = pem(server(root(), names=names))
        return _case(f"{to} with {', '.join(names) or 'nothing'}", broken, chain=chain, names=(to,), stricter=stricter)

    missing = "TLS-SAN-MISSING"
    yield named("kafka.example.com", broken=missing)
    yield named("other", HOST.upper())
    yield named("*.kafka.events.svc.cluster.local")
    yield named("*.events.svc.cluster.local", broken=missing)
    yield named("*.example.com", to="example.com", broken=missing)
    yield named("*.example.com", to="a.example.com")
    yield named("*.example.com", to="a.b.example.com", broken=missing)
    yield named("a.*.example.com", to="a.b.example.com", broken=missing, stricter="RFC 6125 has the wildcard in the left-most label only")
    yield named("k*.example.com", to="kafka.example.com", broken=missing, stricter="RFC 6125 does not require parts of labels")
    yield named("10.0.0.1", to="10.0.0.1")
    yield named("10.0.0.1", to="10.0.0.2", broken=missing)
    yield named("fd00::1", to="fd00:0:0::1")
    yield named("*.0.0.1", to="10.0.0.1", broken=missing)
    text = certificate(subject("kafka-0"), key("kafka-0"), root().name, root().key)
    alone = "Java falls back to the common name; other clients do not"
    yield _case("a common name and no others", missing, chain=pem(text), names=("kafka-0",), stricter=alone)
    several = pem(server(root(), names=(HOST, "kafka.example.com", "10.0.0.1", "fd00::1")))
    yield _case("several names", chain=several, names=("kafka.example.com", HOST, "10.0.0.1", "[fd00::1]"))


def _subjects() -> t.Iterator[Case]:
    """How a principal is written; Kafka answers with it."""
    own, issuer = key("kafka-0"), root()
    common, other = NameOID.COMMON_NAME, (NameOID.EMAIL_ADDRESS, NameOID.SERIAL_NUMBER, NameOID.TITLE, NameOID.USER_ID, NameOID.DOMAIN_COMPONENT)
    subjects: list[list[list[tuple[x509.ObjectIdentifier, str]]]] = [
        *([[(common, text)]] for text in ("a, b", "a=b", " a", "a ", "  a  ", "#a#", 'a"b\\', "a+b", "<a>;", "ü€😀", "*.a", " ")),
        [[(common, "a")], *([(kind, "12")] for kind in other)],
        [[(common, "a"), (NameOID.USER_ID, "b")], [(NameOID.ORGANIZATION_NAME, "c")]],
    ]
    for parts in subjects:
        name = x509.Name([x509.RelativeDistinguishedName([x509.NameAttribute(*pair) for pair in part]) for part in parts])
        chain = pem(certificate(name, own, issuer.name, issuer.key, names=(HOST,)))
        yield _case(f"the subject {name.rfc4514_string()!r}", chain=chain)
    for critical in (True, False):
        chain = pem(certificate(x509.Name([]), own, issuer.name, issuer.key, names=(HOST,), names_critical=critical))
        yield _case(f"no subject, alternative names {'' if critical else 'not '}critical", "" if critical else "TLS-UNREADABLE", chain=chain)


def _uses() -> t.Iterator[Case]:
    for uses, client, broken in (
        ((SERVER,), False, ""),
        ((SERVER, CLIENT), True, ""),
        ((ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,), True, ""),
        ((SERVER,), True, "TLS-USAGE"),
        ((CLIENT,), False, "TLS-USAGE"),
        ((), True, ""),
    ):
        words = " and ".join({SERVER: "serverAuth", CLIENT: "clientAuth"}.get(use, "any") for use in uses) or "nothing"
        yield _case(f"{words} for {'brokers' if client else 'a server'}", broken, chain=pem(server(root(), uses=uses)), client=client)
    yield _case("a key usage with digitalSignature", chain=pem(server(root(), signs=True)))
    yield _case("a key usage without digitalSignature", "TLS-USAGE", chain=pem(server(root(), signs=False)))


def _weak() -> t.Iterator[Case]:
    strong = root("rsa", "2048")
    own = key_pem(key("kafka-0"))
    for old_hash, broken in (("", ""), ("sha1", "TLS-WEAK"), ("md5", "TLS-WEAK")):
        chain = pem(server(strong, old_hash=old_hash))
        yield _case(f"a signature with {old_hash or 'sha256'}", broken, chain=chain, key=own, authority=strong.pem)
    itself = certificate(strong.name, strong.key, strong.name, strong.key, ca=True, old_hash="sha1")
    yield _case("a root that signed itself with sha1", chain=pem(server(strong)), key=own, authority=pem(itself))
    small = pem(server(root(), kind="1024"))
    yield _case("RSA of 1024 bits", "TLS-WEAK", chain=small, key=key_pem(key("kafka-0", "1024")))


def _texts() -> t.Iterator[Case]:
    chain, own, authority = pem(server(root())), key_pem(key("kafka-0")), root().pem
    unreadable = "TLS-UNREADABLE"
    yield _case("text around the certificates", chain=f"subject=kafka-0\n{chain}\nissuer=root\n", authority=f"# root\n{authority}")
    yield _case("Windows line ends", chain=chain.replace("\n", "\r\n"), key=own.replace("\n", "\r\n"))
    yield _case("all in one line", chain=chain.replace("\n", " "), key=own.replace("\n", " "))
    yield _case("no line end behind", chain=chain.strip(), key=own.strip(), authority=authority.strip())
    yield _case("no certificate", unreadable, chain="")
    yield _case("no key", unreadable, key="")
    yield _case("no authority", unreadable, authority=" \n")
    yield _case("not PEM at all", unreadable, chain="kafka-0.crt")
    yield _case("a certificate cut off", unreadable, chain=chain[: len(chain) // 2])
    yield _case("a certificate with a part missing", unreadable, chain=chain[:100] + chain[164:])
    yield _case("a key cut off", unreadable, key=own[:80])
    yield _case("written line ends", unreadable, chain=chain.replace("\n", "\\n"))
    yield _case("the certificate instead of the key", unreadable, key=chain)
    request = x509.CertificateSigningRequestBuilder().subject_name(subject("kafka-0")).sign(key("kafka-0"), hashes.SHA256())
    yield _case("a certificate request", unreadable, chain=request.public_bytes(serialization.Encoding.PEM).decode("ascii"))
    both = "Java takes what it needs from a text with both; the text is kept where everybody may read it"
    yield _case("the key among the certificates", "TLS-SECRET-MISPLACED", chain=chain + own, stricter=both)
    yield _case("a key among the authority's certificates", "TLS-SECRET-MISPLACED", authority=authority + key_pem(root().key), stricter=both)
