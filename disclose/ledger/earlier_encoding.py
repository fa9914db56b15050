"""The compact forms 1 and 2, in which earlier versions stored a record's text: they are read, and never written.

What is random was taken out and kept as bytes, as in disclose.ledger.encoding, with its length left in the text.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Sequence

from disclose.ledger.bilevel import expand

FORMS = (b"\x01", b"\x02")
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

_PLACES = re.compile(
    "\x01(.)|\x02(.)|\x03(.)(.)|" + r'(?<=")([1-9][0-9]{0,3})x([1-9][0-9]{0,3}):' + "\x04(.)(.)", re.DOTALL
)


def unpack(packed: bytes, columns: Sequence[bytes | None]) -> str:
    """Return the text behind *packed*; *columns* are the values beside it in its row.

    Raises LedgerError, ValueError, IndexError or zlib.error for what was not written in these forms.
    """
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
