"""What a text detector hands back: how sure it is, over how much of the text, and why it could not be surer.

There is no finding that a person wrote a text. Where no mark shows, a detection says what kept it from showing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.text.significance import GAIN, INDICATED_AT, REPORT_AT, detectable_nats
from disclose.watermark.text.spans import PValue, Span, disjoint, joined, placements, sums, trimmed

LIVELY = 2.0  # nats a token; free prose of a small model at temperature 1
_ALL_OF_IT = 0.95  # share of the tokens, from which on the ends of a text are not told from its whole
LEAST_COVERED = 0.5  # share of the tokens; a text that repeats itself more than this has little entropy


class Reason(Enum):
    """Why a detection says what it says."""

    MARKED = "marked"
    INDICATED = "indicated"
    TOO_SHORT = "too short"
    TOO_PREDICTABLE = "too predictable"
    NOT_FOUND = "not found"


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One text examined for one mark, or the surest of several examinations.

    ``p_value`` is the chance that a text made without the key looks as marked, corrected for all ``hypotheses`` that
    were tried; ``uncorrected`` that of the whole text alone, under one key. ``statistic`` is the score of the whole
    text, over ``scored`` of its ``total`` tokens. ``spans`` are the parts found, the whole text where it is the
    surest. ``detectable_nats`` is the mean entropy of a token from which on a mark is expected to show, unedited.
    ``label`` says which key, tokenizer and scheme this is of. ``basis`` says how the p-value is known.
    """

    scheme: str
    p_value: float
    uncorrected: float
    statistic: float
    scored: int
    total: int
    hypotheses: int
    detectable_nats: float
    basis: str
    spans: tuple[Span, ...] = ()
    label: str = ""

    def __bool__(self) -> bool:
        raise TypeError("a detection has no truth value: compare its p_value, or ask for its reason")

    @property
    def covered(self) -> float:
        """The share of the tokens that was scored, 0 to 1."""
        return self.scored / self.total if self.total else 0.0

    @property
    def share(self) -> float:
        """The share of the tokens that lies in the spans, 0 to 1."""
        return sum(span.end - span.start for span in self.spans) / self.total if self.total else 0.0

    @property
    def reason(self) -> Reason:
        """Why the detection says what it says; all but MARKED and INDICATED say nothing about origin."""
        if self.p_value <= REPORT_AT:
            return Reason.MARKED
        if self.p_value <= INDICATED_AT:
            return Reason.INDICATED
        if self.detectable_nats > LIVELY:
            return Reason.TOO_SHORT
        if self.covered < LEAST_COVERED:
            return Reason.TOO_PREDICTABLE
        return Reason.NOT_FOUND

    @property
    def summary(self) -> str:
        """One sentence for a report."""
        counts = f"{self.scored} of {self.total} tokens scored"
        chance = f"p = {self.p_value:.1e}, corrected for {self.hypotheses} hypotheses"
        where = f" in {self.share:.0%} of the text" if self.share < _ALL_OF_IT else ""
        needed = f"unedited text of {self.detectable_nats:.1f} nats a token or more is expected to show it"
        if not self.scored:
            needed = "too few for any text to show it"
        return {
            Reason.MARKED: f"the mark of this key is there{where} ({chance}; {counts})",
            Reason.INDICATED: f"the mark of this key may be there{where} ({chance}; {counts})",
            Reason.TOO_SHORT: f"undetermined: too short or too little entropy to tell ({counts}; {needed})",
            Reason.TOO_PREDICTABLE: f"undetermined: the text repeats itself too much to tell ({counts}; {needed})",
            Reason.NOT_FOUND: f"undetermined: no mark of this key was found ({chance}; {counts}; {needed}), "
            "which says nothing about who wrote the text",
        }[self.reason]

    def among(self, hypotheses: int, label: str) -> Detection:
        """Return the detection as the surest of several that tried so many *hypotheses* in all."""
        factor = hypotheses / self.hypotheses
        return replace(
            self,
            p_value=min(1.0, self.p_value * factor),
            hypotheses=hypotheses,
            spans=tuple(
                replace(span, p_value=span.p_value * factor)
                for span in self.spans
                if span.p_value * factor <= INDICATED_AT
            ),
            label=label,
        )


def judged(
    *,
    scheme: str,
    basis: str,
    values: NDArray[np.float64],
    places: NDArray[np.intp],
    width: int,
    total: int,
    p_value: PValue,
    search_spans: bool,
    gain: float = GAIN,
) -> Detection:
    """Return what *values*, one or a row for each scored token, say about the whole text and its parts.

    ``places`` are the scored tokens' positions among *total*, ``width`` the length of their contexts, and *p_value*
    gives the p-values of sums of the values over counts of tokens; *gain* is what a nat adds to a score. The whole
    text has half of the error rate to itself and its parts share the other half, so that a fully marked text does not
    pay for the search.
    """
    scored = len(values)
    everything = np.array([[0, scored]])
    parts = placements(scored) if search_spans else np.zeros((0, 2), np.intp)
    windows = np.concatenate([everything, parts])
    counts = windows[:, 1] - windows[:, 0]
    totals = sums(values, windows)
    chances = p_value(totals, counts)
    shares = np.where(np.arange(len(windows)) == 0, 2 if len(parts) else 1, 2 * len(parts))
    of_windows = np.minimum(chances * shares, 1.0)
    likely = [
        Span(start=int(start), end=int(end), p_value=float(p))
        for (start, end), p in zip(windows, of_windows, strict=True)
        if p <= INDICATED_AT
    ]
    found = [
        Span(start=int(places[start]) - width, end=int(places[end - 1]) + 1, p_value=span.p_value)
        for span in disjoint(likely)
        for start, end in [trimmed(values, span, p_value)]
    ]
    hypotheses = 2 if len(parts) else 1
    return Detection(
        scheme=scheme,
        p_value=float(of_windows.min()),
        uncorrected=float(chances[0]),
        statistic=float(totals[0].sum()),
        scored=scored,
        total=total,
        hypotheses=1 + len(parts),
        detectable_nats=detectable_nats(scored, hypotheses, gain=gain),
        basis=basis,
        spans=joined(found),
    )
