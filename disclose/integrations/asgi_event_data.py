"""Event data: the JSON in one event of a stream, and where a field of ours goes in it."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any

FIELD = "ai_disclosure"
# The end of a line, and of the empty one after it; a lone carriage return ends a line too (HTML standard, 9.2.6).
END = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r)")
# A byte order mark may open the stream, and JSON ignores the space that may follow the colon.
_DATA = re.compile(rb"(?:\A\xef\xbb\xbf|\A|(?<=[\r\n]))data:([^\r\n]*)")


def object_in(event: bytes) -> tuple[dict[str, Any], int]:
    """Return the JSON object that the data of *event* is, and the place of its last brace; else an empty one."""
    lines = [line for line in _DATA.finditer(event) if line[1].strip()]
    with suppress(ValueError, RecursionError):
        value = json.loads(b"\n".join(line[1] for line in lines).decode())
        if isinstance(value, dict):
            return value, event.rindex(b"}", *lines[-1].span(1))
    return {}, 0


def json_in(event: bytes) -> bytes:
    """Return *event* with spaces in place of all that is no data."""
    text = bytearray(b" " * len(event))
    for line in _DATA.finditer(event):
        text[slice(*line.span(1))] = line[1]
    return bytes(text)


def with_field(event: bytes, place: int, said: list[dict[str, Any]]) -> bytes:
    """Return *event* with what is *said* as the last field of its object, which ends at *place*.

    It is one object as a rule, and a list where one event is about several texts.
    """
    if not said:
        return event
    value = json.dumps(said[0] if len(said) == 1 else said, separators=(",", ":"))
    return event[:place] + f',"{FIELD}":{value}'.encode() + event[place:]
