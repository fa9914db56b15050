"""The log-polar map: rotation and scale become shifts, and one correlation finds them.

The power spectrum of a marked picture holds the keyed constellation of the tile's waves, turned with the picture and
scaled against it. On a map of angle by logarithm of frequency both are translations (Fourier-Mellin, O'Ruanaidh &
Pun 1998; templates, Pereira & Pun 2000). A mirror image has the constellation with its angles negated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import cos, exp, log, pi, sin

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.tile import HIGHEST, LOWEST, TILE, Tile

ANGLES = 512  # over half a turn: 0.35 degrees each, about the tolerance of the sync pattern
RADIAL_STEP = 0.006  # in the logarithm of frequency: as fine as the angles
SMALLEST, LARGEST = 0.40, 1.55  # canonical pixels of the marked picture for one of the examined
SCALES = round(log(LARGEST / SMALLEST) / RADIAL_STEP)
ROWS = fft.next_fast_len(SCALES + round(log(HIGHEST / LOWEST) / RADIAL_STEP) + 2, real=False)
_LOUDEST = 8.0  # power, in means, at which one bin's vote is capped


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A hypothesis: the linear map from examined to marked coordinates, and its template score in deviations."""

    rotation: float  # radians
    scale: float
    mirrored: bool
    score: float

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The linear map from examined to marked coordinates, shape (2, 2)."""
        return similarity(self.rotation, self.scale, self.mirrored)


def similarity(rotation: float, scale: float, mirrored: bool) -> NDArray[np.float64]:
    """Return the 2 by 2 map that mirrors left to right if asked, then turns by *rotation* and scales."""
    c, s = scale * cos(rotation), scale * sin(rotation)
    side = -1.0 if mirrored else 1.0
    return np.array([[c * side, -s], [s * side, c]])


def candidates(tile: Tile, spectrum: Spectrum, *, anywhere: int, upright: int) -> Iterator[Candidate]:
    """Yield the best hypotheses for each handedness: so many *anywhere*, and so many at multiples of 90 degrees.

    Each stands for itself and for the same turned by half a turn, which a power spectrum cannot tell apart.
    """
    seen = fft.rfft2(_map(spectrum), workers=1)
    for mirrored, template in enumerate(_templates(tile)):
        surface = fft.irfft2(seen * template, s=(ROWS, ANGLES), workers=1)[:SCALES]
        surface = (surface - surface.mean()) / max(float(surface.std()), 1e-12)
        level = surface.copy()
        peaks = ndimage.maximum_filter(surface, 5, mode=("nearest", "wrap")) == surface
        surface = np.where(peaks, surface, -np.inf)
        columns = np.array([-1, 0, 1, ANGLES // 2 - 1, ANGLES // 2, ANGLES // 2 + 1])
        near = level[:, columns].reshape(SCALES, 2, 3).max(axis=2)
        best = [(float(surface[i]), i[0], float(i[1])) for i in _highest(surface, anywhere)]
        best += [(float(near[i]), i[0], float(columns[1 + 3 * i[1]])) for i in _highest(near, upright)]
        for score, row, column in best:
            turn = column * pi / ANGLES
            yield Candidate(
                rotation=turn if mirrored else -turn,
                scale=SMALLEST * exp(row * RADIAL_STEP),
                mirrored=bool(mirrored),
                score=score,
            )


def _highest(values: NDArray[np.float32], count: int) -> list[tuple[int, int]]:
    flat = values.ravel()
    order = np.argpartition(flat, -count)[-count:]
    order = order[np.argsort(-flat[order], kind="stable")]
    return [divmod(int(index), values.shape[1]) for index in order]


def _map(spectrum: Spectrum) -> NDArray[np.float32]:
    """Return the power of *spectrum*, capped and with its mean removed, over (log frequency, angle)."""
    power = np.minimum(spectrum.power(), _LOUDEST)
    power -= power.mean()
    fx, fy = _frequencies()
    places = [fy * spectrum.bins[1] + spectrum.zero, fx * spectrum.bins[0] + spectrum.margin]
    result: NDArray[np.float32] = ndimage.map_coordinates(power, places, order=1, mode="constant", output=np.float32)
    return result


@lru_cache(maxsize=1)
def _frequencies() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return fx and fy, in cycles per pixel, of each cell of the map; fx is never negative."""
    radius = SMALLEST * LOWEST * np.exp(RADIAL_STEP * np.arange(ROWS))[:, None]
    angle = pi * np.arange(ANGLES)[None, :] / ANGLES
    fx, fy = radius * np.cos(angle), radius * np.sin(angle)
    side = np.where(fx < 0, -1, 1)
    return (side * fx).astype(np.float32), (side * fy).astype(np.float32)


@lru_cache(maxsize=8)
def _templates(tile: Tile) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Return the conjugate transforms of the tile's constellation on the map, as it is and mirrored."""
    kx, ky = tile.waves.T
    frequencies = np.hypot(kx, ky) / TILE
    rows = np.log(frequencies / LOWEST) / RADIAL_STEP
    columns = np.arctan2(ky, kx) * ANGLES / pi
    found = []
    for side in (1, -1):
        grid = np.zeros((ROWS, ANGLES), np.float32)
        np.add.at(grid, (np.rint(rows).astype(int), np.rint(side * columns).astype(int) % ANGLES), frequencies)
        grid = ndimage.gaussian_filter(grid, 0.5, mode=("nearest", "wrap"))
        found.append(fft.rfft2(grid, workers=1).conj())
    return found[0], found[1]
