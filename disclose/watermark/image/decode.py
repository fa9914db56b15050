"""Decoding: from the waves of a folded picture to translation, sign and symbols.

A *spectrum of waves* is the complex amplitude of the examined picture at each wave of the tile, under one
hypothesis of rotation and scale. Translation then turns phases, and is found by one correlation with the sync
pattern; each symbol by two more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from disclose.watermark.image import code
from disclose.watermark.image.code import SHIFTS, SYMBOLS, Symbol
from disclose.watermark.image.tile import BAND, RINGS, TILE, Tile, smoothed

Waves = NDArray[np.complex64]

TRIED = 4  # likeliest values of each symbol that are put to the check
DOUBT_LIMIT = 1e-4  # probability of another payload above which none is reported
HOPELESS_Z = 11.8  # joint statistic below which no alignment will lift a reading to significance, about 12
MAXIMUM_ROUNDS = 4  # of decoding and realigning
NEGLIGIBLE_SHIFT = 0.1  # canonical pixels: the fastest wave turns by 9 degrees, which no symbol notices
LOUDEST = 30.0  # power, in noise powers, at which one wave's vote on its ring is capped
FAINTEST = 0.15  # excess power that a ring is granted although none was seen

_NEAR_OFFSETS = np.arange(-2.0, 2.5, 0.5).tolist()  # canonical pixels from the corner, on each axis
NEAR = len(_NEAR_OFFSETS) ** 2
_BAND_AROUND = smoothed(BAND.astype(np.float32))
_EACH = np.arange(SYMBOLS)
_RANKS = np.array(list(product(range(TRIED), repeat=SYMBOLS)))  # which of its likeliest values each symbol takes


@dataclass(frozen=True, kw_only=True)
class Sync:
    """A correlation peak of the sync pattern: its height *z* in deviations, offset (x, y) and sign."""

    z: float
    offset: tuple[float, float]
    sign: int


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One decoded tile: the payload, the joint statistic *z* and the probability of *doubt* about the payload."""

    payload: int
    z: float
    doubt: float
    offset: tuple[float, float]
    sign: int
    symbols: tuple[Symbol, ...]


def normalised(tile: Tile, waves: Waves) -> Waves:
    """Return *waves* weighted for white noise and scaled so that a correlation has unit variance by chance."""
    return _unit_energy(waves * tile.amplitudes)


def matched(tile: Tile, band: NDArray[np.complex64]) -> Waves:
    """Return the tile's waves in *band*, shape (63, 31), weighted by how far each stands out, with unit variance.

    The band's unused waves hold nothing but picture, so they tell the noise next to every wave of the tile; how far
    the tile's own stand above it tells which frequencies survived. Both look at magnitudes only, and the null
    model's randomness is in the phases: no p-value suffers.
    """
    return weighted(tile, _over_noise(tile, band))


def weighted(tile: Tile, white: Waves) -> Waves:
    """Return waves over their noise, weighted by how far those of like frequency stand out, with unit variance."""
    loud = np.minimum(np.square(np.abs(white)), LOUDEST)
    rings = np.bincount(tile.rings, loud, RINGS) / np.bincount(tile.rings, minlength=RINGS) - 1
    excess = np.convolve(np.pad(rings, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    return _unit_energy(white * np.sqrt(np.maximum(excess, 0) + FAINTEST)[tile.rings].astype(np.float32))


def prominence(tile: Tile, band: NDArray[np.complex64]) -> float:
    """Return how far the tile's waves stand above the unused ones in *band*, in noise powers: 0 where none is."""
    return float(np.minimum(np.square(np.abs(_over_noise(tile, band))), LOUDEST).mean()) - 1


def rank_score(tile: Tile, band: NDArray[np.complex64]) -> float:
    """Return how far the tile's waves outrank the unused ones in *band*, in deviations (Wilcoxon's rank sum).

    Each wave's power is measured against the mean around it, so that no frequency outranks another by its colour.
    """
    power = np.square(band.real) + np.square(band.imag)
    around = smoothed(np.where(BAND, power, np.float32(0))) / np.maximum(_BAND_AROUND, np.float32(1e-6))
    ranks = np.argsort(np.argsort((power / np.maximum(around, np.float32(1e-12)))[BAND])) + 1.0
    used = tile.support[BAND]
    chosen, left = int(used.sum()), int((~used).sum())
    deviation = np.sqrt(chosen * left * (chosen + left + 1) / 12)
    return float((ranks[used].sum() - chosen * (chosen + left + 1) / 2) / deviation)


def _over_noise(tile: Tile, band: NDArray[np.complex64]) -> Waves:
    """Return the tile's waves in *band* over the deviation of the unused waves around each."""
    power = np.square(band.real) + np.square(band.imag)
    total = smoothed(np.where(tile.unused, power, np.float32(0)))[tile.support]
    noise = total / np.maximum(tile.unused_around, np.float32(1e-6))
    return np.asarray(band[tile.support] / np.sqrt(np.maximum(noise, np.float32(1e-12))), dtype=np.complex64)


def _unit_energy(waves: Waves) -> Waves:
    energy = float(np.sqrt(np.sum(np.square(np.abs(waves))) / 2))
    result: Waves = (waves / np.float32(max(energy, 1e-12))).astype(np.complex64)
    return result


def sync_of(tile: Tile, waves: Waves) -> Sync:
    """Return the highest peak of the sync pattern in normalised *waves*, of either sign."""
    surface = _correlation(tile, waves.conj() * tile.phasors[0], TILE)
    index = int(np.argmax(np.abs(surface)))
    y, x = divmod(index, TILE)
    sign = 1 if surface[y, x] > 0 else -1
    across = sign * surface[y, (x - 1, x, (x + 1) % TILE)]
    down = sign * surface[(y - 1, y, (y + 1) % TILE), x]
    return Sync(z=float(across[1]), offset=(x + _vertex(across), y + _vertex(down)), sign=sign)


def sync_at_corner(tile: Tile, waves: Waves) -> float:
    """Return the highest peak of the sync pattern where an uncropped picture has it: NEAR places within two pixels."""
    near = (waves * tile.phasors[0].conj()) @ _turned_near(tile).T
    return float(np.abs(near.real).max())


@lru_cache(maxsize=8)
def _turned_near(tile: Tile) -> NDArray[np.complex64]:
    return np.stack([tile.turned(offset) for offset in product(_NEAR_OFFSETS, repeat=2)])


def decoded(tile: Tile, key: bytes, waves: Waves, sync: Sync) -> Reading | None:
    """Return the reading of normalised *waves* aligned by *sync*, or None where no payload passes the check.

    Symbols and offset are settled in turns: the symbols found give five more patterns to align by.
    """
    offset = sync.offset
    seen: tuple[Symbol, ...] = ()
    for _ in range(MAXIMUM_ROUNDS):
        aligned = sync.sign * _shifted(tile, waves, offset)
        scores = symbol_scores(tile, aligned)
        if sync.z + float(scores.max(axis=1).sum()) < HOPELESS_Z * np.sqrt(1 + SYMBOLS):
            return None
        symbols = likeliest_symbols(scores)
        if symbols == seen:
            break
        seen, before = symbols, offset
        offset = refined_offset(tile, sync.sign * waves, symbols, offset)
        if abs(offset[0] - before[0]) + abs(offset[1] - before[1]) < NEGLIGIBLE_SHIFT:
            break
    reading = checked(tile, key, aligned, scores)
    return reading and replace(reading, offset=offset, sign=sync.sign)


def joint_z(tile: Tile, waves: Waves, symbols: tuple[Symbol, ...], offset: tuple[float, float]) -> float:
    """Return the joint statistic of normalised *waves*: the mean over all six patterns, in deviations."""
    reference = reference_of(tile, symbols)
    return float(np.sum((_shifted(tile, waves, offset) * reference.conj()).real))


def refined_offset(
    tile: Tile, waves: Waves, symbols: tuple[Symbol, ...], offset: tuple[float, float]
) -> tuple[float, float]:
    """Return *offset* moved to the nearest maximum of the joint correlation (Newton's method)."""
    product_ = (waves * reference_of(tile, symbols).conj()).astype(np.complex128)
    k = 2 * np.pi * tile.waves / TILE
    here = np.array(offset)
    for _ in range(3):
        terms = product_ * np.exp(-1j * (k @ here))
        slope = k.T @ terms.imag
        bend = -(k.T * terms.real) @ k
        if bend[0, 0] >= 0 or np.linalg.det(bend) <= 0:  # not a maximum: stay
            break
        here = here - np.clip(np.linalg.solve(bend, slope), -0.5, 0.5)
    return float(here[0]), float(here[1])


def checked(tile: Tile, key: bytes, aligned: Waves, scores: NDArray[np.float32]) -> Reading | None:
    """Return the likeliest codeword that passes the check, with its doubt.

    A true peak has height about *level* with unit noise, so the likelihood of a value grows as exp(level * score).
    The doubt is the share of other codewords that would pass the check; those that were put to it and failed are
    known not to be the one.
    """
    tops = np.argpartition(scores, -TRIED, axis=1)[:, -TRIED:]
    heights = np.take_along_axis(scores, tops, axis=1)
    level = max(1.0, float(heights.max(axis=1).mean()))
    totals = heights[_EACH, _RANKS].sum(axis=1)
    order = np.argsort(-totals, kind="stable")
    passing = ((place, code.decode(tops[_EACH, _RANKS[index]].tolist(), key)) for place, index in enumerate(order))
    place, payload = next(((place, payload) for place, payload in passing if payload is not None), (0, None))
    if payload is None:
        return None
    index = order[place]
    chosen = heights[_EACH, _RANKS[index]]
    all_of_them = 1.0
    for row, height in zip(scores, chosen, strict=True):
        near = row[row > height - 30 / level].astype(np.float64) - height
        all_of_them *= float(np.exp(np.minimum(level * near, 50.0)).sum())
    behind = totals[order[: place + 1]].astype(np.float64) - totals[index]
    known = float(np.exp(np.minimum(level * behind, 250.0)).sum())
    others = max(all_of_them - known, 0.0) / 2**code.CHECK_BITS
    symbols = code.encode(payload, key)
    z = joint_z(tile, aligned, symbols, (0.0, 0.0))
    return Reading(payload=payload, z=z, doubt=others / (1 + others), offset=(0.0, 0.0), sign=1, symbols=symbols)


def symbol_scores(tile: Tile, aligned: Waves) -> NDArray[np.float32]:
    """Return the correlation of each symbol's every value, shape (SYMBOLS, 2**16), in order of the value."""
    surfaces = _correlation(tile, aligned * tile.phasors[1:].conj(), SHIFTS).reshape(SYMBOLS, -1)
    return np.concatenate([surfaces, -surfaces], axis=1)


def _correlation(tile: Tile, products: NDArray[np.complex64], size: int) -> NDArray[np.float32]:
    """Return the real part of the sum of *products* turned by every shift on a grid of *size* by *size*."""
    kx, ky = tile.waves.T
    grid = np.zeros((*products.shape[:-1], size, size // 2 + 1), np.complex64)
    grid[..., ky, kx] = products
    surface = fft.irfft2(grid, s=(size, size), norm="forward", workers=1, overwrite_x=True)
    result: NDArray[np.float32] = surface * np.float32(0.5)
    return result


def likeliest_symbols(scores: NDArray[np.float32]) -> tuple[Symbol, ...]:
    """Return the highest of each symbol's *scores*, whether the check passes or not."""
    return tuple(Symbol.of(int(np.argmax(row))) for row in scores)


def reference_of(tile: Tile, symbols: tuple[Symbol, ...]) -> Waves:
    """Return the unit-variance sum of the sync pattern and the patterns of *symbols*."""
    result: Waves = tile.phasors_of(symbols) / np.float32(np.sqrt(1 + SYMBOLS))
    return result


def _shifted(tile: Tile, waves: Waves, offset: tuple[float, float]) -> Waves:
    """Return *waves* with the translation *offset* taken out."""
    return waves * tile.turned(offset)


def _vertex(three: NDArray[np.float32]) -> float:
    """Return where the parabola through *three* neighbouring values has its top, in (-0.5, 0.5)."""
    left, middle, right = (float(v) for v in three)
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (left - right) / bend))
