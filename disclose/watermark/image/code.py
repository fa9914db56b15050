"""The code: 64 payload bits and a check of 16 as five symbols of 16 bits.

A symbol is one of eight patterns, one of 64 by 64 cyclic shifts in steps of two canonical pixels, and a sign:
8 * 4096 * 2 = 2**16 (M-ary biorthogonal signalling). Shifts of one pixel would correlate to about 0.7 and be the
first thing a decoder confuses; at two pixels they are nearly independent. More patterns cost the decoder time and
the picture nothing, so the check is as long as they allow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

PAYLOAD_BITS = 64
CHECK_BITS = 16
SYMBOLS = 5
SYMBOL_BITS = 16
ALTERNATIVES = 8  # patterns that a symbol chooses from
SHIFT_STEP = 2  # canonical pixels
SHIFTS = 64  # on each axis


@dataclass(frozen=True, kw_only=True)
class Symbol:
    """One symbol: which pattern (0 to 7), its cyclic shift (x, y) in canonical pixels, and its sign (1 or -1)."""

    pattern: int
    shift: tuple[int, int]
    sign: int

    @classmethod
    def of(cls, value: int) -> Symbol:
        """Return the symbol of a 16-bit *value*."""
        cell = value & 0xFFF
        shift = (SHIFT_STEP * (cell % SHIFTS), SHIFT_STEP * (cell // SHIFTS))
        return cls(pattern=value >> 12 & 7, shift=shift, sign=-1 if value >> 15 else 1)

    @property
    def value(self) -> int:
        """The 16 bits this symbol stands for."""
        cell = self.shift[1] // SHIFT_STEP * SHIFTS + self.shift[0] // SHIFT_STEP
        return (self.sign < 0) << 15 | self.pattern << 12 | cell


def encode(payload: int, key: bytes) -> tuple[Symbol, ...]:
    """Return the five symbols of *payload*."""
    if not 0 <= payload < 1 << PAYLOAD_BITS:
        raise ValueError(f"The payload must be a whole number of {PAYLOAD_BITS} bits, not {payload}.")
    word = payload << CHECK_BITS | _check(payload, key)
    return tuple(Symbol.of(word >> SYMBOL_BITS * index & 0xFFFF) for index in range(SYMBOLS))


def decode(values: Sequence[int], key: bytes) -> int | None:
    """Return the payload of five 16-bit *values*, or None where the check refuses them."""
    word = sum(int(value) << SYMBOL_BITS * index for index, value in enumerate(values))
    payload = word >> CHECK_BITS
    return payload if word & (1 << CHECK_BITS) - 1 == _check(payload, key) else None


def _check(payload: int, key: bytes) -> int:
    """Return a keyed check, under which any wrong payload passes once in 65,536."""
    digest = hashlib.blake2b(payload.to_bytes(8, "big"), key=hashlib.sha256(key).digest(), person=b"disclose image 1")
    return int.from_bytes(digest.digest()[:2], "big")
