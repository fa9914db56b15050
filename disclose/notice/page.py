"""Pages: what a page of HTML says where, so that a notice in its footer is not taken for one beside the input.

Read as it is delivered: what its style sheets hide and what its scripts add is not seen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html.parser import HTMLParser

from disclose.notice.linter import Finding, Placement, lint, names_artificial_nature

# fmt: off
_INLINE = frozenset((
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "em", "i", "kbd", "mark", "q", "s", "small", "span", "strong",
    "sub", "sup", "u",
))
_VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
))
# fmt: on
_PLACES = {"footer": "footer", "nav": "menu", "menu": "menu"}
_ROLES = {"contentinfo": "footer", "navigation": "menu", "menu": "menu", "menubar": "menu"}
_UNREAD = frozenset({"script", "style", "template", "title", "noscript"})
# As browsers do; what is nested deeper counts as the text of what it stands in.
_DEEPEST = 512
_FONT_SIZE = re.compile(r"font-size\s*:\s*([0-9.]+)px", re.IGNORECASE)
_HIDING = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Passage:
    """One run of text in a page, and where it stands."""

    text: str
    placement: Placement


def passages(html: str) -> list[Passage]:
    """Return what the page *html* says, in its order.

    >>> [(found.text, found.placement.where) for found in passages("<p>A <b>b</b></p><footer>C</footer>")]
    [('A b', 'conversation'), ('C', 'footer')]
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.flush()
    return reader.found


def lint_page(html: str) -> list[Finding]:
    """Return why the page *html* does not tell people enough; its best passage decides."""
    found = passages(html)
    telling = [passage for passage in found if names_artificial_nature(passage.text)]
    if telling:
        return min((lint(passage.text, placement=passage.placement) for passage in telling), key=len)
    # A page says much that names nobody's nature; that is a finding only where there is no other.
    findings = [finding for passage in found for finding in lint(passage.text)]
    return list(dict.fromkeys(item for item in findings if item.rule != "nature-not-named")) or lint("")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Passage] = []
        self._open: list[tuple[str, Placement, bool]] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _INLINE:
            self.flush()
        given = {name: value or "" for name, value in attrs}
        if tag == "meta" and (given.get("content") or "").strip():
            self.found.append(Passage(text=given["content"], placement=Placement(where="metadata")))
        if tag in _VOID or len(self._open) >= _DEEPEST:
            return
        before, unread = (self._open[-1][1], self._open[-1][2]) if self._open else (Placement(), False)
        placement = _placed(tag, given, before)
        if placement != before:
            self.flush()
        if tag == "summary" and self._open:
            placement = replace(placement, needs_action=False)
        self._open.append((tag, placement, unread or tag in _UNREAD))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _INLINE:
            self.flush()
        places = [index for index, (name, _, _) in enumerate(self._open) if name == tag]
        if places:
            if self._open[-1][1] != (self._open[places[-1] - 1][1] if places[-1] else Placement()):
                self.flush()
            del self._open[places[-1] :]

    def handle_data(self, data: str) -> None:
        if not (self._open and self._open[-1][2]):
            self._text += data

    def flush(self) -> None:
        """End the passage that is being read."""
        text = " ".join(self._text.split())
        if text:
            self.found.append(Passage(text=text, placement=self._open[-1][1] if self._open else Placement()))
        self._text = ""


def _placed(tag: str, given: dict[str, str], before: Placement) -> Placement:
    style = given.get("style", "")
    size = _FONT_SIZE.search(style)
    return replace(
        before,
        where=_PLACES.get(tag) or _ROLES.get(given.get("role", "")) or before.where,
        visible=before.visible and "hidden" not in given and not _HIDING.search(style),
        needs_action=before.needs_action or (tag == "details" and "open" not in given),
        font_size=float(size[1]) if size is not None else before.font_size,
    )
