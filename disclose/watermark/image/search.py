"""The search: rotation, scale and mirror image of a picture that the fast path did not understand.

Candidates come from the template in the power spectrum (logpolar.py). Each is judged by the sync pattern, which sees
phases and so far more; the best are climbed to their tops and decoded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image.decode import (
    Reading,
    Sync,
    Waves,
    decoded,
    joint_z,
    matched,
    normalised,
    refined_offset,
    sync_of,
)
from disclose.watermark.image.logpolar import Candidate, candidates, similarity
from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.tile import TILE, WAVE_NUMBERS, Tile

Matrix = NDArray[np.float64]

ANYWHERE = 24  # candidates at any angle, for each handedness
UPRIGHT = 16  # candidates at multiples of 90 degrees, for each handedness
CLIMBED = 6  # candidates followed to the top of their hill
STEPS = (0.003, 0.0015)  # of scale, and of rotation in radians: half the tolerance of the sync pattern, and half of it


@dataclass(frozen=True, kw_only=True)
class Found:
    """A reading and the linear map under which it was read; *tried* counts the geometries judged on the way."""

    reading: Reading
    matrix: Matrix
    tried: int


class Search:
    """The search of one spectrum for one tile; it counts what it tries, for the p-value pays for every try."""

    def __init__(self, tile: Tile, key: bytes, spectrum: Spectrum) -> None:
        self.tile, self.key, self.spectrum = tile, key, spectrum
        self.tried = 0

    def waves(self, matrix: Matrix) -> Waves:
        """Return the normalised waves under *matrix*."""
        self.tried += 1
        return normalised(self.tile, self.spectrum.at(self.tile.waves @ matrix / TILE))

    def matched(self, matrix: Matrix) -> Waves:
        """Return the waves under *matrix*, weighted by what was measured of signal and noise."""
        self.tried += 1
        band = self.spectrum.at(WAVE_NUMBERS.reshape(-1, 2) @ matrix / TILE)
        return matched(self.tile, band.reshape(WAVE_NUMBERS.shape[:2]))

    def run(self) -> Found | None:
        """Return the reading with the highest joint statistic, or None where no candidate decodes."""
        starts = []
        for candidate in candidates(self.tile, self.spectrum, anywhere=ANYWHERE, upright=UPRIGHT):
            starts += self._judged(candidate)
        starts.sort(key=lambda start: -start[0].z)
        best: Found | None = None
        for sync, turn, scale, mirrored in starts[:CLIMBED]:
            sync, matrix = self._climbed(sync, turn, scale, mirrored)
            reading = decoded(self.tile, self.key, self.matched(matrix), sync)
            if reading is not None and (best is None or reading.z > best.reading.z):
                best = Found(reading=reading, matrix=matrix, tried=self.tried)
                if reading.z > 15:
                    break
        if best is None:
            return None
        return self._polished(best)

    def _judged(self, candidate: Candidate) -> list[tuple[Sync, float, float, bool]]:
        """Return the sync peak of *candidate* and of its half turn, whose waves are the conjugates."""
        waves = self.waves(candidate.matrix)
        self.tried += 1
        return [
            (sync_of(self.tile, values), candidate.rotation + turn, candidate.scale, candidate.mirrored)
            for values, turn in ((waves, 0.0), (waves.conj(), np.pi))
        ]

    def _climbed(self, sync: Sync, turn: float, scale: float, mirrored: bool) -> tuple[Sync, Matrix]:
        """Return the highest sync peak near a start, and its linear map."""
        for step in STEPS:
            for _ in range(4):
                around = [(turn + a * step, scale * (1 + b * step)) for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1))]
                tries = [(sync_of(self.tile, self.waves(similarity(*p, mirrored))), p) for p in around]
                highest, place = max(tries, key=lambda t: t[0].z)
                if highest.z <= sync.z:
                    break
                sync, (turn, scale) = highest, place
        return sync, similarity(turn, scale, mirrored)

    def _polished(self, found: Found) -> Found:
        """Return *found* with its map refined over all six patterns: scale, rotation, aspect and shear."""
        reading, matrix = found.reading, found.matrix
        best, offset = self._joint(reading, matrix, self._middle(reading.offset, matrix))
        for pixels in (1.0, 0.5, 0.25, 0.12):
            reach = 2 * pixels / max(self.spectrum.centre)
            for _ in range(3):
                start = best
                for change in _CHANGES:
                    for sign in (1, -1):
                        trial = matrix + sign * reach / 2 * (change @ matrix)
                        z, place = self._joint(reading, trial, offset)
                        if z > best:
                            best, matrix, offset = z, trial, place
                            break
                if best <= start:
                    break
        corner = np.array(offset) - matrix @ np.array(self.spectrum.centre)
        sync = Sync(z=0.0, offset=(float(corner[0]) % TILE, float(corner[1]) % TILE), sign=reading.sign)
        again = decoded(self.tile, self.key, self.matched(matrix), sync)
        if again is None or again.payload != reading.payload:
            return found
        return Found(reading=again, matrix=matrix, tried=self.tried)

    def _middle(self, offset: tuple[float, float], matrix: Matrix) -> tuple[float, float]:
        """Return where *offset*, the place of the corner, puts the middle of the plane, which turning keeps."""
        x, y = np.array(offset) + matrix @ np.array(self.spectrum.centre)
        return float(x), float(y)

    def _joint(
        self, reading: Reading, matrix: Matrix, middle: tuple[float, float]
    ) -> tuple[float, tuple[float, float]]:
        """Return the joint statistic of *reading*'s symbols under *matrix*, and the middle that maximises it."""
        corner = np.array(middle) - matrix @ np.array(self.spectrum.centre)
        waves = reading.sign * self.waves(matrix)
        place = refined_offset(self.tile, waves, reading.symbols, (float(corner[0]), float(corner[1])))
        return joint_z(self.tile, waves, reading.symbols, place), self._middle(place, matrix)


_CHANGES = tuple(
    np.array(change)
    for change in (
        [[1.0, 0.0], [0.0, 1.0]],  # scale
        [[0.0, -1.0], [1.0, 0.0]],  # rotation
        [[1.0, 0.0], [0.0, -1.0]],  # aspect
        [[0.0, 1.0], [1.0, 0.0]],  # shear
    )
)
