"""The llama-cpp-python door: a model whose every answer carries the text watermark.

>>> from disclose.integrations.llama_cpp import watermarked
>>> llama = watermarked(llama, key)                                             # doctest: +SKIP
>>> llama.create_chat_completion(messages, temperature=0.8, top_k=40)           # doctest: +SKIP

llama-cpp-python runs logits processors before its own penalties, top-k, top-p, min-p and temperature, so the processor
applies these itself, in the engine's order, draws, and leaves one token possible; what else the sampler is asked for
after that (typical_p) changes nothing. A grammar, and so response_format and tools, would forbid the token that was
drawn, upon which the engine ends the process (0.3.36): it is refused, as is what would leave unmarked. Tested inside
the engine, with a small model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disclose.errors import MarkingError
from disclose.integrations.engine_settings import GREEDY, is_greedy
from disclose.watermark.text import gumbel

_REFUSED = ("grammar", "logit_bias", "mirostat_mode", "logits_processor")
_APPLIED = ("temperature", "top_k", "top_p", "min_p", "repeat_penalty", "frequency_penalty", "presence_penalty")
_UNMARKED = ("generate", "sample", "create_chat_completion_openai_v1")

Processor = Callable[[NDArray[np.intc], NDArray[np.single]], NDArray[np.single]]


def watermarked(llama: Any, key: bytes) -> Any:
    """Return what answers as *llama* does, with the mark of *key* in every answer; *llama* stays as it is.

    Its completions raise MarkingError where one is asked for that could not be marked; a key that is too short is an
    IdentityError.
    """
    return WatermarkedLlama(llama, key)


class WatermarkedLlama:
    """A model behind the mark; what is not about answering is the model's own."""

    def __init__(self, llama: Any, key: bytes) -> None:
        gumbel.check(key)
        self._llama, self._key = llama, key

    def __getattr__(self, name: str) -> Any:
        if name in _UNMARKED:
            raise MarkingError(f"what {name}() draws would leave unmarked: use create_completion")
        return getattr(self._llama, name)

    def create_completion(self, prompt: Any, **settings: Any) -> Any:
        """Return what the model's own does, marked."""
        asked = [name for name in _REFUSED if settings.get(name)]
        if asked:
            raise MarkingError(f"an answer with {', '.join(asked)} cannot be marked: leave it out")
        drawn = {name: settings[name] for name in _APPLIED if name in settings}
        drawn["last_tokens"] = self._llama.last_n_tokens_size
        return self._llama.create_completion(prompt, **settings | {"logits_processor": watermark(self._key, **drawn)})

    def create_chat_completion(self, *arguments: Any, **settings: Any) -> Any:
        """Return what the model's own does, marked."""
        # The model's own method, with this object in its place, ends in the completions above.
        return type(self._llama).create_chat_completion(self, *arguments, **settings)

    __call__ = create_completion


def watermark(key: bytes, **settings: Any) -> list[Processor]:
    """Return the ``logits_processor`` of one answer, for callers who see to it that it is asked for no grammar.

    The *settings* are those of :class:`DrawingProcessor`, by default llama-cpp-python's own. Make one for each answer:
    where its first call finds the prompt ends, the answer begins. Raises MarkingError for settings that leave nothing
    to draw, such as a temperature of 0, and IdentityError for a key that is too short.
    """
    return Processors([DrawingProcessor(key, **settings)])


class Processors(list[Processor]):
    """The processors of one answer, to which none is added: the engine does so for a logit_bias, and loses them all."""

    def extend(self, added: Any) -> None:
        """Raise MarkingError."""
        raise MarkingError("an answer with a logit_bias would leave unmarked: leave it out")


class DrawingProcessor:
    """A logits processor for one answer; penalties look at as many of its ``last_tokens``."""

    def __init__(
        self,
        key: bytes,
        *,
        temperature: float = 0.8,
        top_k: int = 40,
        top_p: float = 0.95,
        min_p: float = 0.05,
        repeat_penalty: float = 1.0,
        frequency_penalty: float = 0.0,
        presence_penalty: float = 0.0,
        last_tokens: int = 64,
    ) -> None:
        gumbel.check(key)
        if not 0 < top_p <= 1:
            raise ValueError(f"top_p={top_p}: a share of the probability is above 0 and at most 1")
        drawn = {"temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p}
        if not temperature > 0 or is_greedy(drawn):
            raise MarkingError(GREEDY)
        self._key, self._temperature, self._top_k, self._top_p, self._min_p = key, temperature, top_k, top_p, min_p
        self._penalties, self._last_tokens = (repeat_penalty, frequency_penalty, presence_penalty), last_tokens
        self._answer_from: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return *scores*, shape (V,), with all but the drawn token at minus infinity."""
        if self._answer_from is None:
            self._answer_from = len(input_ids)
        recent = np.asarray(input_ids[self._answer_from :], np.intp)[-self._last_tokens :]
        logits = _penalized(np.array(scores, np.float64), recent, *self._penalties)
        kept = _narrowed(logits, self._top_k, self._top_p, self._min_p) / self._temperature
        token = gumbel.sample(kept, input_ids, self._key, answer_from=self._answer_from)
        only = np.full_like(scores, -np.inf)
        only[token] = 0.0
        return only


def _penalized(
    logits: NDArray[np.float64], recent: NDArray[np.intp], repeat: float, frequency: float, presence: float
) -> NDArray[np.float64]:
    """Return *logits*, which are used up, with those of the *recent* tokens lowered as llama.cpp lowers them."""
    tokens, counts = np.unique(recent, return_counts=True)
    found = logits[tokens]
    logits[tokens] = np.where(found > 0, found / repeat, found * repeat) - counts * frequency - presence
    return logits


def _narrowed(logits: NDArray[np.float64], top_k: int, top_p: float, min_p: float = 0.0) -> NDArray[np.float64]:
    """Return *logits* without what top_k, top_p and min_p exclude, one after the other: minus infinity there."""
    gumbel.candidates(logits)
    count = min(top_k, len(logits)) if top_k > 0 else len(logits)
    best = np.argpartition(-logits, count - 1)[:count]
    best = best[np.argsort(-logits[best], kind="stable")]
    weights = np.exp(logits[best] - logits[best[0]])
    before = np.cumsum(weights) - weights
    kept = best[(before < top_p * weights.sum()) & (weights >= min_p)]
    narrowed = np.full_like(logits, -np.inf)
    narrowed[kept] = logits[kept]
    return narrowed
