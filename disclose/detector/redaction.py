"""Redaction: what a detector must not repeat of the people behind a file.

California's SB 942 (22757.2) has a detection tool output system provenance data and no personal provenance data. What
names a system is kept; what names or locates a person, or quotes a prompt, is not repeated.
"""

from __future__ import annotations

import re
from typing import Any

REDACTED = "[redacted]"
"""What stands in place of a value that is not repeated."""

_PERSONAL = re.compile(
    r"prompt|on_behalf_of|author|artist|creator|byline|writer|person|owner|e-?mail|phone|address|gps|latitude|longitude"
    r"|location|city|ingredients|quote",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_PLACE = re.compile(r"-?\d{1,3}\.\d{3,}\s?°?[NS]?\s?[,;/ ]\s?-?\d{1,3}\.\d{3,}")
_PHONE = re.compile(r"\+\d[\d ().-]{7,18}\d")


def redacted(value: Any, *, name: str = "") -> Any:
    """Return the JSON-ready *value* without personal data; ``REDACTED`` stands in its place.

    >>> redacted({"on_behalf_of": "Jo", "summary": "signed by jo@example.org"})
    {'on_behalf_of': '[redacted]', 'summary': 'signed by [redacted]'}
    """
    if _PERSONAL.search(name) and value not in (None, "", [], {}):
        return [REDACTED] if isinstance(value, list) else REDACTED
    if isinstance(value, dict):
        return {key: redacted(one, name=str(key)) for key, one in value.items()}
    if isinstance(value, list):
        return [redacted(one) for one in value]
    return _without_people(value) if isinstance(value, str) else value


def _without_people(text: str) -> str:
    for pattern in (_EMAIL, _PLACE, _PHONE):
        text = pattern.sub(REDACTED, text)
    return text
