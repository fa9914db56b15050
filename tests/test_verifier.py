import io
import struct
import zlib

import numpy
import pytest
from pictures import encoded, photograph, resaved
from PIL import Image

import disclose
from disclose.asset import Asset
from disclose.errors import UnreadableError
from disclose.evidence import Basis, Evidence, Outcome
from disclose.layer import Plane
from disclose.media import containers
from disclose.verifier import Verifier


@pytest.fixture
def marked(profile):
    return disclose.mark(encoded(photograph("coffee", 600, 400), "JPEG", quality=92), profile, system="Studio")


def layers_of(verdict):
    return {item.layer for item in verdict.evidence}


def test_a_marked_file_is_disclosed_by_every_layer(marked, profile):
    verdict = disclose.verify(marked.data, profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert layers_of(verdict) == {"image_watermark", "iptc", "c2pa", "fingerprint", "ledger"}
    assert verdict.disclosure == marked.disclosure


def test_a_file_without_its_metadata_still_leads_to_the_record(marked, profile):
    verdict = disclose.verify(resaved(marked.data, quality=85), profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert layers_of(verdict) == {"image_watermark", "fingerprint", "ledger"}
    assert verdict.disclosure == marked.disclosure


def test_a_screenshot_still_leads_to_the_record(marked, profile):
    picture = marked.content.image.resize((480, 320)).crop((30, 20, 450, 300))
    verdict = disclose.verify(encoded(picture, "JPEG", quality=80), profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure == marked.disclosure


def test_an_edit_after_signing_is_contested(marked, profile):
    data = bytearray(marked.data)
    data[len(data) // 2] ^= 0x40
    assert disclose.verify(bytes(data), profile).outcome is Outcome.CONTESTED


def test_a_manifest_carried_over_to_another_picture_is_contested(marked, profile):
    other = encoded(photograph("astronaut", 600, 400), "JPEG", quality=92)
    manifest = [block for block in containers.jpeg.segments(marked.data) if block.kind == b"\xeb"]
    verdict = disclose.verify(containers.splice(other, "image/jpeg", blocks=tuple(manifest)), profile)
    assert verdict.outcome is Outcome.CONTESTED


def test_an_unmarked_photograph_is_undetermined(profile):
    verdict = disclose.verify(photograph(), profile)
    assert (verdict.outcome, verdict.evidence) == (Outcome.UNDETERMINED, ())


class Crashing:
    name, plane, media = "crashing", Plane.CONTENT, ("image/*",)

    def mark(self, asset, disclosure):
        return asset

    def detect(self, asset):
        raise ZeroDivisionError("oops")


class Finding(Crashing):
    name = "finding"

    def detect(self, asset):
        yield Evidence(layer=self.name, basis=Basis.METADATA, summary="something", generated=True)


@pytest.mark.filterwarnings("ignore")
def test_a_layer_that_crashes_is_named_and_silences_nobody():
    verdict = Verifier([Crashing(), Finding()]).verify(Asset.open(encoded(photograph())))
    assert verdict.outcome is Outcome.INDICATED
    assert any(item.layer == "crashing" and "oops" in item.summary for item in verdict.evidence)


def sixteen_bit_png():
    header = struct.pack(">IIBBBBB", 200, 200, 16, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress((b"\0" + bytes(1200)) * 200)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(containers.png_chunk(kind, body) for kind, body in chunks)


def bomb():
    header = containers.png_chunk(b"IHDR", struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + containers.png_chunk(b"IDAT", zlib.compress(b"\0" * 1000))


BAD = {
    "truncated": encoded(photograph())[:20_000],
    "one pixel": encoded(Image.new("RGB", (1, 1))),
    "a bomb": bomb(),
    "a sound without a head": b"\xff\xf3" + bytes(range(64)) * 8,
    "rubbish": bytes(range(256)) * 4,
    "only a signature": b"\x89PNG\r\n\x1a\n",
    "zeros": bytes(5000),
    "extremely oblong": encoded(Image.new("RGB", (3000, 2))),
}
ODD = {
    "animated": encoded(photograph(), "GIF", save_all=True, append_images=[photograph("coffee")]),
    "CMYK": encoded(photograph().convert("CMYK"), "JPEG"),
    "16 bits": sixteen_bit_png(),
    "16 bits grey": encoded(Image.fromarray(numpy.zeros((200, 200), numpy.uint16))),
    "palette": encoded(photograph().quantize(16)),
    "one bit": encoded(photograph().convert("1")),
    "alpha": encoded(photograph().convert("RGBA")),
    "grey": encoded(photograph().convert("L")),
}


@pytest.mark.parametrize("case", [*BAD, *ODD])
def test_bad_and_odd_pictures_get_a_verdict_and_never_a_crash(case, profile):
    verdict = disclose.verify({**BAD, **ODD}[case], profile)
    assert verdict.outcome is Outcome.UNDETERMINED
    if case in BAD:
        assert any("could not be examined" in item.summary or "no layer" in item.summary for item in verdict.evidence)
    else:
        assert not any("Error" in item.summary for item in verdict.evidence)


def test_of_what_no_layer_looks_into_the_verdict_does_not_say_that_no_mark_was_found(profile):
    unexamined = disclose.verify(bytes(range(256)) * 4, profile)
    assert unexamined.is_unexamined
    assert "not searched for marks here" in unexamined.explain()
    examined = disclose.verify(encoded(photograph()), profile)
    assert not examined.is_unexamined
    assert "No mark was found" in examined.explain()


def test_of_an_animation_the_verdict_says_that_only_its_first_picture_was_looked_at(profile):
    marked = Image.open(io.BytesIO(disclose.mark(encoded(photograph()), profile, system="Studio").data))
    later = encoded(photograph("coffee"), "WEBP", save_all=True, append_images=[marked], lossless=True)
    verdict = disclose.verify(later, profile)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert any("of the 2 pictures in the file, only the first" in item.summary for item in verdict.evidence)


def test_colours_that_cannot_be_shown_are_refused_by_name(profile):
    verdict = disclose.verify(encoded(Image.new("LAB", (200, 200)), "TIFF"), profile)
    assert verdict.outcome is Outcome.UNDETERMINED
    assert all("CIELAB; convert it to RGB" in item.summary for item in verdict.evidence if "could not" in item.summary)
    assert not any("ValueError" in item.summary for item in verdict.evidence)


@pytest.mark.parametrize("case", list(BAD))
def test_bad_pictures_are_not_marked_and_leave_no_record(case, profile):
    with pytest.raises(disclose.DiscloseError):
        disclose.mark(BAD[case], profile, system="Studio")
    assert len(profile.ledger()) == 0


@pytest.mark.parametrize("nothing", [b"", "missing.png", "."])
def test_there_is_no_verdict_on_nothing(nothing, profile):
    with pytest.raises(UnreadableError):
        disclose.verify(nothing, profile)


def test_a_broken_ledger_does_not_silence_the_signature(marked, profile):
    fresh = type(profile)(folder=profile.folder)
    fresh.ledger().path.write_bytes(b"this is no database" * 400)
    verdict = disclose.verify(marked.data, type(profile)(folder=profile.folder))
    assert any(item.layer == "c2pa" and item.is_bound for item in verdict.evidence)
