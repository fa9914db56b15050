"""Attachments: what a ledger keeps beside its logs, manifests and quotation logs, as values of an export and back.

They are under no tree, because what they hold is deleted when its time is over. What an export holds of them was there
when it was made: no manifest without its record, and no quotation without all of its phrases.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, insert, select, text

from disclose.errors import LedgerError, UnreadableError
from disclose.ledger import manifests, phrases, places
from disclose.ledger.tables import ENTRIES, MANIFESTS, QUOTED_ANSWERS, LogName

if TYPE_CHECKING:
    from disclose.ledger.store import Ledger

MANIFEST, QUOTATION = "manifest", "quotation"
"""How an export names the kinds."""
_BATCH = {MANIFEST: 50, QUOTATION: 500}
_LENGTHS = {"tenant": 8, "identifier": 16, "digest": 16}
_COUNTS = ("number", "words", "phrases", "issued")
_LARGEST = 1 << 63
_PAGE = 2000


def batch(kind: str) -> int:
    """Return how many attachments of *kind* are read or written at once: a manifest may take megabytes."""
    return _BATCH[kind]


def exported(ledger: Ledger, records: int) -> Iterator[dict[str, Any]]:
    """Yield the manifests of the first *records* records of *ledger*, then its quotations, as JSON-ready values."""
    yield from _manifests(ledger, records)
    yield from _quotations(ledger)


def imported(connection: Connection, kind: str, values: Sequence[dict[str, Any]]) -> None:
    """Insert *values* of one *kind* as they were, in a transaction.

    Raises LedgerError for what :func:`exported` never wrote, and for the manifest of a record that is not there or was
    erased.
    """
    try:
        if kind == MANIFEST:
            _keep_manifests(connection, [(int(one["entry"]), _decoded(one["store"])) for one in values])
        else:
            _keep_quotations(connection, [_quotation(one) for one in values])
    except (UnreadableError, ValueError, KeyError, TypeError) as error:
        raise LedgerError(f"cannot import: a {kind} is not one of an export ({error})") from error


def is_empty(connection: Connection) -> bool:
    """Whether a ledger keeps nothing beside its logs."""
    return all(connection.execute(select(table).limit(1)).first() is None for table in (MANIFESTS, QUOTED_ANSWERS))


def continue_numbers(connection: Connection) -> None:
    """Have PostgreSQL give the next quotation the next number; SQLite does so anyway."""
    highest = connection.execute(select(func.max(QUOTED_ANSWERS.c.number))).scalar()
    if connection.dialect.name != "sqlite" and highest is not None:
        connection.execute(text("SELECT setval('quoted_answers_number_seq', :highest)"), {"highest": highest})


def _manifests(ledger: Ledger, records: int) -> Iterator[dict[str, Any]]:
    query = select(MANIFESTS.c.entry, MANIFESTS.c.store).order_by(MANIFESTS.c.entry).limit(_BATCH[MANIFEST])
    last = -1
    with ledger.connection() as connection:
        where = places.read(connection, LogName.RECORDS)
        while rows := connection.execute(query.where(MANIFESTS.c.entry > last)).all():
            for row in rows:
                position = where.position(row.entry)
                if position is not None and position < records:
                    yield {"entry": row.entry, "store": _encoded(row.store), "beside": MANIFEST}
            last = rows[-1].entry


def _keep_manifests(connection: Connection, stores: list[tuple[int, bytes]]) -> None:
    wanted = [entry for entry, _ in stores]
    there = select(func.count()).select_from(ENTRIES).where(ENTRIES.c.number.in_(wanted), ENTRIES.c.body.is_not(None))
    if connection.execute(there).scalar_one() != len(wanted):
        raise ValueError("its record is not there, or was erased")
    manifests.keep(connection, stores)


def _quotations(ledger: Ledger) -> Iterator[dict[str, Any]]:
    with ledger.connection() as connection:
        _see_one_moment(connection)
        stream = connection.execution_options(yield_per=_PAGE)
        pairs = phrases.pairs(connection)
        # Sorted by themselves: joined, SQLite would read all phrases through for each answer.
        held = stream.execute(select(pairs.c.answer, pairs.c.hash).order_by(pairs.c.answer, pairs.c.hash))
        answers = stream.execute(select(QUOTED_ANSWERS).order_by(QUOTED_ANSWERS.c.number))
        groups = groupby(held, key=lambda row: row.answer)
        for answer, (number, some) in zip_longest(answers, groups, fillvalue=(None, ())):
            if getattr(answer, "number", None) != number:
                raise LedgerError("cannot export: of a quotation the phrases are missing, or of phrases the quotation")
            counts = {name: getattr(answer, name) for name in _COUNTS}
            encoded = {name: _encoded(getattr(answer, name)) for name in _LENGTHS}
            yield {**counts, **encoded, "hashes": [row.hash for row in some], "beside": QUOTATION}


def _see_one_moment(connection: Connection) -> None:
    """Have all that is read over *connection* stand as it stood at one moment."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN")
    else:
        connection.execution_options(isolation_level="REPEATABLE READ")


def _quotation(values: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
    """Return the row of a quotation and the hashes of its phrases; raises ValueError for what is none."""
    row = {name: values[name] for name in _COUNTS} | {name: _decoded(values[name]) for name in _LENGTHS}
    hashes = values["hashes"]
    if not all(type(one) is int and -_LARGEST <= one < _LARGEST for one in [*hashes, *(row[name] for name in _COUNTS)]):
        raise ValueError("its numbers are none")
    if any(len(row[name]) != length for name, length in _LENGTHS.items()):
        raise ValueError("its hashes are not as long as hashes are")
    return row, hashes


def _keep_quotations(connection: Connection, quotations: list[tuple[dict[str, Any], list[int]]]) -> None:
    answers = insert(QUOTED_ANSWERS)
    if connection.dialect.name != "sqlite":
        # With RETURNING all rows go in one statement; pg8000 alone would send each by itself.
        answers = answers.returning(QUOTED_ANSWERS.c.number)
    connection.execute(answers, [row for row, _ in quotations])
    phrases.add(connection, {row["number"]: hashes for row, hashes in quotations})


def _encoded(data: bytes) -> str:
    return base64.b64encode(bytes(data)).decode("ascii")


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
