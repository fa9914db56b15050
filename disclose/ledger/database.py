"""The database behind a ledger: SQLite in a file, or PostgreSQL by URL, opened, brought up to date and shared out."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, SQLAlchemyError

from disclose.errors import LedgerError, extra
from disclose.ledger import tables

_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=60000", "secure_delete=ON")
_LOCK = 0x0D15C105E
"""The number of the advisory lock that exclusive transactions hold in PostgreSQL."""
_OPTIONS = frozenset({"host", "port", "sslmode", "sslrootcert"})


class Database:
    """The database at *location*: a path (SQLite) or a URL ``postgresql://user@host/name`` (PostgreSQL 14 and later).

    A password stands in *password_file* and never in the URL. Hosts other than this machine are spoken to over TLS
    with a verified certificate; ``?sslrootcert=FILE`` names another authority, ``?sslmode=disable`` does without.
    Raises LedgerError, naming the place and never the password, whenever it cannot be opened, read or written.
    """

    def __init__(self, location: Path | str, *, password_file: Path | None = None) -> None:
        url = _url(location)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.path = Path(url.database) if self.is_sqlite and url.database else None
        self.place = str(self.path) if self.path is not None else url.render_as_string(hide_password=True)
        self._writing = threading.RLock()
        self._file: tuple[int, int] | None = None
        self._engine = self._sqlite() if self.path is not None else self._postgresql(url, password_file)
        self._prepare()
        self._file = self._identity()

    @contextmanager
    def connection(self, *, writing: bool = False, exclusive: bool = True) -> Iterator[Connection]:
        """Give a connection; with *writing* it commits when the block ends, and nobody else writes meanwhile.

        In PostgreSQL *exclusive* tells whether others that are exclusive have to wait.
        """
        alone = self._writing if writing and (exclusive or self.is_sqlite) else nullcontext()
        try:
            with alone, self._engine.connect().execution_options(writing=writing) as connection:
                if writing and self._file != self._identity():
                    # SQLite would go on writing to a file that nobody finds any more.
                    raise LedgerError(f"the ledger {self.place} was removed or replaced after it was opened")
                if writing and exclusive and not self.is_sqlite:
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
                yield connection
                if writing:
                    connection.commit()
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise LedgerError(f"cannot use the ledger {self.place}: {_plain(reason)}") from error
        except (OSError, EOFError) as error:
            # pg8000 lets some failures of the network through as they are.
            raise LedgerError(f"cannot use the ledger {self.place}: {error}") from error

    def forget_copies(self) -> None:
        """Write what was erased over in the write-ahead log too (SQLite); PostgreSQL's own cleaning does so in time."""
        if self.is_sqlite:
            with self.connection() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def _identity(self) -> tuple[int, int] | None:
        """Return which file stands at the path, None where none does yet or the database is no file."""
        try:
            found = None if self.path is None else self.path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_dev, found.st_ino)

    def _sqlite(self) -> Engine:
        assert self.path is not None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerError(f"cannot open the ledger {self.path}: {error.strerror}") from error
        engine = create_engine(URL.create("sqlite", database=str(self.path)))
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine

    def _postgresql(self, url: URL, password_file: Path | None) -> Engine:
        if url.get_backend_name() != "postgresql":
            raise LedgerError(f"cannot open the ledger {self.place}: give a path, or postgresql://user@host/name")
        if unknown := set(url.query) - _OPTIONS:
            raise LedgerError(f"cannot open the ledger {self.place}: there is no option {min(unknown)!r} here")
        with extra("postgres"):
            import pg8000
        assert pg8000
        if password_file is not None:
            url = url.set(password=_password(password_file))
        options = {name: str(value) for name, value in url.query.items()}
        host = options.get("host") or url.host or "localhost"
        given: dict[str, Any] = {"timeout": 30, "application_name": "disclose"}
        if host.startswith("/"):
            given["unix_sock"] = f"{host}/.s.PGSQL.{options.get('port') or url.port or 5432}"
            url = url.set(host=None, port=None)
        elif host not in ("localhost", "127.0.0.1", "::1") and options.get("sslmode") != "disable":
            given["ssl_context"] = ssl.create_default_context(cafile=options.get("sslrootcert"))
        url = url.set(drivername="postgresql+pg8000", query={})
        # A server that went and came back is noticed before the next statement, not by it.
        # Who waited for a turn has to see what the one before committed, whatever the server is set to.
        engine = create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=given)
        event.listen(engine, "connect", _commit_each)
        event.listen(engine, "begin", _begin)
        return engine

    def _prepare(self) -> None:
        """Create the tables, or bring those of an earlier version up to date, whole or not at all."""
        if self._revision() == tables.REVISION:
            return
        self._file = self._identity()
        with self.connection(writing=True) as connection:
            names = set(inspect(connection).get_table_names())
            if not names & {"entries", "notice_events", "alembic_version"}:
                tables.create(connection)
            else:
                self._migrate(connection, names)

    def _revision(self) -> str | None:
        try:
            with self._engine.connect() as connection:
                return str(connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one())
        except DatabaseError:
            # No such table, or no database at all: what follows says which.
            return None
        except (SQLAlchemyError, OSError, EOFError) as error:
            raise LedgerError(f"cannot open the ledger {self.place}: {_plain(error)}") from error

    def _migrate(self, connection: Connection, names: set[str]) -> None:
        # Here and not above: only what an earlier version wrote needs it.
        from alembic.util import CommandError

        from disclose.ledger import migrations

        try:
            migrations.upgrade(connection, stamped="alembic_version" in names)
        except CommandError as error:
            raise LedgerError(
                f"cannot open the ledger {self.place}: a newer version of disclose wrote it; upgrade disclose ({error})"
            ) from error


def wait_for_turn(connection: Connection, queue: int) -> None:
    """Have whoever else waits in the *queue* of this number wait on until the transaction ends.

    In SQLite nobody else writes anyway.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK + 1 + queue})")


def _url(location: Path | str) -> URL:
    if isinstance(location, Path) or "://" not in location:
        return URL.create("sqlite", database=str(location))
    try:
        return make_url(location)
    except ArgumentError as error:
        raise LedgerError("cannot open the ledger: its address is no URL like postgresql://user@host/name") from error


def _password(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise LedgerError(f"cannot read the password of the ledger in {path}: {error}") from error


def _plain(reason: object) -> str:
    """Return what a driver says in words; pg8000 gives a dictionary of the server's fields."""
    fields = getattr(reason, "args", (None,))[:1]
    return str(fields[0].get("M", fields[0])) if fields and isinstance(fields[0], dict) else str(reason)


def _configure(connection: Any, _: Any) -> None:
    # sqlite3 would begin transactions on its own, too late for the write lock that _begin takes.
    connection.isolation_level = None
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")


def _commit_each(connection: Any, _: Any) -> None:
    # pg8000 would begin a transaction before every read and end it after: four more ways to the server and back.
    connection.autocommit = True


def _begin(connection: Connection) -> None:
    # Every read is one statement, which the database sees at one moment anyway.
    if connection.get_execution_options().get("writing"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else "BEGIN")
