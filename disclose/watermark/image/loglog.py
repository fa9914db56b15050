"""The log-log map: two scales become shifts, and one correlation finds both.

Most pictures are handled upright: cropped, resized, squeezed to another shape, shown in a window. Width and height
then scale each for itself, and on a map of the logarithms of both frequencies that is a translation of the
constellation (the log-log map of O'Ruanaidh & Pun 1998). Quarter turns and mirror images are four constellations.
Without it none of 50 squeezed photographs was read; with it all are.
"""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.template import LARGEST, SMALLEST, Matrices, Template, peaks
from disclose.watermark.image.tile import REACH, TILE, Tile

STEP = 0.010  # in the logarithm of frequency: half of it moves the highest wave by half a bin of the plane
MAXIMUM_ASPECT = 0.30  # logarithm of the ratio of the two scales
SCALES = round(log(LARGEST / SMALLEST) / STEP)
SIDE = fft.next_fast_len(SCALES + round(log(REACH) / STEP) + 2, real=True)

_UPRIGHT = np.eye(2)
_MIRROR = np.diag([-1.0, 1.0])
_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
ORIENTATIONS = (_UPRIGHT, _MIRROR, _TURN, _TURN @ _MIRROR)  # each also stands for its half turn

_LOGARITHMS = np.arange(SCALES) * STEP
_ASPECTS = np.abs(_LOGARITHMS[:, None] - _LOGARITHMS[None, :]) <= MAXIMUM_ASPECT
MAPS = len(ORIENTATIONS) * int(_ASPECTS.sum())  # that are compared


def upright_candidates(tile: Tile, template: Template, count: int) -> Matrices:
    """Return the *count* likeliest maps, shape (count, 2, 2), that scale width and height, in any orientation."""
    seen = fft.rfft2(_maps(template), workers=1)
    found: list[tuple[float, int, int, int]] = []
    for orientation, constellation in enumerate(_constellations(tile)):
        # Only a corner of the correlation is asked for, so the second axis is transformed for its rows alone.
        rows = fft.ifft(seen[0] * constellation[0] + seen[1] * constellation[1], axis=0, workers=1)[:SCALES]
        surface = fft.irfft(rows, SIDE, axis=1, workers=1)[:, :SCALES]
        values = surface[_ASPECTS]
        surface = np.where(_ASPECTS, (surface - values.mean()) / max(float(values.std()), 1e-12), -np.inf)
        found += [(*peak, orientation) for peak in peaks(surface, count)]
    found.sort(reverse=True)
    scales = SMALLEST * np.exp(_LOGARITHMS)
    return np.array(
        [ORIENTATIONS[which] * [scales[column], scales[row]] for _, row, column, which in found[:count]], np.float32
    )


def _maps(template: Template) -> NDArray[np.float32]:
    """Return the power over (log fy, log fx), for fy of the same sign as fx and of the other, shape (2, SIDE, SIDE)."""
    spectrum = template.spectrum
    frequencies = SMALLEST / TILE * np.exp(STEP * np.arange(SIDE))
    columns = _sampled(template.power.T, spectrum.margin + frequencies * spectrum.bins[0]).T
    down = frequencies * spectrum.bins[1]
    return np.stack([_sampled(columns, spectrum.zero + down), _sampled(columns, spectrum.zero - down)])


def _sampled(values: NDArray[np.float32], rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return *values* at fractional *rows*, linearly interpolated; zero outside."""
    above = np.floor(rows).astype(np.int64)
    share = (rows - above).astype(np.float32)[:, None]
    inside = (above >= 0) & (above < len(values) - 1)
    above = np.where(inside, above, 0)
    result: NDArray[np.float32] = values[above] * (1 - share)
    result += values[above + 1] * share
    result[~inside] = 0
    return result


@lru_cache(maxsize=8)
def _constellations(tile: Tile) -> tuple[NDArray[np.complex64], ...]:
    """Return the conjugate transform of the tile's waves on both maps, shape (2, SIDE, SIDE / 2 + 1), as each lies."""
    found = []
    for orientation in ORIENTATIONS:
        waves = tile.waves @ orientation
        waves = waves * np.where(waves[:, :1] < 0, -1, 1)
        row, column = np.rint(np.log(np.abs(waves)) / STEP).astype(int).T[::-1]
        grid = np.zeros((2, SIDE, SIDE), np.float32)
        np.add.at(grid, ((waves[:, 1] < 0).astype(int), row, column), np.hypot(*waves.T) / TILE)
        found.append(fft.rfft2(ndimage.gaussian_filter(grid, (0, 0.5, 0.5)), workers=1).conj())
    return tuple(found)
