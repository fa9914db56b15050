"""One response on its way through the middleware: what its headers call for, and who does it."""

from __future__ import annotations

import mimetypes
from functools import partial
from typing import TYPE_CHECKING, Any

from disclose.disclosure import Action, Disclosure
from disclose.integrations.asgi_body import BodyResponder
from disclose.integrations.asgi_coding import Gzip, is_gzip
from disclose.integrations.asgi_headers import (
    CONDITIONAL,
    EXPOSE,
    Headers,
    Message,
    Scope,
    Send,
    content_type_of,
    exposed,
    headers_of,
    is_encoded,
    is_json,
    original_tags,
    rewritten,
    tagged_again,
    value_of,
    without,
)
from disclose.integrations.asgi_notice import NoticeResponder, language_asked_for

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from disclose.disclosure import Identifier
    from disclose.duty import Use
    from disclose.integrations.asgi import DiscloseMiddleware
    from disclose.integrations.asgi_events import EventResponder
    from disclose.integrations.asgi_json import EmbeddedFiles
    from disclose.integrations.asgi_media import MarkedBodies
    from disclose.profile import Profile

# draft-abaris-aicdh: an expired Internet-Draft, and the only header of its kind that anybody has written down.
HEADER = b"ai-disclosure"
_MODES = {Action.CREATED: b"mode=ai-originated", Action.ALTERED: b"mode=ai-modified"}
# The application shall answer with its whole body as it is; ranges of the marked one are served here.
_ASKS_FOR_LESS = (b"range", b"if-range", b"accept-encoding")
# Ways to send a body past everyone in between, and trailers, which may hold a digest of the unmarked one.
_PAST_US = frozenset(("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers"))
_NO_BODY = (204, 205)
_FILES = ("image/", "audio/", "video/", "application/pdf")


def is_file(content_type: str) -> bool:
    """Whether *content_type* is that of a picture, a sound, a film or a document."""
    return content_type.startswith(_FILES)


def requests_changed(*, media: bool, notice: bool) -> frozenset[bytes]:
    """Return the headers of requests that the application must not see as they are, where bodies change so."""
    return frozenset((*CONDITIONAL, *(_ASKS_FOR_LESS if media else ())) if media or notice else ())


def mode_of(profile: Profile, statement: Mapping[str, Any]) -> bytes:
    """Return the value of the header for what is made as *profile* and *statement* say; ProfileError for a slip."""
    return _MODES[Disclosure.new(**{"system": "checked here", **profile.statement, **statement}).action]


class Responder:
    """Watches one response and hands it to whatever its headers call for.

    One on a route that is not concerned passes, unless a marked function has made it.
    """

    # What few responses need stands here and not in each of them: most pass, and only wait for what is done to them.
    _body: BodyResponder | None = None
    _tagged: MarkedBodies | None = None
    _stated: tuple[Profile, Mapping[str, Any], Use] | None = None
    _mode: bytes | None = None
    _known_tags: dict[bytes, bytes] | None = None
    _is_concerned = True
    _is_cross_origin = False
    _page_has_notice: dict[str, bool]

    def __init__(self, middleware: DiscloseMiddleware, scope: Scope, send: Send) -> None:
        self._middleware = middleware
        self._asked = self.scope = scope
        self._root = scope.get("root_path", "")
        self._send = self._onward = send
        self._has_started = False
        self.events: EventResponder | None = None
        """Who takes a stream of events, and is to be closed when the application has ended."""
        self._may_pass = True
        """Whether a response may leave with no more than our header, where its own headers ask for no more."""
        if middleware.routes and not middleware.concerns(scope):
            self._is_concerned = self._may_pass = False
            return
        if middleware.notice:
            # Through this, a second middleware of this kind further in tells the first that a page has its notice.
            self._page_has_notice = scope.setdefault("disclose.page", {})
        of_note, is_of_note = middleware.requests_of_note, "extensions" in scope
        for name, _ in scope["headers"]:
            if name in of_note:
                is_of_note = True
        if is_of_note:
            self._prepare()

    @property
    def is_refused(self) -> bool:
        """Whether the client was given an error in place of the application's answer."""
        return self._body is not None and self._body.refused

    def send(self, message: Message) -> Awaitable[None]:
        """Take the application's next *message*.

        Not a coroutine itself, but what returns the one of whoever takes it: one less for each piece of each stream.
        """
        if message["type"] == "http.response.start":
            if self._has_started:
                raise RuntimeError("the application began a response twice; it sends http.response.start once")
            self._has_started = True
            if self._may_pass and 200 <= message["status"] < 300 and (passing := self._middleware.passing(message)):
                message = passing
            else:
                message = self._decided(message)
        return self._onward(message)

    def tag(self, profile: Profile, statement: Mapping[str, Any], use: Use) -> None:
        """Mark the answer as *profile*, *statement* and *use* say, which its function was decorated with."""
        self._tagged = self._middleware.bodies_of(profile, statement)
        self._may_pass = False
        if not self._is_concerned:
            self._is_concerned, self._page_has_notice = True, {}
        self._mode = mode_of(profile, statement)
        self._stated = profile, statement, use
        # Only now is it known that the whole body is needed; the application reads its scope when it answers.
        self._asked = {**self._asked}
        offered = self.scope.get("extensions") or {}
        self.scope["headers"] = without(headers_of(self.scope), _ASKS_FOR_LESS)
        self.scope["extensions"] = {name: value for name, value in offered.items() if name not in _PAST_US}

    def _decided(self, start: Message) -> Message:
        """Choose who takes the response from here on; return its *start* with the headers it needs."""
        if not self._is_concerned:
            return start
        if self._asked.get("root_path", "") != self._root:
            # Frameworks that mount one application in another write so into the scope they are given.
            self._asked = {**self._asked, "root_path": self._root}
        middleware, status = self._middleware, start["status"]
        if status == 304 and self._known_tags:
            return {**start, "headers": tagged_again(headers_of(start), self._known_tags)}
        if not 200 <= status < 300:
            return start
        headers = headers_of(start)
        passes = middleware.passes(headers)
        if value_of(headers, HEADER) is None:
            headers.append((HEADER, self._mode or middleware.mode))
        if self._is_cross_origin or value_of(headers, EXPOSE):
            headers = exposed(headers, HEADER)
        if passes and self._tagged is None:
            return {**start, "headers": headers}
        onward = None if status in _NO_BODY else self._chosen(status, headers)
        if onward is not None and self._asked["method"] == "HEAD":
            self._onward = self._send_no_body
            return {**start, "headers": rewritten(headers, length=None, tag=None)}
        if onward is not None:
            self._onward = onward
            self._body = onward if isinstance(onward, BodyResponder) else None
        return {**start, "headers": headers}

    def _chosen(self, status: int, headers: Headers) -> Send | None:
        """Return who takes a response with *headers*; None for one that passes as it is."""
        middleware, content_type = self._middleware, content_type_of(headers)
        # A stream of events is no body to collect; what it says is disclosed event by event.
        if content_type == "text/event-stream":
            return self._event_responder(headers)
        if (self._tagged or middleware.looks_into_json) and is_json(content_type):
            return self._json_responder()
        if middleware.is_media(content_type):
            return self._media_responder(self._tagged or middleware.bodies)
        if content_type == "text/html":
            return self._notice_responder(headers) if self._is_to_carry_notice(status, headers) else None
        return None if self._tagged is None else self._media_responder(self._tagged)

    def _json_responder(self) -> BodyResponder:
        from disclose.integrations.asgi_json import JsonResponder

        middleware, path = self._middleware, self._asked["path"]
        return JsonResponder(
            self._embedded_files(),
            self._asked,
            self._send,
            complain=lambda reason: middleware.complain(path, reason),
            oversize=middleware.oversize,
        )

    def _embedded_files(self) -> EmbeddedFiles:
        from disclose.integrations.asgi_json import EmbeddedFiles

        middleware = self._middleware
        is_wanted = is_file if self._tagged else middleware.is_embedded_media
        return EmbeddedFiles(bodies=self._tagged or middleware.bodies, is_wanted=is_wanted, leaves=self._leaves)

    def _event_responder(self, headers: Headers) -> EventResponder:
        from disclose.integrations.asgi_events import EventResponder, Recording

        middleware, path = self._middleware, self._asked["path"]
        profile, statement, use = self._stated or (middleware.profile, middleware.statement, middleware.use)
        is_signed = self._tagged is not None or middleware.is_media("text/plain")

        def leaves(identifiers: Iterable[Identifier]) -> None:
            self._leaves(identifiers)
            middleware.opened[id(profile)] = profile

        def is_open() -> bool:
            noted = middleware.announcement is not None and middleware.announcement.notes(self._asked)
            return id(profile) in middleware.opened and not noted

        recording = Recording(
            profile=profile,
            statement=statement,
            use=use,
            manifest_link=partial(middleware.manifests.link, self._asked) if is_signed else None,
            leaves=leaves,
            is_open=is_open,
        )
        self.events = EventResponder(
            recording,
            self._send,
            lambda reason: middleware.complain(path, reason),
            embedded_files=self._embedded_files() if self._tagged or middleware.looks_into_json else None,
            oversize=middleware.oversize,
            coding=Gzip() if is_gzip(headers) else None,
        )
        return self.events

    def _media_responder(self, bodies: MarkedBodies) -> BodyResponder:
        from disclose.integrations.asgi_media import MediaResponder

        return MediaResponder(
            bodies,
            self._asked,
            self._send,
            oversize=self._middleware.oversize,
            manifests=self._middleware.manifests,
            leaves=self._leaves,
        )

    def _notice_responder(self, headers: Headers) -> NoticeResponder:
        middleware, path = self._middleware, self._asked["path"]
        return NoticeResponder(
            self._asked,
            self._send,
            self._page_has_notice,
            lambda reason: middleware.complain(path, reason),
            middleware.announcement,
            Gzip() if is_gzip(headers) else None,
        )

    def _leaves(self, identifiers: Iterable[Identifier]) -> None:
        """Link the outputs to the session that they leave in."""
        if self._middleware.announcement is not None:
            self._middleware.announcement.outputs(self._asked, identifiers)

    def _is_to_carry_notice(self, status: int, headers: Headers) -> bool:
        if not self._middleware.notice or status == 206 or self._page_has_notice.get("notice"):
            return False
        if (value_of(headers, b"content-disposition") or b"").strip().lower().startswith(b"attachment"):
            # A file to keep is not a page somebody interacts with.
            return False
        if is_encoded(headers) and not is_gzip(headers):
            self._middleware.complain(self._asked["path"], "it is compressed; use gzip, or compress outside of us")
            return False
        return True

    async def _send_no_body(self, message: Message) -> None:
        await self._send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    def _prepare(self) -> None:
        """Have the application asked for a whole body which passes through here, and by its own tag."""
        scope, middleware = self._asked, self._middleware
        extensions = scope.get("extensions") or {}
        names = {name for name, _ in scope["headers"]}
        if b"origin" in names:
            self._is_cross_origin, self._may_pass = True, False
        unwanted = middleware.requests_changed
        if not unwanted or (unwanted.isdisjoint(names) and _PAST_US.isdisjoint(extensions)):
            # Others outside look into the scope for what the application left there, such as the route it took.
            return
        headers, self._known_tags = original_tags(headers_of(scope), language_asked_for(scope))
        if middleware.media:
            headers = without(headers, _ASKS_FOR_LESS if self._may_be_marked() else (b"accept-encoding",))
        offered = {name: value for name, value in extensions.items() if name not in _PAST_US}
        self.scope = {**scope, "headers": headers, "extensions": offered}

    def _may_be_marked(self) -> bool:
        """Whether the path leaves open that a body comes which is marked; the parts of others the application serves.

        Some players ask for parts of a film and for nothing else. What is called a film and is a picture is withheld.
        """
        expected, _ = mimetypes.guess_type(self._asked["path"])
        return expected is None or self._middleware.is_of_interest(expected)
