"""Certificates for tests, sound unless asked otherwise: root, intermediate and leaf, each with its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
CLAIM_SIGNERS = (CLAIM_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION)
MAKERS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "es512": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@dataclass(frozen=True, kw_only=True)
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: object

    @property
    def pem(self):
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password=None, form=PrivateFormat.PKCS8):
        encryption = NoEncryption() if password is None else BestAvailableEncryption(password)
        return self.key.private_bytes(Encoding.PEM, form, encryption)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Root, intermediate and leaf."""

    root: Party
    intermediate: Party
    leaf: Party

    @property
    def certificates(self):
        return self.leaf.pem + self.intermediate.pem

    @property
    def anchors(self):
        return self.root.pem.decode()

    def write(self, folder):
        """Return the paths of certificates and private key, written into *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        certificates, private_key = folder / "certificates.pem", folder / "private_key.pem"
        certificates.write_bytes(self.certificates)
        private_key.write_bytes(self.leaf.key_pem())
        return certificates, private_key


def chain(algorithm="es256", **leaf):
    """Return a new chain whose leaf has a key for *algorithm* and what *leaf* says (see :func:`issued`)."""
    root = issued("root", is_authority=True)
    intermediate = issued("intermediate", by=root, is_authority=True)
    return Chain(
        root=root, intermediate=intermediate, leaf=issued("leaf", by=intermediate, algorithm=algorithm, **leaf)
    )


def issued(
    common_name,
    *,
    by=None,
    algorithm="es256",
    key=None,
    is_authority=False,
    organisation="Acme GmbH",
    usages=CLAIM_SIGNERS,
    critical_usages=False,
    digital_signature=True,
    key_cert_sign=None,
    key_usage=True,
    subject_key_identifier=True,
    authority_key_identifier=True,
    serial_number=None,
    starts=timedelta(hours=-1),
    ends=timedelta(days=300),
):
    """Return a certificate for *common_name*, signed by the party *by* or by itself."""
    key = MAKERS[algorithm]() if key is None else key
    issuer_key = key if by is None else by.key
    names = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organisation:
        names.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    subject, now = x509.Name(names), datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if by is None else by.certificate.subject)
        .public_key(key.public_key())
        .serial_number(serial_number or x509.random_serial_number())
        .not_valid_before(now + starts)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if key_usage:
        signs_certificates = is_authority if key_cert_sign is None else key_cert_sign
        builder = builder.add_extension(_key_usage(digital_signature, signs_certificates), critical=True)
    if subject_key_identifier:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    if authority_key_identifier:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
        builder = builder.add_extension(issuer, critical=False)
    if usages and not is_authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(usages)), critical=critical_usages)
    digest = None if isinstance(issuer_key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return Party(certificate=builder.sign(issuer_key, digest), key=key)


def _key_usage(digital_signature, key_cert_sign):
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        crl_sign=key_cert_sign,
        encipher_only=False,
        decipher_only=False,
        **dict.fromkeys(others, False),
    )
