"""Sources: where settings come from, and which of them prevails: code, environment, file, preset."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disclose.configuration import file
from disclose.configuration.presets import PRESETS
from disclose.configuration.settings import SETTINGS, STATEMENT, VARIABLES, Setting
from disclose.errors import ProfileError
from disclose.spelling import suggestion

_SECRET_VALUE = re.compile(r"-----BEGIN |://[^/@\s]*:[^/@\s]*@")
_SECRET_NAME = re.compile(
    r"password|passphrase|passwd|secret|token|credential|api_?key|pem$|_pin$|^pin$|(watermark|signing|private|secret)_key"
)
_IN_PLACE_OF_SECRETS = (
    "secrets stand in no configuration: keep them in files of their own that watermark_key_file, certificates and"
    " private_key name, or reach a key service through signer_reference"
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """A value and where it was found, in words: "code", "DISCLOSE_HOME", "/etc/disclose.toml: folder"."""

    value: Any
    origin: str


def effective(given: Mapping[str, Any]) -> dict[str, Found]:
    """Return what *given* in code and, behind it, environment, file and preset say, by the names of settings.

    Raises ProfileError naming the source, the setting and what was expected, and never a value that may be secret.
    """
    found = {**_from_file(file.find()), **_from_environment(), **_from_code(given)}
    preset = found["preset"].value if "preset" in found else None
    return {**_from_preset(preset), **found}


def checked(setting: Setting, value: Any, origin: str) -> Any:
    """Return *value* as the profile holds it; raises ProfileError naming *origin* when it is of another kind."""
    if isinstance(value, str) and _SECRET_VALUE.search(value):
        raise ProfileError(f"{origin} holds a secret or a certificate itself; {_IN_PLACE_OF_SECRETS}")
    try:
        return setting.kind.take(value)
    except ValueError as error:
        raise ProfileError(f"{origin} takes {setting.kind.expected}: {error}") from error


def _from_code(given: Mapping[str, Any]) -> dict[str, Found]:
    statement = given.get("statement") or {}
    if not isinstance(statement, Mapping) or not all(isinstance(name, str) for name in statement):
        raise ProfileError("statement takes a mapping of names to values, such as statement={'system': 'Studio'}")
    named = {name: value for name, value in given.items() if name != "statement"}
    flat = {**named, **{STATEMENT + name: value for name, value in statement.items()}}
    found = {}
    for name, value in flat.items():
        setting = _setting(name, "a profile")
        # None is how code says "not set" where a default would stand.
        found[name] = Found(value=None if value is None else _named(setting, value, name), origin="code")
    return found


def _from_environment() -> dict[str, Found]:
    found = {}
    for variable, text in os.environ.items():
        if not variable.startswith("DISCLOSE_") or not text or variable == file.NAMED_BY:
            continue
        setting = VARIABLES.get(variable)
        if setting is None:
            if _SECRET_NAME.search(variable.lower()):
                raise ProfileError(f"the environment variable {variable} is unknown; {_IN_PLACE_OF_SECRETS}")
            near = suggestion(variable, (*VARIABLES, file.NAMED_BY))
            raise ProfileError(f"the environment variable {variable} is unknown; {near}")
        try:
            value = setting.kind.parse(text)
        except ValueError as error:
            raise ProfileError(f"{variable} takes {setting.kind.expected}: {error}") from error
        found[setting.name] = Found(value=_named(setting, value, variable), origin=variable)
    return found


def _from_file(path: Path | None) -> dict[str, Found]:
    if path is None:
        return {}
    content = file.read(path)
    statement = content.get("statement", {})
    if not isinstance(statement, dict):
        raise ProfileError(f"{path}: statement takes a table: [statement] with system, provider and so on below it")
    top = {name: value for name, value in content.items() if name != "statement"}
    found = {}
    for name, value in {**top, **{STATEMENT + name: value for name, value in statement.items()}}.items():
        setting = _setting(name, str(path))
        origin = f"{path}: {name}"
        value = setting.kind.locate(_named(setting, value, origin), path.parent.absolute())
        found[name] = Found(value=value, origin=origin)
    return found


def _from_preset(name: str | None) -> dict[str, Found]:
    if name is None:
        return {}
    choices = PRESETS[name].choices
    return {setting: Found(value=choice.value, origin=f"preset {name}") for setting, choice in choices.items()}


def _setting(name: str, where: str) -> Setting:
    """Return the setting *name*; raises ProfileError with the nearest right one."""
    if name in SETTINGS:
        return SETTINGS[name]
    bare = name.removeprefix(STATEMENT)
    if _SECRET_NAME.search(bare.lower()):
        raise ProfileError(f"{where}: there is no setting {name!r}; {_IN_PLACE_OF_SECRETS}")
    if STATEMENT + name in SETTINGS:
        raise ProfileError(
            f"{where}: {name!r} is part of the statement: write it under [statement], in code statement=…"
        )
    if name.startswith(STATEMENT):
        possible = [known.removeprefix(STATEMENT) for known in SETTINGS if known.startswith(STATEMENT)]
        raise ProfileError(f"{where}: there is no {bare!r} in a statement; {suggestion(bare, possible)}")
    possible = [known for known in SETTINGS if not known.startswith(STATEMENT)] + ["statement"]
    raise ProfileError(f"{where}: there is no setting {name!r}; {suggestion(name, possible)}")


def _named(setting: Setting, value: Any, origin: str) -> Any:
    """Return *value*, checked, with the layers it names known to be installed."""
    value = checked(setting, value, origin)
    if setting.name in ("layers", "also_read", "optional"):
        from disclose import registry

        for name in value:
            if name not in registry.names():
                raise ProfileError(f"{origin}: there is no layer {name!r}; {suggestion(name, registry.names())}")
    return value
