"""The pointer: an invisible tag at the end of the last paragraph of prose, which leads to the record of a text.

Off unless a profile's layers name it: invisible characters count as characters, and validators and editors stumble over
them. It survives copying and rewording, and it binds no words, so that alone it never gives more than a hint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure
from disclose.errors import MarkingError
from disclose.evidence import Basis, Evidence
from disclose.layer import Carried, Plane
from disclose.media import text, text_frames, text_tag, text_zones
from disclose.registry import Resources

_MOST_PLACES = 20
"""Of a kind of characters hidden by others, named one by one; a hostile text has a million."""
_CHANCE = 2.0**-64
"""That a tag made without the key has the right code."""


class TextPointerLayer:
    """Writes one tag into a text, where nothing that a machine reads is touched, and finds those made with its key."""

    name = "text_pointer"
    plane = Plane.CONTENT
    media = ("text/plain", "text/markdown")

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the key that stands in the profile's folder."""

        def key() -> bytes:
            from disclose.ledger.tenants import TenantKeys

            return TenantKeys(resources.folder / "tenant-keys").key()

        return cls(key)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with a tag; raises MarkingError where no paragraph of plain prose can hold it."""
        content = text.decode(asset.data)
        if text_frames.is_signed(content):
            raise MarkingError(
                f"cannot put a pointer into {asset.name or 'the text'}: it is signed in itself, and any change would"
                " break that; name text_pointer before c2pa_text among the layers"
            )
        found = text_zones.places(content)
        if not found:
            raise MarkingError(
                f"cannot put a pointer into {asset.name or 'the text'}: no paragraph of it is plain prose, and code,"
                " data, addresses and numbers are never touched; list text_pointer as optional to go without it there"
            )
        tagged = text_tag.written(content, found[-1], disclosure.id, self._key())
        mark = Mark(layer=self.name, details={"bits": text_tag.IDENTIFIER_BITS, "characters": text_tag.LENGTH})
        begins = b"\xef\xbb\xbf" if asset.data.startswith(b"\xef\xbb\xbf") else b""
        return asset.with_data(begins + tagged.encode()).with_mark(mark)

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield each tag of ours, and what others have hidden in the text, by name: one finding for all of a kind."""
        content = text.decode(asset.data)
        key, seen = self._key(), set()
        others: dict[str, list[tuple[int, int]]] = {}
        for number, tag in enumerate(text_tag.tags(content), 1):
            if not tag.is_made_with(key):
                others.setdefault("an invisible tag that another key made", []).append((tag.start, tag.end))
            elif tag.identifier not in seen:
                seen.add(tag.identifier)
                yield self._own(tag, number)
        for found in text_tag.hidden(content):
            others.setdefault(f"{found.kind}, which this layer cannot check", []).append((found.start, found.end))
        for what, places in others.items():
            yield self._others(what, places)

    def carried(self, asset: Asset) -> Carried | None:
        """Return the identifier of the tag that *asset* carries already, if it is one of ours."""
        key = self._key()
        own = next((tag for tag in text_tag.tags(text.decode(asset.data)) if tag.is_made_with(key)), None)
        return None if own is None else Carried(mark=Mark(layer=self.name), identifier=own.identifier)

    def _own(self, tag: text_tag.Tag, tried: int) -> Evidence:
        return Evidence(
            layer=self.name,
            basis=Basis.WATERMARK,
            p_value=tried * _CHANCE,
            id=tag.identifier,
            generated=True,
            summary="an invisible tag made with our key, which anyone can copy from one text to another",
            details={"span": [tag.start, tag.end]},
        )

    def _others(self, what: str, places: list[tuple[int, int]]) -> Evidence:
        times = f" ({len(places)} times)" if len(places) > 1 else ""
        return Evidence(
            layer=self.name,
            basis=Basis.WATERMARK,
            summary=f"the text holds {what}{times}; it says nothing here",
            details={"places": len(places), "spans": [list(place) for place in places[:_MOST_PLACES]]},
        )
