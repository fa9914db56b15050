"""Significance: the probability that a message chosen without regard to the picture would fit it as well as this one.

The bits of a picture are no coin tosses: flat parts read all alike, stripes repeat. So chance is put where it belongs,
in the message. Given any picture, let w_i be how far bit i leans towards 1, with the mean taken out, and let the
message's signs be m_i. Had the m_i been drawn at random, P(sum m_i w_i >= T) <= exp(-λT) · Π cosh(λ w_i) for every
λ > 0 (Chernoff), whatever the picture. With all |w_i| alike and all bits right this is 2 to the power of -n, the
binomial answer. SDXL's and FLUX's messages were "chosen at random", as their sources say. Text was not, so the mean
is taken out of each place in the byte, which leaves only what tells one letter from another; benchmarks/legacy_marks.py
counts what is found in pictures that carry nothing.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REPORT_AT = 1e-6  # corrected p-value, per picture, at or below which a message is reported
_RATES = 2.0 ** np.arange(-6, 12, 0.25)


def leanings(shares: NDArray[np.float64], period: int) -> NDArray[np.float64]:
    """Return how far each bit leans towards 1, from -1 to 1, with the mean of its place in the *period* taken out."""
    by_place = shares.reshape(-1, period)
    weights = (by_place - by_place.mean(axis=0)).reshape(-1)
    greatest = float(np.abs(weights).max())
    # What is left of a picture that leans nowhere is rounding.
    return weights / greatest if greatest > 1e-9 else np.zeros_like(weights)


def p_value(weights: NDArray[np.float64], signs: NDArray[np.float64], *, trials: int = 1) -> float:
    """Return the p-value of the message *signs* (+1 or -1) for a picture with these leanings, both of shape (bits,).

    *trials* is how many messages and readings were tried (Bonferroni).
    """
    total = float(weights @ signs)
    if total <= 0:
        return 1.0
    spread = np.abs(_RATES[:, None] * weights)
    # log cosh, which itself would overflow
    exponents = (spread + np.log1p(np.exp(-2 * spread)) - np.log(2)).sum(axis=1) - _RATES * total
    return float(np.exp(min(0.0, float(exponents.min()) + np.log(trials))))
