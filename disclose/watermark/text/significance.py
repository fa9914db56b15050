"""Significance: the probability that a text made without the key would look as marked as this one.

Without the key, the numbers of distinct contexts are independent and uniform whatever the text says, so the sum of
-ln(1 - u) over n of them is Gamma(n, 1) exactly: no approximation, however far the tail. Where several statements
were tried at once (the whole text and its parts, keys, tokenizers, widths, schemes), the smallest p-value is
multiplied by their number (Bonferroni), which holds however they depend on each other. All this is over keys: one key
gives one number to one context, so its rare false alarms come back wherever the same phrases do.

What a text *could* have shown is as important as what it did. With a mark, the expected sum over n tokens whose
distributions have H nats of entropy in all is at least n + (pi**2 / 6 - 1) H (Fernandez et al. 2023, "Three bricks to
consolidate watermarks for large language models"), so the critical value tells how lively a text must be to be found.
"""

from __future__ import annotations

from math import inf, pi

import numpy as np
from numpy.typing import ArrayLike, NDArray

REPORT_AT = 1e-6  # corrected p-value at or below which a mark is reported
INDICATED_AT = 1e-3  # corrected p-value at or below which there may be one
LEAST_P = float(np.finfo(np.float64).tiny)  # a p-value is never zero
GAIN = pi**2 / 6 - 1  # of the score, for each nat of entropy


def gamma_p_value(statistic: ArrayLike, scored: ArrayLike) -> NDArray[np.float64]:
    """Return P(Gamma(scored, 1) >= statistic), 1 where nothing was scored."""
    from scipy.special import gammaincc

    count = np.asarray(scored, np.float64)
    tail = gammaincc(np.maximum(count, 1.0), np.maximum(statistic, 0.0))
    return np.where(count > 0, np.maximum(tail, LEAST_P), 1.0)


def detectable_nats(scored: int, hypotheses: int, p_value: float = REPORT_AT, gain: float = GAIN) -> float:
    """Return the mean entropy, nats a token, at which an unedited marked text is expected to reach *p_value*."""
    from scipy.special import gammainccinv

    if scored == 0:
        return inf
    critical = float(gammainccinv(scored, p_value / max(hypotheses, 1)))
    return max(critical - scored, 0.0) / (scored * gain)
