"""RIFF: chunks of WAV and AVI files, read and appended without touching the samples.

XMP stands in a chunk ``_PMX`` (XMP specification, part 3, 1.1.9), China's AIGC object in a chunk ``AIGC`` of WAV
(TC260-PG-202510A) and in the list ``INFO`` of AVI (TC260-PG-20257A).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from disclose.errors import UnreadableError, UnsupportedError

_XMP, _AIGC, _JUNK = b"_PMX", b"AIGC", b"JUNK"
_CONTENT = frozenset({b"data", b"movi"})
_UNKNOWN_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """A chunk that stands at *start* and has *length* bytes from *body* on; a list goes by its own type."""

    kind: bytes
    start: int
    body: int
    length: int

    @property
    def end(self) -> int:
        """Where the next chunk begins."""
        return self.body + self.length + self.length % 2


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    return next((_value(data, chunk) for chunk in _chunks(data) if chunk.kind == _XMP), None)


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP.

    Raises UnreadableError for a file that is not whole, UnsupportedError for one of several RIFF parts.
    """
    return _with_chunk(_whole(data), _framed(_XMP, packet), lambda chunk: chunk.kind == _XMP)


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the AIGC objects, as text, wherever RIFF files have them."""
    for chunk in (*_chunks(data), *_information(data)):
        if chunk.kind == _AIGC:
            yield _value(data, chunk).rstrip(b"\x00")


def with_aigc(data: bytes, text: bytes) -> bytes:
    """Return *data* with *text* as its one AIGC object; raises as :func:`with_xmp` does."""
    data = _whole(data)
    for chunk in _information(data):
        if chunk.kind == _AIGC:
            data = _emptied(data, chunk)
    own = _framed(_AIGC, text)
    if data[8:12] == b"WAVE":
        return _with_chunk(data, own, lambda chunk: chunk.kind == _AIGC)
    return _with_chunk(data, _framed(b"LIST", b"INFO" + own), lambda chunk: _is_empty_list(data, chunk))


def _chunks(data: bytes, position: int = 12, end: int | None = None) -> Iterator[Chunk]:
    """Yield the chunks of the first form, or of a list in it, as far as they are whole."""
    if end is None:
        end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while position + 8 <= end:
        kind, body = data[position : position + 4], position + 8
        (length,) = struct.unpack_from("<I", data, position + 4)
        if kind == b"data" and length == _UNKNOWN_LENGTH:
            length = end - body
        if body + length > end:
            return
        chunk = Chunk(kind=data[body : body + 4] if kind == b"LIST" else kind, start=position, body=body, length=length)
        yield chunk
        position = chunk.end


def _information(data: bytes) -> list[Chunk]:
    lists = [chunk for chunk in _chunks(data) if chunk.kind == b"INFO"]
    return [part for one in lists for part in _chunks(data, one.body + 4, one.body + one.length)]


def _is_empty_list(data: bytes, chunk: Chunk) -> bool:
    parts = list(_chunks(data, chunk.body + 4, chunk.body + chunk.length)) if chunk.kind == b"INFO" else []
    return bool(parts) and all(part.kind == _JUNK for part in parts)


def _whole(data: bytes) -> bytes:
    """Return *data*, made sure to be whole, with true lengths where a writer that streamed could not know them."""
    chunks = list(_chunks(data))
    declared = 8 + int.from_bytes(data[4:8], "little")
    content = next((chunk for chunk in chunks if chunk.kind in _CONTENT), None)
    if content is None:
        raise UnreadableError("cannot mark a RIFF file: it is damaged, or there is nothing in it")
    end = chunks[-1].end
    data += b"\x00" * (end - len(data))
    if declared == 8 + _UNKNOWN_LENGTH and content is chunks[-1]:
        data = data[: content.start + 4] + struct.pack("<I", content.length) + data[content.body :]
        declared = len(data)
    if declared > len(data) or declared - end >= 8:
        raise UnreadableError(f"cannot mark a RIFF file: it declares {declared} bytes, {end} of {len(data)} are whole")
    if data[declared : declared + 4] == b"RIFF":
        raise UnsupportedError("cannot mark a file of several RIFF parts (OpenDML): its index would no longer fit")
    return data[:4] + struct.pack("<I", max(declared, end) - 8) + data[8:]


def _with_chunk(data: bytes, new: bytes, is_replaced: Callable[[Chunk], bool]) -> bytes:
    """Return *data* with the framed chunk *new* at its end, in place of all that it replaces."""
    chunks = list(_chunks(data))
    content = next(chunk for chunk in chunks if chunk.kind in _CONTENT)
    form_end = 8 + int.from_bytes(data[4:8], "little")
    before = len(data)
    for chunk in reversed(chunks):
        if is_replaced(chunk):
            # Offsets into the content may be counted from the beginning of the file, so nothing before it moves.
            behind = chunk.start > content.start
            data = data[: chunk.start] + data[chunk.end :] if behind else _emptied(data, chunk)
    *_, last = _chunks(data[:4] + struct.pack("<I", form_end - 8 - (before - len(data))) + data[8:])
    data = data[: last.end] + new + data[last.end :]
    return data[:4] + struct.pack("<I", form_end - 8 + len(data) - before) + data[8:]


def _emptied(data: bytes, chunk: Chunk) -> bytes:
    return (
        data[: chunk.start]
        + _JUNK
        + data[chunk.start + 4 : chunk.body]
        + bytes(chunk.length)
        + data[chunk.body + chunk.length :]
    )


def _framed(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\x00" * (len(body) % 2)


def _value(data: bytes, chunk: Chunk) -> bytes:
    return data[chunk.body : chunk.body + chunk.length]
