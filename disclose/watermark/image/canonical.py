"""The canonical plane: any picture as luma of one fixed area, where every decision is taken.

Working at a fixed area makes cost and mark independent of resolution: a thumbnail and its 40-megapixel
original have nearly the same plane.
"""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from disclose.errors import TooLargeError, UnsupportedError

CANONICAL_AREA = 512 * 512
MINIMUM_SIDE = 128  # pixels, to be marked
LEGIBLE_SIDE = 32  # pixels, below which nothing is left to read
MAXIMUM_PIXELS = 50_000_000
MAXIMUM_ASPECT = 8

Plane = NDArray[np.float32]
Pixels = NDArray[np.uint8]


def canonical_size(width: int, height: int) -> tuple[int, int]:
    """Return the (width, height) of the canonical plane of a picture of *width* by *height* pixels."""
    scale = sqrt(CANONICAL_AREA / (width * height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def checked(pixels: NDArray[Any]) -> Pixels:
    """Return *pixels* as they are if the engine can read them; raise an InputError otherwise."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise UnsupportedError(
            f"The image watermark takes uint8 pixels of shape (height, width, 3), not {pixels.dtype} "
            f"{pixels.shape}: convert the picture to 8-bit RGB first."
        )
    _check_size(pixels.shape[1], pixels.shape[0])
    return pixels


def _check_size(width: int, height: int) -> None:
    if height * width > MAXIMUM_PIXELS:
        raise TooLargeError(
            f"The picture has {height * width:,} pixels; the image watermark takes up to {MAXIMUM_PIXELS:,}: "
            "scale it down first."
        )


def check_markable(width: int, height: int) -> None:
    """Raise an InputError that names the reason if the engine does not mark pictures of *width* by *height*."""
    _check_size(width, height)
    if min(height, width) < MINIMUM_SIDE:
        raise UnsupportedError(
            f"The picture is {width} x {height} pixels; the image watermark needs at least {MINIMUM_SIDE} on the "
            "short side: mark a larger version, or label it by other means."
        )
    if max(height, width) > MAXIMUM_ASPECT * min(height, width):
        raise UnsupportedError(
            f"The picture is {width} x {height} pixels; the image watermark takes aspect ratios up to "
            f"{MAXIMUM_ASPECT}:1: mark it in parts."
        )


def canonical_plane(picture: Image.Image) -> Plane:
    """Return the luma (full-range BT.601, 0 to 255) of *picture* at canonical size, shape (height, width)."""
    luma = picture if picture.mode == "L" else picture.convert("L")
    size = canonical_size(*picture.size)
    factor = min(picture.width // size[0], picture.height // size[1])
    if factor >= 2:
        luma = luma.reduce(factor)
    if luma.size != size:
        box = (0.0, 0.0, picture.width / max(factor, 1), picture.height / max(factor, 1))
        luma = luma.resize(size, Image.Resampling.BICUBIC, box=box)
    return np.asarray(luma, dtype=np.float32)
