"""XMP packets: read and set simple properties, with everything foreign left as it stands, byte for byte.

A packet is hostile input and never parsed as XML: nothing more is wanted from it than a few simple values, and a
parser would not give back the bytes around them.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape

from disclose.errors import TooLargeError, UnsupportedError

LARGEST_PACKET = 8 << 20
"""A packet of more bytes than this is neither read nor added to; real ones have kilobytes."""

_FRAME = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    "</rdf:RDF></x:xmpmeta>\n"
    '<?xpacket end="w"?>'
).encode()
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_CLOSING = b"</rdf:Description>"
_RDF_END = re.compile(rb"</(?:[\w.-]+:)?RDF\s*>")
_RDF_EMPTY = re.compile(rb"<((?:[\w.-]+:)?RDF)(\s[^<>]*?)?/>")
_EMPTY_FRAME = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|\x00|<\?[^>]*\?>|<x:xmpmeta[^<>]*>|</x:xmpmeta\s*>)*")
_BINDING = re.compile(rb"""\sxmlns:([\w.-]+)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""")
_TAG = re.compile(rb"<[^<>]+>")
_LONGEST_VALUE = 8192


def value(packet: bytes, name: str, *, namespace: str | None = None) -> str | None:
    """Return the first value of the property *name*, as attribute, element or resource, or None.

    With a *namespace*, a prefix that the packet binds to another one does not count.
    """
    return next(values(packet, name, namespace=namespace), None)


def values(packet: bytes, name: str, *, namespace: str | None = None) -> Iterator[str]:
    """Yield every value that the property *name* has in *packet*, in order."""
    packet = _as_utf8(packet[:LARGEST_PACKET])
    foreign = _foreign_prefixes(packet, namespace)
    # Attribute, element and rdf:resource form, by any writer and in any case.
    pattern = re.compile(
        rb"""([\w.-]+):%s(?:\s+rdf:resource)?(?:\s*=\s*(?:"([^"<>]{1,%d})"|'([^'<>]{1,%d})')|(?:\s[^<>]*)?>([^<>]{1,%d})<)"""
        % (name.encode(), _LONGEST_VALUE, _LONGEST_VALUE, _LONGEST_VALUE),
        re.IGNORECASE,
    )
    for found in pattern.finditer(packet):
        text = next(group for group in found.groups()[1:] if group is not None)
        if found.group(1) not in foreign and (clean := html.unescape(text.decode("utf-8", "replace")).strip()):
            yield clean


def with_properties(
    packet: bytes | None, properties: Mapping[str, str | None], *, prefix: str, namespace: str, exclusive: bool = False
) -> bytes:
    """Return *packet*, or a new one, with *properties* of *namespace* in place of their earlier values.

    A property whose value is None is taken out. With *exclusive*, the same names go under any other namespace too.
    Raises UnsupportedError for a packet that is not RDF: what cannot be added to is not thrown away.
    """
    base = without_properties(_extensible(packet), tuple(properties), namespace=None if exclusive else namespace)
    opening = f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="" xmlns:{prefix}="{namespace}">'.encode()
    # What an earlier call wrote is empty by now.
    base = base.replace(opening + _CLOSING, b"")
    elements = "".join(
        f"<{prefix}:{name}>{escape(_printable(text))}</{prefix}:{name}>" for name, text in properties.items() if text
    )
    if not elements:
        return base
    *_, last = _RDF_END.finditer(base)
    return base[: last.start()] + opening + elements.encode() + _CLOSING + base[last.start() :]


def without_properties(packet: bytes, names: tuple[str, ...], *, namespace: str | None = None) -> bytes:
    """Return *packet* without the properties *names*, under any prefix that is not bound to another namespace."""
    foreign = _foreign_prefixes(packet, namespace)
    for name in names:
        packet = _without_elements(packet, name.encode(), foreign)
        packet = _without_attributes(packet, name.encode(), foreign)
    return packet


def _without_attributes(packet: bytes, name: bytes, foreign: frozenset[bytes]) -> bytes:
    attribute = re.compile(rb"""\s([\w.-]+):%s\s*=\s*(?:"[^"]*"|'[^']*')""" % name)

    def cut(found: re.Match[bytes]) -> bytes:
        return found.group() if found.group(1) in foreign else b""

    return _TAG.sub(lambda tag: attribute.sub(cut, tag.group()), packet) if b":" + name in packet else packet


def _without_elements(packet: bytes, name: bytes, foreign: frozenset[bytes]) -> bytes:
    start = re.compile(rb"<([\w.-]+):%s(?:\s[^<>]*)?>" % name)
    kept, position = [], 0
    while (found := start.search(packet, position)) is not None:
        end = found.end()
        if not found.group().endswith(b"/>"):
            closing = re.compile(rb"</%s:%s\s*>" % (re.escape(found.group(1)), name)).search(packet, end)
            if closing is None:
                break
            end = closing.end()
        kept.append(packet[position : end if found.group(1) in foreign else found.start()])
        position = end
    return b"".join(kept) + packet[position:]


def _foreign_prefixes(packet: bytes, namespace: str | None) -> frozenset[bytes]:
    if namespace is None:
        return frozenset()
    bound: dict[bytes, set[bytes]] = {}
    for found in _BINDING.finditer(packet):
        bound.setdefault(found.group(1), set()).add(found.group(2) or found.group(3) or b"")
    return frozenset(prefix for prefix, spaces in bound.items() if namespace.encode() not in spaces)


def _extensible(packet: bytes | None) -> bytes:
    """Return *packet* with room for another description in its RDF."""
    if packet is None:
        return _FRAME
    if len(packet) > LARGEST_PACKET:
        raise TooLargeError(f"cannot add to an XMP packet of {len(packet)} bytes, more than {LARGEST_PACKET}")
    packet = _as_utf8(packet)
    if _RDF_END.search(packet):
        return packet
    if _RDF_EMPTY.search(packet):
        return _RDF_EMPTY.sub(rb"<\1\2></\1>", packet, count=1)
    if _EMPTY_FRAME.fullmatch(packet):
        return _FRAME
    raise UnsupportedError("cannot add to the XMP of the input: it is not RDF; repair it or take it out first")


def _as_utf8(packet: bytes) -> bytes:
    """Return *packet* in UTF-8, in which XMP in files should be and older writers' is not."""
    for mark, encoding in (
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
        (b"<\x00", "utf-16-le"),
        (b"\x00<", "utf-16-be"),
    ):
        if packet.startswith(mark):
            return packet.decode(encoding, "replace").encode()
    return packet


def _printable(text: str) -> str:
    # XML 1.0 has no way to write control characters, not even escaped.
    return "".join(character for character in text if character.isprintable())
