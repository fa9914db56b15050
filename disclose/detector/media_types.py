"""Media types: the names that one format has, since strangers state the type of what they refer to."""

from __future__ import annotations

_SAME = {
    "application/ogg": "audio/ogg",
    "audio/m4a": "video/mp4",
    "audio/matroska": "video/x-matroska",
    "audio/mp3": "audio/mpeg",
    "audio/mp4": "video/mp4",
    "audio/vnd.wave": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/webm": "video/webm",
    "audio/x-flac": "audio/flac",
    "audio/x-m4a": "video/mp4",
    "audio/x-wav": "audio/wav",
    "image/heif": "image/heic",
    "image/jpg": "image/jpeg",
    "video/avi": "video/x-msvideo",
    "video/matroska": "video/x-matroska",
    "video/ogg": "audio/ogg",
    "video/x-m4v": "video/mp4",
}
"""Other names of a format; sound and film of one container are one, for its first bytes do not always tell them."""


def is_of_type(found: str, stated: str) -> bool:
    """Whether the media type *found* in the bytes of a file is the one *stated*, under whatever name.

    >>> is_of_type("image/jpeg", "image/jpg"), is_of_type("text/plain", "text/csv")
    (True, True)
    """
    if found == "text/plain" and stated.startswith("text/"):
        return True
    return _SAME.get(found, found) == _SAME.get(stated, stated)
