"""Safe zones: the parts of a text that machines read, where not a character may be added, and where prose ends.

A mark in code, JSON, an address, a number or a formula breaks what it stands in, silently (an invisible character in a
command, a name or a key). So this parser errs on one side: what might be read by a machine is a zone, and a place for a
mark is only the end of a paragraph that cannot be anything but prose: of sentences, for commands, passwords and names
that people copy from a line of their own are seldom any. What counts as prose is asked the other way round elsewhere
(:mod:`disclose.media.text_prose`).
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from disclose.media.text import UNSPACED
from disclose.media.text_blocks import RAW, fences, unbroken_markup, without_fences


class Kind(StrEnum):
    """What a zone holds."""

    CODE = "code"
    JSON = "json"
    ADDRESS = "address"
    NUMBER = "number"
    TABLE = "table"
    FORMULA = "formula"
    TOOL_CALL = "tool call"
    MARKUP = "markup"
    DATA = "data"


class Zone(NamedTuple):
    """The characters ``start`` to ``end`` of a text, to be left as they are."""

    kind: Kind
    start: int
    end: int


_NAMES = "tool_call|tool_calls|tool_response|tool_result|function|function_call|function_calls|invoke|parameter"
_CALL = re.compile(
    rf"<\|?/?(?:[\w-]{{1,40}}:)?(?:{_NAMES})\b|<\||\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\]"
)
# Every pattern takes time in proportion to the text, however hostile it is: none looks for an end that may be missing
# twice in the same stretch.
_CODE_SPAN = r"``.*?(?:``|\Z)|`[^`]*(?:`|\Z)"
_PATTERNS = (
    (Kind.MARKUP, rf"(?i:<(?P<raw>{RAW})\b.*?(?:</(?P=raw)\b[^<>\n]*>?|\Z))"),
    (Kind.MARKUP, r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)"),
    (Kind.MARKUP, r"</?[a-zA-Z!?](?:[^<>]*+>|[^<>\n]*$)|&#?\w{1,32};"),
    (Kind.FORMULA, r"\\\[.*?(?:\\\]|\Z)|\\\(.*?(?:\\\)|\Z)|\\begin\{.*?(?:\\end\{|\Z)[^\n]*"),
    (Kind.FORMULA, r"\$\$.*?(?:\$\$|\Z)|\$[^\n]*\$|\$\S*|\\[^\n]*"),
    (Kind.CODE, _CODE_SPAN),
    (Kind.CODE, r"^(?: {4}|\t)[^\n]*|^(?:diff --git|index [0-9a-f]{7}|--- |\+\+\+ |@@ )[^\n]*"),
    (Kind.TABLE, r"^[^\n|\t]*[|\t][^\n]*"),
    (Kind.ADDRESS, r"\]\([^)\n]*\)?|^[ ]*\[[^\]\n]+\]:[^\n]*"),
)
_ZONES = re.compile(
    "|".join(f"(?P<z{number}>{pattern})" for number, (_, pattern) in enumerate(_PATTERNS)), re.MULTILINE | re.DOTALL
)
# Markup once more, by itself: its beginning may stand in a line that is another zone to its end, and it goes on below.
_MARKUP = re.compile(
    "|".join((_CODE_SPAN, *(f"(?P<m{at}>{one})" for at, (kind, one) in enumerate(_PATTERNS) if kind is Kind.MARKUP))),
    re.MULTILINE | re.DOTALL,
)
_KINDS = {f"z{number}": kind for number, (kind, _) in enumerate(_PATTERNS)}
_TOKEN = re.compile(r"\S+")
_NOT_A_WORD = re.compile(
    r"(?P<address>[/\\@~]|\w[.:]\w|\A(?i:www\.|mailto:|tel:))|(?P<number>\d|[±−°%#])"
    r"|(?P<code>[^\W_]_[^\W_]|[a-z][A-Z]|\w\(|\A--?\w|\A\W*[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\W*\Z)"
)
# What is LaTeX from here on is so to its end, prose and all: to many of its engines every character has to be known.
_DOCUMENT = re.compile(r"^[ \t]*\\(?:documentclass|usepackage|begin\{document\})", re.MULTILINE)

# Lines that only code, configuration or data are made of; two of them outside fences, and the whole may be a file.
CODE_LINE = re.compile(
    r"^(?:(?:def|class|import|from|return|if|for|while|else|elif|try|with|const|let|var|function|func|fn|public|"
    r"private|static|export|package|using|namespace|struct|enum|interface|async|await|print|echo|sudo|pip|npm|git|"
    r"docker|curl|cd|SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|BEGIN|COMMIT)\b.*[:;({\[\\)]"
    r"|(?:from [\w.]+ )?import [\w., *]+|#include\b.*|#!.*|@\w+.*|[\w.\[\]'\"]+\s*(?:[-+*/|&^]|:)?=[^=].*|.*[;{}\\]"
    r"|(?:\"\"\"|'''|/\*|\*/|//|<!--|-->|--\s|REM\b|%%).*|[-+]{3} .*|\$ .*|>>> .*|\.\. \w.*)$"
)
KEY_LINE = re.compile(r"^(?:- )?[\"']?[\w.\-/ ]{1,40}[\"']?\s*[:=](?:\s|$)")
SECTION = re.compile(r"^\s*\[[^\]]+\]\s*$|^---\s*$")
# A paragraph of prose ends with a letter or with what closes a sentence, and holds nothing but prose has.
_ENDS = ".!?…。．！？।॥؟۔።။។།։"
_QUOTES = "\"'’”»›)）」』》"
_NOT_PROSE = re.compile(rf"[^\w\s{_ENDS},;:、，；：·・—–\-'\"‘’“”«»‹›„‚()（）「」『』《》〈〉،؛፣፤፥၊་՛՜՝՞*\u200c\u200d]")
_BLOCK_START = re.compile(r"\s*(?:#|>|[-*+] |\d+[.)]|[-*_=]{3,}|\.\. |:\w|\"|\d{4}-\d\d-\d\d)")
_LAST = re.compile(rf"[^\W\d_][{_QUOTES}]{{0,2}}[{_ENDS}]?[{_QUOTES}]?\Z")
_CLOSED = re.compile(rf"[{_ENDS},;，；、،؛፣၊][{_QUOTES}]?\Z|[{UNSPACED}]\Z")
_SENTENCE = re.compile(rf"[{_ENDS}][{_QUOTES}]?\Z|[{UNSPACED}]\Z")
_BEHIND = re.compile(rf"(?:[{_ENDS}][{_QUOTES}]?|[{UNSPACED}])\s+")
_COMMAND = re.compile(
    r"(?:sudo|apt|apt-get|brew|pip3?|npm|npx|yarn|conda|git|docker|kubectl|curl|wget|ssh|scp|cd|ls|rm|cp|mv|mkdir|chmod|"
    r"cat|echo|export|python3?|node|cargo|go|make|SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|GROUP BY|"
    r"ORDER BY|HTTP)\b"
)
_LETTERS = re.compile(r"(?:[^\W\d_][\W\d_]*+){12}")


def zones(text: str) -> list[Zone]:
    """Return the zones of *text* in order, none overlapping another; one that is never closed reaches to the end."""
    if (whole := whole_kind(text)) is not None:
        return [Zone(whole, 0, len(text))]
    found: list[Zone] = []
    for zone in sorted((*_blocks(text), *_inline(text)), key=lambda one: (one.start, -one.end)):
        if found and zone.start < found[-1].end:
            last = found[-1]
            found[-1] = Zone(last.kind, last.start, max(last.end, zone.end))
        else:
            found.append(zone)
    return found


def places(text: str) -> list[int]:
    """Return where a mark may stand in *text*: after the last visible character of each paragraph of plain prose."""
    taken = zones(text)
    starts = [zone.start for zone in taken]
    found = []
    is_shown = False
    for lines in _paragraphs(text):
        place = lines[-1][0] + len(lines[-1][1].rstrip())
        # What a colon leads to may be meant to be copied.
        if _is_prose([line for _, line in lines], is_shown=is_shown) and not _touches(taken, starts, place):
            found.append(place)
        is_shown = lines[-1][1].rstrip().endswith((":", "："))
    return found


def whole_kind(text: str) -> Kind | None:
    """Return what *text* is as a whole, where it is not prose with zones in it: a JSON document, a program, data.

    Two lines of code are enough, so that nothing is written into a program.
    """
    stripped = text.strip().removeprefix("\ufeff")
    if not stripped:
        return None
    if stripped[0] in '{["' and is_json(stripped):
        return Kind.JSON
    if stripped[0] == "<":
        return Kind.MARKUP
    lines = [line.strip() for line in without_fences(stripped).splitlines() if line.strip()]
    half = max(1, (len(lines) + 1) // 2)
    code = sum(CODE_LINE.match(line) is not None for line in lines)
    if lines and code >= min(2, half):
        return Kind.CODE
    keyed = sum(KEY_LINE.match(line) is not None or SECTION.match(line) is not None for line in lines)
    if len(lines) >= 2 and 2 * keyed > len(lines):
        return Kind.DATA
    return Kind.TABLE if separator(lines) is not None else None


def is_json(text: str) -> bool:
    """Whether *text* is one JSON value, nested no deeper than can be read."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def separator(lines: list[str]) -> str | None:
    """Return what separates the cells of *lines*, where all have as many as the first: they may be a table."""
    if len(lines) < 2:
        return None
    for mark in ",;\t|":
        counts = {line.count(mark) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return mark
    return None


def _blocks(text: str) -> Iterator[Zone]:
    """Yield fenced code, blocks of markup, what stands between the first bracket and the last, and calls of tools.

    Between brackets may be JSON, half of one, or a template, and after a call its arguments.
    """
    for start, end in fences(text):
        yield Zone(Kind.CODE, start, end)
    for start, end in unbroken_markup(text):
        yield Zone(Kind.MARKUP, start, end)
    opening, closing = re.search(r"[{\[]", text), max(text.rfind("}"), text.rfind("]"))
    if opening is not None:
        yield Zone(Kind.JSON, opening.start(), max(closing, opening.start()) + 1)
    if (call := _CALL.search(text)) is not None:
        yield Zone(Kind.TOOL_CALL, call.start(), len(text))
    if (document := _DOCUMENT.search(text)) is not None:
        closed = text.rfind("\\end{document}")
        yield Zone(Kind.FORMULA, document.start(), len(text) if closed < document.end() else closed)


def _inline(text: str) -> Iterator[Zone]:
    for match in _ZONES.finditer(text):
        if match.end() > match.start():
            assert match.lastgroup is not None
            yield Zone(_KINDS[match.lastgroup], *match.span())
    for match in _MARKUP.finditer(text):
        if match.lastgroup is not None:
            yield Zone(Kind.MARKUP, *match.span())
    for match in _TOKEN.finditer(text):
        if (found := _NOT_A_WORD.search(match[0])) is not None:
            assert found.lastgroup is not None
            yield Zone(Kind(found.lastgroup), *match.span())


def _paragraphs(text: str) -> Iterator[list[tuple[int, str]]]:
    """Yield the paragraphs of *text* as their lines, each with where it begins."""
    lines: list[tuple[int, str]] = []
    start = 0
    for line in text.splitlines(keepends=True):
        if line.strip():
            lines.append((start, line))
        elif lines:
            yield lines
            lines = []
        start += len(line)
    if lines:
        yield lines


def _touches(taken: list[Zone], starts: list[int], place: int) -> bool:
    """Whether *place* lies in a zone or at the edge of one."""
    index = bisect_right(starts, place) - 1
    return index >= 0 and taken[index].end >= place


def _is_prose(written: list[str], *, is_shown: bool) -> bool:
    """Whether a paragraph of the lines *written* is prose; *is_shown* where what comes before leads to it."""
    lines = [line.strip() for line in written]
    first, last = lines[0], _without_marks(lines[-1])
    if _BLOCK_START.match(first) or _BLOCK_START.match(last) or _LAST.search(last) is None:
        return False
    # Indented lines belong to what is above them, which may be a key of YAML or a directive.
    if all(line[0] in " \t" for line in written) or not _is_of_sentences(lines, last, is_shown=is_shown):
        return False
    if _LETTERS.search("".join(lines)) is None:
        return False
    # Combining marks belong to letters, and \w leaves them out.
    others = {character for line in lines for character in _NOT_PROSE.findall(line)}
    if any(unicodedata.category(character)[0] != "M" for character in others):
        return False
    return not any(CODE_LINE.match(line) or KEY_LINE.match(line) for line in lines)


def _is_of_sentences(lines: list[str], last: str, *, is_shown: bool) -> bool:
    """Whether *lines* end as a sentence, or one of them does and nothing speaks against it: in letters, in poems."""
    if _SENTENCE.search(last):
        return not (is_shown and _COMMAND.match(lines[0]))
    # What stands behind the last sentence may be a command, on a line that begins as prose.
    behind = _BEHIND.split(last)[-1]
    if is_shown or ":" in last or "：" in last or _COMMAND.match(behind) or CODE_LINE.match(behind):
        return False
    return any(_CLOSED.search(_without_marks(line)) for line in lines)


def _without_marks(line: str) -> str:
    """Return *line* with the combining marks of its last characters left out."""
    return line[:-12] + "".join(one for one in line[-12:] if unicodedata.category(one)[0] != "M")
