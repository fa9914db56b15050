"""The llama-cpp-python door: a logits processor that draws each token with the text watermark.

>>> from disclose.integrations.llama_cpp import watermark
>>> llama.create_chat_completion(messages, temperature=0.8, logits_processor=watermark(key, temperature=0.8))
... # doctest: +SKIP

llama-cpp-python runs logits processors before its own temperature, top-k and top-p, so the processor applies these
itself, draws, and leaves one token possible; whatever its caller asks of the sampler after that changes nothing.
Tested against the documented type of the callable, (ids, logits) to logits; **not yet inside the engine**.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disclose.errors import MarkingError
from disclose.watermark.text import gumbel

Processor = Callable[[NDArray[np.intc], NDArray[np.single]], NDArray[np.single]]


def watermark(key: bytes, *, temperature: float = 0.8, top_k: int = 40, top_p: float = 0.95) -> list[Processor]:
    """Return the ``logits_processor`` of one answer; the defaults are llama-cpp-python's own.

    Make one for each answer: where its first call finds the prompt ends, the answer begins. Raises MarkingError for a
    temperature of 0, which leaves nothing to draw, and IdentityError for a key that is too short.
    """
    return [DrawingProcessor(key, temperature=temperature, top_k=top_k, top_p=top_p)]


class DrawingProcessor:
    """A logits processor for one answer."""

    def __init__(self, key: bytes, *, temperature: float, top_k: int, top_p: float) -> None:
        gumbel.check(key)
        if not temperature > 0:
            raise MarkingError("a greedy answer leaves the mark no choice: set a temperature above 0")
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p={top_p}: a share of the probability is above 0 and at most 1")
        self._key, self._temperature, self._top_k, self._top_p = key, temperature, top_k, top_p
        self._answer_from: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return *scores*, shape (V,), with all but the drawn token at minus infinity."""
        if self._answer_from is None:
            self._answer_from = len(input_ids)
        kept = _narrowed(np.asarray(scores, np.float64) / self._temperature, self._top_k, self._top_p)
        token = gumbel.sample(kept, input_ids, self._key, answer_from=self._answer_from)
        only = np.full_like(scores, -np.inf)
        only[token] = 0.0
        return only


def _narrowed(logits: NDArray[np.float64], top_k: int, top_p: float) -> NDArray[np.float64]:
    """Return *logits* with minus infinity outside the *top_k* most likely, and of these the first *top_p* in sum."""
    gumbel.candidates(logits)
    count = min(top_k, len(logits)) if top_k > 0 else len(logits)
    best = np.argpartition(-logits, count - 1)[:count]
    best = best[np.argsort(-logits[best], kind="stable")]
    weights = np.exp(logits[best] - logits[best[0]])
    before = np.cumsum(weights) - weights
    kept = best[before < top_p * weights.sum()]
    narrowed = np.full_like(logits, -np.inf)
    narrowed[kept] = logits[kept]
    return narrowed
