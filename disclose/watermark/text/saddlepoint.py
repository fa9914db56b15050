"""The tail of a sum of independent draws from one known distribution, by the saddlepoint method.

Lugannani and Rice 1980, "Saddle point approximation for the distribution of the sum of independent random variables":
its relative error stays small however far the tail, where a normal approximation is off by orders of magnitude.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.text.significance import LEAST_P

_GRID = 4097
_FURTHEST = 40.0  # tilts, in units of one over the standard deviation; beyond, the bound of the last one holds
_ATOMS = 4096
_NEAR = 1e-2  # standard deviations from the mean within which the formula is 0 / 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Tail:
    """The cumulant generating function of one draw, with two derivatives, at a grid of tilts; each shape (g,)."""

    tilts: NDArray[np.float64]
    cumulant: NDArray[np.float64]
    slope: NDArray[np.float64]
    curvature: NDArray[np.float64]

    @classmethod
    def of_values(cls, values: NDArray[np.float64]) -> Tail:
        """Return the tail of sums of draws, with equal chance, from *values*, shape (n,)."""
        counts, edges = np.histogram(values, _ATOMS)
        sums, _ = np.histogram(values, edges, weights=values)
        filled = counts > 0
        return cls._of_atoms([(sums[filled] / counts[filled], counts[filled] / len(values))])

    @classmethod
    def of_coins(cls, weights: NDArray[np.float64], share: float) -> Tail:
        """Return the tail of sums of draws that each add *weights*, (m,), of coins that show 1 with chance *share*."""
        return cls._of_atoms([(np.array([0.0, weight]), np.array([1 - share, share])) for weight in weights])

    @classmethod
    def _of_atoms(cls, parts: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Tail:
        """Return the tail of a draw that is a sum of independent parts, each (values, chances)."""
        variances = [float(chances @ values**2 - (chances @ values) ** 2) for values, chances in parts]
        deviation = max(sum(variances) ** 0.5, np.finfo(np.float64).tiny ** 0.5)
        tilts = np.sinh(np.linspace(-1, 1, _GRID) * np.arcsinh(_FURTHEST)) / deviation
        total = np.zeros((3, _GRID))
        for values, chances in parts:
            for rows in np.array_split(np.arange(_GRID), 32):
                exponent = tilts[rows, None] * values
                top = exponent.max(axis=1, keepdims=True)
                tilted = chances * np.exp(exponent - top)
                mass = tilted.sum(axis=1)
                mean, square = tilted @ values / mass, tilted @ values**2 / mass
                total[:, rows] += np.log(mass) + top[:, 0], mean, square - mean**2
        return cls(tilts=tilts, cumulant=total[0], slope=total[1], curvature=np.maximum(total[2], 1e-300))

    def p_value(self, statistic: NDArray[np.float64], count: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return P(sum of *count* draws >= *statistic*), each shape (w,); 1 where nothing was drawn."""
        from scipy.special import ndtr

        draws = np.maximum(np.asarray(count, np.float64), 1.0)
        mean = np.asarray(statistic, np.float64) / draws
        tilt, exponent, curvature = self._at(mean)
        root = np.sign(tilt) * np.sqrt(2 * draws * np.maximum(exponent, 0.0))
        other = tilt * np.sqrt(draws * curvature)
        far = np.abs(root) > _NEAR
        safe_root, safe_other = np.where(far, root, 1.0), np.where(far, other, 1.0)
        density = np.exp(-(root**2) / 2) / np.sqrt(2 * np.pi)
        tail = ndtr(-root) + np.where(far, density * (1 / safe_other - 1 / safe_root), 0.0)
        return np.where(np.asarray(count) > 0, np.clip(tail, LEAST_P, 1.0), 1.0)

    def _at(self, mean: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Return the tilt whose draws have *mean*, the exponent of the tail there, and the variance, each (w,)."""
        tilt = np.interp(mean, self.slope, self.tilts)
        near = np.clip(np.searchsorted(self.tilts, tilt), 1, _GRID - 1)
        near -= tilt - self.tilts[near - 1] < self.tilts[near] - tilt
        step = tilt - self.tilts[near]
        cumulant = self.cumulant[near] + step * self.slope[near] + step**2 * self.curvature[near] / 2
        return tilt, tilt * mean - cumulant, np.interp(tilt, self.tilts, self.curvature)
