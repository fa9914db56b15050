"""The door for web applications: an ASGI middleware that discloses in headers, in pages and in media.

Around any application, whatever its framework::

    app = DiscloseMiddleware(app, system="Acme Studio", media=("image/*",), routes=("/draw",))

or, in Starlette and FastAPI, ``app.add_middleware(DiscloseMiddleware, media=("image/*",))``. Compression belongs
outside of it: what was added last to a Starlette application is outermost.
"""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase, translate
from typing import TYPE_CHECKING, Any

from disclose.disclosure import Action, Disclosure
from disclose.errors import ProfileError
from disclose.integrations import asgi_about
from disclose.integrations.asgi_headers import (
    CONDITIONAL,
    App,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    content_type_of,
    headers_of,
    is_encoded,
    original_tags,
    rewritten,
    tagged_again,
    value_of,
    without,
)
from disclose.integrations.asgi_notice import NoticeResponder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from disclose.integrations.asgi_media import MediaResponder
    from disclose.profile import Profile

_log = logging.getLogger(__name__)
# draft-abaris-aicdh: an expired Internet-Draft, and the only header of its kind that anybody has written down.
_HEADER = b"ai-disclosure"
_MODES = {Action.CREATED: b"mode=ai-originated", Action.ALTERED: b"mode=ai-modified"}
# The application shall answer with its whole body as it is; ranges of the marked one are served here.
_ASKS_FOR_LESS = (b"range", b"if-range", b"accept-encoding")
# Ways to send a body past everyone in between, and trailers, which may hold a digest of the unmarked one.
_PAST_US = ("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers")
_NO_BODY = (204, 205)


class DiscloseMiddleware:
    """Adds the header ``AI-Disclosure`` to every successful response, a notice to pages and marks to media.

    *notice* puts a sentence at the top of HTML pages. *media* lists the content types (``"image/*"``) whose
    bodies are marked as *profile* says; a body that cannot be marked is withheld with a 500, so name the routes
    that serve what the system makes. *routes* are the paths concerned: ``"/draw"`` with all below it, or a
    pattern such as ``"/*/picture.png"``; none means all. They are held against the path with and without the
    prefix under which the application is mounted. *statement* is that of :func:`disclose.marked`. What both say of
    the system is served as JSON at ``/.well-known/ai-disclosure``.
    """

    def __init__(
        self,
        app: App,
        profile: Profile | None = None,
        *,
        notice: bool = True,
        media: Iterable[str] = (),
        routes: Iterable[str] = (),
        **statement: Any,
    ) -> None:
        self.app = app
        self.profile = profile
        self.statement = statement
        self.notice = notice
        self.media = _patterns("media", media)
        self.routes = _patterns("routes", routes)
        self._route = re.compile("|".join(map(_route_expression, self.routes)))
        self._media = re.compile("|".join(translate(pattern.lower()) for pattern in self.media) or r"(?!)")
        self._complained: set[str] = set()
        for pattern in self.routes:
            if not pattern.startswith(("/", "*")):
                raise ProfileError(f"the route {pattern!r} matches no path: it begins with neither / nor *")
        for pattern in self.media:
            if "/" not in pattern or fnmatchcase("text/event-stream", pattern.lower()):
                raise ProfileError(f"media={pattern!r} is not a content type that can be collected: use 'image/*'")
        own = {} if profile is None else profile.statement
        self.mode = _MODES[Disclosure.new(**{"system": "checked here", **own, **statement}).action]
        if self.media:
            # Imported here because a middleware that marks nothing needs neither codecs nor keys.
            from disclose.integrations.asgi_media import MarkedBodies
            from disclose.profile import default_profile

            chosen = default_profile() if profile is None else profile
            # What is missing is refused when the server starts, and not at the first picture.
            chosen.marker()
            chosen.disclosure(**statement)
            self.bodies = MarkedBodies(chosen, statement)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as every ASGI application does."""
        if scope["type"] == "http" and asgi_about.is_asked_for(scope):
            await asgi_about.answer(scope, send, self.profile, self.statement)
            return
        if scope["type"] != "http" or not self._concerns(scope):
            await self.app(scope, receive, send)
            return
        responder = _Responder(self, scope, send)
        try:
            await self.app(responder.scope, receive, responder.send)
        except Exception:
            if not responder.is_refused:
                raise
            # The client has its answer; this is the application learning that nobody listens to it any more.
            _log.debug("the application was stopped after its response had been withheld", exc_info=True)

    def complain(self, path: str, reason: str) -> None:
        """Log once why a page got no notice: a site has few reasons and many pages."""
        if reason not in self._complained:
            self._complained.add(reason)
            _log.warning("no notice in the page %r: %s (said once)", path, reason)

    def is_media(self, content_type: str) -> bool:
        """Whether bodies of *content_type* are to be marked."""
        return self._media.match(content_type) is not None

    def _concerns(self, scope: Scope) -> bool:
        if not self.routes or self._route.match(scope["path"]):
            return True
        mounted_at = scope.get("root_path", "")
        return bool(mounted_at) and self._route.match(scope["path"].removeprefix(mounted_at)) is not None


class _Responder:
    """Watches one response and hands it to whatever its headers call for."""

    def __init__(self, middleware: DiscloseMiddleware, scope: Scope, send: Send) -> None:
        self._middleware = middleware
        self._asked = scope
        self._send = send
        self._onward: Send = send
        self._media: MediaResponder | None = None
        self._known_tags: dict[bytes, bytes] = {}
        self._page_has_notice: dict[str, bool] = {}
        self.scope = self._asked_of_the_application() if middleware.media or middleware.notice else scope

    @property
    def is_refused(self) -> bool:
        """Whether the client was given an error in place of the application's answer."""
        return self._media is not None and self._media.refused

    async def send(self, message: Message) -> None:
        """Take the application's next *message*."""
        if message["type"] == "http.response.start":
            message = self._decided(message)
        await self._onward(message)

    def _decided(self, start: Message) -> Message:
        """Choose who takes the response from here on; return its *start* with the headers it needs."""
        status, headers = start["status"], headers_of(start)
        if status == 304 and self._known_tags:
            return {**start, "headers": tagged_again(headers, self._known_tags)}
        if not 200 <= status < 300:
            return start
        if value_of(headers, _HEADER) is None:
            headers.append((_HEADER, self._middleware.mode))
        content_type = content_type_of(headers)
        is_media = self._middleware.is_media(content_type)
        is_page = content_type == "text/html" and self._is_to_carry_notice(status, headers)
        if status in _NO_BODY or not (is_media or is_page):
            return {**start, "headers": headers}
        if self._asked["method"] == "HEAD":
            self._onward = self._send_no_body
            return {**start, "headers": rewritten(headers, length=None, tag=None)}
        if is_media:
            from disclose.integrations.asgi_media import MediaResponder

            self._onward = self._media = MediaResponder(self._middleware.bodies, self._asked, self._send)
        else:
            path = self._asked["path"]
            self._onward = NoticeResponder(
                self._send, self._page_has_notice, lambda reason: self._middleware.complain(path, reason)
            )
        return {**start, "headers": headers}

    def _is_to_carry_notice(self, status: int, headers: Headers) -> bool:
        if not self._middleware.notice or status == 206 or self._page_has_notice.get("notice"):
            return False
        if (value_of(headers, b"content-disposition") or b"").strip().lower().startswith(b"attachment"):
            # A file to keep is not a page somebody interacts with.
            return False
        if is_encoded(headers):
            self._middleware.complain(self._asked["path"], "it is compressed; compress outside this middleware")
            return False
        return True

    async def _send_no_body(self, message: Message) -> None:
        await self._send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    def _asked_of_the_application(self) -> Scope:
        """Return a scope that asks for a whole body which passes through here, and by its own tag."""
        scope, middleware = self._asked, self._middleware
        if middleware.notice:
            # Through this, a second middleware of this kind further in tells the first that a page has its notice.
            self._page_has_notice = scope.setdefault("disclose.page", self._page_has_notice)
        extensions = scope.get("extensions") or {}
        unwanted = (*CONDITIONAL, *_ASKS_FOR_LESS) if middleware.media else CONDITIONAL
        if not any(name in unwanted for name, _ in scope["headers"]) and extensions.keys().isdisjoint(_PAST_US):
            # Others outside look into the scope for what the application left there, such as the route it took.
            return scope
        headers, self._known_tags = original_tags(headers_of(scope))
        if middleware.media:
            headers = without(headers, _ASKS_FOR_LESS)
        offered = {name: value for name, value in extensions.items() if name not in _PAST_US}
        return {**scope, "headers": headers, "extensions": offered}


def _patterns(name: str, given: Iterable[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        raise ProfileError(f"{name}={given!r} is one text where several are expected: write {name}=({given!r},)")
    return tuple(given)


def _route_expression(route: str) -> str:
    r"""Return a regular expression for the paths at and below *route*, or for *route* where it is a pattern.

    >>> _route_expression("/draw/")
    '/draw(?:/|\\Z)'
    """
    if any(character in route for character in "*?["):
        return translate(route)
    return re.escape(route.rstrip("/")) + r"(?:/|\Z)"
