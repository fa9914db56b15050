"""Duty: whether an output of text has to carry a watermark, and by what clause it has or has not.

A pure function of the output and of what the caller says of it, so that every door decides alike and the record says
why. Named so because a policy says what a verdict must show to be accepted; a duty is what the law asks of an output.
The clauses are those of Article 50(2) of the EU AI Act, the guidelines on it (GL) and the Code of Practice on
Transparency of AI-Generated Content (Code).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypedDict

from disclose.media.text_prose import prose

VERY_SHORT = 200
"""Tokens of free-form text below which no watermark is asked for (Code, sub-measure 1.1.2 and glossary)."""
ESTIMATE = "estimate: 1 for each 4 ASCII letters of a word, 1 for each other UTF-16 unit but spaces"
_RUN = re.compile(r"[0-9A-Za-z]+")
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e0fff]+")


class Route(StrEnum):
    """Who receives an output."""

    PERSON = "person"
    MACHINE = "machine"
    """Another program or model, and no person sees it: tool calls, chains of thought, intermediate steps."""


class Function(StrEnum):
    """What the system was asked for; judged for each function and not for the product (GL 89 to 92)."""

    GENERATION = "generation"
    SUMMARY = "summary"
    REWRITING = "rewriting"
    SPELLING = "spelling"
    STYLE = "style"
    TRANSLATION = "translation"
    TRANSCRIPTION = "transcription"
    EXTRACTION = "extraction"
    INTERFACE = "interface"


class Use(TypedDict):
    """What the duty of a text goes by: who receives it, and what the system was asked for."""

    route: Route
    function: Function


class Reason(StrEnum):
    """Why an output has to be watermarked or not."""

    FREE_FORM = "free-form text"
    VERY_SHORT = "very short text"
    NO_PROSE = "source code or data"
    MACHINE = "not shown to people"
    ASSISTIVE = "assistive editing"
    EXTRACTED = "extracted or for an interface"
    EMPTY = "nothing to mark"


_CLAUSES = {
    Reason.FREE_FORM: "AI Act Art. 50(2); Code 1.1.2",
    Reason.VERY_SHORT: "Code 1.1.2 and glossary",
    Reason.NO_PROSE: "GL 63-68",
    Reason.MACHINE: "GL 63-68",
    Reason.ASSISTIVE: "AI Act Art. 50(2); GL 89-92",
    Reason.EXTRACTED: "GL 63-68",
    Reason.EMPTY: "",
}
_ASSISTIVE = frozenset({Function.SPELLING, Function.STYLE, Function.TRANSLATION, Function.TRANSCRIPTION})
_OUT_OF_SCOPE = frozenset({Function.EXTRACTION, Function.INTERFACE})


@dataclass(frozen=True, kw_only=True)
class Duty:
    """Whether a *watermark* is due, for what ``reason`` and clause, and the count that decided.

    ``tokens`` counts the prose alone, as ``tokenizer`` says. That no watermark is due says nothing about signatures,
    records and notices, which cost a reader nothing and stay on.
    """

    watermark: bool
    reason: Reason
    clause: str
    tokens: int
    tokenizer: str

    def to_dict(self) -> dict[str, Any]:
        """Return the duty as JSON-ready values, for a record."""
        return {
            "watermark": self.watermark,
            "reason": self.reason.value,
            "clause": self.clause,
            "tokens": self.tokens,
            "tokenizer": self.tokenizer,
        }


def duty_of(
    output: str,
    *,
    route: Route | str = Route.PERSON,
    function: Function | str = Function.GENERATION,
    count: Callable[[str], int] | None = None,
    tokenizer: str | None = None,
) -> Duty:
    """Return the duty that *output* brings when *function* made it and *route* receives it.

    *count* counts tokens as the model does, and *tokenizer* names it; without both, :data:`ESTIMATE`, which counts more
    than today's tokenizers do (o200k, in 19 languages), and fewer than old or small ones in some other scripts. Code
    and data in a text do not count, sentences inside JSON do. Raises ValueError for a route or function that there is
    not, and for a count without a name.
    """
    if (count is None) != (tokenizer is None):
        raise ValueError("a count of tokens needs the name of its tokenizer, and the name its count")
    route, function = Route(route), Function(function)
    tokens = (count or estimated_tokens)(prose(output))
    reason = _reason(output, route, function, tokens)
    return Duty(
        watermark=reason is Reason.FREE_FORM,
        reason=reason,
        clause=_CLAUSES[reason],
        tokens=tokens,
        tokenizer=tokenizer or ESTIMATE,
    )


def estimated_tokens(text: str) -> int:
    """Return about how many tokens *text* has.

    >>> estimated_tokens("A short sentence, about as long as this.")
    13
    """
    runs = [len(run) for run in _RUN.findall(text)]
    units = len("".join(text.split()).encode("utf-16-le", "surrogatepass")) // 2
    return sum(-(-length // 4) for length in runs) + units - sum(runs)


def _reason(output: str, route: Route, function: Function, tokens: int) -> Reason:
    if not _UNSEEN.sub("", output):
        return Reason.EMPTY
    if route is Route.MACHINE:
        return Reason.MACHINE
    if function in _ASSISTIVE:
        return Reason.ASSISTIVE
    if function in _OUT_OF_SCOPE:
        return Reason.EXTRACTED
    if tokens >= VERY_SHORT:
        return Reason.FREE_FORM
    return Reason.NO_PROSE if tokens == 0 else Reason.VERY_SHORT
