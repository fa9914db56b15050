"""The text watermark as a layer: what a model's tokens say of it, as evidence; and on record, whether one was due.

The mark itself is written while the model writes (:mod:`disclose.watermark.text`), so that this layer adds nothing to a
text: it measures what the text carries, once its last word is there, and notes that beside the duty to carry it. A
text that could not be examined is noted as one that was not; nothing here says that there is a mark unless one shows.

A key that a serving engine was given (:mod:`disclose.watermark.text.engines`) is told from the others by its name,
that of its file: one in ``answers.sglang.key`` is looked for as SGLang's alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.duty import Duty, duty_of
from disclose.errors import DiscloseError, ProfileError
from disclose.evidence import Basis, Binding, Evidence, Integrity
from disclose.layer import Plane
from disclose.media import text, text_frames
from disclose.registry import Resources

if TYPE_CHECKING:
    from disclose.watermark.text.detection import Detection
    from disclose.watermark.text.search import Reading, Scheme, Tokenizer

_log = logging.getLogger(__name__)
_BOTH = "it takes a key and the tokenizer of the model; set text_key_files and tokenizers"
_MOST_OF_IT = 0.5
"""The share of the tokens that has to carry the mark before it speaks for the text."""


class TextWatermarkLayer:
    """Examines texts under *keys* with *tokenizers* and *schemes*, each by its name; see ``watermark.text.search``."""

    name = "text_watermark"
    # A mark in the content, but what is noted of it comes after the last word, as streams have it, and before the
    # record, which keeps the note.
    plane = Plane.CONTAINER
    media = ("text/plain", "text/markdown")

    def __init__(
        self,
        *,
        tokenizers: Mapping[str, Tokenizer],
        keys: Mapping[str, Any],
        schemes: Mapping[str, Scheme],
        duty: Callable[[str], Duty] = duty_of,
    ) -> None:
        self._tokenizers = tokenizers
        self._keys = keys
        self._schemes = schemes
        self._duty = duty

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's keys and tokenizers, over the schemes that our own doors write.

        Tokenizers are imported when the first text comes; ProfileError is raised then for one that is not there, and
        here for keys without tokenizers and tokenizers without keys.
        """
        if bool(resources.text_keys) != bool(resources.tokenizers):
            raise ProfileError(f"cannot look for text watermarks: {_BOTH}")
        from disclose.watermark.text import gumbel, synthid

        schemes: dict[str, Scheme] = {"gumbel": gumbel.detect, "synthid": synthid.detect}
        return cls(tokenizers=References(resources.tokenizers), keys=resources.text_keys, schemes=schemes)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with note of whether a watermark was due in it, why, and how surely there is one.

        What keeps a text from being examined is noted instead: the text may have been shown by now, and it is better
        on record without the finding than nowhere.
        """
        content = _said(asset)
        duty = self._duty(content)
        details = {"duty": duty.to_dict(), **self._noted(content, due=duty.watermark)}
        return asset.with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> list[Evidence]:
        """Return what the surest examination says, and what others say of other parts of the text.

        That none could be sure is a finding too, with its reason.
        """
        from disclose.watermark.text.significance import REPORT_AT

        found = self._searched(_said(asset))
        marked = sum(one.share for one in found if one.p_value <= REPORT_AT)
        return [self._finding(one, marked) for one in found]

    def _noted(self, content: str, *, due: bool) -> dict[str, Any]:
        from disclose.watermark.text.detection import Reason

        try:
            found = self._searched(content)[0]
        except DiscloseError as error:
            _log.warning("a text goes on record unexamined for its watermark: %s", error)
            return {"examined": False, "reason": str(error)}
        if due and found.reason is Reason.NOT_FOUND:
            _log.warning("a text that is to carry a watermark does not show one: was its model given the key?")
        return {
            "examined": True,
            "reason": found.reason.value,
            "p_value": found.p_value,
            "scored": found.scored,
        }

    def _searched(self, content: str) -> list[Detection]:
        from disclose.watermark.text.search import findings

        if not self._keys or not self._tokenizers:
            raise ProfileError(f"cannot look for a text watermark: {_BOTH}")
        return findings(content, tokenizers=self._tokenizers, readings=self._readings())

    def _readings(self) -> dict[str, Reading]:
        """Return each scheme with each key that may be of it: an engine's own key is of nothing else."""
        from disclose.watermark.text import engines
        from disclose.watermark.text.search import readings

        shared = {name: key for name, key in self._keys.items() if engines.engine_of(name) is None}
        return readings(shared, self._schemes) | {
            f"{engine}, key {name}": partial(engines.detect, engine, secret=key)
            for name, key in self._keys.items()
            if (engine := engines.engine_of(name)) is not None
        }

    def _finding(self, found: Detection, marked: float) -> Evidence:
        """Return the evidence of what was *found* in a text of which a share of *marked* carries our marks in all."""
        from disclose.watermark.text.detection import Reason

        generated = found.reason in (Reason.MARKED, Reason.INDICATED)
        # Who has the key can tell, and nobody else could have made it: that is what ties this mark to the text.
        bound = found.reason is Reason.MARKED and marked >= _MOST_OF_IT
        return Evidence(
            layer=self.name,
            basis=Basis.WATERMARK,
            binding=Binding.SOFT if bound else Binding.NONE,
            integrity=Integrity.INTACT if bound else Integrity.UNKNOWN,
            p_value=found.p_value,
            generated=generated,
            summary=f"{found.summary} ({found.label})",
            details={
                "reason": found.reason.value,
                "statistic": found.statistic,
                "tokens": found.total,
                "tokens_scored": found.scored,
                "share": round(found.share, 3),
                "token_spans": [[span.start, span.end] for span in found.spans],
                "examined": found.label,
                "hypotheses": found.hypotheses,
                "p_value_known": found.basis,
            },
        )


def _said(asset: Asset) -> str:
    """Return the text of *asset* without manifests, which no model wrote and which are longer than most answers."""
    return text_frames.without(text.decode(asset.data), lambda manifest: True)


class References(Mapping[str, "Tokenizer"]):
    """Tokenizers by reference, "package.module:function", each imported when it is asked for."""

    def __init__(self, references: tuple[str, ...]) -> None:
        self._references = references

    def __getitem__(self, reference: str) -> Tokenizer:
        """Return the tokenizer that *reference* names; raises ProfileError with the reason where there is none."""
        if reference not in self._references:
            raise KeyError(reference)
        return _resolved(reference)

    def __iter__(self) -> Iterator[str]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)


def _resolved(reference: str) -> Tokenizer:
    module, _, path = reference.partition(":")
    try:
        found: Any = attrgetter(path)(import_module(module))
    except Exception as error:  # whatever importing somebody else's module raises
        raise ProfileError(f"cannot use the tokenizer {reference}: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ProfileError(
            f"cannot use the tokenizer {reference}: it names no function; name one that takes a text and returns its"
            " token ids"
        )
    return found  # type: ignore[no-any-return]
