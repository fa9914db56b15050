"""The compact form in which a record's text is stored: lossless for every text, small for the canonical JSON of ours.

What is random is taken out and kept as bytes: long hexadecimal and base64 values, and not at all where a column of
the same row holds it. The rest is deflated with a preset dictionary (RFC 1950 FDICT, here raw RFC 1951).
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence

from disclose.errors import LedgerError

_FORM = b"\x01"
_DICTIONARY = (
    b'"previous""lineage":[{"role":"deployed","name":"}],"detector":"https://""on_behalf_of":"'
    b'compositeWithTrainedAlgorithmicMedia"action":"altered"io.github.disclose-ai.text.1es384ps256ed25519'
    b'"text_fingerprint":{"text_watermark":{"label":{"aigc":{"media_type":"audio/wav""video/mp4""text/plain"'
    b'"application/pdf""image/png""image/webp""media_type":"image/jpeg"'
    b'{"disclosure":{"action":"created","created":"2026-2027-01-01T10:00:00Z","id":"\x02\x00","model":"","provider":"'
    b'","source_type":"trainedAlgorithmicMedia","system":"","version":"1.0"},"marks":{"c2pa":{"alg":"es256",'
    b'"certificate":"\x01 "},"fingerprint":{"pdq":"\x02\x02","structure":"64x64:\x03\x00\x02"},"image_watermark":{'
    b'"alg":"io.github.disclose-ai.image.1","strength":1.0,"value":"\x02\x03"},"iptc":{}},"media_type":"image/png",'
    b'"recorded":"2026-11-22T12:00:00.000000Z","sha256":"\x02\x01"}'
)
"""The dictionary of form 1. It never changes: what was stored with it could not be read any more."""

# Canonical JSON holds no bare control character, so these three can stand for what was taken out.
_HEXADECIMAL, _COLUMN, _BASE64 = "\x01", "\x02", "\x03"
_RANDOM = re.compile(r'(?<=[":])(?:([0-9a-f]{16,254})|([A-Za-z0-9+/]{40,65532}={0,2}))(?=")')
_PLACES = re.compile("\x01(.)|\x02(.)|\x03(.)(.)", re.DOTALL)


def pack(text: str, columns: Sequence[bytes | None]) -> bytes:
    """Return *text* in the compact form; *columns* are the values that stand beside it in its row."""
    known = {value.hex(): index for index, value in enumerate(columns) if value}
    if columns and columns[0]:
        known.setdefault(columns[0][:8].hex(), len(columns))
    taken: list[bytes] = []

    def take(match: re.Match[str]) -> str:
        hexadecimal, encoded = match.groups()
        if hexadecimal is not None and hexadecimal in known:
            return _COLUMN + chr(known[hexadecimal])
        value = _decoded(hexadecimal, encoded)
        if value is None:
            return match[0]
        taken.append(value)
        if hexadecimal is not None:
            return _HEXADECIMAL + chr(len(value))
        return _BASE64 + chr(len(value) >> 7) + chr(len(value) & 127)

    # What holds control characters is no canonical JSON; it is stored as it is.
    is_plain = re.search("[\x01-\x03]", text) is None
    plain = _RANDOM.sub(take, text) if is_plain else text
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    deflated = deflater.compress(plain.encode()) + deflater.flush()
    packed = _FORM + len(deflated).to_bytes(2) + deflated + b"".join(taken) if len(deflated) < 1 << 16 else b""
    if not packed or not is_plain or unpack(packed, columns) != text:
        return b"\x00" + zlib.compress(text.encode(), 9)
    return packed


def unpack(packed: bytes, columns: Sequence[bytes | None]) -> str:
    """Return the text that :func:`pack` was given; raises LedgerError for what it did not write."""
    try:
        if packed[:1] == b"\x00":
            return zlib.decompress(packed[1:]).decode()
        if packed[:1] != _FORM:
            raise LedgerError("the body of an entry is in a form that this version does not know; upgrade disclose")
        length = int.from_bytes(packed[1:3])
        inflater = zlib.decompressobj(-15, _DICTIONARY)
        plain = inflater.decompress(packed[3 : 3 + length]) + inflater.flush()
        taken, place = packed[3 + length :], 0

        def put_back(match: re.Match[str]) -> str:
            nonlocal place
            if match[2] is not None:
                index = ord(match[2])
                value = (columns[0] or b"")[:8] if index == len(columns) else columns[index] or b""
                return value.hex()
            size = ord(match[1]) if match[1] is not None else (ord(match[3]) << 7) + ord(match[4])
            value, place = taken[place : place + size], place + size
            return value.hex() if match[1] is not None else base64.b64encode(value).decode("ascii")

        return _PLACES.sub(put_back, plain.decode())
    except (zlib.error, UnicodeDecodeError, IndexError) as error:
        raise LedgerError(f"the body of an entry is damaged ({error}); run 'disclose ledger verify'") from error


def _decoded(hexadecimal: str | None, encoded: str) -> bytes | None:
    """Return the bytes of a value that can be written again from them, or None."""
    if hexadecimal is not None:
        return bytes.fromhex(hexadecimal) if len(hexadecimal) % 2 == 0 else None
    try:
        value = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    return value if len(value) < 1 << 14 and base64.b64encode(value).decode("ascii") == encoded else None
