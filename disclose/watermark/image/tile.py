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
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image.code import SHIFT_STEP, SYMBOLS, Symbol

VERSION = 1
DEFAULT_KEY = b"disclose public image watermark key"

TILE = 128  # canonical pixels on each side
REACH = 31  # highest wave number on an axis; below 32, so that shifts in steps of two samples lose nothing
LOWEST, HIGHEST = 0.035, 0.2461  # cycles per canonical pixel
OCCUPANCY = 0.25  # share of the band's frequencies that the key selects
PATTERNS = 1 + 2 * SYMBOLS  # sync, and two alternatives for each symbol
SYNC_GAIN = 1.15  # the sync is read among more alternatives than a symbol


@dataclass(frozen=True, kw_only=True, eq=False)
class Tile:
    """The patterns of one key: wave *k* of pattern *p* is ``amplitude[k] * cos(2 pi waves[k].x / 128 + phase)``.

    ``waves`` has shape (n, 2), whole numbers (kx, ky) in the half plane kx > 0; ``amplitudes`` (n,);
    ``phasors`` (PATTERNS, n) holds exp(i phase). Coordinates x are continuous, the tile's corner at (0, 0).
    """

    waves: NDArray[np.int64]
    amplitudes: NDArray[np.float32]
    phasors: NDArray[np.complex64]

    def spectrum(self, symbols: tuple[Symbol, ...]) -> NDArray[np.complex64]:
        """Return the complex amplitude of each wave, shape (n,), of a tile carrying *symbols*."""
        total = SYNC_GAIN * self.phasors[0]
        for index, symbol in enumerate(symbols):
            turn = np.exp(-2j * np.pi * (self.waves @ np.array(symbol.shift)) / TILE)
            total = total + symbol.sign * self.phasors[1 + 2 * index + symbol.pattern] * turn
        result: NDArray[np.complex64] = (total * self.amplitudes).astype(np.complex64)
        return result

    def render(self, spectrum: NDArray[np.complex64]) -> NDArray[np.float32]:
        """Return the tile of *spectrum* sampled at pixel centres, shape (128, 128), with unit RMS."""
        kx, ky = self.waves.T
        grid = np.zeros((TILE, TILE // 2 + 1), np.complex128)
        grid[ky, kx] = spectrum * np.exp(1j * np.pi * (kx + ky) / TILE)
        samples = np.fft.irfft2(grid)
        return (samples / samples.std()).astype(np.float32)


@lru_cache(maxsize=8)
def tile_of(key: bytes) -> Tile:
    """Return the tile of *key* in this version of the layout."""
    ky, kx = np.mgrid[-REACH : REACH + 1, 1 : REACH + 1].reshape(2, -1)
    frequency = np.hypot(kx, ky) / TILE
    # The axes are left out: edges of pictures and the grid of block codecs live there.
    band = (frequency >= LOWEST) & (frequency <= HIGHEST) & (ky != 0)
    kx, ky, frequency = kx[band], ky[band], frequency[band]
    order = np.argsort(_random_words(key, "support", len(kx)), kind="stable")
    chosen = np.sort(order[: round(OCCUPANCY * len(kx))])
    words = _random_words(key, "phases", PATTERNS * len(chosen)).reshape(PATTERNS, -1)
    return Tile(
        waves=np.stack([kx[chosen], ky[chosen]], axis=1),
        amplitudes=(frequency[chosen] ** -0.5).astype(np.float32),
        phasors=np.exp(2j * np.pi * (words / 2.0**32)).astype(np.complex64),
    )


def _random_words(key: bytes, purpose: str, count: int) -> NDArray[np.uint32]:
    """Return *count* uniform 32-bit words that depend on nothing but key, version and purpose."""
    seed = hashlib.sha256(b"disclose image watermark %d " % VERSION + purpose.encode() + b"\0" + key).digest()
    return np.frombuffer(hashlib.shake_256(seed).digest(4 * count), dtype="<u4")
