"""Shingles: overlapping phrases of a text under a keyed hash, and the winnowed few of them that stand for the rest.

Winnowing keeps the smallest hash of every window (Schleimer, Wilkerson and Aiken, SIGMOD 2003), so that what is kept
depends on the phrases alone and not on where they stand: a quotation keeps what the whole kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy

from disclose.media.text import Word

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


def shingles(words: Sequence[Word], key: bytes) -> list[Shingle]:
    """Return all phrases of *words*, in order, hashed under *key* (BLAKE2b, RFC 7693, up to 64 bytes)."""
    keyed = hashlib.blake2b(key=key, digest_size=HASH_BYTES, person=b"disclose-phrase")
    lasts = _lasts(words)
    texts = [word.folded for word in words]
    found = []
    for first, last in enumerate(lasts):
        one = keyed.copy()
        one.update("\n".join(texts[first : last + 1]).encode("utf-8", "surrogatepass"))
        found.append(one.digest())
    # All numbers at once: as many small conversions would take as long as the hashing.
    numbers = numpy.frombuffer(b"".join(b"\0\0" + one for one in found), ">i8").tolist()
    return [*map(Shingle, numbers, range(len(lasts)), lasts)]


def sketch(every: Sequence[Shingle]) -> list[Shingle]:
    """Return the phrases that stand for a whole text in a log: about 45, more only for more than 460 words."""
    window = min(_SPARSEST, max(_DENSEST, 2 * len(every) // _USUAL_NUMBER - 1))
    return winnowed(every, window)


def probes(every: Sequence[Shingle]) -> list[Shingle]:
    """Return the phrases to look up: all that any text's :func:`sketch` would keep of the same words."""
    return winnowed(every, _DENSEST)


def winnowed(every: Sequence[Shingle], window: int) -> list[Shingle]:
    """Return the smallest hash of every *window* neighbours, each once, in order of the text."""
    if not every:
        return []
    hashes = numpy.fromiter((one.hash for one in every), numpy.int64, len(every))
    width = min(window, len(every))
    windows = numpy.lib.stride_tricks.sliding_window_view(hashes, width)
    chosen = numpy.unique(windows.argmin(axis=1) + numpy.arange(len(windows)))
    _, firsts = numpy.unique(hashes[chosen], return_index=True)
    return [every[index] for index in chosen[numpy.sort(firsts)].tolist()]


def _lasts(words: Sequence[Word]) -> list[int]:
    """Return for each word that begins a phrase the number of the word that ends it."""
    if not any(word.is_character for word in words):
        return list(range(2, len(words)))
    lasts: list[int] = []
    weights = [_CHARACTER if word.is_character else _WORD for word in words]
    last, total = -1, 0
    for first in range(len(words)):
        while total < _PHRASE and last + 1 < len(words):
            last += 1
            total += weights[last]
        if total < _PHRASE:
            break
        lasts.append(last)
        total -= weights[first]
    return lasts
