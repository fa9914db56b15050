"""The spectrum of a whole plane, read at any frequency: a folded tile under any rotation and scale, without resampling.

Laying all tiles of a turned and scaled picture over one another is the same as reading the Fourier transform of the
picture at the turned and scaled frequencies of the tile. One padded transform, then, serves every hypothesis; each
costs a few hundred interpolations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.canonical import Plane

OVERSAMPLING = 2
REACH = 0.42  # cycles per pixel kept: the tile's highest, times the square root of two, and some room
_SMOOTHING = 21  # bins over which the spectrum is evened out
_MARGIN = 3  # columns kept below zero, so that interpolation never leaves the array


@dataclass(frozen=True, kw_only=True, eq=False)
class Spectrum:
    """A whitened spectrum around zero frequency: ``values[zero + y, margin + x]`` belongs to bin (x, y).

    Phases refer to the middle of the plane, where the spectrum varies slowest; *centre* is that point.
    """

    values: NDArray[np.complex64]
    bins: tuple[int, int]  # bins for one cycle per pixel, (x, y)
    centre: tuple[float, float]
    zero: int  # row of zero frequency
    margin: int = _MARGIN  # column of zero frequency

    @classmethod
    def of(cls, plane: Plane) -> Spectrum:
        """Return the spectrum of a whitened *plane*."""
        height, width = plane.shape
        rows, columns = (fft.next_fast_len(OVERSAMPLING * side, real=True) for side in (height, width))
        full = fft.rfft2(plane, s=(rows, columns), workers=1)
        down, right = int(REACH * rows), int(REACH * columns)
        half = np.concatenate([full[-down:, : right + 1], full[: down + 1, : right + 1]])
        centre = (width / 2, height / 2)
        fy = np.arange(-down, down + 1) / rows
        fx = np.arange(right + 1) / columns
        # A sample's place is half a pixel from the corner; the middle of the plane becomes the origin.
        half *= np.exp(2j * np.pi * fy * (centre[1] - 0.5)).astype(np.complex64)[:, None]
        half *= np.exp(2j * np.pi * fx * (centre[0] - 0.5)).astype(np.complex64)[None, :]
        half /= np.sqrt(ndimage.uniform_filter(_power(half), _SMOOTHING, mode=("nearest", "reflect")) + 1e-20)
        mirrored = half[::-1, _MARGIN:0:-1].conj()
        return cls(values=np.concatenate([mirrored, half], axis=1), bins=(columns, rows), centre=centre, zero=down)

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Return the spectrum at *frequencies*, shape (n, 2), cycles per pixel (x, y); zero beyond reach.

        Phases refer to the corner of the plane. Cubic convolution (Keys 1981) on the oversampled bins.
        """
        back = frequencies[:, 0] < 0
        f = np.where(back[:, None], -frequencies, frequencies)
        x = f[:, 0] * self.bins[0] + _MARGIN
        y = f[:, 1] * self.bins[1] + self.zero
        rows, columns = self.values.shape
        inside = (x < columns - 3) & (y > 2) & (y < rows - 3)
        x, y = np.where(inside, x, _MARGIN), np.where(inside, y, self.zero)
        left, top = x.astype(np.int64), y.astype(np.int64)
        across, down = _cubic((x - left).astype(np.float32)), _cubic((y - top).astype(np.float32))
        near = self.values.ravel()[((top - 1) * columns + left - 1)[:, None] + _taps(columns)].reshape(-1, 4, 4)
        total = np.einsum("nij,ni,nj->n", near, down, across)
        total = np.where(back, total.conj(), total)
        turn = np.exp(-2j * np.pi * (frequencies @ np.array(self.centre)))
        result: NDArray[np.complex64] = (np.where(inside, total, 0) * turn).astype(np.complex64)
        return result

    def power(self) -> NDArray[np.float32]:
        """Return the squared magnitude of each bin, mean about 1."""
        return _power(self.values)


def _power(values: NDArray[np.complex64]) -> NDArray[np.float32]:
    return np.square(values.real) + np.square(values.imag)


def _cubic(t: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the four weights, shape (n, 4), of cubic convolution at fraction *t* between the middle two."""
    return np.stack(
        [
            ((2 - t) * t - 1) * t / 2,
            ((3 * t - 5) * t * t + 2) / 2,
            ((4 - 3 * t) * t + 1) * t / 2,
            (t - 1) * t * t / 2,
        ],
        axis=-1,
    )


def _taps(columns: int) -> NDArray[np.int64]:
    """Return the 16 neighbours of a bin, as steps in a flat array of so many *columns*."""
    return (np.arange(4)[:, None] * columns + np.arange(4)).ravel()
