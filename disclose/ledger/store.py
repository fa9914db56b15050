"""The ledger: append what was issued, find it again, prove it, erase it, and check the whole."""

from __future__ import annotations

import atexit
import json
import logging
import os
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, insert, select

from disclose.asset import Mark
from disclose.disclosure import Disclosure, Identifier
from disclose.errors import LedgerError
from disclose.ledger import certificates, manifests, record
from disclose.ledger.database import Database
from disclose.ledger.encoding import pack, unpack
from disclose.ledger.erasure import Erasure, erase, to_microseconds
from disclose.ledger.key import LedgerKey
from disclose.ledger.leading import LENGTH, leading
from disclose.ledger.likeness import Likeness, LikenessSearch
from disclose.ledger.log import LedgerCheck, Log
from disclose.ledger.proof import Proof
from disclose.ledger.record import Record
from disclose.ledger.tables import ENTRIES, ERASURES, LogName
from disclose.ledger.tree import leaf_hash
from disclose.ledger.writer import GroupCommit

_log = logging.getLogger(__name__)
_PAGE = 1000
_HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class _Draft:
    """A row of the entries without its number, and what is kept with it."""

    row: dict[str, Any]
    certificate: bytes | None = None
    manifest: bytes | None = None


class Ledger:
    """An append-only record of what was issued, at *location*: a path (SQLite) or a URL (PostgreSQL).

    *key* is the file of the key that signs its checkpoints, by default ``ledger_key.pem`` beside the SQLite file.
    Records older than *retention* are erased while it is written to. Raises LedgerError, with the place and the
    reason, whenever it cannot be opened, read or appended to.
    """

    def __init__(
        self,
        location: Path | str,
        *,
        key: Path | None = None,
        password_file: Path | None = None,
        retention: timedelta | None = None,
    ) -> None:
        self._database = Database(location, password_file=password_file)
        self.place = self._database.place
        if key is None and self._database.path is None:
            raise LedgerError(f"cannot open the ledger {self.place}: name the file of its key")
        assert key is not None or self._database.path is not None
        self._key = LedgerKey(key or self.path.with_name("ledger_key.pem"))
        self._records = Log(self._database, LogName.RECORDS, self._key)
        self._erasures = Log(self._database, LogName.ERASURES, self._key)
        self._likenesses = LikenessSearch(self._database)
        self._retention = retention
        self._process = os.getpid()
        self._expired = -_HOUR
        self._writer = GroupCommit(self._commit, self._settle)
        # What the last second appended gets its place in the tree when the process ends.
        atexit.register(_close, weakref.ref(self))

    @property
    def path(self) -> Path:
        """The file, where it is SQLite's."""
        if self._database.path is None:
            raise LedgerError(f"the ledger {self.place} is no file")
        return self._database.path

    def append(
        self,
        *,
        disclosure: Disclosure,
        sha256: str,
        media_type: str,
        marks: tuple[Mark, ...],
        likeness: bytes | None = None,
        manifest: bytes | None = None,
    ) -> Record:
        """Append what was issued and return its record; it is on disk when this returns.

        ``likeness`` is a perceptual hash of 32 bytes, for :meth:`nearest`; ``manifest`` the C2PA manifest store to be
        kept with the record, for :class:`disclose.ledger.manifests.Manifests`. Callers that append at the same time
        share a commit.
        """
        if manifest is not None:
            # Here, where it fails for this caller alone and not for all who share the commit.
            manifests.active_label(manifest)
        now = datetime.now(UTC)
        recorded = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        body = record.canonical(record.body(disclosure, sha256, media_type, marks, recorded))
        columns = (disclosure.id.value.to_bytes(16), bytes.fromhex(sha256), likeness)
        certificate = certificates.named_in(body)
        row = {
            **dict(zip(("identifier", "sha256", "likeness"), columns, strict=True)),
            "recorded": to_microseconds(now),
            "leaf": leaf_hash(body.encode()),
            "body": pack(body, columns, certificate),
        }
        number = self._writer.submit(_Draft(row=row, certificate=certificate, manifest=manifest))
        return Record.from_body(number, body)

    def find(self, identifier: Identifier) -> list[Record]:
        """Return every record whose id begins with *identifier*, oldest first; :meth:`erased` knows the others."""
        return self._select(_BY_IDENTIFIER, _bounds(identifier))

    def find_content(self, sha256: str) -> Record | None:
        """Return the record of the very bytes with this SHA-256, or None."""
        return next(iter(self._select(_BY_CONTENT, _content(sha256))), None)

    def erased(self, identifier: Identifier) -> list[Erasure]:
        """Return the erasures of records whose id began with *identifier*, oldest first."""
        return self._select_erased(_ERASED_BY_IDENTIFIER, _bounds(identifier))

    def erased_content(self, sha256: str) -> Erasure | None:
        """Return the erasure of the record of the very bytes with this SHA-256, or None."""
        return next(iter(self._select_erased(_ERASED_BY_CONTENT, _content(sha256))), None)

    def nearest(self, *hashes: bytes, within: Callable[[int], int] | None = None) -> Likeness | None:
        """Return the entry whose perceptual hash differs least from any of *hashes* (32 bytes each), or None.

        Exact. *within* tells how many of 256 bits may differ among so many entries; with it the search is quicker, and
        None says that nothing lies within.
        """
        for _ in range(2):
            found = self._likenesses.nearest(hashes, within)
            if found is None:
                return None
            number, distance, searched = found
            if records := self._select(_ROWS.where(ENTRIES.c.number == number)):
                return Likeness(record=records[0], distance=distance, searched=searched)
            # Another process erased it after it was read here.
            self._likenesses.reset()
        return None

    def records(self, *, newest_first: bool = False, limit: int | None = None) -> list[Record]:
        """Return up to *limit* records in order of issue, or the newest first."""
        order = ENTRIES.c.number.desc() if newest_first else ENTRIES.c.number
        return self._select(_ROWS.order_by(order).limit(limit))

    def __len__(self) -> int:
        return self._records.size()

    def forget(self, identifier: Identifier, *, reason: str) -> list[Erasure]:
        """Erase what every record whose id begins with *identifier* says, for good; return the erasures.

        The manifests kept beside them go too. The tree stays whole: the leaf hashes stay, with the id and the SHA-256
        under which the erasure is found. Backups and exports are beyond reach.
        """
        return self._erase(_BEGINS, reason, _bounds(identifier))

    def forget_before(self, moment: datetime, *, reason: str) -> list[Erasure]:
        """Erase every record made before *moment* (with its time zone), as at the end of a retention period."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no time zone: use datetime.now(UTC) - timedelta(…)")
        return self._erase(ENTRIES.c.recorded < to_microseconds(moment), reason, {})

    def verify(self) -> LedgerCheck:
        """Check every record, every erasure, both trees and every checkpoint."""
        erasures = self._erasures.check(lambda row, text: None, lambda row: str(row.body))
        if not erasures.is_intact:
            return erasures
        erased, since = self._all_erased(), dict[int, Erasure]()

        def fault_of(row: Any, text: str | None) -> str | None:
            if text is not None or row.number in erased:
                return _fault(row, text, erased.get(row.number))
            if row.number not in since:
                # It may have been erased after this check began. Of these, some rows were read while they were there.
                since.update(self._all_erased())
            return _fault(row, text, since.get(row.number))

        return self._records.check(fault_of, _text)

    def _all_erased(self) -> dict[int, Erasure]:
        with self._database.connection() as connection:
            rows = connection.execute(select(ERASURES.c.body)).all()
        return {one.entry: one for one in (Erasure.from_text(row.body) for row in rows)}

    def checkpoint(self) -> str | None:
        """Return the newest signed checkpoint over the records, all of them (C2SP tlog-checkpoint); None if empty."""
        return self._records.checkpoint()

    def signed(self, log: str, size: int, root: bytes) -> str:
        """Return a checkpoint of *log*, which is none of the ledger's own, signed as theirs are."""
        return self._key.signed(log, size, root)

    @property
    def verifier_key(self) -> str:
        """The public key by which others check the checkpoints over the records (C2SP vkey)."""
        return self._records.verifier

    def prove(self, identifier: Identifier) -> list[Proof]:
        """Return for every record whose id begins with *identifier* the proof that it is under the checkpoint."""
        return [self._proof(found.sequence, found) for found in self.find(identifier)] + [
            self._proof(gone.entry, None, gone) for gone in self.erased(identifier)
        ]

    def extends(self, note: str) -> bool:
        """Whether the records begin with those that the checkpoint *note*, kept by somebody, was signed over.

        Raises LedgerError for a checkpoint that the key of this ledger did not sign.
        """
        return self._records.extends(note)

    def consistency(self, old: int) -> tuple[bytes, ...]:
        """Return the proof (RFC 6962) that the newest checkpoint's tree begins with the first *old* records."""
        return self._records.consistency(old)

    def log(self, name: LogName) -> Log:
        """Return another log kept in the same database under the same key."""
        return Log(self._database, name, self._key)

    def connection(self, *, writing: bool = False) -> AbstractContextManager[Connection]:
        """Give a connection to the database; with *writing* nobody else does, and it commits when the block ends."""
        return self._database.connection(writing=writing)

    def close(self) -> None:
        """Give the last entries their places, sign, and close the connections."""
        if os.getpid() != self._process:
            # The connections are those of the process that this one was forked from.
            return
        self._writer.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _commit(self, drafts: list[_Draft]) -> list[int]:
        with self._database.connection(writing=True, exclusive=False) as connection:
            certificates.keep(connection, (one.certificate for one in drafts if one.certificate is not None))
            numbers = self._records.numbers(connection, len(drafts))
            rows = [{"number": number, **draft.row} for number, draft in zip(numbers, drafts, strict=True)]
            insert_all(connection, rows)
            kept = zip(numbers, (draft.manifest for draft in drafts), strict=True)
            manifests.keep(connection, [(number, store) for number, store in kept if store is not None])
        return list(numbers)

    def _settle(self) -> None:
        self._records.sequence()
        if self._retention is not None and time.monotonic() - self._expired >= _HOUR:
            self._expired = time.monotonic()
            days = self._retention / timedelta(days=1)
            self.forget_before(datetime.now(UTC) - self._retention, reason=f"the retention of {days:g} days is over")

    def _erase(self, condition: ColumnElement[bool], reason: str, values: dict[str, Any]) -> list[Erasure]:
        if not reason.strip():
            raise ValueError("an erasure needs a reason, which stays on record")
        erased: list[Erasure] = []
        query = select(ENTRIES.c.number, ENTRIES.c.identifier, ENTRIES.c.sha256, ENTRIES.c.recorded)
        query = query.where(condition, ENTRIES.c.body.is_not(None)).order_by(ENTRIES.c.number).limit(_PAGE)
        while True:
            with self._database.connection(writing=True) as connection:
                rows = connection.execute(query, values).all()
                erased += erase(connection, rows, reason, self._erasures.numbers(connection, len(rows)))
            if len(rows) < _PAGE:
                break
        if erased:
            self._likenesses.reset()
            self._erasures.sequence()
            self._database.forget_copies()
        return erased

    def _proof(self, number: int, found: Record | None, erasure: Erasure | None = None) -> Proof:
        with self._database.connection() as connection:
            row = connection.execute(select(ENTRIES).where(ENTRIES.c.number == number)).one()
        leaf = self._records.prove(number)
        return Proof(
            text=_text(row) if found is not None else None,
            erasure=erasure,
            leaf=leaf,
            key=self.verifier_key,
        )

    def _select(self, query: Select[Any], values: dict[str, Any] | None = None) -> list[Record]:
        with self._database.connection() as connection:
            rows = connection.execute(query, values).all()
        try:
            return [Record.from_body(row.number, _text(row) or "") for row in rows]
        except (LedgerError, ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"cannot read the ledger {self.place}: an entry is not what was appended ({error});"
                " run 'disclose ledger verify'"
            ) from error

    def _select_erased(self, query: Select[Any], values: dict[str, Any]) -> list[Erasure]:
        with self._database.connection() as connection:
            rows = connection.execute(query, values).all()
        return [Erasure.from_text(row.body) for row in rows]


_ROWS = select(ENTRIES.c.number, ENTRIES.c.identifier, ENTRIES.c.sha256, ENTRIES.c.likeness, ENTRIES.c.body).where(
    ENTRIES.c.body.is_not(None)
)
_ERASED = select(ERASURES.c.body).join(ENTRIES, ENTRIES.c.number == ERASURES.c.entry).order_by(ERASURES.c.number)
_BEGINS = and_(
    leading(ENTRIES.c.identifier).between(bindparam("first_leading"), bindparam("last_leading")),
    ENTRIES.c.identifier.between(bindparam("first"), bindparam("last")),
)
_HAS_CONTENT = and_(leading(ENTRIES.c.sha256) == bindparam("content_leading"), ENTRIES.c.sha256 == bindparam("content"))
# Made once: to make such a query takes longer than to have it answered.
_BY_IDENTIFIER, _BY_CONTENT = (_ROWS.where(one).order_by(ENTRIES.c.number) for one in (_BEGINS, _HAS_CONTENT))
_ERASED_BY_IDENTIFIER, _ERASED_BY_CONTENT = (_ERASED.where(one) for one in (_BEGINS, _HAS_CONTENT))


def insert_all(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert *rows* into the entries, with as few statements as the database's driver allows."""
    statement = insert(ENTRIES)
    if connection.dialect.name != "sqlite":
        # With RETURNING, SQLAlchemy sends all rows in one statement; pg8000 alone would send each by itself.
        statement = statement.returning(ENTRIES.c.number)
    connection.execute(statement, list(rows))


def _bounds(identifier: Identifier) -> dict[str, bytes]:
    """Return the first and the last identifier that begin with *identifier*; their first bits are the same."""
    missing = 128 - identifier.length
    lowest = identifier.value << missing
    first, last = lowest.to_bytes(16), (lowest | ((1 << missing) - 1)).to_bytes(16)
    return {"first": first, "last": last, "first_leading": first[:LENGTH], "last_leading": last[:LENGTH]}


def _content(sha256: str) -> dict[str, bytes]:
    wanted = bytes.fromhex(sha256)
    return {"content": wanted, "content_leading": wanted[:LENGTH]}


def _text(row: Any) -> str | None:
    """Return the text of the body in *row*, None when it was erased."""
    if row.body is None:
        return None
    likeness = None if row.likeness is None else bytes(row.likeness)
    return unpack(bytes(row.body), (bytes(row.identifier), bytes(row.sha256), likeness))


def _fault(row: Any, text: str | None, erasure: Erasure | None) -> str | None:
    """Return how what *row* is found by differs from its *text*, or from its *erasure*, if it does."""
    if text is None:
        if erasure is None:
            return f"entry {row.number} was emptied, and no erasure is on record"
        said = (erasure.identifier, erasure.sha256)
    else:
        if erasure is not None:
            return f"entry {row.number} is on record as erased, and is there"
        values = json.loads(text)
        said = (values["disclosure"]["id"], values["sha256"])
    if (row.identifier.hex(), row.sha256.hex()) != said:
        return f"the index of entry {row.number} does not match its body"
    return None


def _close(ledger: weakref.ref[Ledger]) -> None:
    if (one := ledger()) is not None:
        try:
            one.close()
        except Exception:
            _log.warning("the ledger %s was not closed cleanly", one.place, exc_info=True)
