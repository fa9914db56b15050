"""Text or path: what somebody means by a ``str``, the file of that name or the text itself."""

from __future__ import annotations

import logging
from errno import ENOENT, ENOTDIR
from pathlib import Path
from typing import TYPE_CHECKING

from disclose.asset import Asset
from disclose.integrations.text_stream import asset_of
from disclose.media import files, sniff

if TYPE_CHECKING:
    from disclose.profile import Profile

_LONGEST_PATH = 4096
_SUFFIXES = frozenset(sniff.EXTENSIONS.values())
_log = logging.getLogger(__name__)


def opened(source: object) -> Asset:
    """Return the asset of *source*, a ``str`` among others."""
    return asset_of(source) if isinstance(source, str) and not names_file(source) else Asset.open(source)


def names_file(text: str) -> bool:
    """Whether *text* is a path: one line that names what is there, or ends like the name of a file.

    The latter so that a misspelt path is told, and not taken for the text that it also is.
    """
    if (path := _path_of(text)) is None:
        return False
    return path.exists() or (path.suffix.lower() in _SUFFIXES and not any(map(str.isspace, text)))


def file_to_mark(text: str, profile: Profile) -> Path | None:
    """Return the file that a function means by the *text* it returns, if it is one of a kind that is marked."""
    path = _path_of(text)
    if path is None or not path.is_file():
        return None
    kind = sniff.media_type(files.read(path))
    if profile.marker().marks(kind):
        return path
    _log.warning("took for a text what is also the name of a file (%s); return a Path to have the file marked", kind)
    return None


def _path_of(text: str) -> Path | None:
    if not text or len(text) > _LONGEST_PATH or not text.isprintable():
        return None
    path = Path(text)
    try:
        path.lstat()
    except OSError as error:
        return path if error.errno in (ENOENT, ENOTDIR) else None
    except ValueError:
        return None
    return path
