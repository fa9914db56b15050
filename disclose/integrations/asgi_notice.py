"""The notice in a page: a banner at the beginning of the body of an HTML response."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

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
from disclose.notice import Notice
from disclose.notice.languages import best
from disclose.notice.notice import ELEMENT_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

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
_STYLES = ("style-src-elem", "style-src", "default-src")
_SCRIPTS = ("script-src-elem", "script-src", "default-src")
_CONNECTIONS = ("connect-src", "default-src")
_NONCE = re.compile(r"'nonce-([A-Za-z0-9+/_=-]+)'")
_HASH = re.compile(r"'sha(?:256|384|512)-", re.IGNORECASE)


class NoticeResponder:
    """Passes one HTML response on with a banner in it; holds back no more than what stands before the body.

    *page_has_notice* is where other middleware of this kind looks; *complain* hears why there is no banner.
    *announcement* keeps on record that the page with it was sent.

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
    ) -> None:
        self._scope = scope
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
            grown = int(length) + len(notice) if length.isascii() and length.isdigit() else None
            tag = tag_of(notice) + b"-" + language_asked_for(self._scope).encode()
            headers = varying(rewritten(headers, length=grown, tag=tag), b"accept-language")
            await self._let_go({**start, "headers": [*headers, *cookies]})
            await self._send({**message, "body": bytes(self._held[:place] + notice + self._held[place:])})
        self._held.clear()

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
    policies = [] if strict else _policies(headers)
    known = _NOTICE.language_for(languages)
    wording = _NOTICE.wording[known]
    styled, nonce = (False, None) if strict else _permission(policies, _STYLES, _allows_inline)
    style = f"<style{_attribute(nonce)}>{_STYLE}</style>" if styled else ""
    loader = "" if strict or script is None else _loader(policies, scheme, script)
    asked = f' data-acknowledge="{escape(wording.button)}"' if loader else ""
    text = (
        f'<div id="{ELEMENT_ID}" role="region" aria-label="{escape(wording.label)}" lang="{known}"'
        f' dir="{wording.direction}"{asked}>'
        f"{style}<p><strong>{escape(wording.headline)}</strong></p></div>{loader}"
    )
    return text.encode("ascii", "xmlcharrefreplace"), bool(loader)


def _loader(policies: list[dict[str, str]], scheme: str, script: str) -> str:
    """Return the element that loads *script*, or nothing where a policy forbids it or what it does."""

    def allows_own(sources: str) -> bool:
        return bool(_own_origin(scheme) & set(sources.lower().split()))

    def allows_script(sources: str) -> bool:
        return "'strict-dynamic'" not in sources.lower() and allows_own(sources)

    if any("sandbox" in one and not set(one["sandbox"].lower().split()) >= _UNBOXED for one in policies):
        return ""
    if not all(allows_own(_sources(one, _CONNECTIONS, "*")) for one in policies):
        return ""
    allowed, nonce = _permission(policies, _SCRIPTS, allows_script)
    return f'<script src="{escape(script)}" defer{_attribute(nonce)}></script>' if allowed else ""


_UNBOXED = frozenset({"allow-scripts", "allow-same-origin"})


def _own_origin(scheme: str) -> set[str]:
    """Return the sources that match whatever comes from the page's own origin."""
    return {"'self'", "*", f"{scheme}:"}


def _attribute(nonce: str | None) -> str:
    return "" if nonce is None else f' nonce="{nonce}"'


def _policies(headers: Headers) -> list[dict[str, str]]:
    """Return the directives of every policy in *headers* (Content Security Policy Level 3, section 2.2.1)."""
    policies = []
    for policy in (value_of(headers, b"content-security-policy") or b"").decode("latin-1").split(","):
        directives: dict[str, str] = {}
        for directive in policy.split(";"):
            name, _, sources = directive.strip().partition(" ")
            directives.setdefault(name.lower(), sources)
        policies.append(directives)
    return policies


def _sources(policy: dict[str, str], names: Iterable[str], otherwise: str) -> str:
    return next((policy[name] for name in names if name in policy), otherwise)


def _permission(
    policies: list[dict[str, str]], names: Iterable[str], allows: Callable[[str], bool]
) -> tuple[bool, str | None]:
    """Return whether every policy allows an element that *names* govern, and the nonce it then needs."""
    nonces: set[str] | None = None
    for policy in policies:
        sources = _sources(policy, names, "* 'unsafe-inline'")
        offered = set(_NONCE.findall(sources))
        if not offered and not allows(sources):
            return False, None
        if offered:
            nonces = offered if nonces is None else nonces & offered
    if nonces is None:
        return True, None
    return bool(nonces), min(nonces, default=None)


def _allows_inline(sources: str) -> bool:
    return "'unsafe-inline'" in sources.lower() and not _HASH.search(sources)
