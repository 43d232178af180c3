# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Certificates and keys in PEM text, and how Java names, matches and verifies them. Private to the collection."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import re
import traceback
import typing as t

CRYPTOGRAPHY_IMPORT_ERROR: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

_MARKER = re.compile(r"-----(BEGIN|END) ([A-Z0-9 ]{1,60})-----")
_HEADER = re.compile(r"\A(?:[^\n:]{1,100}:[^\n]*\n)+\s*\n")  # such as Proc-Type: 4,ENCRYPTED
_LARGEST = 2_000_000  # characters; all authorities that a browser trusts have 250,000
_MOST = 1000  # blocks


class Block(t.NamedTuple):
    """What stands between two markers. ``der``: its bytes, None where it is cut off or no Base64."""

    label: str
    der: bytes | None

    @property
    def is_certificate(self) -> bool:
        """Whether the label promises a certificate."""
        return self.label in ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE")

    @property
    def is_pbes2(self) -> bool:
        """Whether it is encrypted as OpenSSL does since 1.1: its algorithm has the number 1.2.840.113549.1.5.13."""
        return self.label == "ENCRYPTED PRIVATE KEY" and self.der is not None and bytes.fromhex("06092a864886f70d01050d") in self.der[:40]

    @property
    def is_private_key(self) -> bool:
        """Whether it is a secret."""
        return self.label.endswith("PRIVATE KEY")


def blocks(text: str) -> list[Block]:
    """The blocks of a PEM text in order; text around them is skipped, as Kafka and OpenSSL do."""
    found: list[Block] = []
    begun: re.Match[str] | None = None
    for marker in _MARKER.finditer(text[:_LARGEST]):
        if len(found) == _MOST:
            return found
        if begun is not None:
            whole = marker[1] == "END" and marker[2] == begun[2]
            found.append(Block(begun[2], _bytes(text[begun.end() : marker.start()]) if whole else None))
        begun = marker if marker[1] == "BEGIN" else None
    if begun is not None:
        found.append(Block(begun[2], None))
    return found


def _bytes(body: str) -> bytes | None:
    body = _HEADER.sub("", body.strip() + "\n")
    try:
        return base64.b64decode("".join(body.split()).encode("ascii"), validate=True) or None
    except (binascii.Error, UnicodeEncodeError):
        return None


def certificate(block: Block) -> x509.Certificate | None:
    """The certificate in a block; None where there is none."""
    if block.der is None or not block.is_certificate:
        return None
    try:
        loaded = x509.load_der_x509_certificate(block.der)
        # Much is only parsed when it is asked for; what cannot be read later cannot be read at all.
        loaded.public_key()
        names(loaded)
        name(loaded.subject), name(loaded.issuer)
        not_after(loaded)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    return loaded


def private_key(block: Block, password: str | None) -> t.Any:
    """The key in a block; None where it cannot be read. ``password``: of an encrypted one."""
    if block.der is None:
        return None
    if block.label == "ENCRYPTED PRIVATE KEY" and not password:
        return None
    try:
        secret = password.encode() if password and block.label == "ENCRYPTED PRIVATE KEY" else None
        return serialization.load_der_private_key(block.der, secret)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def same_key(one: t.Any, other: t.Any) -> bool:
    """Whether two public keys are the same."""
    return _public(one) == _public(other)


def _public(key: t.Any) -> bytes:
    return bytes(key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


def key_type(key: t.Any) -> str:
    """``RSA 2048``, ``EC secp256r1``, ``DSA 2048``, ``Ed25519`` and their like."""
    if isinstance(key, (rsa.RSAPublicKey, rsa.RSAPrivateKey)):
        return f"RSA {key.key_size}"
    if isinstance(key, (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey)):
        return f"EC {key.curve.name}"
    if isinstance(key, (dsa.DSAPublicKey, dsa.DSAPrivateKey)):
        return f"DSA {key.key_size}"
    return type(key).__name__.replace("PublicKey", "").replace("PrivateKey", "").strip("_")


def key_bits(key: t.Any) -> int:
    """The size of a key; 0 where its type has only one."""
    return int(getattr(key, "key_size", 0))


def hash_name(of: x509.Certificate) -> str:
    """The hash of the signature, such as ``sha256``; empty where the algorithm has none of its own (Ed25519)."""
    try:
        algorithm = of.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return algorithm.name if algorithm else ""


def signed_by(of: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether ``issuer`` signed a certificate, also with a hash that nobody should use any more."""
    if of.issuer != issuer.subject:
        return False
    key: t.Any = issuer.public_key()
    try:
        algorithm = of.signature_hash_algorithm
        if isinstance(key, rsa.RSAPublicKey):
            scheme = of.signature_algorithm_parameters or padding.PKCS1v15()
            key.verify(of.signature, of.tbs_certificate_bytes, t.cast(t.Any, scheme), t.cast(hashes.HashAlgorithm, algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(of.signature, of.tbs_certificate_bytes, ec.ECDSA(t.cast(hashes.HashAlgorithm, algorithm)))
        elif isinstance(key, dsa.DSAPublicKey):
            key.verify(of.signature, of.tbs_certificate_bytes, t.cast(hashes.HashAlgorithm, algorithm))
        else:
            key.verify(of.signature, of.tbs_certificate_bytes)
    except (InvalidSignature, ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        return False
    return True


def extension(of: x509.Certificate, kind: type[t.Any]) -> t.Any:
    """The value of an extension; None where the certificate does not have it."""
    try:
        return of.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def is_ca(of: x509.Certificate) -> bool:
    """Whether it may sign others. The first version of X.509 cannot say so, and Java takes such a root for one."""
    constraints, usage = extension(of, x509.BasicConstraints), extension(of, x509.KeyUsage)
    if of.version == x509.Version.v1:
        return bool(of.issuer == of.subject)
    return bool(constraints and constraints.ca and (usage is None or usage.key_cert_sign))


def path_length(of: x509.Certificate) -> int | None:
    """How many authorities may stand below it; None for any number."""
    constraints = extension(of, x509.BasicConstraints)
    return constraints.path_length if constraints else None


def may_be(of: x509.Certificate, purpose: str) -> bool:
    """Whether the extended key usage, where there is one, has ``serverAuth`` or ``clientAuth``."""
    usage = extension(of, x509.ExtendedKeyUsage)
    wanted = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}[purpose]
    return usage is None or wanted in usage or ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE in usage


def may_sign(of: x509.Certificate) -> bool:
    """Whether the key usage, where there is one, has ``digitalSignature``."""
    usage = extension(of, x509.KeyUsage)
    return usage is None or bool(usage.digital_signature)


def names(of: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The subject's alternative names: DNS names in lower case, and IP addresses."""
    alternatives = extension(of, x509.SubjectAlternativeName)
    if alternatives is None:
        return (), ()
    dns = tuple(normal(text) for text in alternatives.get_values_for_type(x509.DNSName))
    return dns, tuple(str(address) for address in alternatives.get_values_for_type(x509.IPAddress))


def normal(host: str) -> str:
    """A host as it is compared: lower case, no dot at the end, an IP address without brackets in its shortest form."""
    host = host.strip().lower()
    bare = host[1:-1] if host[:1] == "[" and host[-1:] == "]" else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        pass
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    return host.rstrip(".")


def is_nameless(of: x509.Certificate) -> bool:
    """Whether Java refuses it for want of a name: no subject, and alternative names that are missing or not critical."""
    if list(of.subject.rdns):
        return False
    try:
        return not of.extensions.get_extension_for_class(x509.SubjectAlternativeName).critical
    except x509.ExtensionNotFound:
        return True


def covers(of: x509.Certificate, host: str) -> bool:
    """RFC 6125: the same name, or ``*`` for its left-most label only. An address is never covered by a DNS name."""
    host = normal(host)
    dns, addresses = names(of)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        _label, dot, rest = host.partition(".")
        return host in dns or (bool(dot and rest) and f"*.{rest}" in dns)
    return host in addresses


def not_before(of: x509.Certificate) -> datetime.datetime:
    """The first moment, in UTC."""
    if hasattr(of, "not_valid_before_utc"):
        return of.not_valid_before_utc
    return of.not_valid_before.replace(tzinfo=datetime.timezone.utc)  # cryptography before 42


def not_after(of: x509.Certificate) -> datetime.datetime:
    """The last moment, in UTC."""
    if hasattr(of, "not_valid_after_utc"):
        return of.not_valid_after_utc
    return of.not_valid_after.replace(tzinfo=datetime.timezone.utc)  # cryptography before 42


def name(of: x509.Name) -> str:
    """A name as Java writes it (``X500Principal.getName``, RFC 2253), which is what Kafka calls a principal: ``CN=..,O=..``."""
    return ",".join("+".join(_attribute(attribute) for attribute in part) for part in reversed(list(of.rdns)))


_ESCAPED = re.compile(r'([,=+<>#;"\\])')


def _attribute(attribute: x509.NameAttribute) -> str:
    keyword = {
        NameOID.COMMON_NAME: "CN",
        NameOID.COUNTRY_NAME: "C",
        NameOID.LOCALITY_NAME: "L",
        NameOID.STATE_OR_PROVINCE_NAME: "ST",
        NameOID.ORGANIZATION_NAME: "O",
        NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
        NameOID.STREET_ADDRESS: "STREET",
        NameOID.DOMAIN_COMPONENT: "DC",
        NameOID.USER_ID: "UID",
    }.get(attribute.oid)
    if keyword is None or not isinstance(attribute.value, str):
        # Any other type is written with its number, and the value as it is encoded.
        return f"{attribute.oid.dotted_string}=#{_encoded(attribute).hex()}"
    value = _ESCAPED.sub(r"\\\1", attribute.value).replace("\0", "\\00")
    inner = value.strip(" ")
    before = len(value) - len(value.lstrip(" ")) if inner else len(value)
    after = len(value) - len(value.rstrip(" ")) if inner else 0
    blank = "\\ "
    return f"{keyword}={blank * before}{inner}{blank * after}"


def _encoded(attribute: x509.NameAttribute) -> bytes:
    """The value of an attribute with its tag and length: the name's sequence has a set, that a sequence, that type and value."""
    content = x509.Name([attribute]).public_bytes()
    for _level in range(3):
        content = _content(content)
    return content[len(content) - len(_after_first(content)) :]


def _content(encoded: bytes) -> bytes:
    start, length = _header(encoded)
    return encoded[start : start + length]


def _after_first(encoded: bytes) -> bytes:
    start, length = _header(encoded)
    return encoded[start + length :]


def _header(encoded: bytes) -> tuple[int, int]:
    length = encoded[1]
    if length < 0x80:
        return 2, length
    size = length & 0x7F
    return 2 + size, int.from_bytes(encoded[2 : 2 + size], "big")
