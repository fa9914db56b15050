import numpy as np
import pytest
from photographs import PAYLOAD, photograph
from PIL import Image, ImageDraw

from disclose.errors import MarkingError, TooLargeError, UnsupportedError
from disclose.watermark import image


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


@pytest.mark.parametrize(("name", "side"), [("china", 1024), ("flower", 640), ("chelsea", 512)])
def test_a_marked_photograph_looks_the_same_and_reads(name, side):
    pixels = photograph(name, side)
    marked = image.embed(pixels, PAYLOAD)
    assert marked.shape == pixels.shape
    assert marked.dtype == np.uint8
    assert psnr(pixels, marked) > 40
    assert image.detect(marked).payload == PAYLOAD


def test_the_input_is_not_changed():
    pixels = photograph("astronaut").copy()
    before = pixels.copy()
    image.embed(pixels, PAYLOAD)
    assert np.array_equal(pixels, before)


def test_the_same_payload_gives_the_same_pixels():
    pixels = photograph("chelsea")
    assert np.array_equal(image.embed(pixels, 5), image.embed(pixels, 5))


@pytest.mark.parametrize("payload", [0, 1, 2**64 - 1])
def test_every_payload_of_64_bits_can_be_carried(payload):
    assert image.detect(image.embed(photograph("chelsea"), payload)).payload == payload


@pytest.mark.parametrize("payload", [-1, 2**64])
def test_a_payload_out_of_range_is_refused(payload):
    with pytest.raises(ValueError, match="64 bits"):
        image.embed(photograph("chelsea"), payload)


@pytest.mark.parametrize("shape", [(512, 700), (1600, 300), (128, 200), (3000, 2000)])
def test_shapes_from_thumbnail_to_large_carry_the_mark(shape):
    pixels = np.asarray(Image.fromarray(photograph("coffee")).resize(shape[::-1], Image.Resampling.BICUBIC))
    assert image.detect(image.embed(pixels, PAYLOAD)).payload == PAYLOAD


def test_a_picture_that_is_too_small_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="at least 128"):
        image.embed(np.zeros((127, 400, 3), np.uint8), PAYLOAD)


def test_a_picture_that_is_too_narrow_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="8:1"):
        image.embed(np.zeros((128, 1100, 3), np.uint8), PAYLOAD)


def test_a_picture_that_is_too_large_is_refused_by_name():
    with pytest.raises(TooLargeError, match="scale it down"):
        image.embed(np.broadcast_to(np.uint8(0), (10_000, 5_001, 3)), PAYLOAD)


@pytest.mark.parametrize("pixels", [np.zeros((200, 200), np.uint8), np.zeros((200, 200, 3), np.float32)])
def test_pixels_of_another_kind_are_refused_by_name(pixels):
    with pytest.raises(UnsupportedError, match="uint8"):
        image.embed(pixels, PAYLOAD)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_is_refused_by_name(level):
    with pytest.raises(MarkingError, match="blank"):
        image.embed(np.full((300, 300, 3), level, np.uint8), PAYLOAD)


def test_a_two_colour_icon_is_marked_or_refused_but_never_passed_unmarked():
    icon = Image.new("RGB", (160, 160), "white")
    ImageDraw.Draw(icon).ellipse((40, 40, 120, 120), fill="black")
    try:
        marked = image.embed(np.asarray(icon), PAYLOAD)
    except MarkingError:
        return
    assert image.detect(marked).payload == PAYLOAD
