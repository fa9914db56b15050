"""Boxes of ISO base media files: where they stand, and what is in them (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from disclose.errors import UnreadableError


@dataclass(frozen=True, kw_only=True)
class Box:
    """A box that stands from *start* to *end*, its payload from *body* on."""

    kind: bytes
    start: int
    body: int
    end: int

    def payload(self, data: bytes) -> bytes:
        """Return the payload, out of the *data* that the box was found in."""
        return data[self.body : self.end]


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield the boxes between *start* and *end* of *data*, as far as they are whole."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        (size,) = struct.unpack_from(">I", data, start)
        body = start + 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        elif size == 0:
            size = end - start
        if size < body - start or start + size > end:
            return
        yield Box(kind=data[start + 4 : start + 8], start=start, body=body, end=start + size)
        start += size


def whole(data: bytes, what: str) -> list[Box]:
    """Return the boxes of *data*; raises UnreadableError where they do not fill it."""
    found = list(boxes(data))
    rest = data[found[-1].end :] if found else data
    # User data may close with a zero of 32 bits (QuickTime File Format, "User data atoms").
    if rest.strip(b"\x00") or len(rest) >= 8:
        raise UnreadableError(f"cannot mark {what}: a box is cut off or longer than what it stands in")
    return found


def framed(kind: bytes, payload: bytes) -> bytes:
    """Return *payload* as a box."""
    if len(payload) + 8 < 1 << 32:
        return struct.pack(">I", len(payload) + 8) + kind + payload
    return struct.pack(">I", 1) + kind + struct.pack(">Q", len(payload) + 16) + payload


def child(data: bytes, *path: bytes) -> Box | None:
    """Return the first box at *path* in *data*, or None."""
    start, end, found = 0, len(data), None
    for kind in path:
        found = next((box for box in boxes(data, start, end) if box.kind == kind), None)
        if found is None:
            return None
        start, end = found.body, found.end
    return found


def with_child(payload: bytes, kind: bytes, new: bytes) -> bytes:
    """Return a box's *payload* with the payload *new* in its first child *kind*, which is added where it is missing."""
    found = child(payload, kind)
    if found is not None:
        return payload[: found.start] + framed(kind, new) + payload[found.end :]
    last = max((box.end for box in boxes(payload)), default=0)
    return payload[:last] + framed(kind, new) + payload[last:]
