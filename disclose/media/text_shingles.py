"""Shingles: overlapping phrases of a text under a keyed hash, and the winnowed few of them that stand for the rest.

Winnowing keeps the smallest hash of every window (Schleimer, Wilkerson and Aiken, SIGMOD 2003), so that what is kept
depends on the phrases alone and not on where they stand: a quotation keeps what the whole kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy

from disclose.media.text import Words

HASH_BYTES = 6
"""48 bits: a chance collision with one of four million stored phrases has odds of 1 to 70 million."""
# Three words, or six characters of a script without spaces, where a word has about two.
_PHRASE, _WORD, _CHARACTER = 6, 2, 1
_DENSEST, _SPARSEST = 2, 19
_USUAL_NUMBER = 48
_BLOCK = 16

_Numbers = numpy.ndarray[Any, numpy.dtype[numpy.int64]]


class Shingle(NamedTuple):
    """One phrase: its keyed hash, and its number among the text's words, first and last."""

    hash: int
    first: int
    last: int


@dataclass(frozen=True, eq=False)
class Phrases:
    """Phrases of a text, in order: their ``hashes`` (N,), and the words each begins and ends with, by number."""

    hashes: _Numbers
    firsts: _Numbers
    lasts: _Numbers

    def __len__(self) -> int:
        return len(self.hashes)

    def __iter__(self) -> Iterator[Shingle]:
        columns = (one.tolist() for one in (self.hashes, self.firsts, self.lasts))
        # As Shingle(…) does it, at half the time.
        return map(tuple.__new__, repeat(Shingle), zip(*columns, strict=True))

    def at(self, places: _Numbers | numpy.ndarray[Any, numpy.dtype[numpy.bool]]) -> Phrases:
        """Return the phrases at *places*: their numbers, or a truth value for each phrase."""
        return Phrases(self.hashes[places], self.firsts[places], self.lasts[places])

    def without(self, hashes: Collection[int]) -> Phrases:
        """Return the phrases whose hash is not among *hashes*."""
        return self.at(~numpy.isin(self.hashes, list(hashes))) if hashes else self

    def among(self, hashes: Collection[int]) -> Phrases:
        """Return the phrases whose hash is among *hashes*."""
        return self.at(numpy.isin(self.hashes, list(hashes)))


Hash = Callable[[Words, bytes], Phrases]
"""How the phrases of words are hashed under a key: :func:`shingles`, or :func:`earlier_shingles`."""


def shingles(words: Words, key: bytes) -> Phrases:
    """Return all phrases of *words*, in order, hashed under *key* (16 to 64 bytes).

    Each different word is hashed once (BLAKE2b, RFC 7693), to two numbers of 64 bits. Those of a phrase, times 1, 2,
    4 … by their place in it, are added, so that two phrases have odds of 2^-118 to get the same sum, and the sum is
    one block under AES: a universal hash under a block cipher, as in PMAC (Black and Rogaway, EUROCRYPT 2002).
    """
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    lasts = _lasts(words.are_characters)
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words.folded))}
    keyed = hashlib.blake2b(key=key, digest_size=_BLOCK, person=b"disclose-word")
    digests = b"".join(_digests(keyed, (word.encode("utf-8", "surrogatepass") for word in numbers)))
    values = numpy.frombuffer(digests, "<u8").reshape(-1, 2)
    values = values[numpy.fromiter(map(numbers.__getitem__, words.folded), numpy.intp, len(words))]
    blocks = _summed(values, lasts).astype("<u8").tobytes()
    secret = hashlib.blake2b(key=key, digest_size=_BLOCK, person=b"disclose-blocks").digest()
    # Each block alone: the same phrase is to have the same hash wherever it stands.
    cipher = Cipher(algorithms.AES(secret), modes.ECB())  # noqa: S305
    hashes = numpy.frombuffer(cipher.encryptor().update(blocks), ">u8")[::2] >> 8 * (8 - HASH_BYTES)
    return Phrases(hashes.astype(numpy.int64), numpy.arange(len(lasts)), lasts)


def earlier_shingles(words: Words, key: bytes) -> Phrases:
    """Return all phrases of *words* as they were hashed before: each by itself, at six times the time."""
    lasts = _lasts(words.are_characters)
    known = {word: word.encode("utf-8", "surrogatepass") for word in set(words.folded)}
    texts = list(map(known.__getitem__, words.folded))
    keyed = hashlib.blake2b(key=key, digest_size=HASH_BYTES, person=b"disclose-phrase")
    found = _digests(keyed, (b"\n".join(texts[first : last + 1]) for first, last in enumerate(lasts.tolist())))
    numbers = numpy.frombuffer(b"".join(b"\0\0" + one for one in found), ">i8").astype(numpy.int64)
    return Phrases(numbers, numpy.arange(len(lasts)), lasts)


def sketch(every: Phrases) -> Phrases:
    """Return the phrases that stand for a whole text in a log: about 45, more only for more than 460 words."""
    window = min(_SPARSEST, max(_DENSEST, 2 * len(every) // _USUAL_NUMBER - 1))
    return winnowed(every, window)


def probes(every: Phrases) -> Phrases:
    """Return the phrases to look up: all that any text's :func:`sketch` would keep of the same words."""
    return winnowed(every, _DENSEST)


def winnowed(every: Phrases, window: int) -> Phrases:
    """Return the smallest hash of every *window* neighbours, each once, in order of the text."""
    if not len(every):
        return every
    starts = numpy.arange(len(every) - min(window, len(every)) + 1)
    smallest = starts
    for step in range(1, min(window, len(every))):
        smallest = numpy.where(every.hashes[starts + step] < every.hashes[smallest], starts + step, smallest)
    is_chosen = numpy.zeros(len(every), bool)
    is_chosen[smallest] = True
    chosen = is_chosen.nonzero()[0]
    # Each hash where it comes first.
    chosen = chosen[numpy.sort(numpy.unique(every.hashes[chosen], return_index=True)[1])]
    return every.at(chosen)


def _digests(keyed: Any, values: Iterable[bytes]) -> Iterator[bytes]:
    """Return what the hash *keyed* gives for each of *values*."""
    for value in values:
        one = keyed.copy()
        one.update(value)
        yield one.digest()


def _summed(values: numpy.ndarray[Any, numpy.dtype[numpy.uint64]], lasts: _Numbers) -> Any:
    """Return for each phrase the sum (2,) of the *values* (N, 2) of its words, times 1, 2, 4 … by their place in it."""
    total = values[: len(lasts)].copy()
    for place in range(1, _PHRASE // _CHARACTER):
        longer = (lasts >= numpy.arange(place, place + len(lasts))).nonzero()[0]
        total[longer] += values[longer + place] << numpy.uint64(place)
    return total


def _lasts(are_characters: Sequence[bool]) -> _Numbers:
    """Return for each word that begins a phrase the number of the word that ends it."""
    if True not in are_characters:
        return numpy.arange(2, max(2, len(are_characters)))
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
    return numpy.array(lasts, numpy.int64)
