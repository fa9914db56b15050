"""Spans: which parts of a text carry a mark, when the rest was written by somebody else.

Windows of geometrically growing length slide over the scored tokens in steps of a quarter of their length. Any
marked passage is thus covered by a window not much longer, and the number tried stays linear in the text. Of windows
that overlap, those are reported that explain the text best together: two passages with something between them are two
spans, though one window over both of them may have the least p-value.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

SHORTEST = 24  # scored tokens; fewer reach no useful p-value after correction
_GROWTH = 2**0.5
_STEPS = 4  # a window moves by this fraction of its length
_EDGES = 256  # places tried for an edge, at most

PValue = Callable[[NDArray[np.float64], NDArray[np.intp]], NDArray[np.float64]]


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
    """Return those of *spans* that do not overlap and are together the least likely by chance, in order."""
    ordered = sorted(spans, key=lambda one: one.end)
    ends = [one.end for one in ordered]
    best = [0.0]  # of the first so many, the sum of -ln p that is the greatest without overlap
    before = [bisect_right(ends, span.start, hi=number) for number, span in enumerate(ordered)]
    for number, span in enumerate(ordered):
        best.append(max(best[number], best[before[number]] - log(span.p_value)))
    kept: list[Span] = []
    number = len(ordered)
    while number:
        if best[number] > best[number - 1]:
            kept.append(ordered[number - 1])
            number = before[number - 1]
        else:
            number -= 1
    return tuple(reversed(kept))


def joined(spans: list[Span]) -> tuple[Span, ...]:
    """Return *spans*, in order, with those as one between which fewer tokens stand than could tell anything."""
    kept: list[Span] = []
    for span in spans:
        if kept and span.start - kept[-1].end < SHORTEST:
            last = kept.pop()
            span = replace(last, end=span.end, p_value=min(last.p_value, span.p_value))
        kept.append(span)
    return tuple(kept)


def trimmed(values: NDArray[np.float64], window: Span, p_value: PValue) -> tuple[int, int]:
    """Return where *window*, of scored tokens, begins and ends without what its ends hold of other text.

    An end is left out where the rest is surer without it, the number of edges tried held against it.
    """
    total = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    start, end = window.start, window.end

    def chances(starts: NDArray[np.intp], ends: NDArray[np.intp]) -> NDArray[np.float64]:
        return p_value(total[ends] - total[starts], ends - starts)

    for is_start in (True, False):
        edges = np.unique(np.linspace(start, end, min(end - start + 1, _EDGES)).astype(np.intp))
        edges = edges[edges <= end - SHORTEST] if is_start else edges[edges >= start + SHORTEST]
        if not len(edges):
            break
        others = np.full(len(edges), end if is_start else start)
        found = chances(edges, others) if is_start else chances(others, edges)
        least = int(found.argmin())
        (whole,) = chances(np.array([start]), np.array([end]))
        if found[least] * len(edges) < whole:
            start, end = (int(edges[least]), end) if is_start else (start, int(edges[least]))
    return start, end
