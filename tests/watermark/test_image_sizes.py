"""Pictures of every size and kind carry the mark, or are refused with the reason."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from photographs import PAYLOAD, photograph
from PIL import Image, ImageDraw

from disclose.errors import MarkingError
from disclose.watermark import image

LANCZOS = Image.Resampling.LANCZOS


def panorama(width, height):
    """Return a strip of photographs side by side."""
    row = np.concatenate([photograph(name, 640) for name in ("china", "flower")], axis=1)
    return np.tile(row, (1, 2, 1))[:height, :width]


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "flower"])
def test_a_thumbnail_of_128_pixels_carries_the_mark(name):
    thumbnail = np.asarray(Image.fromarray(photograph(name)).resize((128, 128), LANCZOS))
    assert image.detect(image.embed(thumbnail, PAYLOAD)).payload == PAYLOAD


@pytest.mark.parametrize("lying", [True, False])
def test_a_panorama_of_8_to_1_carries_the_mark_through_jpeg_and_a_crop(lying):
    pixels = panorama(1600, 200)
    marked = image.embed(pixels if lying else pixels.transpose(1, 0, 2).copy(), PAYLOAD)
    assert image.detect(marked).payload == PAYLOAD
    assert image.detect(marked[:1100, :1100]).payload == PAYLOAD


def test_noise_alone_carries_the_mark():
    pixels = np.random.default_rng(7).integers(0, 256, (400, 500, 3), np.uint8)
    assert image.detect(image.embed(pixels, PAYLOAD)).payload == PAYLOAD


@pytest.mark.parametrize(("dark", "light"), [(0, 40), (60, 200), (215, 255), (0, 255)])
def test_a_smooth_gradient_carries_the_mark(dark, light):
    row = np.rint(np.linspace(dark, light, 640)).astype(np.uint8)
    pixels = np.repeat(np.tile(row, (480, 1))[..., None], 3, axis=2)
    assert image.detect(image.embed(pixels, PAYLOAD)).payload == PAYLOAD


def icon(side, ground, ink):
    picture = Image.new("RGB", (side, side), ground)
    draw = ImageDraw.Draw(picture)
    draw.ellipse((0.2 * side, 0.2 * side, 0.8 * side, 0.8 * side), fill=ink)
    draw.rectangle((0.45 * side, 0.3 * side, 0.55 * side, 0.7 * side), fill=ground)
    return np.asarray(picture)


@pytest.mark.parametrize("side", [128, 192, 512])
@pytest.mark.parametrize("colours", [("white", "black"), ("black", "white"), ("white", "red")])
def test_an_icon_of_two_colours_comes_back_readable_or_is_refused_by_name(side, colours):
    try:
        marked = image.embed(icon(side, *colours), PAYLOAD)
    except MarkingError as refusal:
        assert "two tones" in str(refusal) or "too little room" in str(refusal)  # noqa: PT017
    else:
        assert image.detect(marked).payload == PAYLOAD


@pytest.mark.parametrize(("pixels", "reason"), [(icon(512, "white", "black"), "two tones"), (None, "too little room")])
def test_a_mark_that_cannot_be_read_back_is_refused_with_the_reason(pixels, reason):
    pixels = photograph("chelsea") if pixels is None else pixels
    with pytest.raises(MarkingError, match=reason):
        image.embed(pixels, PAYLOAD, strength=0.05)


@pytest.mark.parametrize("level", [0, 3, 252, 255])
def test_a_picture_of_nearly_one_tone_is_refused_as_blank(level):
    pixels = np.full((256, 256, 3), level, np.uint8)
    pixels[::2, ::2] = min(level + 2, 255)
    with pytest.raises(MarkingError, match="blank"):
        image.embed(pixels, PAYLOAD)


LARGE = """
import numpy
from disclose.watermark import image


def memory(kind):
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(kind))


piece = numpy.load("piece.npy")
image.detect(image.embed(piece, 5))  # what is set up once does not count
pixels = numpy.tile(piece, (17, 19, 1))
assert 49e6 < pixels.size / 3 < 50e6
before = memory("VmRSS")
marked = image.embed(pixels, 5)
marking = memory("VmHWM")
assert image.detect(marked).payload == 5
plane = 4 * pixels.shape[0] * pixels.shape[1]
for peak in (marking, memory("VmHWM")):
    print((peak - before - marked.nbytes) / plane)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells the peak of memory in this way")
def test_50_megapixels_take_no_more_memory_than_three_planes_beside_input_and_output(tmp_path):
    np.save(tmp_path / "piece.npy", np.asarray(Image.fromarray(photograph("chelsea")).resize((480, 320), LANCZOS)))
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LARGE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    marking, reading = map(float, done.stdout.split())
    assert marking < 3
    assert reading < 3
