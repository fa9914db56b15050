"""The log-polar map: rotation and scale become shifts, and one correlation finds them.

The power spectrum of a marked picture holds the keyed constellation of the tile's waves, turned with the picture and
scaled against it. On a map of angle by logarithm of frequency both are translations (Fourier-Mellin, O'Ruanaidh &
Pun 1998; templates, Pereira & Pun 2000). A mirror image has the constellation with its angles negated.
"""

from __future__ import annotations

from functools import lru_cache
from math import cos, log, pi, sin

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.template import LARGEST, SMALLEST, Matrices, Template, peaks
from disclose.watermark.image.tile import HIGHEST, LOWEST, TILE, Tile

ANGLES = 432  # over half a turn: 0.42 degrees each
RADIAL_STEP = pi / ANGLES  # in the logarithm of frequency: as fine as the angles
SCALES = round(log(LARGEST / SMALLEST) / RADIAL_STEP)
ROWS = fft.next_fast_len(SCALES + round(log(HIGHEST / LOWEST) / RADIAL_STEP) + 2, real=False)
MAPS = 2 * SCALES * ANGLES  # that are compared


def similarity(rotation: float, scale: float, mirrored: bool) -> NDArray[np.float64]:
    """Return the 2 by 2 map that mirrors left to right if asked, then turns by *rotation* radians and scales."""
    c, s = scale * cos(rotation), scale * sin(rotation)
    side = -1.0 if mirrored else 1.0
    return np.array([[c * side, -s], [s * side, c]])


def turned_candidates(tile: Tile, template: Template, count: int) -> Matrices:
    """Return the *count* likeliest maps, shape (count, 2, 2), that turn and scale, mirrored or not.

    Each stands for itself and for the same turned by half a turn, which a power spectrum cannot tell apart.
    """
    seen = fft.rfft2(_map(template), workers=1)
    found: list[tuple[float, int, int, bool]] = []
    for mirrored, constellation in enumerate(_constellations(tile)):
        surface = fft.irfft2(seen * constellation, s=(ROWS, ANGLES), workers=1)[:SCALES]
        surface = (surface - surface.mean()) / max(float(surface.std()), 1e-12)
        found += [(*peak, bool(mirrored)) for peak in peaks(surface, count)]
    found.sort(reverse=True)
    turns = [(column if mirrored else -column) * pi / ANGLES for _, _, column, mirrored in found]
    scales = [SMALLEST * np.exp(row * RADIAL_STEP) for _, row, _, _ in found]
    matrices = [
        similarity(turn, scale, mirrored)
        for turn, scale, (*_, mirrored) in zip(turns[:count], scales[:count], found[:count], strict=True)
    ]
    return np.array(matrices, np.float32)


def _map(template: Template) -> NDArray[np.float32]:
    """Return the power over (log frequency, angle), zero outside: the nearest bin is near enough for an outline."""
    spectrum = template.spectrum
    fx, fy = _frequencies()
    column = np.rint(fx * np.float32(spectrum.bins[0])).astype(np.int32) + spectrum.margin
    row = np.rint(fy * np.float32(spectrum.bins[1])).astype(np.int32) + spectrum.zero
    rows, columns = template.power.shape
    inside = (column < columns) & (row >= 0) & (row < rows)
    found = template.power.ravel()[np.where(inside, row * columns + column, 0)]
    return np.where(inside, found, np.float32(0))


@lru_cache(maxsize=1)
def _frequencies() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return fx and fy, in cycles per pixel, of each cell of the map; fx is never negative."""
    radius = SMALLEST * LOWEST * np.exp(RADIAL_STEP * np.arange(ROWS))[:, None]
    angle = pi * np.arange(ANGLES)[None, :] / ANGLES
    fx, fy = radius * np.cos(angle), radius * np.sin(angle)
    side = np.where(fx < 0, -1, 1)
    return (side * fx).astype(np.float32), (side * fy).astype(np.float32)


@lru_cache(maxsize=8)
def _constellations(tile: Tile) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
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
