import time

import numpy
import pytest

from disclose.demo import painter
from disclose.demo.painter import paint

SMALL = (192, 128)


def test_the_same_prompt_gives_the_same_picture():
    assert paint("a lake", SMALL).tobytes() == paint("a lake", SMALL).tobytes()


def test_another_prompt_gives_another_picture():
    assert paint("a lake", SMALL).tobytes() != paint("a lake ", SMALL).tobytes()


@pytest.mark.parametrize("prompt", ["", "雨", "\ud800", "x" * 10_000])
@pytest.mark.parametrize("size", [(1, 1), (7, 300), SMALL])
def test_any_prompt_and_any_size_can_be_painted(prompt, size):
    assert (paint(prompt, size).size, paint(prompt, size).mode) == (size, "RGB")


@pytest.mark.parametrize("composition", painter._COMPOSITIONS)
@pytest.mark.parametrize("palette", painter._PALETTES)
def test_every_composition_is_colourful_in_every_palette(composition, palette):
    canvas = composition(numpy.random.Generator(numpy.random.PCG64(3)), palette, (128, 192))
    assert canvas.shape == (128, 192, 3)
    assert numpy.isfinite(canvas).all()
    assert canvas.clip(0, 1).std() > 0.05


def test_a_large_picture_is_painted_in_seconds():
    began = time.perf_counter()
    paint("northern lights", (1024, 1024))
    # Six tenths of a second where it was measured; the rest is for slow and busy machines.
    assert time.perf_counter() - began < 10
