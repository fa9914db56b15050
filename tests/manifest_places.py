"""Where a byte of a signed file lies: in what is signed, or in what a signature cannot cover.

Two verifiers may judge a changed byte differently only where it changes nothing that was said: in the padding that
COSE leaves open, in the framing around the manifest, and in the box that names the file type (C2PA 2.2, 13.2, 18.5,
18.7; ISO/IEC 19566-5, A).
"""

import base64
import io
import json
from enum import StrEnum

import c2pa


class Place(StrEnum):
    """The parts of a signed file, as far as verifiers treat them alike."""

    CONTENT = "content"
    STATEMENTS = "claim, assertions and signature"
    # COSE leaves this header unprotected; a verifier reads it strictly, or not at all.
    PADDING = "COSE padding"
    # The engine finds the parts of a manifest by their order, other verifiers by type and label as well.
    JUMBF = "JUMBF box header or description"
    # Sizes and marks of the container decide which verifier finds the manifest at all.
    FRAME = "container frame around the manifest"
    FILE_TYPE = "file type box"

    @property
    def is_signed(self):
        return self in (Place.CONTENT, Place.STATEMENTS)


def places(data, media_type):
    """Return the place of every byte of *data*, a file with one manifest store."""
    found = [Place.CONTENT] * len(data)
    for start, length in _excluded(data, media_type):
        found[start : start + length] = [Place.FRAME] * length
    if data[4:8] == b"ftyp":
        for kind, start, length in _iso_boxes(data):
            if kind in (b"ftyp", b"uuid"):
                found[start : start + length] = [Place.FILE_TYPE if kind == b"ftyp" else Place.FRAME] * length
    store, offsets = _store(data, media_type)
    inside = [Place.STATEMENTS] * len(store)
    _walk(store, 0, len(store), inside)
    for place, where in zip(inside, offsets, strict=True):
        for offset in where:
            # A character of base64 can belong to two bytes, and to whichever of them is signed less.
            if not (place.is_signed and found[offset] in (Place.PADDING, Place.JUMBF)):
                found[offset] = place
    return found


def _excluded(data, media_type):
    """Return the (start, length) of what the manifest says its hash leaves out."""
    store = json.loads(c2pa.Reader(media_type, io.BytesIO(data)).detailed_json())
    assertions = store["manifests"][store["active_manifest"]]["assertion_store"]
    exclusions = assertions.get("c2pa.hash.data", {}).get("exclusions", [])
    return [(one["start"], one["length"]) for one in exclusions]


def _iso_boxes(data):
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], position, length
        position += length


def _store(data, media_type):
    """Return the manifest store in *data*, and for each of its bytes the offsets in the file that carry it."""
    if media_type == "image/svg+xml":
        start = data.index(b">", data.index(b"<c2pa:manifest")) + 1
        text = data[start : data.index(b"<", start)]
        store = base64.b64decode(text)
        return store, [[start + bit // 6 for bit in (index * 8, index * 8 + 7)] for index in range(len(store))]
    if media_type == "image/gif":
        return _sub_blocks(data, data.index(b"C2PA_GIF") + 11)
    start = data.index(b"jumb") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    return data[start : start + length], [[start + index] for index in range(length)]


def _sub_blocks(data, position):
    store, offsets = b"", []
    while size := data[position]:
        store += data[position + 1 : position + 1 + size]
        offsets += [[offset] for offset in range(position + 1, position + 1 + size)]
        position += 1 + size
    return store, offsets


def _walk(store, start, end, inside):
    while start + 8 <= end:
        length, kind = int.from_bytes(store[start : start + 4], "big"), store[start + 4 : start + 8]
        framing = length if kind == b"jumd" else 8
        inside[start : start + framing] = [Place.JUMBF] * framing
        if kind == b"jumb":
            _walk(store, start + 8, start + length, inside)
        elif kind == b"cbor" and (key := store.find(b"\xa1cpadY", start, start + length)) >= 0:
            # The map with "pad" as its only key: the header that COSE leaves unprotected.
            size = 8 + int.from_bytes(store[key + 6 : key + 8], "big")
            inside[key : key + size] = [Place.PADDING] * size
        start += length
