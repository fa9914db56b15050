"""Proof: a notice is sent with a nonce, and counts as shown only once that nonce comes back from the client.

What was shown can be known from the client alone, so a claim without the nonce is refused, and nothing here says
"shown" of its own accord. Events are on record under the session's pseudonym (:mod:`disclose.ledger.notices`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from disclose.disclosure import Identifier
from disclose.errors import InputError
from disclose.notice.pseudonym import SessionKeys
from disclose.notice.schedule import Due
from disclose.notice.session import NoticeSession

if TYPE_CHECKING:
    from disclose.ledger import Ledger
    from disclose.ledger.notices import Happening, NoticeEvent, NoticeLog

KEYS = "sessions.sqlite"
"""The file of the session keys in a profile's folder."""
_OPENING = frozenset({"first", "day"})


@dataclass(frozen=True, kw_only=True)
class SentNotice:
    """A notice on its way: ``id`` and ``nonce`` (128 random bits each, in hexadecimal) go to the client with it."""

    id: str
    nonce: str


class NoticeProof:
    """Records what was sent, shown and acknowledged, and what left meanwhile."""

    def __init__(self, log: NoticeLog, keys: SessionKeys) -> None:
        self._log = log
        self._keys = keys

    @classmethod
    def open(cls, ledger: Ledger, folder: Path) -> Self:
        """Return the proofs in *ledger*, with the session keys in *folder*."""
        # Here and not above: SQLAlchemy takes longer to import than many commands take to run.
        from disclose.ledger.notices import NoticeLog

        return cls(NoticeLog(ledger), SessionKeys(folder / KEYS))

    def sent(self, session: NoticeSession, due: Due, *, language: str) -> SentNotice:
        """Record that the notice *due* leaves for the client; return its id and the nonce that proves its arrival."""
        from disclose.ledger.notices import Happening, State

        notice = SentNotice(id=secrets.token_hex(16), nonce=secrets.token_hex(16))
        details = {
            "kind": due.kind,
            "language": language,
            "rules": list(due.names),
            # Whoever reads the ledger learns nothing to claim with.
            "nonce_sha256": _hashed(notice.nonce),
        }
        self._log.append(
            Happening(
                session=self._keys.pseudonym(session.id),
                encounter=session.encounter,
                state=State.SENT,
                subject=notice.id,
                opening=bool(due.events & _OPENING),
                details=details,
            )
        )
        return notice

    def shown(self, id: str, nonce: str) -> None:
        """Record the client's signal that the notice *id* is rendered in view; said twice, it stands once.

        Raises InputError for a claim whose nonce is not that of the notice.
        """
        self._signal(id, nonce, "shown", via="rendered")

    def acknowledged(self, id: str, nonce: str) -> None:
        """Record that a person acknowledged the notice *id*, which shows too that it was shown.

        Raises InputError for a claim whose nonce is not that of the notice.
        """
        self._signal(id, nonce, "acknowledged", via="acknowledged")

    def output(self, session: NoticeSession, identifier: Identifier) -> None:
        """Record that the output *identifier* leaves in *session*; call it before the output is on its way."""
        from disclose.ledger.notices import Happening, State

        self._log.append(
            Happening(
                session=self._keys.pseudonym(session.id),
                encounter=session.encounter,
                state=State.OUTPUT,
                subject=f"{identifier.value << (128 - identifier.length):032x}",
            )
        )

    def exempt(self, session: NoticeSession) -> None:
        """Record why *session* goes without a notice, in the words it was begun with; raises ValueError without."""
        from disclose.ledger.notices import Happening, State

        if session.exemption is None:
            raise ValueError(f"the session was begun without a reason to go without a notice: {session.conditions}")
        details = {"kind": session.exemption.kind, "reason": session.exemption.reason}
        self._log.append(
            Happening(
                session=self._keys.pseudonym(session.id),
                encounter=session.encounter,
                state=State.EXEMPT,
                subject=secrets.token_hex(16),
                details=details,
            )
        )

    def history(self, session: str) -> list[NoticeEvent]:
        """Return all that is on record of the session with that id, oldest first; nothing once it was forgotten."""
        pseudonym = self._keys.find(session)
        return [] if pseudonym is None else self._log.of_session(pseudonym)

    def outputs_before_notice(
        self, session: str | None = None, *, state: Literal["sent", "shown", "acknowledged"] = "shown"
    ) -> list[NoticeEvent]:
        """Return the outputs that left before the notice of their encounter was in *state*; there are to be none.

        *session* (an id) narrows the question; a session that is not on record has none.
        """
        from disclose.ledger.notices import State

        pseudonym = None if session is None else self._keys.find(session)
        if session is not None and pseudonym is None:
            return []
        return self._log.outputs_before(State(state), pseudonym)

    def forget(self, session: str) -> bool:
        """Cut the link from the session's id to its events for good; returns whether there was one."""
        return self._keys.forget(session)

    def _signal(self, id: str, nonce: str, reached: str, *, via: str) -> None:
        from disclose.ledger.notices import Happening, State

        # Both come from a client, which may send anything.
        claimed = _hashed(nonce) if isinstance(nonce, str) else ""

        def decide(earlier: list[NoticeEvent]) -> Iterable[Happening]:
            sent = next((event for event in earlier if event.state is State.SENT), None)
            expected = "" if sent is None else str(sent.details["nonce_sha256"])
            if sent is None or not hmac.compare_digest(claimed, expected):
                raise InputError(
                    f"the claim that a notice was {reached} is refused: its nonce is not the one that the notice was"
                    " sent with; send back the id and the nonce that came with the notice"
                )
            known = {event.state for event in earlier}
            for state in (State.SHOWN, State.ACKNOWLEDGED):
                if state not in known:
                    yield Happening(
                        session=sent.session,
                        encounter=sent.encounter,
                        state=state,
                        subject=sent.subject,
                        opening=sent.opening,
                        details={"via": via},
                    )
                if state == reached:
                    return

        self._log.advance(str(id), decide)


def _hashed(nonce: str) -> str:
    return hashlib.sha256(nonce.encode("utf-8", "surrogatepass")).hexdigest()
