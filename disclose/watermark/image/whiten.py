"""Whitening: turn a plane into something close to white noise, in which a weak mark stands out.

The picture is the noise here. Taking away the local mean removes what is smooth; dividing by the local deviation
stops edges from shouting. What colour is left is evened out per wave, in decode.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.local import detail_of, local_map
from disclose.watermark.image.tile import TILE, WAVE_NUMBERS

POWER = 1.1  # above 1: a busy place is also a place where the mark is a smaller share
QUIETEST = 1.5  # grey levels of deviation below which all places count alike

# Samples sit at pixel centres, half a pixel from the corner that phases refer to.
_HALF_SAMPLE = np.exp(-1j * np.pi * (np.fft.fftfreq(TILE)[:, None] + np.fft.rfftfreq(TILE)[None, :])).astype(
    np.complex64
)


def weights_of(detail: Plane) -> Plane:
    """Return the factor, for each place of *detail*, that evens its local deviation out."""

    def weight(power: Plane) -> Plane:
        result: Plane = np.maximum(power, 0) + np.float32(QUIETEST**2)
        result **= np.float32(-POWER / 2)
        return result

    return local_map(np.square(detail), weight)


def whitened(plane: Plane) -> Plane:
    """Return *plane* with its local mean removed and its local deviation evened out."""
    detail = detail_of(plane)
    detail *= weights_of(detail)
    return detail


def folded(plane: Plane, origin: tuple[int, int] = (0, 0)) -> NDArray[np.complex64]:
    """Return the spectrum, shape (128, 65), of all tiles of *plane* laid over one another and summed.

    Phases refer to the corner of the plane, as the tile's do; or, for a part of a larger plane that begins at
    *origin* (x, y), to the corner of that.
    """
    height, width = plane.shape
    rows, columns = -(-height // TILE), -(-width // TILE)
    padded = np.zeros((rows * TILE, columns * TILE), np.float32)
    padded[:height, :width] = plane
    total = padded.reshape(rows, TILE, columns, TILE).sum(axis=(0, 2))
    total = np.roll(total, (origin[1], origin[0]), axis=(0, 1))
    result: NDArray[np.complex64] = fft.rfft2(total, workers=1) * _HALF_SAMPLE
    return result


def band_of(spectrum: NDArray[np.complex64], matrix: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Return the wave numbers of the tile, shape (63, 31), in a folded *spectrum* turned by *matrix*.

    The matrix is one of the eight orientations, which map whole wave numbers to whole wave numbers.
    """
    kx, ky = np.rint(WAVE_NUMBERS @ matrix).astype(np.int64).transpose(2, 0, 1)
    back = kx < 0
    values = spectrum[np.where(back, -ky, ky), np.abs(kx)]
    result: NDArray[np.complex64] = np.where(back, values.conj(), values)
    return result
