"""China's implicit label: the AIGC object of GB 45438-2025 in the place that each format has for it.

The object has seven fields (annex E); where it stands is in the practice guides TC260-PG-20257A to -202510A. There is
exactly one in a file (6.1 c): who marks a labelled file becomes its propagator, and its producer stays.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from disclose.asset import Asset, Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import MarkingError, ProfileError
from disclose.evidence import Basis, Evidence
from disclose.layer import Plane
from disclose.media import containers, image, xmp
from disclose.registry import Resources

_NAMESPACE = containers.AIGC_NAMESPACE
_SAYS = {"1": "is", "2": "may be", "3": "is suspected to be"}
_LARGEST = 16_384


@dataclass(frozen=True, kw_only=True)
class Label:
    """The AIGC object, its fields in the order and under the names of annex E; ``label`` is "1", "2" or "3"."""

    label: str = "1"
    content_producer: str
    produce_id: str
    reserved_code1: str = ""
    content_propagator: str = ""
    propagate_id: str = ""
    reserved_code2: str = ""

    def to_json(self) -> str:
        """Return the bare value of the key AIGC as one line of ASCII.

        Bare, because every carrier is itself named AIGC; the generators whose files were to be had (Doubao, Kling) do
        the same. :meth:`parse` takes both forms.
        """
        values = zip(_FIELDS, asdict(self).values(), strict=True)
        return json.dumps(dict(values), separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an object, with its key AIGC around it or as the bare value of that key.

        Raises ValueError, saying what is wrong, for anything that the standard does not allow.
        """
        found = _strict_json(text)
        fields = found["AIGC"] if isinstance(found, dict) and tuple(found) == ("AIGC",) else found
        if not isinstance(fields, dict):
            raise ValueError("it is not an object")
        values = {name: fields.get(name, "") for name in _FIELDS}
        for name, value in values.items():
            if not isinstance(value, str) or not _is_plain(value):
                raise ValueError(f"{name} is not a text of printable ASCII without spaces")
        for name in _FIELDS[:3]:
            if not values[name]:
                raise ValueError(f"{name} is missing or empty")
        if values["Label"] not in _SAYS:
            raise ValueError(f"Label is {values['Label'][:20]!r} and not one of 1, 2, 3")
        return cls(**dict(zip(cls.__dataclass_fields__, values.values(), strict=True)))


_FIELDS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)


class AigcLayer:
    """Writes the label, and reads those of others. ``producer`` is the code of the service, in printable ASCII."""

    name = "aigc"
    plane = Plane.CONTAINER
    media = (*image.MEDIA_TYPES, *containers.MEDIA_TYPES)

    def __init__(self, *, producer: str | None = None) -> None:
        if producer is not None and not (producer and _is_plain(producer)):
            raise ProfileError(f"aigc_producer={producer!r} must be printable ASCII without spaces (GB 45438-2025)")
        self._producer = producer

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer with the profile's code for its service."""
        return cls(producer=resources.aigc_producer)

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with its one label, a new one or the one it has brought up to date.

        Raises MarkingError for a source type that does not say "generated", for which the label has no value.
        """
        if not disclosure.source_type.is_generated:
            raise MarkingError(
                f"cannot label {asset.name or asset.media_type}: GB 45438 has no value for {disclosure.source_type};"
                " leave the layer aigc out of this profile"
            )
        texts = list(dict.fromkeys(_texts(asset)))
        label = self._label(texts, disclosure)
        details: dict[str, Any] = {"value": label.to_json()}
        if lost := [text for text in texts if _parsed(text) is None]:
            # A file may hold one label only, and a broken one cannot be brought up to date: here it is kept.
            details["replaced"] = [text[:_LARGEST] for text in lost]
        return _with_label(asset, label.to_json()).with_mark(Mark(layer=self.name, details=details))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield what each label says, and one more finding where a file has several."""
        texts = list(_texts(asset))
        for text in dict.fromkeys(texts):
            yield _finding(text)
        if len(texts) > 1:
            yield Evidence(
                layer=self.name,
                basis=Basis.METADATA,
                summary=f"there are {len(texts)} AIGC labels, where GB 45438 allows one",
                details={"labels": len(texts)},
            )

    def _label(self, texts: list[str], disclosure: Disclosure) -> Label:
        own, identifier = self._code(disclosure), str(disclosure.id)
        found = next((label for text in texts if (label := _parsed(text)) is not None), None)
        if found is None or found.content_producer == own:
            found = Label(content_producer=own, produce_id=identifier)
        return replace(found, label="1", content_propagator=own, propagate_id=identifier, reserved_code2="")

    def _code(self, disclosure: Disclosure) -> str:
        code = self._producer or disclosure.provider
        if not code or not _is_plain(code):
            raise ProfileError(
                "an AIGC label names its producer in printable ASCII without spaces (GB 45438-2025), and"
                f" {'there is no provider' if not code else f'the provider {code!r} is not such a name'}:"
                " set aigc_producer to the code of your service"
            )
        return code


def _with_label(asset: Asset, text: str) -> Asset:
    if asset.media_type in image.MEDIA_TYPES:
        content = asset.content.without_aigc()
        packet = xmp.with_properties(content.xmp, {"AIGC": text}, prefix="TC260", namespace=_NAMESPACE)
        return asset.with_content(content.with_xmp(packet))
    return asset.with_data(containers.with_aigc(asset.data, asset.media_type, text.encode("ascii")))


def _texts(asset: Asset) -> Iterator[str]:
    """Yield the text of every label in *asset*."""
    if asset.media_type in image.MEDIA_TYPES:
        packet, stored = asset.content.xmp, asset.content.aigc_labels()
    else:
        packet = containers.read_xmp(asset.data, asset.media_type)
        stored = containers.read_aigc(asset.data, asset.media_type)
    yield from (found.decode("utf-8", "replace").strip() for found in stored)
    if packet is not None:
        yield from xmp.values(packet, "AIGC", namespace=_NAMESPACE)


def _finding(text: str) -> Evidence:
    try:
        label = Label.parse(text)
    except ValueError as error:
        return Evidence(
            layer=AigcLayer.name,
            basis=Basis.METADATA,
            summary=f"there is an AIGC label that breaks GB 45438: {error}",
        )
    details = dict(zip(_FIELDS, asdict(label).values(), strict=True))
    return Evidence(
        layer=AigcLayer.name,
        basis=Basis.METADATA,
        id=_identifier(label.propagate_id) or _identifier(label.produce_id),
        generated=label.label == "1",
        summary=f"an unsigned AIGC label says that this {_SAYS[label.label]} generated, produced by"
        f" {label.content_producer}; anyone can write or remove this",
        details=details,
    )


def _parsed(text: str) -> Label | None:
    try:
        return Label.parse(text)
    except ValueError:
        return None


def _strict_json(text: str) -> Any:
    """Return what *text* holds; raises ValueError for a key that stands twice, and for what is no JSON."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key stands in it twice")
        return found

    if len(text) > _LARGEST:
        raise ValueError(f"it has {len(text)} characters, more than {_LARGEST}")
    try:
        return json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON ({error})") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _is_plain(text: str) -> bool:
    return all("!" <= character <= "~" for character in text)


def _identifier(text: str) -> Identifier | None:
    try:
        return Identifier.parse(text)
    except ValueError:
        return None
