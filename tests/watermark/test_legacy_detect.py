import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photographs import photograph
from PIL import Image
from test_legacy_decode import fixture

from disclose.errors import ExtraMissingError, InputError
from disclose.watermark import legacy
from disclose.watermark.legacy import package
from disclose.watermark.legacy.significance import REPORT_AT, leanings, p_value


@pytest.mark.parametrize(
    ("name", "found", "reading"),
    [
        ("stable-diffusion-xl", "stable-diffusion-xl", "floats"),
        ("stable-diffusion-xl-swapped", "stable-diffusion-xl", "floats, red and blue swapped"),
        ("flux", "flux", "floats"),
        ("stable-diffusion-1", "stable-diffusion-1", "bytes"),
    ],
)
def test_what_a_pipeline_wrote_is_found_as_that_pipeline_writes_it(name, found, reading):
    detection = legacy.detect(fixture(name))
    assert (detection.message.name, detection.reading.value) == (found, reading)
    assert detection.p_value < 1e-12


def test_the_library_alone_would_miss_what_was_written_as_floats():
    (message,) = (message for message in legacy.PUBLISHED if message.name == "flux")
    right = (legacy.decode(fixture("flux"), 46) == (message.signs > 0)).sum()
    assert right < 30


def test_an_unmarked_picture_and_another_method_are_not_taken_for_a_mark():
    assert legacy.detect(fixture("unmarked")) is None
    assert legacy.detect(fixture("svd")) is None


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket", "china", "flower"])
def test_photographs_carry_nothing(name):
    pixels = photograph(name)
    for turned in (pixels, pixels[::-1], pixels[:, ::-1], 255 - pixels, pixels[..., ::-1]):
        assert legacy.detect(turned) is None


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (126, 126, 126), (30, 90, 200), (200, 90, 30)])
def test_a_flat_picture_carries_nothing(colour):
    assert legacy.detect(np.full((256, 300, 3), colour, np.uint8)) is None


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([8, 16, 32, 64, 128]), st.integers(0, 2**32 - 1))
def test_a_pattern_that_repeats_carries_nothing(side, seed):
    tile = np.random.default_rng(seed).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    assert legacy.detect(np.tile(tile.repeat(8, 0).repeat(8, 1), (384 // side, 384 // side, 1))) is None


def test_a_resize_ends_it():
    smaller = Image.fromarray(fixture("stable-diffusion-1")).resize((300, 300), Image.Resampling.BICUBIC)
    assert legacy.detect(np.asarray(smaller)) is None


def test_a_picture_too_small_to_have_been_marked_is_none():
    assert legacy.detect(fixture("flux")[:200]) is None


def test_the_top_of_a_large_picture_is_enough(monkeypatch):
    monkeypatch.setattr(sys.modules[legacy.detect.__module__], "MOST_PIXELS", 384 * 256)
    assert legacy.detect(fixture("stable-diffusion-1")) is not None


@pytest.mark.parametrize("side", [1, 4, 7, 8])
def test_a_picture_too_thin_for_every_bit_to_have_a_block_is_none(side):
    assert legacy.detect(np.zeros((side, 70_000, 3), np.uint8)) is None
    assert legacy.detect(np.zeros((70_000, side, 3), np.uint8)) is None


@given(st.integers(0, 2**32 - 1))
def test_a_message_that_fits_whole_is_as_unlikely_as_all_its_bits(seed):
    signs = np.sign(np.random.default_rng(seed).normal(size=48))
    assert np.isclose(p_value(signs, signs, trials=10), 10 * 2.0**-48, rtol=1e-3, atol=0)


def test_the_surest_of_several_messages_is_named_and_every_one_tried_is_paid_for():
    (exact,) = (message for message in legacy.PUBLISHED if message.name == "flux")
    flipped = "".join("10"[int(bit)] for bit in exact.bits[:3]) + exact.bits[3:]
    near = replace(exact, name="near", bits=flipped)
    assert legacy.detect(fixture("flux"), (near,)).message is near
    for messages in ((near, exact), (exact, near)):
        assert legacy.detect(fixture("flux"), messages).message is exact
    alone, among = (legacy.detect(fixture("flux"), tried).p_value for tried in ((exact,), legacy.PUBLISHED))
    assert np.isclose(among, alone * 10 / 2, rtol=1e-6, atol=0)


def test_the_p_value_bounds_how_often_a_random_message_fits_as_well():
    generator = np.random.default_rng(3)
    weights = leanings(generator.random(24) ** 3, 1)
    found = np.array([p_value(weights, np.sign(generator.normal(size=24))) for _ in range(20_000)])
    for level in (0.1, 0.01, 0.001):
        assert (found <= level).mean() <= level


def test_what_repeats_in_every_byte_counts_for_nothing():
    assert not leanings(np.tile(np.random.default_rng(4).random(8), 17), 8).any()


def test_messages_are_whole():
    for message in legacy.PUBLISHED:
        assert set(message.bits) <= {"0", "1"}
        assert len(message) % message.period == 0
        assert message.readings
    lengths = {message.name: len(message) for message in legacy.PUBLISHED}
    assert lengths == {
        "stable-diffusion-xl": 48,
        "flux": 46,
        "flux-48": 48,
        "stable-diffusion-1": 136,
        "stable-diffusion-2": 32,
        "invokeai": 64,
    }


def test_a_sure_message_is_at_or_below_the_stated_level():
    assert legacy.detect(fixture("flux")).p_value <= REPORT_AT


def test_writing_without_the_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "imwatermark", None)
    with pytest.raises(ExtraMissingError, match=r"pip install 'disclose-ai\[invisible-watermark\]'"):
        package.embed(fixture("unmarked"), [0, 1])
    with pytest.raises(ExtraMissingError, match=r"pip install 'disclose-ai\[invisible-watermark\]'"):
        package.decode_rivagan(fixture("unmarked"))


@pytest.mark.parametrize(
    ("side", "count", "method"), [(200, 48, "dwtDct"), (256, 48, "rivaGan"), (256, 0, "dwtDct"), (256, 48, "other")]
)
def test_what_cannot_be_written_is_refused_before_the_package_is_asked(side, count, method):
    with pytest.raises(InputError, match="cannot w"):
        package.embed(np.zeros((side, side, 3), np.uint8), [1] * count, method=method)
