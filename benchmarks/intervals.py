"""How sure a count makes us: intervals for a rate seen in n trials."""

from __future__ import annotations

from math import floor, sqrt

from scipy import stats


def wilson(hits: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval (1927), which stays honest near 0 and 1, where rates of interest lie.

    >>> [round(bound, 3) for bound in wilson(98, 100)]
    [0.93, 0.994]
    """
    if trials == 0:
        return 0.0, 1.0
    z = float(stats.norm.ppf((1 + confidence) / 2))
    rate, spread = hits / trials, z * z / trials
    middle, half = rate + spread / 2, z * sqrt(rate * (1 - rate) / trials + spread / (4 * trials))
    low, high = (middle - half) / (1 + spread), (middle + half) / (1 + spread)
    return (0.0 if hits == 0 else low), (1.0 if hits == trials else high)


def at_most(hits: int, trials: int, confidence: float = 0.95) -> float:
    """Return the exact upper bound of the rate (Clopper and Pearson 1934); about 3/n where there were no hits.

    >>> round(at_most(0, 1000), 4)
    0.003
    """
    if hits >= trials:
        return 1.0
    return float(stats.beta.ppf(confidence, hits + 1, trials - hits))


def percent(rate: float) -> str:
    """Return *rate* in words, rounded down: 100 % is said of all, and of nothing less.

    >>> percent(1), percent(0.9996), percent(0)
    ('100 %', '99.9 %', '0 %')
    """
    return f"{100 * rate:.0f} %" if rate in (0, 1) else f"{floor(1000 * rate + 1e-6) / 10:.1f} %"
