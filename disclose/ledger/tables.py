"""The tables of a ledger, the same in SQLite and PostgreSQL, and the triggers that keep them append-only."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    case,
    cast,
    func,
    literal,
    select,
)
from sqlalchemy.types import TypeDecorator

from disclose.ledger.encoding import REFERENCE, REFERRING
from disclose.ledger.leading import leading

REVISION = "0007"
"""The revision of the schema below; migrations/versions leads to it from every earlier one."""

METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer, "sqlite")

# The hash of each signer's certificate once; the entries' bodies refer to its first bytes.
CERTIFICATES = Table(
    "certificates",
    METADATA,
    Column("reference", LargeBinary(REFERENCE), primary_key=True),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)


class _Body(TypeDecorator[bytes]):
    """A body as disclose.ledger.encoding packs it; read with the certificate that it refers to behind it."""

    impl = LargeBinary
    cache_ok = True

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Return how the body is selected."""
        named = CERTIFICATES.c.reference == func.substr(column, 2, REFERENCE)
        kept = select(CERTIFICATES.c.hash).where(named).correlate_except(CERTIFICATES).scalar_subquery()
        # A body whose certificate is missing must not look like one that was erased, which is NULL.
        whole = column.op("||")(func.coalesce(kept, literal(b"", LargeBinary)))
        refers = func.substr(column, 1, 1) == literal(REFERRING, LargeBinary)
        # SQLite takes what it concatenates for text.
        return case((refers, cast(whole, LargeBinary)), else_=column)


ENTRIES = Table(
    "entries",
    METADATA,
    # Without gaps, so that it tells the place of the leaf (disclose.ledger.places).
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    # Microseconds since 1970 in UTC, for retention by age.
    Column("recorded", BigInteger, nullable=False),
    Column("identifier", LargeBinary(16), nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("likeness", LargeBinary(32)),
    Column("leaf", LargeBinary(32), nullable=False),
    # Nothing once it was erased.
    Column("body", _Body),
    # The hash by which version 0.1.0 chained its entries.
    Column("chain", LargeBinary(32)),
)
Index("entries_by_identifier", leading(ENTRIES.c.identifier))
Index("entries_by_content", leading(ENTRIES.c.sha256))

NOTICE_EVENTS = Table(
    "notice_events",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("session", String(64), nullable=False),
    Column("encounter", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("opening", Integer, nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("body", String, nullable=False),
    Column("chain", LargeBinary(32)),
    Index("notice_events_by_session", "session", "encounter"),
    Index("notice_events_by_subject", "subject"),
)
ERASURES = Table(
    "erasures",
    METADATA,
    Column("number", _NUMBER, primary_key=True, autoincrement=False),
    Column("entry", _NUMBER, nullable=False, unique=True),
    Column("leaf", LargeBinary(32), nullable=False),
    Column("body", String, nullable=False),
)
QUOTED_ANSWERS = Table(
    "quoted_answers",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("tenant", LargeBinary(8), nullable=False),
    Column("identifier", LargeBinary(16), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("words", Integer, nullable=False),
    Column("phrases", Integer, nullable=False),
    Column("issued", Integer, nullable=False),
    Index("quoted_answers_by_identifier", "identifier"),
    Index("quoted_answers_by_issued", "issued"),
)
# In SQLite alone, and without a second index, which would take as much again: 22 bytes a phrase. What is deleted is
# found by reading the table through once, however many answers go (benchmarks/text_fingerprint.py, "to_delete").
QUOTED_PHRASES = Table(
    "quoted_phrases",
    METADATA,
    Column("hash", BigInteger, primary_key=True, autoincrement=False),
    Column("answer", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
    info={"dialect": "sqlite"},
)
# The same in PostgreSQL, as disclose.ledger.phrases packs it: 11 bytes a phrase, and not 80.
QUOTED_BUCKETS = Table(
    "quoted_buckets",
    METADATA,
    Column("bucket", Integer, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("postings", LargeBinary, nullable=False),
    info={"dialect": "postgresql"},
)
# With the records they belong to, and erased with them: 4 KB each, more with time-stamps and a history.
MANIFESTS = Table(
    "manifest_stores",
    METADATA,
    Column("entry", _NUMBER, primary_key=True, autoincrement=False),
    Column("label", String, nullable=False),
    Column("store", LargeBinary, nullable=False),
    Index("manifest_stores_by_label", "label"),
)
# Where the number of an entry does not tell its place: see disclose.ledger.places.
PLACES = Table(
    "places",
    METADATA,
    Column("log", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("entry", _NUMBER, nullable=False),
    sqlite_with_rowid=False,
)
# Of the trees, every eighth level above the leaves, which stand with their entries.
NODES = Table(
    "nodes",
    METADATA,
    Column("log", SmallInteger, primary_key=True, autoincrement=False),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", _NUMBER, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)
CHECKPOINTS = Table(
    "checkpoints",
    METADATA,
    Column("log", SmallInteger, primary_key=True, autoincrement=False),
    Column("size", _NUMBER, primary_key=True, autoincrement=False),
    Column("note", String, nullable=False),
    sqlite_with_rowid=False,
)


class LogName(Enum):
    """The logs of a ledger, each a Merkle tree of its own: its code in the tables, its name, and what it holds."""

    RECORDS = (0, "records", "entry", ENTRIES)
    NOTICES = (1, "notices", "event", NOTICE_EVENTS)
    ERASURES = (2, "erasures", "erasure", ERASURES)

    def __init__(self, code: int, label: str, noun: str, table: Table) -> None:
        self.code, self.label, self.noun, self.table = code, label, noun, table


_APPEND_ONLY = ("certificates", "notice_events", "erasures", "places", "nodes", "checkpoints")
_KEPT = ("number", "identifier", "sha256", "recorded", "leaf")
_REFUSAL = "the ledger is append-only"


def create(connection: Connection) -> None:
    """Create all tables with their triggers, at :data:`REVISION`."""
    METADATA.create_all(connection, tables=of_dialect(connection.dialect.name))
    guard(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{REVISION}')")  # noqa: S608


def of_dialect(name: str) -> list[Table]:
    """Return the tables that the database *name* has: "sqlite" or "postgresql"."""
    return [table for table in METADATA.sorted_tables if table.info.get("dialect", name) == name]


def guard(connection: Connection, append_only: Sequence[str] = _APPEND_ONLY, *, kept: Sequence[str] = _KEPT) -> None:
    """Create the triggers: nothing is updated or deleted, but for the payload of an entry, which can be erased.

    *kept* are the columns of an entry that an erasure leaves as they are.
    """
    erased = ["NEW.body IS NULL", "NEW.likeness IS NULL", *(f"NEW.{name} = OLD.{name}" for name in kept)]
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in _SQLITE_ENTRIES if is_sqlite else _POSTGRESQL_ENTRIES:
        connection.exec_driver_sql(statement.format(erased=" AND ".join(erased)))
    for table in append_only:
        guard_table(connection, table)


def guard_table(connection: Connection, table: str) -> None:
    """Create the triggers by which nothing in *table* is updated or deleted."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in _sqlite_triggers(table) if is_sqlite else _postgresql_triggers(table):
        connection.exec_driver_sql(statement)


_RAISE = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
_SQLITE_ENTRIES = (
    f"CREATE TRIGGER entries_no_update BEFORE update ON entries WHEN NOT ({{erased}}) {_RAISE}",
    f"CREATE TRIGGER entries_no_delete BEFORE delete ON entries {_RAISE}",
)
_REFUSE = "EXECUTE FUNCTION disclose_append_only()"
_POSTGRESQL_ENTRIES = (
    "CREATE OR REPLACE FUNCTION disclose_append_only() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$",
    f"CREATE TRIGGER entries_no_truncate BEFORE TRUNCATE ON entries FOR EACH STATEMENT {_REFUSE}",
    f"CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries FOR EACH ROW WHEN (NOT ({{erased}})) {_REFUSE}",
    f"CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries FOR EACH ROW {_REFUSE}",
)


def _sqlite_triggers(table: str) -> list[str]:
    return [f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} {_RAISE}" for verb in ("update", "delete")]


def _postgresql_triggers(table: str) -> list[str]:
    return [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {_REFUSE}",
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {_REFUSE}",
    ]
