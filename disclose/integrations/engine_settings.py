"""Settings for serving engines: written for the owner's eyes alone, because the key of a watermark is in them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from disclose.errors import IdentityError


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
