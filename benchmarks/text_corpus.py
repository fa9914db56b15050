"""Texts to measure with: passages of real documentation, handbooks, sayings and scripture, in many languages.

Nothing is downloaded. What a machine has installed is read; on Debian these packages, unpacked anywhere, give 100,000
passages: debian-handbook gnome-user-docs libreoffice-help-{en-us,ja,ko,zh-cn} linux-doc-6.1 python3.11-doc
postgresql-doc-15 git-doc manpages-{de,es,fr,ja,ru,zh} fortunes-{de,es,it,pl,ru,cs} for the log, and perl-doc
sqlite3-doc bible-kjv-text manpages manpages-dev fortunes for the texts that have nothing to do with it.
"""

from __future__ import annotations

import ast
import gzip
import html
import random
import re
from collections.abc import Iterator
from pathlib import Path

from disclose.media.text import UNSPACED, Word, words

STORED = (
    *("doc/debian-handbook", "help", "libreoffice/help", "doc/linux-doc-6.1/Documentation", "doc/python3.11"),
    *("doc/postgresql-doc-15", "doc/git", "man/de", "man/es", "man/fr", "man/ja", "man/ru", "man/zh_CN"),
    *("games/fortunes/de", "games/fortunes/es", "games/fortunes/it", "games/fortunes/pl", "games/fortunes/ru"),
)
UNRELATED = ("doc/sqlite3", "doc/bible-kjv-text", "games/fortunes/*", "games/fortunes/off")
_HANDBOOKS = ("man1", "man5", "man7", "man8", "cs", "da", "fi", "hu", "id", "it", "ko", "nl", "pl", "pt_BR", "sv", "tr")
HELD_OUT = tuple(f"man/{one}" for one in _HANDBOOKS)
_BLOCK = re.compile(r"</?(?:p|div|li|h\d|td|tr|section|title|item|note|br|dd|dt|pre|blockquote)\b[^>]*>", re.IGNORECASE)
_HIDDEN = re.compile(r"<(script|style|head)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]{1,500}>")
_ROFF = re.compile(r"^[.'].*$|\\f.|\\-|\\[&e]|\\\(..", re.MULTILINE)
_LETTERS = re.compile(r"[^\W\d_]")
_UNSPACED = re.compile(f"[{UNSPACED}]")
_SHORTEST, _LONGEST = 50, 300


def passages(root: Path, folders: tuple[str, ...], *, seed: int = 1) -> Iterator[str]:
    """Yield passages of 50 to 300 words of the files under *folders* of *root*, as long as answers are."""
    numbers = random.Random(seed)  # noqa: S311
    for folder in folders:
        for path in sorted(root.glob(folder)) if "*" in folder else sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix not in (".png", ".dat", ".svg", ".js", ".css"):
                yield from _of_file(path, numbers)


def _of_file(path: Path, numbers: random.Random) -> Iterator[str]:
    data = path.read_bytes()
    try:
        content = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    except (UnicodeDecodeError, OSError):
        return
    wanted, paragraphs, size = numbers.randint(_SHORTEST, _LONGEST), [], 0
    for paragraph in _paragraphs(content, path):
        paragraphs.append(paragraph)
        size += length(paragraph)
        if size >= wanted:
            if size <= 2 * _LONGEST:
                yield "\n\n".join(paragraphs)
            wanted, paragraphs, size = numbers.randint(_SHORTEST, _LONGEST), [], 0
    if _SHORTEST <= size <= 2 * _LONGEST:
        yield "\n\n".join(paragraphs)


def length(passage: str) -> int:
    """Return how many words *passage* has, two characters counting as one where words are not set apart."""
    return len(passage.split()) + len(_UNSPACED.findall(passage)) // 2


def _paragraphs(content: str, path: Path) -> list[str]:
    if content.lstrip()[:1] == "<":
        content = html.unescape(_TAG.sub("", _BLOCK.sub("\n\n", _HIDDEN.sub("", content))))
        found = re.split(r"\n\s*\n", content)
    elif "/man/" in str(path):
        found = re.split(r"\n\s*\n", _ROFF.sub("\n", content))
    else:
        found = re.split(r"\n%\n|\n\s*\n", content)
    return [" ".join(one.split()) for one in found if _is_prose(one)]


def _is_prose(paragraph: str) -> bool:
    visible = re.sub(r"\s", "", paragraph)
    return len(visible) >= 30 and len(_LETTERS.findall(visible)) >= 0.7 * len(visible)


def documentation(packages: Path) -> Iterator[str]:
    """Yield the descriptions, 50 words and longer, that the modules under *packages* give of what is in them."""
    for path in sorted(packages.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text("utf-8"))
        except (SyntaxError, ValueError, OSError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                described = ast.get_docstring(node) or ""
                if _SHORTEST <= len(described.split()) <= _LONGEST and _is_prose(described):
                    yield described


def edited(passage: str, rate: float, numbers: random.Random, vocabulary: list[str]) -> str:
    """Return *passage* with *rate* of its words replaced, each by a word from elsewhere, wherever they stand.

    Where words are not set apart, two characters that follow each other are taken for one.
    """
    units = _units(words(passage))
    chosen = set(numbers.sample(range(len(units)), round(rate * len(units))))
    pieces, end = [], 0
    for number, (start, stop, is_unspaced) in enumerate(units):
        replacement = "".join(numbers.choices("的一是不了人我在有他のはにをがで", k=2)) if is_unspaced else None
        pieces.append(passage[end:start])
        changed = replacement or numbers.choice(vocabulary)
        pieces.append(changed if number in chosen else passage[start:stop])
        end = stop
    return "".join(pieces) + passage[end:]


def _units(found: list[Word]) -> list[tuple[int, int, bool]]:
    units: list[tuple[int, int, bool]] = []
    is_open = False
    for word in found:
        if word.is_character and is_open:
            units[-1] = (units[-1][0], word.end, True)
            is_open = False
        else:
            units.append((word.start, word.end, word.is_character))
            is_open = word.is_character
    return units


def quoted(passage: str, share: float, numbers: random.Random) -> str:
    """Return *share* of *passage*, in one piece from anywhere in it."""
    found = words(passage)
    size = max(1, round(share * len(found)))
    first = numbers.randint(0, len(found) - size)
    return passage[found[first].start : found[first + size - 1].end]
