"""Significance: the probability that an unmarked picture would look as marked as this one.

Under the null hypothesis the picture knows nothing of the key. The statistic is then a sum of independent terms
``|G_k| cos(angle)``, one for each wave and pattern, with the keyed angles uniform. Divided by the square root of half
the sum of squares it is sub-Gaussian with unit variance whatever the picture, so the chance that one given alignment
and codeword reach *z* is at most exp(-z**2 / 2) (Chernoff: no normal approximation in the far tail). A union bound
(Bonferroni) over everything that was tried gives the p-value of the picture. Only codewords that pass the check can
be reported, so 2**64 of them count, however long the check.

That a mark is present needs no payload. Two things tell it: the waves of the key stand out among those it left empty,
and the sync pattern has a peak. One is of magnitudes and the other of phases, so they are independent and their
p-values combine by Fisher's method. The first is a rank sum (Wilcoxon 1945): whatever the picture's spectrum, the key
drew its waves from the band without looking.
"""

from __future__ import annotations

from math import exp, inf, log, sqrt

from disclose.watermark.image.code import PAYLOAD_BITS
from disclose.watermark.image.tile import TILE

REPORT_AT = 1e-6  # corrected p-value, per picture, at or below which a mark is reported
OFFSETS = (4 * TILE) ** 2  # translations told apart, to a quarter of a pixel
_SIGNS = 2


def p_value(z: float, geometries: int) -> float:
    """Return the corrected p-value of a best statistic *z* after trying so many *geometries*."""
    trials = log(max(geometries, 1)) + log(OFFSETS * _SIGNS) + PAYLOAD_BITS * log(2)
    return exp(min(0.0, trials - max(z, 0.0) ** 2 / 2))


def least_z(geometries: int, p: float = REPORT_AT) -> float:
    """Return the statistic at which :func:`p_value` equals *p*."""
    trials = log(max(geometries, 1)) + log(OFFSETS * _SIGNS) + PAYLOAD_BITS * log(2)
    return sqrt(2 * (trials - log(p)))


def presence_p_value(template_z: float, templates: int, sync_z: float, syncs: int, offsets: int = OFFSETS) -> float:
    """Return the p-value of the best pair of scores, after so many *templates*, and *syncs* at so many *offsets*."""
    of_template = log(max(templates, 1)) - max(template_z, 0.0) ** 2 / 2
    of_sync = log(max(syncs, 1)) + log(offsets * _SIGNS) - max(sync_z, 0.0) ** 2 / 2
    product = min(of_template, 0.0) + min(of_sync, 0.0)
    return exp(product) * (1 - product) if product > -inf else 0.0
