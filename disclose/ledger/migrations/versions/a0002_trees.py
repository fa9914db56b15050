"""Version 0.2.0: Merkle trees in place of the chains, compact bodies, erasures; in SQLite and PostgreSQL.

Every body stays the text it was, and the hashes of the chain stay beside it, so that what version 0.1.0 wrote still
verifies as it did, and what was broken stays broken.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy
from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary, SmallInteger, String, Table, inspect

from disclose.errors import LedgerError
from disclose.ledger import tables
from disclose.ledger.encoding import pack
from disclose.ledger.tree import leaf_hash

revision = "0002"
down_revision = "0001"

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_BATCH = 1000


def upgrade() -> None:
    """Move records and notices into the new tables; their leaves wait to be put into the trees."""
    connection = op.get_bind()
    old = {name for name in ("entries", "notice_events") if inspect(connection).has_table(name)}
    for name in old:
        for index in inspect(connection).get_indexes(name):
            if index["name"] and not index["unique"]:
                op.drop_index(index["name"], name)
        op.rename_table(name, f"{name}_0001")
        if connection.dialect.name != "sqlite":
            op.execute(f"ALTER INDEX {name}_pkey RENAME TO {name}_0001_pkey")
    entries, events, pending = _create()
    if "entries" in old:
        _move("entries", 0, _entry, entries, pending)
        # Dropping the old table takes its triggers with it.
        op.drop_table("entries_0001")
    if "notice_events" in old:
        _move("notice_events", 1, _event, events, pending)
        op.drop_table("notice_events_0001")
    kept = ("number", "identifier", "sha256", "recorded")
    tables.guard(connection, ("notice_events", "erasures", "nodes", "checkpoints"), kept=kept)


def _create() -> tuple[Table, Table, Table]:
    entries = op.create_table(
        "entries",
        Column("number", _NUMBER, primary_key=True, autoincrement=True),
        Column("identifier", LargeBinary(16), nullable=False),
        Column("sha256", LargeBinary(32), nullable=False),
        Column("likeness", LargeBinary(32)),
        Column("recorded", BigInteger, nullable=False),
        Column("body", LargeBinary),
        Column("chain", LargeBinary(32)),
    )
    op.create_index("entries_by_identifier", "entries", ["identifier"])
    op.create_index("entries_by_content", "entries", [sqlalchemy.text("substr(sha256, 1, 8)")])
    events = op.create_table(
        "notice_events",
        Column("number", _NUMBER, primary_key=True, autoincrement=False),
        Column("session", String(64), nullable=False),
        Column("encounter", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("subject", String(32), nullable=False),
        Column("opening", Integer, nullable=False),
        Column("body", String, nullable=False),
        Column("chain", LargeBinary(32)),
    )
    op.create_index("notice_events_by_session", "notice_events", ["session", "encounter"])
    op.create_index("notice_events_by_subject", "notice_events", ["subject"])
    op.create_table(
        "erasures",
        Column("number", _NUMBER, primary_key=True, autoincrement=False),
        Column("entry", _NUMBER, nullable=False, unique=True),
        Column("body", String, nullable=False),
    )
    pending = op.create_table(
        "pending",
        Column("log", SmallInteger, primary_key=True, autoincrement=False),
        Column("entry", _NUMBER, primary_key=True, autoincrement=False),
        Column("leaf", LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "nodes",
        Column("log", SmallInteger, primary_key=True, autoincrement=False),
        Column("level", SmallInteger, primary_key=True, autoincrement=False),
        Column("position", _NUMBER, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary(32), nullable=False),
        Column("entry", _NUMBER),
        sqlite_with_rowid=False,
    )
    is_leaf = sqlalchemy.text("entry IS NOT NULL")
    op.create_index(
        "nodes_by_entry", "nodes", ["log", "entry"], unique=True, sqlite_where=is_leaf, postgresql_where=is_leaf
    )
    op.create_table(
        "checkpoints",
        Column("log", SmallInteger, primary_key=True, autoincrement=False),
        Column("size", _NUMBER, primary_key=True, autoincrement=False),
        Column("note", String, nullable=False),
        sqlite_with_rowid=False,
    )
    return entries, events, pending


def _move(name: str, log: int, moved: Callable[[Any], dict[str, Any]], new: Table, pending: Table) -> None:
    connection = op.get_bind()
    old = Table(f"{name}_0001", sqlalchemy.MetaData(), autoload_with=connection)
    for batch in _batches(connection, old):
        try:
            connection.execute(new.insert(), [moved(row) for row in batch])
        except (ValueError, KeyError) as error:
            raise LedgerError(
                f"cannot bring the table {name} up to date: one of the entries {batch[0].sequence} to"
                f" {batch[-1].sequence} is not what version 0.1.0 appended ({error}); nothing was changed"
            ) from error
        leaves = [{"log": log, "entry": row.sequence, "leaf": leaf_hash(row.body.encode())} for row in batch]
        connection.execute(pending.insert(), leaves)


def _batches(connection: Any, old: Table) -> Iterator[list[Any]]:
    last = -(1 << 31)
    query = sqlalchemy.select(old).order_by(old.c.sequence).limit(_BATCH)
    while batch := list(connection.execute(query.where(old.c.sequence > last)).all()):
        yield batch
        last = batch[-1].sequence


def _entry(row: Any) -> dict[str, Any]:
    identifier, sha256 = bytes.fromhex(row.identifier), bytes.fromhex(row.sha256)
    recorded = datetime.fromisoformat(json.loads(row.body)["recorded"])
    return {
        "number": row.sequence,
        "identifier": identifier,
        "sha256": sha256,
        "likeness": row.likeness,
        "recorded": (recorded - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1),
        "body": pack(row.body, (identifier, sha256, row.likeness)),
        "chain": bytes.fromhex(row.hash),
    }


def _event(row: Any) -> dict[str, Any]:
    names = ("session", "encounter", "state", "subject", "opening", "body")
    values = {name: getattr(row, name) for name in names}
    return {"number": row.sequence, "chain": bytes.fromhex(row.hash), **values}
