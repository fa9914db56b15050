"""What makes a catalogue unfit to be shown: gaps, wrong placeholders, markup, translations of words since changed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from disclose.notice.kinds import COUNTED, PARTS
from disclose.notice.portable_object import Entry

COUNTABLE = range(1, 169)
"""The numbers that wording is written for: hours, up to a week."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_MARKUP = re.compile(r"[<>]|&[#\w]+;|\]\(|`|\*\*")
_JOINERS = "\u200c\u200d"


def faults_of(entries: tuple[Entry, ...], used: tuple[int, ...], source: Mapping[str, str] | None) -> Iterator[str]:
    """Yield what is wrong with *entries*; *used* says of each plural form for how many of the numbers it stands."""
    expected = {f"{kind}.{part}": name for kind, parts in PARTS.items() for part, name in parts.items()}
    found = {entry.context: entry for entry in entries}
    yield from (f"{context} is missing" for context in expected if context not in found)
    for context, entry in found.items():
        if context not in expected:
            yield f"line {entry.line}: {context!r} is unknown"
            continue
        where = f"line {entry.line}: {context}"
        if source is not None and entry.source != source.get(context, entry.source):
            yield f"{where} translates {entry.source!r}, which now reads {source[context]!r}"
        yield from (f"{where} {fault}" for fault in _form_faults(entry, expected[context], used))


def _form_faults(entry: Entry, placeholder: str, used: tuple[int, ...]) -> Iterator[str]:
    expected = len(used) if placeholder == COUNTED else 1
    if len(entry.forms) != expected or (entry.source_plural is not None) != (placeholder == COUNTED):
        yield f"has {len(entry.forms)} form(s) where {expected} belong"
        return
    for index, form in enumerate(entry.forms):
        names = set(_PLACEHOLDER.findall(form))
        # Only a form that stands for a single number can do without it: "every hour".
        is_alone = placeholder == COUNTED and used[index] <= 1
        if placeholder and placeholder not in names and not is_alone:
            yield f"lacks the placeholder {{{placeholder}}}"
        if unknown := names - {placeholder}:
            yield f"has the unknown placeholder {{{min(unknown)}}}"
        yield from _text_faults(form)


def _text_faults(form: str) -> Iterator[str]:
    if not form.strip() or form != form.strip():
        yield "is empty" if not form.strip() else "begins or ends with a space"
    if re.search(r"[{}]", _PLACEHOLDER.sub("", form)):
        yield "has a brace that belongs to no placeholder"
    if _MARKUP.search(form):
        yield "has markup; it is shown as plain text"
    unseen = "" if form.isprintable() else [character for character in form if character not in _JOINERS]
    if any(unicodedata.category(character) in ("Cc", "Cf") for character in unseen):
        yield "has control characters"
