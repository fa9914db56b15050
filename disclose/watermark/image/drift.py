"""Drift: where each place of a bent picture lies in the tile, followed by its phases.

The displacement from a first linear guess is a polynomial of the place, of degree 1 (any linear map) or 2 (most of
perspective, lenses and paper; Lucas & Kanade 1981 follow moving pictures in the same way, from coarse to fine). A
displacement turns every wave's phase in a block, so the sum over blocks of the correlation with known patterns is a
smooth function of the coefficients; scoring (Fisher) climbs it in a few steps. It takes a picture with waves of two
pixels from p = 1e-27 to below 1e-40, and it is what reads perspective at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image.blocks import Blocks
from disclose.watermark.image.tile import REACH, TILE, Tile

Coefficients = NDArray[np.float64]

TERMS = {1: 3, 2: 6}  # of a polynomial in two variables, by degree
ROUNDS = 6
_SMALLEST_GAIN = 1e-3  # of the correlation, at which climbing ends
_RIDGE = 0.02  # keeps a step along what the picture does not show small


def start(offset: tuple[float, float] = (0.0, 0.0)) -> Coefficients:
    """Return the coefficients, shape (6, 2), of a constant displacement by *offset*, canonical pixels."""
    coefficients = np.zeros((TERMS[2], 2))
    coefficients[0] = offset
    return coefficients


def moved(coefficients: Coefficients, offset: tuple[float, float]) -> Coefficients:
    """Return *coefficients* displaced by *offset* more, the shorter way round the tile."""
    result = coefficients.copy()
    result[0] += (np.array(offset) + TILE / 2) % TILE - TILE / 2
    return result


def basis(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the six terms of the polynomial at *places*, shape (b, 2): shape (b, 6)."""
    x, y = places.T
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=1)


@dataclass(frozen=True, kw_only=True, eq=False)
class Follower:
    """The blocks of one picture, ready to be gathered under any drift."""

    tile: Tile
    blocks: Blocks

    def gathered(self, coefficients: Coefficients) -> NDArray[np.complex64]:
        """Return the waves of all blocks summed, each block's displacement taken out, over their noise: shape (n,).

        The noise of a wave is the sum of the blocks' powers: what the sum would have if blocks knew nothing of each
        other. The mark is far too faint in any one of them to be counted with it.
        """
        result: NDArray[np.complex64] = self.turned(coefficients).sum(axis=0) / np.sqrt(self.noise)
        return result

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """The waves in radians for each canonical pixel, shape (n, 2)."""
        return (2 * np.pi / TILE) * self.tile.waves.astype(np.float64)

    @cached_property
    def basis(self) -> NDArray[np.float64]:
        """The six terms of the polynomial at each block, shape (b, 6)."""
        return basis(self.blocks.places)

    @cached_property
    def noise(self) -> NDArray[np.float32]:
        """The power that each wave has by chance, summed over blocks that know nothing of each other, shape (n,)."""
        values = self.blocks.values
        power: NDArray[np.float32] = np.sum(np.square(values.real) + np.square(values.imag), axis=0)
        return np.maximum(power, np.float32(1e-12))

    def turned(self, coefficients: Coefficients) -> NDArray[np.complex64]:
        """Return the waves of each block with its displacement taken out, shape (b, n)."""
        return self.blocks.values * self._turns(coefficients)

    def followed(
        self,
        coefficients: Coefficients,
        reference: NDArray[np.complex64],
        *,
        degree: int,
        highest: float = 1.0,
    ) -> Coefficients:
        """Return *coefficients* climbed to where the blocks fit *reference*, the expected waves, shape (n,), best.

        Only waves up to about *highest*, cycles per canonical pixel, are listened to: the slower a wave, the further
        off it is understood.
        """
        numbers = self.numbers
        frequencies = np.sqrt(np.square(numbers).sum(axis=1)) / (2 * np.pi)
        weights = np.exp(-np.square(frequencies / highest)) / self.noise.astype(np.float64)
        products = self.blocks.values * (reference.conj() * weights).astype(np.complex64)
        terms = self.basis[:, : TERMS[degree]]
        bend = self._bend(numbers, np.square(np.abs(reference)) * weights, terms)
        here = coefficients.copy()
        value, slope = self._slope(products, numbers, terms, here)
        stride = 1.0
        for _ in range(ROUNDS):
            step = np.linalg.solve(bend * max(value, 1e-12), slope.ravel()).reshape(-1, 2)
            trial = here.copy()
            trial[: len(step)] += stride * np.clip(step, -2.0, 2.0)
            found, steeper = self._slope(products, numbers, terms, trial)
            if found <= value:
                stride /= 2
                if stride < 0.2:
                    break
                continue
            gain = (found - value) / found
            here, value, slope = trial, found, steeper
            if gain < _SMALLEST_GAIN:
                break
        return here

    def linear(self, coefficients: Coefficients) -> tuple[NDArray[np.float64], tuple[float, float]]:
        """Return the linear map and the offset of the corner that are nearest to *coefficients* over the picture."""
        terms = self.basis
        constant, *slopes = np.linalg.lstsq(terms[:, :3], terms @ coefficients, rcond=None)[0]
        centre = np.array(self.blocks.centre)
        change = np.array(slopes).T / centre.max()
        x, y = constant - change @ centre
        return self.blocks.matrix + change, (float(x), float(y))

    def _turns(self, coefficients: Coefficients) -> NDArray[np.complex64]:
        """Return the factor, shape (b, n), that takes each block's displacement out of each wave."""
        angles = (self.basis @ coefficients * (-2 * np.pi / TILE)).astype(np.float32)
        # The factors of an axis are few and shared by all waves that have the same number on it.
        turns = angles.T[:, :, None] * np.arange(-REACH, REACH + 1, dtype=np.float32)
        factors = np.empty(turns.shape, np.complex64)
        np.cos(turns, out=factors.real)
        np.sin(turns, out=factors.imag)
        kx, ky = self.tile.waves.T + REACH
        result: NDArray[np.complex64] = np.take(factors[0], kx, axis=1)
        result *= np.take(factors[1], ky, axis=1)
        return result

    def _slope(
        self,
        products: NDArray[np.complex64],
        numbers: NDArray[np.float64],
        terms: NDArray[np.float64],
        coefficients: Coefficients,
    ) -> tuple[float, NDArray[np.float64]]:
        """Return the correlation under *coefficients* and its slope, shape (terms, 2)."""
        turned = products * self._turns(coefficients)
        return float(turned.real.sum()), terms.T @ (turned.imag @ numbers)

    def _bend(
        self, numbers: NDArray[np.float64], energy: NDArray[np.float64], terms: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return the expected curvature of a correlation of 1, over all coefficients in order."""
        of_waves = (numbers.T * energy) @ numbers / energy.sum()
        of_terms = terms.T @ terms / len(terms)
        of_terms += _RIDGE * np.eye(len(of_terms))
        return np.kron(of_terms, of_waves)
