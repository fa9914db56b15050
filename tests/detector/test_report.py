"""A signed report says what was found, and a change to it is seen."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    RectangleObject,
    TextStringObject,
)

from disclose.cli.verify_report import verify_report
from disclose.detector import report
from disclose.errors import UnreadableError
from disclose.profile import Profile


@pytest.fixture(scope="module")
def signed(detector, marked):
    answer = detector.post("/v1/verify?report=json", files={"file": ("a.jpg", marked)})
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture(scope="module")
def page(detector, marked):
    answer = detector.post("/v1/verify?report=pdf", files={"file": ("a.jpg", marked)})
    assert answer.headers["content-type"] == "application/pdf"
    return answer.content


def written(values):
    return json.dumps(values).encode()


def run(deployment, monkeypatch, *arguments):
    monkeypatch.setenv("DISCLOSE_HOME", str(deployment.folder))
    return CliRunner().invoke(verify_report, [str(one) for one in arguments])


def test_a_report_names_content_detector_time_and_verdict(signed, marked):
    said = signed["report"]
    assert said["content"]["bytes"] == len(marked)
    assert said["detector"]["address"] == "https://detector.example"
    assert said["examined"].endswith("Z")
    assert said["verdict"]["outcome"] == "disclosed"
    assert "a.jpg" not in json.dumps(said)


def test_a_report_is_intact_and_its_signer_known(signed, deployment):
    found = report.check(written(signed), deployment)
    assert (found.is_intact, found.is_own, found.fault) == (True, True, None)


def test_a_stranger_takes_it_for_intact_and_its_signer_for_unknown(signed, tmp_path):
    found = report.check(written(signed), Profile(folder=tmp_path))
    assert (found.is_intact, found.is_own, found.is_trusted) == (True, False, False)


def trusting(folder, *certificates):
    """Return a profile whose trust list holds *certificates* (PEM)."""
    folder.mkdir()
    (folder / "anchors.pem").write_bytes(b"".join(certificates))
    return Profile(folder=folder, trust_anchors=folder / "anchors.pem")


def test_a_deployment_that_trusts_the_signers_authority_trusts_the_report(signed, deployment, tmp_path):
    issuers = deployment.signer().issuers
    assert issuers.count(b"BEGIN CERTIFICATE") == 1
    found = report.check(written(signed), trusting(tmp_path / "trusting", issuers))
    assert (found.is_trusted, found.is_intact, found.is_own) == (True, True, False)


def test_a_deployment_that_trusts_another_authority_does_not_trust_the_report(signed, tmp_path):
    other = Profile(folder=tmp_path / "other").signer().issuers
    assert other.count(b"BEGIN CERTIFICATE") == 1
    found = report.check(written(signed), trusting(tmp_path / "trusting", other))
    assert (found.is_trusted, found.is_intact) == (False, True)


def test_a_signer_from_an_authority_that_is_no_authority_is_not_trusted(signed, deployment, tmp_path):
    """What a trusted leaf issued is no more than what a stranger issued (RFC 5280, 4.2.1.9)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "no authority")])
    now = datetime.now(UTC)

    def issued(is_authority):
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        made = made.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        return made.sign(key, hashes.SHA256())

    leaf = issued(False)
    for is_authority in (True, False):
        issuer = issued(is_authority)
        anchors = issuer.public_bytes(Encoding.PEM).decode()
        assert report._leads_to((leaf,), anchors, now) is is_authority


def test_a_report_signed_outside_the_validity_of_its_certificate_is_not_trusted(deployment, tmp_path):
    signer = deployment.signer()
    made = report.make({"evidence": []}, sha256="ab" * 32, size=1, address="https://detector.example", signer=signer)
    trusts = trusting(tmp_path / "trusting", signer.issuers)
    assert report.check(written(made), trusts).is_trusted
    old = {**made["report"], "examined": "2001-01-01T00:00:00Z"}
    backdated = {"report": old, "signature": report.signature.sign(report.canonical(old).encode(), signer)}
    found = report.check(written(backdated), trusts)
    assert (found.is_intact, found.is_trusted) == (True, False)


def test_any_change_is_seen(signed, deployment):
    for place, value in (
        ("examined", "2020-01-01T00:00:00Z"),
        ("verdict", {"outcome": "undetermined", "evidence": []}),
    ):
        changed = {**signed, "report": {**signed["report"], place: value}}
        assert not report.check(written(changed), deployment).is_intact


def test_a_signature_of_something_else_is_no_signature(signed, deployment):
    header, _, raw = signed["signature"].split(".")
    other = raw[:-4] + ("AAAA" if raw[-4:] != "AAAA" else "BBBB")
    assert not report.check(written({**signed, "signature": f"{header}..{other}"}), deployment).is_intact


@given(st.binary(max_size=200))
def test_other_files_are_no_reports(data):
    with pytest.raises(UnreadableError):
        report.check(data, Profile())


def test_the_page_of_a_report_holds_the_signed_report(page, deployment):
    assert len(PdfReader(io.BytesIO(page)).pages) == 1
    assert report.check(page, deployment).is_intact


def test_a_page_that_says_something_else_is_not_intact(signed, deployment):
    from disclose.detector.report_page import render

    forged = {**signed["report"], "verdict": {**signed["report"]["verdict"], "outcome": "undetermined"}}
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(render({**signed, "report": forged}))))
    for name in ("/Names", "/AF"):
        writer.root_object.pop(name, None)
    writer.add_attachment(report.ATTACHMENT, written(signed))
    out = io.BytesIO()
    writer.write(out)
    found = report.check(out.getvalue(), deployment)
    assert not found.is_intact
    assert "page" in found.fault


def test_a_report_that_says_a_thing_twice_is_none(signed, deployment):
    """Some readers take the first of two members, and others the last (RFC 8259, 4)."""
    text = json.dumps(signed)
    outer = '{"report": {"version": 1}, ' + text[1:]
    inner = text.replace('"examined":', '"examined": "2020-01-01T00:00:00Z", "examined":')
    assert json.loads(outer) == json.loads(inner) == signed
    for twice in (outer, inner):
        with pytest.raises(UnreadableError, match="twice"):
            report.check(twice.encode(), deployment)


def test_a_report_with_something_beside_what_was_signed_is_none(signed, deployment):
    with pytest.raises(UnreadableError, match="beside"):
        report.check(written({**signed, "verdict": "undetermined"}), deployment)


def overlaid(page, alter):
    """Return *page* as *alter* leaves it: what it does to the writer that holds it and to its first page."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(page)))
    alter(writer, writer.pages[0])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def picture_over(writer, page):
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer)
    canvas.drawImage(ImageReader(Image.new("RGB", (8, 8), "white")), 0, 0, 600, 800)
    canvas.save()
    page.merge_page(PdfReader(buffer).pages[0])


def box_over(writer, page):
    drawn = DecodedStreamObject()
    drawn.set_data(page.get_contents().get_data() + b" 1 g 0 0 600 800 re f")
    page.replace_contents(drawn)


def note_over(writer, page):
    from pypdf.annotations import FreeText

    writer.add_annotation(0, FreeText(text="Outcome: undetermined", rect=(0, 0, 500, 800)))


def other_glyphs(writer, page):
    fonts = page["/Resources"]["/Font"]
    fonts[next(iter(fonts))].get_object()[NameObject("/BaseFont")] = NameObject("/ZapfDingbats")


def moved_words(writer, page):
    drawn = DecodedStreamObject()
    drawn.set_data(page.get_contents().get_data().replace(b"1 0 0 1 0 3 Tm", b"1 0 0 1 900 3 Tm", 2))
    page.replace_contents(drawn)


def cropped(writer, page):
    page.cropbox.lower_left = (0, 700)


def turned(writer, page):
    page.rotate(180)


def another_page(writer, page):
    writer.add_blank_page()


def uncounted_page(writer, page):
    from pypdf.generic import NumberObject

    writer.add_blank_page()
    writer.root_object["/Pages"].get_object()[NameObject("/Count")] = NumberObject(1)


def cropped_from_above(writer, page):
    writer.root_object["/Pages"].get_object()[NameObject("/CropBox")] = RectangleObject((0, 700, 595, 841))


def scripted(writer, page):
    writer.root_object["/Names"].get_object()[NameObject("/JavaScript")] = DictionaryObject()


def opened_by_an_action(writer, page):
    action = {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject("https://elsewhere.example")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)


def full_of_itself(writer, page):
    """Ten names for each object, twenty objects deep: read as a tree, it has no end."""
    inner = writer._add_object(DictionaryObject())
    for _ in range(20):
        names = {NameObject(f"/N{number}"): inner for number in range(10)}
        inner = writer._add_object(DictionaryObject(names))
    page["/Resources"][NameObject("/Font")] = inner


@pytest.mark.parametrize(
    "alter",
    [
        picture_over,
        box_over,
        note_over,
        other_glyphs,
        moved_words,
        cropped,
        cropped_from_above,
        turned,
        another_page,
        uncounted_page,
        scripted,
        opened_by_an_action,
        full_of_itself,
    ],
)
def test_a_page_that_shows_something_else_is_not_intact_though_its_text_is_the_same(page, deployment, alter):
    altered = overlaid(page, alter)
    assert altered != overlaid(page, lambda writer, page: None)
    found = report.check(altered, deployment)
    assert not found.is_intact
    assert "page" in found.fault


def test_a_page_that_was_only_written_anew_is_intact(page, deployment):
    assert report.check(overlaid(page, lambda writer, page: writer.compress_identical_objects()), deployment).is_intact


def test_the_command_checks_report_and_content(signed, page, marked, deployment, tmp_path, monkeypatch):
    (tmp_path / "r.json").write_bytes(written(signed))
    (tmp_path / "r.pdf").write_bytes(page)
    (tmp_path / "a.jpg").write_bytes(marked)
    (tmp_path / "b.jpg").write_bytes(marked + b"x")
    for name in ("r.json", "r.pdf"):
        done = run(deployment, monkeypatch, tmp_path / name, "--content", tmp_path / "a.jpg")
        assert done.exit_code == 0, done.output
        assert "disclosed" in done.output
    assert run(deployment, monkeypatch, tmp_path / "r.json", "--content", tmp_path / "b.jpg").exit_code == 1
    assert run(deployment, monkeypatch, tmp_path / "a.jpg").exit_code == 3
    assert run(Profile(folder=tmp_path / "other"), monkeypatch, tmp_path / "r.json").exit_code == 2


def test_the_command_names_what_was_changed(signed, deployment, tmp_path, monkeypatch):
    changed = {**signed, "report": {**signed["report"], "examined": "2020-01-01T00:00:00Z"}}
    (tmp_path / "r.json").write_bytes(written(changed))
    done = run(deployment, monkeypatch, "--json", tmp_path / "r.json")
    assert done.exit_code == 1
    assert json.loads(done.output)["fault"] == "it was changed after it was signed"
