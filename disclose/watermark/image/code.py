"""The code: 64 payload bits and a check of 6 as five symbols of 14 bits.

A symbol is one of two patterns, one of 64 by 64 cyclic shifts in steps of two canonical pixels, and a sign:
2 * 4096 * 2 = 2**14 (M-ary biorthogonal signalling). Neighbouring shifts of one pixel would correlate to
about 0.7 and be the first thing a decoder confuses; at two pixels they are nearly independent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

PAYLOAD_BITS = 64
CHECK_BITS = 6
SYMBOLS = 5
SYMBOL_BITS = 14
SHIFT_STEP = 2  # canonical pixels
SHIFTS = 64  # on each axis


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """One symbol: which pattern (0 or 1), its cyclic shift (x, y) in canonical pixels, and its sign (1 or -1)."""

    pattern: int
    shift: tuple[int, int]
    sign: int

    @classmethod
    def of(cls, value: int) -> Symbol:
        """Return the symbol of a 14-bit *value*."""
        cell = value & 0xFFF
        shift = (SHIFT_STEP * (cell % SHIFTS), SHIFT_STEP * (cell // SHIFTS))
        return cls(pattern=value >> 12 & 1, shift=shift, sign=-1 if value >> 13 else 1)

    @property
    def value(self) -> int:
        """The 14 bits this symbol stands for."""
        cell = self.shift[1] // SHIFT_STEP * SHIFTS + self.shift[0] // SHIFT_STEP
        return (self.sign < 0) << 13 | self.pattern << 12 | cell


def encode(payload: int, key: bytes) -> tuple[Symbol, ...]:
    """Return the five symbols of *payload*."""
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        raise ValueError(f"The payload must be a whole number of {PAYLOAD_BITS} bits, not {payload}.")
    word = payload << CHECK_BITS | _check(payload, key)
    return tuple(Symbol.of(word >> SYMBOL_BITS * index & 0x3FFF) for index in range(SYMBOLS))


def decode(values: Sequence[int], key: bytes) -> int | None:
    """Return the payload of five 14-bit *values*, or None where the check refuses them."""
    word = sum(int(value) << SYMBOL_BITS * index for index, value in enumerate(values))
    payload = word >> CHECK_BITS
    return payload if word & (1 << CHECK_BITS) - 1 == _check(payload, key) else None


def _check(payload: int, key: bytes) -> int:
    """Return a keyed check, under which any wrong payload passes once in 64."""
    digest = hashlib.blake2b(payload.to_bytes(8, "big"), key=hashlib.sha256(key).digest(), person=b"disclose image 1")
    return digest.digest()[0] >> 8 - CHECK_BITS
