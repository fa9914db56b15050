import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from certificates import issued
from cryptography import x509
from signed_files import signed

from disclose.asset import Asset
from disclose.errors import IdentityError
from disclose.evidence import Trust
from disclose.layers.c2pa import C2paLayer
from disclose.signing import TrustList
from disclose.signing.trust import SIGNERS, TIMESTAMPS

A, B, TSA = (issued(name, is_authority=True) for name in ("first root", "second root", "stamping root"))


def names(pem):
    return [part for part in ("first root", "second root", "stamping root") if part in readable(pem)]


def readable(pem):
    return " ".join(one.subject.rfc4514_string() for one in x509.load_pem_x509_certificates(pem.encode()))


@pytest.fixture
def folder(tmp_path):
    found = tmp_path / "trust"
    (found / "tsa").mkdir(parents=True)
    (found / "first.pem").write_bytes(b"subject=first\n" + A.pem)
    (found / "second.crt").write_bytes(B.pem)
    (found / "tsa" / "stamping.pem").write_bytes(TSA.pem)
    (found / "README.txt").write_text("not a certificate")
    return found


def table(folder, text):
    path = folder / "trust.toml"
    path.write_text(text)
    return path


def test_an_empty_list_trusts_nobody():
    assert "anchors" not in TrustList().settings()
    assert TrustList().anchors == ""


def test_a_pem_file_holds_authorities_of_signers(folder):
    found = TrustList.from_path(folder / "first.pem")
    assert names(found.anchors) == ["first root"]
    assert found.timestamp_anchors == ""
    assert found.source == str(folder / "first.pem")


def test_what_stands_between_the_certificates_is_left_out(folder):
    assert "subject" not in TrustList.from_path(folder / "first.pem").anchors


def test_a_folder_keeps_those_of_time_stamps_apart(folder):
    found = TrustList.from_path(folder)
    assert names(found.anchors) == ["first root", "second root"]
    assert names(found.timestamp_anchors) == ["stamping root"]


@pytest.mark.parametrize("name", ["our-tsa.pem", "TSA.pem", "tsa_2026.crt", "acme.tsa.cer"])
def test_a_name_with_the_part_tsa_means_time_stamps(tmp_path, name):
    (tmp_path / name).write_bytes(TSA.pem)
    (tmp_path / "itsa.pem").write_bytes(A.pem)
    found = TrustList.from_path(tmp_path)
    assert (names(found.anchors), names(found.timestamp_anchors)) == (["first root"], ["stamping root"])


def test_a_table_names_files_beside_itself(folder):
    path = table(folder, '[signers]\nfiles = ["first.pem", "second.crt"]\n[timestamps]\nfiles = ["tsa/stamping.pem"]\n')
    found = TrustList.from_path(path)
    assert names(found.anchors) == ["first root", "second root"]
    assert names(found.timestamp_anchors) == ["stamping root"]
    assert found.dated is None


def test_the_official_list_carries_its_date(folder):
    shutil.copy(folder / "first.pem", folder / "C2PA-TRUST-LIST.pem")
    recent = datetime.now(UTC).date() - timedelta(days=30)
    found = TrustList.from_path(table(folder, f'[official]\nfile = "C2PA-TRUST-LIST.pem"\ndate = {recent}\n'))
    assert names(found.anchors) == ["first root"]
    assert found.dated == recent
    assert str(recent) in found.source


def test_a_list_more_than_a_year_old_is_used_with_a_warning(folder):
    path = table(folder, '[official]\nfile = "first.pem"\ndate = 2025-01-31\n')
    with pytest.warns(UserWarning, match=r"first\.pem is of 2025-01-31, more than a year old"):
        found = TrustList.from_path(path)
    assert found.dated == date(2025, 1, 31)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[signer]\nfiles = ["first.pem"]', r"'signer' is not one of its tables, \[signers\], \[timestamps\], \[off"),
        ('[signers]\nfile = ["first.pem"]', r"\[signers\] has no 'file', it has files"),
        ('[official]\nfile = "first.pem"\ndated = 2026-08-21', r"\[official\] has no 'dated', it has date, file"),
        ('[official]\nfile = "first.pem"', r"\[official\] needs file = .* date = YYYY-MM-DD"),
        ('[official]\nfile = "first.pem"\ndate = "2026-08-21"', r"without quotation marks"),
        ('[official]\nfile = "first.pem"\ndate = 2026-08-21T00:00:00', r"date = YYYY-MM-DD"),
        ('[signers]\nfiles = "first.pem"', r"\[signers\] files is to be a list"),
        ("signers = 3", r"'signers' is not one of its tables"),
        ("[signers]\nfiles = []", r"it names no file"),
        ("", r"it names no file"),
        ("[signers", r"trust\.toml: "),
        ('[signers]\nfiles = ["missing.pem"]', r"missing\.pem: No such file"),
        ('[signers]\nfiles = ["README.txt"]', r"README\.txt: .*expected PEM certificates"),
    ],
)
def test_a_table_that_says_something_else_is_refused_by_name(folder, text, said):
    with pytest.raises(IdentityError, match=said):
        TrustList.from_path(table(folder, text))


def test_a_table_that_is_no_text_is_refused(folder):
    (folder / "trust.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(IdentityError, match=r"trust\.toml"):
        TrustList.from_path(folder / "trust.toml")


@pytest.mark.parametrize(
    "rubbish", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_without_certificates_is_named(tmp_path, rubbish):
    (tmp_path / "anchors.pem").write_bytes(rubbish)
    with pytest.raises(IdentityError, match=r"trust anchors from .*anchors\.pem"):
        TrustList.from_path(tmp_path / "anchors.pem")


def test_a_private_key_in_the_place_of_an_anchor_is_refused_and_not_shown(tmp_path):
    (tmp_path / "anchors.pem").write_bytes(A.key_pem())
    with pytest.raises(IdentityError, match=r"anchors\.pem") as refused:
        TrustList.from_path(tmp_path / "anchors.pem")
    assert A.key_pem().decode().splitlines()[1] not in str(refused.value)


def test_an_empty_folder_and_a_missing_file_are_named(tmp_path):
    with pytest.raises(IdentityError, match="there is no"):
        TrustList.from_path(tmp_path)
    with pytest.raises(IdentityError, match=r"gone\.pem"):
        TrustList.from_path(tmp_path / "gone.pem")


def test_signers_come_first_in_what_the_engine_is_told(folder):
    listed = TrustList.from_path(folder).settings()["anchors"]
    assert [(one["trust_uri"], one["trust_kind"]) for one in listed] == [(SIGNERS, "manifest"), (TIMESTAMPS, "tsa")]


def test_an_authority_in_both_lists_is_told_once_as_one_of_signers():
    both = TrustList(anchors=A.pem.decode() + B.pem.decode(), timestamp_anchors=TSA.pem.decode() + B.pem.decode())
    signing, stamping = both.settings()["anchors"]
    assert names(signing["trust_anchors"]) == ["first root", "second root"]
    assert names(stamping["trust_anchors"]) == ["stamping root"]
    only = TrustList(anchors=A.pem.decode(), timestamp_anchors=A.pem.decode())
    assert [one["trust_uri"] for one in only.settings()["anchors"]] == [SIGNERS]


def read_with(trust, data):
    layer = C2paLayer(signer=lambda: pytest.fail("reading asks for no signer"), trust=lambda: trust)
    return next(iter(layer.detect(Asset.open(data))))


def test_a_layer_trusts_whom_the_list_names_for_signers_and_nobody_else(folder):
    ours, theirs = signed(issued("signer", by=A)), signed(issued("signer", by=TSA))
    trust = TrustList.from_path(folder)
    assert read_with(trust, ours).trust is Trust.TRUSTED
    assert read_with(trust, theirs).trust is Trust.UNTRUSTED
    assert read_with(TrustList(), ours).trust is Trust.UNTRUSTED
