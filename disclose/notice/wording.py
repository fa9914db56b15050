"""The wording of notices and labels: any kind, in the language that serves the reader best.

The interaction notice names the artificial nature of the counterpart in plain words, as Article 50(1) of the EU AI
Act asks; the Commission's guidelines name "assistant", "services on this website use AI" and "uses LLMs" as not enough.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from disclose.errors import ProfileError
from disclose.notice.catalogue import SOURCE, Catalogue, ReviewState, catalogues
from disclose.notice.catalogue_faults import COUNTABLE
from disclose.notice.kinds import COUNTED, PARTS, SHARED, Kind, placeholders
from disclose.notice.languages import Direction, best, direction

_LONGEST = 200
_ISOLATE = {"ltr": "\u2066", "rtl": "\u2067"}
_END_OF_ISOLATE = "\u2069"


@dataclass(frozen=True, kw_only=True)
class Wording:
    """What the notice says in one language; ``label`` names it for screen readers."""

    headline: str
    detail: str
    button: str
    label: str
    direction: Direction = "ltr"


@dataclass(frozen=True, kw_only=True)
class Text:
    """What is said on one occasion, as plain text; parts that the kind has no use for are empty.

    ``language`` (BCP 47) and ``direction`` belong into the attributes ``lang`` and ``dir`` of the element that shows
    it. ``is_fallback`` says that none of the languages asked for was there.
    """

    kind: Kind
    language: str
    direction: Direction
    is_fallback: bool
    headline: str
    short: str = ""
    long: str = ""
    button: str = ""
    label: str = ""

    def __str__(self) -> str:
        return self.headline


def wording(kind: Kind | str, language: str | Iterable[str], *, fallback: str = SOURCE, **values: str | int) -> Text:
    """Return the words of *kind* in the language that serves *language* best (BCP 47, most wanted first).

    *values* fill the placeholders: ``principal`` of an agent, ``function`` of emotion recognition and biometric
    categorisation, ``hours`` of reminders. Raises ProfileError for one that is missing, unknown or empty.

    >>> print(wording("agent", "de-AT", principal="Acme GmbH"))
    Sie interagieren mit einem KI-System. Es handelt im Auftrag von Acme GmbH.
    >>> wording("badge", "sr").is_fallback
    True
    """
    kind = _kind(kind)
    known = catalogues()
    if fallback not in known:
        raise ProfileError(f"there is no wording in {fallback!r} to fall back to; there is {', '.join(known)}")
    chosen = best(language, known)
    catalogue = known[chosen or fallback]
    count = _checked(kind, values)
    parts = {part: (kind, part) for part in PARTS[kind]}
    parts |= {part: where for (owner, part), where in SHARED.items() if owner is kind}
    way = direction(catalogue.language)
    said = {part: _filled(catalogue.template(*where, count=count), values, way) for part, where in parts.items()}
    said.setdefault("label", said["headline"])
    return Text(kind=kind, language=catalogue.language, direction=way, is_fallback=chosen is None, **said)


def review_state(language: str) -> ReviewState:
    """Return who has looked at the wording in *language*, one of those there are; raises ProfileError for others."""
    known = catalogues()
    if language not in known:
        raise ProfileError(f"there is no wording in {language!r}; there is {', '.join(known)}")
    return known[language].review.state


def _kind(kind: Kind | str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise ProfileError(f"there is no wording of the kind {kind!r}; there is {', '.join(Kind)}") from None


def _checked(kind: Kind, values: Mapping[str, str | int]) -> int:
    """Return the number in *values*, 1 where there is none; raises ProfileError where *kind* wants other values."""
    needed = placeholders(kind)
    if missing := needed - values.keys():
        raise ProfileError(f"the wording {kind.value!r} needs {min(missing)}=…: it names {_NAMES[min(missing)]}")
    if unknown := values.keys() - needed:
        raise ProfileError(f"the wording {kind.value!r} has no place for {min(unknown)}=…: leave it out")
    for name, value in values.items():
        if name == COUNTED:
            if not isinstance(value, int) or isinstance(value, bool) or value not in COUNTABLE:
                raise ProfileError(f"{name}={value!r} is no whole number from {COUNTABLE[0]} to {COUNTABLE[-1]}")
        elif not isinstance(value, str) or not value.strip() or len(value) > _LONGEST or not _is_plain(value):
            raise ProfileError(f"{name}=… names {_NAMES[name]} in one line of 1 to {_LONGEST} plain characters")
    return int(values.get(COUNTED, 1))


_NAMES = {
    "principal": "whom the agent acts for (Commission guidelines on Article 50 of the AI Act, point 31)",
    "function": "the function in operation, which a general notice does not (AI Act, Article 50(3))",
    COUNTED: "how many hours",
}


def _is_plain(value: str) -> bool:
    # Direction overrides could turn the sentence around the name.
    return not any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in value)


def _filled(template: str, values: Mapping[str, str | int], way: Direction) -> str:
    said = {name: _isolated(str(value).strip(), way) for name, value in values.items()}
    return template.format_map(said)


def _isolated(value: str, way: Direction) -> str:
    """Return *value*, kept together where it is written against the direction of the text (UAX 9, isolates)."""
    classes = (unicodedata.bidirectional(character) for character in value)
    first = next((found for found in classes if found in ("L", "R", "AL")), None)
    own: Direction | None = None if first is None else "ltr" if first == "L" else "rtl"
    return value if own in (None, way) else f"{_ISOLATE[own]}{value}{_END_OF_ISOLATE}"


def _interaction(catalogue: Catalogue) -> Wording:
    said = {part: catalogue.template(Kind.INTERACTION, part) for part in PARTS[Kind.INTERACTION]}
    return Wording(
        headline=said["headline"],
        detail=said["long"],
        button=said["button"],
        label=said["label"],
        direction=direction(catalogue.language),
    )


# Read here, so that a broken catalogue stops a server from starting and not its first answer.
WORDING: Mapping[str, Wording] = MappingProxyType(
    {language: _interaction(catalogue) for language, catalogue in catalogues().items()}
)
"""The interaction notice in every language there is."""
