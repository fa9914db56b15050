"""The wording of the page, in the language that serves the reader best; English where there is none.

``locales/<language>/LC_MESSAGES/detector.po`` is what translators edit and what is read, as for the notices.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from disclose.errors import ProfileError
from disclose.evidence import is_unexamined
from disclose.notice import portable_object
from disclose.notice.languages import Direction, best, direction

SOURCE = "en"
_PLACEHOLDER = re.compile(r"\{[a-z]+\}")
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, kw_only=True)
class Words:
    """What the page says in one ``language`` (BCP 47), whose own ``name`` for itself it bears.

    ``said`` holds its templates by context.
    """

    language: str
    name: str
    direction: Direction
    said: Mapping[str, str]

    def __call__(self, context: str, **values: str) -> str:
        """Return the words for *context*, with *values* in their places."""
        template = self.said[context]
        # One pass over the translator's words: what a stranger wrote is no template.
        return _PLACEHOLDER.sub(lambda match: self._kept(values[match[0][1:-1]]), template) if values else template

    def _kept(self, value: str) -> str:
        """Return *value* kept together where it may be written against the direction of the text (UAX 9, isolates)."""
        return f"\u2068{value}\u2069" if self.direction == "rtl" else value

    def explain(self, found: Mapping[str, Any]) -> str:
        """Return the JSON-ready verdict *found* as plain sentences, as ``Verdict.explain`` does.

        Of what was not looked at it is not said that no mark was found.
        """
        if is_unreadable(found):
            return self("sentence.unreadable")
        if is_unexamined(found["outcome"], (item["layer"] for item in found["evidence"])):
            return self("sentence.unexamined")
        sentences = [self(f"sentence.{found['outcome']}")]
        statement = found["disclosure"]
        if found["outcome"] == "disclosed" and statement is not None:
            maker = statement["system"] + (f" {statement['version']}" if statement.get("version") else "")
            maker += f" ({statement['provider']})" if statement.get("provider") else ""
            time = f"{statement['created'][:16].replace('T', ' ')} UTC"
            sentences.append(self("sentence.maker", maker=maker, time=time))
        if any(item["trust"] == "untrusted" for item in found["evidence"]):
            sentences.append(self("sentence.untrusted"))
        return " ".join(sentences)

    def chance(self, p_value: float) -> str:
        """Return in words how often an unmarked file shows what was found with this p-value."""
        if p_value > 0.05:
            return self("chance.likely")
        exponent = math.floor(-math.log10(max(p_value, 1e-300)))
        number = str(math.floor(1 / p_value)) if exponent < 6 else f"10{str(exponent).translate(_SUPERSCRIPTS)}"
        return self("chance.words", number=number)


def is_unreadable(found: Mapping[str, Any]) -> bool:
    """Whether that it could not be read is all there is to say of a file."""
    return bool(found.get("error")) and found.get("outcome") in (None, "undetermined")


def words(wanted: str | Iterable[str]) -> Words:
    """Return the words in the language that serves *wanted* (BCP 47, most wanted first)."""
    known = catalogues()
    return known[best(wanted, known) or SOURCE]


def accepted(header: str) -> list[str]:
    """Return the languages of an Accept-Language *header*, most wanted first (RFC 9110, 12.5.4).

    >>> accepted("en;q=0.5, de-AT, fr;q=0")
    ['de-AT', 'en']
    """
    weighed: list[tuple[float, str]] = []
    for part in header[:500].split(","):
        tag, _, quality = part.partition(";")
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        weight = float(match[1]) if match else 1.0
        if weight > 0 and re.fullmatch(r"[A-Za-z0-9-]{1,35}", tag.strip()):
            weighed.append((-weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: pair[0])]


@cache
def catalogues() -> Mapping[str, Words]:
    """Return the words of all languages, English first; raises ProfileError where a catalogue is broken."""
    folder = files(__package__).joinpath("locales")
    places = sorted(folder.iterdir(), key=lambda place: (place.name != SOURCE, place.name))
    read = {place.name.replace("_", "-"): place.joinpath("LC_MESSAGES", "detector.po") for place in places}
    found = {name: _words(name, path.read_text("utf-8")) for name, path in read.items() if path.is_file()}
    for name, one in found.items():
        if faults := _faults(one, found[SOURCE]):
            raise ProfileError(f"the catalogue of the detector in {name} cannot be used: {'; '.join(faults)}")
    return MappingProxyType(found)


def _words(language: str, text: str) -> Words:
    try:
        header, entries = portable_object.read(text)
    except ValueError as error:
        raise ProfileError(f"the catalogue of the detector in {language} cannot be used: {error}") from error
    said = {entry.context: entry.forms[0] for entry in entries}
    name = header.get("x-language-name", language)
    return Words(language=language, name=name, direction=direction(language), said=MappingProxyType(said))


def _faults(one: Words, source: Words) -> list[str]:
    """Return what *one* lacks, or has otherwise than the *source*."""
    differing = sorted(one.said.keys() ^ source.said.keys())
    shared = one.said.keys() & source.said.keys()
    empty = [f"{context} is empty" for context in shared if not one.said[context].strip()]
    other = [
        f"{context} has other placeholders"
        for context in shared
        if set(_PLACEHOLDER.findall(one.said[context])) != set(_PLACEHOLDER.findall(source.said[context]))
    ]
    return [f"{context} is not in both" for context in differing] + empty + other
