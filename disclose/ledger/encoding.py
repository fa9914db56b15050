"""The compact form in which a record's text is stored: lossless for every text, small for the canonical JSON of ours.

What is random is taken out and kept as bytes: long hexadecimal and base64 values, and not at all where a column of
the same row holds it. The coarse structure of a picture is a small picture itself, and kept as one
(disclose.ledger.bilevel). The rest is deflated with a preset dictionary (RFC 1950 FDICT, here raw RFC 1951).
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence

from disclose.errors import LedgerError
from disclose.ledger.bilevel import compress, expand

_FORM, _FORM_WITH_STRUCTURE = b"\x01", b"\x02"
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
"""The dictionary of forms 1 and 2. It never changes: what was stored with it could not be read any more."""

# Canonical JSON holds no bare control character, so these four can stand for what was taken out.
_HEXADECIMAL, _COLUMN, _BASE64, _STRUCTURE = "\x01", "\x02", "\x03", "\x04"
_SIZE = r'(?<=")([1-9][0-9]{0,3})x([1-9][0-9]{0,3}):'
_RANDOM = re.compile(
    _SIZE + r'([A-Za-z0-9+/]{40,65532}={0,2})(?=")|'
    r'(?<=[":])(?:([0-9a-f]{16,254})|([A-Za-z0-9+/]{40,65532}={0,2}))(?=")'
)
_PLACES = re.compile("\x01(.)|\x02(.)|\x03(.)(.)|" + _SIZE + "\x04(.)(.)", re.DOTALL)


def pack(text: str, columns: Sequence[bytes | None]) -> bytes:
    """Return *text* in the compact form; *columns* are the values that stand beside it in its row."""
    known = {value.hex(): index for index, value in enumerate(columns) if value}
    if columns and columns[0]:
        known.setdefault(columns[0][:8].hex(), len(columns))
    taken: list[bytes] = []

    def take(match: re.Match[str]) -> str:
        width, height, structure, hexadecimal, encoded = match.groups()
        if hexadecimal is not None and hexadecimal in known:
            return _COLUMN + chr(known[hexadecimal])
        value = _decoded(hexadecimal, structure or encoded)
        if value is None:
            return match[0]
        if hexadecimal is not None:
            taken.append(value)
            return _HEXADECIMAL + chr(len(value))
        if structure is None:
            taken.append(value)
            return _BASE64 + _length(value)
        smaller = compress(value, int(width), int(height))
        taken.append(value if smaller is None else smaller)
        return f"{width}x{height}:{_BASE64 if smaller is None else _STRUCTURE}{_length(taken[-1])}"

    # What holds control characters is no canonical JSON; it is stored as it is.
    is_plain = re.search("[\x01-\x04]", text) is None
    plain = _RANDOM.sub(take, text) if is_plain else text
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    deflated = deflater.compress(plain.encode()) + deflater.flush()
    form = _FORM_WITH_STRUCTURE if _STRUCTURE in plain else _FORM
    packed = form + len(deflated).to_bytes(2) + deflated + b"".join(taken) if len(deflated) < 1 << 16 else b""
    if not packed or not is_plain or unpack(packed, columns) != text:
        return b"\x00" + zlib.compress(text.encode(), 9)
    return packed


def unpack(packed: bytes, columns: Sequence[bytes | None]) -> str:
    """Return the text that :func:`pack` was given; raises LedgerError for what it did not write."""
    try:
        if packed[:1] == b"\x00":
            return zlib.decompress(packed[1:]).decode()
        if packed[:1] not in (_FORM, _FORM_WITH_STRUCTURE):
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
            numbers = [ord(one) for one in match.group(1, 3, 4, 7, 8) if one is not None]
            size = numbers[0] if len(numbers) == 1 else (numbers[0] << 7) + numbers[1]
            value, place = taken[place : place + size], place + size
            if match[1] is not None:
                return value.hex()
            if match[3] is not None:
                return base64.b64encode(value).decode("ascii")
            cells = expand(value, int(match[5]), int(match[6]))
            return f"{match[5]}x{match[6]}:{base64.b64encode(cells).decode('ascii')}"

        return _PLACES.sub(put_back, plain.decode())
    except (zlib.error, UnicodeDecodeError, IndexError) as error:
        raise LedgerError(f"the body of an entry is damaged ({error}); run 'disclose ledger verify'") from error


def _length(value: bytes) -> str:
    return chr(len(value) >> 7) + chr(len(value) & 127)


def _decoded(hexadecimal: str | None, encoded: str) -> bytes | None:
    """Return the bytes of a value that can be written again from them, or None."""
    if hexadecimal is not None:
        return bytes.fromhex(hexadecimal) if len(hexadecimal) % 2 == 0 else None
    try:
        value = base64.b64decode(encoded, validate=True)
    except ValueError:
        return None
    return value if len(value) < 1 << 14 and base64.b64encode(value).decode("ascii") == encoded else None
