"""Decoding: from the waves of a folded picture to translation, sign and symbols.

A *spectrum of waves* is the complex amplitude of the examined picture at each wave of the tile, under one
hypothesis of rotation and scale. Translation then turns phases, and is found by one correlation with the sync
pattern; each symbol by two more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from disclose.watermark.image import code
from disclose.watermark.image.code import SHIFT_STEP, SHIFTS, SYMBOLS, Symbol
from disclose.watermark.image.tile import TILE, Tile

Waves = NDArray[np.complex64]

ALTERNATIVES = 3  # likeliest values of each symbol that are tried against the check
DOUBT_LIMIT = 1e-6  # probability of another payload above which none is reported
MAXIMUM_ROUNDS = 4  # of decoding and realigning


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
    weighted = waves * tile.amplitudes
    energy = float(np.sqrt(np.sum(np.abs(weighted) ** 2) / 2))
    result: Waves = weighted / np.float32(max(energy, 1e-12))
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


def decoded(tile: Tile, key: bytes, waves: Waves, sync: Sync) -> Reading | None:
    """Return the reading of normalised *waves* aligned by *sync*, or None where no payload passes the check.

    Symbols and offset are settled in turns: the symbols found give five more patterns to align by.
    """
    offset = sync.offset
    seen: tuple[Symbol, ...] = ()
    for _ in range(MAXIMUM_ROUNDS):
        aligned = sync.sign * _shifted(tile, waves, offset)
        scores = _symbol_scores(tile, aligned)
        symbols = tuple(Symbol.of(int(np.argmax(row))) for row in scores)
        if symbols == seen:
            break
        seen = symbols
        offset = refined_offset(tile, sync.sign * waves, symbols, offset)
    reading = _checked(tile, key, aligned, scores)
    return reading and replace(reading, offset=offset, sign=sync.sign)


def joint_z(tile: Tile, waves: Waves, symbols: tuple[Symbol, ...], offset: tuple[float, float]) -> float:
    """Return the joint statistic of normalised *waves*: the mean over all six patterns, in deviations."""
    reference = _reference(tile, symbols)
    return float(np.sum((_shifted(tile, waves, offset) * reference.conj()).real))


def refined_offset(
    tile: Tile, waves: Waves, symbols: tuple[Symbol, ...], offset: tuple[float, float]
) -> tuple[float, float]:
    """Return *offset* moved to the nearest maximum of the joint correlation (Newton's method)."""
    product_ = (waves * _reference(tile, symbols).conj()).astype(np.complex128)
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


def _checked(tile: Tile, key: bytes, aligned: Waves, scores: NDArray[np.float32]) -> Reading | None:
    """Return the likeliest codeword that passes the check, with its doubt.

    A true peak has height about *level* with unit noise, so the likelihood of a value grows as
    exp(level * score); the doubt is the share of all other codewords that would pass the check.
    """
    best = np.argpartition(scores, -ALTERNATIVES, axis=1)[:, -ALTERNATIVES:]
    tops = np.take_along_axis(scores, best, axis=1)
    order = np.argsort(-tops, axis=1)
    best, tops = np.take_along_axis(best, order, axis=1), np.take_along_axis(tops, order, axis=1)
    level = max(1.0, float(tops[:, 0].mean()))
    ranked = sorted(product(range(ALTERNATIVES), repeat=SYMBOLS), key=lambda r: -tops[range(SYMBOLS), r].sum())
    for ranks in ranked:
        payload = code.decode([int(v) for v in best[range(SYMBOLS), ranks]], key)
        if payload is not None:
            break
    else:
        return None
    chosen = tops[range(SYMBOLS), ranks].astype(np.float64)
    rivals = np.exp(np.minimum(level * (scores - chosen[:, None]), 50.0)).sum(axis=1) - 1
    others = float(np.expm1(np.log1p(np.maximum(rivals, 0)).sum())) / 2**code.CHECK_BITS
    symbols = code.encode(payload, key)
    z = joint_z(tile, aligned, symbols, (0.0, 0.0))
    return Reading(payload=payload, z=z, doubt=others / (1 + others), offset=(0.0, 0.0), sign=1, symbols=symbols)


def _symbol_scores(tile: Tile, aligned: Waves) -> NDArray[np.float32]:
    """Return the correlation of each symbol's every value, shape (SYMBOLS, 2**14), in order of the value."""
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


def _reference(tile: Tile, symbols: tuple[Symbol, ...]) -> Waves:
    """Return the unit-variance sum of the sync pattern and the patterns of *symbols*."""
    total = tile.phasors[0].copy()
    for index, symbol in enumerate(symbols):
        turn = np.exp(-2j * np.pi * (tile.waves @ np.array(symbol.shift)) / TILE)
        total += symbol.sign * tile.phasors[1 + 2 * index + symbol.pattern] * turn
    result: Waves = (total / np.sqrt(1 + SYMBOLS)).astype(np.complex64)
    return result


def _shifted(tile: Tile, waves: Waves, offset: tuple[float, float]) -> Waves:
    """Return *waves* with the translation *offset* taken out."""
    turn = np.exp(-2j * np.pi * (tile.waves @ np.array(offset)) / TILE)
    return np.asarray(waves * turn, dtype=np.complex64)


def _vertex(three: NDArray[np.float32]) -> float:
    """Return where the parabola through *three* neighbouring values has its top, in (-0.5, 0.5)."""
    left, middle, right = (float(v) for v in three)
    bend = left - 2 * middle + right
    return 0.0 if bend >= 0 else max(-0.5, min(0.5, 0.5 * (left - right) / bend))
