"""``disclose profile``: what this deployment is told, by whom, which clauses that serves, and what is missing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from disclose import registry
from disclose.cli.terminal import console, plain
from disclose.configuration.presets import PRESETS
from disclose.configuration.roles import ROLES, Duty
from disclose.configuration.settings import SETTINGS
from disclose.errors import DiscloseError
from disclose.lineage import Contribution
from disclose.profile import Profile

_CAVEAT = "Clauses that these settings serve. Whether duties are met is for people to judge, and not shown here."


@click.group()
def profile() -> None:
    """Show how this deployment marks, and check that nothing is missing."""


@profile.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(as_json: bool) -> None:
    """Show every setting: its value, where it came from and the clause it serves; then the duties of the role."""
    chosen = Profile.load()
    if as_json:
        print(json.dumps(_described(chosen), ensure_ascii=False))
    elif console().is_terminal:
        _show_in_colour(chosen)
    else:
        _show_plainly(chosen)


@profile.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(as_json: bool) -> None:
    """Check that what the preset, the role and the settings need is there. Exit status: 0 it is, 1 it is not."""
    chosen = Profile.load()
    missing, advice = list(_missing(chosen)), list(_advice(chosen))
    if as_json:
        print(json.dumps({"missing": missing, "advice": advice}, ensure_ascii=False))
    else:
        out = console()
        for words, style, found in (("missing", "bold red", missing), ("advice", "yellow", advice)):
            for text in found:
                out.print(Text.assemble((f"{words}: ", style), plain(text)), soft_wrap=not out.is_terminal)
        if not missing:
            out.print(plain(f"Nothing is missing{' for the preset ' + chosen.preset if chosen.preset else ''}."))
        out.print(Text(_CAVEAT, style="dim"), soft_wrap=not out.is_terminal)
    sys.exit(1 if missing else 0)


def _missing(chosen: Profile) -> Iterator[str]:
    """Yield what keeps *chosen* from marking as its preset and its settings say."""
    yield from (str(one) for one in chosen.missing() if one.binding)
    attempts: list[Callable[[], Any]] = [chosen.trust, chosen.lineage]
    # Checking makes nothing: the development identity would be made by asking for it.
    if chosen.production or chosen.certificates or chosen.private_key or chosen.signer_reference:
        attempts.append(chosen.signer)
    for attempt in attempts:
        if (reason := _failure(attempt)) is not None:
            yield reason
    if (reason := _failure(chosen.resources)) is not None:
        yield reason
        return
    for name in chosen.read_by:
        if (reason := _failure(lambda name=name: registry.create(name, chosen.resources()))) is not None:  # type: ignore[misc]
            yield reason


def _advice(chosen: Profile) -> Iterator[str]:
    """Yield what weakens *chosen*, though it can mark."""
    yield from (str(one) for one in chosen.missing() if not one.binding)
    for one in chosen.requirements():
        if one.setting == "layers" and one.holds in chosen.optional:
            yield f"optional names {one.holds!r}, so files may leave without it: {one.reason} ({one.clause})"
    own = chosen.certificates or chosen.signer_reference or chosen.production
    if chosen.preset not in (None, "development") and not own:
        yield "the development identity signs, which nobody vouches for; production = true refuses it"
    if chosen.model_card is not None and not _failure(chosen.lineage) and not chosen.lineage():
        yield f"the model card {chosen.model_card} tells no lineage"


def _failure(attempt: Callable[[], Any]) -> str | None:
    try:
        attempt()
    except DiscloseError as error:
        return str(error)
    return None


def _rows(chosen: Profile) -> Iterator[tuple[str, Any, str, str]]:
    """Yield the name, value, origin and clause of every setting."""
    values = chosen.values()
    choices = PRESETS[chosen.preset].choices if chosen.preset else {}
    for name, setting in SETTINGS.items():
        origin = chosen.origins.get(name, "default")
        clause = choices[name].clause if origin.startswith("preset ") else setting.clause
        yield name, _readable(values.get(name)), origin, clause


def _readable(value: Any) -> Any:
    """Return *value* as JSON holds it."""
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple):
        return [_readable(item) for item in value]
    return str(value) if isinstance(value, os.PathLike) else value


def _in_words(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _described(chosen: Profile) -> dict[str, Any]:
    names = ("name", "value", "from", "clause")
    return {
        "preset": chosen.preset,
        "role": chosen.role,
        "settings": [dict(zip(names, row, strict=True)) for row in _rows(chosen)],
        "duties": [
            {"clause": duty.clause, "asks": duty.asks, "served_by": duty.served_by, "yours": duty.yours}
            for duty in _duties(chosen)
        ],
        "lineage": [one.to_dict() for one in _lineage(chosen)],
        "missing": [str(one) for one in chosen.missing() if one.binding],
        "caveat": _CAVEAT,
    }


def _duties(chosen: Profile) -> tuple[Duty, ...]:
    return () if chosen.role is None else ROLES[chosen.role].duties


def _lineage(chosen: Profile) -> tuple[Contribution, ...]:
    """Return the lineage, or nothing where a library for it is missing; what is missing is for ``check`` to say."""
    return chosen.lineage() if _failure(chosen.lineage) is None else ()


def _show_in_colour(chosen: Profile) -> None:
    out = console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("setting", "value", "from", "serves"):
        table.add_column(
            heading, no_wrap=heading == "setting", overflow="fold", style="dim" if heading == "serves" else ""
        )
    for name, value, origin, clause in _rows(chosen):
        style = "dim" if origin == "default" else "bold"
        table.add_row(Text(name, style=style), plain(_in_words(value)), plain(_shortened(origin)), plain(clause))
    out.print(table)
    if chosen.preset is not None:
        out.print(Text.assemble("\nPreset ", (chosen.preset, "bold"), f": {PRESETS[chosen.preset].meaning}."))
    if chosen.role is not None:
        out.print(Text.assemble("\nRole ", (chosen.role, "bold"), f": {ROLES[chosen.role].definition}."))
    for duty in _duties(chosen):
        out.print(Padding(Text.assemble(duty.asks, (f"  {duty.clause}", "dim")), (0, 0, 0, 2)))
        for words, text in (("served by", duty.served_by), ("yours", duty.yours)):
            if text:
                out.print(Padding(Text.assemble((f"{words}: ", "cyan"), text), (0, 0, 0, 4)))
    lineage = _lineage(chosen)
    if lineage:
        out.print("\nLineage", style="bold")
    for one in lineage:
        out.print(Padding(plain(_contribution(one.to_dict())), (0, 0, 0, 2)))
    out.print()
    for missing in (one for one in chosen.missing() if one.binding):
        out.print(Text.assemble(("missing: ", "bold red"), plain(str(missing))))
    out.print(Text(_CAVEAT, style="dim"))


def _show_plainly(chosen: Profile) -> None:
    """Print one line a setting, its parts separated by tabs, for programs that read lines."""
    lines = [(name, _in_words(value), origin, clause) for name, value, origin, clause in _rows(chosen)]
    lines += [("duty", duty.asks, str(chosen.role), duty.clause) for duty in _duties(chosen)]
    lines += [("lineage", _contribution(one.to_dict()), "model_card", "") for one in _lineage(chosen)]
    lines += [("missing", str(one), "", one.clause) for one in chosen.missing() if one.binding]
    for line in lines:
        print("\t".join(plain(part).plain for part in line))


def _shortened(origin: str) -> str:
    """Return *origin* with the path of a file as seen from here, where that is shorter."""
    path, colon, key = origin.partition(": ")
    try:
        return min(origin, os.path.relpath(path) + colon + key, key=len) if colon else origin
    except (OSError, ValueError):
        # There is no way from one drive to another, nor from a folder that is gone.
        return origin


def _contribution(values: dict[str, Any]) -> str:
    """Return a contribution in one line.

    >>> _contribution({"role": "shared", "name": "sketch", "identifier": "acme/sketch", "licence": "mit"})
    'shared: sketch (identifier acme/sketch, licence mit)'
    """
    rest = {name: value for name, value in values.items() if name not in ("role", "name")}
    details = ", ".join(f"{name} {_in_words(value)}" for name, value in rest.items())
    return f"{values['role']}: {values['name']}" + (f" ({details})" if details else "")
