"""The template: the tile's waves as a constellation in the power spectrum, and the linear map that explains it best.

The constellation moves with the picture under any linear map and does not care for translation (Pereira & Pun 2000).
Maps over logarithms find it under two parameters (logpolar.py, loglog.py); from there four are climbed, so that shear,
aspect and the middle of a perspective are followed too. Many candidates climb at once: a step of one is a few hundred
look-ups, and the interpreter would cost more than they do. Of 20 photographs sheared by 3 %, 6 were read without the
climb and all with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.tile import TILE, Tile

LOUDEST = 3.5  # power, in means, at which one bin's vote is capped: lines of text and grids ring far louder
SMALLEST, LARGEST = 0.30, 2.1  # canonical pixels of the marked picture for one of the examined
SAME = 0.006  # difference of two maps, to their size, below which they lead to the same reading
SEPARATION = 5  # cells of a map within which only the highest counts

Matrices = NDArray[np.float32]

# Each level: bins over which the power is averaged, the size of a step, and how many are taken. The average lets a
# candidate feel a top that it is still two steps away from.
COARSE = (5, 0.008, 4)
FINE = ((3, 0.003, 4), (1, 0.0015, 4))

CHANGES = np.array(
    [
        [[1.0, 0.0], [0.0, 1.0]],  # scale
        [[0.0, -1.0], [1.0, 0.0]],  # rotation
        [[1.0, 0.0], [0.0, -1.0]],  # aspect
        [[0.0, 1.0], [1.0, 0.0]],  # shear
    ],
    np.float32,
)


class Template:
    """The constellation of *tile*, laid over the power of one *spectrum*."""

    def __init__(self, tile: Tile, spectrum: Spectrum) -> None:
        self.waves = (tile.waves / TILE).astype(np.float32)
        self.spectrum = spectrum
        power = np.minimum(spectrum.power(), LOUDEST)
        power -= power.mean()
        self.power = power

    def climbed(self, matrices: Matrices, count: int) -> Matrices:
        """Return the *count* best places near *matrices*, shape (m, 2, 2), no two alike, the likeliest first.

        A faint constellation leads astray over averaged power, so the starts stay in the race beside where the coarse
        climb took them.
        """
        moved = self._climb(self._averaged(COARSE[0]), matrices, *COARSE[1:])
        ends = self._best(self._averaged(FINE[0][0]), np.concatenate([moved, matrices]), count)
        for bins, step, rounds in FINE:
            ends = self._climb(self._averaged(bins), ends, step, rounds)
        return self._best(self.power, ends, count)

    def _averaged(self, bins: int) -> NDArray[np.float32]:
        return ndimage.uniform_filter(self.power, bins, mode="nearest") if bins > 1 else self.power

    def _best(self, power: NDArray[np.float32], matrices: Matrices, count: int) -> Matrices:
        """Return up to *count* of *matrices* with the highest scores, leaving out what is next to a better one."""
        kept: list[int] = []
        for index in np.argsort(-self.scores(power, matrices), kind="stable").tolist():
            here = matrices[index]
            # A power spectrum cannot tell a half turn, so the negative of a map is the same map.
            near = [min(np.abs(here - matrices[i]).max(), np.abs(here + matrices[i]).max()) for i in kept]
            if min(near, default=np.inf) > SAME * np.abs(here).max():
                kept.append(index)
                if len(kept) == count:
                    break
        return matrices[kept]

    def scores(self, power: NDArray[np.float32], matrices: Matrices) -> NDArray[np.float32]:
        """Return how far the constellation under each of *matrices* stands above the rest of *power*, in deviations."""
        places = self.waves @ (matrices * np.array(self.spectrum.bins, np.float32))
        places *= np.where(places[..., :1] < 0, np.float32(-1), np.float32(1))
        # The nearest bin: adding a half and cutting off rounds what is not negative.
        places += np.array([self.spectrum.margin + 0.5, self.spectrum.zero + 0.5], np.float32)
        rows, columns = power.shape
        np.clip(places, 0, np.array([columns, rows], np.float32), out=places)
        x, y = places[..., 0].astype(np.int32), places[..., 1].astype(np.int32)
        inside = (x < columns) & (y < rows)
        found = np.take(power.ravel(), y * columns + x, mode="clip")
        total = np.sum(found, axis=-1, where=inside)
        result: NDArray[np.float32] = total / np.sqrt(inside.sum(axis=-1) + 1) / power.std()
        return result

    def _climb(self, power: NDArray[np.float32], matrices: Matrices, step: float, rounds: int) -> Matrices:
        changes = np.eye(2, dtype=np.float32) + np.concatenate([CHANGES, -CHANGES]) * np.float32(step)
        ends, highest = matrices.copy(), self.scores(power, matrices)
        climbing = np.arange(len(matrices))
        for _ in range(rounds):
            trials = np.einsum("dij,mjk->mdik", changes, ends[climbing])
            scores = self.scores(power, trials.reshape(-1, 2, 2)).reshape(len(climbing), -1)
            best = scores.argmax(axis=1)
            up = scores[np.arange(len(climbing)), best] > highest[climbing]
            moved = climbing[up]
            ends[moved], highest[moved] = trials[up, best[up]], scores[up, best[up]]
            climbing = moved
            if not len(climbing):
                break
        return ends


def peaks(surface: NDArray[np.float32], count: int) -> list[tuple[float, int, int]]:
    """Return (height, row, column) of up to *count* of the highest local maxima of *surface*, the highest first."""
    flat = surface.ravel()
    highest = np.argpartition(flat, -16 * count)[-16 * count :]
    kept: list[tuple[float, int, int]] = []
    for index in highest[np.argsort(-flat[highest], kind="stable")].tolist():
        row, column = divmod(index, surface.shape[1])
        if all(abs(row - r) >= SEPARATION or abs(column - c) >= SEPARATION for _, r, c in kept):
            kept.append((float(flat[index]), row, column))
            if len(kept) == count:
                break
    return kept
