"""Exports: an answer saved as a document, labelled at its top for people, and signed in a file beside it or in itself.

Whoever gets the document sees what it is before reading it (Code of Practice, Section 2, 1.2.2(f)), and a machine finds
the statement in it and the manifest through it. Nothing invisible is written into any of them, unless a plain text is
to be signed in itself.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from disclose.asset import Asset, sidecar_path
from disclose.disclosure import Disclosure
from disclose.errors import UnsupportedError
from disclose.integrations.text_stream import TextMarker
from disclose.notice.label import labelled, text_prefix
from disclose.notice.wording import wording

if TYPE_CHECKING:
    from disclose.profile import Profile

_EMBEDS = "c2pa_text"
# What programs read at the beginning of a Markdown file, and people do not; unclosed, it is a line across the page.
_FRONT_MATTER = re.compile(r"---[ \t]*\r?\n(?=\w[^\n]*:)(?:(?!---)[^\n]*\n)*?---[ \t]*(?:\r?\n|\Z)")
_STYLE = "max-width:42rem;margin:2rem auto;padding:0 1rem;font:1rem/1.6 sans-serif"
_LABEL_STYLE = "border:1px solid;border-radius:.4em;padding:.4em .8em;font-weight:600"


def export(
    answer: str,
    path: str | os.PathLike[str],
    profile: Profile | None = None,
    *,
    language: str | None = None,
    title: str = "",
    embedded: bool | None = None,
    **statement: Any,
) -> Asset:
    """Write *answer* (Markdown or plain text) to *path* as its ending says, with its manifest beside it.

    .md, .html, .txt and .json; the label stands in *language*, else in the profile's. *statement* is as for
    :func:`disclose.mark`. With *embedded* the document is one file, its manifest inside (C2PA 2.4, A.7 to A.9); unless
    told, where the profile names the layer c2pa_text. Returns the asset that was written. Raises UnsupportedError for
    other endings, JSON among them where *embedded*, and a DiscloseError where it cannot be marked or written: then
    there is no document.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise UnsupportedError(f"cannot export to {path.name}: use one of {', '.join(_FORMATS)}")
    if profile is None:
        from disclose.profile import default_profile

        profile = default_profile()
    media_type, written = _FORMATS[path.suffix.lower()]
    has_place = media_type != "application/json"
    if embedded and not has_place:
        raise UnsupportedError(f"cannot put a manifest into {path.name}: JSON has no place for it; leave out embedded")
    embedded = has_place and _EMBEDS in profile.layers if embedded is None else embedded
    disclosure = profile.disclosure(**statement)
    manifest = None if embedded else quote(sidecar_path(path).name)
    text = written(answer, disclosure, language or profile.label_language, manifest, title)
    data = _encoded(text)
    asset = Asset(media_type=media_type, data=data, upstream=data, name=path.name)
    layers = tuple(name for name in profile.layers if name != _EMBEDS) + (_EMBEDS,) * embedded
    marker = TextMarker(replace(profile, layers=layers), sidecar=not embedded)
    marked = marker.mark(asset, disclosure, sidecar=not embedded)
    marked.save(path)
    return marked


def _plain(answer: str, disclosure: Disclosure, language: str, manifest: str | None, title: str) -> str:
    return labelled(answer, language, paragraph=True).rstrip("\n") + "\n"


def _markdown(answer: str, disclosure: Disclosure, language: str, manifest: str | None, title: str) -> str:
    front = _FRONT_MATTER.match(answer)
    begins = front.end() if front else 0
    document = (answer[:begins] + labelled(answer[begins:], language, paragraph=True)).rstrip()
    if manifest is None:
        return f"{document}\n"
    # C2PA 2.4, A.9: a reference to the manifest in a comment of the format, here after the text.
    reference = f"<!-- -----BEGIN C2PA MANIFEST----- {manifest} -----END C2PA MANIFEST----- -->"
    # Whatever is left open in the text, such as a fence, must not swallow the reference; it stays in its own block.
    return f"{document}\n\n{reference}\n"


def _json(answer: str, disclosure: Disclosure, language: str, manifest: str | None, title: str) -> str:
    said = {
        "label": text_prefix(language).strip().removesuffix(":").strip(),
        "digital_source_type": disclosure.source_type.uri,
        **disclosure.to_dict(),
        "manifest": manifest,
    }
    return json.dumps({"ai_disclosure": said, "text": answer}, ensure_ascii=False, indent=2) + "\n"


def _html(answer: str, disclosure: Disclosure, language: str, manifest: str | None, title: str) -> str:
    from markdown_it import MarkdownIt

    words = wording("text_prefix", language)
    label = words.headline.strip().removesuffix(":").strip()
    # Without the tags that the answer may hold: they would be code in the reader's browser.
    body = MarkdownIt("js-default").render(answer)
    return "\n".join(
        (
            "<!DOCTYPE html>",
            "<html>",
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(title or disclosure.system)}</title>",
            *([] if manifest is None else [_link(manifest)]),
            f'<meta name="digital-source-type" content="{disclosure.source_type.uri}">',
            f'<script type="application/ld+json">{_linked_data(disclosure, title)}</script>',
            "</head>",
            f'<body style="{_STYLE}">',
            f'<p role="note" lang="{escape(words.language)}" dir="{words.direction}" style="{_LABEL_STYLE}">'
            f"{escape(label)}</p>",
            f'<article dir="auto">\n{body}</article>',
            "</body>",
            "</html>",
            "",
        )
    )


def _link(manifest: str) -> str:
    # C2PA 2.4, A.7.1.2: the manifest is elsewhere, and covers the whole of this document.
    return f'<link rel="c2pa-manifest" href="{escape(manifest)}" type="application/c2pa">'


def _linked_data(disclosure: Disclosure, title: str) -> str:
    """Return the statement in the words of schema.org (CreativeWork), safe inside a script element."""
    said: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "CreativeWork",
        "identifier": f"urn:uuid:{UUID(int=disclosure.id.completed().value)}",
        "dateCreated": disclosure.to_dict()["created"],
        # schema.org names the terms of the IPTC after them.
        "digitalSourceType": f"https://schema.org/{disclosure.source_type[0].upper()}{disclosure.source_type[1:]}"
        "DigitalSource",
        "creator": {"@type": "SoftwareApplication", "name": disclosure.system},
    }
    if disclosure.version:
        said["creator"]["softwareVersion"] = disclosure.version
    if disclosure.provider:
        said["publisher"] = {"@type": "Organization", "name": disclosure.provider}
    if title:
        said["name"] = title
    # "</script>" in a name would end the element.
    return json.dumps(said, ensure_ascii=False).replace("<", "\\u003c")


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UnsupportedError(
            "cannot export the text: it holds half of a surrogate pair, which no UTF-8 holds; replace it with U+FFFD"
        ) from error


_Format = Callable[[str, Disclosure, str, str | None, str], str]
_FORMATS: dict[str, tuple[str, _Format]] = {
    ".md": ("text/markdown", _markdown),
    ".html": ("text/html", _html),
    ".txt": ("text/plain", _plain),
    ".json": ("application/json", _json),
}
