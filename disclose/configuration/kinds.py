"""Kinds: what values a setting takes, and how each is written in code, in a file and in the environment."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disclose.spelling import suggestion

_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_KEY_MATERIAL = re.compile(r"[0-9a-fA-F]{32,}|[A-Za-z0-9+_-]{40,}|[A-Za-z0-9+/_-]{20,}={1,2}")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """``take`` returns a value as the profile holds it, or raises ValueError saying what is wrong with it.

    ``parse`` reads the text of an environment variable, ``locate`` places relative paths in a folder.
    """

    expected: str
    take: Callable[[Any], Any]
    parse: Callable[[str], Any] = str
    locate: Callable[[Any, Path], Any] = lambda value, folder: value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(_instead(value))
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(_instead(value))
    return value


def _yes_or_no_of(text: str) -> bool:
    if text.lower() not in (*_YES, *_NO):
        raise ValueError(f"{text[:20]!r} is neither yes nor no")
    return text.lower() in _YES


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < math.inf:
        raise ValueError(_instead(value))
    return float(value)


def _number_of(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text[:20]!r} is no number") from None


def _path(value: Any) -> Path:
    if not isinstance(value, (str, os.PathLike)) or (isinstance(value, str) and not value.strip()):
        raise ValueError(_instead(value))
    try:
        path = Path(os.fsdecode(value)).expanduser()
    except RuntimeError as error:
        raise ValueError(f"nobody here is called so: {error}") from error
    if "\n" in str(path) or "\0" in str(path) or (_KEY_MATERIAL.fullmatch(str(path)) and not path.exists()):
        # Whatever it is, it must not be repeated in the message of a file that cannot be found.
        raise ValueError("this looks like the secret itself: keep it in a file of its own, and name that file")
    return path


def _list(value: Any) -> list[Any]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Collection):
        raise ValueError(_instead(value))
    return list(value)


def _instead(value: Any) -> str:
    # By its type and not by its value, which may be a secret that was put into the wrong place.
    return (
        "it is empty"
        if isinstance(value, str) and not value.strip()
        else f"it is {_TOML_NAMES.get(type(value), type(value).__name__)}"
    )


_TOML_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "text", list: "a list", dict: "a table"}


def _comma_separated(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _reference(value: Any) -> str:
    if not _REFERENCE.fullmatch(_text(value)):
        raise ValueError("it has another form")
    return str(value)


def _url(value: Any) -> str:
    from disclose.errors import IdentityError
    from disclose.signing.timestamp import checked_url

    try:
        return checked_url(_text(value))
    except IdentityError as error:
        raise ValueError(str(error)) from error


def _ledger(value: Any) -> str:
    text = os.fsdecode(value) if isinstance(value, os.PathLike) else _text(value)
    scheme, separator, _ = text.partition("://")
    if separator and scheme != "postgresql":
        raise ValueError(f"it begins with {scheme}://")
    return text if separator else str(_path(text))


def _code(value: Any) -> str:
    if any(not "!" <= character <= "~" for character in _text(value)):
        raise ValueError("it holds a space or another character")
    return str(value)


def one_of(*values: str) -> Kind:
    """Return the kind of a setting that takes one of *values*."""

    def take(value: Any) -> str:
        if _text(value) not in values:
            raise ValueError(f"{value[:40]!r} is unknown; {suggestion(value, values)}")
        return str(value)

    return Kind(expected="one of " + ", ".join(map(repr, values)), take=take)


TEXT = Kind(expected="text", take=_text)
YES_NO = Kind(expected="true or false (1 or 0 in the environment)", take=_yes_or_no, parse=_yes_or_no_of)
POSITIVE = Kind(expected="a number greater than 0", take=_positive, parse=_number_of)
PATH = Kind(expected="a path", take=_path, locate=lambda path, folder: folder / path)
PATHS = Kind(
    expected=f"a list of paths (separated by {os.pathsep!r} in the environment)",
    take=lambda value: tuple(map(_path, _list(value))),
    parse=lambda text: [part for part in text.split(os.pathsep) if part],
    locate=lambda paths, folder: tuple(folder / path for path in paths),
)
NAMES = Kind(
    expected="a list of names (separated by commas in the environment)",
    take=lambda value: tuple(map(_text, _list(value))),
    parse=_comma_separated,
)
NAME_SET = Kind(expected=NAMES.expected, take=lambda value: frozenset(NAMES.take(value)), parse=_comma_separated)
REFERENCE = Kind(expected="a reference of the form package.module:function", take=_reference)
REFERENCES = Kind(
    expected="a list of references of the form package.module:function (separated by commas in the environment)",
    take=lambda value: tuple(map(_reference, _list(value))),
    parse=_comma_separated,
)
URL = Kind(expected="an http(s) address", take=_url)
LEDGER = Kind(
    expected="a path, or an address such as postgresql://user@host/name",
    take=_ledger,
    locate=lambda place, folder: place if "://" in place else str(folder / place),
)
CODE = Kind(expected="a code of printable ASCII characters without spaces (0x21 to 0x7E)", take=_code)
