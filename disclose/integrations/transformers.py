"""The transformers door: a model whose every answer carries the text watermark.

>>> from disclose.integrations.transformers import watermarked
>>> model = watermarked(model, key)                                         # doctest: +SKIP
>>> model.generate(**inputs, do_sample=True, temperature=0.8, top_k=50)     # doctest: +SKIP
>>> pipeline("text-generation", model=model, tokenizer=tokenizer)           # doctest: +SKIP

The mark is written where transformers puts its own watermarks: after temperature, top-k, top-p and all other
processors, so the settings of a call mean what they always mean, and streamers show what they always show. Ways of
generating that draw nothing, or draw differently (greedy, beams, assisted, continuous batching), are refused: they
would leave unmarked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from disclose.errors import MarkingError, ProfileError, UnsupportedError, extra
from disclose.integrations.engine_settings import GREEDY, is_greedy
from disclose.watermark.text import gumbel, synthid

_OTHER_WAYS = (
    *("assistant_model", "assistant_early_exit", "prompt_lookup_num_tokens", "use_mtp"),
    *("custom_generate", "penalty_alpha", "dola_layers"),
)
_CONTINUOUS = ("generate_batch", "init_continuous_batching", "continuous_batching_context_manager")

Draw = Callable[..., int]  # (logits, context, answer_from=…): one scheme with its key


def watermarked(model: Any, key: bytes, *, scheme: str = "gumbel") -> Any:
    """Return a model of the same weights as *model* that marks every answer with *key*; *model* stays as it is.

    ``scheme`` is "gumbel" or "synthid". The model's ``generate`` raises MarkingError where a call asks for an answer
    that could not be marked; the key is an IdentityError where it is too short.
    """
    return _with_watermark(model, TextWatermark(key, scheme=scheme))


@dataclass(init=False, repr=False, eq=False)  # of dataclasses alone does transformers ask what may be written down
class TextWatermark:
    """The watermark as transformers takes it: ``generate(watermarking_config=TextWatermark(key), do_sample=True)``.

    :func:`watermarked` also refuses calls that could not be marked; here, the caller must. Written to a file or
    printed, it says nothing of the key.
    """

    def __init__(self, key: bytes, *, scheme: str = "gumbel") -> None:
        """Mark with *key*; raise IdentityError for a key that is too short, ProfileError for an unknown scheme."""
        if scheme == "gumbel":
            gumbel.check(key)
            self._draw: Draw = partial(gumbel.sample, key=key)
        elif scheme == "synthid":
            self._draw = partial(synthid.sample, tournament=synthid.Tournament.from_secret(key))
        else:
            raise ProfileError(f"there is no text watermark called {scheme!r}: choose gumbel or synthid")
        self._scheme = scheme

    def __repr__(self) -> str:
        return f"TextWatermark(scheme={self._scheme!r})"

    def validate(self) -> None:
        """Do nothing: the settings were checked when they were made."""

    def to_dict(self) -> dict[str, Any]:
        """Return what may be written down."""
        return {"scheme": self._scheme}

    def construct_processor(self, vocab_size: int, device: Any) -> DrawingProcessor:
        """Return the processor of one call of ``generate``."""
        return DrawingProcessor(self._draw)


class DrawingProcessor:
    """A logits processor that draws the token itself, and leaves it the only one possible.

    It belongs at the end of the list, and to one call of ``generate``: where its first call finds the prompt ends,
    the answer begins.
    """

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._answer_from: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Return *scores*, shape (batch, V), with all but one token of each row at minus infinity."""
        with extra("transformers"):
            import torch
        if self._answer_from is None:
            self._answer_from = input_ids.shape[1]
        contexts, logits = input_ids.cpu().numpy(), scores.detach().to(torch.float32).cpu().numpy()
        drawn = [
            self._draw(row, context, answer_from=self._answer_from)
            for row, context in zip(logits, contexts, strict=True)
        ]
        only = torch.full_like(scores, float("-inf"))
        only[torch.arange(len(drawn)), torch.tensor(drawn)] = 0.0
        return only


def _with_watermark(model: Any, watermark: Any) -> Any:
    marking = copy.copy(model)
    plain = model.generate

    def generate(*arguments: Any, **settings: Any) -> Any:
        config = settings.get("generation_config")
        if len(arguments) > 1 and config is None:
            raise UnsupportedError("marking the answer of generate(): pass all but the input ids by name")
        _refuse_other_ways(settings, config, model.generation_config)
        if settings.pop("watermarking_config", None) is not None or getattr(config, "watermarking_config", None):
            raise MarkingError("the model already marks its answers: leave watermarking_config out")
        return plain(*arguments, **settings, watermarking_config=copy.copy(watermark))

    marking.generate = generate
    for name in _CONTINUOUS:
        if hasattr(model, name):
            setattr(marking, name, partial(_refuse_continuous, name))
    return marking


def _refuse_continuous(name: str, *arguments: Any, **settings: Any) -> None:
    raise MarkingError(f"what {name}() draws would leave unmarked: use generate(), which takes batches too")


def _refuse_other_ways(settings: dict[str, Any], *configs: Any) -> None:
    def setting(name: str) -> Any:
        """Return what transformers goes by: the call's own, else the call's configuration, else the model's."""
        values = [settings.get(name)] + [getattr(config, name, None) for config in configs]
        return next((value for value in values if value is not None), None)

    if not setting("do_sample"):
        raise MarkingError("a greedy answer leaves the mark no choice: generate with do_sample=True")
    if (setting("num_beams") or 1) > 1:
        raise MarkingError("a beam search does not draw its tokens, so it cannot be marked: leave num_beams at 1")
    if is_greedy({name: setting(name) for name in ("temperature", "top_k", "top_p", "min_p")}):
        raise MarkingError(GREEDY)
    if setting("cache_implementation") == "paged":
        _refuse_continuous("a paged generate")
    asked = [name for name in _OTHER_WAYS if setting(name) not in (None, False)]
    if asked:
        raise MarkingError(f"an answer generated with {', '.join(asked)} cannot be marked: leave it out")
