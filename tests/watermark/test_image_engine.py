import numpy as np
from skimage import data

from disclose.watermark import image


def test_a_marked_picture_gives_its_payload_back() -> None:
    found = image.detect(image.embed(data.astronaut(), 0x1234))
    assert found is not None and found.payload == 0x1234


def test_an_unmarked_picture_gives_nothing() -> None:
    assert image.detect(data.astronaut()) is None


def test_the_input_is_not_changed() -> None:
    pixels = data.astronaut()
    before = pixels.copy()
    image.embed(pixels, 1)
    assert np.array_equal(pixels, before)
