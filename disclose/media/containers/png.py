"""PNG: chunks, read and spliced in without touching the picture (PNG specification, third edition)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from disclose.media.containers import exif
from disclose.media.containers.block import Block

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\x00"
_AIGC = b"AIGC\x00"
_TEXT = frozenset({b"tEXt", b"zTXt", b"iTXt"})
# Ancillary chunks that describe the colour type of the old file, or hold its C2PA manifest.
_LEFT_BEHIND = frozenset({b"tRNS", b"bKGD", b"sBIT", b"hIST", b"caBX", b"acTL", b"fcTL", b"fdAT"})
_KEPT = frozenset({b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"sPLT", b"eXIf", b"tIME"})
_LARGEST_TEXT = 1 << 20
"""A text that inflates beyond this is a bomb, not a description."""


def chunks(data: bytes) -> Iterator[Block]:
    """Yield the chunks of *data*, as far as they are whole."""
    position = len(_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        yield Block(kind=data[position + 4 : position + 8], raw=data[position:end])
        position = end


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return *body* framed as a PNG chunk: length, type, data, CRC."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bit_depth(data: bytes) -> int:
    """Return the bits per sample that the header declares (11.2.2)."""
    return data[24] if len(data) > 24 else 0


def foreign_blocks(data: bytes) -> Iterator[Block]:
    """Yield the chunks that a re-encoded file has to carry on, XMP excepted."""
    return (block for block in chunks(data) if _is_carried(block))


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    return next((_text(block) for block in chunks(data) if _is_xmp(block)), None)


def without_xmp(data: bytes) -> bytes:
    """Return *data* with its XMP packet cut out, so that another can take its place."""
    return _without(data, [block for block in chunks(data) if _is_xmp(block)])


def aigc_in(block: Block) -> Iterator[bytes]:
    """Yield the AIGC object, as text, that *block* holds under that keyword or in Exif."""
    if _is_aigc(block) and (text := _text(block)) is not None:
        yield text
    elif block.kind == b"eXIf":
        yield from exif.read_aigc(block.raw)


def without_aigc(block: Block) -> Block | None:
    """Return the *block* without an AIGC object; None for one that holds nothing else."""
    if block.kind == b"eXIf":
        return Block(kind=block.kind, raw=chunk(block.kind, exif.without_aigc(block.raw[8:-4])))
    return None if _is_aigc(block) else block


def splice(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    """Return *data* with *blocks* and the *xmp* packet behind its header."""
    header = len(_SIGNATURE) + 25
    packet = b"" if xmp is None else chunk(b"iTXt", _XMP + b"\x00\x00\x00\x00" + xmp)
    return data[:header] + b"".join(block.raw for block in blocks) + packet + data[header:]


def _is_aigc(block: Block) -> bool:
    return block.kind in _TEXT and block.raw[8:].startswith(_AIGC)


def _is_xmp(block: Block) -> bool:
    return block.kind == b"iTXt" and block.raw[8:].startswith(_XMP)


def _is_carried(block: Block) -> bool:
    if block.kind in _LEFT_BEHIND or block.kind[:1].isupper() or _is_xmp(block):
        return False
    # An unknown chunk says in its fourth letter whether it outlives a change of the pixels (5.4).
    return block.kind in _KEPT or block.kind in _TEXT or block.kind[3:4].islower()


def _without(data: bytes, blocks: list[Block]) -> bytes:
    for block in blocks:
        data = data.replace(block.raw, b"", 1)
    return data


def _text(block: Block) -> bytes | None:
    """Return the text of a tEXt, zTXt or iTXt chunk (11.3.3), or None where it cannot be inflated."""
    _, _, rest = block.raw[8:-4].partition(b"\x00")
    if block.kind == b"tEXt":
        return rest
    if block.kind == b"zTXt":
        return _inflated(rest[1:])
    text = rest[2:].split(b"\x00", 2)[-1]
    return _inflated(text) if rest[:1] == b"\x01" else text


def _inflated(text: bytes) -> bytes | None:
    try:
        return zlib.decompressobj().decompress(text, _LARGEST_TEXT)
    except zlib.error:
        return None
