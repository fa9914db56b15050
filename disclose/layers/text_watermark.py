"""The text watermark as a layer: what a model's tokens say of it, as evidence; and on record, whether one was due.

The mark itself is written while the model writes (:mod:`disclose.watermark.text`), so that this layer adds nothing to a
text: it measures what the text carries and notes that beside the duty to carry it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.duty import Duty, duty_of
from disclose.evidence import Basis, Binding, Evidence, Integrity
from disclose.layer import Plane
from disclose.media import text

if TYPE_CHECKING:
    from disclose.watermark.text.detection import Detection
    from disclose.watermark.text.search import Scheme, Tokenizer

_MOST_OF_IT = 0.5
"""The share of the tokens that has to carry the mark before it speaks for the text."""


class TextWatermarkLayer:
    """Examines texts under *keys* with *tokenizers* and *schemes*, each by its name; see ``watermark.text.search``."""

    name = "text_watermark"
    plane = Plane.CONTENT
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

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with note of whether a watermark was due in it, why, and how surely there is one."""
        content = text.decode(asset.data)
        found = self._searched(content)
        details = {"duty": self._duty(content).to_dict(), "p_value": found.p_value, "scored": found.scored}
        return asset.with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> list[Evidence]:
        """Return what the surest examination says; that none could be sure is a finding too, with its reason."""
        return [self._finding(self._searched(text.decode(asset.data)))]

    def _searched(self, content: str) -> Detection:
        from disclose.watermark.text.search import search

        return search(content, tokenizers=self._tokenizers, keys=self._keys, schemes=self._schemes)

    def _finding(self, found: Detection) -> Evidence:
        from disclose.watermark.text.detection import Reason

        generated = found.reason in (Reason.MARKED, Reason.INDICATED)
        share = sum(span.end - span.start for span in found.spans) / max(1, found.total)
        # Who has the key can tell, and nobody else could have made it: that is what ties this mark to the text.
        bound = found.reason is Reason.MARKED and share >= _MOST_OF_IT
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
                "share": round(share, 3),
                "token_spans": [[span.start, span.end] for span in found.spans],
                "examined": found.label,
                "hypotheses": found.hypotheses,
                "p_value_known": found.basis,
            },
        )
