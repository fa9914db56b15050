"""HEIF: the XMP item that describes the primary picture, found and moved (ISO/IEC 23008-12; ISO/IEC 14496-12, 8.11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from disclose.errors import UnreadableError, UnsupportedError
from disclose.media.containers.box import boxes, child, framed

_XMP = b"application/rdf+xml\x00"
_IN_FILE = 0


@dataclass(frozen=True, kw_only=True)
class _Field:
    """A number that stands at *position* and is *width* bytes wide, 0 where there is none."""

    position: int
    width: int
    value: int


@dataclass(frozen=True, kw_only=True)
class _Location:
    """Where an item's data are: *base* and *offset* together from the beginning of the file."""

    construction: int
    base: _Field
    extents: tuple[tuple[_Field, _Field], ...]


def read_xmp(data: bytes) -> bytes | None:
    """Return the packet in the XMP item of the primary picture, or None."""
    location = _xmp_location(data)
    if location is None or location.construction != _IN_FILE:
        return None
    starts = [(location.base.value + offset.value, length.value) for offset, length in location.extents]
    if sum(length for _, length in starts) > len(data):
        # Pieces that overlap would make a packet larger than the file.
        return None
    return b"".join(data[start : start + length] for start, length in starts)


def has_xmp(data: bytes) -> bool:
    """Whether the primary picture has an XMP item."""
    return _xmp_location(data) is not None


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* in that item, written behind the end so that nothing else moves.

    Raises UnsupportedError where the item is stored in a way that leaves no room for another place.
    """
    location = _xmp_location(data)
    if location is None:
        raise UnreadableError("cannot mark a HEIF file: it has no XMP item")
    if location.construction != _IN_FILE or len(location.extents) != 1 or not location.extents[0][1].width:
        raise UnsupportedError("cannot mark a HEIF file whose XMP item is in pieces; save it without XMP first")
    offset, length = location.extents[0]
    data = _without_last(data, location.base.value + offset.value, length.value)
    start = len(data) + 8
    place = offset if offset.width else location.base
    changed = bytearray(data + framed(b"mdat", packet))
    try:
        for field, value in ((place, start - (location.base.value if offset.width else 0)), (length, len(packet))):
            changed[field.position : field.position + field.width] = value.to_bytes(field.width, "big")
    except OverflowError as error:
        raise UnsupportedError("cannot mark a HEIF file whose table of items has no room for a larger one") from error
    return bytes(changed)


def _without_last(data: bytes, start: int, length: int) -> bytes:
    """Return *data* without a last box that holds nothing but the packet, as an earlier marking leaves it."""
    *_, last = boxes(data)
    holds = last.kind == b"mdat" and (last.body, last.end) == (start, start + length) and last.end == len(data)
    return data[: last.start] if holds else data


def _xmp_location(data: bytes) -> _Location | None:
    meta = child(data, b"meta")
    if meta is None:
        return None
    start = meta.body + 4
    parts = {box.kind: (box.body, box.end) for box in boxes(data, start, meta.end)}
    if not parts.keys() >= {b"iinf", b"iloc", b"pitm"}:
        return None
    primary = _number(data, parts[b"pitm"][0] + 4, _wide(data, parts[b"pitm"][0]))
    described = dict(_descriptions(data, *parts[b"iref"])) if b"iref" in parts else {}
    items = [item for item in _xmp_items(data, *parts[b"iinf"]) if described.get(item, primary) == primary]
    return next((found for item, found in _locations(data, *parts[b"iloc"]) if items[:1] == [item]), None)


def _xmp_items(data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield the identifiers of the items of XMP, from the item information box."""
    for box in boxes(data, start + 4 + _wide(data, start), end):
        if box.kind != b"infe" or box.end - box.body < 12 or _number(data, box.body, 1) not in (2, 3):
            continue
        width = 2 if _number(data, box.body, 1) == 2 else 4
        rest = data[box.body + 4 + width + 2 : box.end]
        _, _, content_type = rest[4:].partition(b"\x00")
        if rest.startswith(b"mime") and content_type.startswith(_XMP):
            yield _number(data, box.body + 4, width)


def _descriptions(data: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield which item describes which, from the item reference box."""
    width = _wide(data, start)
    for box in boxes(data, start + 4, end):
        if box.kind == b"cdsc":
            yield _number(data, box.body, width), _number(data, box.body + width + 2, width)


def _locations(data: bytes, start: int, end: int) -> Iterator[tuple[int, _Location]]:
    """Yield each item's identifier and location, from the item location box (8.11.3)."""
    version, widths = _number(data, start, 1), _number(data, start + 4, 2)
    offset_width, length_width, base_width = widths >> 12, widths >> 8 & 15, widths >> 4 & 15
    index_width = widths & 15 if version else 0
    wide = 4 if version == 2 else 2
    count, position = _number(data, start + 6, wide), start + 6 + wide
    for _ in range(count):
        item = _number(data, position, wide)
        position += wide
        construction = _number(data, position, 2) & 15 if version else _IN_FILE
        position += 4 if version else 2
        base = _field(data, position, base_width)
        position += base_width
        extents = []
        pieces = _number(data, position, 2) if offset_width + length_width + index_width else 0
        position += 2
        for _ in range(pieces):
            offset = _field(data, position + index_width, offset_width)
            length = _field(data, position + index_width + offset_width, length_width)
            extents.append((offset, length))
            position += index_width + offset_width + length_width
        if position > end:
            return
        yield item, _Location(construction=construction, base=base, extents=tuple(extents))


def _wide(data: bytes, start: int) -> int:
    """Return the width of numbers in a box whose version 0 has them in two bytes and later ones in four."""
    return 2 if _number(data, start, 1) == 0 else 4


def _field(data: bytes, position: int, width: int) -> _Field:
    return _Field(position=position, width=width, value=_number(data, position, width))


def _number(data: bytes, position: int, width: int) -> int:
    return int.from_bytes(data[position : position + width], "big")
