"""ISO base media files (MP4, M4A, QuickTime, HEIC): metadata boxes, written with every sample left where it is.

XMP stands in a ``uuid`` box of its own (XMP specification, part 3, 1.2.7.1), in QuickTime also in ``moov/udta/XMP_``
and in HEIF in an item;
China's AIGC object is a key in ``moov/udta/meta`` (TC260-PG-20257A).
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterator

from disclose.errors import UnreadableError
from disclose.media.containers import heif, iso_keys
from disclose.media.containers.box import Box, boxes, child, framed, whole, with_child
from disclose.media.containers.iso_offsets import shifted

_XMP = uuid.UUID("be7acfcb-97a9-42e8-9c71-999491e3afac").bytes
_QUICKTIME_XMP = b"XMP_"
_AIGC = b"AIGC"
# An index at the very end that readers find by counting back from there (ISO/IEC 14496-12, 8.8.9).
_STAYS_LAST = b"mfra"


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    user_data = child(data, b"moov", b"udta", _QUICKTIME_XMP)
    if user_data is not None:
        return user_data.payload(data)
    if (item := heif.read_xmp(data)) is not None:
        return item
    own = next((box for box in boxes(data) if _is_xmp(data, box)), None)
    return None if own is None else data[own.body + 16 : own.end]


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP, behind everything that offsets count to.

    Raises UnreadableError for a file that is not whole, UnsupportedError for one whose XMP cannot be given more room.
    """
    data = _closed(data)
    if heif.has_xmp(data):
        return heif.with_xmp(data, packet)
    movie = child(data, b"moov")
    if movie is not None and (user_data := _user_data(movie.payload(data))) and child(user_data, _QUICKTIME_XMP):
        return _with_user_data(data, movie, with_child(user_data, _QUICKTIME_XMP, packet))
    for box in reversed([box for box in boxes(data) if _is_xmp(data, box)]):
        data = data[: box.start] + data[box.end :] if box.end == _end(data) else _freed(data, box)
    place = _end(data)
    return data[:place] + framed(b"uuid", _XMP + packet) + data[place:]


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the AIGC objects, as text."""
    movie = child(data, b"moov")
    payload = b"" if movie is None else movie.payload(data)
    for holder in (payload, _user_data(payload)):
        for box in boxes(holder):
            if box.kind == b"meta":
                yield from iso_keys.values(box.payload(holder), _AIGC)


def with_aigc(data: bytes, text: bytes) -> bytes:
    """Return *data* with *text* as its one AIGC object; raises UnreadableError for a file without a whole movie."""
    data = _closed(data)
    movie = child(data, b"moov")
    if movie is None:
        raise UnreadableError("cannot mark the file: it has no movie box")
    return _with_user_data(data, movie, _with_named(_user_data(movie.payload(data)), text))


def _with_named(user_data: bytes, text: bytes) -> bytes:
    """Return the payload of ``udta`` with *text* under the key AIGC, in the first box for names or in a new one."""
    parts, written, end = [], False, 0
    for box in whole(user_data, "user data"):
        payload, end = box.payload(user_data), box.end
        if box.kind == b"meta" and iso_keys.is_named(payload):
            parts.append(framed(b"meta", iso_keys.with_value(payload, _AIGC, None if written else text)))
            written = True
        else:
            parts.append(user_data[box.start : box.end])
    if not written:
        # A second meta box: the one of iTunes holds no names, and both ffmpeg and exiftool read the two of them.
        parts.append(framed(b"meta", iso_keys.with_value(None, _AIGC, text)))
    return b"".join(parts) + user_data[end:]


def _with_user_data(data: bytes, movie: Box, user_data: bytes) -> bytes:
    """Return *data* with another ``moov/udta``, and everything behind it found where it has moved to."""
    payload = movie.payload(data)
    whole(payload, "a movie box")
    direct = child(payload, b"meta")
    if direct is not None and any(iso_keys.values(direct.payload(payload), _AIGC)):
        payload = with_child(payload, b"meta", iso_keys.with_value(direct.payload(payload), _AIGC, None))
    new = framed(b"moov", with_child(payload, b"udta", user_data))
    by = len(new) - (movie.end - movie.start)
    return shifted(data[: movie.start] + new + data[movie.end :], beyond=movie.end, by=by)


def _user_data(movie: bytes) -> bytes:
    found = child(movie, b"udta")
    return b"" if found is None else found.payload(movie)


def _end(data: bytes) -> int:
    """Return where the file ends for what is appended to it."""
    *_, last = boxes(data)
    return last.start if last.kind == _STAYS_LAST else last.end


def _is_xmp(data: bytes, box: Box) -> bool:
    return box.kind == b"uuid" and data[box.body : box.body + 16] == _XMP


def _freed(data: bytes, box: Box) -> bytes:
    """Return *data* with *box* turned into free space, so that nothing behind it moves."""
    header = data[box.start : box.start + 4] + b"free" + data[box.start + 8 : box.body]
    return data[: box.start] + header + bytes(box.end - box.body) + data[box.end :]


def _closed(data: bytes) -> bytes:
    """Return *data*, made sure to be whole, with a true size on a last box that runs to the end of the file."""
    last = (whole(data, "the file") or [Box(kind=b"", start=0, body=0, end=0)])[-1]
    if data[last.start : last.start + 4] != bytes(4):
        return data
    return data[: last.start] + struct.pack(">I", last.end - last.start) + data[last.start + 4 :]
