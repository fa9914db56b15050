"""The quotation log as a layer: it notes phrases of every text that is issued, and finds texts that repeat them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.evidence import Basis, Binding, Evidence, Integrity, Time
from disclose.layer import Plane
from disclose.media import text, text_frames
from disclose.registry import Resources

if TYPE_CHECKING:
    from disclose.ledger.quotes import Quotation, QuoteLog

FALSE_MATCHES = 3e-4
"""The bound on the chance of a match with an unrelated text up to which a match is reported."""
_MOST_OF_IT = 0.5
"""The share of a text that has to come from an answer before a pointer vouches for the text."""
_MEANS_NOTHING = "which says nothing about where the text came from"


class TextFingerprintLayer:
    """Notes keyed hashes of a text's phrases when it is issued, and finds quotations by them. A hit alone is a hint."""

    name = "text_fingerprint"
    plane = Plane.RECORD
    media = text.MEDIA_TYPES

    def __init__(self, log: Callable[[], QuoteLog]) -> None:
        self._log = log

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer over the log in the profile's ledger, whose key stands in the profile's folder."""

        def log() -> QuoteLog:
            from disclose.ledger.quotes import QuoteLog
            from disclose.ledger.tenants import TenantKeys

            return QuoteLog(resources.ledger(), TenantKeys(resources.folder / "tenant-keys").key())

        return cls(_once(log))

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* once its phrases are on disk; raises LedgerError when they cannot be."""
        phrases = self._log().add(_shown(asset)[0], disclosure.id)
        return asset.with_mark(Mark(layer=self.name, details={"phrases": phrases}))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the answers that *asset* repeats, whole or in part, or that it is too short to tell."""
        shown, places = _shown(asset)
        log = self._log()
        if not len(log):
            return
        found = [one for one in log.find(shown) if _counts(one)]
        alike = sorted({str(one.identifier) for one in found if one.is_exact})
        for one in found:
            yield self._finding(one, shown, places, alike, telling=not log.too_short(shown))
        if not found and log.too_short(shown):
            yield Evidence(
                layer=self.name,
                basis=Basis.FINGERPRINT,
                summary=f"the text is too short to be looked for among {len(log)} answers, {_MEANS_NOTHING}",
                details={"words": len(text.words(shown)), "reason": "too short", "searched": len(log)},
            )

    def compare(self, asset: Asset, issued: Mark, finding: Evidence) -> Evidence:
        """Return whether *asset* still has the words that the identifier of *finding* was issued for."""
        shown, places = _shown(asset)
        same = next((one for one in self._log().find(shown) if _counts(one) and _is_of(one, finding)), None)
        if same is not None and same.share < _MOST_OF_IT:
            described = f"repeats {_amount(same)} of the answer in question, in {same.share:.0%} of its words"
            integrity, binding, details = Integrity.UNKNOWN, Binding.NONE, _details(same, shown, places)
        elif same is not None:
            described = f"repeats {_amount(same)} of the answer that the identifier was issued for"
            integrity, binding, details = Integrity.INTACT, Binding.SOFT, _details(same, shown, places)
        elif self._log().too_short(shown) or not issued.details.get("phrases"):
            described = "is too short to tell whether the identifier was issued for it"
            integrity, binding, details = Integrity.UNKNOWN, Binding.NONE, {"reason": "too short"}
        else:
            described = "does not have the words that the identifier was issued for: the mark was copied from there"
            integrity, binding, details = Integrity.BROKEN, Binding.SOFT, {}
        return Evidence(
            layer=self.name,
            basis=Basis.FINGERPRINT,
            binding=binding,
            integrity=integrity,
            id=finding.id,
            summary=f"the text {described}",
            details=details,
        )

    def _finding(
        self, one: Quotation, shown: str, places: list[tuple[int, int]], alike: list[str], *, telling: bool
    ) -> Evidence:
        # The very wording is what was issued, and a part of it is a quotation, by whomever: that alone proves nothing.
        # Nor does a wording so short that others may well have hit upon it.
        bound = one.is_exact and one.phrases > 0 and telling
        what = "the very wording" if one.is_exact else f"{one.shared} of {one.phrases} recorded phrases"
        stands = "stands" if one.is_exact else "stand"
        details = _details(one, shown, places)
        # Which one of several answers of the same wording this is, the wording cannot tell.
        is_named = len(alike) == 1 or not one.is_exact
        if not is_named:
            details["issued_as"] = alike
        return Evidence(
            layer=self.name,
            basis=Basis.RECORD if bound else Basis.FINGERPRINT,
            binding=Binding.SOFT if bound else Binding.NONE,
            integrity=Integrity.INTACT if bound else Integrity.UNKNOWN,
            time=Time.STATED,
            p_value=one.p_value,
            id=one.identifier if is_named else None,
            generated=True,
            summary=f"{what} of an answer issued here {one.issued:%Y-%m-%d} {stands} in {one.share:.0%} of the text;"
            f" by chance in any of {one.searched} answers: {_percent(one.p_value)} at most",
            details=details,
        )


def _shown(asset: Asset) -> tuple[str, list[tuple[int, int]]]:
    """Return the words that *asset* shows, and where in its text each stretch of them begins."""
    content = text.decode(asset.data)
    if asset.media_type == "text/html":
        return text.visible_text(content)
    # A manifest in the text is 5 kB of Base64, which nobody says and nobody quotes.
    stretches = list(text_frames.around(content, lambda manifest: True))
    lengths = accumulate((end - start for start, end in stretches), initial=0)
    places = [(length, start) for length, (start, _) in zip(lengths, stretches, strict=False)]
    return "".join(content[start:end] for start, end in stretches), places


def _counts(one: Quotation) -> bool:
    return one.is_exact or one.p_value <= FALSE_MATCHES


def _is_of(one: Quotation, finding: Evidence) -> bool:
    return finding.id is not None and one.identifier.agrees_with(finding.id)


def _details(one: Quotation, shown: str, places: list[tuple[int, int]]) -> dict[str, Any]:
    spans = [[_place(span.start, places), _place(span.end, places)] for span in one.passages]
    return {
        "shared": one.shared,
        "phrases": one.phrases,
        "share": round(one.share, 3),
        "spans": spans,
        "exact": one.is_exact,
        "searched": one.searched,
    }


def _place(position: int, places: list[tuple[int, int]]) -> int:
    """Return where the character *position* of what is shown stands in the text as it is written."""
    from bisect import bisect_right

    shown, written = places[max(0, bisect_right(places, (position, math.inf)) - 1)] if places else (0, 0)
    return written + position - shown


def _amount(one: Quotation) -> str:
    return "the whole" if one.is_exact else f"{one.shared} of {one.phrases} recorded phrases"


def _percent(p_value: float) -> str:
    return f"{p_value:.0e}" if p_value < 0.01 else f"{p_value:.0%}"


def _once(make: Callable[[], QuoteLog]) -> Callable[[], QuoteLog]:
    made: list[QuoteLog] = []

    def log() -> QuoteLog:
        if not made:
            made.append(make())
        return made[0]

    return log
