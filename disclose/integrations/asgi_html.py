"""HTML: find the place in a page where its visible part begins, while the page is still arriving."""

from __future__ import annotations

import re
from dataclasses import dataclass

SCAN_LIMIT = 256 * 1024
"""Bytes of a page that are looked at, for some hold their styles in the head; what begins later is not found."""

_SPACE = re.compile(rb"[\t\n\f\r ]*")
# A quote delimits a value at its beginning alone: in lang=it's it is a part of it (HTML standard, 13.2.5.33 to 39).
# Possessive, so that a tag without an end costs its length once, and not squared.
_TAG = re.compile(
    rb"""<(/?[a-zA-Z][^\s/>]*+)((?>=[\t\n\f\r ]*+(?>"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+|(?=>))|[^=>])*+)>"""
)
_LANGUAGE = re.compile(rb"""(?:^|[\s"'])lang\s*=\s*["']?\s*([a-zA-Z]{2,3}(?:-[a-zA-Z0-9]{1,8}){0,4})""", re.IGNORECASE)
# From the hyphens that begin it on, for <!--> and <!---> are whole comments (HTML standard, 13.2.5.43 to 51).
_COMMENT_END = re.compile(rb"-->|--!>")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# Everything that may stand before the body without opening it (HTML standard, 13.2.6.4.4 to 13.2.6.4.6).
_OF_THE_HEAD = frozenset({b"html", b"head", b"/head", b"base", b"link", b"meta"})
_WITH_TEXT = frozenset({b"title", b"script", b"style", b"noscript", b"template"})
_OF_DOCUMENTS = frozenset({b"html", b"head", b"body"})
# What follows has to be there, for a page may be cut anywhere.
_SIGNS = {
    name: re.compile(rb"<(/?)%b(?=[\t\n\f\r />])|<!--(?=[^>-]|-[^>])|-->" % name, re.IGNORECASE)
    for name in sorted(_WITH_TEXT)
}
_LONGEST_SIGN = len(b"</noscript>")


@dataclass
class PageStart:
    """Reads the beginning of one page, token by token, until it knows where the body begins.

    Authors may leave out ``<body>`` (HTML standard, 13.1.2.4), and minifiers do: in a document the body then
    begins at the first thing that cannot stand in the head. A fragment, such as a page fetches to update a part
    of itself, begins nowhere. Whether a page arrives whole or byte by byte makes no difference to what is found.
    """

    language: str = ""
    has_policy: bool = False
    is_document: bool = False
    place: int | None = None
    is_decided: bool = False
    _position: int = 0
    _within: bytes = b""
    _depth: int = 0
    _nests: bool = False

    def read(self, arrived: bytes | bytearray, *, complete: bool) -> None:
        """Look at all that has *arrived* so far; *complete* says that no more will come."""
        page = arrived if len(arrived) <= SCAN_LIMIT else arrived[:SCAN_LIMIT]
        while not self.is_decided:
            after = self._token(page)
            if after is None:
                break
            self._position = after
        if self.is_decided or not (complete or len(arrived) >= SCAN_LIMIT):
            return
        # A page whose body a script will build ends with its head.
        is_all_head = self.is_document and not self._within and self._position == len(arrived) < SCAN_LIMIT
        self._decide(self._position if is_all_head else None)

    def _token(self, page: bytes | bytearray) -> int | None:
        """Return where the token at the current position ends; None when it is cut off or decides the matter."""
        start = self._position
        if self._within:
            return self._content(page, start)
        if start == 0 and page and _BYTE_ORDER_MARK.startswith(bytes(page[:3])):
            return len(_BYTE_ORDER_MARK) if len(page) >= 3 else None
        spaces = _SPACE.match(page, start)
        if spaces is not None and spaces.end() > start:
            return spaces.end()
        rest = bytes(page[start : start + 4])
        if rest == b"<!--":
            ended = _COMMENT_END.search(page, start + 2)
            return ended.end() if ended is not None else None
        if b"<!--".startswith(rest):
            return None
        if rest[:1] == b"<" and rest[1:2] in (b"!", b"?"):
            self.is_document = self.is_document or page[start : start + 9].lower() == b"<!doctype"
            return _after(page, b">", start)
        tag = _TAG.match(page, start)
        if tag is None and rest[:1] == b"<" and (rest[1:2].isalpha() or rest[1:2] == b"/"):
            return None
        return self._element(page, start, tag)

    def _element(self, page: bytes | bytearray, start: int, tag: re.Match[bytes] | None) -> int | None:
        name = tag.group(1).lower() if tag is not None else b""
        if tag is None or name not in _OF_THE_HEAD | _WITH_TEXT | {b"body"}:
            # Text, or an element of the body: in a document it opens the body itself.
            self._decide(start if self.is_document and name != b"frameset" else None)
            return None
        self.is_document = self.is_document or name in _OF_DOCUMENTS
        if name == b"body":
            self._decide(tag.end())
            return None
        if name in _WITH_TEXT:
            self._within, self._depth, self._nests = name, 0, name == b"template"
            return tag.end()
        if name == b"html" and (language := _LANGUAGE.search(tag.group(2))) is not None:
            self.language = language.group(1).decode().lower()
        self.has_policy = self.has_policy or (name == b"meta" and b"content-security-policy" in tag.group(2).lower())
        return tag.end()

    def _content(self, page: bytes | bytearray, start: int) -> int | None:
        """Return where the next sign ends that counts for the end of the element that we are in.

        Templates nest; scripts do in what looks like a comment of theirs (HTML standard, 13.2.5.15 to 31).
        """
        sign = _SIGNS[self._within].search(page, start)
        if sign is None:
            # What was searched once need not be again.
            self._position = max(start, len(page) - _LONGEST_SIGN)
            return None
        is_script = self._within == b"script"
        if sign[1] is None:
            if is_script:
                self._nests = sign[0] == b"<!--"
                self._depth *= self._nests
        elif not sign[1]:
            self._depth = (1 if is_script else self._depth + 1) if self._nests else 0
        elif self._depth:
            self._depth -= 1
        else:
            if (after := _after(page, b">", sign.end())) is not None:
                self._within = b""
            return after
        return sign.end()

    def _decide(self, place: int | None) -> None:
        self.place, self.is_decided = place, True


def _after(page: bytes | bytearray, end: bytes, start: int) -> int | None:
    found = page.find(end, start)
    return found + len(end) if found >= 0 else None
