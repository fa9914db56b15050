"""Schedule: which notices are due in a session, by the rules of the jurisdictions it is offered in.

The rules are data (``schedule.toml``), each with its clause. They say when words are due; whether a deployment meets
its duties is for people to judge.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Self

from disclose.errors import ProfileError
from disclose.notice.session import CONDITIONS, NoticeSession
from disclose.spelling import suggestion

_HOUR = 3600.0
_MOST_HOURS = 168
_FIRST_TO_BEGIN_A_DAY = timedelta(hours=14)
"""Where a day begins first, it is this far ahead of UTC: no rule begins late anywhere."""
_EXEMPTIONS = ("obvious", "m2m", "assistive")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One duty: ``event`` (with ``period``, seconds, where it has one) makes wording of ``kind`` due.

    It holds where all of ``when`` and none of ``unless`` are conditions of the session; ``says`` is what the clause
    wants to be among the words, in English.
    """

    name: str
    jurisdiction: str
    clause: str
    event: str
    kind: str
    valid_from: date
    period: float = 0.0
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    waived_by: frozenset[str] = frozenset()
    says: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.event not in _EVENTS:
            raise ValueError(f"rule {self.name}: there is no event {self.event!r}")
        if (self.event in ("period", "absence")) != (self.period > 0):
            raise ValueError(f"rule {self.name}: a period or an absence has a length, and nothing else has")
        if unknown := (self.when | self.unless) - set(CONDITIONS) | self.waived_by - set(_EXEMPTIONS):
            raise ValueError(f"rule {self.name}: unknown {', '.join(sorted(unknown))}")

    def holds(self, session: NoticeSession, now: datetime) -> bool:
        """Whether the rule is in force *now* and concerns *session*."""
        waived = session.exemption is not None and session.exemption.kind in self.waived_by
        return (
            self.valid_from <= (now + _FIRST_TO_BEGIN_A_DAY).astimezone(UTC).date()
            and self.when <= session.conditions
            and not self.unless & session.conditions
            and not waived
        )

    def is_due(self, session: NoticeSession, now: datetime) -> bool:
        """Whether its event has come to pass since the rule was last served."""
        return _EVENTS[self.event](self, session, now)


@dataclass(frozen=True, kw_only=True)
class Due:
    """One notice that is due: wording of ``kind`` with its ``values``, and the rules that it serves.

    ``steps`` are the key steps that an agent is about to take.
    """

    kind: str
    rules: tuple[Rule, ...]
    values: Mapping[str, str | int]
    steps: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules it serves."""
        return tuple(rule.name for rule in self.rules)

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses it serves, each once."""
        return tuple(dict.fromkeys(rule.clause for rule in self.rules))

    @property
    def says(self) -> tuple[str, ...]:
        """What the clauses want to be among the words, each once."""
        return tuple(dict.fromkeys(words for rule in self.rules for words in rule.says))

    @property
    def events(self) -> frozenset[str]:
        """What made it due."""
        return frozenset(rule.event for rule in self.rules)


@dataclass(frozen=True)
class Schedule:
    """The rules of some jurisdictions.

    >>> session = NoticeSession.begin("a", datetime(2026, 12, 1, tzinfo=UTC))
    >>> [due.kind for due in Schedule.load("eu").due(session, session.clock)]
    ['interaction']
    """

    rules: tuple[Rule, ...]

    @classmethod
    def load(cls, *jurisdictions: str) -> Self:
        """Return the rules of *jurisdictions*, of all where none is named; ProfileError for one without rules."""
        known = tuple(dict.fromkeys(rule.jurisdiction for rule in _rules()))
        for jurisdiction in jurisdictions:
            if jurisdiction not in known:
                raise ProfileError(
                    f"there are no rules for notices of {jurisdiction!r}: {suggestion(jurisdiction, known)}"
                )
        return cls(tuple(rule for rule in _rules() if rule.jurisdiction in (jurisdictions or known)))

    def due(self, session: NoticeSession, now: datetime) -> list[Due]:
        """Return what is due in *session* at *now* (with its time zone), one item for each kind of wording.

        After a clock that went back every timer is due: a reminder may come early, and never late.
        """
        if session.human is not None:
            return []
        found: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if rule.holds(session, now) and rule.is_due(session, now):
                found.setdefault(rule.kind, []).append(rule)
        return [_due(session, now, kind, tuple(rules)) for kind, rules in found.items()]


def _due(session: NoticeSession, now: datetime, kind: str, rules: tuple[Rule, ...]) -> Due:
    steps = session.steps if any(rule.event == "step" for rule in rules) else ()
    return Due(kind=kind, rules=rules, values=MappingProxyType(_values(session, now, kind, rules)), steps=steps)


def _values(session: NoticeSession, now: datetime, kind: str, rules: tuple[Rule, ...]) -> dict[str, str | int]:
    """Return what the wording of *kind* has to name (:data:`disclose.notice.kinds.PARTS`)."""
    if kind == "agent":
        assert session.principal is not None
        return {"principal": session.principal}
    if kind == "reminder":
        # It says how often it comes, and the other says how long the use has been.
        return {"hours": int(min(rule.period for rule in rules) / _HOUR)}
    if kind == "reminder_minor":
        return {"hours": min(max(1, int(session.elapsed_at(now) / _HOUR)), _MOST_HOURS)}
    return {}


def _first(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    last = session.deliveries.get(rule.name)
    return last is None or last.encounter < session.encounter


def _asked(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    return session.asked


def _step(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    return bool(session.steps)


def _period(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    last = session.deliveries.get(rule.name)
    since = 0.0 if last is None else last.elapsed
    return session.elapsed_at(now) - since >= rule.period or _doubted(rule, session, now)


def _absence(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    return session.absent_at(now) >= rule.period or _doubted(rule, session, now)


def _day(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    last = session.deliveries.get(rule.name)
    if last is None or last.encounter < session.encounter:
        return True
    return session.day_of(now) != session.day_of(last.at) or _doubted(rule, session, now)


def _doubted(rule: Rule, session: NoticeSession, now: datetime) -> bool:
    """Whether the clock went back since the rule was last served."""
    last = session.deliveries.get(rule.name)
    return session.steps_back_at(now) > (0 if last is None else last.steps_back)


_EVENTS: Mapping[str, Callable[[Rule, NoticeSession, datetime], bool]] = MappingProxyType(
    {"first": _first, "asked": _asked, "step": _step, "period": _period, "absence": _absence, "day": _day}
)


@cache
def _rules() -> tuple[Rule, ...]:
    tables = tomllib.loads(files(__package__).joinpath("schedule.toml").read_text("utf-8"))
    return tuple(_rule(name, dict(table)) for name, table in tables.items())


def _rule(name: str, table: dict[str, object]) -> Rule:
    sets = {key: frozenset(_texts(table.pop(key, ()))) for key in ("when", "unless", "waived_by")}
    hours = table.pop("period_hours", 0)
    assert isinstance(hours, (int, float))
    says = tuple(_texts(table.pop("says", ())))
    return Rule(name=name, period=hours * _HOUR, says=says, **sets, **table)  # type: ignore[arg-type]


def _texts(value: object) -> Iterable[str]:
    assert isinstance(value, (list, tuple))
    return (str(one) for one in value)
