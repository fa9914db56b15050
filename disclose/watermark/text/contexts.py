"""Contexts: the few token ids before each token, which seed its randomness, and whether they came before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from disclose.errors import InputError

TokenIds = Sequence[int] | NDArray[np.integer]
_MOST = 2**32


def token_array(token_ids: TokenIds) -> NDArray[np.uint32]:
    """Return *token_ids* as an array, shape (n,); raise InputError unless they are ids of 0 to 2**32 - 1."""
    ids = np.asarray(token_ids)
    if ids.size == 0:
        return np.zeros(0, np.uint32)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InputError(
            f"token ids are one row of whole numbers, but came as {ids.dtype} of shape {ids.shape}: pass one text's ids"
        )
    if int(ids.min()) < 0 or int(ids.max()) >= _MOST:
        raise InputError("a token id is negative or beyond 32 bits: drop padding and ignored positions before")
    return ids.astype(np.uint32)


def windows(ids: NDArray[np.uint32], width: int) -> NDArray[np.uint32]:
    """Return the contexts of tokens *width*, *width* + 1, … of *ids*, shape (n - width, width)."""
    if len(ids) <= width:
        return np.zeros((0, width), np.uint32)
    return np.lib.stride_tricks.sliding_window_view(ids, width)[:-1]


def first_of_their_kind(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return where each distinct one of 64-bit *hashes*, shape (n,), comes first, in order of place.

    Sixty-four bits tell contexts apart: of a million, two share a hash by accident once in 10**7 texts.
    """
    _, first = np.unique(hashes, return_index=True)
    return np.sort(first)


def came_before(ids: NDArray[np.uint32], width: int) -> bool:
    """Return whether the last *width* of *ids* also stand somewhere earlier among them."""
    earlier, last = ids[:-1], ids[-width:]
    ends = np.flatnonzero(earlier[width - 1 :] == last[-1]) + width
    return any(np.array_equal(ids[end - width : end], last) for end in ends)


def last_window(context: ArrayLike, width: int, answer_from: int) -> NDArray[np.uint32] | None:
    """Return the window that seeds the token after *context*, shape (1, width), or None where it may not be marked.

    It may not where fewer than *width* tokens of the answer are there, and where the window came before: the same
    numbers a second time would make the text repeat itself.
    """
    ids = token_array(context)  # type: ignore[arg-type]
    if not 0 <= answer_from <= len(ids):
        raise ValueError(f"an answer from token {answer_from} of a context of {len(ids)}")
    if len(ids) - answer_from < width or came_before(ids, width):
        return None
    return ids[None, -width:]
