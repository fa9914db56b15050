"""Telling media types apart by their first bytes; names and extensions are never trusted."""

from __future__ import annotations

import codecs
import json
import re

UNKNOWN = "application/octet-stream"

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
)
_RIFF_FORMS = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_ISO_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"heis": "image/heic",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"F4A ": "audio/mp4",
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"iso8", b"iso9"), "video/mp4"),
    **dict.fromkeys((b"mp41", b"mp42", b"avc1", b"M4V ", b"M4VH", b"MSNV", b"dash", b"F4V "), "video/mp4"),
}
# QuickTime files from before the file type box existed begin with one of these.
_QUICKTIME_BOXES = frozenset({b"moov", b"mdat", b"wide"})
_OFFICE = "application/vnd.openxmlformats-officedocument."
_OFFICE_PARTS = (
    (b"word/document.xml", _OFFICE + "wordprocessingml.document"),
    (b"xl/workbook.xml", _OFFICE + "spreadsheetml.sheet"),
    (b"ppt/presentation.xml", _OFFICE + "presentationml.presentation"),
)
_OPEN_DOCUMENT = re.compile(rb"mimetype(application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]+))")

EXTENSIONS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/svg+xml": ".svg",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/ogg": ".ogg",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/epub+zip": ".epub",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.oasis.opendocument.presentation": ".odp",
    _OFFICE + "wordprocessingml.document": ".docx",
    _OFFICE + "spreadsheetml.sheet": ".xlsx",
    _OFFICE + "presentationml.presentation": ".pptx",
    "application/json": ".json",
    "text/html": ".html",
    "text/plain": ".txt",
    UNKNOWN: ".bin",
}

_WINDOW = 4096
_LARGEST_JSON = 1 << 20
# Atomic and possessive, so that hostile text cannot be matched in exponentially many ways.
_COMMENT = rb"<!--(?>.*?-->)"
_DOCTYPE = rb"<!DOCTYPE\s(?>[^\[>]*)(?:\[(?>.*?\]\s*>)|>)"
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<\?(?>.*?\?>)|%s|%s)*+<(?:[\w.-]+:)?svg[\s/>]" % (_COMMENT, _DOCTYPE), re.DOTALL
)
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|%s)*+<(?:!doctype\s+html|html|head|body)[\s>]" % _COMMENT, re.DOTALL | re.IGNORECASE
)


def media_type(data: bytes) -> str:
    """Return the media type that the first bytes of *data* show, or ``application/octet-stream``.

    A window of the first 4096 bytes is enough, except for JSON and office files, which are told by the whole.
    """
    for signature, found in _SIGNATURES:
        if data.startswith(signature):
            return found
    if data[:4] == b"RIFF" and data[8:12] in _RIFF_FORMS:
        return _RIFF_FORMS[data[8:12]]
    if data[4:8] == b"ftyp":
        return _iso(data)
    if data[4:8] in _QUICKTIME_BOXES and not _is_text(data[:8]):
        return "video/quicktime"
    if data[:3] == b"ID3":
        return _behind_id3(data)
    if _is_mpeg_audio(data):
        return "audio/mpeg"
    if data[:4] == b"\x1aE\xdf\xa3":
        return "video/webm" if b"webm" in data[:64] else "video/x-matroska" if b"matroska" in data[:64] else UNKNOWN
    if data[:4] == b"PK\x03\x04":
        return _zip(data)
    return _text(data)


def _iso(data: bytes) -> str:
    """Return what the major brand says, or the first compatible brand that says something (ISO/IEC 14496-12, 4.3)."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[start : start + 4] for start in range(16, length, 4))]
    return next((_ISO_BRANDS[brand] for brand in brands if brand in _ISO_BRANDS), UNKNOWN)


def _behind_id3(data: bytes) -> str:
    # C2PA puts an ID3 tag in front of FLAC as well.
    end = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=False))
    return "audio/flac" if data[end : end + 4] == b"fLaC" else "audio/mpeg"


def _is_mpeg_audio(data: bytes) -> bool:
    """Whether *data* begins with the header of an MPEG audio frame, layer III (ISO/IEC 11172-3, 2.4.1.3)."""
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    version, rate, sampling = data[1] >> 3 & 3, data[2] >> 4, data[2] >> 2 & 3
    return version != 1 and rate not in (0, 15) and sampling != 3


def _zip(data: bytes) -> str:
    if (found := _OPEN_DOCUMENT.match(data, 30)) is not None:
        return found.group(1).decode()
    # The names stand in the local headers and once more in the directory at the end.
    names = data[:_WINDOW] + data[-(1 << 16) :]
    return next((found for part, found in _OFFICE_PARTS if part in names), "application/zip")


def _text(data: bytes) -> str:
    start = data[:_WINDOW]
    if not _is_text(start):
        return UNKNOWN
    if _SVG.match(start):
        return "image/svg+xml"
    if _HTML.match(start):
        return "text/html"
    return "application/json" if _is_json(data) else "text/plain"


def _is_json(data: bytes) -> bool:
    text = data.strip() if len(data) <= _LARGEST_JSON else b""
    if text[:1] + text[-1:] not in (b"{}", b"[]"):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_text(start: bytes) -> bool:
    if b"\x00" in start:
        return False
    try:
        # The last character may be cut in two by the window.
        codecs.getincrementaldecoder("utf-8")().decode(start, final=len(start) < _WINDOW)
    except UnicodeDecodeError:
        return False
    return True
