"""GIF: comment and XMP extensions, read and spliced in without touching the picture (GIF89a)."""

from __future__ import annotations

from collections.abc import Iterator

from disclose.media.containers.block import Block

_XMP = b"\x21\xff\x0bXMP DataXMP"


def foreign_blocks(data: bytes) -> Iterator[Block]:
    """Yield the comments that a re-encoded file has to carry on."""
    position = _header_end(data)
    while data[position : position + 1] == b"\x21":
        end = position + 2
        while end < len(data) and data[end]:
            end += 1 + data[end]
        if data[position + 1 : position + 2] == b"\xfe":
            yield Block(kind=b"\xfe", raw=data[position : end + 1])
        position = end + 1


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    start = data.find(_XMP)
    if start < 0:
        return None
    start += len(_XMP)
    end = data.find(b"\x01\xff\xfe\xfd", start)
    return data[start:end] if end >= 0 else None


def without_xmp(data: bytes) -> bytes:
    """Return *data* with its XMP packet cut out, so that another can take its place."""
    start = data.find(_XMP)
    end = data.find(b"\x00\x00", start) if start >= 0 else -1
    return data[:start] + data[end + 2 :] if end >= 0 else data


def aigc_in(block: Block) -> Iterator[bytes]:
    """Return no AIGC object: XMP is the only place for an AIGC object here."""
    return iter(())


def without_aigc(block: Block) -> Block:
    """Return the *block* as it is."""
    return block


def splice(data: bytes, blocks: tuple[Block, ...], xmp: bytes | None) -> bytes:
    """Return *data* with *blocks* and the *xmp* packet behind its header."""
    position = _header_end(data)
    packet = b""
    if xmp is not None:
        # The packet stands unframed; the "magic trailer" lets a reader of sub-blocks fall to its end
        # (XMP specification, part 3, 1.1.2).
        packet = _XMP + xmp + b"\x01" + bytes(range(255, -1, -1)) + b"\x00"
    return b"GIF89a" + data[6:position] + b"".join(block.raw for block in blocks) + packet + data[position:]


def _header_end(data: bytes) -> int:
    packed = data[10] if len(data) > 10 else 0
    return 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
