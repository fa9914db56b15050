"""The leaves of the trees beside what they are the hashes of, where each took a row of its own, and smaller indexes.

What is in the ledger is written anew. Every leaf keeps its place, and what waited for one gets the next. What is
missing stays missing, and what was never appended is found as before.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import BigInteger, Column, Connection, Integer, LargeBinary, SmallInteger, String, bindparam, text

from disclose.ledger import tables

revision = "0007"
down_revision = "0006"

_NUMBER = BigInteger().with_variant(Integer, "sqlite")
_LOGS = {"entries": 0, "notice_events": 1, "erasures": 2}
_OLD = "_0006"
_PLACED = """
    WITH placed AS (
        SELECT position, entry FROM nodes WHERE log = :log AND level = 0
        UNION ALL
        SELECT first + row_number() OVER (ORDER BY entry) - 1, entry FROM pending, (
            SELECT coalesce(max(position) + 1, 0) AS first FROM nodes WHERE log = :log AND level = 0
        ) AS behind WHERE log = :log
    )
"""
_STARTS = text(f"""{_PLACED}
    SELECT position, entry FROM (
        SELECT position, entry, entry - position - lag(entry - position, 1, 1) OVER (ORDER BY position) AS jump
        FROM placed
    ) AS jumps WHERE jump <> 0 ORDER BY position
""")  # noqa: S608
_HIGHEST = text(f"{_PLACED} SELECT max(entry) FROM placed")  # noqa: S608
_LAST = text(f"{_PLACED} SELECT position, entry FROM placed ORDER BY position DESC LIMIT 1")  # noqa: S608


def upgrade() -> None:
    """Move the entries of every log, and of the nodes those above the leaves, into new tables."""
    connection = op.get_bind()
    _create_places()
    for name, log in _LOGS.items():
        _tell_places(connection, name, log)
    for name in (*_LOGS, "nodes"):
        _set_aside(connection, name)
    _create_nodes()
    op.execute(
        f"INSERT INTO nodes (log, level, position, hash) SELECT log, level, position, hash FROM nodes{_OLD}"  # noqa: S608
        " WHERE level > 0 ORDER BY log, level, position"
    )
    for (name, log), columns in zip(
        _LOGS.items(), (_create_entries(), _create_events(), _create_erasures()), strict=True
    ):
        _copy(connection, name, log, columns)
    for name in ("pending", *(f"{name}{_OLD}" for name in (*_LOGS, "nodes"))):
        # Their triggers go with them.
        op.drop_table(name)
    kept = ("number", "identifier", "sha256", "recorded", "leaf")
    tables.guard(connection, ("notice_events", "erasures", "places", "nodes"), kept=kept)


def _tell_places(connection: Connection, name: str, log: int) -> None:
    """Write down where the numbers do not tell the places, and where what is appended from now on goes on."""
    starts = [(row.position, row.entry) for row in connection.execute(_STARTS, {"log": log})]
    last = connection.execute(_LAST, {"log": log}).first()
    size, expected = (0, 1) if last is None else (last.position + 1, last.entry + 1)
    placed = connection.execute(_HIGHEST, {"log": log}).scalar() or 0
    there = connection.execute(text(f"SELECT max(number) FROM {name}")).scalar() or 0  # noqa: S608
    following = max(placed, there) + 1
    if following != expected or there < placed:
        # An entry that is missing at the end would else be taken for one that never was.
        starts.append((size, following))
    for position, entry in starts:
        connection.execute(_START, {"log": log, "position": position, "entry": entry})


_START = text("INSERT INTO places (log, position, entry) VALUES (:log, :position, :entry)")


def _set_aside(connection: Connection, name: str) -> None:
    """Rename a table, and get those of its indexes out of the way that the new one has as well."""
    op.rename_table(name, f"{name}{_OLD}")
    is_sqlite = connection.dialect.name == "sqlite"
    found = text(_INDEXES_IN_SQLITE if is_sqlite else _INDEXES_IN_POSTGRESQL)
    for (index,) in connection.execute(found, {"name": f"{name}{_OLD}"}).all():
        # By that one the leaves are found.
        if is_sqlite and index != "nodes_by_entry":
            op.execute(f"DROP INDEX {index}")
        elif not is_sqlite:
            op.execute(f"ALTER INDEX {index} RENAME TO {index}{_OLD}")


_INDEXES_IN_SQLITE = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = :name AND sql IS NOT NULL"
_INDEXES_IN_POSTGRESQL = "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND tablename = :name"


def _copy(connection: Connection, name: str, log: int, columns: tuple[str, ...]) -> None:
    """Copy the rows of a log, each with its leaf; with an empty one, which is none, where it never had one."""
    own = ", ".join(f"old.{column}" for column in columns)
    connection.execute(
        text(
            f"INSERT INTO {name} ({', '.join(columns)}, leaf)"  # noqa: S608
            f" SELECT {own}, coalesce(nodes.hash, pending.leaf, :none) FROM {name}{_OLD} AS old"
            f" LEFT JOIN nodes{_OLD} AS nodes ON nodes.log = :log AND nodes.level = 0 AND nodes.entry = old.number"
            " LEFT JOIN pending ON pending.log = :log AND pending.entry = old.number ORDER BY old.number"
        ).bindparams(bindparam("none", b"", LargeBinary)),
        {"log": log},
    )


def _create_places() -> None:
    op.create_table(
        "places",
        Column("log", SmallInteger, primary_key=True, autoincrement=False),
        Column("position", _NUMBER, primary_key=True, autoincrement=False),
        Column("entry", _NUMBER, nullable=False),
        sqlite_with_rowid=False,
    )


def _create_nodes() -> None:
    op.create_table(
        "nodes",
        Column("log", SmallInteger, primary_key=True, autoincrement=False),
        Column("level", SmallInteger, primary_key=True, autoincrement=False),
        Column("position", _NUMBER, primary_key=True, autoincrement=False),
        Column("hash", LargeBinary(32), nullable=False),
        sqlite_with_rowid=False,
    )


def _create_entries() -> tuple[str, ...]:
    op.create_table(
        "entries",
        Column("number", _NUMBER, primary_key=True, autoincrement=False),
        Column("recorded", BigInteger, nullable=False),
        Column("identifier", LargeBinary(16), nullable=False),
        Column("sha256", LargeBinary(32), nullable=False),
        Column("likeness", LargeBinary(32)),
        Column("leaf", LargeBinary(32), nullable=False),
        Column("body", LargeBinary),
        Column("chain", LargeBinary(32)),
    )
    leading = "substr({}, 1, 8)"
    if op.get_bind().dialect.name != "sqlite":
        leading = "CAST(CAST('x' || encode(substr({}, 1, 8), 'hex') AS bit(64)) AS bigint)"
    for index, column in (("entries_by_identifier", "identifier"), ("entries_by_content", "sha256")):
        op.create_index(index, "entries", [text(leading.format(column))])
    return ("number", "recorded", "identifier", "sha256", "likeness", "body", "chain")


def _create_events() -> tuple[str, ...]:
    op.create_table(
        "notice_events",
        Column("number", _NUMBER, primary_key=True, autoincrement=False),
        Column("session", String(64), nullable=False),
        Column("encounter", Integer, nullable=False),
        Column("state", String(16), nullable=False),
        Column("subject", String(32), nullable=False),
        Column("opening", Integer, nullable=False),
        Column("leaf", LargeBinary(32), nullable=False),
        Column("body", String, nullable=False),
        Column("chain", LargeBinary(32)),
    )
    op.create_index("notice_events_by_session", "notice_events", ["session", "encounter"])
    op.create_index("notice_events_by_subject", "notice_events", ["subject"])
    return ("number", "session", "encounter", "state", "subject", "opening", "body", "chain")


def _create_erasures() -> tuple[str, ...]:
    op.create_table(
        "erasures",
        Column("number", _NUMBER, primary_key=True, autoincrement=False),
        Column("entry", _NUMBER, nullable=False, unique=True),
        Column("leaf", LargeBinary(32), nullable=False),
        Column("body", String, nullable=False),
    )
    return ("number", "entry", "body")
