# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""The certificates of the local cluster. Private to the collection."""

from __future__ import annotations

import datetime
import ipaddress
import pathlib
import traceback
import typing as t

from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _local_kubernetes_processes as processes

CRYPTOGRAPHY_IMPORT_ERROR: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

_VALID = datetime.timedelta(days=3650)
_RENEW = datetime.timedelta(days=30)


class Authority:
    """The certificate authority in a directory; what is there and still good is kept."""

    def __init__(self, directory: str) -> None:
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._now = datetime.datetime.now(datetime.timezone.utc)
        self.changed = False
        self._key = self._private_key("ca")
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kafkaops-local-kubernetes")])
        self._certificate = self._own_certificate()

    @property
    def certificate(self) -> str:
        return _pem(self._certificate)

    def key(self, name: str) -> str:
        """A bare key (PEM), such as the one that signs service accounts' tokens."""
        return _key_pem(self._private_key(name))

    def issue(self, identity: processes.Identity) -> tuple[str, str]:
        """Certificate and key (PEM) of an identity."""
        key = self._private_key(identity.name)
        path = self._directory / f"{identity.name}.crt"
        subject = _subject(identity)
        alternatives = _alternatives(identity)
        present = _load(path)
        if present is not None and self._good(present, key, subject, alternatives):
            return _pem(present), _key_pem(key)
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = self._builder(subject, key).add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs_certificates=False), critical=True)
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        self._write(path, _pem(certificate))
        return _pem(certificate), _key_pem(key)

    def _own_certificate(self) -> x509.Certificate:
        path = self._directory / "ca.crt"
        present = _load(path)
        if present is not None and self._good(present, self._key, self._name, []):
            return present
        certificate = (
            self._builder(self._name, self._key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self._write(path, _pem(certificate))
        return certificate

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        """The key identifiers are there because strict readers, such as Python 3.13, ask for them."""
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - datetime.timedelta(hours=1))
            .not_valid_after(self._now + _VALID)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )

    def _good(
        self,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        subject: x509.Name,
        alternatives: list[x509.GeneralName],
    ) -> bool:
        """Whether a certificate is what would be issued now."""
        if _until(certificate) - self._now < _RENEW or certificate.subject != subject:
            return False
        if certificate.public_key() != key.public_key():
            return False
        try:
            self._key.public_key().verify(certificate.signature, certificate.tbs_certificate_bytes, ec.ECDSA(hashes.SHA256()))
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return not alternatives
        except InvalidSignature:  # of an authority that was here before
            return False
        return list(extension.value) == alternatives

    def _private_key(self, name: str) -> ec.EllipticCurvePrivateKey:
        path = self._directory / f"{name}.key"
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if isinstance(key, ec.EllipticCurvePrivateKey):
                return key
        except (OSError, ValueError):
            pass
        made = ec.generate_private_key(ec.SECP256R1())
        self._write(path, _key_pem(made))
        return made

    def _write(self, path: pathlib.Path, text: str) -> None:
        self.changed = True
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        new.write_text(text, encoding="ascii")
        new.replace(path)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(identity: processes.Identity) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, identity.common_name)]
    if identity.organization:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, identity.organization))
    return x509.Name(attributes)


def _alternatives(identity: processes.Identity) -> list[x509.GeneralName]:
    result: list[x509.GeneralName] = [x509.DNSName(name) for name in identity.names]
    return result + [x509.IPAddress(ipaddress.ip_address(address)) for address in identity.addresses]


def _load(path: pathlib.Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None


def _until(certificate: x509.Certificate) -> datetime.datetime:
    if hasattr(certificate, "not_valid_after_utc"):
        return certificate.not_valid_after_utc
    return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)  # cryptography before 42


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _key_pem(key: t.Any) -> str:
    """In the format that all readers know: the API server takes a PKCS 8 key for no signer of tokens."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode("ascii")
