"""Content codings: bodies that were compressed inside the middleware, read as they come and compressed again."""

from __future__ import annotations

import zlib

from disclose.errors import MarkingError
from disclose.integrations.asgi_headers import Headers, value_of

_WRAPPED = 16 + zlib.MAX_WBITS
"""The window of zlib for a stream in the format of gzip (RFC 1952)."""


def is_gzip(headers: Headers) -> bool:
    """Whether the body was compressed with gzip, and with nothing else (RFC 9110, section 8.4.1.3)."""
    return (value_of(headers, b"content-encoding") or b"").strip().lower() in (b"gzip", b"x-gzip")


class Plain:
    """One body on its way as it is."""

    keeps_length = True

    def read(self, piece: bytes) -> bytes:
        """Return *piece*."""
        return piece

    def write(self, content: bytes, *, last: bool) -> bytes:
        """Return *content*."""
        return content


class Gzip:
    """One body on its way: :meth:`read` decompresses a piece of it, :meth:`write` compresses one."""

    keeps_length = False

    def __init__(self) -> None:
        self._reader = zlib.decompressobj(_WRAPPED)
        self._writer = zlib.compressobj(wbits=_WRAPPED)

    def read(self, piece: bytes) -> bytes:
        """Return what is known of the content by the next *piece*; raises MarkingError where that is no gzip."""
        content = b""
        try:
            while piece:
                content += self._reader.decompress(piece)
                piece = self._reader.unused_data
                if piece:
                    # A body may be several compressed ones, one after the other (RFC 1952, section 2.2).
                    self._reader = zlib.decompressobj(_WRAPPED)
        except zlib.error as error:
            raise MarkingError(f"a body that says it is compressed with gzip is not: {error}") from error
        return content

    def write(self, content: bytes, *, last: bool) -> bytes:
        """Return *content* compressed, so that all of it can be read at once."""
        return self._writer.compress(content) + self._writer.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)


def decompressed(body: bytes, at_most: int) -> bytes | None:
    """Return the content of a whole *body* of gzip, None for more than *at_most* bytes; raises MarkingError."""
    reader = zlib.decompressobj(_WRAPPED)
    try:
        content = reader.decompress(body, at_most + 1)
    except zlib.error as error:
        raise MarkingError(f"a body that says it is compressed with gzip is not: {error}") from error
    if len(content) > at_most:
        return None
    if not reader.eof or reader.unused_data:
        raise MarkingError("a body that is compressed with gzip does not end where its content does")
    return content
