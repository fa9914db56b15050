"""Blocks of a text that go on over blank lines, as CommonMark has them: fenced code, and markup that has to be closed.

Both may stand in lists and quotations, and end with these: then what looks like their end begins another, and all up to
there is taken for inside.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

_FENCE = re.compile(r"^(?P<before>[ \t>*+-]*(?:\d+[.)][ \t]*)?)(?P<fence>`{3,}|~{3,})[^\n]*(?:\n|\Z)", re.MULTILINE)
_LIST_ITEM = re.compile(r"[*+\-\d]")
# Of these not even blank lines end the markup (CommonMark 0.31.2, 4.6), or a browser shows no prose in them.
RAW = "pre|script|style|textarea|template|title|math|svg"
_UNBROKEN = re.compile(
    rf"^[ \t>*+-]*(?:\d+[.)][ \t]*)?(?P<opening><!--|<\?|<!\[CDATA\[|<(?:{RAW})\b)", re.MULTILINE | re.IGNORECASE
)
_CLOSINGS = {"<!--": "-->", "<?": "?>", "<![cdata[": "]]>"}


def fences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where fenced blocks of *text* begin and end (CommonMark 0.31.2, 4.5), nested in lists and quotes too."""
    position = 0
    while (opening := _FENCE.search(text, position)) is not None:
        position = _end_of_fence(text, opening)
        yield opening.start(), position


def without_fences(text: str) -> str:
    """Return *text* without its fenced blocks."""
    kept, end = [], 0
    for start, stop in fences(text):
        kept.append(text[end:start])
        end = stop
    return "\n".join([*kept, text[end:]])


def _end_of_fence(text: str, opening: re.Match[str]) -> int:
    fence, quotes = opening["fence"], opening["before"].count(">")
    inside = _columns(opening["before"])
    least = inside if _LIST_ITEM.search(opening["before"]) else max(0, inside - 3)
    closing = re.compile(rf"^([ \t>]*){re.escape(fence[0])}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
    for found in closing.finditer(text, opening.end()):
        if found[1].count(">") < quotes or _columns(found[1]) < least:
            # The list or the quotation was over before, and the fence with it: this is another that opens.
            return found.start()
        if found[1].count(">") == quotes and _columns(found[1]) <= least + 3:
            return found.end()
    return len(text)


def _columns(before: str) -> int:
    """Return how far what stands *before* a fence indents it, behind the last sign of a quotation and its space."""
    inner = before.expandtabs(4).rpartition(">")[2]
    return len(inner.removeprefix(" ") if ">" in before else inner)


def unbroken_markup(text: str) -> Iterator[tuple[int, int]]:
    """Yield where markup begins a line, and where it or the text ends: comments, scripts, what is preformatted."""
    closings: dict[str, list[int]] = {}
    for opening in _UNBROKEN.finditer(text):
        kind = opening["opening"].lower()
        if kind not in closings:
            closing = re.compile(re.escape(_CLOSINGS.get(kind, f"</{kind[1:]}")) + "[^\n]*", re.IGNORECASE)
            closings[kind] = [found.end() for found in closing.finditer(text)]
        ends = closings[kind]
        index = bisect_right(ends, opening.end())
        yield opening.start(), ends[index] if index < len(ends) else len(text)
