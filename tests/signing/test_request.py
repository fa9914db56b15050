import os
import stat
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from disclose.errors import IdentityError
from disclose.signing.request import Request
from disclose.signing.signatures import ALGORITHMS, algorithms_of
from disclose.signing.signer import load_private_key

ACME = {"organisation": "Acme GmbH", "common_name": "Acme Studio"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_request_is_one_that_openssl_verifies_and_belongs_to_the_new_key(algorithm, tmp_path):
    key_path, request_path = Request(**ACME, country="de", algorithm=algorithm).write(tmp_path / "new")
    done = subprocess.run(
        ["openssl", "req", "-verify", "-noout", "-in", request_path], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    request = x509.load_pem_x509_csr(request_path.read_bytes())
    key = load_private_key(key_path.read_bytes())
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert request.public_key().public_bytes(*spki) == key.public_key().public_bytes(*spki)
    assert algorithm in algorithms_of(key.public_key())
    assert key_path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")


def test_it_names_country_organisation_and_product_and_what_the_key_is_for(tmp_path):
    _, path = Request(**ACME, country="de").write(tmp_path)
    request = x509.load_pem_x509_csr(path.read_bytes())
    kinds = (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    assert [request.subject.get_attributes_for_oid(kind)[0].value for kind in kinds] == ["DE", *ACME.values()]
    usages = request.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string for one in usages] == ["1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4"]
    assert request.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature


def test_only_its_owner_reads_the_new_key(tmp_path):
    mask = os.umask(0)
    try:
        key_path, _ = Request(**ACME).write(tmp_path)
    finally:
        os.umask(mask)
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["private_key.pem", "request.csr"])
def test_what_is_there_already_stays_and_nothing_is_left_beside_it(name, tmp_path):
    (tmp_path / name).write_text("mine")
    with pytest.raises(IdentityError, match=f"{name} is there already"):
        Request(**ACME).write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named(unwritable):
    with pytest.raises(IdentityError, match="cannot write a key"):
        Request(**ACME).write(unwritable / "a")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"organisation": " "}, "needs an organisation"),
        ({"country": "Germany"}, "two letters"),
        ({"algorithm": "rs256"}, "es256"),
        ({"common_name": "x" * 65}, "cannot hold that name"),
    ],
)
def test_a_request_that_no_authority_would_take_is_refused(change, reason, tmp_path):
    with pytest.raises(IdentityError, match=reason):
        Request(**ACME | change).write(tmp_path)
