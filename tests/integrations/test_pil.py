import io

import numpy
import pytest
from pictures import FORMATS, photograph, resaved
from PIL import Image, ImageDraw

import disclose
from disclose.errors import UnsupportedError
from disclose.evidence import Outcome
from disclose.integrations.pil import MarkedImage


@pytest.fixture
def picture(profile):
    return disclose.marked(profile, system="Studio")(lambda: photograph("coffee", 600, 400))()


def saved(picture, file_format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()


def bound(data, profile):
    return {item.layer for item in disclose.verify(data, profile).evidence if item.is_bound}


@pytest.mark.parametrize("media_type", FORMATS)
def test_every_format_is_saved_signed(media_type, picture, profile):
    name, options = FORMATS[media_type]
    assert {"c2pa", "image_watermark", "ledger"} <= bound(saved(picture, name, **options), profile)


DERIVED = {
    "resized": lambda picture: picture.resize((450, 300)),
    "converted": lambda picture: picture.convert("L"),
    "resized and converted": lambda picture: picture.resize((480, 320)).convert("RGBA"),
    "cropped": lambda picture: picture.crop((40, 30, 560, 380)),
    "rotated": lambda picture: picture.rotate(90, expand=True),
    "copied": lambda picture: picture.copy(),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
}


@pytest.mark.parametrize("how", DERIVED)
def test_a_derived_picture_stays_marked_and_saves_signed(how, picture, profile):
    derived = DERIVED[how](picture)
    assert isinstance(derived, MarkedImage)
    verdict = disclose.verify(saved(derived, "PNG"), profile)
    assert verdict.outcome is Outcome.DISCLOSED
    assert verdict.disclosure == picture.disclosure
    assert any(item.layer == "c2pa" and item.is_bound for item in verdict.evidence)


def test_a_thumbnail_in_place_saves_signed(picture, profile):
    picture.thumbnail((300, 300))
    data = saved(picture, "PNG")
    assert Image.open(io.BytesIO(data)).size == (300, 200)
    assert "c2pa" in bound(data, profile)


def test_what_is_painted_over_it_is_what_is_saved(picture, profile):
    picture.paste((255, 0, 0), (0, 0, 200, 100))
    data = saved(picture, "PNG")
    assert Image.open(io.BytesIO(data)).getpixel((10, 10)) == (255, 0, 0)
    assert "c2pa" in bound(data, profile)


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.putpixel((10, 10), (255, 0, 0)),
        lambda picture: ImageDraw.Draw(picture).rectangle((0, 0, 20, 20), (255, 0, 0)),
        lambda picture: picture.paste((255, 0, 0), (0, 0, 20, 20)),
    ],
    ids=["putpixel", "draw", "paste"],
)
def test_a_change_in_place_is_saved_and_does_not_reach_the_marked_asset(change, picture):
    asset = picture.to_asset()
    change(picture)
    assert Image.open(io.BytesIO(saved(picture, "PNG"))).getpixel((10, 10)) == (255, 0, 0)
    assert asset.content.image.getpixel((10, 10)) != (255, 0, 0)


def test_save_parameters_are_those_of_pillow(picture):
    exif = Image.Exif()
    exif[0x010E] = "described"
    small, large = saved(picture, "JPEG", quality=60), saved(picture, "JPEG", quality=95, exif=exif)
    assert len(small) < len(large)
    assert Image.open(io.BytesIO(large)).getexif()[0x010E] == "described"


def test_it_saves_to_a_path_whole_and_by_the_name_s_ending(picture, profile, tmp_path):
    picture.save(tmp_path / "made.webp")
    assert (tmp_path / "made.webp").read_bytes()[8:12] == b"WEBP"
    assert disclose.verify(tmp_path / "made.webp", profile).outcome is Outcome.DISCLOSED


def test_a_format_that_carries_no_manifest_is_refused_by_name(picture, tmp_path):
    with pytest.raises(UnsupportedError, match="BMP"):
        picture.save(tmp_path / "made.bmp")
    assert list(tmp_path.glob("*.bmp")) == []


def test_its_pixels_carry_the_watermark_through_other_encoders(picture, profile):
    stripped = resaved(saved(picture, "PNG"), quality=85)
    assert disclose.verify(stripped, profile).outcome is Outcome.DISCLOSED
    assert disclose.verify(numpy.asarray(picture), profile).outcome is Outcome.DISCLOSED


def test_saving_the_same_thing_twice_makes_one_record(picture, profile):
    saved(picture, "PNG")
    entries = len(profile.ledger())
    saved(picture, "PNG")
    assert len(profile.ledger()) == entries


def test_marking_a_marked_picture_gives_back_its_asset(picture, profile):
    asset = disclose.mark(picture, profile, system="Another")
    assert asset.disclosure == picture.disclosure


def test_a_notebook_gets_signed_bytes(picture, profile):
    assert "c2pa" in bound(picture._repr_png_(), profile)
