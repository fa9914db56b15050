"""Notices on record: which notice was sent, shown and acknowledged, and what left in the same session.

A log of events in the ledger's database, append-only and under a Merkle tree of its own, like the records. A session
stands in it under a pseudonym (:mod:`disclose.notice.pseudonym`); no person, no address and no words of anybody are
recorded.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, exists, insert, select

from disclose.errors import LedgerError
from disclose.ledger import record
from disclose.ledger.erasure import now_text
from disclose.ledger.log import LedgerCheck
from disclose.ledger.store import Ledger
from disclose.ledger.tables import NOTICE_EVENTS as _EVENTS
from disclose.ledger.tables import LogName
from disclose.ledger.tree import leaf_hash

_SECONDS_BETWEEN_CHECKPOINTS = 1.0


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
    """What was appended, its number, and the hash of its leaf in the tree (hexadecimal)."""

    sequence: int
    recorded: str
    hash: str


class NoticeLog:
    """The events of notices in the database of *ledger*; raises LedgerError wherever that cannot be used."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._log = ledger.log(LogName.NOTICES)

    def append(self, happening: Happening) -> NoticeEvent:
        """Append *happening*; it is on disk when this returns."""
        return self.advance(happening.subject, lambda earlier: [happening])[-1]

    def advance(self, subject: str, decide: Callable[[list[NoticeEvent]], Iterable[Happening]]) -> list[NoticeEvent]:
        """Append what *decide* makes of all events of *subject* so far, and return them with the new ones.

        Nobody appends in between: of two who want to take the same step at once, the second sees the first.
        """
        with self._ledger.connection(writing=True) as connection:
            events = self._read(connection, _EVENTS.c.subject == subject)
            happenings = list(decide(events))
            numbers = self._log.numbers(connection, len(happenings))
            appended = [_append(connection, *one) for one in zip(numbers, happenings, strict=True)]
            if appended:
                note = self._log.settle(connection, at_most_every=_SECONDS_BETWEEN_CHECKPOINTS)
        if appended and note is not None:
            self._log.remember(note)
        return events + appended

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
            notice.c.number < _EVENTS.c.number,
            ((notice.c.state == state.value) & (notice.c.opening == 1)) | (notice.c.state == State.EXEMPT.value),
        )
        condition = (_EVENTS.c.state == State.OUTPUT.value) & ~told
        if session is not None:
            condition &= _EVENTS.c.session == session
        with self._ledger.connection() as connection:
            return self._read(connection, condition)

    def verify(self) -> LedgerCheck:
        """Check every event, the tree and every checkpoint."""
        return self._log.check(_fault, lambda row: str(row.body))

    def _read(self, connection: Connection, condition: Any) -> list[NoticeEvent]:
        rows = connection.execute(select(_EVENTS).where(condition).order_by(_EVENTS.c.number)).all()
        try:
            return [_event(row.number, row.body) for row in rows]
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerError(
                f"cannot read the notices in {self._ledger.place}: an event is not what was appended ({error})"
            ) from error


def _append(connection: Connection, number: int, happening: Happening) -> NoticeEvent:
    text = _body(happening)
    leaf = leaf_hash(text.encode())
    connection.execute(insert(_EVENTS).values(number=number, leaf=leaf, body=text, **_index(happening)))
    return _event(number, text)


def _body(happening: Happening) -> str:
    return record.canonical({**_index(happening), "details": dict(happening.details), "recorded": now_text()})


def _event(number: int, text: str) -> NoticeEvent:
    values = json.loads(text)
    return NoticeEvent(
        sequence=number,
        session=values["session"],
        encounter=values["encounter"],
        state=State(values["state"]),
        subject=values["subject"],
        opening=bool(values["opening"]),
        details=MappingProxyType(values["details"]),
        recorded=values["recorded"],
        hash=leaf_hash(text.encode()).hex(),
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


def _fault(row: Any, text: str | None) -> str | None:
    written = _index(_event(row.number, text or ""))
    if any(getattr(row, name) != value for name, value in written.items()):
        return f"the index of event {row.number} does not match its body"
    return None
