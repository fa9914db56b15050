"""What the terminal shows: verdicts, errors and progress, with hostile text made harmless."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from disclose.asset import SIDECAR
from disclose.evidence import Outcome, Verdict

STANDARD_STREAM = "-"

_STYLES = {
    Outcome.DISCLOSED: "bold green",
    Outcome.CONTESTED: "bold red",
    Outcome.INDICATED: "bold yellow",
    Outcome.UNDETERMINED: "bold",
}
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def console() -> Console:
    """Return a console on the standard output of this moment."""
    return Console(highlight=False, soft_wrap=False)


def plain(text: str) -> Text:
    """Return *text* to be shown as it is; file names and metadata could hold escape sequences."""
    return Text("".join(character if character.isprintable() else "�" for character in text))


def complain(message: str) -> None:
    """Print one plain error to standard error."""
    sys.stderr.write("disclose: " + plain(message).plain + "\n")


def show_verdict(name: str, verdict: Verdict) -> None:
    """Print a verdict as a sentence, and each finding with its axes."""
    out = console()
    out.print(Text.assemble(plain(name), ": ", (verdict.outcome.value, _STYLES[verdict.outcome])))
    out.print(plain(verdict.explain()))
    for item in verdict.evidence:
        known = {"binding": item.binding, "integrity": item.integrity, "trust": item.trust, "time": item.time}
        said = (f"{name} {value}" for name, value in known.items() if value not in ("none", "unknown"))
        parts = [item.basis.value, *said]
        if item.p_value is not None:
            parts.append(f"p = {item.p_value:.0e}")
        out.print(
            Padding(Text.assemble((plain(item.layer).plain, "bold"), "  ", (" · ".join(parts), "dim")), (0, 0, 0, 2))
        )
        out.print(Padding(plain(item.summary), (0, 0, 0, 4)))


def files_of(inputs: Iterable[str]) -> Iterator[tuple[Path | None, Path | None]]:
    """Yield (file, folder it was found in) for all *inputs*; (None, None) stands for standard input.

    Folders are walked in order of their names; hidden files are left out, and sidecars, which go with their files.
    """
    for given in inputs:
        if given == STANDARD_STREAM:
            yield None, None
        elif Path(given).is_dir():
            for path in sorted(Path(given).rglob("*")):
                hidden = any(part.startswith(".") for part in path.relative_to(given).parts)
                if path.is_file() and not hidden and path.suffix != SIDECAR:
                    yield path, Path(given)
        else:
            yield Path(given), None


def work_through(items: list[_Item], do: Callable[[_Item], _Result], *, doing: str) -> Iterator[_Result]:
    """Yield what *do* returns for each of *items*, in order, on all cores, with a progress bar for several."""
    shown = len(items) > 1 and sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress,
        ThreadPoolExecutor(max_workers=min(len(items), cpu_count() or 1) or 1) as executor,
    ):
        task = progress.add_task(doing, total=len(items))
        for result in executor.map(do, items):
            progress.advance(task)
            yield result
