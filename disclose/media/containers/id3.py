"""ID3v2: the tag in front of MP3 files, frames added and replaced with all others as they stand.

XMP stands in a PRIV frame with the owner "XMP" (XMP specification, part 3, 1.1.7), China's AIGC object in a TXXX
frame with that description (TC260-PG-202510A).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from disclose.errors import TooLargeError, UnreadableError, UnsupportedError

_HEADER = 10
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
# exiftool takes a last frame that fills the tag for a damaged one.
_PADDING = bytes(10)
_XMP_OWNER = b"XMP\x00"
_LATIN1 = b"\x00"
_ENCODINGS = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}
_NAME = re.compile(rb"[A-Z0-9]{4}")


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A frame as it stands in the tag, its ten bytes of header included."""

    kind: bytes
    raw: bytes

    @property
    def body(self) -> bytes:
        """What follows the header."""
        return self.raw[_HEADER:]


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag: its major *version* (3 or 4), its frames, and the *length* it has in the file."""

    version: int = 4
    frames: tuple[Frame, ...] = field(default=())
    length: int = 0


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    return next((frame.body[len(_XMP_OWNER) :] for frame in _frames(data) if _is_xmp(frame)), None)


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP.

    Raises UnreadableError for a damaged tag, UnsupportedError for ID3v2.2, which has no frame for XMP.
    """
    return _with_frame(data, b"PRIV", _XMP_OWNER + packet, _is_xmp)


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the AIGC objects, as text in UTF-8."""
    return (text for frame in _frames(data) if (text := _aigc(frame)) is not None)


def with_aigc(data: bytes, text: bytes) -> bytes:
    """Return *data* with the ASCII *text* as its one AIGC object; raises as :func:`with_xmp` does."""
    return _with_frame(data, b"TXXX", _LATIN1 + b"AIGC\x00" + text, lambda frame: _aigc(frame) is not None)


def end(data: bytes) -> int:
    """Return where the tag in front of *data* ends, 0 where there is none."""
    if data[:3] != b"ID3" or len(data) < _HEADER:
        return 0
    return _HEADER + _syncsafe(data[6:10]) + (_HEADER if data[3] == 4 and data[5] & _FOOTER else 0)


def _frames(data: bytes) -> tuple[Frame, ...]:
    try:
        return _tag(data).frames
    except (UnreadableError, UnsupportedError):
        return ()


def _tag(data: bytes) -> Tag:
    length = end(data)
    if length == 0:
        return Tag()
    version, flags = data[3], data[5]
    if version not in (3, 4):
        raise UnsupportedError(f"cannot mark an MP3 file with an ID3v2.{version} tag; convert it to ID3v2.4 first")
    if length > len(data):
        raise UnreadableError(f"cannot read an ID3 tag of {length} bytes in a file of {len(data)}")
    body = data[_HEADER : _HEADER + _syncsafe(data[6:10])]
    if version == 3 and flags & _UNSYNCHRONISED:
        # Frame sizes are those before unsynchronisation (ID3v2.3, 3.3); in ID3v2.4 each frame stands for itself.
        body = body.replace(b"\xff\x00", b"\xff")
    if flags & _EXTENDED:
        # It describes the tag as it was (padding, checksum), and would be wrong of the new one.
        size = _syncsafe(body[:4]) if version == 4 else 4 + int.from_bytes(body[:4], "big")
        body = body[size:]
    frames = _split(body, safe=version == 4)
    if frames is None and version == 4:
        # An old and common writer put plain sizes into ID3v2.4.
        frames = _split(body, safe=False)
    if frames is None:
        raise UnreadableError("cannot read an ID3 tag: a frame is longer than the tag")
    return Tag(version=version, frames=frames, length=length)


def _split(body: bytes, *, safe: bool) -> tuple[Frame, ...] | None:
    """Return the frames in *body*, or None where they do not end at its end or in padding."""
    frames, position = [], 0
    while position + _HEADER <= len(body) and body[position] != 0:
        kind, size = body[position : position + 4], body[position + 4 : position + 8]
        stop = position + _HEADER + (_syncsafe(size) if safe else int.from_bytes(size, "big"))
        if _NAME.fullmatch(kind) is None or stop > len(body):
            return None
        frames.append(Frame(kind=kind, raw=body[position:stop]))
        position = stop
    return None if body[position:].strip(b"\x00") else tuple(frames)


def _with_frame(data: bytes, kind: bytes, body: bytes, is_replaced: Callable[[Frame], bool]) -> bytes:
    tag = _tag(data)
    kept = b"".join(frame.raw for frame in tag.frames if not is_replaced(frame))
    size = _as_syncsafe(len(body)) if tag.version == 4 else len(body).to_bytes(4, "big")
    frames = kept + kind + size + b"\x00\x00" + body + _PADDING
    return b"ID3" + bytes([tag.version, 0, 0]) + _as_syncsafe(len(frames)) + frames + data[tag.length :]


def _is_xmp(frame: Frame) -> bool:
    return frame.kind == b"PRIV" and frame.body.startswith(_XMP_OWNER)


def _aigc(frame: Frame) -> bytes | None:
    """Return the text of a TXXX frame with the description AIGC, in any of the four encodings."""
    if frame.kind != b"TXXX" or frame.body[:1] not in (b"\x00", b"\x01", b"\x02", b"\x03"):
        return None
    text = frame.body[1:].decode(_ENCODINGS[frame.body[0]], "replace")
    description, separator, value = text.partition("\x00")
    return value.strip("\x00\ufeff").encode("utf-8", "replace") if description == "AIGC" and separator else None


def _syncsafe(size: bytes) -> int:
    value = 0
    for byte in size:
        value = value << 7 | byte & 0x7F
    return value


def _as_syncsafe(value: int) -> bytes:
    if value >= 1 << 28:
        raise TooLargeError(f"cannot write an ID3 tag or frame of {value} bytes; it can hold {(1 << 28) - 1}")
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))
