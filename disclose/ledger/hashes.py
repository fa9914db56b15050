"""Packed hashes: perceptual hashes of 256 bits in memory, and an exact search for the nearest among them.

Whoever looks for a picture looks for its eight rotations and reflections at once, and their hashes hang together: a
reflection turns the signs of every other row or column of a cosine transform over. PDQ keeps 16 by 16 of those ("The
TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm", Facebook 2019, on dihedral hashes), against a
median that is nearly zero. So a hash is kept as four words, by the parity of row and column; what differs in one of
them, counted once, bounds what differs in four of the views: as it is, or taken from 64.

The other four views are turned by a quarter, which swaps rows and columns. A fifth word keeps what is the same in all
eight: whether two bits that are swapped, and that every reflection turns over together, are equal. Where they are in
one hash and not in another, one of the two differs; counted once, this bounds what differs in every view.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Self

import numpy
from numpy.typing import NDArray

BITS = 256
"""Of a hash."""
_WORDS, _WORD_BITS = 4, 64
_ALL, _FIRST, _REFLECTED = (0, 1, 2, 3), (0, 1, 2), (1, 2)
"""Words that tell what differs: all, those that do for little, and those of which the common word says nothing."""
_BLOCK = 131_072
"""Hashes compared at a time: what is kept between two steps, ten bytes each, stays near the processor."""
_FEW = 1024
_LEAST = 4
"""Those within so many bits of the least bound are compared first: the nearest of them excludes nearly all others."""
_LARGEST_SLACK = 24
"""Bits. Reflections of whole photographs are off by 14 at most, those of 95 in 100 random parts of them by 20; with
more than this, a bound would leave too much to be compared anew."""
_TOLD_BY_THREE, _TOLD_BY_FOUR = 80, 100
"""Bits. Of unrelated hashes, three words are bounded by 90 with a deviation of 5 and four by 118 with one of 6, so
that what lies within these is rare."""
_EVEN, _ODD, _ONE = numpy.uint64(0xAAAA_AAAA_AAAA_AAAA), numpy.uint64(0x5555_5555_5555_5555), numpy.uint64(1)
_SWAPS = (
    (numpy.uint64(36), numpy.uint64(0x0000_0000_0F0F_0F0F)),
    (numpy.uint64(18), numpy.uint64(0x0000_3333_0000_3333)),
    (numpy.uint64(9), numpy.uint64(0x0055_0055_0055_0055)),
)
"""How far apart the bits of a word are that change places when its rows become columns, and the lower ones of them."""
_ABOVE, _DIAGONAL = numpy.uint64(0xAA00_AB02_AF0A_BF2A), numpy.uint64(0x0102_0408_1020_4080)
_BELOW = ~(_ABOVE | _DIAGONAL)
"""The bits of a word above the diagonal of its eight rows and columns, on it and below."""

Words = NDArray[numpy.uint64]
Counts = NDArray[numpy.uint8]
Places = NDArray[numpy.intp]


class PackedHashes:
    """Hashes of 256 bits with a number each: 48 bytes of memory a hash, up to 72 while more are added.

    A search takes a byte more a hash for every family of hashes wanted: two for the eight views of a picture.
    """

    def __init__(self) -> None:
        self._words = numpy.empty((_WORDS + 1, 0), numpy.uint64)
        self._numbers = numpy.empty(0, numpy.int64)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, numbers: Sequence[int] | NDArray[numpy.int64], hashes: bytes) -> None:
        """Add *hashes*, 32 bytes each, in the order of their *numbers*."""
        added = len(numbers)
        if self._count + added > len(self._numbers):
            room = max(1024, self._count + added, len(self._numbers) * 3 // 2)
            words, own = numpy.empty((_WORDS + 1, room), numpy.uint64), numpy.empty(room, numpy.int64)
            words[:, : self._count], own[: self._count] = (
                self._words[:, : self._count],
                self._numbers[: self._count],
            )
            self._words, self._numbers = words, own
        end = self._count + added
        new = self._words[:, self._count : end]
        new[:_WORDS] = _by_parity(hashes)
        for start in range(0, added, _BLOCK):
            new[_WORDS, start : start + _BLOCK] = _common(new[:_WORDS, start : start + _BLOCK])
        self._numbers[self._count : end] = numbers
        self._count = end

    def nearest(self, hashes: Iterable[bytes], *, within: int = BITS) -> tuple[int, int] | None:
        """Return the number of the hash that differs least from any of *hashes*, and by how many bits.

        None says that all differ in more than *within* bits. Exact; of several as near, the one added first.
        """
        words, common = self._words[:_WORDS, : self._count], self._words[_WORDS, : self._count]
        families = _Family.all_of(_by_parity(b"".join(hashes))) if self._count else []
        look = _Look.at(families, within)
        best = within + 1, 0
        bounds, shared = _bounds(families, words, look, common)
        for family, bound in zip(families, bounds, strict=True):
            best = min(best, family.nearest(words, bound, shared, look, min(best[0], within)))
        return (int(self._numbers[best[1]]), best[0]) if best[0] <= within else None


@dataclass(frozen=True, kw_only=True, eq=False)
class _Family:
    """Hashes, shape (4, count), whose words are about those of ``head`` or, where ``turned``, their complement."""

    members: Words
    head: Words
    turned: tuple[bool, ...]
    off: Counts
    """In how many bits every word of every member is not as the head says, shape (4, count)."""

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
            head = _middle(aligned)
            off = numpy.bitwise_count(aligned ^ head[:, None])
            families.append(cls(members=members, head=head, turned=tuple(opposite.any(axis=1).tolist()), off=off))
            left = left[:, ~akin]
        return families

    def nearest(self, words: Words, bounds: Counts, shared: Counts | None, look: _Look, within: int) -> tuple[int, int]:
        """Return how much the nearest of *words* differs from a member, and the first place of those.

        *bounds* and *shared* are those by *look*. What differs in more than *within* bits need not be found.
        """
        best, rough = (BITS + 1, 0), bounds if shared is None else bounds + shared
        if within + look.slack > _TOLD_BY_FOUR:
            best = self._compared(words, numpy.flatnonzero(rough <= int(rough.min()) + _LEAST)[:_FEW])
        left = numpy.flatnonzero(rough <= min(within, best[0]) + look.slack)
        for start in range(0, len(left), _BLOCK):
            places = self._nearer(words, bounds, look, left[start : start + _BLOCK], min(within, best[0]))
            best = min(best, self._compared(words, places))
        return best

    def _nearer(self, words: Words, bounds: Counts, look: _Look, places: Places, within: int) -> Places:
        """Return those of *places* that the words which *look* did not use leave within reach, one after the other."""
        used, bound = look.used, bounds[places]
        for word in _ALL:
            if word not in used:
                used = (*used, word)
                bound += self._bound(word, words[word].take(places))
                nearer = bound <= within + self.slack(used)
                places, bound = places[nearer], bound[nearer]
        return places

    def slack(self, used: tuple[int, ...]) -> int:
        """Return by how many bits the words *used* of a member are off, at most."""
        return int(self.off[list(used)].sum(axis=0).max())

    def _bound(self, word: int, block: Words) -> Counts:
        """Return in how many bits of the word numbered *word* those of *block* differ from a member's head at least."""
        counted, opposite = numpy.empty((2, 1, len(block)), numpy.uint8)
        _Changes.of([self], word).count(block, counted, numpy.empty_like(block), opposite)
        return counted.reshape(-1)

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


@dataclass(frozen=True, kw_only=True)
class _Look:
    """By which words what differs is bounded, and how many bits are to be taken off a bound."""

    used: tuple[int, ...]
    slack: int
    common: numpy.uint64 | None = None
    """The common word of all families, where it is used as well."""

    @classmethod
    def at(cls, families: Sequence[_Family], within: int) -> Self:
        """Return the quickest look by which few hashes that differ in more than *within* bits pass."""
        quick = cls._with_common(families) if len(families) > 1 else cls._by(_FIRST, families)
        if within + quick.slack <= _TOLD_BY_THREE:
            return quick
        by_three = cls._by(_FIRST, families)
        return by_three if within + by_three.slack <= _TOLD_BY_THREE else cls.whole(families)

    @classmethod
    def whole(cls, families: Sequence[_Family]) -> Self:
        """Return the look at all words."""
        return cls._by(_ALL, families)

    @classmethod
    def _by(cls, used: tuple[int, ...], families: Sequence[_Family]) -> Self:
        return cls(used=used, slack=max((family.slack(used) for family in families), default=0))

    @classmethod
    def _with_common(cls, families: Sequence[_Family]) -> Self:
        own = _common(numpy.concatenate([family.members for family in families], axis=1))
        off = numpy.concatenate([family.off[list(_REFLECTED)] for family in families], axis=1).sum(axis=0, dtype=int)
        head = _middle(own[None], off)[0]
        slack = int((off + numpy.bitwise_count(own ^ head)).max())
        return cls(used=_REFLECTED, slack=slack, common=head)


def _bounds(families: Sequence[_Family], words: Words, look: _Look, common: Words) -> tuple[Counts, Counts | None]:
    """Return in how many bits every hash of *words*, shape (4, count), differs at least from a family's, by *look*.

    The shape is (families, count). What is to be added for every family, shape (count,), comes second where *look* uses
    the *common* words of those hashes. The slack is still to be taken off.
    """
    count = words.shape[1]
    bounds = numpy.empty((len(families), count), numpy.uint8)
    shared = None if look.common is None else numpy.empty(count, numpy.uint8)
    differing = numpy.empty(min(_BLOCK, count), numpy.uint64)
    counted, opposite = numpy.empty((2, len(families), len(differing)), numpy.uint8)
    changes = [_Changes.of(families, word) for word in look.used]
    for start in range(0, count, _BLOCK):
        block = slice(start, min(start + _BLOCK, count))
        size = block.stop - start
        differing, counted, opposite = differing[:size], counted[:, :size], opposite[:, :size]
        bound = bounds[:, block]
        for place, (word, change) in enumerate(zip(look.used, changes, strict=True)):
            change.count(words[word, block], counted if place else bound, differing, opposite)
            if place:
                # A byte holds no 256, and has 0 instead, which is a bound as well.
                numpy.add(bound, counted, out=bound)
        if look.common is not None and shared is not None:
            numpy.bitwise_xor(common[block], look.common, out=differing)
            numpy.bitwise_count(differing, out=shared[block])
    return bounds, shared


@dataclass(frozen=True, kw_only=True, eq=False)
class _Changes:
    """One word of the families' heads, each as what changes the one before into it."""

    steps: tuple[numpy.uint64, ...]
    whole: Counts | None
    """From how many bits a count is taken for its opposite, shape (families, 1); None where no family is turned."""

    @classmethod
    def of(cls, families: Sequence[_Family], word: int) -> Self:
        """Return the changes of *word*."""
        heads = [family.head[word] for family in families]
        turned = numpy.array([[family.turned[word]] for family in families])
        steps = heads[:1] + [one ^ other for one, other in pairwise(heads)]
        # Taken from 255, no count is less than it was.
        whole = numpy.where(turned, _WORD_BITS, 255).astype(numpy.uint8) if turned.any() else None
        return cls(steps=tuple(steps), whole=whole)

    def count(self, block: Words, counted: Counts, differing: Words, opposite: Counts) -> None:
        """Fill *counted*, shape (families, count), with how many bits of *block* differ, at least.

        *differing* and *opposite* are room to work in. Changed in place from head to head, the words are read from
        memory once.
        """
        for step, count in zip(self.steps, counted, strict=True):
            numpy.bitwise_xor(block, step, out=differing)
            numpy.bitwise_count(differing, out=count)
            block = differing
        if self.whole is not None:
            numpy.minimum(counted, numpy.subtract(self.whole, counted, out=opposite), out=counted)


def _middle(words: Words, off: NDArray[numpy.int64] | None = None) -> Words:
    """Return words, shape (some,), from which even the farthest of *words*, shape (some, count), differs by few bits.

    *off* are the bits, shape (count,), by which each is off beside those. Begins with what most say, which is nearest
    to all together, and gives way to the farthest bit by bit while that brings the farthest nearer.
    """
    bits = numpy.unpackbits(numpy.ascontiguousarray(words.T).view(numpy.uint8), axis=1)
    middle = numpy.packbits(2 * bits.sum(axis=0) > len(bits)).view(numpy.uint64)
    beside = [0] * words.shape[1] if off is None else off.tolist()
    left = [
        (int.from_bytes(one.tobytes()), more) for one, more in zip((words ^ middle[:, None]).T, beside, strict=True)
    ]
    while True:
        left.sort(key=_distance, reverse=True)
        # Of the bits in which the farthest differs, one in which as many as can be of the next farthest do.
        shared = reduce(lambda chosen, one: chosen & one[0] or chosen, left, -1)
        change = shared & -shared
        nearer = [(differing ^ change, more) for differing, more in left]
        if max(map(_distance, nearer)) >= _distance(left[0]):
            return middle
        middle = middle ^ numpy.frombuffer(change.to_bytes(8 * len(words)), numpy.uint64)
        left = nearer


def _distance(member: tuple[int, int]) -> int:
    differing, more = member
    return differing.bit_count() + more


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


def _common(words: Words) -> Words:
    """Return for *words* of shape (4, count) what is the same in all views of a picture, shape (count,).

    Above the diagonal stands which bits of the first word differ from those that a transposition swaps them with,
    below it which of the last, and on it the first word's own, which stay. No bit depends on what another depends on.
    """
    first, last = words[0], words[3]
    common: Words = first & _DIAGONAL
    common |= (first ^ _transposed(first)) & _ABOVE
    common |= (last ^ _transposed(last)) & _BELOW
    return common


def _transposed(words: Words) -> Words:
    """Return *words* with their eight rows as columns."""
    for apart, lower in _SWAPS:
        changing = ((words >> apart) ^ words) & lower
        words = words ^ changing ^ (changing << apart)
    return words
