"""The search: a picture turned, scaled, squeezed, sheared, taken askew or bent, read all the same.

Linear maps come from the template in the power spectrum (loglog.py, logpolar.py, template.py), and are judged by the
sync pattern, which sees phases and so far more. The likeliest are read block by block along their drift (drift.py).
Where none reads, the picture is taken for one that is bent as well (perspective.py). On five photographs and 17
geometric handlings 75 of 85 were read at 1024 pixels where rotation, scale and mirror image alone read 32.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image import loglog, logpolar
from disclose.watermark.image.blocks import Blocks
from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.code import Symbol
from disclose.watermark.image.decode import (
    Reading,
    checked,
    joint_z,
    likeliest_symbols,
    normalised,
    rank_score,
    reference_of,
    symbol_scores,
    sync_of,
    weighted,
)
from disclose.watermark.image.drift import Coefficients, Follower, moved, start
from disclose.watermark.image.perspective import unbent
from disclose.watermark.image.significance import least_z, presence_p_value
from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.template import Template
from disclose.watermark.image.tile import BAND, TILE, WAVE_NUMBERS, Tile

Matrix = NDArray[np.float64]

CANDIDATES = 8  # of upright maps, and of turned ones
JUDGED = 12  # of both, by the sync pattern
PURSUED = 2  # read along their drift
PURSUABLE_Z = 4.5  # sync peak below which a map is not pursued: the highest of 24 by chance is 4.7, a mark's 6 or more
CLEAR_SCORE = 6.5  # of the template, at which a map is worth unbending; the highest by chance is 5 to 6
MAPS = loglog.MAPS + logpolar.MAPS  # linear maps among which the candidates were the likeliest
ROUNDS = 4  # of reading and following
FOLLOWED_WAVES = (0.1, 0.2)  # cycles per canonical pixel listened to, one after the other, while only the sync is known
HOPELESS_Z = 11.4  # joint statistic of the likeliest symbols below which, once followed, they are chance
SURE_MARGIN = 1.5  # deviations above what is needed, from which no better reading is looked for


@dataclass(frozen=True, kw_only=True)
class Found:
    """A reading, the linear map and offset it was read under, and how many alignments were *tried* on the way."""

    reading: Reading
    matrix: Matrix
    tried: int


class Search:
    """The search of one whitened plane for one tile; it counts what it tries, for the p-value pays for every try.

    What is chosen by magnitudes alone is free: under the null hypothesis phases know nothing of them.
    """

    def __init__(self, tile: Tile, key: bytes, white: Plane) -> None:
        self.tile, self.key, self.white = tile, key, white
        self.tried = 0
        self.presence_p_value = 1.0
        self._best: Found | None = None

    def run(self) -> Found | None:
        """Return the reading with the highest joint statistic, or None where nothing decodes."""
        spectrum = Spectrum.of(self.white)
        template = Template(self.tile, spectrum)
        candidates = self._candidates(template)
        for matrix in self._judged(spectrum, candidates):
            if self._read(self._follower(matrix), start()):
                return self._best
        if self._best is None:
            self._unbend(np.eye(2))
        if self._best is None and template.scores(template.power, candidates[:1])[0] >= CLEAR_SCORE:
            # Something is there, but nobody held the camera straight: which way is up is not known either.
            clearest = candidates[0].astype(np.float64)
            self._unbend(clearest)
            self._unbend(-clearest)
        return self._best

    def _candidates(self, template: Template) -> NDArray[np.float32]:
        """Return the likeliest linear maps by the *template*, shape (m, 2, 2)."""
        starts = [
            loglog.upright_candidates(self.tile, template, CANDIDATES),
            logpolar.turned_candidates(self.tile, template, CANDIDATES),
        ]
        return template.climbed(np.concatenate(starts), JUDGED)

    def _judged(self, spectrum: Spectrum, matrices: NDArray[np.float32]) -> list[Matrix]:
        """Return the likeliest of *matrices* and their half turns, by the peak of the sync pattern."""
        judged = []
        seen = spectrum.at((self.tile.waves @ matrices / TILE).reshape(-1, 2)).reshape(len(matrices), -1)
        for matrix, values in zip(matrices.astype(np.float64), seen, strict=True):
            waves = normalised(self.tile, values)
            # Turned by half a turn, a picture's waves are the conjugates.
            judged += [(sync_of(self.tile, waves).z, matrix), (sync_of(self.tile, waves.conj()).z, -matrix)]
            self.tried += 2
        judged.sort(key=lambda pair: -pair[0])
        self._note_presence(spectrum, judged)
        return [matrix for z, matrix in judged[:PURSUED] if z >= PURSUABLE_Z]

    def _note_presence(self, spectrum: Spectrum, judged: list[tuple[float, Matrix]]) -> None:
        """Weigh how far the waves stand out, and the sync pattern peaks, under the likeliest of the *judged* maps."""
        for sync_z, matrix in judged[:PURSUED]:
            band = spectrum.at(WAVE_NUMBERS.reshape(-1, 2) @ matrix / TILE).reshape(BAND.shape)
            p = presence_p_value(rank_score(self.tile, band), MAPS, sync_z, len(judged))
            self.presence_p_value = min(self.presence_p_value, p)

    def _follower(self, matrix: Matrix) -> Follower:
        return Follower(tile=self.tile, blocks=Blocks.of(self.tile, self.white, matrix))

    def _unbend(self, matrix: Matrix) -> None:
        """Read what is bent, if magnitudes tell how."""
        follower = self._follower(matrix)
        bend = unbent(follower)
        if bend is not None:
            self._read(follower, bend)

    def _read(self, follower: Follower, drift: Coefficients) -> bool:
        """Read where the sync pattern is, following it; return whether that settles it."""
        waves = weighted(self.tile, follower.gathered(drift))
        sync = sync_of(self.tile, waves)
        drift = moved(drift, sync.offset)
        followed = drift
        for highest in FOLLOWED_WAVES:
            followed = follower.followed(followed, sync.sign * self.tile.phasors[0], degree=1, highest=highest)
        again = sync_of(self.tile, weighted(self.tile, follower.gathered(followed)))
        if again.z > sync.z:
            sync, drift = again, moved(followed, again.offset)
        self.tried += 2 + len(FOLLOWED_WAVES)
        seen: tuple[Symbol, ...] = ()
        for _ in range(ROUNDS):
            self.tried += 1
            aligned = sync.sign * weighted(self.tile, follower.gathered(drift))
            scores = symbol_scores(self.tile, aligned)
            symbols = likeliest_symbols(scores)
            z = joint_z(self.tile, aligned, symbols, (0.0, 0.0))
            reading = checked(self.tile, self.key, aligned, scores) if z >= HOPELESS_Z else None
            if reading is not None and (self._best is None or reading.z > self._best.reading.z):
                matrix, offset = follower.linear(drift)
                reading = replace(reading, offset=offset, sign=sync.sign)
                self._best = Found(reading=reading, matrix=matrix, tried=self.tried)
            if symbols == seen or (seen and z < HOPELESS_Z):
                break
            seen = symbols
            drift = follower.followed(drift, sync.sign * reference_of(self.tile, symbols), degree=2)
        return self._best is not None and self._best.reading.z > least_z(self.tried) + SURE_MARGIN
