"""Containers: the metadata blocks of PNG, JPEG and GIF files, read and spliced in without touching the picture.

A picture that is marked is encoded anew, and everything around the pixels has to come along byte for byte. WebP,
AVIF and TIFF take their metadata as parameters of the encoder; these three are spliced, because their encoder
drops or rewrites what it does not know.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_PNG = b"XML:com.adobe.xmp\x00"
_XMP_GIF = b"\x21\xff\x0bXMP DataXMP"

# What a re-encoded JPEG must not inherit: APP0 (replaced as a whole), APP11 holds the old C2PA manifest, APP14
# states the colour transform of the old encoder, and an MPF index points at pictures behind the old end.
_APP0, _APP1, _APP2, _APP11, _APP14, _COM, _SOS = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE, 0xFE, 0xDA

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Ancillary chunks that describe the colour type of the old file, or hold its C2PA manifest.
_PNG_LEFT_BEHIND = frozenset({b"tRNS", b"bKGD", b"sBIT", b"hIST", b"caBX", b"acTL", b"fcTL", b"fdAT"})
_PNG_KEPT = frozenset(
    {b"iCCP", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"sPLT"}
    | {b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"}
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """One metadata block as it stands in a file, its framing included."""

    kind: bytes
    raw: bytes


def foreign_blocks(data: bytes, media_type: str) -> tuple[Block, ...]:
    """Return the metadata blocks of *data* that a re-encoded file has to carry on, XMP excepted."""
    if media_type == "image/jpeg":
        return tuple(block for block in _jpeg_segments(data) if _is_carried_segment(block))
    if media_type == "image/png":
        return tuple(block for block in _png_chunks(data) if _is_carried_chunk(block))
    if media_type == "image/gif":
        return tuple(_gif_comments(data))
    return ()


def read_xmp(data: bytes, media_type: str) -> bytes | None:
    """Return the XMP packet of a PNG, JPEG or GIF file, or None."""
    if media_type == "image/jpeg":
        found = (block.raw[4:] for block in _jpeg_segments(data) if block.kind == bytes([_APP1]))
        return next((body[len(_XMP_JPEG) :] for body in found if body.startswith(_XMP_JPEG)), None)
    if media_type == "image/png":
        for block in _png_chunks(data):
            if block.kind == b"iTXt" and block.raw[8:].startswith(_XMP_PNG):
                return _png_text(block.raw[8:-4])
        return None
    if media_type == "image/gif":
        return _gif_xmp(data)
    return None


def splice(data: bytes, media_type: str, *, blocks: tuple[Block, ...] = (), xmp: bytes | None = None) -> bytes:
    """Return the encoded file *data* with *blocks* and the *xmp* packet put where its format wants them."""
    if media_type == "image/jpeg":
        return _splice_jpeg(data, blocks, xmp)
    if media_type == "image/png":
        return _splice_png(data, blocks, xmp)
    if media_type == "image/gif":
        return _splice_gif(data, blocks, xmp)
    return data


def without_xmp(data: bytes, media_type: str) -> bytes:
    """Return *data* with its XMP packet cut out, so that another can take its place."""
    if media_type == "image/jpeg":
        for block in _jpeg_segments(data):
            if _is_jpeg_xmp(block):
                data = data.replace(block.raw, b"", 1)
    elif media_type == "image/png":
        for block in _png_chunks(data):
            if block.kind == b"iTXt" and block.raw[8:].startswith(_XMP_PNG):
                data = data.replace(block.raw, b"", 1)
    elif media_type == "image/gif" and (start := data.find(_XMP_GIF)) >= 0:
        end = data.find(b"\x00\x00", start)
        data = data[:start] + data[end + 2 :] if end >= 0 else data
    return data


def png_bit_depth(data: bytes) -> int:
    """Return the bits per sample that a PNG's header declares (PNG specification, 11.2.2)."""
    return data[24] if len(data) > 24 else 0


def _jpeg_segments(data: bytes) -> Iterator[Block]:
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


def _is_jpeg_xmp(block: Block) -> bool:
    return block.kind == bytes([_APP1]) and block.raw[4:].startswith(_XMP_JPEG)


def _is_carried_segment(block: Block) -> bool:
    marker = block.kind[0]
    if _is_jpeg_xmp(block) or (marker == _APP2 and block.raw[4:].startswith(b"MPF\x00")):
        return False
    return marker == _COM or (_APP0 <= marker <= 0xEF and marker not in (_APP11, _APP14))


def _splice_jpeg(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    written = next(_jpeg_segments(data), None)
    header = written.raw if written is not None and written.kind == bytes([_APP0]) else b""
    rest = data[2 + len(header) :]
    # JFIF wants its APP0 first, Exif wants to come right behind it.
    own = [block.raw for block in blocks if block.kind == bytes([_APP0])]
    exif = [block.raw for block in blocks if block.kind == bytes([_APP1])]
    others = [block.raw for block in blocks if block.kind not in (bytes([_APP0]), bytes([_APP1]))]
    packet = b""
    if xmp is not None:
        body = _XMP_JPEG + xmp
        if len(body) > 65533:
            raise ValueError(f"an XMP packet of {len(xmp)} bytes does not fit a JPEG segment (65504)")
        packet = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
    return b"".join([data[:2], b"".join(own) or header, *exif, packet, *others, rest])


def _png_chunks(data: bytes) -> Iterator[Block]:
    position = len(_PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        end = position + 12 + length
        if end > len(data):
            return
        yield Block(kind=data[position + 4 : position + 8], raw=data[position:end])
        position = end


def _is_carried_chunk(block: Block) -> bool:
    if block.kind in _PNG_LEFT_BEHIND or block.kind[:1].isupper():
        return False
    if block.kind == b"iTXt" and block.raw[8:].startswith(_XMP_PNG):
        return False
    # An unknown chunk says in its fourth letter whether it outlives a change of the pixels (PNG, 5.4).
    return block.kind in _PNG_KEPT or block.kind[3:4].islower()


def _splice_png(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    header = len(_PNG_SIGNATURE) + 25
    packet = b""
    if xmp is not None:
        packet = png_chunk(b"iTXt", _XMP_PNG + b"\x00\x00\x00\x00" + xmp)
    return data[:header] + b"".join(block.raw for block in blocks) + packet + data[header:]


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Return *body* framed as a PNG chunk: length, type, data, CRC."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png_text(body: bytes) -> bytes | None:
    rest = body[len(_XMP_PNG) :]
    compressed, text = rest[0:1], rest[2:].split(b"\x00", 2)[-1]
    if compressed != b"\x01":
        return text
    inflater = zlib.decompressobj()
    try:
        # A packet that inflates beyond a megabyte is a bomb, not a description.
        return inflater.decompress(text, 1 << 20)
    except zlib.error:
        return None


def _gif_header_end(data: bytes) -> int:
    packed = data[10] if len(data) > 10 else 0
    return 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)


def _gif_comments(data: bytes) -> Iterator[Block]:
    position = _gif_header_end(data)
    while data[position : position + 1] == b"\x21":
        end = position + 2
        while end < len(data) and data[end]:
            end += 1 + data[end]
        if data[position + 1 : position + 2] == b"\xfe":
            yield Block(kind=b"\xfe", raw=data[position : end + 1])
        position = end + 1


def _gif_xmp(data: bytes) -> bytes | None:
    start = data.find(_XMP_GIF)
    if start < 0:
        return None
    start += len(_XMP_GIF)
    end = data.find(b"\x01\xff\xfe\xfd", start)
    return data[start:end] if end >= 0 else None


def _splice_gif(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    position = _gif_header_end(data)
    packet = b""
    if xmp is not None:
        # The packet stands unframed; the "magic trailer" lets a reader of sub-blocks fall to its end
        # (XMP specification, part 3, 1.1.2).
        packet = _XMP_GIF + xmp + b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return b"GIF89a" + data[6:position] + b"".join(block.raw for block in blocks) + packet + data[position:]
