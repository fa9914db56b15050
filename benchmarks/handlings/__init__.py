"""What happens to pictures out in the world: each function returns a handling of a Pillow picture.

A handling takes the picture and a random generator. Randomness is seeded from the picture itself, so the same picture
is always handled the same way, and no two pictures are.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy
from PIL import Image

Generator = numpy.random.Generator
Handling = Callable[[Image.Image, Generator], Image.Image]
Attack = Callable[[numpy.ndarray], numpy.ndarray]

SMALLEST = 32  # pixels; nothing is cropped or scaled below it


def attack(handling: Handling) -> Attack:
    """Return *handling* as a function of uint8 RGB pixels to uint8 RGB pixels."""

    def attacked(pixels: numpy.ndarray) -> numpy.ndarray:
        seed = zlib.crc32(numpy.ascontiguousarray(pixels).data)
        done = handling(Image.fromarray(pixels), numpy.random.default_rng(seed))
        return numpy.array(done.convert("RGB"))

    return attacked


def then(*steps: Handling) -> Handling:
    """Return one handling that takes *steps* in turn."""

    def chain(picture: Image.Image, random: Generator) -> Image.Image:
        for step in steps:
            picture = step(picture, random)
        return picture

    return chain


def plain(change: Callable[[Image.Image], Image.Image]) -> Handling:
    """Return *change* as a handling that has no use for randomness."""
    return lambda picture, random: change(picture)


def picture_of(values: numpy.ndarray) -> Image.Image:
    """Return *values*, rounded and clipped, as a picture."""
    return Image.fromarray(numpy.clip(numpy.rint(values), 0, 255).astype(numpy.uint8))


def window_of(
    picture: Image.Image, share: float, across: float, down: float, aspect: float = 1.0
) -> tuple[int, int, int, int]:
    """Return the box of *share* of the area; *aspect* above 1 makes it wider than the picture's own shape."""
    side = math.sqrt(share)
    width = min(picture.width, max(SMALLEST, round(picture.width * side * math.sqrt(aspect))))
    height = min(picture.height, max(SMALLEST, round(picture.height * side / math.sqrt(aspect))))
    left, top = round(across * (picture.width - width)), round(down * (picture.height - height))
    return left, top, left + width, top + height
