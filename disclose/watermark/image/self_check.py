"""The self-check: a marked picture is read back before it is let go.

It is read behind a JPEG round trip, which is the harder test: no picture was met that reads behind one and not without.
"""

from __future__ import annotations

import os
from io import BytesIO
from typing import IO

from PIL import Image

from disclose.watermark.image.canonical import canonical_plane, canonical_size
from disclose.watermark.image.detect import legibility

CHECK_QUALITY = 60  # JPEG quality that the self-check puts the picture through
CHECKED_AREA = 320 * 320  # pixels, below which it does not: no unseen mark survives that in a thumbnail
COMFORTABLE_Z = 18.5  # after which no more strength is spent; about 13 is the least that can be read
COMFORTABLE_PROMINENCE = 1.2  # the same for the search's template


def survival(marked: Image.Image, payload: int, key: bytes) -> float:
    """Return how comfortably *payload* is read from the *marked* picture: 0 for not at all, 1 and above for well.

    It is read behind a JPEG round trip, or as it is from a thumbnail; and its waves must stand out far enough for the
    picture to be found again when it is turned.
    """
    luma = marked.convert("L")
    if luma.width * luma.height >= CHECKED_AREA:
        luma = _compressed(luma)
    found = legibility(canonical_plane(luma), key)
    if found.reading is None or found.reading.payload != payload:
        return 0.0
    return min(found.reading.z / COMFORTABLE_Z, found.prominence / COMFORTABLE_PROMINENCE)


def _compressed(luma: Image.Image) -> Image.Image:
    """Return *luma* behind a JPEG round trip, decoded no larger than its canonical plane wants it."""
    with _memory_file() as file:
        luma.save(file, "JPEG", quality=CHECK_QUALITY)
        file.seek(0)
        compressed = Image.open(file)
        compressed.draft("L", canonical_size(*luma.size))
        compressed.load()
    return compressed


def _memory_file() -> IO[bytes]:
    """Return a file in memory, with a descriptor of its own where the system has such a thing.

    Pillow's encoders let other threads run only while they write to a descriptor.
    """
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("disclose self-check"), "w+b")
    return BytesIO()
