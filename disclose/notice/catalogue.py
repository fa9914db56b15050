"""Catalogues: the wording of one language, read from its portable object and refused where it is broken.

``locales/<language>/LC_MESSAGES/disclose.po`` is what translators edit, what a wheel ships and what is read: nothing
is compiled, so nothing can be out of date.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from gettext import c2py
from importlib.resources import files
from types import MappingProxyType

from disclose.errors import ProfileError
from disclose.notice import portable_object
from disclose.notice.catalogue_faults import COUNTABLE, faults_of
from disclose.notice.kinds import Kind

SOURCE = "en"
"""The language that the others are translated from."""

_PLURAL_FORMS = re.compile(r"nplurals\s*=\s*([1-9])\s*;\s*plural\s*=\s*([^;]+?)\s*;?")


class ReviewState(StrEnum):
    """Who has looked at a translation."""

    SOURCE = "source"
    MACHINE_DRAFTED = "machine-drafted"
    REVIEWED_BY_NATIVE = "reviewed-by-native"
    REVIEWED_BY_LAWYER = "reviewed-by-lawyer"


@dataclass(frozen=True, kw_only=True)
class Review:
    """The state of a translation, and by whom and when it was brought into it."""

    state: ReviewState
    by: str
    on: date


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The wording of one language (BCP 47); ``name`` is the language's own name for itself."""

    language: str
    name: str
    review: Review
    _forms: Mapping[tuple[Kind, str], tuple[str, ...]]
    _form_of: Callable[[int], int]

    def template(self, kind: Kind, part: str, count: int = 1) -> str:
        """Return the words of *part*, with its placeholders in braces; of those that count, the form for *count*."""
        forms = self._forms[kind, part]
        return forms[self._form_of(count)] if len(forms) > 1 else forms[0]

    @classmethod
    def read(cls, language: str, text: str, *, name: str, source: Mapping[str, str] | None = None) -> Catalogue:
        """Return the catalogue in the portable object *text*, which is called *name* in errors.

        *source* holds the words that the translation is of, by context. Raises ProfileError with every fault that
        was found.
        """
        try:
            header, entries = portable_object.read(text)
            used, form_of = _plural_forms(header.get("plural-forms", ""))
            review = _review(header)
        except ValueError as error:
            raise ProfileError(_refusal(name, [str(error)])) from error
        faults = [*_header_faults(language, header), *faults_of(entries, used, source)]
        if faults:
            raise ProfileError(_refusal(name, faults))
        return cls(
            language=language,
            name=header["x-language-name"],
            review=review,
            _forms=MappingProxyType({_place(entry.context): entry.forms for entry in entries}),
            _form_of=form_of,
        )


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """Return the catalogues of all languages, by language; raises ProfileError where one is broken."""
    folder = files(__package__).joinpath("locales")
    texts: dict[str, str] = {}
    for place in sorted(folder.iterdir(), key=lambda place: place.name):
        path = place.joinpath("LC_MESSAGES", "disclose.po")
        if path.is_file():
            try:
                texts[place.name.replace("_", "-")] = path.read_bytes().decode("utf-8")
            except UnicodeDecodeError as error:
                raise ProfileError(_refusal(_name(place.name), [f"it is not UTF-8: {error}"])) from error
    return MappingProxyType(read_all(texts))


def read_all(texts: Mapping[str, str]) -> dict[str, Catalogue]:
    """Return the catalogues in *texts*, portable objects by language; each is held against that of English."""
    if SOURCE not in texts:
        raise ProfileError(
            f"the catalogue {_name(SOURCE)} is missing, which all others are translated from: restore it"
        )
    source = sources(texts[SOURCE])
    return {
        language: Catalogue.read(language, text, name=_name(language), source=source)
        for language, text in texts.items()
    }


def sources(text: str) -> dict[str, str]:
    """Return the words that the portable object *text* translates, by context."""
    try:
        return {entry.context: entry.source for entry in portable_object.read(text)[1]}
    except ValueError as error:
        raise ProfileError(_refusal(_name(SOURCE), [str(error)])) from error


def _place(context: str) -> tuple[Kind, str]:
    kind, _, part = context.partition(".")
    return Kind(kind), part


def _name(language: str) -> str:
    return f"disclose/notice/locales/{language.replace('-', '_')}/LC_MESSAGES/disclose.po"


def _refusal(name: str, faults: list[str]) -> str:
    return f"the catalogue {name} cannot be used: {'; '.join(faults)}. Correct it, or restore it from the release"


def _plural_forms(text: str) -> tuple[tuple[int, ...], Callable[[int], int]]:
    """Return for how many of the numbers each plural form stands, and what chooses among the forms."""
    match = _PLURAL_FORMS.fullmatch(text)
    if match is None:
        raise ValueError(f"the header Plural-Forms says {text!r} and not nplurals=…; plural=…;")
    form_of = c2py(match[2])
    chosen = Counter(form_of(number) for number in COUNTABLE)
    if not chosen.keys() <= set(range(int(match[1]))):
        raise ValueError(f"the header Plural-Forms leads to a form that is not among its {match[1]}")
    return tuple(chosen[form] for form in range(int(match[1]))), form_of


def _review(header: Mapping[str, str]) -> Review:
    state, by, on = (header.get(name, "") for name in ("x-review-state", "last-translator", "po-revision-date"))
    if state not in set(ReviewState):
        raise ValueError(f"the header X-Review-State says {state!r}; there is {', '.join(ReviewState)}")
    if not by:
        raise ValueError("the header Last-Translator does not say who is behind X-Review-State")
    try:
        return Review(state=ReviewState(state), by=by, on=date.fromisoformat(on[:10]))
    except ValueError:
        raise ValueError(f"the header PO-Revision-Date says {on!r}, which begins with no date") from None


def _header_faults(language: str, header: Mapping[str, str]) -> Iterator[str]:
    said = header.get("language", "").replace("_", "-")
    if said != language:
        yield f"the header Language says {said!r} where {language!r} belongs"
    if not header.get("x-language-name"):
        yield "the header X-Language-Name is missing, the language's own name for itself"
