"""IPTC metadata in XMP: a courtesy to readers without C2PA, unsigned and therefore never more than an indication.

It holds the five items that California asks for as well (SB 942, §22757.3(a)(1)): provider, system and version, time,
unique identifier, created or altered. IPTC has properties for three of them; the other two are in a namespace of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

from disclose.asset import Asset, Mark
from disclose.disclosure import DigitalSourceType, Disclosure, Identifier
from disclose.evidence import Basis, Evidence, Time
from disclose.layer import Plane
from disclose.media import containers, image, xmp
from disclose.registry import Resources

_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_OWN = "https://disclose-ai.github.io/ns/1.0/"


class IptcLayer:
    """Writes Digital Source Type and the AI fields of IPTC 2025.1. Prompts have fields there that stay empty."""

    name = "iptc"
    plane = Plane.CONTAINER
    media = (*image.MEDIA_TYPES, *containers.MEDIA_TYPES)

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer; it needs nothing."""
        return cls()

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with the statement in its XMP, other properties untouched byte for byte."""
        if asset.media_type in image.MEDIA_TYPES:
            content = asset.content
            marked = asset.with_content(content.with_xmp(_with_statement(content.xmp, disclosure)))
        else:
            packet = containers.read_xmp(asset.data, asset.media_type)
            stated = _with_statement(packet, disclosure)
            marked = asset.with_data(containers.with_xmp(asset.data, asset.media_type, stated))
        return marked.with_mark(Mark(layer=self.name))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the digital source type found in XMP, with what else stands there about the system."""
        packet = _find_packet(asset)
        source_type = DigitalSourceType.parse(xmp.value(packet, "DigitalSourceType") or "")
        if source_type is None:
            return
        found = {
            "system": xmp.value(packet, "AISystemUsed"),
            "version": xmp.value(packet, "AISystemVersionUsed"),
            **{name.lower(): xmp.value(packet, name, namespace=_OWN) for name in ("Provider", "Created", "Action")},
        }
        details = {name: value for name, value in found.items() if value is not None}
        maker = " ".join(details[name] for name in ("system", "version") if name in details)
        yield Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            time=Time.STATED if "created" in details else Time.UNKNOWN,
            id=_identifier(xmp.value(packet, "DigImageGUID")),
            generated=source_type.is_generated,
            source_type=source_type,
            summary=f"unsigned metadata says {source_type.value}"
            + (f", made with {maker}" if maker else "")
            + (f" by {details['provider']}" if "provider" in details else "")
            + "; anyone can write or remove this",
            details=details,
        )


def _with_statement(packet: bytes | None, disclosure: Disclosure) -> bytes:
    # IPTC's names may stand only once, whatever their prefix: an old source type would contradict the new one.
    standard = {
        "DigitalSourceType": disclosure.source_type.uri,
        "AISystemUsed": disclosure.system,
        "AISystemVersionUsed": disclosure.version,
        "DigImageGUID": str(disclosure.id),
    }
    # No standard property fits these without taking the place of somebody else's creator, date or history.
    own = {
        "Provider": disclosure.provider,
        "Created": disclosure.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Action": disclosure.action.value,
    }
    stated = xmp.with_properties(packet, standard, prefix="Iptc4xmpExt", namespace=_IPTC, exclusive=True)
    return xmp.with_properties(stated, own, prefix="disclose", namespace=_OWN)


def _find_packet(asset: Asset) -> bytes:
    if asset.media_type not in image.MEDIA_TYPES:
        return containers.read_xmp(asset.data, asset.media_type) or b""
    if asset.is_encoded and (start := asset.data.find(b"<x:xmpmeta")) >= 0:
        end = asset.data.find(b"</x:xmpmeta>", start)
        if end >= 0:
            return asset.data[start:end]
    # A compressed packet, or one without the usual frame: the codec knows where it stands.
    return asset.content.xmp or b""


def _identifier(text: str | None) -> Identifier | None:
    try:
        return Identifier.parse(text) if text else None
    except ValueError:
        return None
