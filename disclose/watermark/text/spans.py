"""Spans: which parts of a text carry a mark, when the rest was written by somebody else.

Windows of geometrically growing length slide over the scored tokens in steps of a quarter of their length. Any
marked passage is thus covered by a window not much longer, and the number tried stays linear in the text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHORTEST = 24  # scored tokens; fewer reach no useful p-value after correction
_GROWTH = 2**0.5
_STEPS = 4  # a window moves by this fraction of its length


@dataclass(frozen=True, kw_only=True)
class Span:
    """Tokens *start* to *end* (exclusive) of the text, and the corrected p-value of a mark in them."""

    start: int
    end: int
    p_value: float


def placements(scored: int) -> NDArray[np.intp]:
    """Return (start, end) of every window over *scored* tokens, shape (w, 2), none where the text is too short."""
    found = []
    length = float(SHORTEST)
    while round(length) < scored:
        size = round(length)
        starts = np.arange(0, scored - size + 1, max(size // _STEPS, 1))
        if starts[-1] != scored - size:
            starts = np.append(starts, scored - size)
        found.append(np.stack([starts, starts + size], axis=1))
        length *= _GROWTH
    return np.concatenate(found) if found else np.zeros((0, 2), np.intp)


def sums(values: NDArray[np.float64], places: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the sum of *values*, shape (n,) or (n, k), over each window of *places*, shape (w, 2)."""
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    difference: NDArray[np.float64] = total[places[:, 1]] - total[places[:, 0]]
    return difference


def disjoint(spans: list[Span]) -> tuple[Span, ...]:
    """Return the surest of *spans* that do not overlap a surer one, in the order of the text."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.p_value, one.start - one.end)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return tuple(sorted(kept, key=lambda one: one.start))
