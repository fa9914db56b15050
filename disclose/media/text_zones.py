"""Safe zones: the parts of a text that machines read, where not a character may be added, and where prose ends.

A mark in code, JSON, an address, a number or a formula breaks what it stands in, silently (an invisible character in a
command, a name or a key). So this parser errs on one side: what might be read by a machine is a zone, and a place for a
mark is only the end of a paragraph that cannot be anything but prose.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple

from disclose.media.text import visible_text


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


_FENCE = re.compile(r"^[ \t>*+-]*(?:\d+[.)][ \t]*)?(`{3,}|~{3,})[^\n]*(?:\n|\Z)", re.MULTILINE)
_NAMES = "tool_call|tool_calls|tool_response|tool_result|function|function_call|function_calls|invoke|parameter"
_CALL = re.compile(
    rf"<\|?/?(?:[\w-]{{1,40}}:)?(?:{_NAMES})\b|<\||\[/?(?:INST|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\]"
)
# Every pattern takes time in proportion to the text, however hostile it is: none looks for an end that may be missing
# twice in the same stretch.
_PATTERNS = (
    (Kind.MARKUP, r"<!--.*?(?:-->|\Z)|</?[a-zA-Z!?][^<>\n]*(?:>|$)|&#?\w{1,32};"),
    (Kind.FORMULA, r"\\\[.*?(?:\\\]|\Z)|\\\(.*?(?:\\\)|\Z)|\\begin\{.*?(?:\\end\{|\Z)[^\n]*"),
    (Kind.FORMULA, r"\$\$.*?(?:\$\$|\Z)|\$[^\n]*\$|\$\S*|\\[^\n]*"),
    (Kind.CODE, r"``.*?(?:``|\Z)|`[^`]*(?:`|\Z)"),
    (Kind.CODE, r"^(?: {4}|\t)[^\n]*|^(?:diff --git|index [0-9a-f]{7}|--- |\+\+\+ |@@ )[^\n]*"),
    (Kind.TABLE, r"^[^\n|\t]*[|\t][^\n]*"),
    (Kind.ADDRESS, r"\]\([^)\n]*\)?|^[ ]*\[[^\]\n]+\]:[^\n]*"),
)
_ZONES = re.compile(
    "|".join(f"(?P<z{number}>{pattern})" for number, (_, pattern) in enumerate(_PATTERNS)), re.MULTILINE | re.DOTALL
)
_KINDS = {f"z{number}": kind for number, (kind, _) in enumerate(_PATTERNS)}
_TOKEN = re.compile(r"\S+")
_ADDRESS = re.compile(r"[/\\@~]|\w[.:]\w|\A(?:www\.|mailto:|tel:)", re.IGNORECASE)
_NUMBER = re.compile(r"\d|[±−°%#]")

# Lines that only code, configuration or data are made of; two of them outside fences, and the whole may be a file.
_CODE_LINE = re.compile(
    r"^(?:(?:def|class|import|from|return|if|for|while|else|elif|try|with|const|let|var|function|func|fn|public|"
    r"private|static|export|package|using|namespace|struct|enum|interface|async|await|print|echo|sudo|pip|npm|git|"
    r"docker|curl|cd|SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE|BEGIN|COMMIT)\b.*[:;({\[\\)]"
    r"|(?:from [\w.]+ )?import [\w., *]+|#include\b.*|#!.*|@\w+.*|[\w.\[\]'\"]+\s*(?:[-+*/|&^]|:)?=[^=].*|.*[;{}\\]"
    r"|(?:\"\"\"|'''|/\*|\*/|//|<!--|-->|--\s|REM\b|%%).*|[-+]{3} .*|\$ .*|>>> .*|\.\. \w.*)$"
)
_KEY_LINE = re.compile(r"^(?:- )?[\"']?[\w.\-/ ]{1,40}[\"']?\s*[:=](?:\s|$)")
_SECTION = re.compile(r"^\s*\[[^\]]+\]\s*$|^---\s*$")
# A paragraph of prose ends with a letter or with what closes a sentence, and holds nothing but prose has.
_NOT_PROSE = re.compile(r"[^\w\s.,;:!?…。．、，；：！？·・—–\-'\"‘’“”«»‹›„‚()（）「」『』《》〈〉।॥؟،؛٪*\u200c\u200d]")
_BLOCK_START = re.compile(r"\s*(?:#|>|[-*+] |\d+[.)]|[-*_=]{3,}|\.\. |:\w|\")")
_LAST = re.compile(r"[^\W\d_][.!?…。．！？।॥؟]?[\"'’”»›)）」』》]?\Z")
_FEWEST_LETTERS = 12


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
    for lines in _paragraphs(text):
        place = lines[-1][0] + len(lines[-1][1].rstrip())
        if _is_prose([line.strip() for _, line in lines]) and not _touches(taken, starts, place):
            found.append(place)
    return found


def whole_kind(text: str, *, suspects: bool = True) -> Kind | None:
    """Return what *text* is as a whole, where it is not prose with zones in it: a JSON document, a program, data.

    With *suspects* two lines of code are enough, so that nothing is written into a program; without, it takes half.
    """
    stripped = text.strip().removeprefix("\ufeff")
    if not stripped:
        return None
    if stripped[0] in '{["' and _is_json(stripped):
        return Kind.JSON
    if stripped[0] == "<":
        return Kind.MARKUP
    lines = [line.strip() for line in _without_fences(stripped).splitlines() if line.strip()]
    half = max(1, (len(lines) + 1) // 2)
    code = sum(_CODE_LINE.match(line) is not None for line in lines)
    if lines and code >= (min(2, half) if suspects else half):
        return Kind.CODE
    keyed = sum(_KEY_LINE.match(line) is not None or _SECTION.match(line) is not None for line in lines)
    if len(lines) >= 2 and 2 * keyed > len(lines):
        return Kind.DATA
    return Kind.TABLE if _is_table(lines) else None


def prose(text: str) -> str:
    """Return what people read in *text* as prose: without code in fences; of HTML what is shown, of JSON its sentences.

    Nothing of a program or of data, where the text is one as a whole; where that is in doubt, all of it.
    """
    whole = whole_kind(text, suspects=False)
    if whole is None:
        return _without_fences(text)
    if whole is Kind.JSON:
        return "\n\n".join(_strings(json.loads(text.strip().removeprefix("\ufeff"))))
    return visible_text(text)[0] if whole is Kind.MARKUP else ""


def _blocks(text: str) -> Iterator[Zone]:
    """Yield fenced code, what stands between the first bracket and the last, and calls of tools.

    Between brackets may be JSON, half of one, or a template, and after a call its arguments.
    """
    yield from _fences(text)
    opening, closing = re.search(r"[{\[]", text), max(text.rfind("}"), text.rfind("]"))
    if opening is not None:
        yield Zone(Kind.JSON, opening.start(), max(closing, opening.start()) + 1)
    if (call := _CALL.search(text)) is not None:
        yield Zone(Kind.TOOL_CALL, call.start(), len(text))


def _fences(text: str) -> Iterator[Zone]:
    position = 0
    while (opening := _FENCE.search(text, position)) is not None:
        fence = opening[1]
        closing = re.compile(rf"^[ \t>]*{re.escape(fence[0])}{{{len(fence)},}}[ \t]*$", re.MULTILINE)
        found = closing.search(text, opening.end())
        position = len(text) if found is None else found.end()
        yield Zone(Kind.CODE, opening.start(), position)


def _inline(text: str) -> Iterator[Zone]:
    for match in _ZONES.finditer(text):
        if match.end() > match.start():
            assert match.lastgroup is not None
            yield Zone(_KINDS[match.lastgroup], *match.span())
    for match in _TOKEN.finditer(text):
        if _ADDRESS.search(match[0]):
            yield Zone(Kind.ADDRESS, *match.span())
        elif _NUMBER.search(match[0]):
            yield Zone(Kind.NUMBER, *match.span())


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


def _is_prose(lines: list[str]) -> bool:
    last = lines[-1]
    ending = "".join(character for character in last[-12:] if unicodedata.category(character)[0] != "M")
    if _BLOCK_START.match(lines[0]) or _BLOCK_START.match(last) or _LAST.search(ending) is None:
        return False
    if sum(character.isalpha() for line in lines for character in line) < _FEWEST_LETTERS:
        return False
    # Combining marks belong to letters, and \w leaves them out.
    others = {character for line in lines for character in _NOT_PROSE.findall(line)}
    if any(unicodedata.category(character)[0] != "M" for character in others):
        return False
    return not any(_CODE_LINE.match(line) or _KEY_LINE.match(line) for line in lines)


def _without_fences(text: str) -> str:
    kept, end = [], 0
    for zone in _fences(text):
        kept.append(text[end : zone.start])
        end = zone.end
    return "\n".join([*kept, text[end:]])


def _is_json(stripped: str) -> bool:
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return False
    return True


def _is_table(lines: list[str]) -> bool:
    """Whether all *lines* have as many separators as the first: comma- or semicolon-separated values."""
    if len(lines) < 2:
        return False
    for separator in ",;\t|":
        counts = {line.count(separator) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return True
    return False


def _strings(value: object) -> Iterator[str]:
    """Yield the strings of *value* that are sentences; keys, names and codes are not."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str) and len(one.split()) > 3:
            yield one
        elif isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
