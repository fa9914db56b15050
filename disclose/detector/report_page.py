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

_TITLE = "Result of an examination"
_FOOT = "The signed report is attached to this page. Check both: disclose verify-report FILE"
_CATALOGUE = {"/Type", "/PageMode", "/Metadata", "/Version", "/Lang", "/AF"}
_ELSEWHERE = ("/Pages", "/Parent", "/P", "/EF", "/Kids", "/Metadata", "/AF")
_DEEPEST = 20
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

    catalogue = _resolved(document.root_object)
    names = catalogue.pop("/Names", {})
    is_bare = catalogue.keys() <= _CATALOGUE and isinstance(names, dict) and names.keys() <= {"/EmbeddedFiles"}
    if not is_bare or len(document.pages) != 1:
        return False
    expected = PdfReader(io.BytesIO(render(signed)))
    return _appearance(document.pages[0]) == _appearance(expected.pages[0])


def _appearance(page: PageObject) -> tuple[list[bytes], Any]:
    """Return what is drawn on *page*, and with what: boxes, fonts, notes and all else that it holds."""
    contents = page.get_contents()
    drawn = [] if contents is None else contents.get_data().split()
    return drawn, {name: _resolved(value) for name, value in page.items() if name not in ("/Contents", "/Parent")}


def _resolved(value: Any, depth: int = 0) -> Any:
    """Return the PDF object *value* with what it refers to, as plain values that can be compared."""
    found = value.get_object() if hasattr(value, "get_object") else value
    if depth > _DEEPEST:
        raise ValueError("its objects lie too deep in each other")
    if isinstance(found, dict):
        return {str(name): _resolved(one, depth + 1) for name, one in found.items() if name not in _ELSEWHERE}
    if isinstance(found, list):
        return [_resolved(one, depth + 1) for one in found]
    return round(float(found), 2) if isinstance(found, (int, float)) else str(found)


def _entries(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(_shortened(name), _shortened(text)) for name, text in lines(report)]
    if len(found) > _MOST:
        found = [*found[:_MOST], ("More", f"{len(found) - _MOST} findings stand in the attachment.")]
    return found


def _shortened(text: str) -> str:
    """Return *text* in the characters of the page's font, and no longer than a page has room for."""
    plain = "".join(one if one.isprintable() else "?" for one in text).encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."
