"""Notice sessions: what one conversation has been told so far, as a state machine of values.

A door begins a session, reports what happens in it (a turn, a question about the system's nature, a person taking
over), and asks :class:`disclose.notice.schedule.Schedule` what is due. Every report returns a new session.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from disclose.errors import ProfileError
from disclose.spelling import suggestion

CONDITIONS = ("agent", "companion", "mental_health", "minor", "regulated", "sales", "trade")
"""What a deployment may say of a session, and what rules may ask for."""
KEY_STEPS = ("authorisation", "reporting", "validation")
"""The steps of an agent that name its principal (Guidelines C(2026) 5054, ¶31)."""
SHORTEST_REASON = 20
"""Characters that a written reason has at least: a word or two is no reason."""

_STEP_BACK = timedelta(seconds=1)
"""Clocks of two machines differ by less; a clock that goes back further is not believed."""
_ASKED_OF_A_REASON = {
    "obvious": "say who can reach the system and why none of them could take it for a person"
    " (AI Act Art. 50(1); Guidelines C(2026) 5054 ¶42-45: read restrictively, almost no doubt is left)",
    "m2m": "say which machine receives the output and that it reaches no person (Guidelines C(2026) 5054 ¶30)",
    "assistive": "say which person reviews and sends what the system drafts (Guidelines C(2026) 5054 ¶30)",
}


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """Why a session goes without a notice: ``kind`` is "obvious", "m2m" or "assistive", ``reason`` is in writing."""

    kind: str
    reason: str

    @classmethod
    def of(cls, **claims: object) -> Self | None:
        """Return the one exemption that *claims* make, or None; raises ProfileError for one without a reason."""
        made = {kind: reason for kind, reason in claims.items() if reason is not None and reason is not False}
        for kind, reason in made.items():
            if not isinstance(reason, str) or len(reason.strip()) < SHORTEST_REASON:
                raise ProfileError(
                    f"{kind}={reason!r} is no reason to leave the notice out, and the reason is recorded:"
                    f" {_ASKED_OF_A_REASON[kind]}"
                )
        if len(made) > 1:
            raise ProfileError(f"{' and '.join(made)} were both given; a session has one reason to go without a notice")
        return next((cls(kind=kind, reason=str(reason).strip()) for kind, reason in made.items()), None)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """When a rule was last served: the moment, the encounter, the seconds of use and the clock's steps back so far."""

    at: datetime
    encounter: int
    elapsed: float
    steps_back: int


class Served(Protocol):
    """What a delivery serves; :class:`disclose.notice.schedule.Due` is one."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules it serves."""
        ...

    @property
    def events(self) -> frozenset[str]:
        """What made it due."""
        ...


@dataclass(frozen=True, kw_only=True)
class NoticeSession:
    """One conversation: who is in it, what happened, and which rules were served when.

    An *encounter* is one person meeting the system: it begins with the session, with every new person and whenever
    the system takes over from a person again, and each has its own first notice. ``elapsed`` are the seconds with
    the system in charge; ``absent`` the longest absence that no notice has answered; ``clock`` the latest reading.
    ``principal`` is the person an agent acts for. ``human`` is the named person in charge, while there is one.
    """

    id: str
    clock: datetime
    present: datetime
    encounter: int = 1
    elapsed: float = 0.0
    absent: float = 0.0
    steps_back: int = 0
    asked: bool = False
    steps: tuple[str, ...] = ()
    human: str | None = None
    principal: str | None = None
    conditions: frozenset[str] = frozenset()
    exemption: Exemption | None = None
    timezone: str = "UTC"
    deliveries: Mapping[str, Delivery] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def begin(
        cls,
        id: str,
        now: datetime,
        *,
        conditions: Iterable[str] = (),
        principal: str | None = None,
        timezone: str = "UTC",
        obvious: str | None = None,
        m2m: str | None = None,
        assistive: str | None = None,
    ) -> Self:
        """Return a session that begins *now*, before its first turn.

        ``obvious``, ``m2m`` and ``assistive`` leave notices out and take the reason in writing. Raises ProfileError
        for a condition that is misspelt, an agent without its principal, a time zone that does not exist.
        """
        known = frozenset(conditions)
        for condition in sorted(known):
            if condition not in CONDITIONS:
                raise ProfileError(f"there is no condition {condition!r}: {suggestion(condition, CONDITIONS)}")
        if "agent" in known and not (principal or "").strip():
            raise ProfileError(
                "an agent names the person on whose behalf it acts: pass principal='…' (Guidelines C(2026) 5054, ¶31)"
            )
        _zone(timezone)
        return cls(
            id=id,
            clock=_aware(now),
            present=_aware(now),
            conditions=known,
            principal=principal,
            timezone=timezone,
            exemption=Exemption.of(obvious=obvious, m2m=m2m, assistive=assistive),
        )

    @property
    def badge(self) -> bool:
        """Whether the badge stands: always, except while a named person is in charge."""
        return self.human is None

    def turn(self, now: datetime, *, asked: bool = False) -> Self:
        """Return the session after the person's turn; *asked* if it was about the system's nature."""
        session = self._advanced(now)
        away = max(0.0, (session.clock - self.present).total_seconds())
        asked = session.human is None and (asked or session.asked)
        return replace(session, present=session.clock, absent=max(self.absent, away), asked=asked)

    def step(self, name: str, now: datetime) -> Self:
        """Return the session of an agent about to take the key step *name*."""
        if name not in KEY_STEPS:
            raise ProfileError(f"there is no key step {name!r}: {suggestion(name, KEY_STEPS)}")
        if self.principal is None:
            raise ProfileError(f"the key step {name} names a principal, and this session has none: pass principal='…'")
        session = self._advanced(now)
        return session if session.human else replace(session, steps=tuple(dict.fromkeys((*session.steps, name))))

    def joined(self, now: datetime) -> Self:
        """Return the session after another person came in, who meets the system for the first time.

        Timers go on: whoever was there before is still reminded in time.
        """
        session = self._advanced(now)
        return replace(session, encounter=session.encounter + 1)

    def taken_over(self, human: str, now: datetime) -> Self:
        """Return the session with the person named *human* in charge: no badge, no timers, nothing due."""
        if not isinstance(human, str) or not human.strip():
            raise ProfileError("a person who takes over is named: pass human='…', as people will read it")
        return replace(self._advanced(now), human=human.strip(), asked=False, steps=())

    def handed_back(self, now: datetime) -> Self:
        """Return the session with the system in charge again, which makes a first notice due again."""
        session = self._advanced(now)
        if session.human is None:
            return session
        return replace(session, human=None, encounter=session.encounter + 1)

    def delivered(self, served: Served, now: datetime) -> Self:
        """Return the session after *served* was delivered."""
        session = self._advanced(now)
        delivery = Delivery(
            at=session.clock, encounter=session.encounter, elapsed=session.elapsed, steps_back=session.steps_back
        )
        return replace(
            session,
            deliveries=MappingProxyType({**session.deliveries, **dict.fromkeys(served.names, delivery)}),
            asked=session.asked and "asked" not in served.events,
            absent=0.0 if "absence" in served.events else session.absent,
            present=session.clock if "absence" in served.events else session.present,
            steps=() if "step" in served.events else session.steps,
        )

    def elapsed_at(self, now: datetime) -> float:
        """Return the seconds of use until *now*."""
        passed = (_aware(now) - self.clock).total_seconds()
        return self.elapsed + (max(0.0, passed) if self.human is None else 0.0)

    def steps_back_at(self, now: datetime) -> int:
        """Return how often the clock went back until *now*; after that, nobody knows how much time has passed."""
        return self.steps_back + (_aware(now) < self.clock - _STEP_BACK)

    def absent_at(self, now: datetime) -> float:
        """Return the seconds of the longest absence that no notice has answered, until *now*."""
        return max(self.absent, (_aware(now) - self.present).total_seconds())

    def day_of(self, moment: datetime) -> date:
        """Return the day that *moment* falls on where the person is."""
        return moment.astimezone(_zone(self.timezone)).date()

    def to_json(self) -> str:
        """Return the session as JSON."""
        values = asdict(replace(self, deliveries={}))
        values["conditions"] = sorted(self.conditions)
        values["deliveries"] = {name: asdict(delivery) for name, delivery in self.deliveries.items()}
        return json.dumps(values, default=datetime.isoformat, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what :meth:`to_json` wrote; raises ValueError, KeyError or TypeError on anything else."""
        values: dict[str, Any] = json.loads(text)
        values |= {name: datetime.fromisoformat(values[name]) for name in ("clock", "present")}
        values["conditions"] = frozenset(values["conditions"])
        values["steps"] = tuple(values["steps"])
        values["exemption"] = values["exemption"] and Exemption(**values["exemption"])
        values["deliveries"] = MappingProxyType(
            {
                name: Delivery(**{**delivery, "at": datetime.fromisoformat(delivery["at"])})
                for name, delivery in values["deliveries"].items()
            }
        )
        return cls(**{one.name: values[one.name] for one in fields(cls)})

    def _advanced(self, now: datetime) -> Self:
        return replace(self, clock=_aware(now), elapsed=self.elapsed_at(now), steps_back=self.steps_back_at(now))


class Sessions:
    """The sessions of one process, shared by its threads; beyond *limit* the longest unused is forgotten.

    A session that is forgotten begins anew, so its person is told once more: nothing is lost by it.
    """

    def __init__(self, *, limit: int = 100_000, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, NoticeSession] = OrderedDict()

    def change(
        self,
        id: str,
        transition: Callable[[NoticeSession, datetime], NoticeSession],
        *,
        begin: Callable[[str, datetime], NoticeSession] = NoticeSession.begin,
    ) -> NoticeSession:
        """Return the session *id* after *transition*, begun by *begin* if it is new; one change at a time.

        >>> sessions = Sessions()
        >>> sessions.change("a", lambda session, now: session.turn(now, asked=True)).asked
        True
        """
        with self._lock:
            # Read under the lock, or two threads would seem to set the clock back.
            now = self._clock()
            session = self._sessions.get(id) or begin(id, now)
            session = self._sessions[id] = transition(session, now)
            self._sessions.move_to_end(id)
            if len(self._sessions) > self._limit:
                self._sessions.popitem(last=False)
        return session

    def forget(self, id: str) -> None:
        """Forget the session *id*."""
        with self._lock:
            self._sessions.pop(id, None)

    def to_json(self) -> str:
        """Return all sessions as JSON, the longest unused first."""
        with self._lock:
            return "[" + ",".join(session.to_json() for session in self._sessions.values()) + "]"

    def load_json(self, text: str) -> None:
        """Add the sessions that :meth:`to_json` wrote; those that are here already stay as they are."""
        read = [NoticeSession.from_json(json.dumps(values)) for values in json.loads(text)]
        with self._lock:
            here = self._sessions
            self._sessions = OrderedDict((session.id, session) for session in read[-self._limit :])
            self._sessions.update(here)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        # Windows has no time zones of its own, and this one needs no table.
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ProfileError(f"there is no time zone {name!r}; use a name such as 'Europe/Paris'") from error


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone, and an hour of doubt loses a reminder: use datetime.now(UTC)")
    return moment.astimezone(UTC)
