"""The notice in a page: a banner at the beginning of the body of an HTML response."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from disclose.integrations.asgi_headers import Headers, Message, Send, headers_of, rewritten, tag_of, value_of
from disclose.integrations.asgi_html import SCAN_LIMIT, PageStart
from disclose.notice import Notice
from disclose.notice.notice import ELEMENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

_NOTICE = Notice()
# The look of the banner that disclose.notice shows by script. It stays in view, above the page's own fixed elements.
# Where the body lays its children out in a row or a grid, the margins take the width back and nothing is pushed away.
_STYLE = (
    f"#{ELEMENT_ID}{{position:sticky;top:0;left:0;right:0;z-index:2147483000;flex:none;align-self:flex-start;"
    "grid-column:1/-1;box-sizing:border-box;width:100%;margin-inline:-50%;padding:8px 16px;"
    "background:#1e2433;color:#f5f7fb;font:14px/1.45 system-ui,sans-serif;text-align:center}"
    f"#{ELEMENT_ID} p{{margin:0;color:inherit}}@media(forced-colors:active){{#{ELEMENT_ID}{{border-bottom:1px solid}}}}"
)
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_HASH = re.compile(r"'sha(?:256|384|512)-", re.IGNORECASE)


class NoticeResponder:
    """Passes one HTML response on with a banner in it; holds back no more than what stands before the body.

    *page_has_notice* is where other middleware of this kind looks; *complain* hears why there is no banner.
    """

    def __init__(self, send: Send, page_has_notice: dict[str, bool], complain: Callable[[str], None]) -> None:
        self._send = send
        self._page_has_notice = page_has_notice
        self._complain = complain
        self._start: Message | None = None
        self._held = bytearray()
        self._page = PageStart()

    async def __call__(self, message: Message) -> None:
        """Take the next *message* of the application, the start of its response first."""
        if message["type"] == "http.response.start":
            self._start = message
        elif self._start is None or message["type"] not in _BODIES:
            await self._send(message)
        elif message["type"] != "http.response.body":
            await self._let_go(self._start)
            await self._send(message)
        else:
            await self._read(self._start, message)

    async def _read(self, start: Message, message: Message) -> None:
        self._held += message.get("body", b"")
        self._page.read(self._held, complete=not message.get("more_body", False))
        if not self._page.is_decided:
            return
        place = self._page.place
        if place is None:
            self._complain(f"no beginning of a body in the first {SCAN_LIMIT} bytes")
            await self._let_go(start)
            await self._send({**message, "body": bytes(self._held)})
        else:
            self._page_has_notice["notice"] = True
            headers = headers_of(start)
            snippet = banner(self._page.language, headers, strict=self._page.has_policy)
            length = (value_of(headers, b"content-length") or b"").decode("latin-1")
            grown = int(length) + len(snippet) if length.isascii() and length.isdigit() else None
            await self._let_go({**start, "headers": rewritten(headers, length=grown, tag=tag_of(snippet))})
            await self._send({**message, "body": bytes(self._held[:place] + snippet + self._held[place:])})
        self._held.clear()

    async def _let_go(self, start: Message) -> None:
        self._start = None
        await self._send(start)


_BODIES = ("http.response.body", "http.response.pathsend", "http.response.zerocopysend")


def banner(language: str, headers: Headers, *, strict: bool = False) -> bytes:
    """Return the banner in *language*, as ASCII, which reads the same in every charset a page may have.

    It is styled where the Content-Security-Policy in *headers* allows it, and plain where it does not or where
    *strict* says that the page brings a policy of its own.

    >>> banner("de", [], strict=True).decode()[:65]
    '<div id="disclose-notice" role="region" aria-label="KI-Hinweis" l'
    """
    known = _NOTICE.language_for([language])
    wording = _NOTICE.wording[known]
    allowed, nonce = (False, None) if strict else _style_permission(headers)
    opening = "<style>" if nonce is None else f'<style nonce="{nonce}">'
    style = f"{opening}{_STYLE}</style>" if allowed else ""
    text = (
        f'<div id="{ELEMENT_ID}" role="region" aria-label="{escape(wording.label)}" lang="{known}"'
        f' dir="{wording.direction}">'
        f"{style}<p><strong>{escape(wording.headline)}</strong></p></div>"
    )
    return text.encode("ascii", "xmlcharrefreplace")


def _style_permission(headers: Headers) -> tuple[bool, str | None]:
    """Return whether every policy in *headers* allows a style element, and the nonce it then needs."""
    nonces: set[str] | None = None
    policies = (value_of(headers, b"content-security-policy") or b"").decode("latin-1").split(",")
    for policy in policies:
        directives: dict[str, str] = {}
        for directive in policy.split(";"):
            name, _, sources = directive.strip().partition(" ")
            directives.setdefault(name.lower(), sources)
        names = ("style-src-elem", "style-src", "default-src")
        sources = next((directives[name] for name in names if name in directives), "'unsafe-inline'")
        offered = set(_NONCE.findall(sources))
        if not offered and ("'unsafe-inline'" not in sources.lower() or _HASH.search(sources)):
            return False, None
        if offered:
            nonces = offered if nonces is None else nonces & offered
    if nonces is None:
        return True, None
    return bool(nonces), min(nonces, default=None)
