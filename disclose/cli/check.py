"""``disclose check``: whether wording and placement of a notice tell people what they meet."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from disclose.cli.terminal import STANDARD_STREAM, console, plain
from disclose.errors import TooLargeError, UnreadableError

if TYPE_CHECKING:
    from disclose.notice.linter import Finding, Placement

_PLACES = ("conversation", "terms", "privacy-policy", "manual", "menu", "footer", "header", "json", "metadata")
_LIMIT = 4 * 1024 * 1024
_PAGES = (".html", ".htm", ".xhtml")


@click.command()
@click.argument("inputs", nargs=-1, metavar="TEXT|FILE…")
@click.option("--place", type=click.Choice(_PLACES), default="conversation", help="Where the notice stands.")
@click.option("--font-size", type=float, help="Height of its letters in CSS pixels.")
@click.option("--contrast", type=float, help="Its contrast with what is behind it, from 1 to 21.")
@click.option("--hidden", is_flag=True, help="It cannot be seen.")
@click.option("--needs-action", is_flag=True, help="It shows only on a click or hover.")
@click.option("--after-first-output", is_flag=True, help="It comes after the first output.")
@click.option("--languages", is_flag=True, help="List the languages of disclose's own wording, and who reviewed each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an input, or a language.")
def check(
    inputs: tuple[str, ...],
    place: str,
    font_size: float | None,
    contrast: float | None,
    hidden: bool,
    needs_action: bool,
    after_first_output: bool,
    languages: bool,
    as_json: bool,
) -> None:
    """Find what the rules name as not enough in the wording of a notice and in the way it is shown.

    TEXT is the notice itself; FILE holds it, '-' is standard input, and in a page of HTML it is looked for. Exit
    status: 0 nothing found, which is no statement that a notice complies, 1 something found or unreadable.
    """
    # Here and not above: no other command reads the catalogues, and a broken one should not stop them.
    from disclose.notice.linter import Placement

    if languages:
        _show_languages(as_json)
    elif not inputs:
        raise click.UsageError("give the text of a notice, or a file that holds it")
    placement = Placement(
        where=place,
        font_size=font_size,
        contrast=contrast,
        visible=not hidden,
        needs_action=needs_action,
        after_first_output=after_first_output,
    )
    found = [(given, _findings(given, placement)) for given in inputs]
    for given, findings in found:
        if as_json:
            values = {"input": given, "findings": [finding.to_dict() for finding in findings]}
            print(json.dumps(values, ensure_ascii=False))
        else:
            _show(given, findings)
    if any(findings for _, findings in found):
        sys.exit(1)


def _findings(given: str, placement: Placement) -> list[Finding]:
    from disclose.notice.linter import lint
    from disclose.notice.page import lint_page

    is_file = given == STANDARD_STREAM or _is_file(given)
    text = _read(given) if is_file else given
    is_page = Path(given).suffix.lower() in _PAGES or text.lstrip()[:15].lower().startswith(("<!doctype html", "<html"))
    return lint_page(text) if is_file and is_page else lint(text.strip(), placement=placement)


def _is_file(given: str) -> bool:
    try:
        exists = Path(given).is_file()
    except (OSError, ValueError):
        return False
    # A misspelt name is not a notice of one word.
    if not exists and re.fullmatch(r"\S+\.[A-Za-z0-9]{1,5}", given):
        raise UnreadableError(f"cannot read {given}: there is no such file; a text needs a space in it, or give '-'")
    return exists


def _read(given: str) -> str:
    try:
        if given == STANDARD_STREAM:
            data = sys.stdin.buffer.read(_LIMIT + 1)
        else:
            with Path(given).open("rb") as file:
                data = file.read(_LIMIT + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"cannot read {given}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UnreadableError(f"cannot read {given}: it is not text in UTF-8; convert it first") from error
    if len(data) > _LIMIT:
        raise TooLargeError(f"{given} is longer than {_LIMIT // 1024 // 1024} MiB, which no notice is: give the notice")
    return text


def _show(given: str, findings: list[Finding]) -> None:
    out = console()
    said = f"{len(findings)} finding(s)" if findings else "nothing found"
    style = "bold red" if findings else "bold green"
    out.print(Text.assemble(plain(given if len(given) <= 80 else given[:79] + "…"), ": ", (said, style)))
    for finding in findings:
        out.print(Padding(Text.assemble((finding.rule, "bold"), "  ", (finding.clause, "dim")), (0, 0, 0, 2)))
        out.print(Padding(plain(f"{finding.message}; {finding.advice}"), (0, 0, 0, 4)))


def _show_languages(as_json: bool) -> None:
    from disclose.notice import catalogues
    from disclose.notice.languages import direction

    rows = [
        (language, found.name, direction(language), found.review.state.value, found.review.by, str(found.review.on))
        for language, found in catalogues().items()
    ]
    names = ("language", "name", "direction", "review", "by", "on")
    if as_json:
        for row in rows:
            print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in names:
        table.add_column(name, no_wrap=name != "by")
    for row in rows:
        table.add_row(*(plain(value) for value in row))
    console().print(table)
