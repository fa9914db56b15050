"""The compact form in which a record's text is stored: lossless for every text, small for the canonical JSON of ours.

What says much in many letters is taken out and kept as bytes (disclose.ledger.values), and not at all where a column of
the same row holds it, or where the database keeps it once for all (disclose.ledger.certificates). What is left is
nearly the same for every record of a deployment, and deflated with a preset dictionary (RFC 1950 FDICT, here raw
RFC 1951).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from io import BytesIO

from disclose.errors import LedgerError
from disclose.ledger import earlier_encoding, values

REFERENCE = 8
"""Bytes of the hash of a certificate by which a body refers to it."""
PLAIN, COMPACT, REFERRING = b"\x00", b"\x03", b"\x04"
"""The first byte of a body: the text deflated, the compact form, and the same with a certificate left out."""

# Canonical JSON holds no bare control character, so these can stand for what was taken out.
_COLUMN, _CERTIFICATE = "\x01", "\x02"
_PLACES = re.compile("\x01([0-9])|[\x02-\x07]")
_DICTIONARY = (
    b'"previous""lineage":[{"role":"deployed","name":"}],"detector":"https://""on_behalf_of":"'
    b'compositeWithTrainedAlgorithmicMedia"action":"altered"io.github.disclose-ai.audio.1es384ps256ed25519'
    b'"phrases":"text_watermark":{"text":{"complete":true},"label":{"aigc":{"duty":{"clause":"Code 1.1.2 and glossary",'
    b'"reason":"very short text","tokenizer":"estimate: 1 for each 4 characters of a word, 1 for each other visible '
    b'character","tokens":80,"watermark":false},"text":{"complete":true},"text_fingerprint":{"phrases":4}},'
    b'"media_type":"text/plain"audio/wav""video/mp4""application/pdf""image/gif""image/webp""image/jpeg"'
    b'{"disclosure":{"action":"created","created":"\x05","id":"\x010","model":"","provider":"'
    b'","source_type":"trainedAlgorithmicMedia","system":"","version":"1.0"},"marks":{"c2pa":{"alg":"es256",'
    b'"certificate":"\x02"},"fingerprint":{"pdq":"\x012","structure":"\x07"},"image_watermark":{'
    b'"alg":"io.github.disclose-ai.image.1","strength":1.0,"value":"\x013"},"iptc":{}},"media_type":"image/png",'
    b'"recorded":"\x06","sha256":"\x011"}'
)
"""The dictionary of forms 3 and 4. It never changes: what was stored with it could not be read any more."""


def pack(text: str, columns: Sequence[bytes | None], certificate: bytes | None = None) -> bytes:
    """Return *text* in the compact form; *columns* are the values that stand beside it in its row.

    The hash *certificate* (32 bytes) is left out where the text holds it: the form is then :data:`REFERRING`.
    """
    known = {value.hex(): _COLUMN + str(index) for index, value in enumerate(columns) if value}
    if columns and columns[0]:
        known.setdefault(columns[0][:8].hex(), _COLUMN + str(len(columns)))
    if certificate is not None:
        known.setdefault(certificate.hex(), _CERTIFICATE)
    taken: list[bytes] = []

    def take(match: re.Match[str]) -> str:
        value, kind = match[0], values.KINDS[match.lastgroup or ""]
        if value in known:
            return known[value]
        try:
            taken.append(kind.encode(value))
        except (ValueError, OverflowError):
            return value
        return kind.sign

    # What holds control characters is no canonical JSON; it is stored as it is.
    is_plain = re.search("[\x01-\x07]", text) is None
    plain = values.PATTERN.sub(take, text) if is_plain else text
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    left_out = certificate if certificate is not None and _CERTIFICATE in plain else b""
    form = REFERRING + left_out[:REFERENCE] if left_out else COMPACT
    packed = form + deflater.compress(plain.encode()) + deflater.flush() + b"".join(taken)
    if not is_plain or unpack(packed + left_out, columns) != text:
        return PLAIN + zlib.compress(text.encode(), 9)
    return packed


def unpack(packed: bytes, columns: Sequence[bytes | None]) -> str:
    """Return the text that :func:`pack` was given; raises LedgerError for what it did not write.

    A certificate that was left out stands behind what :func:`pack` returned.
    """
    try:
        if packed[:1] == PLAIN:
            return zlib.decompress(packed[1:]).decode()
        if packed[:1] in earlier_encoding.FORMS:
            return earlier_encoding.unpack(packed, columns)
        if packed[:1] == COMPACT:
            return _put_back(packed[1:], columns, b"")
        if packed[:1] != REFERRING:
            raise LedgerError("the body of an entry is in a form that this version does not know; upgrade disclose")
        reference, rest, certificate = packed[1 : 1 + REFERENCE], packed[1 + REFERENCE : -32], packed[-32:]
        if certificate[:REFERENCE] != reference:
            raise LedgerError("the certificate that an entry refers to is missing; run 'disclose ledger verify'")
        return _put_back(rest, columns, certificate)
    except (zlib.error, ValueError, IndexError, OverflowError) as error:
        raise LedgerError(f"the body of an entry is damaged ({error}); run 'disclose ledger verify'") from error


def _put_back(packed: bytes, columns: Sequence[bytes | None], certificate: bytes) -> str:
    inflater = zlib.decompressobj(-15, _DICTIONARY)
    plain = inflater.decompress(packed) + inflater.flush()
    taken = BytesIO(inflater.unused_data)

    def put_back(match: re.Match[str]) -> str:
        if match[0] == _CERTIFICATE:
            return certificate.hex()
        if match[1] is None:
            return values.BY_SIGN[match[0]].decode(taken)
        index = int(match[1])
        value = (columns[0] or b"")[:8] if index == len(columns) else columns[index] or b""
        return value.hex()

    return _PLACES.sub(put_back, plain.decode())
