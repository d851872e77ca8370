"""TLS material of one run: an authority and one server certificate for all services."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# The world's date may be anything; TLS is checked against the host's clock on both sides.
_BEGIN = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_END = dt.datetime(2049, 12, 31, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Where the files are.

    Attributes:
        ca_file: Certificate of the authority, for those who check.
        server_file: Certificate and key of the services.
        foreign_file: The same names certified by an authority nobody trusts (a planted fault).
    """

    ca_file: Path
    server_file: Path
    foreign_file: Path


def make_certificates(
    directory: Path, hosts: Sequence[str], addresses: Sequence[str]
) -> Certificates:
    """Write fresh certificates into a directory."""
    names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
    names += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    files = Certificates(
        ca_file=directory / "ca.pem",
        server_file=directory / "server.pem",
        foreign_file=directory / "foreign.pem",
    )
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_certificate = _authority(ca_key, "virtual bench authority")
    files.ca_file.write_bytes(ca_certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(files.server_file, _leaf(ca_key, ca_certificate, hosts[0], names))
    foreign_key = ec.generate_private_key(ec.SECP256R1())
    foreign = _authority(foreign_key, "somebody else's authority")
    _write_private(files.foreign_file, _leaf(foreign_key, foreign, hosts[0], names))
    return files


def _builder(subject: x509.Name, issuer: x509.Name) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGIN)
        .not_valid_after(_END)
    )


def _authority(key: ec.EllipticCurvePrivateKey, title: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    ca_key: ec.EllipticCurvePrivateKey,
    ca_certificate: x509.Certificate,
    host: str,
    names: Sequence[x509.GeneralName],
) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    issuer_key = ca_key.public_key()
    certificate = (
        _builder(subject, ca_certificate.subject)
        .public_key(key.public_key())
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False
        )
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
