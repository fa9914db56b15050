"""Whitening: turn a plane into something close to white noise, in which a weak mark stands out.

The picture is the noise here. Taking away the local mean removes what is smooth, dividing by the local deviation
stops edges from shouting, and dividing the spectrum by its local mean magnitude evens out what colour is left.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.tile import TILE

MEAN_SPAN = 9  # canonical pixels
DEVIATION_SPAN = 13
POWER = 1.3  # above 1: a busy place is also a place where the mark is a smaller share
DEVIATION_FLOOR = 1.0  # grey levels; 8-bit rounding leaves no place quieter

# Samples sit at pixel centres, half a pixel from the corner that phases refer to.
_HALF_SAMPLE = np.exp(
    -1j * np.pi * (np.fft.fftfreq(TILE)[:, None] + np.fft.rfftfreq(TILE)[None, :])
).astype(np.complex64)


def whitened(plane: Plane) -> Plane:
    """Return *plane* with its local mean removed and its local deviation evened out."""
    detail = plane - ndimage.uniform_filter(plane, MEAN_SPAN, mode="nearest")
    power = ndimage.uniform_filter(np.square(detail), DEVIATION_SPAN, mode="nearest")
    np.maximum(power, 0, out=power)
    power += DEVIATION_FLOOR**2
    result: Plane = detail * power ** np.float32(-POWER / 2)
    return result


def folded(plane: Plane) -> NDArray[np.complex64]:
    """Return the spectrum, shape (128, 65), of all tiles of *plane* laid over one another and summed.

    Phases refer to the corner of the plane, as Tile's do.
    """
    height, width = plane.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[:height, :width] = plane
    total = padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2))
    spectrum = fft.rfft2(total, workers=1) * _HALF_SAMPLE
    power = ndimage.uniform_filter(np.abs(spectrum) ** 2, 9, mode=("wrap", "reflect"))
    return np.asarray(spectrum / np.sqrt(power + 1e-20), dtype=np.complex64)
