"""Bilevel pictures of a few thousand cells in about two thirds of their bits, lossless.

JPEG 2000 (ISO/IEC 15444-1) codes one bit a cell by what its eight neighbours are, as JBIG does, and Pillow carries it.
Two neighbouring greys are the two values, which leaves a single bit plane; no wavelet, and of the file only the coded
data is kept, because everything before it follows from the size.
"""

from __future__ import annotations

import io

import numpy

from disclose.errors import LedgerError

_MOST_CELLS = 1 << 16
_DARK, _BRIGHT = 127, 128
"""The middle of eight bits, from which the coder counts: -1 and 0."""
_START_OF_TILE, _TILE_HEADER = b"\xff\x90\x00\x0a\x00\x00", 14
_END = b"\xff\xd9"


def compress(cells: bytes, columns: int, rows: int) -> bytes | None:
    """Return *cells*, packed eight to a byte row after row, in less, or None where that cannot be done."""
    from PIL import Image, features

    count = columns * rows
    if not 0 < count <= _MOST_CELLS or len(cells) != -(-count // 8) or not features.check("jpg_2000"):
        return None
    bits = numpy.unpackbits(numpy.frombuffer(cells, numpy.uint8))[:count].reshape(rows, columns)
    file = io.BytesIO()
    picture = Image.fromarray(bits + numpy.uint8(_DARK))
    picture.save(file, "JPEG2000", no_jp2=True, irreversible=False, mct=0, num_resolutions=1)
    stream = file.getvalue()
    data = stream[stream.index(_START_OF_TILE) + _TILE_HEADER : -len(_END)]
    return data if len(data) < len(cells) and expand(data, columns, rows) == cells else None


def expand(data: bytes, columns: int, rows: int) -> bytes:
    """Return the cells that :func:`compress` was given; raises LedgerError for what it did not write."""
    from PIL import Image

    if not 0 < columns * rows <= _MOST_CELLS:
        raise LedgerError(f"the structure of a picture in an entry has {columns} times {rows} cells: it is damaged")
    try:
        with Image.open(io.BytesIO(_header(columns, rows, len(data)) + data + _END), formats=["JPEG2000"]) as picture:
            values = numpy.asarray(picture)
    except (OSError, SyntaxError, ValueError) as error:
        raise LedgerError(
            f"cannot read the structure of a picture in an entry ({error}): it is damaged, or Pillow was built without"
            " JPEG 2000; run 'disclose ledger verify'"
        ) from error
    return numpy.packbits(values >= _BRIGHT).tobytes()


def _header(columns: int, rows: int, length: int) -> bytes:
    """Return what stands before the coded data (Annex A): the size, the coding style, no quantisation, and one tile."""
    size = columns.to_bytes(4) + rows.to_bytes(4)
    return b"".join(
        [
            b"\xff\x4f\xff\x51\x00\x29\x00\x00" + size + bytes(8) + size + bytes(8) + b"\x00\x01\x07\x01\x01",
            b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x00\x04\x04\x00\x01",
            b"\xff\x5c\x00\x04\x40\x40",
            _START_OF_TILE + (_TILE_HEADER + length).to_bytes(4) + b"\x00\x01\xff\x93",
        ]
    )
