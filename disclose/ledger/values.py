"""Values: what says much in many letters in a record's text, and the bytes that it is kept as.

Long hexadecimal and base64, times, and the coarse structure of a picture, which is a small picture itself and kept as
one (disclose.ledger.bilevel). What cannot be written again exactly from its bytes raises ValueError or OverflowError.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import NamedTuple

from disclose.ledger.bilevel import compress, expand

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AS_IT_IS = 1 << 15
"""Beside the length of a structure that could not be compressed."""


class Kind(NamedTuple):
    """A kind of value: the ``sign`` that stands for it, how it is written, and how it is kept and read back."""

    sign: str
    pattern: str
    encode: Callable[[str], bytes]
    decode: Callable[[BytesIO], str]


def _hexadecimal(value: str) -> bytes:
    return bytes([len(value) // 2]) + bytes.fromhex(value)


def _from_hexadecimal(kept: BytesIO) -> str:
    return kept.read(_number(kept, 1)).hex()


def _base64(value: str) -> bytes:
    data = _exactly(value)
    return len(data).to_bytes(2) + data


def _from_base64(kept: BytesIO) -> str:
    return base64.b64encode(kept.read(_number(kept, 2))).decode("ascii")


def _seconds(value: str) -> bytes:
    return ((datetime.fromisoformat(value) - _EPOCH) // timedelta(seconds=1)).to_bytes(4)


def _from_seconds(kept: BytesIO) -> str:
    return f"{_EPOCH + timedelta(seconds=_number(kept, 4)):%Y-%m-%dT%H:%M:%SZ}"


def _microseconds(value: str) -> bytes:
    return ((datetime.fromisoformat(value) - _EPOCH) // timedelta(microseconds=1)).to_bytes(7)


def _from_microseconds(kept: BytesIO) -> str:
    return f"{_EPOCH + timedelta(microseconds=_number(kept, 7)):%Y-%m-%dT%H:%M:%S.%fZ}"


def _structure(value: str) -> bytes:
    size, _, encoded = value.partition(":")
    columns, rows = (int(number) for number in size.split("x"))
    cells = _exactly(encoded)
    smaller = compress(cells, columns, rows)
    data, form = (cells, _AS_IT_IS) if smaller is None else (smaller, 0)
    if len(data) >= _AS_IT_IS:
        raise ValueError(f"a structure of {len(data)} bytes")
    return columns.to_bytes(2) + rows.to_bytes(2) + (len(data) | form).to_bytes(2) + data


def _from_structure(kept: BytesIO) -> str:
    columns, rows, size = _number(kept, 2), _number(kept, 2), _number(kept, 2)
    data = kept.read(size & ~_AS_IT_IS)
    cells = data if size & _AS_IT_IS else expand(data, columns, rows)
    return f"{columns}x{rows}:{base64.b64encode(cells).decode('ascii')}"


def _exactly(encoded: str) -> bytes:
    data = base64.b64decode(encoded, validate=True)
    if base64.b64encode(data).decode("ascii") != encoded:
        raise ValueError("not the base64 that its bytes are written as")
    return data


def _number(kept: BytesIO, size: int) -> int:
    return int.from_bytes(kept.read(size))


_TO_THE_SECOND = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
_SIZE = r"[1-9][0-9]{0,3}x[1-9][0-9]{0,3}"
_LETTERS = r"[A-Za-z0-9+/]{40,65532}={0,2}"
KINDS = {
    "hexadecimal": Kind("\x03", r"(?:[0-9a-f]{2}){8,127}", _hexadecimal, _from_hexadecimal),
    "base64": Kind("\x04", _LETTERS, _base64, _from_base64),
    "seconds": Kind("\x05", _TO_THE_SECOND + "Z", _seconds, _from_seconds),
    "microseconds": Kind("\x06", _TO_THE_SECOND + r"\.[0-9]{6}Z", _microseconds, _from_microseconds),
    "structure": Kind("\x07", _SIZE + ":" + _LETTERS, _structure, _from_structure),
}
"""By name. The signs and what they stand for never change: what was stored with them could not be read any more."""
BY_SIGN = {kind.sign: kind for kind in KINDS.values()}
PATTERN = re.compile(
    '(?<=[":])(?:' + "|".join(f"(?P<{name}>{kind.pattern})" for name, kind in KINDS.items()) + ')(?=")'
)
