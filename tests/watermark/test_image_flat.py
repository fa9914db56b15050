"""Flat pictures of two tones: an icon, a page, a shape of one colour on another."""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from disclose.errors import MarkingError
from disclose.watermark import image
from disclose.watermark.image.code import SYMBOLS, encode
from disclose.watermark.image.self_check import CHECK_QUALITY
from disclose.watermark.image.tile import tile_of

PAYLOAD = 0xC0FFEE1234567890
COLOURS = [
    ("white", "black"),
    ("black", "white"),
    ("black", (255, 127, 14)),
    ((250, 250, 250), (225, 232, 245)),
    ((30, 60, 120), (240, 220, 60)),
]


def disc(draw, side, ink):
    draw.ellipse((0.15 * side, 0.45 * side, 0.45 * side, 0.75 * side), fill=ink)


def box(draw, side, ink):
    draw.rectangle((0.1 * side, 0.1 * side, 0.5 * side, 0.4 * side), fill=ink)


def letters(draw, side, ink):
    draw.text((side / 2, side / 2), "OK", fill=ink, font_size=0.45 * side, anchor="mm")


def stripes(draw, side, ink):
    for start in (1, 3, 5):
        draw.rectangle((start * side / 7, 0, (start + 1) * side / 7, side), fill=ink)


def chart(draw, side, ink):
    for place, height in enumerate((0.2, 0.5, 0.35, 0.6)):
        left = (0.15 + 0.18 * place) * side
        draw.rectangle((left, (0.85 - height) * side, left + 0.12 * side, 0.85 * side), outline=ink, width=3)
    draw.text((side / 2, 0.06 * side), "Sales per year", fill=ink, font_size=0.05 * side, anchor="mm")


SHAPES = (disc, box, letters, stripes, chart)


def flat(shape, side, ground, ink):
    picture = Image.new("RGB", (side, side), ground)
    shape(ImageDraw.Draw(picture), side, ink)
    return np.asarray(picture)


def psnr(one, other):
    return 10 * np.log10(255**2 / np.mean((one.astype(float) - other) ** 2))


def behind_jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("side", [256, 384, 500])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_of_one_colour_on_another_is_marked_at_every_size(shape, side):
    for payload, colours in enumerate(COLOURS[1:4], PAYLOAD):
        pixels = flat(shape, side, *colours)
        marked = image.embed(pixels, payload)
        assert image.detect(marked, effort="fast").payload == payload, colours
        assert psnr(pixels, marked) > 37, colours


@pytest.mark.parametrize("colours", [*COLOURS, ("red", "lime"), ("black", "magenta")])
def test_what_is_let_go_is_read_behind_the_jpeg_of_the_self_check_as_any_detector_reads_it(colours):
    for shape in SHAPES:
        grey = Image.fromarray(image.embed(flat(shape, 320, *colours), PAYLOAD)).convert("L")
        file = io.BytesIO()
        grey.save(file, "JPEG", quality=CHECK_QUALITY)
        found = image.detect(np.asarray(Image.open(file).convert("RGB")), effort="fast")
        assert found.payload == PAYLOAD, shape.__name__


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flat_picture_is_read_at_half_its_size(shape):
    marked = image.embed(flat(shape, 384, "black", "white"), PAYLOAD)
    half = Image.fromarray(marked).resize((192, 192), Image.Resampling.BICUBIC)
    assert image.detect(np.asarray(half), effort="fast").payload == PAYLOAD


def test_only_pure_colours_are_saturated():
    for ground, ink in (("white", "black"), ("gray", "white"), ((200, 120, 90), (20, 60, 100))):
        assert not image.is_saturated(Image.fromarray(flat(box, 200, ground, ink)))
    for ground in ("red", "cyan", (255, 200, 60), (0, 60, 120)):
        assert image.is_saturated(Image.fromarray(flat(box, 200, ground, "white")))
    assert not image.is_saturated(Image.new("L", (200, 200), 128))


def test_a_flat_picture_that_the_common_mark_is_lost_in_is_marked_all_the_same():
    pixels = flat(letters, 320, "black", "white")
    at_first = image.embed(pixels, PAYLOAD, verify=False)
    found = image.detect(behind_jpeg(at_first, 60), effort="fast")
    assert found is None
    marked = image.embed(pixels, PAYLOAD)
    assert psnr(pixels, marked) < psnr(pixels, at_first)
    assert image.detect(behind_jpeg(marked, 75), effort="fast").payload == PAYLOAD


def test_residuals_grow_louder_and_no_louder_than_37_decibels():
    luma = Image.fromarray(flat(box, 320, "black", "red")).convert("L")
    added = [np.asarray(one).astype(int) - 128 for one in image.residuals(image.Host(luma), PAYLOAD)]
    marked = [np.clip(np.asarray(luma) + one, 0, 255) for one in added]
    assert len(marked) > 1
    assert min(psnr(np.asarray(luma), one) for one in marked) > 36.8


def test_a_flat_picture_that_cannot_be_read_back_is_refused_with_the_reason():
    for shape in SHAPES:
        with pytest.raises(MarkingError, match="37 dB: it has hardly more than two tones"):
            image.embed(flat(shape, 384, "white", "black"), PAYLOAD, strength=0.05)


@settings(max_examples=50, deadline=None)
@given(payload=st.integers(0, 2**64 - 1), key=st.binary(min_size=1, max_size=8))
def test_balanced_symbols_correlate_alike_whatever_the_payload(payload, key):
    tile = tile_of(key)
    symbols = encode(payload, key)
    mark = tile.balanced_spectrum(symbols)
    alone = [
        symbol.sign * tile.phasors[1 + 8 * index + symbol.pattern] * tile.turned(symbol.shift) * tile.amplitudes
        for index, symbol in enumerate(symbols)
    ]
    heard = np.array([np.vdot(one, mark).real for one in alone])
    assert len(heard) == SYMBOLS
    assert np.allclose(heard, heard.mean(), rtol=1e-3)
    assert np.isclose(np.sum(np.abs(mark) ** 2) / 2, 1, rtol=1e-4)
