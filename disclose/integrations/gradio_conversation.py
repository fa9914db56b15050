"""What a deployment says of its conversations, and the words that its pages then show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from disclose.errors import ProfileError
from disclose.notice import WORDING, Kind, Notice, Text, Wording, wording
from disclose.notice.schedule import Due, Schedule
from disclose.notice.session import Exemption, NoticeSession

if TYPE_CHECKING:
    from disclose.profile import Profile

MOST_SECONDS = 24 * 3600
"""The longest that a page goes without asking: rules come into force, and each begins with a day."""
_OPENING = frozenset({"interaction", "agent"})
_SAID_IN_ANSWERS = "answer"


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """Who talks with the system, and about what: the same for every session of an app.

    ``conditions`` are those of :data:`disclose.notice.session.CONDITIONS`, ``principal`` is the person for whom an
    agent acts, ``jurisdictions`` are where the system is offered (by default those of the profile's preset, and the
    EU). ``obvious``, ``m2m`` and ``assistive`` are written reasons to go without a notice and stand in the ledger.
    ``clock`` returns the time with its zone. Raises ProfileError for what is misspelt, missing or without a reason.
    """

    conditions: tuple[str, ...] = ()
    principal: str | None = None
    jurisdictions: tuple[str, ...] = ()
    timezone: str = "UTC"
    obvious: str | None = None
    m2m: str | None = None
    assistive: str | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        for name in ("conditions", "jurisdictions"):
            if isinstance(given := getattr(self, name), str):
                raise ProfileError(
                    f"{name}={given!r} is one text where several are expected: write {name}=({given!r},)"
                )
        self.begin("checked here", self.clock())
        Schedule.load(*self.jurisdictions)
        if self.principal is not None and "agent" not in self.conditions:
            raise ProfileError("principal=… is the person for whom an agent acts: add 'agent' to conditions")
        self._said(self._first_kind, "en")

    @classmethod
    def of(cls, profile: Profile) -> Self:
        """Return what *profile* says of conversations: the reason to go without a notice, if there is one."""
        return cls(obvious=profile.obvious, m2m=profile.m2m, assistive=profile.assistive)

    def begin(self, id: str, now: datetime) -> NoticeSession:
        """Return the session *id*, which begins *now*."""
        return NoticeSession.begin(
            id,
            now,
            conditions=self.conditions,
            principal=self.principal,
            timezone=self.timezone,
            obvious=self.obvious,
            m2m=self.m2m,
            assistive=self.assistive,
        )

    @property
    def exemption(self) -> Exemption | None:
        """The reason to go without a notice, if there is one; rules that it does not waive stay in force."""
        return Exemption.of(obvious=self.obvious, m2m=self.m2m, assistive=self.assistive)

    @property
    def answers(self) -> bool:
        """Whether chats say what they are when asked: an obvious system does too, and no other is left without."""
        return not (self.m2m or self.assistive)

    def schedule(self, profile: Profile) -> Schedule:
        """Return the rules where the system is offered."""
        return Schedule.load(*self.jurisdictions) if self.jurisdictions else profile.schedule()

    def notice(self, given: Notice) -> Notice:
        """Return the first notice: *given*, in the words for an agent or for a child where these are due.

        Words of a deployment's own stay as they are; those of an agent that name no principal raise ProfileError.
        """
        if given.wording is WORDING:
            own = {language: _worded(self._said(self._first_kind, language)) for language in given.wording}
            return given if self._first_kind is Kind.INTERACTION else replace(given, wording=own)
        if self.principal is not None:
            for language, words in given.wording.items():
                if self.principal.strip() not in f"{words.headline} {words.detail}":
                    raise ProfileError(f"the notice in {language!r} does not name the principal, {self.principal}")
        return given

    def due(self, schedule: Schedule, session: NoticeSession, now: datetime) -> list[Due]:
        """Return what a page has to show at *now*, each in the kind of its words; what opens is said at once."""
        dues = [due for due in schedule.due(session, now) if due.kind != _SAID_IN_ANSWERS]
        opening = [due for due in dues if due.kind in _OPENING]
        if not opening:
            return dues
        rules = tuple(rule for due in opening for rule in due.rules)
        steps = tuple(step for due in opening for step in due.steps)
        first = Due(kind=self._first_kind.value, rules=rules, values=self._first_values, steps=steps)
        return [first, *(due for due in dues if due not in opening)]

    def seconds(self, schedule: Schedule, session: NoticeSession, now: datetime) -> int:
        """Return in how many whole seconds a page has to show something, :data:`MOST_SECONDS` at most."""
        # What is due once stays due until it was said, so that the moment can be enclosed.
        earliest, latest = 0, MOST_SECONDS
        while latest - earliest > 1:
            middle = (earliest + latest) // 2
            if self.due(schedule, session, now + timedelta(seconds=middle)):
                latest = middle
            else:
                earliest = middle
        return latest

    def words(self, notice: Notice, due: Due, language: str) -> dict[str, Any]:
        """Return what a page shows of *due* in *language*, one of *notice*."""
        if due.kind == self._first_kind.value:
            return {**asdict(notice.wording[language]), "language": language}
        text = _text(due.kind, language, due.values)
        return {**asdict(_worded(text)), "language": text.language}

    @property
    def _first_kind(self) -> Kind:
        if "agent" in self.conditions:
            return Kind.AGENT
        return Kind.CHILD if "minor" in self.conditions else Kind.INTERACTION

    @property
    def _first_values(self) -> dict[str, str | int]:
        return {"principal": self.principal} if self._first_kind is Kind.AGENT and self.principal else {}

    def _said(self, kind: Kind, language: str) -> Text:
        return _text(kind, language, self._first_values)


def is_opening(due: Due) -> bool:
    """Whether *due* opens an encounter, so that a page that has just come up shows it by itself."""
    return due.events <= {"first", "day"}


def preferred(header: str) -> Iterable[str]:
    """Return the languages of an ``Accept-Language`` *header*, in its order.

    >>> list(preferred("de-AT,de;q=0.9"))
    ['de-AT', 'de']
    """
    return [tag for part in header.split(",") if (tag := part.partition(";")[0].strip())]


def _text(kind: str, language: str, values: Mapping[str, Any]) -> Text:
    return wording(kind, language, **values)


def _worded(text: Text) -> Wording:
    return Wording(
        headline=text.headline, detail=text.long, button=text.button, label=text.label, direction=text.direction
    )
