"""Blocks: the tile's waves measured in each small part of a plane, so that the mark can be followed as it drifts.

A linear map fits a whole picture only if nobody bent it. In a block of 64 pixels every bend is a shift, and a shift
turns phases; so the amplitude of each wave in each block, under a first guess of the linear map, is all that is
needed to follow perspective, lens and paper (local tracking after Voloshynovskiy et al. 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.tile import TILE, Tile

BLOCK = 64  # pixels of the plane


@dataclass(frozen=True, kw_only=True, eq=False)
class Blocks:
    """The complex amplitude of n waves in b blocks under a *matrix* from plane to tile coordinates.

    ``values`` has shape (b, n), phases referring to the corner of the plane; ``places``, shape (b, 2), are the blocks'
    centres (x, y), from -1 to 1 over the longer side of the plane; ``shape`` is their number (down, across).
    """

    values: NDArray[np.complex64]
    shape: tuple[int, int]
    places: NDArray[np.float64]
    matrix: NDArray[np.float64]
    centre: tuple[float, float]

    @classmethod
    def of(cls, tile: Tile, plane: Plane, matrix: NDArray[np.float64]) -> Blocks:
        """Return the waves of *tile* in each block of a whitened *plane*."""
        rows, columns = -(-plane.shape[0] // BLOCK), -(-plane.shape[1] // BLOCK)
        padded = np.zeros((rows * BLOCK, columns * BLOCK), np.float32)
        padded[: plane.shape[0], : plane.shape[1]] = plane
        angles = -2 * np.pi / TILE * (tile.waves @ matrix)
        within = np.arange(BLOCK)[:, None] + 0.5
        # One product of real matrices for each row of blocks, which is what a processor does best, and a short sum.
        across = np.concatenate(
            [np.cos(within * angles[:, 0]), np.sin(within * angles[:, 0])], axis=1, dtype=np.float32
        )
        real, imaginary = (turn(within * angles[:, 1]).astype(np.float32) for turn in (np.cos, np.sin))
        waves = len(tile.waves)
        values = np.empty((rows, columns, waves), np.complex64)
        for row in range(rows):
            sums = (padded[row * BLOCK : (row + 1) * BLOCK].reshape(-1, BLOCK) @ across).reshape(BLOCK, columns, -1)
            a, b = sums[..., :waves], sums[..., waves:]
            values[row].real = np.einsum("ycn,yn->cn", a, real) - np.einsum("ycn,yn->cn", b, imaginary)
            values[row].imag = np.einsum("ycn,yn->cn", a, imaginary) + np.einsum("ycn,yn->cn", b, real)
        top, left = BLOCK * np.arange(rows), BLOCK * np.arange(columns)
        values *= np.exp(1j * top[:, None] * angles[:, 1]).astype(np.complex64)[:, None, :]
        values *= np.exp(1j * left[:, None] * angles[:, 0]).astype(np.complex64)[None, :, :]
        centre = (plane.shape[1] / 2, plane.shape[0] / 2)
        places = np.stack(np.meshgrid(left + BLOCK / 2, top + BLOCK / 2), axis=-1).reshape(-1, 2)
        return cls(
            values=values.reshape(-1, waves),
            shape=(rows, columns),
            places=(places - centre) / max(centre),
            matrix=matrix,
            centre=centre,
        )
