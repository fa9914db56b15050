"""The notice in a page: a banner at the beginning of the body of an HTML response."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from disclose.errors import MarkingError
from disclose.integrations.asgi_coding import Plain
from disclose.integrations.asgi_headers import (
    Headers,
    Message,
    Scope,
    Send,
    headers_of,
    languages_of,
    rewritten,
    tag_of,
    value_of,
    varying,
)
from disclose.integrations.asgi_html import SCAN_LIMIT, PageStart
from disclose.integrations.asgi_policy import Policies
from disclose.notice import Notice
from disclose.notice.languages import best
from disclose.notice.notice import ELEMENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from disclose.integrations.asgi_coding import Gzip
    from disclose.integrations.asgi_proof import Announcement

_NOTICE = Notice()
# The look of the banner that disclose.notice shows by script. It stays in view, above the page's own fixed elements.
# Where the body lays its children out in a row or a grid, the margins take the width back and nothing is pushed away.
_STYLE = (
    f"#{ELEMENT_ID}{{position:sticky;top:0;left:0;right:0;z-index:2147483000;flex:none;align-self:flex-start;"
    "grid-column:1/-1;box-sizing:border-box;width:100%;margin-inline:-50%;padding:8px 16px;"
    "background:#1e2433;color:#f5f7fb;font:14px/1.45 system-ui,sans-serif;text-align:center}"
    f"#{ELEMENT_ID} p{{margin:0;color:inherit}}"
    f"#{ELEMENT_ID} button{{margin-inline-start:12px;padding:4px 12px;min-height:24px;border:1px solid currentColor;"
    "border-radius:6px;background:none;color:inherit;font:inherit;cursor:pointer}"
    f"@media(forced-colors:active){{#{ELEMENT_ID}{{border-bottom:1px solid}}}}"
)


class NoticeResponder:
    """Passes one HTML response on with a banner in it; holds back no more than what stands before the body.

    *page_has_notice* is where other middleware of this kind looks; *complain* hears why there is no banner.
    *announcement* keeps on record that the page with it was sent.

    A page in another *coding* is read in it and written in it again; where nothing is put in, it leaves as it came.

    The banner speaks the language that the reader asks for in *scope*, and that of the page to who asks for none we
    know: it is the audience that has to understand it (Guidelines C(2026) 5054 ¶142), and the script that shows the
    notice in other doors chooses likewise. So the page depends on the request, and caches are told.
    """

    def __init__(
        self,
        scope: Scope,
        send: Send,
        page_has_notice: dict[str, bool],
        complain: Callable[[str], None],
        announcement: Announcement | None = None,
        coding: Plain | Gzip | None = None,
    ) -> None:
        self._scope = scope
        self._coding = coding or Plain()
        self._arrived = bytearray()
        self._announcement = announcement
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
        elif message["type"] not in _BODIES:
            await self._send(message)
        elif self._start is None:
            await self._pass_on(message)
        elif message["type"] != "http.response.body":
            await self._let_go(self._start)
            await self._send(message)
        else:
            await self._read(self._start, message)

    async def _read(self, start: Message, message: Message) -> None:
        last = not message.get("more_body", False)
        piece = message.get("body", b"")
        self._arrived += piece
        try:
            self._held += self._coding.read(piece)
            self._page.read(self._held, complete=last)
            if not self._page.is_decided:
                return
            if self._page.place is None:
                raise MarkingError(f"no beginning of a body in the first {SCAN_LIMIT} bytes")
        except MarkingError as error:
            self._complain(str(error))
            self._coding = Plain()
            await self._let_go(start)
            await self._send({**message, "body": bytes(self._arrived)})
        else:
            place = self._page.place
            headers, notice = await self._with_notice(headers_of(start))
            self._page_has_notice["notice"] = True
            await self._let_go({**start, "headers": headers})
            page = bytes(self._held[:place] + notice + self._held[place:])
            await self._send({**message, "body": self._coding.write(page, last=last)})
        self._held.clear()
        self._arrived.clear()

    async def _pass_on(self, message: Message) -> None:
        """Send the next *message* of the body, the beginning of which has left."""
        if message["type"] == "http.response.body" and not self._coding.keeps_length:
            content = self._coding.read(message.get("body", b""))
            message = {**message, "body": self._coding.write(content, last=not message.get("more_body", False))}
        await self._send(message)

    async def _with_notice(self, headers: Headers) -> tuple[Headers, bytes]:
        """Return *headers* as they fit the page with its notice, and the notice."""
        script = None if self._announcement is None else self._announcement.script(self._scope)
        languages = [*languages_of(self._scope), self._page.language]
        notice, is_proven = _notice(
            languages,
            headers,
            scheme=self._scope.get("scheme", "http"),
            strict=self._page.has_policy,
            script=script,
        )
        cookies: Headers = []
        if self._announcement is not None and not is_proven:
            language = _NOTICE.language_for(languages)
            cookies = await self._announcement.sent_with(self._scope, headers, language)
        length = (value_of(headers, b"content-length") or b"").decode("latin-1")
        is_known = self._coding.keeps_length and length.isascii() and length.isdigit()
        grown = int(length) + len(notice) if is_known else None
        tag = tag_of(notice) + b"-" + language_asked_for(self._scope).encode()
        return [*varying(rewritten(headers, length=grown, tag=tag), b"accept-language"), *cookies], notice

    async def _let_go(self, start: Message) -> None:
        self._start = None
        await self._send(start)


_BODIES = ("http.response.body", "http.response.pathsend", "http.response.zerocopysend")


def language_asked_for(scope: Scope) -> str:
    """Return the language of the notice that the reader asks for in *scope*, "und" where none that there is."""
    return best(languages_of(scope), _NOTICE.wording) or "und"


def banner(language: str, headers: Headers, *, strict: bool = False, wanted: Iterable[str] = ()) -> bytes:
    """Return the banner in the first language of *wanted* that there is, else in *language*.

    It is ASCII, which reads the same in every charset a page may have, styled where the Content-Security-Policy in
    *headers* allows it, and plain where it does not or where *strict* says that the page brings a policy of its own.

    >>> banner("de", [], strict=True).decode()[:65]
    '<div id="disclose-notice" role="region" aria-label="KI-Hinweis" l'
    """
    return _notice([*wanted, language], headers, scheme="", strict=strict, script=None)[0]


def _notice(
    languages: Iterable[str], headers: Headers, *, scheme: str, strict: bool, script: str | None
) -> tuple[bytes, bool]:
    """Return the banner, with *script* where the policy allows it, and whether it is there."""
    policies = Policies.of(headers)
    known = _NOTICE.language_for(languages)
    wording = _NOTICE.wording[known]
    styled, nonce = (False, None) if strict else policies.inline_style()
    style = f"<style{_attribute(nonce)}>{_STYLE}</style>" if styled else ""
    loader = "" if strict or script is None else _loader(policies, scheme, script)
    asked = f' data-acknowledge="{escape(wording.button)}"' if loader else ""
    text = (
        f'<div id="{ELEMENT_ID}" role="region" aria-label="{escape(wording.label)}" lang="{known}"'
        f' dir="{wording.direction}"{asked}>'
        f"{style}<p><strong>{escape(wording.headline)}</strong></p></div>{loader}"
    )
    return text.encode("ascii", "xmlcharrefreplace"), bool(loader)


def _loader(policies: Policies, scheme: str, script: str) -> str:
    """Return the element that loads *script*, or nothing where a policy forbids it or what it does."""
    allowed, nonce = policies.own_script(scheme)
    return f'<script src="{escape(script)}" defer{_attribute(nonce)}></script>' if allowed else ""


def _attribute(nonce: str | None) -> str:
    return "" if nonce is None else f' nonce="{nonce}"'
