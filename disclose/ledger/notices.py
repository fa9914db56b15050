"""Notices on record: which notice was sent, shown and acknowledged, and what left in the same session.

A table of events in the ledger's file, append-only and chained like the records. A session stands in it under a
pseudonym (:mod:`disclose.notice.pseudonym`); no person, no address and no words of anybody are recorded.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, MetaData, String, Table, exists, insert, select

from disclose.errors import LedgerError
from disclose.ledger import record
from disclose.ledger.store import Ledger, LedgerCheck, checked_chain

_METADATA = MetaData()
_EVENTS = Table(
    "notice_events",
    _METADATA,
    Column("sequence", Integer, primary_key=True),
    Column("session", String(64), nullable=False),
    Column("encounter", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("subject", String(32), nullable=False),
    Column("opening", Integer, nullable=False),
    Column("body", String, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Index("notice_events_by_session", "session", "encounter"),
    Index("notice_events_by_subject", "subject"),
)
_APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS notice_events_no_{verb} BEFORE {verb} ON notice_events "
    f"BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("update", "delete")
)


class State(StrEnum):
    """What happened: to a notice (sent, shown, acknowledged), or beside it (an output left, a session was exempt)."""

    SENT = "sent"
    SHOWN = "shown"
    ACKNOWLEDGED = "acknowledged"
    OUTPUT = "output"
    EXEMPT = "exempt"


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What is to be appended. ``subject`` is the id of the notice or of the output, 32 hexadecimal digits.

    ``session`` is a pseudonym; ``opening`` says that the notice is one for the beginning of an encounter.
    """

    session: str
    encounter: int
    state: State
    subject: str
    opening: bool = False
    details: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, kw_only=True)
class NoticeEvent(Happening):
    """What was appended, and its place in the chain."""

    sequence: int
    recorded: str
    previous: str
    hash: str


class NoticeLog:
    """The events of notices in the file of *ledger*; raises LedgerError wherever that cannot be used."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._appending = threading.Lock()
        with ledger.connection(writing=True) as connection:
            _METADATA.create_all(connection)
            for statement in _APPEND_ONLY:
                connection.exec_driver_sql(statement)

    def append(self, happening: Happening) -> NoticeEvent:
        """Append *happening*; it is on disk when this returns."""
        return self.advance(happening.subject, lambda earlier: [happening])[-1]

    def advance(self, subject: str, decide: Callable[[list[NoticeEvent]], Iterable[Happening]]) -> list[NoticeEvent]:
        """Append what *decide* makes of all events of *subject* so far, and return them with the new ones.

        Nobody appends in between: of two who want to take the same step at once, the second sees the first.
        """
        with self._appending, self._ledger.connection(writing=True) as connection:
            events = self._read(connection, _EVENTS.c.subject == subject)
            events += [_append(connection, happening) for happening in decide(events)]
        return events

    def of_subject(self, subject: str) -> list[NoticeEvent]:
        """Return all events of the notice or output *subject*, oldest first."""
        with self._ledger.connection() as connection:
            return self._read(connection, _EVENTS.c.subject == subject)

    def of_session(self, session: str) -> list[NoticeEvent]:
        """Return all events of the session with that pseudonym, oldest first."""
        with self._ledger.connection() as connection:
            return self._read(connection, _EVENTS.c.session == session)

    def outputs_before(self, state: State, session: str | None = None) -> list[NoticeEvent]:
        """Return the outputs that left before an opening notice of their encounter was in *state*.

        Encounters that went without a notice for a recorded reason are left out; with *session*, all other sessions.
        """
        notice = _EVENTS.alias("notice")
        told = exists().where(
            notice.c.session == _EVENTS.c.session,
            notice.c.encounter == _EVENTS.c.encounter,
            notice.c.sequence < _EVENTS.c.sequence,
            ((notice.c.state == state.value) & (notice.c.opening == 1)) | (notice.c.state == State.EXEMPT.value),
        )
        condition = (_EVENTS.c.state == State.OUTPUT.value) & ~told
        if session is not None:
            condition &= _EVENTS.c.session == session
        with self._ledger.connection() as connection:
            return self._read(connection, condition)

    def verify(self) -> LedgerCheck:
        """Check every event against its hash and its place in the chain."""
        with self._ledger.connection() as connection:
            rows = connection.execute(select(_EVENTS).order_by(_EVENTS.c.sequence))
            return checked_chain(rows, "event", _is_indexed_as_written)

    def _read(self, connection: Connection, condition: Any) -> list[NoticeEvent]:
        rows = connection.execute(select(_EVENTS).where(condition).order_by(_EVENTS.c.sequence)).all()
        try:
            return [_event(row.sequence, row.body, row.previous, row.hash) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"cannot read the notices in {self._ledger.path}: an event is not what was appended ({error})"
            ) from error


def _append(connection: Connection, happening: Happening) -> NoticeEvent:
    head = connection.execute(
        select(_EVENTS.c.sequence, _EVENTS.c.hash).order_by(_EVENTS.c.sequence.desc()).limit(1)
    ).first()
    sequence, previous = (1, record.GENESIS) if head is None else (head.sequence + 1, head.hash)
    text = _body(happening)
    own_hash = record.chained(previous, text)
    connection.execute(
        insert(_EVENTS).values(sequence=sequence, body=text, previous=previous, hash=own_hash, **_index(happening))
    )
    return _event(sequence, text, previous, own_hash)


def _body(happening: Happening) -> str:
    recorded = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return record.canonical({**_index(happening), "details": dict(happening.details), "recorded": recorded})


def _event(sequence: int, text: str, previous: str, own_hash: str) -> NoticeEvent:
    values = json.loads(text)
    return NoticeEvent(
        sequence=sequence,
        session=values["session"],
        encounter=values["encounter"],
        state=State(values["state"]),
        subject=values["subject"],
        opening=bool(values["opening"]),
        details=MappingProxyType(values["details"]),
        recorded=values["recorded"],
        previous=previous,
        hash=own_hash,
    )


def _index(happening: Happening) -> dict[str, Any]:
    """Return what stands in columns of its own, to be searched by."""
    return {
        "session": happening.session,
        "encounter": happening.encounter,
        "state": happening.state.value,
        "subject": happening.subject,
        "opening": int(happening.opening),
    }


def _is_indexed_as_written(row: Any) -> bool:
    written = _event(row.sequence, row.body, row.previous, row.hash)
    return all(getattr(row, name) == value for name, value in _index(written).items())
