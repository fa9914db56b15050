"""The visible label as a layer: "AI" and what it did, drawn into the corner of a picture, under every other mark."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError
from disclose.evidence import Basis, Evidence
from disclose.layer import Plane
from disclose.media.image import MEDIA_TYPES
from disclose.media.label_drawing import SMALLEST_SIDE, Corner, drawn, found, label
from disclose.notice.label import kind_of, second_line
from disclose.registry import Resources

_log = logging.getLogger(__name__)
_ALIKE = 0.75
"""The correlation from which a corner counts as labelled; photographs and noise stay below 0.5."""


class LabelLayer:
    """Draws the label and finds it again. It is off unless a profile lists it: most pictures need none.

    It goes before whatever else changes pixels, so that what is watermarked and signed is what is seen.
    """

    name = "label"
    plane = Plane.CONTENT
    media = MEDIA_TYPES
    draws = True

    def __init__(self, *, language: str = "en", corner: Corner = "top right") -> None:
        self._language = language
        self._corner = corner

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer that writes in the profile's language."""
        return cls(language=resources.label_language)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with the label of what the system did; one that has it already keeps it.

        Raises MarkingError after a layer that it would have to go before, UnsupportedError when the picture is too
        small or of a kind that is refused by name.
        """
        early = [mark.layer for mark in asset.marks if not mark.details.get("kept")]
        if early:
            raise MarkingError(
                f"cannot label {asset.name or 'the picture'} after {', '.join(early)}, whose mark it would cover:"
                " label the picture as it was before"
            )
        content = asset.content
        content.check_markable()
        if found(content, self._corner) >= _ALIKE:
            return asset.with_mark(Mark(layer=self.name, details={"kept": True}))
        kind = kind_of(disclosure.action)
        text, language = second_line(kind, self._language)
        made = label(text, content.size, self._corner)
        if made.lost_in:
            _log.info("the label is lost where the picture is cut to %s around its middle", ", ".join(made.lost_in))
        details = {
            "kind": kind,
            "language": language,
            "corner": self._corner,
            "box": list(made.box),
            "lost_in": list(made.lost_in),
        }
        return asset.with_content(drawn(content, made)).with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield that there is a label where ours would stand; anyone can draw one, and a crop removes it."""
        content = asset.content
        if min(content.size) < SMALLEST_SIDE:
            return
        likeness = found(content, self._corner)
        if likeness >= _ALIKE:
            yield Evidence(
                layer=self.name,
                basis=Basis.LABEL,
                generated=True,
                summary=f"a visible label says AI in the {self._corner} corner; anyone can draw or remove this",
                details={"likeness": round(likeness, 3)},
            )
