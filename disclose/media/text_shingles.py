"""Shingles: overlapping phrases of a text under a keyed hash, and the winnowed few of them that stand for the rest.

Winnowing keeps the smallest hash of every window (Schleimer, Wilkerson and Aiken, SIGMOD 2003), so that what is kept
depends on the phrases alone and not on where they stand: a quotation keeps what the whole kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy

from disclose.media.text import Words, uncollected

HASH_BYTES = 6
"""48 bits: a chance collision with one of four million stored phrases has odds of 1 to 70 million."""
# Three words, or six characters of a script without spaces, where a word has about two.
_PHRASE, _WORD, _CHARACTER = 6, 2, 1
_DENSEST, _SPARSEST = 2, 19
_USUAL_NUMBER = 48


class Shingle(NamedTuple):
    """One phrase: its keyed hash, and its number among the text's words, first and last."""

    hash: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Phrases:
    """All phrases of a text, in order: ``hashes`` (N,) int64, and the words each begins and ends with, by number."""

    hashes: numpy.ndarray[Any, numpy.dtype[numpy.int64]]
    firsts: Sequence[int]
    lasts: Sequence[int]

    def __len__(self) -> int:
        return len(self.lasts)

    def without(self, hashes: Collection[int]) -> Phrases:
        """Return the phrases whose hash is not among *hashes*."""
        if not hashes:
            return self
        kept = (~numpy.isin(self.hashes, list(hashes))).nonzero()[0]
        firsts, lasts = (numpy.asarray(one, numpy.int64)[kept].tolist() for one in (self.firsts, self.lasts))
        return Phrases(self.hashes[kept], firsts, lasts)


def shingles(words: Words, key: bytes) -> Phrases:
    """Return all phrases of *words*, in order, hashed under *key* (BLAKE2b, RFC 7693, up to 64 bytes)."""
    copy = hashlib.blake2b(key=key, digest_size=HASH_BYTES, person=b"disclose-phrase").copy
    lasts = _lasts(words.are_characters)
    known = {word: word.encode("utf-8", "surrogatepass") for word in set(words.folded)}
    texts = list(map(known.__getitem__, words.folded))
    found = []
    for phrase in _joined(texts, lasts):
        one = copy()
        one.update(phrase)
        found.append(one.digest())
    # All numbers at once: as many small conversions would take as long as the hashing.
    numbers = numpy.frombuffer(b"\0\0" + b"\0\0".join(found) if found else b"", ">i8").astype(numpy.int64)
    return Phrases(numbers, range(len(lasts)), lasts)


def sketch(every: Phrases) -> list[Shingle]:
    """Return the phrases that stand for a whole text in a log: about 45, more only for more than 460 words."""
    window = min(_SPARSEST, max(_DENSEST, 2 * len(every) // _USUAL_NUMBER - 1))
    return winnowed(every, window)


def probes(every: Phrases) -> list[Shingle]:
    """Return the phrases to look up: all that any text's :func:`sketch` would keep of the same words."""
    return winnowed(every, _DENSEST)


def winnowed(every: Phrases, window: int) -> list[Shingle]:
    """Return the smallest hash of every *window* neighbours, each once, in order of the text."""
    if not len(every):
        return []
    starts = numpy.arange(len(every) - min(window, len(every)) + 1)
    smallest = starts
    for step in range(1, min(window, len(every))):
        smallest = numpy.where(every.hashes[starts + step] < every.hashes[smallest], starts + step, smallest)
    is_chosen = numpy.zeros(len(every), bool)
    is_chosen[smallest] = True
    chosen = is_chosen.nonzero()[0]
    # Each hash where it comes first.
    chosen = chosen[numpy.sort(numpy.unique(every.hashes[chosen], return_index=True)[1])]
    hashes, firsts, lasts = every.hashes[chosen].tolist(), every.firsts, every.lasts
    places = chosen.tolist()
    values = zip(hashes, map(firsts.__getitem__, places), map(lasts.__getitem__, places), strict=True)
    with uncollected(len(hashes)):
        # As Shingle(…) does it, at half the time.
        return list(map(tuple.__new__, repeat(Shingle), values))


def _joined(texts: Sequence[bytes], lasts: Sequence[int]) -> Iterator[bytes]:
    """Return for each word that begins a phrase the words of the phrase, one a line."""
    if lasts == range(2, len(texts)):
        return map(b"\n".join, zip(texts, texts[1:], texts[2:], strict=False))
    return (b"\n".join(texts[first : last + 1]) for first, last in enumerate(lasts))


def _lasts(are_characters: Sequence[bool]) -> Sequence[int]:
    """Return for each word that begins a phrase the number of the word that ends it."""
    if True not in are_characters:
        return range(2, len(are_characters))
    lasts: list[int] = []
    weights = [_CHARACTER if one else _WORD for one in are_characters]
    last, total = -1, 0
    for first in range(len(weights)):
        while total < _PHRASE and last + 1 < len(weights):
            last += 1
            total += weights[last]
        if total < _PHRASE:
            break
        lasts.append(last)
        total -= weights[first]
    return lasts
