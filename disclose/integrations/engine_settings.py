"""Settings for serving engines: the server's own, which hold the key of a watermark, and those of its requests."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from disclose.errors import IdentityError

GREEDY = "a greedy answer cannot be marked: ask for a temperature, a top_k, a top_p and a min_p that leave a choice"
# vLLM raises a temperature below this to it, where a token that is one nat likelier is drawn e^100 times as often.
_COLDEST, _NARROWEST = 0.01, 0.01


def write_secret(path: Path, text: str) -> Path:
    """Write *text* to *path*, whole or not at all, readable by the owner alone; raise IdentityError if it cannot be."""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise IdentityError(f"writing the settings of a watermark to {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise IdentityError(f"writing the settings of a watermark to {path}: {error.strerror}") from error
    return path


def is_greedy(settings: Mapping[str, Any]) -> bool:
    """Whether the *settings* of a request leave one token to choose, so that there is no choice to put a mark into.

    Numbers count in texts too: engines read ``"0"`` as 0.
    """
    temperature, top_p, min_p = (_number(settings.get(name)) for name in ("temperature", "top_p", "min_p"))
    return (
        (temperature is not None and temperature <= _COLDEST)
        or (top_p is not None and top_p <= _NARROWEST)
        or (min_p is not None and min_p >= 1)
        or any(_number(settings.get(name)) == 1 for name in ("top_k", "k"))
    )


def _number(value: object) -> float | None:
    """Return *value* as engines read it; None for what is none, which they refuse themselves."""
    try:
        return float(value) if isinstance(value, str | int | float) else None
    except (ValueError, OverflowError):
        return None
