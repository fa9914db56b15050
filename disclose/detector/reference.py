"""References: the address of a file, how long it is, and its type, as a query of C2PA's resolution API states them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self

from starlette.exceptions import HTTPException

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The address of a file with the bytes it has at most and, where it is stated, the media type it has."""

    url: str
    length: int
    media_type: str | None = None

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Read the body of a query by reference; raises HTTPException (400) for what does not fit its description."""
        url, length = values.get("referenceUrl"), values.get("assetLength")
        if not isinstance(url, str) or not url.startswith("https://"):
            raise HTTPException(400, "referenceUrl is the address of a file and begins with https://")
        if not isinstance(length, int) or isinstance(length, bool) or length < 1:
            raise HTTPException(400, "assetLength is the bytes of the file, a whole number from 1 on")
        if values.get("region") not in (None, []):
            raise HTTPException(400, "a region cannot be looked at by itself: leave it out, and the whole file is")
        return cls(url=url, length=length, media_type=_media_type(values.get("assetType")))


def _media_type(stated: Any) -> str | None:
    if stated is None:
        return None
    plain = stated.partition(";")[0].strip().lower() if isinstance(stated, str) else ""
    if not _MEDIA_TYPE.fullmatch(plain):
        raise HTTPException(400, "assetType is a media type, such as image/jpeg")
    return plain
