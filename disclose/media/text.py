"""Text as the layers see it: decoding bytes, and the words of any script with the place where each stands."""

from __future__ import annotations

import gc
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from html import unescape
from itertools import accumulate, repeat
from typing import NamedTuple

from disclose.errors import TooLargeError, UnreadableError

MEDIA_TYPES = ("text/plain", "text/markdown", "text/html")
LARGEST_BYTES = 64 << 20
"""Largest text that is read; what is larger is refused by name."""

UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0edf\u1000-\u109f\u1780-\u17d3\u3005-\u3007\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, Kana and Han: the scripts that do not set words apart, as a character class."""
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\U000e0000-\U000e0fff"
)
"""The characters that Unicode calls default-ignorable (DerivedCoreProperties), where texts have them."""
# Combining marks belong to the word they stand in, and \w leaves them out; all blocks that hold them are below this.
_LAST_MARK = 0x1E94B
_MANY = 20_000


class Word(NamedTuple):
    """A word as it is compared (folded), the characters ``start`` to ``end`` of the text that it stands for."""

    folded: str
    start: int
    end: int
    is_character: bool = False


def decode(data: bytes) -> str:
    """Return the text of *data* (UTF-8, with or without a byte order mark).

    Raises UnreadableError for other encodings and TooLargeError beyond :data:`LARGEST_BYTES`.
    """
    if len(data) > LARGEST_BYTES:
        raise TooLargeError(f"cannot read the text: it has {len(data)} bytes, more than the limit of {LARGEST_BYTES}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"{error.reason} at byte {error.start}"
        raise UnreadableError(f"cannot read the text: it is not UTF-8 ({reason})") from error


def folded(text: str) -> str:
    r"""Return *text* without what does not change its wording: case, invisible characters, widths, spacing.

    >>> folded("Straße \u200b und  ＡＢＣ")
    'strasse und abc'
    """
    visible = _invisible().sub("", unicodedata.normalize("NFKC", _encodable(text)).casefold())
    return " ".join(visible.replace("’", "'").split())


def words(text: str) -> list[Word]:
    """Return the words of *text* in order; in scripts that do not set words apart, its characters.

    >>> [word.folded for word in words("Don’t panic: 東京!")]
    ["don't", 'panic', '東', '京']
    """
    if text.isascii():
        # One for one: lowering changes no length here.
        return _words(_ascii().split(text.lower()), _strip_word)
    if _unspaced().search(text) is None:
        return _words(_run().split(text), _fold_word)
    fold = cache(_fold_word)
    found = []
    for match in _run().finditer(text):
        run, start = match[0], match.start()
        if run.isascii() or _unspaced().search(run) is None:
            found.append(Word(fold(run), start, match.end()))
        else:
            found += (
                Word(fold(part[0]), start + part.start(), start + part.end(), part.lastindex == 1)
                for part in _parts().finditer(run)
            )
    return [word for word in found if word.folded]


def visible_text(markup: str) -> tuple[str, list[tuple[int, int]]]:
    """Return what people read of an HTML document, and where: (place in what is returned, place in *markup*).

    Each pair begins a stretch of one kind of place; scripts, styles and what stands in tags are left out.
    """
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length = end = 0

    def add(piece: str, place: int) -> None:
        nonlocal length
        if piece:
            places.append((length, place))
            pieces.append(piece)
            length += len(piece)

    for match in _markup().finditer(markup):
        add(markup[end : match.start()], end)
        add(unescape(match[0]) if match[0][0] == "&" else " ", match.start())
        end = match.end()
    add(markup[end:], end)
    return "".join(pieces), places


def _words(pieces: list[str], fold: Callable[[str], str]) -> list[Word]:
    """Return the words of a text, which are every second one of its *pieces*."""
    written = pieces[1::2]
    known = {word: fold(word) for word in set(written)}
    edges = list(accumulate(map(len, pieces)))
    values = zip(map(known.__getitem__, written), edges[0:-1:2], edges[1::2], repeat(False), strict=False)
    with uncollected(len(written)):
        # As Word(…) does it, at a fifth of the time: a long text has a million words.
        found = list(map(tuple.__new__, repeat(Word), values))
    return [word for word in found if word.folded] if "" in known.values() else found


@contextmanager
def uncollected(number: int) -> Iterator[None]:
    """Keep the garbage collector from going over so many new values again and again, where their *number* is great.

    None of them refers to another, so that there is nothing for it to find; it took nine tenths of the time.
    """
    is_great = number > _MANY and gc.isenabled()
    if is_great:
        gc.disable()
    try:
        yield
    finally:
        if is_great:
            gc.enable()


def _strip_word(word: str) -> str:
    return word.strip("_")


def _fold_word(word: str) -> str:
    if word.isascii():
        return word.lower().strip("_")
    return _invisible().sub("", unicodedata.normalize("NFKC", word).casefold()).replace("’", "'").strip("_")


def _encodable(text: str) -> str:
    """Return *text* with lone surrogates replaced one for one: no UTF-8 holds them, so no mark of ours can either."""
    return text if text.isascii() else _surrogates().sub("\ufffd", text)


@cache
def _markup() -> re.Pattern[str]:
    # In time that grows with the text alone, however hostile: the parser of the standard library takes its square.
    return re.compile(
        r"<!--.*?(?:-->|\Z)|<(script|style|template|head|title)\b[^<>]*>.*?(?:</\1\s*>|\Z)"
        r"|</?[a-z!?][^<>]*>?|&(?:#\d{1,7}|#x[0-9a-f]{1,6}|\w{2,32});",
        re.DOTALL | re.IGNORECASE,
    )


@cache
def _surrogates() -> re.Pattern[str]:
    return re.compile("[\ud800-\udfff]")


@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{_INVISIBLE}]")


@cache
def _ascii() -> re.Pattern[str]:
    return re.compile(r"([a-zA-Z0-9_]*[a-zA-Z0-9](?:'?\w)*+)")


@cache
def _run() -> re.Pattern[str]:
    # A word may hold combining marks and joiners, and apostrophes between letters; \w leaves them out.
    # Most words end before a space: to look for all marks there would take six times as long.
    word = rf"\w++(?:(?![\0-\x7f])[{_inner()}]++\w*+)*+"
    return re.compile(rf"({word}(?:['’]{word})*+)")


@cache
def _parts() -> re.Pattern[str]:
    return re.compile(rf"([{UNSPACED}])[{_inner()}]*+|[^{UNSPACED}]++")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]")


@cache
def _inner() -> str:
    return re.escape("".join(map(chr, _marks()))) + _INVISIBLE


def _marks() -> Iterator[int]:
    spaces = (range(0x300, 0x1E00), range(0x20D0, 0x2100), range(0x3099, 0x309B), range(0xA66F, 0xAC00))
    higher = (range(0xFB1E, 0xFB1F), range(0xFE20, 0xFE30), range(0x101FD, _LAST_MARK))
    for points in (*spaces, *higher):
        yield from (point for point in points if unicodedata.category(chr(point))[0] == "M")
