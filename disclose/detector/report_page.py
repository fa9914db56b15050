"""The page of a report: one sheet of A4 that says what was found, with the signed JSON attached."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

from disclose.detector.report import ATTACHMENT, lines
from disclose.errors import extra

_TITLE = "Result of an examination"
_FOOT = "The signed report is attached to this page. Check both: disclose verify-report FILE"
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


def drawn(report: Mapping[str, Any]) -> str:
    """Return all text that the page of *report* shows."""
    return "\n".join((_TITLE, *(part for entry in _entries(report) for part in entry), _FOOT))


def _entries(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = [(_shortened(name), _shortened(text)) for name, text in lines(report)]
    if len(found) > _MOST:
        found = [*found[:_MOST], ("More", f"{len(found) - _MOST} findings stand in the attachment.")]
    return found


def _shortened(text: str) -> str:
    """Return *text* in the characters of the page's font, and no longer than a page has room for."""
    plain = "".join(one if one.isprintable() else "?" for one in text).encode("latin-1", "replace").decode("latin-1")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 3] + "..."
