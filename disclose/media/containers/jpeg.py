"""JPEG: application segments, read and spliced in without touching the picture (ITU-T T.81, annex B)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from disclose.media.containers import exif
from disclose.media.containers.block import Block

_XMP = b"http://ns.adobe.com/xap/1.0/\x00"

# What a re-encoded file must not inherit: APP0 (replaced as a whole), APP11 holds the old C2PA manifest, APP14
# states the colour transform of the old encoder, and an MPF index points at pictures behind the old end.
_APP0, _APP1, _APP2, _APP11, _APP14, _COM, _SOS = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xFE, 0xDA


def segments(data: bytes) -> Iterator[Block]:
    """Yield the segments before the scan, as far as they are whole; ``kind`` is the marker's second byte."""
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker == _SOS:
            return
        (length,) = struct.unpack_from(">H", data, position + 2)
        if length < 2 or position + 2 + length > len(data):
            return
        yield Block(kind=bytes([marker]), raw=data[position : position + 2 + length])
        position += 2 + length


def foreign_blocks(data: bytes) -> Iterator[Block]:
    """Yield the segments that a re-encoded file has to carry on, XMP excepted."""
    return (block for block in segments(data) if _is_carried(block))


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    return next((block.raw[4 + len(_XMP) :] for block in segments(data) if _is_xmp(block)), None)


def without_xmp(data: bytes) -> bytes:
    """Return *data* with its XMP packet cut out, so that another can take its place."""
    for block in [block for block in segments(data) if _is_xmp(block)]:
        data = data.replace(block.raw, b"", 1)
    return data


def aigc_in(block: Block) -> Iterator[bytes]:
    """Yield the AIGC object, as text, that *block* holds if it is Exif or a comment."""
    return exif.read_aigc(block.raw) if _may_hold_aigc(block) else iter(())


def without_aigc(block: Block) -> Block:
    """Return the *block* without an AIGC object."""
    return Block(kind=block.kind, raw=exif.without_aigc(block.raw)) if _may_hold_aigc(block) else block


def splice(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    """Return *data* with *blocks* and the *xmp* packet where JFIF and Exif want them."""
    written = next(segments(data), None)
    header = written.raw if written is not None and written.kind == bytes([_APP0]) else b""
    rest = data[2 + len(header) :]
    # JFIF wants its APP0 first, Exif wants to come right behind it.
    own = [block.raw for block in blocks if block.kind == bytes([_APP0])]
    exif = [block.raw for block in blocks if block.kind == bytes([_APP1])]
    others = [block.raw for block in blocks if block.kind not in (bytes([_APP0]), bytes([_APP1]))]
    packet = b""
    if xmp is not None:
        body = _XMP + xmp
        if len(body) > 65533:
            raise ValueError(f"an XMP packet of {len(xmp)} bytes does not fit a JPEG segment (65504)")
        packet = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return b"".join([data[:2], b"".join(own) or header, *exif, packet, *others, rest])


def _may_hold_aigc(block: Block) -> bool:
    return block.kind == bytes([_COM]) or (block.kind == bytes([_APP1]) and block.raw[4:].startswith(b"Exif\x00"))


def _is_xmp(block: Block) -> bool:
    return block.kind == bytes([_APP1]) and block.raw[4:].startswith(_XMP)


def _is_carried(block: Block) -> bool:
    marker = block.kind[0]
    if _is_xmp(block) or (marker == _APP2 and block.raw[4:].startswith(b"MPF\x00")):
        return False
    return marker == _COM or (_APP0 <= marker <= 0xEF and marker not in (_APP11, _APP14))
