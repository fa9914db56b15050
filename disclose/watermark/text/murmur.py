"""The Gumbel-max watermark of SGLang, read from token ids: its MurmurHash3 numbers, with no GPU and no torch.

>>> from disclose.watermark.text import murmur
>>> murmur.detect(token_ids, 0x0123456789ABCDEF).p_value        # doctest: +SKIP

SGLang writes this mark itself (``--enable-watermark``) and publishes the recipe beside its code
(``python/sglang/srt/sampling/watermarking/README.md``, release 0.5.23): with M the 32-bit MurmurHash3 of
little-endian words under the seed 0 (Appleby, MurmurHash3_x86_32), the number of token *t* is
``(M(low word of the key, its high word, M(context), t) + 1/2) / 2**32``. Held against the vectors in SGLang's own
tests and the scores of the detector in its wheel; **unverified against the engine**: not yet against a text that it
wrote. With two keys, ``M(low and high word of the first, those of the second, M(context))`` draws the one for each
context. The release has no other scheme.

The hash is no cryptographic one. A key may be found from enough marked text, and contexts that share a hash can be
made without any key. So a hash counts once, be it of a context or of a token after it: the engine marks a context
hash once in an answer, and nobody gains by a text made of collisions. The first tokens of an answer depend on the
prompt and are not scored.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from disclose.errors import IdentityError
from disclose.watermark.text.contexts import TokenIds, first_of_their_kind, token_array, windows
from disclose.watermark.text.detection import Detection, judged
from disclose.watermark.text.significance import gamma_p_value

NAME = "gumbel-murmur3-sglang"
WIDTH = 4
MOST_WIDTH = 64
MOST_KEY = 2**64 - 1
_BITS = 32
_FIRST, _SECOND = np.uint32(0xCC9E2D51), np.uint32(0x1B873593)  # of MurmurHash3_x86_32, as are those below
_FIVE, _STEP = np.uint32(5), np.uint32(0xE6546B64)
_FINAL = (np.uint32(16), np.uint32(0x85EBCA6B)), (np.uint32(13), np.uint32(0xC2B2AE35))

Words = NDArray[np.uint32]


def detect(
    token_ids: TokenIds,
    key: int,
    *,
    width: int = WIDTH,
    spans: bool = True,
    key_b: int | None = None,
    mixing_probability: float = 0.5,
) -> Detection:
    """Return how surely *token_ids* carry the mark that SGLang writes under the 64-bit *key*, a number.

    A server with two keys draws *key* for a context with *mixing_probability*, and else *key_b*. Raises IdentityError
    for a key, and ValueError for a width or a probability, that SGLang would not take.
    """
    if not 1 <= width <= MOST_WIDTH:
        raise ValueError(f"a context of {width} tokens: SGLang takes 1 to {MOST_WIDTH}")
    if not 0 < mixing_probability < 1:
        raise ValueError(f"a mixing probability of {mixing_probability}: SGLang takes what is between 0 and 1")
    ids = token_array(token_ids)
    of_contexts = context_hashes(windows(ids, width))
    once = first_of_their_kind(of_contexts.astype(np.uint64))
    of_tokens = token_hashes(key, of_contexts[once], ids[once + width])
    if key_b is not None:
        is_first = coins(key, key_b, of_contexts[once]) < int(mixing_probability * 2**_BITS)
        of_tokens = np.where(is_first, of_tokens, token_hashes(key_b, of_contexts[once], ids[once + width]))
    counted = first_of_their_kind(of_tokens.astype(np.uint64))
    return judged(
        scheme=NAME,
        basis="Gamma, of a hash that is not cryptographic; against SGLang's vectors, not yet its texts",
        values=-np.log1p(-uniform(of_tokens[counted])),
        places=once[counted] + width,
        width=width,
        total=len(ids),
        p_value=gamma_p_value,
        search_spans=spans,
    )


def context_hashes(contexts: Words) -> Words:
    """Return the hashes of *contexts*, shape (n, width)."""
    return murmur3(contexts)


def token_hashes(key: int, of_contexts: Words, tokens: NDArray[np.integer]) -> Words:
    """Return the hashes of *tokens*, shape (n,), each after the context of its own hash among *of_contexts*."""
    return murmur3(np.stack([*_words_of(key, len(tokens)), of_contexts, tokens.astype(np.uint32)], axis=1))


def coins(key: int, key_b: int, of_contexts: Words) -> Words:
    """Return the hash that draws one of two keys for each context of the hashes *of_contexts*, shape (n,)."""
    count = len(of_contexts)
    return murmur3(np.stack([*_words_of(key, count), *_words_of(key_b, count), of_contexts], axis=1))


def uniform(hashes: Words) -> NDArray[np.float64]:
    """Return the numbers of *hashes*, strictly between 0 and 1."""
    numbers: NDArray[np.float64] = (hashes.astype(np.float64) + 0.5) / 2.0**_BITS
    return numbers


def murmur3(words: Words) -> Words:
    """Return the 32-bit MurmurHash3, under the seed 0, of each row of *words*, shape (n, k)."""
    state = np.zeros(len(words), np.uint32)
    for word in words.T:
        state = _rotated(state ^ _rotated(word * _FIRST, 15) * _SECOND, 13) * _FIVE + _STEP
    state = state ^ np.uint32(4 * words.shape[1])
    for shift, factor in _FINAL:
        state = (state ^ (state >> shift)) * factor
    return state ^ (state >> np.uint32(16))


def _words_of(key: int, count: int) -> tuple[Words, Words]:
    """Return the low and the high word of *key*, each *count* times."""
    if isinstance(key, bool) or not isinstance(key, int) or not 0 <= key <= MOST_KEY:
        raise IdentityError("a key of SGLang's watermark is a number of 64 bits: the one in its --watermark-config")
    return np.full(count, key & 0xFFFFFFFF, np.uint32), np.full(count, key >> _BITS, np.uint32)


def _rotated(words: Words, bits: int) -> Words:
    return (words << np.uint32(bits)) | (words >> np.uint32(_BITS - bits))
