"""Text as the layers see it: decoding bytes, and the words of any script with the place where each stands."""

from __future__ import annotations

import gc
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from html import unescape
from itertools import accumulate, compress, groupby, repeat
from typing import Any, NamedTuple, overload

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
    "\ufeff\uffa0"
)
_INVISIBLE_HIGHER = "\U000e0000-\U000e0fff"
"""The characters that Unicode calls default-ignorable (DerivedCoreProperties), where texts have them."""
# Combining marks belong to the word they stand in, and \w leaves them out; all blocks that hold them are below this.
_LAST_MARK = 0x1E94B
_SECOND_PLANE = 0x10000
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


@dataclass(frozen=True, eq=False)
class Words(Sequence[Word]):
    """The words of a text, kept in columns of the same length: a long text has a million of them."""

    folded: list[str]
    starts: list[int]
    ends: list[int]
    are_characters: list[bool]

    def __len__(self) -> int:
        return len(self.folded)

    def __iter__(self) -> Iterator[Word]:
        return _rows(self.folded, self.starts, self.ends, self.are_characters)

    @overload
    def __getitem__(self, index: int) -> Word: ...

    @overload
    def __getitem__(self, index: slice) -> list[Word]: ...

    def __getitem__(self, index: int | slice) -> Word | list[Word]:
        if isinstance(index, slice):
            return list(_rows(self.folded[index], self.starts[index], self.ends[index], self.are_characters[index]))
        return Word(self.folded[index], self.starts[index], self.ends[index], self.are_characters[index])


def words(text: str) -> list[Word]:
    """Return the words of *text* in order; in scripts that do not set words apart, its characters.

    >>> [word.folded for word in words("Don’t panic: 東京!")]
    ["don't", 'panic', '東', '京']
    """
    found = columns(text)
    with uncollected(len(found)):
        return list(found)


def columns(text: str) -> Words:
    """Return what :func:`words` does, in half the time where the text is long and few of its words are looked at.

    >>> columns("Don’t panic: 東京!").starts
    [0, 6, 13, 14]
    """
    if text.isascii():
        # One for one: lowering changes no length here.
        return _columns(_ascii().split(text.lower()), _strip_word, _is_never)
    pieces = _run().split(text)
    if _unspaced().search(text) is None:
        return _columns(pieces, _fold_word, _is_never)
    pieces[::2] = [" " * len(between) for between in pieces[::2]]
    return _columns(_parts().split("".join(pieces)), _fold_word, _is_character)


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


def _rows(*columns: list[Any]) -> Iterator[Word]:
    # As Word(…) does it, at a fifth of the time.
    return map(tuple.__new__, repeat(Word), zip(*columns, strict=True))


def _columns(pieces: list[str], fold: Callable[[str], str], is_character: Callable[[str], bool]) -> Words:
    """Return the words of a text, which are every second one of its *pieces*."""
    written = pieces[1::2]
    edges = list(accumulate(map(len, pieces)))
    # A text of a million words has some ten thousand different ones.
    different = set(written)
    known = {word: fold(word) for word in different}
    characters = {word for word in different if is_character(word)}
    values: tuple[list[Any], ...] = (
        list(map(known.__getitem__, written)),
        edges[0:-1:2],
        edges[1::2],
        list(map(characters.__contains__, written)) if characters else [False] * len(written),
    )
    if "" in known.values():
        values = tuple(list(compress(column, values[0])) for column in values)
    return Words(*values)


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


def _is_never(word: str) -> bool:
    return False


def _is_character(word: str) -> bool:
    return _unspaced().match(word) is not None


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
    return re.compile(f"[{_INVISIBLE}{_INVISIBLE_HIGHER}]")


@cache
def _ascii() -> re.Pattern[str]:
    return re.compile(r"([a-zA-Z0-9_]*[a-zA-Z0-9](?:'?\w)*+)")


@cache
def _run() -> re.Pattern[str]:
    # A word may hold combining marks and joiners, and apostrophes between letters; \w leaves them out.
    word = rf"\w++(?:{_inner()}++\w*+)*+"
    return re.compile(rf"({word}(?:['’]{word})*+)")


@cache
def _parts() -> re.Pattern[str]:
    # Of a text with nothing but spaces between its runs.
    return re.compile(rf"([{UNSPACED}]{_inner()}*+|[^{UNSPACED} ]++)")


@cache
def _unspaced() -> re.Pattern[str]:
    return re.compile(f"[{UNSPACED}]")


@cache
def _inner() -> str:
    """Return the pattern of one combining mark or joiner.

    The characters of the first plane are looked up in a table, and all others compared with one range after another:
    with both in one set, to find the words of a text would take three to ten times as long.
    """
    first = "".join(chr(point) for point in _marks() if point < _SECOND_PLANE)
    higher = _ranges(point for point in _marks() if point >= _SECOND_PLANE)
    return rf"(?:[{first}{_INVISIBLE}]|(?![\0-\uffff])[{higher}{_INVISIBLE_HIGHER}])"


def _marks() -> Iterator[int]:
    spaces = (range(0x300, 0x1E00), range(0x20D0, 0x2100), range(0x3099, 0x309B), range(0xA66F, 0xAC00))
    higher = (range(0xFB1E, 0xFB1F), range(0xFE20, 0xFE30), range(0x101FD, _LAST_MARK))
    for points in (*spaces, *higher):
        yield from (point for point in points if unicodedata.category(chr(point))[0] == "M")


def _ranges(points: Iterable[int]) -> str:
    """Return *points*, in order, as the inside of a character class."""
    runs = [[point for _, point in run] for _, run in groupby(enumerate(points), lambda one: one[1] - one[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)
