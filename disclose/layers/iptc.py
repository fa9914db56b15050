"""IPTC metadata in XMP: a courtesy to readers without C2PA, unsigned and therefore never more than an indication."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Self
from xml.sax.saxutils import escape, unescape

from disclose.asset import Asset, Mark
from disclose.disclosure import DigitalSourceType, Disclosure, Identifier
from disclose.evidence import Basis, Evidence, Time
from disclose.layer import Plane
from disclose.media.image import MEDIA_TYPES
from disclose.registry import Resources

_NAMESPACE = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "</rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()
_END = b"</rdf:RDF>"

# Attribute, element and rdf:resource form, by any writer. The packet is hostile input and never parsed as XML:
# nothing more is wanted from it than these values.
_VALUE = rb"""\s*=\s*(["'])\s*([^"'<>]{1,300}?)\s*\1|(?:\s[^<>]*)?>\s*([^<>]{1,300}?)\s*<"""
_SOURCE_TYPE = re.compile(rb"DigitalSourceType(?:\s+rdf:resource)?(?:%s)" % _VALUE, re.IGNORECASE)
_GUID = re.compile(rb"DigImageGUID(?:%s)" % _VALUE)
_SYSTEM = re.compile(rb"AISystemUsed(?:%s)" % _VALUE)
_OWN_PROPERTIES = (b"DigitalSourceType", b"AISystemUsed", b"AISystemVersionUsed", b"DigImageGUID")


class IptcLayer:
    """Writes Digital Source Type and the AI fields of IPTC 2025.1. Prompts have fields there that stay empty."""

    name = "iptc"
    plane = Plane.CONTAINER
    media = MEDIA_TYPES

    @classmethod
    def from_resources(cls, resources: Resources) -> Self:
        """Return the layer; it needs nothing."""
        return cls()

    def mark(self, asset: Asset, disclosure: Disclosure) -> Asset:
        """Return *asset* with the statement in its XMP, other properties untouched byte for byte."""
        content = asset.content
        marked = asset.with_content(content.with_xmp(_with_statement(content.xmp, disclosure)))
        return marked.with_mark(Mark(layer=self.name))

    def detect(self, asset: Asset) -> Iterator[Evidence]:
        """Yield the digital source type found in XMP, wherever in the file the packet stands."""
        packet = _find_packet(asset)
        source_type = DigitalSourceType.parse(_value(_SOURCE_TYPE, packet) or "")
        if source_type is None:
            return
        system = _value(_SYSTEM, packet)
        yield Evidence(
            layer=self.name,
            basis=Basis.METADATA,
            time=Time.UNKNOWN,
            id=_identifier(_value(_GUID, packet)),
            generated=source_type.is_generated,
            source_type=source_type,
            summary=f"unsigned metadata says {source_type.value}"
            + (f", made with {system}" if system else "")
            + "; anyone can write or remove this",
            details={"system": system} if system else {},
        )


def _with_statement(packet: bytes | None, disclosure: Disclosure) -> bytes:
    base = packet if packet is not None and _END in packet else _PACKET
    for name in _OWN_PROPERTIES:
        # A property may stand only once, and an old source type would contradict the new one.
        base = re.sub(rb'\s[\w.-]+:%s\s*=\s*(["\']).*?\1' % name, b"", base, flags=re.DOTALL)
        base = re.sub(rb"<([\w.-]+:%s)\b[^>]*?(?:/>|>.*?</\1\s*>)" % name, b"", base, flags=re.DOTALL)
    values = {
        "DigitalSourceType": disclosure.source_type.uri,
        "AISystemUsed": disclosure.system,
        "AISystemVersionUsed": disclosure.version,
        "DigImageGUID": str(disclosure.id),
    }
    properties = "".join(
        f"<Iptc4xmpExt:{name}>{escape(_printable(value))}</Iptc4xmpExt:{name}>"
        for name, value in values.items()
        if value
    )
    description = f'<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="{_NAMESPACE}">{properties}</rdf:Description>'
    head, end, tail = base.rpartition(_END)
    return head + description.encode() + end + tail


def _printable(text: str) -> str:
    # XML 1.0 has no way to write control characters, not even escaped.
    return "".join(character for character in text if character.isprintable())


def _find_packet(asset: Asset) -> bytes:
    if asset.is_encoded and (start := asset.data.find(b"<x:xmpmeta")) >= 0:
        end = asset.data.find(b"</x:xmpmeta>", start)
        if end >= 0:
            return asset.data[start:end]
    # A compressed packet, or one without the usual frame: the codec knows where it stands.
    return asset.content.xmp or b""


def _value(pattern: re.Pattern[bytes], packet: bytes) -> str | None:
    found = pattern.search(packet)
    if found is None:
        return None
    return unescape((found.group(2) or found.group(3) or b"").decode("utf-8", "replace")) or None


def _identifier(text: str | None) -> Identifier | None:
    try:
        return Identifier.parse(text) if text else None
    except ValueError:
        return None
