"""About: what a deployment says of its AI system in one document, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disclose.notice.session import Exemption
    from disclose.profile import Profile

WELL_KNOWN = "/.well-known/ai-disclosure"
"""Where the document lies (RFC 8615). The name is in no registry yet."""

_SAID = ("system", "version", "provider", "model", "detector", "on_behalf_of")


def about(profile: Profile, *, exemption: Exemption | None = None, **statement: Any) -> dict[str, Any]:
    """Return, as JSON-ready values, what *profile* and *statement* say of the system: who, with what, how to check.

    ``layers`` are the techniques by which its outputs are marked, ``detector`` is where anyone can check them (Code of
    Practice, Measure 3.4), ``lineage`` names who contributed to the model. ``no_notice`` is *exemption*, the written
    reason for which people are shown no notice (AI Act Art. 50(1)). What is not known is left out.
    """
    given = {**profile.statement, **{name: value for name, value in statement.items() if value is not None}}
    lineage = given.get("lineage", profile.lineage(given.get("provider")))
    values = {
        **{name: given.get(name) for name in _SAID},
        "role": profile.role,
        "layers": list(profile.layers),
        "lineage": [one.to_dict() for one in lineage],
        "no_notice": None if exemption is None else {"kind": exemption.kind, "reason": exemption.reason},
    }
    return {name: value for name, value in values.items() if value}


def to_html(document: Mapping[str, Any]) -> str:
    """Return *document*, as :func:`about` made it, as a page for people, which loads and runs nothing."""
    rows = "".join(_row(_WORDS[name], document[name]) for name in _WORDS if name in document)
    if "no_notice" in document:
        rows += _row("Why its pages show no notice", document["no_notice"]["reason"])
    lineage = "".join(f"<li>{_contribution(one)}</li>" for one in document.get("lineage", ()))
    history = f"<h2>Who contributed to the model</h2><ol>{lineage}</ol>" if lineage else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>About this AI system</title></head>'
        f"<body><main><h1>About this AI system</h1><dl>{rows}</dl>{history}</main></body></html>"
    )


_WORDS = {
    "system": "AI system",
    "version": "Version",
    "provider": "Provided by",
    "on_behalf_of": "Acts on behalf of",
    "model": "Model",
    "role": "Role of who runs it",
    "detector": "Where anyone can check what it made",
    "layers": "How what it makes is marked",
}


def _row(word: str, value: object) -> str:
    shown = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return f"<dt>{word}</dt><dd>{_linked(shown)}</dd>"


def _contribution(one: Mapping[str, Any]) -> str:
    named = one.get("identifier") or one["name"]
    extra = [f"{word} {one[name]}" for name, word in (("version", "version"), ("licence", "licence")) if name in one]
    if one.get("datasets"):
        extra.append("trained on " + ", ".join(one["datasets"]))
    words = "; ".join([f"{one['role']}: {named}", *extra])
    return escape(words) + (f" ({_linked(one['url'])})" if one.get("url") else "")


def _linked(text: str) -> str:
    """Return *text* as HTML, as a link where it is an address that a browser may follow."""
    shown = escape(text)
    return f'<a href="{shown}" rel="nofollow">{shown}</a>' if text.startswith(("https://", "http://")) else shown
