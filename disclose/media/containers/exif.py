"""Exif: the AIGC object that some generators write into the user comment (tag 0x9286, TC260-PG-20259A)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_OBJECT = re.compile(rb'\{\s*"AIGC"\s*:\s*\{[\x20-\x7e\s]{1,8192}')


def read_aigc(data: bytes) -> Iterator[bytes]:
    """Yield the JSON objects with the one key AIGC that stand in *data*, an Exif block or a file around one."""
    for found in _OBJECT.finditer(data):
        try:
            _, length = json.JSONDecoder().raw_decode(found.group().decode("ascii"))
        except (ValueError, RecursionError):
            continue
        yield found.group()[:length]


def without_aigc(data: bytes) -> bytes:
    """Return *data* with those objects overwritten by spaces: offsets in Exif are counted from its start."""
    for text in list(read_aigc(data)):
        data = data.replace(text, b" " * len(text))
    return data
