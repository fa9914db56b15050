"""SVG: the XMP packet in its ``metadata`` element, put in without rewriting any other byte (SVG 2, 5.12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.parsers import expat

from disclose.errors import UnreadableError, UnsupportedError

_NAMESPACE = "http://www.w3.org/2000/svg"
_XMP_FRAME = "adobe:ns:meta/ xmpmeta"
_METADATA = (f"{_NAMESPACE} metadata", "metadata")
_START_TAG = re.compile(rb"""<(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>""")
_PACKET = re.compile(rb"<(?:[\w.-]+:)?xmpmeta\b.*</(?:[\w.-]+:)?xmpmeta\s*>", re.DOTALL)


@dataclass(kw_only=True)
class _Places:
    """Where things begin, in bytes: the root, its first ``metadata``, and the XMP packet, which also ends."""

    root: int | None = None
    metadata: int | None = None
    packet: int | None = None
    packet_end: int | None = None


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    try:
        places = _places(data)
    except (UnreadableError, UnsupportedError):
        return None
    return None if places.packet is None else data[places.packet : places.packet_end]


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP.

    Raises UnreadableError for what is not well-formed, UnsupportedError for UTF-16.
    """
    found = _PACKET.search(packet)
    result = _with_packet(data, _places(data), packet if found is None else found.group())
    # What was well-formed stays so: a packet is not, where somebody else's was damaged.
    _places(result)
    return result


def _with_packet(data: bytes, places: _Places, new: bytes) -> bytes:
    if places.root is None:
        raise UnreadableError("cannot mark an SVG file: it has no svg element")
    if places.packet is not None:
        return data[: places.packet] + new + data[places.packet_end :]
    if places.metadata is not None:
        return _inside(data, places.metadata, new)
    tag = _start_tag(data, places.root)
    prefix = tag[1 : tag.index(b"svg")]
    return _inside(data, places.root, b"<%smetadata>%s</%smetadata>" % (prefix, new, prefix))


def _inside(data: bytes, start: int, new: bytes) -> bytes:
    """Return *data* with *new* as the first child of the element whose tag begins at *start*."""
    tag = _start_tag(data, start)
    rest = data[start + len(tag) :]
    if not tag.endswith(b"/>"):
        return data[:start] + tag + new + rest
    name = re.split(rb"[\s/>]", tag[1:], maxsplit=1)[0]
    return data[:start] + tag[:-2] + b">" + new + b"</" + name + b">" + rest


def _start_tag(data: bytes, start: int) -> bytes:
    found = _START_TAG.match(data, start)
    if found is None:
        raise UnreadableError("cannot mark an SVG file: a tag in it does not end")
    return found.group()


def _places(data: bytes) -> _Places:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<"):
        raise UnsupportedError("cannot mark an SVG file in UTF-16; save it in UTF-8 first")
    parser, places = expat.ParserCreate(namespace_separator=" "), _Places()
    path: list[str] = []
    # Entities of the document's own are not looked up elsewhere, and expat limits how far they may expand.
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def start(name: str, _: dict[str, str]) -> None:
        if not path and name not in (f"{_NAMESPACE} svg", "svg"):
            raise UnreadableError("cannot mark an SVG file: its first element is not svg")
        if not path:
            places.root = parser.CurrentByteIndex
        elif len(path) == 1 and name in _METADATA and places.metadata is None:
            places.metadata = parser.CurrentByteIndex
        elif len(path) == 2 and name == _XMP_FRAME and path[1] in _METADATA and places.packet is None:
            places.packet = parser.CurrentByteIndex
        path.append(name)

    def end(name: str) -> None:
        path.pop()
        if len(path) == 2 and name == _XMP_FRAME and places.packet is not None and places.packet_end is None:
            here = parser.CurrentByteIndex
            places.packet_end = data.find(b">", here) + 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise UnreadableError(f"cannot read an SVG file: {error}") from error
    return places
