"""The keyed randomness: one uniform number for each (context, token), known to whoever holds the key.

A pseudorandom function with random access: a sampler asks for the numbers of many tokens after one context, a
detector for the number of one token after each of many contexts, and neither pays for what it does not ask. Both are
one call to AES. For a key, a scheme and a window of ``width`` token ids:

* two AES-256 keys are the halves of BLAKE2b-512 (RFC 7693) of the key, its salt the width, its personalisation the
  scheme, so that no two schemes or widths share a number;
* the seed of a context is the CBC-MAC (ISO/IEC 9797-1, algorithm 1) of its ids, four 32-bit little-endian ids to a
  block, the last block filled with zeros; the number of ids is fixed by the width, which is what CBC-MAC asks;
* the block of token *t* is AES of the seed with *t* // 2 XORed into its first eight bytes, little-endian. Its half
  *t* mod 2 is a little-endian 64-bit number, of which the upper 52 bits *x* give ``(x + 1/2) / 2**52``, strictly
  between 0 and 1.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from disclose.errors import IdentityError

Seeds = NDArray[np.uint64]  # (n, 2): one AES block each

BLOCK = 16  # bytes
LEAST_KEY = 16  # bytes; shorter keys can be guessed from published text
_IDS_A_BLOCK = 4
_BITS = 52  # of a uniform number; with the half added it fits the 53 bits of a float


class Uniforms:
    """The uniform numbers of one key, scheme and context width."""

    def __init__(self, key: bytes, width: int, scheme: bytes) -> None:
        """Derive the two AES keys; raise IdentityError for a key of fewer than 16 bytes."""
        if not isinstance(key, bytes) or len(key) < LEAST_KEY:
            raise IdentityError(
                f"a text watermark needs a secret key of {LEAST_KEY} bytes or more: secrets.token_bytes(32) makes one"
            )
        if not 1 <= width <= 64:
            raise ValueError(f"a context of {width} tokens: choose 1 to 64, 4 is usual")
        derived = hashlib.blake2b(key, salt=width.to_bytes(2, "little"), person=scheme).digest()
        self.width = width
        self._context_key, self._token_key = derived[:32], derived[32:]

    def seeds(self, windows: NDArray[np.uint32]) -> Seeds:
        """Return the seeds of *windows*, shape (n, width), as (n, 2)."""
        blocks = -(-self.width // _IDS_A_BLOCK)
        padded = np.zeros((len(windows), blocks * _IDS_A_BLOCK), "<u4")
        padded[:, : self.width] = windows
        state = np.zeros((len(windows), 2), "<u8")
        for block in np.split(padded, blocks, axis=1):
            state = _encrypted(self._context_key, state ^ np.ascontiguousarray(block).view("<u8"))
        return state

    def of_tokens(self, seed: Seeds, tokens: NDArray[np.integer]) -> NDArray[np.float64]:
        """Return the numbers of *tokens*, shape (n,), after one context, whose *seed* has shape (2,), or after n."""
        blocks = np.empty((len(tokens), 2), "<u8")
        blocks[:] = seed
        blocks[:, 0] ^= tokens.astype("<u8") >> 1
        halves = _encrypted(self._token_key, blocks)[np.arange(len(tokens)), tokens & 1]
        return _uniform(halves)

    def of_range(self, seed: Seeds, start: int, stop: int) -> NDArray[np.float64]:
        """Return the numbers of tokens *start*, an even one, to *stop* - 1 after the context of *seed*, shape (2,)."""
        blocks = np.empty(((stop - start + 1) // 2, 2), "<u8")
        blocks[:] = seed
        blocks[:, 0] ^= np.arange(start // 2, start // 2 + len(blocks), dtype="<u8")
        return _uniform(_encrypted(self._token_key, blocks).reshape(-1)[: stop - start])


@lru_cache(maxsize=32)
def uniforms(key: bytes, width: int, scheme: bytes) -> Uniforms:
    """Return the numbers of one key, kept for the next call."""
    return Uniforms(key, width, scheme)


def _uniform(numbers: NDArray[np.uint64]) -> NDArray[np.float64]:
    uniform: NDArray[np.float64] = (numbers >> np.uint64(64 - _BITS)).astype(np.float64)
    uniform += 0.5
    uniform *= 2.0**-_BITS
    return uniform


def _encrypted(key: bytes, blocks: Seeds) -> Seeds:
    """Return the AES blocks, each on its own: a permutation of single blocks is what is wanted here, not a mode."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    return np.frombuffer(cipher.update(blocks.tobytes()), "<u8").reshape(-1, 2)


def engine_key(key: bytes, engine: str) -> int:
    """Return the 64-bit key that an engine of that name is given for our secret *key*, for engines that take no more.

    Whoever learns an engine's key, learns neither the secret nor another engine's. IdentityError for a short key.
    """
    if not isinstance(key, bytes) or len(key) < LEAST_KEY:
        raise IdentityError(f"a text watermark needs a secret key of {LEAST_KEY} bytes or more")
    return int.from_bytes(hashlib.blake2b(key, digest_size=8, salt=b"engine", person=engine.encode()).digest(), "big")
