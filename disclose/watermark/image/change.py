"""The change: what marking adds to a picture, from a tile on the canonical plane to whole grey levels at full size."""

from __future__ import annotations

from math import inf, log10

import numpy as np
from PIL import Image, ImageChops

from disclose.watermark.image.canonical import Pixels, Plane
from disclose.watermark.image.tile import TILE

STRIP = 128  # rows that are added at a time
_RESOLUTION = 12  # steps of the resized change in a grey level
_LEVELS = [round((step - 128) / _RESOLUTION) + 128 for step in range(256)]  # from steps to whole grey levels
_SAMPLES = 64  # pixels on each side that are looked at for pure colours
_SATURATED_SHARE = 0.015  # of them, above which it matters
_MARGIN = 4  # grey levels that a change takes
_SQUARES = np.square(np.arange(256.0))


def repeated(tile: Plane, shape: tuple[int, ...]) -> Plane:
    """Return *tile* repeated from the top-left corner over a plane of *shape*."""
    rows, columns = -(-shape[0] // TILE), -(-shape[1] // TILE)
    return np.tile(tile, (rows, columns))[: shape[0], : shape[1]]


def enlarged(change: Plane, size: tuple[int, int]) -> Image.Image:
    """Return *change*, at canonical size in grey levels, at full *size* (width, height) in whole levels; uses it up.

    It is a Pillow image of mode L, 128 for no change.
    """
    change *= np.float32(_RESOLUTION)
    change += np.float32(128.5)
    small = Image.fromarray(np.clip(change, 0, 255, out=change).astype(np.uint8))
    # One axis after the other is what Pillow does as well, a quarter slower.
    wide = small.resize((size[0], small.height), Image.Resampling.BILINEAR)
    return wide.resize(size, Image.Resampling.BILINEAR).point(_LEVELS)


def added_to(pixels: Pixels, added: Pixels) -> Pixels:
    """Return *pixels* with *added*, broadcast against them and 128 for no change, cut off at black and white."""
    # In strips, which stay in the processor's cache and take no memory to speak of. Pillow could add as well, but
    # not in two threads at once.
    total: Pixels = np.empty(pixels.shape, np.uint8)
    for top in range(0, len(pixels), STRIP):
        change = np.subtract(added[top : top + STRIP], 128, dtype=np.int16)
        total[top : top + STRIP] = np.clip(pixels[top : top + STRIP] + change, 0, 255)
    return total


def is_saturated(picture: Image.Image) -> bool:
    """Whether *picture* has even areas of pure colour, where a channel is cut off although luma has room.

    In photographs pure colours are rare and never even; a mark has enough other places there.
    """
    here, beside = (_samples(picture, corner) for corner in (0, 1))
    low, high = here.min(axis=2), here.max(axis=2)
    pure = ((low < _MARGIN) & (high >= 2 * _MARGIN)) | ((high > 255 - _MARGIN) & (low <= 255 - 2 * _MARGIN))
    return float((pure & (here == beside).all(axis=2)).mean()) > _SATURATED_SHARE


def _samples(picture: Image.Image, corner: int) -> Pixels:
    """Return some pixels of *picture* as RGB, shape (n, n, 3); from *corner* 1, those to the lower right of them."""
    box = (corner, corner, picture.width - 1 + corner, picture.height - 1 + corner)
    return np.asarray(picture.resize((_SAMPLES, _SAMPLES), Image.Resampling.NEAREST, box).convert("RGB"))


def psnr(before: Image.Image, after: Image.Image) -> float:
    """Return the peak signal-to-noise ratio between two images of one mode, in decibels."""
    counts = np.array(ImageChops.difference(before, after).histogram()).reshape(-1, 256).sum(axis=0)
    error = float(counts @ _SQUARES) / float(counts.sum())
    return 10 * log10(255**2 / error) if error else inf
