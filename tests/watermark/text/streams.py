"""Token streams with and without a mark, from distributions that stand in for a model's where none is needed."""

from __future__ import annotations

import numpy as np

from disclose.watermark.text import Span, gumbel

KEY = b"a key that only the tests hold.."
OTHER_KEY = b"another key that the tests hold."
VOCABULARY = 1000


def logits(random: np.random.Generator, spread: float = 3.0) -> np.ndarray:
    """Return the logits of one token; the wider their *spread*, the less entropy: 3 leaves about 3 nats."""
    return random.normal(0, spread, VOCABULARY)


def written(seed: int, tokens: int) -> list[int]:
    """Return token ids that no key had a part in."""
    return np.random.default_rng(seed).integers(0, VOCABULARY, tokens).tolist()


def marked(seed: int, tokens: int, key: bytes = KEY, *, spread: float = 3.0, width: int = 4) -> list[int]:
    """Return token ids drawn with the mark of *key*; the first ones, which are drawn freely, are always the same."""
    random, ids = np.random.default_rng(seed), written(seed + 10_000, width)
    for _ in range(tokens - width):
        ids.append(gumbel.sample(logits(random, spread), ids, key, width=width))
    return ids


def overlap(span: Span, start: int, end: int) -> float:
    """Return what *span* and the tokens *start* to *end* have in common, as a share of what either has."""
    common = max(0, min(span.end, end) - max(span.start, start))
    return common / (max(span.end, end) - min(span.start, start))
