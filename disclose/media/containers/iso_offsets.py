"""Offsets in ISO base media files: the places that count from the beginning of the file, moved along with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from disclose.errors import UnreadableError
from disclose.media.containers.box import boxes

# Boxes that hold boxes, on the way to those that hold offsets.
_HOLDERS = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mfra"})
_BASE_DATA_OFFSET = 0x000001
_DEEPEST = 8


def shifted(data: bytes, *, beyond: int, by: int) -> bytes:
    """Return *data* with every offset of *beyond* or more increased *by* so many bytes.

    Raises UnreadableError where a table lies about its length or a 32-bit offset would overflow.
    """
    if by == 0:
        return data
    changed = bytearray(data)
    for position, width in _offsets(data, 0, len(data), depth=0):
        code = ">I" if width == 4 else ">Q"
        try:
            (offset,) = struct.unpack_from(code, data, position)
            if offset >= beyond:
                struct.pack_into(code, changed, position, offset + by)
        except struct.error as error:
            raise UnreadableError("cannot mark the file: an offset in it does not fit its table") from error
    return bytes(changed)


def _offsets(data: bytes, start: int, end: int, *, depth: int, in_fragment: bool = False) -> Iterator[tuple[int, int]]:
    """Yield position and width, in bytes, of each offset that counts from the beginning of the file."""
    for box in boxes(data, start, end):
        if box.kind in _HOLDERS:
            if depth == _DEEPEST:
                raise UnreadableError("cannot mark the file: its boxes are nested deeper than any real file's")
            inside = in_fragment or box.kind == b"moof"
            yield from _offsets(data, box.body, box.end, depth=depth + 1, in_fragment=inside)
        elif box.kind in (b"stco", b"co64"):
            width = 4 if box.kind == b"stco" else 8
            yield from _table(data, box.body + 4, box.end, width)
        elif box.kind == b"saio" and not in_fragment:
            first = box.body + 4 + (8 if data[box.body + 3 : box.body + 4] == b"\x01" else 0)
            yield from _table(data, first, box.end, 8 if data[box.body : box.body + 1] == b"\x01" else 4)
        elif box.kind == b"tfhd" and int.from_bytes(data[box.body + 1 : box.body + 4], "big") & _BASE_DATA_OFFSET:
            yield box.body + 8, 8
        elif box.kind == b"tfra":
            yield from _fragment_offsets(data, box.body, box.end)


def _table(data: bytes, position: int, end: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the entries of a table that begins with their number."""
    count = int.from_bytes(data[position : position + 4], "big")
    if position + 4 + count * width > end:
        raise UnreadableError("cannot mark the file: a table of offsets is longer than its box")
    return ((position + 4 + index * width, width) for index in range(count))


def _fragment_offsets(data: bytes, body: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the offsets of a track fragment random access box (8.8.10)."""
    width = 8 if data[body : body + 1] == b"\x01" else 4
    lengths = int.from_bytes(data[body + 8 : body + 12], "big")
    count = int.from_bytes(data[body + 12 : body + 16], "big")
    numbers = sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    entry = 2 * width + numbers
    if body + 16 + count * entry > end:
        raise UnreadableError("cannot mark the file: a table of fragments is longer than its box")
    return ((body + 16 + index * entry + width, width) for index in range(count))
