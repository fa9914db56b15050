"""The configuration file: ``disclose.toml``, or ``[tool.disclose]`` in ``pyproject.toml``, found and read."""

from __future__ import annotations

import os
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from disclose.errors import InputError, ProfileError
from disclose.media import files

NAMED_BY = "DISCLOSE_CONFIG"
_OWN, _SHARED = "disclose.toml", "pyproject.toml"


def find() -> Path | None:
    """Return the file that DISCLOSE_CONFIG names, else the nearest one from the working directory upwards, or None.

    A ``disclose.toml`` comes before the ``pyproject.toml`` beside it, which counts where it has ``[tool.disclose]``.
    """
    if named := os.environ.get(NAMED_BY):
        return Path(named).expanduser()
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return None
    for folder in (here, *here.parents):
        if (path := folder / _OWN).is_file() or ((path := folder / _SHARED).is_file() and _is_ours(path)):
            _refuse_if_foreign(path)
            return path
    return None


def read(path: Path) -> dict[str, Any]:
    """Return the settings in *path*, statement and all; raises ProfileError with the reason."""
    content = _content(path, *_stamp(path))
    if path.name != _SHARED:
        return content
    found = content.get("tool", {}).get("disclose")
    if not isinstance(found, dict):
        raise ProfileError(f"cannot read the configuration {path}: it has no table [tool.disclose]")
    return found


def stamp(path: Path | None) -> tuple[object, ...]:
    """Return what changes when *path* does."""
    return () if path is None else (path, *_stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise ProfileError(f"cannot read the configuration {path}: {error.strerror or error}") from error
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=64)
def _content(path: Path, modified: int, size: int) -> dict[str, Any]:
    try:
        return tomllib.loads(files.read(path).decode())
    except InputError as error:
        raise ProfileError(f"cannot read the configuration: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ProfileError(f"cannot read the configuration {path}: {error}") from error


def _is_ours(path: Path) -> bool:
    try:
        tool = _content(path, *_stamp(path)).get("tool")
    except ProfileError:
        # It may be broken and is not known to speak of us; ruff passes such a file by as well.
        return False
    return isinstance(tool, dict) and "disclose" in tool


def _refuse_if_foreign(path: Path) -> None:
    """Raise ProfileError for a file of another user: in a shared folder it could decide for everyone below.

    A configuration names whom to trust and what code makes the signer; git asks the same of a repository
    (CVE-2022-24765).
    """
    if hasattr(os, "geteuid") and (owner := path.stat().st_uid) not in (os.geteuid(), 0):
        raise ProfileError(
            f"the configuration {path} belongs to another user (uid {owner}) and was not used: if you trust it, set"
            f" {NAMED_BY}={path}"
        )
