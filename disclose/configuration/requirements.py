"""Requirements: what a clause needs a profile to say, and what of it is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from disclose.configuration.settings import SETTINGS, STATEMENT


class When(Enum):
    """The condition under which a requirement stands."""

    ALWAYS = auto()
    SIGNED_AS_ONESELF = auto()
    WITH_DEEPFAKES = auto()
    NOT_LABELLED_ELSEWHERE = auto()


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """``setting`` has to be set, or to hold the name ``holds``; ``binding=False`` where it is merely encouraged."""

    setting: str
    clause: str
    reason: str
    holds: str = ""
    when: When = When.ALWAYS
    binding: bool = True

    def is_met_by(self, values: Mapping[str, Any]) -> bool:
        """Whether *values*, by the names of settings, say what is required."""
        if not _CONDITIONS[self.when](values):
            return True
        value = values.get(self.setting)
        return self.holds in value if self.holds and value else bool(value)

    @property
    def is_of_the_statement(self) -> bool:
        """Whether the statement of a single call can meet it."""
        return self.setting.startswith(STATEMENT)

    def __str__(self) -> str:
        lacking = f"{self.setting} lacks {self.holds!r}" if self.holds else f"{self.setting} is not set"
        return f"{lacking}: {self.reason} ({self.clause}); {_way_to_set(self.setting)}"


_CONDITIONS: Mapping[When, Callable[[Mapping[str, Any]], Any]] = {
    When.ALWAYS: lambda values: True,
    When.SIGNED_AS_ONESELF: lambda values: values.get("certificates") or values.get("signer_reference"),
    When.WITH_DEEPFAKES: lambda values: values.get("deepfakes") and not values.get("labelled_elsewhere"),
    When.NOT_LABELLED_ELSEWHERE: lambda values: not values.get("labelled_elsewhere"),
}


def unmet(requirements: Iterable[Requirement], values: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Return those of *requirements* that *values* do not meet."""
    return tuple(one for one in requirements if not one.is_met_by(values))


def _way_to_set(name: str) -> str:
    key = f"{name.removeprefix(STATEMENT)} under [statement]" if name.startswith(STATEMENT) else name
    return f"set {key} in disclose.toml, or {SETTINGS[name].environment}"
