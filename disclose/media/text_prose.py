"""Prose: what a text says to people in sentences, apart from the code and the data in it.

The counterpart of :mod:`disclose.media.text_zones`: what might be prose counts as prose here, so that no answer goes
without a mark because its paragraphs have as many commas as each other, or its speakers a colon behind their names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from disclose.media.text import UNSPACED, visible_text
from disclose.media.text_blocks import fences
from disclose.media.text_zones import CODE_LINE, KEY_LINE, SECTION, is_json, separator

_INFO = re.compile(r"[`~]{3,}[ \t]*([\w+#.-]*)")
_IN_WORDS = frozenset({"", "text", "txt", "plain", "plaintext", "markdown", "md", "none", "email", "letter", "json"})
_STATEMENT = re.compile(
    r"(?:from [\w.]+ )?import [\w., *]+$|(?:return|raise|yield|assert)\b(?!.*[.!?]$)"
    r"|(?:SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|FROM|WHERE)\b"
)
_SIGNS = re.compile(r"\w[(\[{]|[={}<>|\\`]|\w_\w|[:{(,\\]$")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_FEWEST_WORDS = 4  # of a sentence; names, keys and codes have fewer
_FEWEST_CHARACTERS = 8  # where words are not set apart
_LONGEST_CELL = 2  # words, of a table whose separators look like the commas of prose


def prose(text: str) -> str:
    """Return what people read in *text* as prose: of HTML what is shown, of JSON and tables their sentences.

    Nothing of a program, of code in fences, or of the keys and short values of data; where that is in doubt, all of it.
    """
    stripped = text.strip().removeprefix("\ufeff")
    if stripped.startswith(("{", "[", '"')) and is_json(stripped):
        return "\n\n".join(_strings(json.loads(stripped)))
    if stripped.startswith("<"):
        return visible_text(text)[0]
    return "\n\n".join(said for part in _parts(stripped) if (said := _said(part)))


def _parts(text: str) -> Iterator[str]:
    """Yield what stands outside of fences, and what stands in those that are not said to hold code."""
    outside, end = [], 0
    for start, stop in fences(text):
        outside.append(text[end:start])
        end = stop
        first, _, content = text[start:stop].partition("\n")
        named = _INFO.search(first)
        if named is not None and named[1].lower() in _IN_WORDS:
            yield content.rpartition("\n")[0]
    yield "\n".join([*outside, text[end:]])


def _said(part: str) -> str:
    """Return the prose of *part*, which has no fences: none of a program, else that of each paragraph."""
    if is_json(part):
        return "\n\n".join(_strings(json.loads(part)))
    lines = _lines(part)
    if lines and all(line[0] in '{["' and is_json(line) for line in lines):
        return "\n\n".join(said for line in lines for said in _strings(json.loads(line)))
    if _is_code(lines):
        return ""
    return "\n\n".join(said for paragraph in re.split(r"\n[ \t]*\n", part) if (said := _of_paragraph(paragraph)))


def _of_paragraph(paragraph: str) -> str:
    lines = _lines(paragraph)
    if _is_code(lines):
        return ""
    if _is_data(lines):
        return "\n".join(line for line in lines if not _is_keyed(line) and _is_sentence(line))
    if (mark := _table(lines)) is not None:
        return "\n\n".join(cell for line in lines for cell in line.split(mark) if _is_sentence(cell))
    return paragraph


def _lines(text: str) -> list[str]:
    return [stripped for line in text.splitlines() if (stripped := line.strip())]


def _is_code(lines: list[str]) -> bool:
    """Whether *lines* are a program, comments and all: what can only be code is twice as long as sentences are."""
    code = said = 0
    for line in lines:
        if _is_code_line(line):
            code += len(line)
        elif _is_sentence(line):
            said += len(line)
    return 0 < code >= 2 * said


def _is_code_line(line: str) -> bool:
    if _STATEMENT.match(line):
        return True
    return CODE_LINE.match(line) is not None and (_SIGNS.search(line) is not None or not _is_sentence(line))


def _is_data(lines: list[str]) -> bool:
    """Whether most of *lines* are a key and a value that is no sentence."""
    return len(lines) >= 2 and 2 * sum(map(_is_keyed, lines)) > len(lines)


def _is_keyed(line: str) -> bool:
    if SECTION.match(line):
        return True
    key = KEY_LINE.match(line)
    if key is None:
        return False
    value = line[key.end() :].strip()
    return not (_is_sentence(value) or value.endswith((".", "!", "?", "…", "。", "！", "？", "؟", "।")))


def _table(lines: list[str]) -> str | None:
    """Return what separates the cells of *lines*, where it cannot be the punctuation of sentences."""
    mark = separator(lines)
    if mark is None or mark in "\t|":
        return mark
    cells = [cell for line in lines for cell in line.split(mark)]
    words = sum(len(cell.split()) for cell in cells)
    is_tight = not any(f"{mark} " in line for line in lines)
    return mark if is_tight or words <= _LONGEST_CELL * len(cells) else None


def _is_sentence(text: str) -> bool:
    return len(text.split()) >= _FEWEST_WORDS or sum(1 for _ in _UNSPACED.finditer(text)) >= _FEWEST_CHARACTERS


def _strings(value: object) -> Iterator[str]:
    """Yield the strings of *value* that are sentences; keys, names and codes are not."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, str) and _is_sentence(one):
            yield one
        elif isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, list):
            stack.extend(one)
