"""Telling media types apart by their first bytes; names and extensions are never trusted."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
)
_ISO_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"heic": "image/heic", b"heix": "image/heic"}

EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
}


def media_type(data: bytes) -> str:
    """Return the media type that the first bytes of *data* show, or ``application/octet-stream``."""
    for signature, found in _SIGNATURES:
        if data.startswith(signature):
            return found
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return _ISO_BRANDS.get(data[8:12], UNKNOWN)
    if _is_text(data[:4096]):
        return "text/plain"
    return UNKNOWN


def _is_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    try:
        # The last character may be cut in two by the 4096-byte window, hence the tolerance at the end.
        start[:-3].decode() if len(start) > 3 else start.decode()
    except UnicodeDecodeError:
        return False
    return True
