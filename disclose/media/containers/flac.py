"""FLAC: metadata blocks, added and replaced with all others as they stand (RFC 9639, section 8).

XMP stands in an application block "riff", which holds the RIFF chunk that a WAV file would have (RFC 9639, 8.4 and
its registry of application identifiers), China's AIGC object in a Vorbis comment (TC260-PG-202510A).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from disclose.errors import TooLargeError, UnreadableError
from disclose.media.containers import id3
from disclose.media.containers.block import Block

_APPLICATION, _COMMENTS = b"\x02", b"\x04"
_XMP = b"riff_PMX"
_AIGC = b"AIGC="
_LAST = 0x80


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    for block in _blocks(data)[0]:
        if _is_xmp(block):
            (length,) = struct.unpack_from("<I", block.raw.ljust(12, b"\x00"), len(_XMP))
            return block.raw[12 : 12 + length]
    return None


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP; raises UnreadableError for a file that is not whole."""
    chunk = _XMP + struct.pack("<I", len(packet)) + packet + b"\x00" * (len(packet) % 2)
    kept = [block for block in _whole(data) if not _is_xmp(block)]
    return _rebuilt(data, [*kept, Block(kind=_APPLICATION, raw=chunk)])


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the AIGC objects, as text."""
    for block in _blocks(data)[0]:
        if block.kind == _COMMENTS and (comments := _comments(block.raw)) is not None:
            yield from (line[len(_AIGC) :] for line in comments[1] if _is_aigc(line))


def with_aigc(data: bytes, text: bytes) -> bytes:
    """Return *data* with *text* as its one AIGC object; raises UnreadableError for a file that is not whole."""
    blocks = _whole(data)
    place = next((index for index, block in enumerate(blocks) if block.kind == _COMMENTS), None)
    vendor, lines = b"disclose", list[bytes]()
    if place is not None:
        found = _comments(blocks[place].raw)
        if found is None:
            raise UnreadableError("cannot mark a FLAC file: its Vorbis comments are damaged")
        vendor, lines = found
    lines = [*(line for line in lines if not _is_aigc(line)), _AIGC + text]
    fields = [vendor, *lines]
    framed = [struct.pack("<I", len(field)) + field for field in fields]
    new = Block(kind=_COMMENTS, raw=framed[0] + struct.pack("<I", len(lines)) + b"".join(framed[1:]))
    return _rebuilt(data, [*blocks, new] if place is None else [*blocks[:place], new, *blocks[place + 1 :]])


def _blocks(data: bytes) -> tuple[list[Block], int]:
    """Return the metadata blocks, without their headers, and where the audio begins; 0 where that is unclear."""
    position = id3.end(data)
    if data[position : position + 4] != b"fLaC":
        return [], 0
    position += 4
    blocks: list[Block] = []
    while position + 4 <= len(data):
        header, length = data[position], int.from_bytes(data[position + 1 : position + 4], "big")
        end = position + 4 + length
        if end > len(data):
            break
        blocks.append(Block(kind=bytes([header & ~_LAST]), raw=data[position + 4 : end]))
        if header & _LAST:
            return blocks, end
        position = end
    return blocks, 0


def _whole(data: bytes) -> list[Block]:
    blocks, audio = _blocks(data)
    if not audio or blocks[0].kind != b"\x00":
        raise UnreadableError("cannot mark a FLAC file: its metadata blocks are damaged or cut off")
    return blocks


def _rebuilt(data: bytes, blocks: list[Block]) -> bytes:
    _, audio = _blocks(data)
    head = data[: id3.end(data) + 4]
    framed = []
    for index, block in enumerate(blocks):
        if len(block.raw) >= 1 << 24:
            raise TooLargeError(f"cannot write a FLAC metadata block of {len(block.raw)} bytes; it can hold 16 MiB")
        last = _LAST if index == len(blocks) - 1 else 0
        framed.append(bytes([block.kind[0] | last]) + len(block.raw).to_bytes(3, "big") + block.raw)
    return head + b"".join(framed) + data[audio:]


def _comments(raw: bytes) -> tuple[bytes, list[bytes]] | None:
    """Return the vendor and the comments, or None where lengths lie."""
    try:
        vendor, position = _field(raw, 0)
        (count,) = struct.unpack_from("<I", raw, position)
        position += 4
        lines = []
        for _ in range(count):
            line, position = _field(raw, position)
            lines.append(line)
    except struct.error:
        return None
    return vendor, lines


def _field(raw: bytes, position: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from("<I", raw, position)
    (field,) = struct.unpack_from(f"{length}s", raw, position + 4)
    return field, position + 4 + length


def _is_xmp(block: Block) -> bool:
    return block.kind == _APPLICATION and block.raw.startswith(_XMP)


def _is_aigc(line: bytes) -> bool:
    return line[: len(_AIGC)].upper() == _AIGC
