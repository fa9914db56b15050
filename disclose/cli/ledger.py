"""``disclose ledger``: look into the record of what was issued, and check it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.table import Table

from disclose.cli.terminal import complain, console, plain
from disclose.disclosure import Identifier
from disclose.media import files
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
    """Show every entry whose id begins with ID, and every erasure of one, as JSON."""
    wanted, book = parsed(identifier), Profile.load().ledger()
    records, erasures = book.find(wanted), book.erased(wanted)
    for values in (*(one.to_dict() for one in records), *(asdict(one) for one in erasures)):
        print(json.dumps(values, ensure_ascii=False, indent=2))
    for erasure in erasures:
        complain(f"entry {erasure.entry} was {erasure}")
    if not records and not erasures:
        complain(f"no entry begins with {identifier}")
        sys.exit(2)


@ledger.command()
@click.option("--since", type=click.Path(path_type=Path), help="A checkpoint kept elsewhere, to be held against.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def verify(since: Path | None, as_json: bool) -> None:
    """Check that entries and notices are what they were when appended. Exit status: 0 intact, 1 broken."""
    # Here and not above: the other commands know nothing of notices.
    from disclose.ledger.notices import NoticeLog

    book = Profile.load().ledger()
    checks = {"entries": book.verify(), "notices": NoticeLog(book).verify()}
    note = None if since is None else files.read(since).decode("utf-8", "replace")
    if note is not None and checks["entries"].is_intact and not book.extends(note):
        reason = f"it does not begin with the entries that the checkpoint {since} was signed over"
        checks["entries"] = replace(checks["entries"], reason=reason)
    is_intact = all(check.is_intact for check in checks.values())
    if as_json:
        print(json.dumps({**_found(checks["entries"]), "notices": _found(checks["notices"])}))
    for counted, check in checks.items():
        if not check.is_intact:
            complain(f"{book.place} is broken: {check.reason}")
        elif not as_json:
            console().print(plain(f"{check.entries} {counted}, intact, root {check.head}"), soft_wrap=True)
    sys.exit(0 if is_intact else 1)


@ledger.command()
@click.argument("identifier", metavar="[ID]", required=False)
@click.option("--older-than", type=float, metavar="DAYS", help="Erase every entry older than so many days instead.")
@click.option("--reason", required=True, help="Why; it stays on record.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object an erasure.")
def forget(identifier: str | None, older_than: float | None, reason: str, as_json: bool) -> None:
    """Erase what the entries whose id begins with ID say, for good.

    That they were recorded and erased stays known, with the id and the SHA-256, and the tree stays whole. Backups and
    exports are beyond reach.
    """
    if (identifier is None) == (older_than is None):
        raise click.UsageError("give an id, or --older-than DAYS")
    if not reason.strip():
        raise click.UsageError("--reason is empty")
    book = Profile.load().ledger()
    if identifier is not None:
        erasures = book.forget(parsed(identifier), reason=reason)
    else:
        erasures = book.forget_before(datetime.now(UTC) - timedelta(days=older_than or 0), reason=reason)
    for erasure in erasures:
        if as_json:
            print(json.dumps(asdict(erasure), ensure_ascii=False))
        else:
            console().print(plain(f"entry {erasure.entry}: {erasure}"), soft_wrap=True)
    if not erasures:
        complain("there was nothing to erase")
        sys.exit(2)


def parsed(identifier: str) -> Identifier:
    """Return the id that somebody typed; raises UsageError for what is none."""
    try:
        return Identifier.parse(identifier)
    except ValueError:
        raise click.UsageError(f"{identifier!r} is not an id: give up to 32 hexadecimal digits") from None


def _found(check: LedgerCheck) -> dict[str, object]:
    return {"entries": check.entries, "intact": check.is_intact, "head": check.head, "reason": check.reason}
