"""Packed hashes: perceptual hashes of 256 bits in memory, and an exact search for the nearest among them.

Whoever looks for a picture looks for its eight rotations and reflections at once, and their hashes hang together: a
reflection turns the signs of every other row or column of a cosine transform over. PDQ keeps 16 by 16 of those ("The
TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019, on dihedral hashes), against a
median that is nearly zero. So a hash is kept as four words, by the parity of row and column; what differs in one of
them, counted once, bounds what differs in four of the views: as it is, or taken from 64.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy
from numpy.typing import NDArray

BITS = 256
"""Of a hash."""
_WORDS, _WORD_BITS = 4, 64
_BLOCK = 32_768
"""Hashes compared at a time: what they need stays in the processor's cache."""
_FEW = 1024
_LEAST = 4
"""Those within so many bits of the least bound are compared first: the nearest of them excludes nearly all others."""
_LARGEST_SLACK = 24
"""Bits. Reflections of whole photographs are off by 14 at most, those of 95 in 100 random parts of them by 20; with
more than this, a bound would leave too much to be compared anew."""
_TOLD_BY_THREE, _TOLD_BY_FOUR = 76, 100
"""Bits. Of unrelated hashes, three words are bounded by 90 with a deviation of 5 and four by 118 with one of 6, so
that what lies within these is rare."""
_EVEN, _ODD, _ONE = numpy.uint64(0xAAAA_AAAA_AAAA_AAAA), numpy.uint64(0x5555_5555_5555_5555), numpy.uint64(1)

Words = NDArray[numpy.uint64]
Counts = NDArray[numpy.uint8]
Places = NDArray[numpy.intp]


class PackedHashes:
    """Hashes of 256 bits with a number each: 40 bytes of memory a hash, up to 60 while more are added.

    A search takes a byte more a hash for every family of hashes wanted: two for the eight views of a picture.
    """

    def __init__(self) -> None:
        self._words = numpy.empty((_WORDS, 0), numpy.uint64)
        self._numbers = numpy.empty(0, numpy.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, numbers: Sequence[int] | NDArray[numpy.int64], hashes: bytes) -> None:
        """Add *hashes*, 32 bytes each, in the order of their *numbers*."""
        added = len(numbers)
        if self._count + added > len(self._numbers):
            room = max(1024, self._count + added, len(self._numbers) * 3 // 2)
            words, own = numpy.empty((_WORDS, room), numpy.uint64), numpy.empty(room, numpy.int64)
            words[:, : self._count], own[: self._count] = (
                self._words[:, : self._count],
                self._numbers[: self._count],
            )
            self._words, self._numbers = words, own
        end = self._count + added
        self._words[:, self._count : end] = _by_parity(hashes)
        self._numbers[self._count : end] = numbers
        self._count = end

    def nearest(self, hashes: Iterable[bytes], *, within: int = BITS) -> tuple[int, int] | None:
        """Return the number of the hash that differs least from any of *hashes*, and by how many bits.

        None says that all differ in more than *within* bits. Exact; of several as near, the one added first.
        """
        words = self._words[:, : self._count]
        families = _Family.all_of(_by_parity(b"".join(hashes))) if self._count else []
        slack = max((family.slack[-2] for family in families), default=0)
        used = _WORDS - 1 if within + slack <= _TOLD_BY_THREE else _WORDS
        best = within + 1, 0
        for family, bounds in zip(families, _bounds(families, words[:used]), strict=True):
            best = min(best, family.nearest(words, bounds, used, min(best[0], within)))
        return (int(self._numbers[best[1]]), best[0]) if best[0] <= within else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Family:
    """Hashes, shape (4, count), whose words are about those of ``head`` or, where ``turned``, their complement."""

    members: Words
    head: Words
    turned: tuple[bool, ...]
    slack: tuple[int, ...]
    """Bits by which the first 1, 2, 3 and 4 words of a member are off, at most."""

    @classmethod
    def all_of(cls, words: Words) -> list[Self]:
        """Return the families of hashes of shape (4, count); what is akin to no other is one by itself."""
        families = []
        left = words
        while left.shape[1]:
            differing = numpy.bitwise_count(left ^ left[:, :1]).astype(int)
            akin = numpy.minimum(differing, _WORD_BITS - differing).sum(axis=0) <= _LARGEST_SLACK
            members, opposite = left[:, akin], differing[:, akin] > _WORD_BITS // 2
            aligned = numpy.where(opposite, ~members, members)
            head = _majority(aligned)
            slack = numpy.bitwise_count(aligned ^ head[:, None]).cumsum(axis=0, dtype=int).max(axis=1)
            turned = tuple(opposite.any(axis=1).tolist())
            families.append(cls(members=members, head=head, turned=turned, slack=tuple(slack.tolist())))
            left = left[:, ~akin]
        return families

    def nearest(self, words: Words, bounds: Counts, used: int, within: int) -> tuple[int, int]:
        """Return how much the nearest of *words* differs from a member, and the first place of those.

        *bounds* are those by the first *used* words. What differs in more than *within* bits need not be found.
        """
        best = BITS + 1, 0
        if within + self.slack[used - 1] > _TOLD_BY_FOUR:
            best = self._compared(words, numpy.flatnonzero(bounds <= int(bounds.min()) + _LEAST)[:_FEW])
        left = numpy.flatnonzero(bounds <= min(within, best[0]) + self.slack[used - 1])
        for start in range(0, len(left), _BLOCK):
            places = left[start : start + _BLOCK]
            if used < _WORDS:
                nearer = _bounds([self], words.take(places, axis=1))[0] <= min(within, best[0]) + self.slack[-1]
                places = places[nearer]
            best = min(best, self._compared(words, places))
        return best

    def _compared(self, words: Words, places: Places) -> tuple[int, int]:
        """Return how much the nearest of *words* at *places* differs from a member, and the first place of those."""
        best = BITS + 1, 0
        for start in range(0, len(places), _FEW):
            some = places[start : start + _FEW]
            differing = words.take(some, axis=1)[:, None, :] ^ self.members[:, :, None]
            distances = numpy.bitwise_count(differing).sum(axis=0, dtype=numpy.uint16).min(axis=0)
            place = int(distances.argmin())
            best = min(best, (int(distances[place]), int(some[place])))
        return best


def _bounds(families: Sequence[_Family], words: Words) -> Counts:
    """Return in how many bits the first *words*, shape (3 or 4, count), of every hash differ at least from a family's.

    The shape is (families, count), and the slack is still to be taken off.
    """
    bounds = numpy.empty((len(families), words.shape[1]), numpy.uint8)
    differing = numpy.empty(min(_BLOCK, words.shape[1]), numpy.uint64)
    counted, opposite = numpy.empty((2, len(differing)), numpy.uint8)
    for start in range(0, words.shape[1], _BLOCK):
        for word, block in enumerate(words[:, start : start + _BLOCK]):
            size = len(block)
            for family, bound in zip(families, bounds[:, start : start + size], strict=True):
                count = counted[:size] if word else bound
                numpy.bitwise_xor(block, family.head[word], out=differing[:size])
                numpy.bitwise_count(differing[:size], out=count)
                if family.turned[word]:
                    numpy.minimum(count, numpy.subtract(_WORD_BITS, count, out=opposite[:size]), out=count)
                elif word == _WORDS - 1:
                    # A byte holds no 256; a bound may say less.
                    numpy.minimum(count, _WORD_BITS - 1, out=count)
                if word:
                    numpy.add(bound, count, out=bound)
    return bounds


def _majority(words: Words) -> Words:
    """Return for *words* of shape (4, count) those four whose every bit is that of most."""
    bits = numpy.unpackbits(numpy.ascontiguousarray(words.T).view(numpy.uint8), axis=1)
    return numpy.packbits(2 * bits.sum(axis=0) > len(bits)).view(numpy.uint64)


def _by_parity(hashes: bytes) -> Words:
    """Return *hashes* of 16 rows of 16 bits as words of shape (4, count), by the parity of row and column."""
    rows = numpy.frombuffer(hashes, numpy.uint8).reshape(-1, 8, 2, 2)
    words = numpy.empty((_WORDS, len(rows)), numpy.uint64)
    for parity in range(2):
        halves = numpy.ascontiguousarray(rows[:, :, parity]).reshape(-1, 16).view(numpy.uint64)
        one, other = halves[:, 0], halves[:, 1]
        words[2 * parity] = (one & _EVEN) | ((other & _EVEN) >> _ONE)
        words[2 * parity + 1] = ((one & _ODD) << _ONE) | (other & _ODD)
    return words
