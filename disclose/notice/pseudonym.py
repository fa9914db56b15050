"""Pseudonyms: what sessions are called on record, and how the link to them is cut for good.

Every session has a random key of its own, in one SQLite file. Its pseudonym is the HMAC of its id under that key.
Once the key is deleted nobody can tell from a session's id which events are its own; that the events belong
together, and to which outputs, remains on record. Copies of the file, such as backups, are beyond reach.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from disclose.errors import LedgerError

_KEY_BYTES = 32
_TABLES = """
CREATE TABLE IF NOT EXISTS master (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS keys (lookup BLOB PRIMARY KEY, key BLOB NOT NULL, created TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS keys_by_age ON keys (created);
"""


class SessionKeys:
    """The keys of sessions, in the file *path*, which only its owner may read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Made before SQLite would make it readable for others; its journal takes over the permissions.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise LedgerError(f"cannot open the session keys {path}: {error.strerror}") from error
        with self._connection() as connection:
            for statement in _TABLES.split(";"):
                connection.execute(statement)
            connection.execute("INSERT OR IGNORE INTO master VALUES (1, ?)", (secrets.token_bytes(_KEY_BYTES),))

    def pseudonym(self, session: str) -> str:
        """Return what *session* is called on record (64 hexadecimal digits), with a new key if it has none."""
        with self._connection() as connection:
            now = datetime.now(UTC).isoformat()
            lookup = _lookup(connection, session)
            connection.execute(
                "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)", (lookup, secrets.token_bytes(_KEY_BYTES), now)
            )
            (key,) = connection.execute("SELECT key FROM keys WHERE lookup = ?", (lookup,)).fetchone()
        return _digest(key, session).hex()

    def find(self, session: str) -> str | None:
        """Return what *session* is called on record, or None if it was never there or was forgotten."""
        with self._connection() as connection:
            row = connection.execute(
                "SELECT key FROM keys WHERE lookup = ?", (_lookup(connection, session),)
            ).fetchone()
        return None if row is None else _digest(row[0], session).hex()

    def forget(self, session: str) -> bool:
        """Delete the key of *session* and return whether there was one; the session's next event has a new name."""
        with self._connection() as connection:
            done = connection.execute("DELETE FROM keys WHERE lookup = ?", (_lookup(connection, session),))
            return done.rowcount > 0

    def forget_before(self, moment: datetime) -> int:
        """Delete the keys made before *moment* (with its time zone) and return how many: a retention period's end."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone: use datetime.now(UTC) - timedelta(…)")
        with self._connection() as connection:
            done = connection.execute("DELETE FROM keys WHERE created < ?", (moment.astimezone(UTC).isoformat(),))
            return done.rowcount

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            # One connection a use: handles to SQLite survive neither threads nor forks.
            with closing(sqlite3.connect(self.path, timeout=30, isolation_level=None)) as connection:
                # What is deleted is overwritten with zeros. No write-ahead log, for that would keep a copy.
                connection.execute("PRAGMA secure_delete=ON")
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise LedgerError(f"cannot use the session keys {self.path}: {error}") from error


def _lookup(connection: sqlite3.Connection, session: str) -> bytes:
    (master,) = connection.execute("SELECT key FROM master").fetchone()
    return _digest(master, session)


def _digest(key: bytes, session: str) -> bytes:
    return hmac.digest(key, session.encode("utf-8", "surrogatepass"), "sha256")
