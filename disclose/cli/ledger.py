"""``disclose ledger``: look into the record of what was issued, and check it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click
from rich.table import Table

from disclose.cli.terminal import complain, console, plain
from disclose.disclosure import Identifier
from disclose.profile import Profile

if TYPE_CHECKING:
    from disclose.ledger import LedgerCheck


@click.group()
def ledger() -> None:
    """Look into the record of what was issued, and check it."""


@ledger.command(name="list")
@click.option("--limit", default=20, show_default=True, help="Show so many of the newest entries.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an entry.")
def list_(limit: int, as_json: bool) -> None:
    """List the newest entries."""
    records = Profile.load().ledger().records(newest_first=True, limit=limit)
    if as_json:
        for record in records:
            print(json.dumps(record.to_dict(), ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("entry", "recorded", "id", "system", "media type"):
        table.add_column(heading, no_wrap=heading != "system")
    for record in records:
        when = record.recorded[:19].replace("T", " ")
        values = (str(record.sequence), when, str(record.disclosure.id), record.disclosure.system, record.media_type)
        table.add_row(*(plain(value) for value in values))
    console().print(table if records else "The ledger is empty.")


@ledger.command()
@click.argument("identifier", metavar="ID")
def show(identifier: str) -> None:
    """Show every entry whose id begins with ID, as JSON."""
    try:
        wanted = Identifier.parse(identifier)
    except ValueError:
        raise click.UsageError(f"{identifier!r} is not an id: give up to 32 hexadecimal digits") from None
    records = Profile.load().ledger().find(wanted)
    for record in records:
        print(json.dumps(record.to_dict(), ensure_ascii=False, indent=2))
    if not records:
        complain(f"no entry begins with {identifier}")
        sys.exit(2)


@ledger.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(as_json: bool) -> None:
    """Check that entries and notices are what they were when appended. Exit status: 0 intact, 1 broken."""
    # Here and not above: the other commands know nothing of notices.
    from disclose.ledger.notices import NoticeLog

    book = Profile.load().ledger()
    checks = {"entries": book.verify(), "notices": NoticeLog(book).verify()}
    is_intact = all(check.is_intact for check in checks.values())
    if as_json:
        print(json.dumps({**_found(checks["entries"]), "notices": _found(checks["notices"])}))
    for counted, check in checks.items():
        if not check.is_intact:
            complain(f"{book.place} is broken: {check.reason}")
        elif not as_json:
            console().print(plain(f"{check.entries} {counted}, chain intact, head {check.head}"), soft_wrap=True)
    sys.exit(0 if is_intact else 1)


def _found(check: LedgerCheck) -> dict[str, object]:
    return {"entries": check.entries, "intact": check.is_intact, "head": check.head, "reason": check.reason}
