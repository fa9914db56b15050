"""The door for web applications: an ASGI middleware that discloses in headers, in pages, in media and in JSON.

Around any application, whatever its framework::

    app = DiscloseMiddleware(app, system="Acme Studio", media=("image/*",), routes=("/draw",))

or, in Starlette and FastAPI, ``app.add_middleware(DiscloseMiddleware, media=("image/*",))``. Where nobody passes
arguments, as in ``vllm serve --middleware disclose.integrations.asgi.DiscloseMiddleware``, environment and file say the
same: ``DISCLOSE_MEDIA=image/*`` or, in ``disclose.toml``, ``media = ["image/*"]``. Compression belongs outside of it:
what was added last to a Starlette application is outermost.
"""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase, translate
from functools import partial
from typing import TYPE_CHECKING, Any, get_args

from disclose.about import WELL_KNOWN
from disclose.disclosure import Action, Disclosure
from disclose.errors import ProfileError
from disclose.integrations import asgi_about, endpoint
from disclose.integrations.asgi_body import BodyResponder, Oversize
from disclose.integrations.asgi_headers import (
    CONDITIONAL,
    EXPOSE,
    App,
    Headers,
    Message,
    Receive,
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
from disclose.integrations.asgi_proof import Announcement
from disclose.notice.session import Exemption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from disclose.disclosure import Identifier
    from disclose.integrations.asgi_events import EventResponder
    from disclose.integrations.asgi_manifest import Manifests
    from disclose.integrations.asgi_media import MarkedBodies
    from disclose.profile import Profile

_log = logging.getLogger(__name__)
# draft-abaris-aicdh: an expired Internet-Draft, and the only header of its kind that anybody has written down.
_HEADER = b"ai-disclosure"
_MODES = {Action.CREATED: b"mode=ai-originated", Action.ALTERED: b"mode=ai-modified"}
# The application shall answer with its whole body as it is; ranges of the marked one are served here.
_ASKS_FOR_LESS = (b"range", b"if-range", b"accept-encoding")
# Ways to send a body past everyone in between, and trailers, which may hold a digest of the unmarked one.
_PAST_US = frozenset(("http.response.pathsend", "http.response.zerocopysend", "http.response.trailers"))
_CONDITIONAL = frozenset(CONDITIONAL)
_ASKS_FOR_OTHER = frozenset((*CONDITIONAL, *_ASKS_FOR_LESS))
_NO_BODY = (204, 205)
_OF_INTEREST = ("text/html", "text/event-stream")
_MOST_TYPES = 256
_FILES = ("image/", "audio/", "video/", "application/pdf")


def is_file(content_type: str) -> bool:
    """Whether *content_type* is that of a picture, a sound, a film or a document."""
    return content_type.startswith(_FILES)


def mode_of(profile: Profile, statement: Mapping[str, Any]) -> bytes:
    """Return the value of the header for what is made as *profile* and *statement* say; ProfileError for a slip."""
    return _MODES[Disclosure.new(**{"system": "checked here", **profile.statement, **statement}).action]


class DiscloseMiddleware:
    """Adds the header ``AI-Disclosure`` to every successful response, a notice to pages and marks to media.

    *notice* puts a sentence at the top of HTML pages, and keeps on record that it was seen. ``notice=False`` needs
    the reason in writing, as *obvious*, *m2m* or *assistive* (see :class:`disclose.notice.session.Exemption`); it is
    logged and published. *media* lists the content types (``"image/*"``) whose bodies are marked as *profile* says;
    a body that cannot be marked is withheld with a 500, so name the routes that serve what the system makes. A body
    beyond :data:`~disclose.integrations.asgi_body.BODY_LIMIT` is withheld too, unless *oversize* is "pass": then it
    leaves unmarked, with the header ``Disclose-Unmarked: oversize`` and a line in the log. Where *routes* are named,
    or *media* has ``"application/json"``, the base64 files inside JSON are marked as well.

    *routes* are the paths concerned: ``"/draw"`` with all below it, or a pattern such as ``"/*/picture.png"``; none
    means all. They are held against the path with and without the prefix under which the application is mounted.
    *statement* is that of :func:`disclose.marked`. What both say of the system is served as JSON at
    ``/.well-known/ai-disclosure``. What is not given is as *profile* says, by default that of environment and file.
    """

    def __init__(
        self,
        app: App,
        profile: Profile | None = None,
        *,
        notice: bool | None = None,
        media: Iterable[str] | None = None,
        routes: Iterable[str] | None = None,
        oversize: Oversize = "refuse",
        obvious: str | None = None,
        m2m: str | None = None,
        assistive: str | None = None,
        **statement: Any,
    ) -> None:
        # Here and not above: it brings the layers with it, and whoever only imports this class needs none.
        from disclose.profile import default_profile

        self.app = app
        self.profile = default_profile() if profile is None else profile
        self.statement = statement
        self.exemption = _exemption(self.profile, notice, obvious=obvious, m2m=m2m, assistive=assistive)
        self.notice = self.exemption is None
        self.media = _patterns("media", self.profile.media if media is None else media)
        self.routes = _patterns("routes", self.profile.routes if routes is None else routes)
        self.oversize = oversize
        self._route = re.compile("|".join(map(_route_expression, self.routes)))
        self._media = re.compile("|".join(translate(pattern.lower()) for pattern in self.media) or r"(?!)")
        self._complained: set[str] = set()
        self._interest: dict[str, bool] = {}
        self._tagged: dict[tuple[Any, ...], MarkedBodies] = {}
        if oversize not in get_args(Oversize):
            raise ProfileError(f"oversize={oversize!r} is neither 'refuse' nor 'pass'")
        for pattern in self.routes:
            if not pattern.startswith(("/", "*")):
                raise ProfileError(f"the route {pattern!r} matches no path: it begins with neither / nor *")
        for pattern in self.media:
            if "/" not in pattern or fnmatchcase("text/event-stream", pattern.lower()):
                raise ProfileError(f"media={pattern!r} is not a content type that can be collected: use 'image/*'")
        self.mode = mode_of(self.profile, statement)
        self.looks_into_json = bool(self.media) and (bool(self.routes) or self.is_media("application/json"))
        self.announcement = Announcement(self.profile) if self.notice else None
        if self.exemption is not None:
            _log.warning("pages carry no notice (%s): %s", self.exemption.kind, self.exemption.reason)
        if self.media:
            # What is missing is refused when the server starts, and not at the first picture.
            self.profile.marker()
            self.profile.disclosure(**statement)
            self.bodies = self.bodies_of(self.profile, statement, self.is_media)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as every ASGI application does."""
        if scope["type"] == "http" and WELL_KNOWN in scope["path"] and await self._answers(scope, receive, send):
            return
        if scope["type"] == "websocket" and self._concerns(scope):
            await self.app(scope, receive, self._accepting(send))
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        responder = _Responder(self, scope, send, is_concerned=self._concerns(scope))
        token = endpoint.current.set(responder)
        try:
            await self.app(responder.scope, receive, responder.send)
        except Exception:
            if not responder.is_refused:
                raise
            # The client has its answer; this is the application learning that nobody listens to it any more.
            _log.debug("the application was stopped after its response had been withheld", exc_info=True)
        finally:
            endpoint.current.reset(token)
            await responder.close()

    def _accepting(self, send: Send) -> Send:
        """Return *send* for a WebSocket that is accepted with our header; what is said on it stays as it is."""

        async def accepting(message: Message) -> None:
            if message["type"] == "websocket.accept" and value_of(headers := headers_of(message), _HEADER) is None:
                message = {**message, "headers": [*headers, (_HEADER, self.mode)]}
            await send(message)

        return accepting

    def complain(self, path: str, reason: str) -> None:
        """Log once why a response was not looked at: a site has few reasons and many pages."""
        if reason not in self._complained:
            self._complained.add(reason)
            _log.warning("%r left as the application made it: %s (said once)", path, reason)

    def is_of_interest(self, content_type: str) -> bool:
        """Whether anything but the headers of a response of *content_type* may change; most are of none."""
        if (known := self._interest.get(content_type)) is None:
            is_json_of_ours = self.looks_into_json and is_json(content_type)
            known = content_type in _OF_INTEREST or is_json_of_ours or self.is_media(content_type)
            if len(self._interest) < _MOST_TYPES:
                self._interest[content_type] = known
        return known

    def is_media(self, content_type: str) -> bool:
        """Whether bodies of *content_type* are to be marked."""
        return self._media.match(content_type) is not None

    def is_embedded_media(self, content_type: str) -> bool:
        """Whether files of *content_type* inside JSON are to be marked."""
        return self.is_media(content_type) or (is_file(content_type) and self.is_media("application/json"))

    @property
    def manifests(self) -> Manifests:
        """The manifests of bodies that hold none."""
        from disclose.integrations.asgi_manifest import FOLDER, Manifests

        return Manifests(lambda: self.profile.folder / FOLDER)

    def bodies_of(
        self, profile: Profile, statement: Mapping[str, Any], is_media: Callable[[str], bool] = is_file
    ) -> MarkedBodies:
        """Return what marks bodies as *profile* and *statement* say, and remembers them."""
        # Here and not above: a middleware that marks nothing needs neither codecs nor keys.
        from disclose.integrations.asgi_media import MarkedBodies

        key = (id(profile), *sorted((name, repr(value)) for name, value in statement.items()))
        if key not in self._tagged:
            self._tagged[key] = MarkedBodies(profile, statement, is_media)
        return self._tagged[key]

    async def _answers(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer what is asked of the middleware itself, and return whether that was so."""
        if asgi_about.is_asked_for(scope):
            await asgi_about.answer(scope, send, self.profile, self.statement, self.exemption)
        elif self.announcement is not None and self.announcement.is_asked_for(scope):
            await self.announcement.answer(scope, receive, send)
        elif self.manifests.is_asked_for(scope):
            await self.manifests.answer(scope, send)
        else:
            return False
        return True

    def _concerns(self, scope: Scope) -> bool:
        if not self.routes or self._route.match(scope["path"]):
            return True
        mounted_at = scope.get("root_path", "")
        return bool(mounted_at) and self._route.match(scope["path"].removeprefix(mounted_at)) is not None


class _Responder:
    """Watches one response and hands it to whatever its headers call for.

    One on a route that is not concerned passes, unless a marked function has made it.
    """

    def __init__(self, middleware: DiscloseMiddleware, scope: Scope, send: Send, *, is_concerned: bool) -> None:
        self._middleware = middleware
        self._is_concerned = is_concerned
        self._mode = middleware.mode
        self._asked = scope
        self._send = send
        self._onward: Send = send
        self._body: BodyResponder | None = None
        self._tagged: MarkedBodies | None = None
        self._stated: tuple[Profile, Mapping[str, Any]] | None = None
        self._events: EventResponder | None = None
        self._has_started = False
        self._known_tags: dict[bytes, bytes] = {}
        self._page_has_notice: dict[str, bool] = {}
        self._names = dict(scope["headers"])
        self._is_cross_origin = b"origin" in self._names
        self.scope = scope
        if is_concerned and (middleware.media or middleware.notice):
            self.scope = self._asked_of_the_application()

    @property
    def is_refused(self) -> bool:
        """Whether the client was given an error in place of the application's answer."""
        return self._body is not None and self._body.refused

    async def send(self, message: Message) -> None:
        """Take the application's next *message*."""
        if message["type"] == "http.response.start":
            if self._has_started:
                raise RuntimeError("the application began a response twice; it sends http.response.start once")
            self._has_started = True
            message = self._decided(message)
        await self._onward(message)

    async def close(self) -> None:
        """Put on record what has left of texts that were broken off; the application is done."""
        if self._events is not None:
            await self._events.close()

    def tag(self, profile: Profile, statement: Mapping[str, Any]) -> None:
        """Mark the answer as *profile* and *statement* say, which the function that made it was decorated with."""
        self._tagged = self._middleware.bodies_of(profile, statement)
        self._is_concerned = True
        self._mode = mode_of(profile, statement)
        self._stated = profile, statement
        # Only now is it known that the whole body is needed; the application reads its scope when it answers.
        self._asked = {**self._asked}
        offered = self.scope.get("extensions") or {}
        self.scope["headers"] = without(headers_of(self.scope), _ASKS_FOR_LESS)
        self.scope["extensions"] = {name: value for name, value in offered.items() if name not in _PAST_US}

    def _decided(self, start: Message) -> Message:
        """Choose who takes the response from here on; return its *start* with the headers it needs."""
        if not self._is_concerned:
            return start
        status, headers = start["status"], headers_of(start)
        if status == 304 and self._known_tags:
            return {**start, "headers": tagged_again(headers, self._known_tags)}
        if not 200 <= status < 300:
            return start
        present = dict(headers)
        if _HEADER not in present:
            headers.append((_HEADER, self._mode))
        if self._is_cross_origin or EXPOSE in present:
            headers = exposed(headers, _HEADER)
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
        if self._tagged is None and not middleware.is_of_interest(content_type):
            return None
        # A stream of events is no body to collect; what it says is disclosed event by event.
        if content_type == "text/event-stream":
            return self._event_responder()
        if (self._tagged or middleware.looks_into_json) and is_json(content_type):
            return self._json_responder()
        if middleware.is_media(content_type):
            return self._media_responder(self._tagged or middleware.bodies)
        if content_type == "text/html":
            return self._notice_responder() if self._is_to_carry_notice(status, headers) else None
        return None if self._tagged is None else self._media_responder(self._tagged)

    def _json_responder(self) -> BodyResponder:
        from disclose.integrations.asgi_json import JsonResponder

        middleware, path = self._middleware, self._asked["path"]
        return JsonResponder(
            self._tagged or middleware.bodies,
            self._asked,
            self._send,
            is_wanted=is_file if self._tagged else middleware.is_embedded_media,
            complain=lambda reason: middleware.complain(path, reason),
            oversize=middleware.oversize,
            leaves=self._leaves,
        )

    def _event_responder(self) -> EventResponder:
        from disclose.integrations.asgi_events import EventResponder, Recording

        middleware, path = self._middleware, self._asked["path"]
        profile, statement = self._stated or (middleware.profile, middleware.statement)
        is_signed = self._tagged is not None or middleware.is_media("text/plain")
        recording = Recording(
            profile=profile,
            statement=statement,
            manifest_link=partial(middleware.manifests.link, self._asked) if is_signed else None,
            leaves=self._leaves,
        )
        self._events = EventResponder(recording, self._send, lambda reason: middleware.complain(path, reason))
        return self._events

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

    def _notice_responder(self) -> NoticeResponder:
        middleware, path = self._middleware, self._asked["path"]
        return NoticeResponder(
            self._asked,
            self._send,
            self._page_has_notice,
            lambda reason: middleware.complain(path, reason),
            middleware.announcement,
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
        unwanted = _ASKS_FOR_OTHER if middleware.media else _CONDITIONAL
        if unwanted.isdisjoint(self._names) and _PAST_US.isdisjoint(extensions):
            # Others outside look into the scope for what the application left there, such as the route it took.
            return scope
        headers, self._known_tags = original_tags(headers_of(scope), language_asked_for(scope))
        if middleware.media:
            headers = without(headers, _ASKS_FOR_LESS)
        offered = {name: value for name, value in extensions.items() if name not in _PAST_US}
        return {**scope, "headers": headers, "extensions": offered}


def _exemption(profile: Profile, notice: bool | None, **claims: str | None) -> Exemption | None:
    """Return the reason for which pages carry no notice, or None where they do; ProfileError for none in writing."""
    if notice:
        if given := [kind for kind, reason in claims.items() if reason is not None]:
            raise ProfileError(f"notice=True contradicts {given[0]}=…, the reason to leave it out")
        return None
    known = Exemption.of(**claims) or Exemption.of(**{kind: getattr(profile, kind) for kind in claims})
    if known is None and (notice is False or not profile.notice):
        raise ProfileError(
            "to leave the notice out needs a written reason, which is recorded: obvious='…', m2m='…' or assistive='…'"
            " beside notice=False, or DISCLOSE_OBVIOUS, DISCLOSE_M2M or DISCLOSE_ASSISTIVE"
            " (AI Act Art. 50(1); Guidelines C(2026) 5054 ¶30, 42-45)"
        )
    return known


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
