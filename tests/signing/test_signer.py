import multiprocessing
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from disclose.errors import IdentityError
from disclose.signing import Signer, TrustList, development, development_chain


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "identity"


def test_the_development_identity_says_that_nobody_vouches_for_it(folder):
    signer = Signer.development(folder)
    assert "development" in signer.subject
    assert "not trusted" in signer.subject.lower()
    assert signer.is_development


def test_it_is_made_once_and_kept(folder):
    assert Signer.development(folder).fingerprint == Signer.development(folder).fingerprint


def test_only_its_owner_reads_the_key(folder):
    Signer.development(folder)
    assert stat.S_IMODE((folder / "private_key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_chain_is_one_that_openssl_verifies(folder, tmp_path):
    Signer.development(folder)
    certificates = (folder / "certificates.pem").read_bytes()
    intermediate = tmp_path / "intermediate.pem"
    intermediate.write_bytes(b"-----BEGIN" + certificates.split(b"-----BEGIN")[2])
    command = ["openssl", "verify", "-x509_strict", "-purpose", "smimesign", "-CAfile", folder / "root.pem"]
    done = subprocess.run(
        [*command, "-untrusted", intermediate, folder / "certificates.pem"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_processes_that_start_together_agree_on_one_identity(folder):
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        assert len(set(pool.map(_fingerprint, [folder] * 6))) == 1
    assert [path.name for path in folder.parent.iterdir()] == ["identity"]


def _fingerprint(folder):
    return Signer.development(folder).fingerprint


def test_half_an_identity_is_named_with_the_next_step(folder):
    Signer.development(folder)
    (folder / "private_key.pem").unlink()
    with pytest.raises(IdentityError, match="remove the folder"):
        Signer.development(folder)


def test_a_folder_that_cannot_be_made_is_named(unwritable):
    with pytest.raises(IdentityError, match="cannot make"):
        development.create(unwritable / "a" / "identity")


def test_a_key_in_an_older_form_is_taken(folder):
    Signer.development(folder)
    key = serialization.load_pem_private_key((folder / "private_key.pem").read_bytes(), None)
    old = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    signer = Signer.from_pem((folder / "certificates.pem").read_bytes(), old)
    assert signer.private_key.startswith(b"-----BEGIN PRIVATE KEY-----")
    assert signer.algorithm == "es256"


def refusals(folder):
    Signer.development(folder)
    certificates, key = (folder / "certificates.pem").read_bytes(), (folder / "private_key.pem").read_bytes()
    loaded = serialization.load_pem_private_key(key, None)
    secret = serialization.BestAvailableEncryption(b"secret")
    pkcs8 = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(*pkcs8, serialization.NoEncryption())
    leaf, intermediate = x509.load_pem_x509_certificates(certificates)
    swapped = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (intermediate, leaf))
    return {
        "does not belong": [(certificates, other), (swapped, key)],
        "is encrypted": [(certificates, loaded.private_bytes(*pkcs8, secret))],
        "cannot read the signing certificates": [(b"nonsense", key)],
        "cannot read the signing key": [(certificates, b"nonsense")],
    }


def test_an_unfit_key_or_chain_is_refused_with_its_reason(folder):
    for reason, pairs in refusals(folder).items():
        for certificates, key in pairs:
            with pytest.raises(IdentityError, match=reason):
                Signer.from_pem(certificates, key)


def test_an_expired_certificate_is_refused_with_its_date(folder, monkeypatch):
    from datetime import timedelta

    monkeypatch.setattr(development_chain, "_LIFETIME", timedelta(hours=-0.5))
    files = development_chain.chain()
    certificates, key = files["certificates.pem"], files["private_key.pem"]
    with pytest.raises(IdentityError, match=r"expired on \d{4}-\d\d-\d\d"):
        Signer.from_pem(certificates, key)


def test_a_kind_of_key_that_c2pa_does_not_know_is_refused_by_name():
    from disclose.signing.signatures import algorithm_of

    assert algorithm_of(ed25519.Ed25519PrivateKey.generate().public_key()) == "ed25519"
    with pytest.raises(IdentityError, match=r"secp256k1.*P-256"):
        algorithm_of(ec.generate_private_key(ec.SECP256K1()).public_key())


def test_a_trust_list_without_certificates_is_refused(tmp_path):
    (tmp_path / "anchors.pem").write_text("nothing")
    with pytest.raises(IdentityError, match="trust anchors"):
        TrustList.from_file(tmp_path / "anchors.pem")
