"""The page of a report: one sheet of A4 that says what was found, with the signed JSON attached."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from disclose.detector.report import ATTACHMENT, lines
from disclose.errors import extra

if TYPE_CHECKING:
    from pypdf import PageObject, PdfReader
    from pypdf.generic import DictionaryObject

_TITLE = "Result of an examination"
_FOOT = "The signed report is attached to this page. Check both: disclose verify-report FILE"
_CATALOGUE = {"/Type", "/Pages", "/Names", "/PageMode", "/Metadata", "/Version", "/Lang", "/AF"}
_LONGEST = 300
_MOST = 14


def render(signed: Mapping[str, Any]) -> bytes:
    """Return the *signed* report as a PDF of one page."""
    with extra("serve"):
        from reportlab.lib.pagesizes import A4
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.platypus import KeepInFrame, Paragraph, SimpleDocTemplate
    from html import escape

    from pypdf import PdfReader, PdfWriter

    title = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=20, leading=26, spaceAfter=14)
    heading = ParagraphStyle(
        "heading", fontName="Helvetica", fontSize=8, leading=11, textColor="#555555", spaceBefore=7
    )
    body = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=13, wordWrap="CJK")
    story = [Paragraph(_TITLE, title)]
    for name, text in _entries(signed["report"]):
        story += [Paragraph(escape(name), heading), Paragraph(escape(text), body)]
    story.append(Paragraph(_FOOT, heading))
    buffer = io.BytesIO()
    page = SimpleDocTemplate(buffer, pagesize=A4, title=_TITLE, author="disclose", margin=56)
    page.build([KeepInFrame(A4[0] - 160, A4[1] - 160, story, mode="shrink")])
    writer = PdfWriter(clone_from=PdfReader(buffer))
    writer.add_attachment(ATTACHMENT, json.dumps(signed, ensure_ascii=False).encode())
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def is_shown(document: PdfReader, signed: Mapping[str, Any]) -> bool:
    """Whether *document* shows the page of the *signed* report, drawn as :func:`render` draws it, and nothing else.

    Its text alone would not tell: something may be painted over it, its words moved, or its letters drawn as others.
    """
    from pypdf import PdfReader

    expected = PdfReader(io.BytesIO(render(signed)))
    catalogue = document.root_object
    pages, our_pages = (_object(one.root_object["/Pages"]) for one in (document, expected))
    if len(pages["/Kids"]) != 1 or not catalogue.keys() <= _CATALOGUE or not _names(catalogue) <= {"/EmbeddedFiles"}:
        return False
    page, our_page = pages["/Kids"][0], our_pages["/Kids"][0]
    return (
        _is_same(pages, our_pages, but=("/Kids",))
        and _is_same(page, our_page, but=("/Contents", "/Parent"))
        and _drawn(document.pages[0]) == _drawn(expected.pages[0])
    )


def _object(value: Any) -> Any:
    """Return the PDF object that *value* is or refers to."""
    return value.get_object() if hasattr(value, "get_object") else value


def _names(catalogue: DictionaryObject) -> set[str]:
    return set(_object(catalogue.get("/Names", {})))


def _drawn(page: PageObject) -> list[bytes]:
    contents = page.get_contents()
    return [] if contents is None else contents.get_data().split()


def _is_same(one: Any, ours: Any, *, but: tuple[str, ...] = ()) -> bool:
    """Whether the PDF object *one* is as *ours*, with all that they refer to, leaving aside the members *but*."""
    one, ours = _object(one), _object(ours)
    if isinstance(ours, dict):
        if not isinstance(one, dict) or one.keys() - set(but) != ours.keys() - set(but):
            return False
        return all(_is_same(one[name], ours[name]) for name in ours.keys() - set(but))
    if isinstance(ours, list):
        return isinstance(one, list) and len(one) == len(ours) and all(map(_is_same, one, ours))
    if isinstance(ours, (int, float)):
        return isinstance(one, (int, float)) and abs(float(one) - float(ours)) < 0.01
    return isinstance(one, str) and str(one) == str(ours)


def _entries(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(_shortened(name), _shortened(text)) for name, text in lines(report)]
    if len(found) > _MOST:
        found = [*found[:_MOST], ("More", f"{len(found) - _MOST} findings stand in the attachment.")]
    return found


def _shortened(text: str) -> str:
    """Return *text* in the characters of the page's font, and no longer than a page has room for."""
    plain = "".join(one if one.isprintable() else "?" for one in text).encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."
