"""Frames: where a C2PA manifest stands inside a text, and what is left of the text without them.

HTML has it in a script element of its head (C2PA 2.4, A.7), Markdown and other structured texts in a comment (A.9),
plain text in invisible characters (A.8). c2pa-text writes the first two, and c2patxt the last.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from disclose.errors import UnsupportedError, extra
from disclose.media.text_tag import RUN, bytes_of, selectors_of

HTML = "text/html"
PLAIN = "text/plain"
MARKDOWN = "text/markdown"
_TYPE = "application/c2pa"
# With the version of the frame, the only one there is.
_MAGIC = b"C2PATXT\x00\x01"
_BASE64 = r"[A-Za-z0-9+/]++={0,2}+"
_SCRIPT = rf'<script type="application/c2pa">(?P<script>{_BASE64})</script>'
_BLOCK = (
    r"(?:(?:<!--|#|//|/\*|--|;|%) )?-----BEGIN C2PA MANIFEST-----\s{1,4}"
    rf"data:application/c2pa;base64,(?P<block>{_BASE64})\s{{1,4}}-----END C2PA MANIFEST-----(?: (?:-->|\*/))?"
)
_VISIBLE = re.compile(f"{_SCRIPT}|{_BLOCK}")
# A head that is closed inside one of these is not closed for a browser.
_HEAD_CLOSE = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|title|template|noscript)\b[^<>]*>.*?(?:</\1\s*>|\Z)|</head>",
    re.DOTALL | re.IGNORECASE,
)


class Frame(NamedTuple):
    """A manifest store that stands, with all that holds it, at the characters ``start`` to ``end`` of a text."""

    manifest: bytes
    start: int
    end: int


class Framed(NamedTuple):
    """A document with a manifest in it, which leaves ``length`` bytes from ``start`` on out of its hash."""

    data: bytes
    start: int
    length: int


def framed(document: str, media_type: str, manifest: bytes) -> Framed:
    """Return *document* (HTML or Markdown) with *manifest* in it: in its head (A.7), or in a comment at its end (A.9).

    At the end, because people read the beginning of a Markdown file as it is. Raises UnsupportedError for a document
    that has no place for it, or a reference to a manifest already.
    """
    with extra("text"):
        import c2pa_text

    reason = _no_place(document) if media_type == HTML else None
    if reason is None and is_associated(document, media_type):
        reason = "it refers to a manifest already, and may do so once"
    if reason is not None:
        raise UnsupportedError(f"cannot put a manifest into the document: {reason}; sign it in a file beside it")
    if media_type == HTML:
        page = c2pa_text.embed_html_inline(document, manifest)
        return Framed(page.html.encode(), page.exclusion_start, page.exclusion_length)
    prefix, suffix = c2pa_text.comment_syntax(MARKDOWN)
    reference = c2pa_text.encode_data_uri(manifest)
    text = c2pa_text.embed_structured(document, reference, prefix, suffix, placement=c2pa_text.Placement.END)
    return Framed(text.text.encode(), text.exclusion_start, text.exclusion_length)


def is_associated(document: str, media_type: str) -> bool:
    """Whether *document* holds or names a manifest, in whatever state (C2PA 2.4, A.7.1 and A.9.5)."""
    with extra("text"):
        import c2pa_text

    try:
        if media_type == HTML:
            return c2pa_text.extract_html(document) is not None
        return c2pa_text.extract_structured(document) is not None
    except c2pa_text.HtmlError:
        return True
    except c2pa_text.StructuredError as error:
        return c2pa_text.BEGIN_DELIMITER in document or not error.code.endswith(".noManifest")


def visible_frames(text: str) -> Iterator[Frame]:
    """Yield the manifests that stand in script elements (A.7) and comments (A.9) of *text*."""
    if _TYPE not in text:
        return
    for match in _VISIBLE.finditer(text):
        try:
            manifest = base64.b64decode(match["script"] or match["block"], validate=True)
        except binascii.Error:
            continue
        yield Frame(manifest, *match.span())


def is_signed(text: str) -> bool:
    """Whether *text* holds a manifest, in whichever of the frames."""
    return holds_invisible(text) or any(True for _ in visible_frames(text))


def holds_invisible(text: str) -> bool:
    """Whether *text* holds the beginning of a manifest in invisible characters (A.8), in whatever state."""
    return any(_MAGIC[:8] in bytes_of(run[0]) for run in RUN.finditer(text))


def invisible(manifest: bytes) -> str:
    """Return *manifest* in the invisible characters that hold it in a text (A.8)."""
    return "\ufeff" + selectors_of(_MAGIC + len(manifest).to_bytes(4, "big") + manifest)


def invisible_size(manifest: bytes) -> int:
    """Return how many bytes :func:`invisible` takes in UTF-8: a byte below 16 is one of three, any other of four."""
    body = _MAGIC + len(manifest).to_bytes(4, "big") + manifest
    return len("\ufeff".encode()) + 3 * len(body) + len(body.translate(None, bytes(range(16))))


def invisible_frames(text: str) -> Iterator[Frame]:
    """Yield the manifests that stand in invisible characters of *text* (A.8)."""
    for run in RUN.finditer(text):
        data = bytes_of(run[0])
        found = data.find(_MAGIC)
        while found >= 0:
            body = found + len(_MAGIC) + 4
            end = body + int.from_bytes(data[body - 4 : body], "big")
            if end > len(data):
                break
            start = run.start() + found
            before = start > 0 and text[start - 1] == "\ufeff"
            yield Frame(data[body:end], start - before, run.start() + end)
            found = data.find(_MAGIC, end)


def is_only_a_frame(excluded: bytes) -> bool:
    """Whether *excluded*, which a manifest leaves out of its hash, is a frame, a line break at most and no more."""
    try:
        text = excluded.decode()
    except UnicodeDecodeError:
        return False
    lines = text.removesuffix("\n").removesuffix("\r").removeprefix("\r").removeprefix("\n")
    return _VISIBLE.fullmatch(lines) is not None


def without(text: str, is_own: Callable[[bytes], bool]) -> str:
    """Return *text* without the frames whose manifest *is_own*, and with everybody else's left where they are."""
    return "".join(text[start:end] for start, end in around(text, is_own))


def around(text: str, is_own: Callable[[bytes], bool]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of *text*, as (start, end), that :func:`without` leaves of it."""
    start = 0
    for frame in sorted((*visible_frames(text), *invisible_frames(text)), key=lambda one: one.start):
        if frame.start >= start and is_own(frame.manifest):
            end, after = _with_line_break(text, frame)
            if end > start:
                yield start, end
            start = after
    if start < len(text):
        yield start, len(text)


def _with_line_break(text: str, frame: Frame) -> tuple[int, int]:
    """Return where *frame* begins and ends with the line break that came with it: before a comment, after a script."""
    if _VISIBLE.match(text, frame.start) is None:
        return frame.start, frame.end
    if not text.startswith("<script", frame.start) and text[frame.start - 1 : frame.start] == "\n":
        return frame.start - 1, frame.end
    return frame.start, frame.end + text.startswith("\n", frame.end)


def _no_place(page: str) -> str | None:
    closings = (match.start() for match in _HEAD_CLOSE.finditer(page) if match[0].lower() == "</head>")
    place = next(closings, None)
    if place is None:
        return "it has no </head> to put it before"
    return None if page.find("</head>") == place else "its first </head> is not the one that ends its head"
