"""PDF: the catalog's metadata stream and the information dictionary, written as an incremental update.

What was in the file stays in it byte for byte (ISO 32000-2, 7.5.6); XMP is at 14.3.2, the information dictionary,
where China's AIGC object is an entry of that name (TC260-PG-20258A), at 14.3.3.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from disclose.errors import InputError, UnreadableError, UnsupportedError

if TYPE_CHECKING:
    from pypdf import PdfWriter

_AIGC = "/AIGC"
_MOST_UPDATES = 1000
_log = logging.getLogger(__name__)
# What is odd about a file is no news for whoever has set up no logging.
logging.getLogger("pypdf").addHandler(logging.NullHandler())


def read_xmp(data: bytes) -> bytes | None:
    """Return the XMP packet, or None."""
    from pypdf import PdfReader
    from pypdf.generic import StreamObject

    try:
        found = PdfReader(io.BytesIO(data)).root_object.get("/Metadata")
        stream = None if found is None else found.get_object()
        return bytes(stream.get_data()) if isinstance(stream, StreamObject) else None
    except Exception:
        # pypdf raises errors of its own, and KeyError, RecursionError and others on hostile bytes.
        _log.debug("a PDF file's metadata stream cannot be read", exc_info=True)
        return None


def with_xmp(data: bytes, packet: bytes) -> bytes:
    """Return *data* with *packet* as its XMP.

    Raises UnreadableError for a damaged file, UnsupportedError for an encrypted one.
    """
    from pypdf.generic import NameObject, StreamObject

    def change(writer: PdfWriter) -> None:
        stream = StreamObject()
        stream.set_data(packet)
        stream.update({NameObject("/Type"): NameObject("/Metadata"), NameObject("/Subtype"): NameObject("/XML")})
        writer.root_object[NameObject("/Metadata")] = writer._add_object(stream)  # noqa: SLF001  no public name for it

    return _updated(data, change)


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the AIGC object, as text."""
    from pypdf import PdfReader

    try:
        information = PdfReader(io.BytesIO(data)).metadata
        text = None if information is None else information.get(_AIGC)
    except Exception:
        _log.debug("a PDF file's information cannot be read", exc_info=True)
        return
    if isinstance(text, str):
        yield text.encode("utf-8", "replace")


def with_aigc(data: bytes, text: bytes) -> bytes:
    """Return *data* with *text* as its one AIGC object; raises as :func:`with_xmp` does."""
    return _updated(data, lambda writer: writer.add_metadata({_AIGC: text.decode("ascii")}))


def _updated(data: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    """Return *data* with what *change* does to it written behind its end."""
    from pypdf import PdfReader, PdfWriter

    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted:
            raise UnsupportedError("cannot mark an encrypted PDF file; mark it before it is encrypted")
        writer = PdfWriter(io.BytesIO(data), incremental=True)
        _take_numbers(writer, reader.trailer["/Size"])
        change(writer)
        result = io.BytesIO()
        writer.write(result)
    except InputError:
        raise
    except Exception as error:
        raise UnreadableError(f"cannot mark a PDF file: {error}") from error
    return result.getvalue()


def _take_numbers(writer: PdfWriter, size: object) -> None:
    """Let the next object of *writer* have a number of *size* or more.

    pypdf gives out again the number of an earlier update's cross-reference stream, which is in no table, and would
    itself read the old object under it.
    """
    from pypdf.generic import NullObject

    if not isinstance(size, int):
        raise UnreadableError("cannot mark a PDF file: it does not say how many objects it has")
    for _ in range(_MOST_UPDATES):
        if writer._add_object(NullObject()).idnum >= size - 1:  # noqa: SLF001  no public name for it
            return
    raise UnreadableError(f"cannot mark a PDF file: it declares {size} objects and has far fewer")
