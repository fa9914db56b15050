"""The decoders give what invisible-watermark gave for these very pictures (tests/fixtures/legacy/make.py)."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from disclose.errors import InputError
from disclose.watermark import legacy
from disclose.watermark.legacy import dwt_dct_svd
from disclose.watermark.legacy.chroma import chroma
from disclose.watermark.legacy.haar import blocks, low_band

FOLDER = Path(__file__).parent.parent / "fixtures" / "legacy"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def fixture(name):
    return np.asarray(Image.open(FOLDER / f"{name}.png"))


def text(bits):
    return "".join(str(int(bit)) for bit in bits)


@pytest.mark.parametrize("method", legacy.METHODS)
@pytest.mark.parametrize("name", EXPECTED)
def test_every_bit_is_the_librarys_own(name, method):
    pixels = fixture(name)
    for length, bits in EXPECTED[name][method].items():
        assert text(legacy.decode(pixels, int(length), method=method)) == bits


def test_what_was_written_by_dwt_dct_svd_is_read_whole():
    (message,) = (message for message in legacy.PUBLISHED if message.name == "stable-diffusion-xl")
    assert text(legacy.decode(fixture("svd"), 48, method="dwtDctSvd")) == message.bits


def test_grey_pixels_have_no_chroma():
    grey = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert (chroma(grey) == 128).all()
    assert np.allclose(chroma(grey.astype(np.float32)), 0.5, atol=1e-4)


def test_the_low_band_is_half_the_sum_of_four_pixels():
    plane = np.random.default_rng(1).integers(0, 256, (8, 12)).astype(np.float64)
    sums = plane.reshape(4, 2, 6, 2).sum(axis=(1, 3))
    assert np.allclose(low_band(plane), sums / 2)


# Columns of U whose largest singular value is 900 = 25 · 36, were it not for rounding.
@pytest.mark.parametrize("columns", [(132, 111, 108, 96), (126, 123, 102, 96), (126, 123, 96, 102), (126,) * 4])
def test_a_block_on_the_border_between_two_bits_is_decided_as_rounding_decides(columns):
    band = low_band(np.tile(np.repeat(np.array(columns, float), 2), (8, 1)))
    exact = np.linalg.svd(dwt_dct_svd._cosines(blocks(band)))[1][:, 0]
    assert dwt_dct_svd.block_bits(band) == (exact % 36 > 18)


@pytest.mark.parametrize("spread", [1, 30, 300, 1e5])
def test_blocks_without_one_value_that_stands_out_are_decided_exactly(spread):
    band = np.random.default_rng(5).normal(0, spread, (128, 128))
    band[:8, :8] = np.tile(np.eye(4), (2, 2)) * 54
    exact = np.linalg.svd(dwt_dct_svd._cosines(blocks(band)))[1][:, 0]
    assert (dwt_dct_svd.block_bits(band) == (exact % 36 > 18)).all()


def test_the_largest_singular_value_is_within_its_stated_error():
    generator = np.random.default_rng(2)
    cut = np.concatenate([generator.normal(256, spread, (500, 4, 4)) for spread in (0.1, 10, 1000)])
    value, error = dwt_dct_svd._largest(cut)
    sure = np.isfinite(error)
    assert sure.mean() > 0.7
    true = np.linalg.svd(cut)[1][:, 0]
    assert (np.abs(value - true)[sure] <= error[sure] + 1e-6).all()


def test_blocks_are_shared_out_in_turn():
    bits = np.array([True, False, True, False, False])
    assert legacy.shares(bits, 2).tolist() == [2 / 3, 0]
    assert legacy.shares(bits, 7).tolist() == [1, 0, 1, 0, 0, 0, 0]


@pytest.mark.parametrize(
    ("pixels", "method"),
    [
        (np.zeros((200, 300, 3), np.uint8), "dwtDct"),
        (np.zeros((300, 300), np.uint8), "dwtDct"),
        (np.zeros((300, 300, 3)), "dwtDct"),
        (np.zeros((300, 300, 3), np.float32), "dwtDctSvd"),
        (np.zeros((300, 300, 3), np.uint8), "rivaGan"),
    ],
)
def test_what_cannot_be_decoded_is_refused(pixels, method):
    with pytest.raises(InputError, match="cannot decode"):
        legacy.decode(pixels, 48, method=method)
