from io import BytesIO

import numpy as np
import pytest
from photographs import PAYLOAD, photograph
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from disclose.watermark import image


def recoded(picture, form, quality):
    buffer = BytesIO()
    picture.save(buffer, form, quality=quality)
    return Image.open(buffer).convert("RGB")


def resized(picture, factor):
    size = (round(picture.width * factor), round(picture.height * factor))
    return picture.resize(size, Image.Resampling.BICUBIC)


def noisy(picture, deviation):
    pixels = np.asarray(picture) + np.random.default_rng(3).normal(0, deviation, (picture.height, picture.width, 3))
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


HANDLING = {
    "jpeg 90": lambda p: recoded(p, "JPEG", 90),
    "jpeg 30": lambda p: recoded(p, "JPEG", 30),
    "webp 50": lambda p: recoded(p, "WEBP", 50),
    "a third of the size": lambda p: resized(p, 0.33),
    "half as large again": lambda p: resized(p, 1.5),
    "blur 2": lambda p: p.filter(ImageFilter.GaussianBlur(2)),
    "noise 20": lambda p: noisy(p, 20),
    "median 5": lambda p: p.filter(ImageFilter.MedianFilter(5)),
    "grey": lambda p: p.convert("L").convert("RGB"),
    "contrast": lambda p: ImageEnhance.Contrast(p).enhance(1.4),
    "thumbnail": lambda p: resized(p, 0.25),
    "half a turn": lambda p: p.rotate(180),
    "mirror image": ImageOps.mirror,
    "negative": ImageOps.invert,
}


@pytest.mark.parametrize("handling", HANDLING)
def test_the_mark_survives_without_a_search(marked, handling):
    found = image.detect(np.asarray(HANDLING[handling](marked)), effort="fast")
    assert found.payload == PAYLOAD
    assert found.p_value <= 1e-6


def screenshot(picture):
    width, height = picture.size
    cut = picture.crop((int(0.12 * width), int(0.05 * height), int(0.9 * width), int(0.88 * height)))
    return recoded(resized(cut, 0.8), "JPEG", 80)


SEARCHED = {
    "three quarters": lambda p: p.crop((60, 40, 980, 610)),
    "a quarter": lambda p: p.crop((200, 100, 712, 441)),
    "screenshot": screenshot,
    "turned by 3": lambda p: p.rotate(3, Image.Resampling.BICUBIC),
    "turned by 77": lambda p: p.rotate(77, Image.Resampling.BICUBIC, expand=True),
    "mirrored and turned": lambda p: ImageOps.mirror(p).rotate(-25, Image.Resampling.BICUBIC),
    "turned, cropped, halved": lambda p: resized(
        p.rotate(15, Image.Resampling.BICUBIC).crop((150, 100, 850, 550)), 0.6
    ),
    "negative, cropped": lambda p: ImageOps.invert(p).crop((100, 100, 900, 600)),
}


@pytest.mark.parametrize("handling", SEARCHED)
def test_the_search_finds_the_mark(marked, handling):
    pixels = np.asarray(SEARCHED[handling](marked))
    assert image.detect(pixels, effort="fast") is None or handling == "turned by 3"
    found = image.detect(pixels)
    assert found.payload == PAYLOAD
    assert found.p_value <= 1e-6
    assert found.geometry.inverted == handling.startswith("negative")


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "china", "flower"])
def test_an_unmarked_picture_gives_nothing(name):
    assert image.detect(photograph(name)) is None


def test_noise_and_flat_colour_give_nothing():
    assert image.detect(np.random.default_rng(4).integers(0, 256, (300, 400, 3), np.uint8)) is None
    assert image.detect(np.full((300, 400, 3), 200, np.uint8)) is None


@pytest.mark.parametrize("shape", [(1, 1, 3), (20, 900, 3), (40, 2000, 3)])
def test_a_scrap_gives_nothing(shape):
    assert image.detect(np.zeros(shape, np.uint8)) is None


def test_another_key_gives_nothing(small):
    assert image.detect(np.asarray(small), key=b"somebody else") is None


def test_a_private_key_reads_its_own_mark_and_the_public_key_does_not():
    pixels = image.embed(photograph("chelsea"), PAYLOAD, key=b"private")
    assert image.detect(pixels, key=b"private").payload == PAYLOAD
    assert image.detect(pixels) is None


@pytest.mark.parametrize("quality", [30, 20, 15, 10, 5])
def test_a_fading_mark_is_read_right_or_not_at_all(small, quality):
    found = image.detect(np.asarray(recoded(small, "JPEG", quality)))
    assert found is None or found.payload == PAYLOAD


def test_a_detection_names_the_version_of_its_layout(small):
    assert image.detect(np.asarray(small)).version == 1
