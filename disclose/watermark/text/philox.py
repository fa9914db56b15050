"""The Gumbel-max watermark of vLLM, read from token ids: its ``philox4x32-10-v1`` numbers, with no GPU and no torch.

>>> from disclose.watermark.text import philox
>>> philox.detect(token_ids, 42).p_value                # doctest: +SKIP

vLLM writes this mark itself (``--watermark-config``, https://docs.vllm.ai/en/latest/features/watermarking/) and
promises that its numbers stay the same. The generator is Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers:
as easy as 1, 2, 3"); it is not cryptographic, so a key may be found from enough marked text. Held against the
compatibility vectors in vLLM's own tests, and against texts that its code marked on a processor (0.32).

The first numbers of an answer depend on the prompt and are not scored; a context is scored once.
"""

from __future__ import annotations

import hashlib
from functools import partial

import numpy as np
from numpy.typing import NDArray

from disclose.errors import IdentityError
from disclose.watermark.text.contexts import TokenIds, first_of_their_kind, token_array, windows
from disclose.watermark.text.detection import Detection, judged
from disclose.watermark.text.search import surest
from disclose.watermark.text.significance import gamma_p_value

NAME = "gumbel-philox4x32-10-v1"
WIDTH = 4
MOST_KEY = 2**64 - 1
_ROUNDS = 10
_MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)  # of the Philox paper, as the two steps of the key
_KEY_STEPS = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_CONTEXTS, _TOKENS = np.uint64(0x574D4358), np.uint64(0x574D544B)  # vLLM's domains, "WMCX" and "WMTK"
_LOW, _WORD = np.uint64(0xFFFFFFFF), np.uint64(32)

Words = tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]


def detect(token_ids: TokenIds, key: int, *, width: int = WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids* carry the mark that vLLM's ``gumbel`` writes under the 64-bit *key*.

    Raises IdentityError for a key that vLLM would not take.
    """
    ids = token_array(token_ids)
    contexts = windows(ids, width)
    first = first_of_their_kind(_fingerprints(contexts))
    numbers = uniform(key, contexts[first], ids[first + width])
    return judged(
        scheme=NAME,
        basis="exact: Gamma; held against vLLM 0.32",
        values=-np.log1p(-numbers),
        places=first + width,
        width=width,
        total=len(ids),
        p_value=gamma_p_value,
        search_spans=spans,
    )


def detect_dual(token_ids: TokenIds, key: int, *, width: int = WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids* carry the mark of vLLM's ``dual_key_gumbel``, under either key of the master *key*.

    Both are looked for and the surer counts, corrected for two, where vLLM's own detector weighs their scores.
    """
    read = partial(detect, token_ids, width=width, spans=spans)
    return surest([(f"key {name}", read(_derived(key, b"key_" + name.encode()))) for name in "ab"])


def uniform(key: int, contexts: NDArray[np.uint32], tokens: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the numbers of *tokens*, shape (n,), each after its own of *contexts*, shape (n, width)."""
    # The mantissas of 24 bits are what a 32-bit float holds; both ends are left out.
    return ((words(key, contexts, tokens) >> np.uint64(8)).astype(np.float64) + 1) / (2**24 + 1)


def words(key: int, contexts: NDArray[np.uint32], tokens: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return the 32-bit words of *tokens*, shape (n,), each after its own of *contexts*, shape (n, width)."""
    if not isinstance(key, int) or not 0 <= key <= MOST_KEY:
        raise IdentityError("a key of vLLM's watermark is a whole number of 64 bits: the one in its --watermark-config")
    count, width = contexts.shape
    low, high = (np.full(count, word, np.uint64) for word in (key & 0xFFFFFFFF, key >> 32))
    state: Words = (
        np.full(count, _CONTEXTS),
        np.full(count, width, np.uint64),
        np.zeros(count, np.uint64),
        np.zeros(count, np.uint64),
    )
    for start in range(0, width, 4):
        counter = [
            word ^ (contexts[:, start + place].astype(np.uint64) if start + place < width else _LOW - np.uint64(place))
            for place, word in enumerate(state)
        ]
        state = _philox((counter[0], counter[1], counter[2], counter[3]), low ^ np.uint64(start), high)
    token = tokens.astype(np.uint64)
    block = _philox((token >> np.uint64(2), *state[:3]), low ^ state[3], high ^ _TOKENS)
    chosen: NDArray[np.uint64] = np.choose((token & np.uint64(3)).astype(np.intp), block)
    return chosen


def _philox(counter: Words, low: NDArray[np.uint64], high: NDArray[np.uint64]) -> Words:
    """Return Philox4x32-10 of *counter* under the key words *low* and *high*, all (n,) and below 2**32."""
    one, two, three, four = counter
    for number in range(_ROUNDS):
        steps = np.uint64(number)
        first, second = one * _MULTIPLIERS[0], three * _MULTIPLIERS[1]
        one, two, three, four = (
            (second >> _WORD) ^ two ^ ((low + steps * _KEY_STEPS[0]) & _LOW),
            second & _LOW,
            (first >> _WORD) ^ four ^ ((high + steps * _KEY_STEPS[1]) & _LOW),
            first & _LOW,
        )
    return one, two, three, four


def _derived(key: int, name: bytes) -> int:
    if not isinstance(key, int) or not 0 <= key <= MOST_KEY:
        raise IdentityError("a key of vLLM's watermark is a whole number of 64 bits: the one in its --watermark-config")
    return int.from_bytes(hashlib.sha256(name + key.to_bytes(8, "big")).digest()[:8], "big")


def _fingerprints(contexts: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """Return a 64-bit hash of each of *contexts*, (n, width), under a fixed key: equal for equal contexts."""
    return (words(0, contexts, np.zeros(len(contexts), np.uint64)) << _WORD) | words(
        1, contexts, np.zeros(len(contexts), np.uint64)
    )
