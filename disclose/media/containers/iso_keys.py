"""Named metadata in ISO base media files: the keys and values of ``meta`` boxes with the handler ``mdta``.

The boxes are those of the QuickTime File Format, "Metadata atoms"; ffmpeg's ``use_metadata_tags`` writes them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from disclose.media.containers.box import Box, boxes, child, framed, whole, with_child

_NAMESPACE = b"mdta"
_UTF8 = 1
_HANDLER = framed(b"hdlr", bytes(8) + _NAMESPACE + bytes(12) + b"\x00")


def values(payload: bytes, name: bytes) -> Iterator[bytes]:
    """Yield the values that the key *name* has in the *payload* of a ``meta`` box."""
    _, inner = _split(payload)
    if not _is_named(inner):
        return
    keys, items = _keys(inner), child(inner, b"ilst")
    for item in boxes(inner, items.body, items.end) if items is not None else ():
        index = int.from_bytes(item.kind, "big")
        value = next((box for box in boxes(inner, item.body, item.end) if box.kind == b"data"), None)
        if value is not None and 0 < index <= len(keys) and keys[index - 1] == name:
            yield inner[value.body + 8 : value.end]


def is_named(payload: bytes) -> bool:
    """Whether *payload* is that of a ``meta`` box with named keys."""
    return _is_named(_split(payload)[1])


def with_value(payload: bytes | None, name: bytes, value: bytes | None) -> bytes:
    """Return the *payload* of a ``meta`` box, or of a new one, in which the key *name* has the one *value* or none."""
    version, inner = _split(payload) if payload is not None else (bytes(4), _HANDLER)
    keys = _keys(inner)
    items = child(inner, b"ilst")
    listed = items.payload(inner) if items is not None else b""
    own = {index for index, key in enumerate(keys, 1) if key == name}
    kept = [
        listed[box.start : box.end]
        for box in whole(listed, "named metadata")
        if int.from_bytes(box.kind, "big") not in own
    ]
    if value is not None:
        if not own:
            keys.append(name)
        index = struct.pack(">I", min(own, default=len(keys)))
        kept.append(framed(index, framed(b"data", struct.pack(">II", _UTF8, 0) + value)))
        entries = b"".join(framed(_NAMESPACE, key) for key in keys)
        if not own:
            inner = with_child(inner, b"keys", bytes(4) + struct.pack(">I", len(keys)) + entries)
    return version + with_child(inner, b"ilst", b"".join(kept))


def _split(payload: bytes) -> tuple[bytes, bytes]:
    """Return version and boxes of a ``meta`` payload; QuickTime's own has no version."""
    return (b"", payload) if payload[4:8] == b"hdlr" else (payload[:4], payload[4:])


def _is_named(inner: bytes) -> bool:
    handler = child(inner, b"hdlr")
    return handler is not None and inner[handler.body + 8 : handler.body + 12] == _NAMESPACE


def _keys(inner: bytes) -> list[bytes]:
    table = child(inner, b"keys")
    if table is None:
        return []
    found: list[Box] = list(boxes(inner, table.body + 8, table.end))
    return [box.payload(inner) for box in found]
