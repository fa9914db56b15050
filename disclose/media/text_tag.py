"""An invisible tag for prose: 18 variation selectors that name an identifier, with a code only its maker can make.

It says where to look and binds no words: whoever copies it to another text takes it along, so that alone it is a hint.
A byte b is the selector U+FE00 + b below 16, else U+E0100 + b - 16, as C2PA encodes its manifests (2.4, A.8). Other
invisible characters are named where they are found, and left as they are: they are somebody else's.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from disclose.disclosure import Identifier

LENGTH = 18
"""Characters of a tag: two that name its kind, eight of the identifier, eight of the code."""
IDENTIFIER_BITS = 64
_KIND = b"\xd1\x5c"
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
RUN = re.compile(f"[{_SELECTORS}]{{{LENGTH},}}")
"""As many variation selectors as a tag has, or more."""
_MANIFEST = b"C2PATXT\x00"


@dataclass(frozen=True, kw_only=True)
class Tag:
    """A tag that stands at the characters ``start`` to ``end`` of a text; its code may be anybody's guess."""

    identifier: Identifier
    code: bytes
    start: int
    end: int

    def is_made_with(self, key: bytes) -> bool:
        """Whether whoever made the tag had *key*; a guess passes once in 2 to the 64."""
        return hmac.compare_digest(self.code, _code(self.identifier, key))


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """Invisible characters that are no tag of ours: what they look like, and where they stand."""

    kind: str
    start: int
    end: int


def written(text: str, place: int, identifier: Identifier, key: bytes) -> str:
    """Return *text* with the tag of *identifier* at *place* (see :func:`disclose.media.text_zones.places`)."""
    return text[:place] + selectors_of(_KIND + _leading(identifier) + _code(identifier, key)) + text[place:]


def tags(text: str) -> Iterator[Tag]:
    """Yield the tags in *text*, with whosever key they were made."""
    for run in RUN.finditer(text):
        data = bytes_of(run[0])
        found = data.find(_KIND)
        while found >= 0 and found + LENGTH <= len(data):
            body = data[found + len(_KIND) : found + LENGTH]
            identifier = Identifier(value=int.from_bytes(body[:8], "big"), length=IDENTIFIER_BITS)
            yield Tag(identifier=identifier, code=body[8:], start=run.start() + found, end=run.start() + found + LENGTH)
            found = data.find(_KIND, found + LENGTH)


def without(text: str, key: bytes) -> str:
    """Return *text* without the tags made with *key*, and with everybody else's left where they are."""
    pieces, end = [], 0
    for tag in tags(text):
        if tag.is_made_with(key):
            pieces.append(text[end : tag.start])
            end = tag.end
    return "".join([*pieces, text[end:]]) if pieces else text


def hidden(text: str) -> Iterator[Hidden]:
    """Yield the invisible characters in *text* that carry something, as far as their form tells; ours left out."""
    if _ANY.search(text) is None:
        return
    own = {tag.start for tag in tags(text)}
    for pattern, kind in _FORMS:
        for found in pattern.finditer(text):
            if kind != _SELECTED:
                yield Hidden(kind=kind, start=found.start(), end=found.end())
            elif found.start() not in own and len(set(found[0])) > 1:
                named = "a C2PA manifest (2.4, A.8)" if _MANIFEST in bytes_of(found[0]) else kind
                yield Hidden(kind=named, start=found.start(), end=found.end())
    for pattern, kind, fewest, kinds in _SPREAD:
        runs = list(pattern.finditer(text))
        characters = "".join(run[0] for run in runs)
        if len(characters) >= fewest and len(set(characters)) >= kinds:
            yield Hidden(kind=kind, start=runs[0].start(), end=runs[-1].end())


_SELECTED = "a run of variation selectors"
_ZERO_WIDTH = "\u200b-\u200f\u2060-\u2064\ufeff\u180e"
_TAGS = "\U000e0020-\U000e007f"
_ANY = re.compile(f"[{_SELECTORS}{_TAGS}{_ZERO_WIDTH}\u2000-\u200a\u205f]")
_FORMS = (
    # Emoji and ideographs take one selector each; no character takes four.
    (re.compile(f"[{_SELECTORS}]{{4,}}"), _SELECTED),
    # Flags of regions are six tag characters behind a flag; without one they are letters that nobody sees.
    (re.compile(f"(?<!\U0001f3f4)(?<![{_TAGS}])[{_TAGS}]{{4,}}"), "letters in tag characters"),
    (re.compile(f"[{_ZERO_WIDTH}]{{8,}}"), "a run of zero-width characters"),
)
# Spread over a text, by how many there have to be, of how many kinds: behind what never takes them.
_SPREAD = (
    (
        re.compile(f'(?<=[!"$-)+-/:-~])[{_SELECTORS}]{{1,3}}(?![{_SELECTORS}])'),
        "variation selectors among letters",
        4,
        2,
    ),
    (re.compile(f"(?<![\U0001f3f4{_TAGS}])[{_TAGS}]{{1,3}}(?![{_TAGS}])"), "tag characters among letters", 4, 2),
    (re.compile(f"(?<=[!-~])[{_ZERO_WIDTH}]{{1,7}}(?![{_ZERO_WIDTH}])"), "zero-width characters among letters", 8, 2),
    (re.compile("[\u2000-\u200a\u205f]"), "spaces of several widths", 8, 3),
)


def selectors_of(data: bytes) -> str:
    """Return *data* as variation selectors, one a byte."""
    return "".join(chr(0xFE00 + byte if byte < 16 else 0xE0100 + byte - 16) for byte in data)


def bytes_of(selectors: str) -> bytes:
    """Return the bytes that *selectors*, variation selectors all of them, stand for."""
    return bytes(ord(one) - 0xFE00 if ord(one) < 0xFE10 else ord(one) - 0xE0100 + 16 for one in selectors)


def _leading(identifier: Identifier) -> bytes:
    return identifier.leading(IDENTIFIER_BITS).value.to_bytes(IDENTIFIER_BITS // 8, "big")


def _code(identifier: Identifier, key: bytes) -> bytes:
    return hashlib.blake2b(_leading(identifier), key=key, digest_size=8, person=b"disclose-tag").digest()
