"""The tile: the keyed patterns of 128 by 128 canonical pixels that carry sync and symbols.

Every pattern is a sum of plane waves on one keyed, sparse set of frequencies (the support), with keyed random
phases of its own. The support is the same whatever the payload, so the magnitude spectrum is a template that
betrays rotation and scale (Pereira & Pun 2000); repeating the tile makes any crop hold whole copies
(Kutter 1998); the random phases make every correlation under the null hypothesis a sum of independent,
bounded terms (see significance.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from disclose.watermark.image.code import ALTERNATIVES, SYMBOLS, Symbol

VERSION = 1
DEFAULT_KEY = b"disclose public image watermark key"

TILE = 128  # canonical pixels on each side
REACH = 31  # highest wave number on an axis; below 32, so that shifts in steps of two samples lose nothing
LOWEST, HIGHEST = 0.035, 0.225  # cycles per canonical pixel
OCCUPANCY = 0.28  # share of the band's frequencies that the key selects
PATTERNS = 1 + ALTERNATIVES * SYMBOLS  # sync, and the alternatives for each symbol
RINGS = 8
NEIGHBOURHOOD = 9  # wave numbers over which the noise is averaged
SYNC_GAIN = 1.15  # the sync is read among more alternatives than a symbol

# (kx, ky) of the half plane kx > 0, which holds all there is to know of a real tile: shape (63, 31, 2).
WAVE_NUMBERS = np.stack(np.meshgrid(np.arange(1, REACH + 1), np.arange(-REACH, REACH + 1)), axis=-1)
_FREQUENCIES = np.hypot(*WAVE_NUMBERS.transpose(2, 0, 1)) / TILE
# The axes are left out: edges of pictures and the grid of block codecs live there.
BAND = (_FREQUENCIES >= LOWEST) & (_FREQUENCIES <= HIGHEST) & (WAVE_NUMBERS[..., 1] != 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """The patterns of one key: wave *k* of pattern *p* is ``amplitude[k] * cos(2 pi waves[k].x / 128 + phase)``.

    Coordinates x are continuous, the tile's corner at (0, 0). ``support`` marks the n waves that the key chose on
    WAVE_NUMBERS and ``unused`` those of the band that it left empty; ``waves``, shape (n, 2), lists the chosen,
    ``amplitudes`` (n,) and ``phasors`` (PATTERNS, n), exp(i phase), go with them, and ``rings`` (n,) sorts them by
    frequency into RINGS groups of equal size.
    """

    support: NDArray[np.bool_]
    waves: NDArray[np.int64]
    amplitudes: NDArray[np.float32]
    phasors: NDArray[np.complex64]
    rings: NDArray[np.int64]
    unused: NDArray[np.bool_]

    @cached_property
    def unused_around(self) -> NDArray[np.float32]:
        """The share of unused waves around each of the tile's own, shape (n,)."""
        return smoothed(self.unused.astype(np.float32))[self.support]

    def spectrum(self, symbols: tuple[Symbol, ...]) -> NDArray[np.complex64]:
        """Return the complex amplitude of each wave, shape (n,), of a tile carrying *symbols*, with unit RMS."""
        return unit_rms(self.phasors_of(symbols, SYNC_GAIN) * self.amplitudes)

    def balanced_spectrum(self, symbols: tuple[Symbol, ...]) -> NDArray[np.complex64]:
        """Return what :meth:`spectrum` does, with each pattern just so loud that all symbols correlate alike.

        On the same waves patterns are never quite orthogonal: each hears some of the others, for or against it.
        """
        patterns = self._patterns_of(symbols) * self.amplitudes
        heard = np.where(np.arange(len(patterns)), 1.0, SYNC_GAIN)
        gains = np.linalg.solve((patterns @ patterns.conj().T).real, heard)
        return unit_rms(gains.astype(np.float32) @ patterns)

    def phasors_of(self, symbols: tuple[Symbol, ...], sync_gain: float = 1.0) -> NDArray[np.complex64]:
        """Return the sum, shape (n,), of the sync pattern's phasors and those of *symbols*."""
        patterns = self._patterns_of(symbols)
        patterns[0] *= np.float32(sync_gain)
        total: NDArray[np.complex64] = patterns.sum(axis=0)
        return total

    def _patterns_of(self, symbols: tuple[Symbol, ...]) -> NDArray[np.complex64]:
        """Return the phasors of the sync pattern and of each of *symbols*, shape (1 + SYMBOLS, n)."""
        data = (
            np.float32(symbol.sign)
            * self.phasors[1 + ALTERNATIVES * index + symbol.pattern]
            * self.turned(symbol.shift)
            for index, symbol in enumerate(symbols)
        )
        return np.stack([self.phasors[0], *data])

    def turned(self, offset: tuple[float, float]) -> NDArray[np.complex64]:
        """Return the factor, shape (n,), by which moving a tile by *offset* (x, y) turns each wave."""
        angle = -2 * np.pi / TILE * (self.waves @ np.array(offset))
        result: NDArray[np.complex64] = np.exp(1j * angle).astype(np.complex64)
        return result

    def render(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the tile of *spectrum* sampled at pixel centres, shape (128, 128)."""
        kx, ky = self.waves.T
        grid = np.zeros((TILE, TILE // 2 + 1), np.complex64)
        grid[ky, kx] = spectrum * np.exp(1j * np.pi / TILE * (kx + ky)) / 2
        result: NDArray[np.float32] = fft.irfft2(grid, norm="forward", workers=1)
        return result


def smoothed(band: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean around each wave number of *band*."""
    result: NDArray[np.float32] = ndimage.uniform_filter(band, NEIGHBOURHOOD, mode="nearest")
    return result


def unit_rms(spectrum: NDArray[np.complex64]) -> NDArray[np.complex64]:
    """Return *spectrum* scaled so that its tile has unit RMS: a wave of amplitude a has power a*a/2."""
    result: NDArray[np.complex64] = spectrum / np.sqrt(np.sum(np.abs(spectrum) ** 2) / 2)
    return result


@lru_cache(maxsize=8)
def tile_of(key: bytes) -> Tile:
    """Return the tile of *key* in this version of the layout."""
    places = np.flatnonzero(BAND)
    order = np.argsort(_random_words(key, "support", len(places)), kind="stable")
    support = np.zeros_like(BAND)
    support.flat[places[order[: round(OCCUPANCY * len(places))]]] = True
    words = _random_words(key, "phases", PATTERNS * int(support.sum())).reshape(PATTERNS, -1)
    return Tile(
        support=support,
        waves=WAVE_NUMBERS[support],
        amplitudes=(_FREQUENCIES[support] ** -0.5).astype(np.float32),
        phasors=np.exp(2j * np.pi * (words / 2.0**32)).astype(np.complex64),
        rings=np.argsort(np.argsort(_FREQUENCIES[support])) * RINGS // int(support.sum()),
        unused=BAND & ~support,
    )


def _random_words(key: bytes, purpose: str, count: int) -> NDArray[np.uint32]:
    """Return *count* uniform 32-bit words that depend on nothing but key, version and purpose."""
    seed = hashlib.sha256(b"disclose image watermark %d " % VERSION + purpose.encode() + b"\0" + key).digest()
    return np.frombuffer(hashlib.shake_256(seed).digest(4 * count), dtype="<u4")
