"""What the page shows of a file is what its reader would see of it, and no more than was found."""

import io
import re
import struct
import zipfile
import zlib

import numpy
import pytest
from pictures import encoded, photograph
from PIL import Image

import disclose
from disclose.asset import Asset
from disclose.detector.display import shown
from disclose.detector.wording import catalogues
from disclose.evidence import Outcome, Verdict
from disclose.watermark import image


def article(detector, data, name="a file"):
    """Return what the page says of the one file *data*."""
    text = detector.post("/", files={"file": (name, data)}).text
    (found,) = re.findall(r"<article.*?</article>", text, re.DOTALL)
    return found


def sentence(found):
    return re.sub("<.*?>", "", re.search('<p class="sentence">(.*?)</p>', found)[1])


def too_large():
    """Return a PNG that says that it has 60 megapixels."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 10_000, 6_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


def archive():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as made:
        made.writestr("a.txt", "a text")
    return packed.getvalue()


def test_an_empty_file_is_said_to_be_empty(detector):
    found = article(detector, b"")
    assert found.startswith('<article class="unreadable"')
    assert "it is empty (0 bytes)" in found


def test_of_a_picture_that_is_too_large_to_look_at_it_is_not_said_that_no_mark_was_found(detector):
    answer = detector.post("/v1/verify", content=too_large(), headers={"Content-Type": "image/png"})
    assert answer.status_code == 422
    assert "megapixels" in answer.json()["error"]
    found = article(detector, too_large())
    assert sentence(found) == "This file could not be read."
    assert "megapixels" in found


def test_of_a_file_of_no_kind_that_is_looked_at_it_is_not_said_that_no_mark_was_found(detector):
    found = article(detector, archive())
    assert sentence(found).startswith("This detector does not look for marks in files of this kind.")
    assert "no layer here looks for marks in application/zip" in found


def test_every_language_has_a_sentence_for_what_is_not_looked_at(detector):
    said = {one("sentence.unexamined") for one in catalogues().values()}
    assert len(said) == len(catalogues())


def test_layers_that_fail_for_one_reason_are_told_of_once(detector, plain):
    found = article(detector, plain[:200])
    assert found.count("could not be examined") == 1
    assert "image watermark, legacy watermark" in found


def test_what_only_looks_like_an_issued_picture_is_not_said_to_carry_its_mark(detector, deployment):
    picture = encoded(photograph("rocket", width=320, height=240), "PNG")
    marked = disclose.mark(picture, deployment, system="Studio of rockets").data
    assert "What the mark says" in article(detector, marked)
    found = article(detector, picture)
    assert found.startswith('<article class="indicated"')
    assert "What the record of a similar picture says" in found
    assert "What the mark says" not in found


@pytest.fixture(scope="module")
def upright(deployment):
    """A marked picture that is turned by a quarter when it is shown (EXIF orientation 6)."""
    told = Image.Exif()
    told[0x0112] = 6
    picture = encoded(photograph("china", width=512, height=320), "JPEG", quality=92, exif=told)
    return disclose.mark(picture, deployment, system="Acme Studio")


def displayed(deployment, data):
    asset = Asset.from_data(data)
    return shown(deployment, asset, deployment.verifier().verify(asset))["picture"]


def test_a_picture_is_shown_as_viewers_turn_it(deployment, upright):
    import base64

    picture = displayed(deployment, upright.data)
    assert (picture["width"], picture["height"]) == (320, 512)
    copy = Image.open(io.BytesIO(base64.b64decode(picture["data"])))
    assert copy.size == (320, 512)
    expected = photograph("china", width=512, height=320).transpose(Image.Transpose.ROTATE_270).resize((32, 51))
    difference = numpy.asarray(copy.resize((32, 51)), float) - numpy.asarray(expected.convert("RGB"), float)
    assert abs(difference).mean() < 12


def corners(outline):
    points = numpy.array(outline)
    return [*points.min(axis=0), *points.max(axis=0)]


def test_the_outline_turns_with_the_picture(deployment, upright):
    assert corners(displayed(deployment, upright.data)["outline"]) == pytest.approx([0, 0, 320, 512], abs=6)


def test_the_outline_of_a_part_runs_along_what_is_shown(deployment, upright):
    whole = Image.open(io.BytesIO(upright.data)).convert("RGB")
    part = encoded(whole.crop((100, 60, 420, 280)), "PNG")
    assert corners(displayed(deployment, part)["outline"]) == pytest.approx([0, 0, 320, 220], abs=1)


def test_the_outline_within_a_screenshot_is_where_the_picture_lies(deployment, upright):
    whole = Image.open(io.BytesIO(upright.data)).convert("RGB")
    page = Image.new("RGB", (800, 600), (240, 240, 240))
    page.paste(whole, (200, 150))
    assert corners(displayed(deployment, encoded(page, "PNG"))["outline"]) == pytest.approx(
        [200, 150, 712, 470], abs=20
    )


def test_a_copied_mark_shows_no_place_of_a_marked_picture(deployment, upright):
    payload = upright.disclosure.id.leading(64).value
    other = numpy.asarray(photograph("coffee", width=512, height=384))
    forged = encoded(Image.fromarray(image.embed(other, payload)), "PNG")
    assert deployment.verifier().verify(Asset.from_data(forged)).outcome is Outcome.CONTESTED
    assert displayed(deployment, forged)["outline"] is None


def test_what_a_page_shows_is_made_of_every_kind_of_picture(deployment):
    for mode, name in (("CMYK", "JPEG"), ("I;16", "PNG"), ("P", "GIF"), ("LA", "PNG"), ("1", "TIFF")):
        picture = photograph(width=64, height=48)
        made = Image.fromarray(numpy.asarray(picture.convert("L")).astype("uint16") * 257) if mode == "I;16" else None
        data = encoded(made or picture.convert(mode), name)
        assert shown(deployment, Asset.from_data(data), Verdict.weigh([]))["picture"]["data"], mode
