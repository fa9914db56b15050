"""The linter: refuse, by name, wording and placements that do not tell people that they meet an AI system.

It finds what the rules name as not enough. That it finds nothing is no statement that a notice complies.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from disclose.errors import ProfileError
from disclose.notice.linter_words import ACRONYMS, ARTIFICIAL, ASSISTANT, DENIAL, TECHNIQUES, TERMS, USED, USES
from disclose.notice.notice import Notice
from disclose.notice.wording import Text

SMALLEST = 12.0
"""CSS pixels. The Act asks for "clear and distinguishable" and names no size; this floor is ours."""
CONTRAST, CONTRAST_OF_LARGE = 4.5, 3.0
LARGE = 24.0
"""CSS pixels from which text is large (WCAG 2.1, 1.4.3: 18 point)."""

_NOT_ENOUGH = "AI Act Art. 50(1), (5); Guidelines C(2026) 5054 ¶38, ¶142"
_NATURE = "AI Act Art. 50(1); Guidelines C(2026) 5054 ¶35"
_SEEN = "AI Act Art. 50(5); Guidelines C(2026) 5054 ¶37, ¶142"
_TIME = "AI Act Art. 50(5); Guidelines C(2026) 5054 ¶141, ¶143"
_LEGIBLE = "AI Act Art. 50(5); EN 301 549, 9.1.4.3 (WCAG 2.1, 1.4.3)"
_SAY_IT = 'say what the counterpart is, such as "You are interacting with an AI system."'
_SHOW_IT = "show it in plain view beside the input, or as the first message"

PLACES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "conversation": ("", ""),
        "terms": ("only-in-terms", "in the terms and conditions"),
        "privacy-policy": ("only-in-terms", "in the privacy policy"),
        "manual": ("only-in-manual", "in the manual"),
        "menu": ("only-in-menu", "in a menu"),
        "footer": ("only-in-footer", "in the footer"),
        "header": ("machine-readable-only", "in an HTTP header, which no person reads"),
        "json": ("machine-readable-only", "in a field of JSON, which no person reads"),
        "metadata": ("machine-readable-only", "in metadata, which no person reads"),
    }
)
"""Where a notice may stand: the rule that the place breaks and how to say so; only the first breaks none."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where, when and how a notice is shown; what is None is not known and not judged.

    ``where`` is one of PLACES. ``font_size`` is in CSS pixels, ``contrast`` a ratio from 1 to 21 (WCAG 2.1),
    ``needs_action`` says that it shows only after a click or under the pointer.
    """

    where: str = "conversation"
    font_size: float | None = None
    contrast: float | None = None
    visible: bool = True
    needs_action: bool = False
    after_first_output: bool = False

    def __post_init__(self) -> None:
        if self.where not in PLACES:
            raise ProfileError(f"a notice cannot be placed in {self.where!r}; there is {', '.join(PLACES)}")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One reason why people are not told: the ``rule`` that is broken, the ``clause`` it comes from, what to do."""

    rule: str
    clause: str
    message: str
    advice: str
    language: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON would hold it."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}; {self.advice} ({self.clause})"


def lint(notice: str | Text | Notice, *, placement: Placement | str | None = None) -> list[Finding]:
    """Return why *notice*, shown at *placement* (one of PLACES, or more exactly), does not tell people enough.

    >>> [finding.rule for finding in lint("I am your digital assistant.")]
    ['assistant-alone']
    >>> lint("You are interacting with an AI system.")
    []
    """
    shown = Placement(where=placement) if isinstance(placement, str) else placement or Placement()
    return [*_said(notice), *_shown(shown)]


def names_artificial_nature(text: str) -> bool:
    """Return whether *text* says of a counterpart or of content that it is artificial, in any language known."""
    clauses = (_USE.sub(" ", clause) for clause in _CLAUSE.split(text) if not _TERMS.search(clause))
    return any(_ARTIFICIAL.search(clause) or _ACRONYM.search(clause) for clause in clauses)


def _said(notice: str | Text | Notice) -> Iterator[Finding]:
    if isinstance(notice, Notice):
        for language, wording in notice.wording.items():
            yield from _text(wording.headline, language)
    elif isinstance(notice, Text):
        yield from _text(notice.headline, notice.language)
    else:
        yield from _text(notice, "")


def _text(text: str, language: str) -> Iterator[Finding]:
    def finding(rule: str, message: str, advice: str, clause: str = _NOT_ENOUGH) -> Finding:
        return Finding(rule=rule, clause=clause, message=message, advice=advice, language=language)

    if _is_for_machines(text.strip()):
        yield finding("machine-readable-only", "a header or a field is read by machines and by no person", _SHOW_IT)
        return
    if (denial := _DENIAL.search(text)) is not None:
        yield finding("nature-denied", f"“{denial[0]}” claims the opposite", _SAY_IT, _NATURE)
        return
    if names_artificial_nature(text):
        return
    use, assistant, terms = _USE.search(text), _ASSISTANT.search(text), _TERMS.search(text)
    if use is not None and _TECHNIQUE.search(use[0]):
        yield finding("uses-technique", f"“{use[0].strip()}” tells how a system works, not what people meet", _SAY_IT)
    elif use is not None:
        yield finding("uses-ai", f"“{use[0].strip()}” says that a service uses AI, not that this is one", _SAY_IT)
    if assistant is not None:
        yield finding("assistant-alone", f"“{assistant[0]}” alone could be a person", _SAY_IT)
    if terms is not None:
        yield finding("terms-only", f"“{terms[0]}” is where nobody looks before they begin", _SHOW_IT)
    if use is assistant is terms is None:
        yield finding(
            "nature-not-named",
            "nothing in it says, in a language known here, that the counterpart is artificial",
            _SAY_IT,
            _NATURE,
        )


def _is_for_machines(text: str) -> bool:
    if text[:1] not in ("{", "["):
        return _FIELD.fullmatch(text) is not None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        # A label in brackets: "[AI-generated]".
        return False
    return True


def _shown(placement: Placement) -> Iterator[Finding]:
    rule, where = PLACES[placement.where]
    if rule:
        yield Finding(rule=rule, clause=_NOT_ENOUGH, message=f"it stands only {where}", advice=_SHOW_IT)
    if not placement.visible:
        yield Finding(rule="hidden", clause=_SEEN, message="it cannot be seen", advice=_SHOW_IT)
    if placement.needs_action:
        yield Finding(rule="needs-action", clause=_SEEN, message="it shows only on a click or hover", advice=_SHOW_IT)
    if placement.after_first_output:
        advice = "show it before the first output, afresh to every person"
        yield Finding(rule="too-late", clause=_TIME, message="it comes after the first output", advice=advice)
    yield from _legible(placement)


def _legible(placement: Placement) -> Iterator[Finding]:
    size, contrast = placement.font_size, placement.contrast
    if size is not None and size < SMALLEST:
        message, advice = f"its letters are {size:g} px high", f"set them in {SMALLEST:g} px or more"
        yield Finding(rule="too-small", clause="AI Act Art. 50(5)", message=message, advice=advice)
    needed = CONTRAST_OF_LARGE if size is not None and size >= LARGE else CONTRAST
    if contrast is not None and contrast < needed:
        message, advice = f"its contrast is {contrast:g}:1", f"give it {needed:g}:1 or more"
        yield Finding(rule="too-faint", clause=_LEGIBLE, message=message, advice=advice)


def _any(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(expressions)})(?!\w)", re.IGNORECASE)


# "AI systems", and "KI-System", "L’IA" and "AIシステム" beside them; not "AIR" nor "Air".
_ACRONYM = re.compile(rf"(?<![A-Za-zА-Яа-яІі])(?:{'|'.join(ACRONYMS)})(?![A-Za-zА-Яа-яІі])")
_TECHNIQUE = _any(TECHNIQUES)
_ASSISTANT = _any(tuple(ASSISTANT.values()))
_DENIAL = _any(tuple(DENIAL.values()))
_TERMS = _any(tuple(TERMS.values()))
# Arabic, Hebrew, Chinese, Japanese and Korean join words to what stands before and after them.
_ARTIFICIAL = re.compile(
    "|".join(
        rf"(?:{'|'.join(words)})"
        if language in ("ar", "he", "hi", "ja", "ko", "zh-Hans", "zh-Hant")
        else rf"(?<!\w)(?:{'|'.join(words)})(?!\w)"
        for language, words in ARTIFICIAL.items()
    ),
    re.IGNORECASE,
)
# Of each language's words for what is artificial the first is that for artificial intelligence.
_WORDS = (*TECHNIQUES, *(ARTIFICIAL[language][0] for language in USES))
_WHAT = rf"(?:(?-i:{'|'.join(ACRONYMS)})|{'|'.join(_WORDS)})"
# "uses state-of-the-art AI", "KI wird eingesetzt": at most three words stand between.
_USE = re.compile(
    rf"(?<!\w)(?:{'|'.join(USES.values())})\s+(?:[\w-]+[\s’']+){{0,3}}?(?:[ld][’'])?{_WHAT}(?!\w)"
    rf"|(?<!\w)(?:[ld][’'])?{_WHAT}[\s-]?(?:{'|'.join(USED.values())})(?!\w)",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.,;:!?()\n–—。，；：！？（）]")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]*:\s*[\w-]+=[\w\"; =,-]+|<meta\b[^>]*>")
