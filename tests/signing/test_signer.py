import multiprocessing
import stat
import subprocess
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from certificates import MAKERS, chain
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

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
    monkeypatch.setattr(development_chain, "_LIFETIME", timedelta(hours=-0.5))
    files = development_chain.chain()
    certificates, key = files["certificates.pem"], files["private_key.pem"]
    with pytest.raises(IdentityError, match=r"expired on \d{4}-\d\d-\d\d"):
        Signer.from_pem(certificates, key)


def test_a_trust_list_without_certificates_is_refused(tmp_path):
    (tmp_path / "anchors.pem").write_text("nothing")
    with pytest.raises(IdentityError, match="trust anchors"):
        TrustList.from_path(tmp_path / "anchors.pem")


def test_a_key_with_a_password_is_taken_when_its_password_is_at_hand(tmp_path):
    identity = chain()
    certificates, private_key = identity.write(tmp_path)
    private_key.write_bytes(identity.leaf.key_pem(b"open sesame"))
    signer = Signer.from_files(certificates, private_key, password=lambda: b"open sesame")
    assert signer.private_key == identity.leaf.key_pem()
    with pytest.raises(IdentityError, match=r"is encrypted: hand over its password with Signer\.from_files"):
        Signer.from_files(certificates, private_key)
    with pytest.raises(IdentityError, match="password is wrong or empty") as caught:
        Signer.from_files(certificates, private_key, password=lambda: b"close sesame")
    assert "sesame" not in str(caught.value)


def test_a_password_is_not_asked_for_where_there_is_none(tmp_path):
    asked = []
    Signer.from_files(*chain().write(tmp_path), password=lambda: asked.append(1) or b"")
    assert asked == []


def test_a_signer_never_shows_its_key_nor_what_its_callback_holds():
    identity = chain()
    for signer in (
        Signer.from_pem(identity.certificates, identity.leaf.key_pem()),
        Signer.from_callback(identity.certificates, partial(bytes.join, b"token of the key service")),
    ):
        shown = repr(signer)
        assert "es256" in shown
        assert "PRIVATE" not in shown
        assert "token" not in shown


def test_a_callback_s_algorithm_comes_from_the_certificate():
    for algorithm in MAKERS:
        assert Signer.from_callback(chain(algorithm).certificates, bytes).algorithm == algorithm
    rsa = chain("ps256").certificates
    assert Signer.from_callback(rsa, bytes, "ps384").algorithm == "ps384"
    with pytest.raises(IdentityError, match="'es256' does not fit"):
        Signer.from_callback(rsa, bytes, "es256")


def test_a_certificate_that_is_not_valid_yet_is_refused_with_a_look_at_the_clock():
    identity = chain(starts=timedelta(hours=1))
    with pytest.raises(IdentityError, match=r"not valid before .* clock"):
        Signer.from_callback(identity.certificates, bytes)


def test_a_signer_has_a_key_or_a_callback_and_never_both_or_neither():
    identity = chain()
    given = {"certificates": identity.certificates, "algorithm": "es256"}
    for wrong in ({}, {"private_key": identity.leaf.key_pem(), "sign": bytes}):
        with pytest.raises(IdentityError, match="exactly one"):
            Signer(**given, **wrong)
    with pytest.raises(IdentityError, match="has to be a function"):
        Signer.from_callback(identity.certificates, b"no function")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://stamps.example/", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("stamps.example", "http:// or https://"),
        ("https://", "http:// or https://"),
        ("http://[::1", "cannot be read"),
        ("http://stamps.example:99999/", "cannot be read"),
        ("https://me:hunter2@stamps.example/", "holds a user name or password"),
    ],
)
def test_only_an_authority_on_the_web_is_asked_for_time_stamps(url, said):
    signer = Signer.from_callback(chain().certificates, bytes)
    with pytest.raises(IdentityError, match=said) as caught:
        signer.with_timestamps(url)
    assert "hunter2" not in str(caught.value)


def test_a_setting_of_the_signer_that_means_nothing_is_refused():
    signer = Signer.from_callback(chain().certificates, bytes)
    with pytest.raises(IdentityError, match="'fail' or 'unstamped'"):
        signer.with_timestamps("https://stamps.example/", outage="ignore")
    with pytest.raises(IdentityError, match="time limit"):
        replace(signer, time_limit=0)
    assert signer.with_timestamps("https://stamps.example/").with_timestamps(None).timestamp_url is None
