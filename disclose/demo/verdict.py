"""A verdict as a page reads it out: one sentence, and one row of evidence for each finding."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from disclose.evidence import Evidence, Verdict

_COLUMNS = ("Layer", "What was found", "Integrity", "Trust", "p-value")


def explained(verdict: Verdict) -> str:
    """Return *verdict* as HTML. Summaries quote metadata that anyone may have written, so every word is escaped."""
    outcome = verdict.outcome.value
    head = "".join(f'<th scope="col">{column}</th>' for column in _COLUMNS)
    rows = "".join(_row(item) for item in verdict.evidence)
    body = f"<caption>Evidence</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody>"
    table = f'<table class="evidence">{body}</table>'
    return _framed(outcome, outcome, verdict.explain()) + (table if rows else "")


def named(layer: str) -> str:
    """Return how people write the name of *layer*."""
    return {"c2pa": "C2PA", "iptc": "IPTC"}.get(layer, layer.replace("_", " "))


def refused() -> str:
    """Return the sentence for a file that cannot be looked at at all."""
    return _framed("unreadable", "not read", "This file could not be read: it is empty, too large, or not a file.")


def _framed(kind: str, word: str, sentence: str) -> str:
    return (
        f'<div class="verdict {escape(kind)}">'
        f'<strong class="outcome">{escape(word)}</strong><p>{escape(sentence)}</p></div>'
    )


def _row(item: Evidence) -> str:
    p_value = "–" if item.p_value is None else f"{item.p_value:.1e}"
    cells = (item.summary, item.integrity.value, item.trust.value, p_value)
    layer = f'<th scope="row">{escape(named(item.layer))}</th>'
    found = (f'<td data-label="{label}">{escape(text)}</td>' for label, text in zip(_COLUMNS[1:], cells, strict=True))
    return f"<tr>{layer}{''.join(found)}</tr>"
