"""The door for web applications: an ASGI middleware that discloses in headers, in pages, in media and in JSON.

Around any application, whatever its framework::

    app = DiscloseMiddleware(app, system="Acme Studio", media=("image/*",), routes=("/draw",))

or, in Starlette and FastAPI, ``app.add_middleware(DiscloseMiddleware, media=("image/*",))``. Where nobody passes
arguments, as in ``vllm serve --middleware disclose.integrations.asgi.DiscloseMiddleware``, environment and file say the
same: ``DISCLOSE_MEDIA=image/*`` or, in ``disclose.toml``, ``media = ["image/*"]``. Compression is best outside of it,
and what was added last to a Starlette application is outermost; of what is inside, gzip is read.
"""

from __future__ import annotations

import logging
import re
from fnmatch import fnmatchcase, translate
from typing import TYPE_CHECKING, Any, get_args

from disclose.about import WELL_KNOWN
from disclose.duty import Function, Route, Use
from disclose.errors import ProfileError
from disclose.integrations import asgi_about, endpoint
from disclose.integrations.asgi_body import Oversize
from disclose.integrations.asgi_headers import (
    EXPOSE,
    App,
    Headers,
    Message,
    Receive,
    Scope,
    Send,
    content_type_of,
    headers_of,
    is_json,
    value_of,
)
from disclose.integrations.asgi_proof import Announcement
from disclose.integrations.asgi_responder import HEADER, Responder, is_file, mode_of, requests_changed
from disclose.notice.session import Exemption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from disclose.integrations.asgi_manifest import Manifests
    from disclose.integrations.asgi_media import MarkedBodies
    from disclose.profile import Profile

_log = logging.getLogger(__name__)
_OF_INTEREST = ("text/html", "text/event-stream")
_NEEDS_A_LOOK = frozenset((b"content-type", HEADER, EXPOSE))
MOST_REMEMBERED = 256
"""How many names of headers, and how many content types, are known to need no look."""


class DiscloseMiddleware:
    """Adds the header ``AI-Disclosure`` to every successful response, a notice to pages and marks to media.

    *notice* puts a sentence at the top of HTML pages, and keeps on record that it was seen. ``notice=False`` needs
    the reason in writing, as *obvious*, *m2m* or *assistive* (see :class:`disclose.notice.session.Exemption`); it is
    logged and published. *media* lists the content types (``"image/*"``) whose bodies are marked as *profile* says;
    a body that cannot be marked is withheld with a 500, so name the routes that serve what the system makes. A body
    beyond :data:`~disclose.integrations.asgi_body.BODY_LIMIT` is withheld too, unless *oversize* is "pass": then it
    leaves unmarked, with the header ``Disclose-Unmarked: oversize`` and a line in the log. Where *routes* are named,
    or *media* has ``"application/json"``, the base64 files inside JSON are marked as well, whole bodies or events.

    *routes* are the paths concerned: ``"/draw"`` with all below it, or a pattern such as ``"/*/picture.png"``; none
    means all. They are held against the path with and without the prefix under which the application is mounted.
    *statement* is that of :func:`disclose.marked`, and so are *route* and *function*, for the answers in streams. What
    both say of the system is served as JSON at ``/.well-known/ai-disclosure``. What is not given is as *profile* says,
    by default that of environment and file.
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
        route: Route | str = Route.PERSON,
        function: Function | str = Function.GENERATION,
        **statement: Any,
    ) -> None:
        # Here and not above: it brings the layers with it, and whoever only imports this class needs none.
        from disclose.profile import default_profile

        self.app = app
        self.profile = default_profile() if profile is None else profile
        self.statement = statement
        self.use = Use(route=Route(route), function=Function(function))
        self.exemption = _exemption(self.profile, notice, obvious=obvious, m2m=m2m, assistive=assistive)
        self.notice = self.exemption is None
        self.media = _patterns("media", self.profile.media if media is None else media)
        self.routes = _patterns("routes", self.profile.routes if routes is None else routes)
        self.oversize = oversize
        self._route = re.compile("|".join(map(_route_expression, self.routes)))
        self._media = re.compile("|".join(translate(pattern.lower()) for pattern in self.media) or r"(?!)")
        self._complained: set[str] = set()
        self._harmless: set[bytes] = set()
        self._harmless_types: set[bytes] = set()
        self._tagged: dict[tuple[Any, ...], MarkedBodies] = {}
        # The profiles whose ledger and keys are open, for a text has begun with them.
        self.opened: dict[int, Profile] = {}
        if oversize not in get_args(Oversize):
            raise ProfileError(f"oversize={oversize!r} is neither 'refuse' nor 'pass'")
        for pattern in self.routes:
            if not pattern.startswith(("/", "*")):
                raise ProfileError(f"the route {pattern!r} matches no path: it begins with neither / nor *")
        for pattern in self.media:
            if "/" not in pattern or fnmatchcase("text/event-stream", pattern.lower()):
                raise ProfileError(f"media={pattern!r} is not a content type that can be collected: use 'image/*'")
        self.mode = mode_of(self.profile, statement)
        self.header = (HEADER, self.mode)
        self.requests_changed = requests_changed(media=bool(self.media), notice=self.notice)
        self.requests_of_note = self.requests_changed | {b"origin"}
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
        if scope["type"] != "http":
            is_greeted = scope["type"] == "websocket" and self.concerns(scope)
            await self.app(scope, receive, self._accepting(send) if is_greeted else send)
            return
        if WELL_KNOWN in scope["path"] and await self._answers(scope, receive, send):
            return
        responder = Responder(self, scope, send)
        token = endpoint.note(responder) if endpoint.is_expected else None
        try:
            await self.app(responder.scope, receive, responder.send)
        except Exception:
            if not responder.is_refused:
                raise
            # The client has its answer; this is the application learning that nobody listens to it any more.
            _log.debug("the application was stopped after its response had been withheld", exc_info=True)
        finally:
            if token is not None:
                endpoint.forget(token)
            if responder.events is not None:
                await responder.events.close()

    def _accepting(self, send: Send) -> Send:
        """Return *send* for a WebSocket that is accepted with our header; what is said on it stays as it is."""

        async def accepting(message: Message) -> None:
            if message["type"] == "websocket.accept" and value_of(headers := headers_of(message), HEADER) is None:
                message = {**message, "headers": [*headers, (HEADER, self.mode)]}
            await send(message)

        return accepting

    def complain(self, path: str, reason: str) -> None:
        """Log once why a response was not looked at: a site has few reasons and many pages."""
        if reason not in self._complained:
            self._complained.add(reason)
            _log.warning("%r left as the application made it: %s (said once)", path, reason)

    def passing(self, start: Message) -> Message | None:
        """Return *start* with our header where it holds nothing but what stood in responses that need no more.

        None stands for what has to be looked at first.
        """
        headers = start.get("headers")
        if type(headers) is not list:
            return None
        harmless, types = self._harmless, self._harmless_types
        for name, value in headers:
            if name not in harmless and (value not in types or name != b"content-type"):
                return None
        return {**start, "headers": [*headers, self.header]}

    def passes(self, headers: Headers) -> bool:
        """Whether a response with *headers*, in lower case, needs no more than our header; notes what stood in it."""
        declared = [header for header in headers if header[0] == b"content-type"]
        # Where it is there twice, only both together say what the content is.
        if len(declared) > 1 or self.is_of_interest(content_type_of(declared)):
            return False
        names = {name for name, _ in headers} - _NEEDS_A_LOOK
        if len(self._harmless) + len(names) < MOST_REMEMBERED and len(self._harmless_types) < MOST_REMEMBERED:
            self._harmless.update(names)
            self._harmless_types.update(value for _, value in declared)
        return True

    def is_of_interest(self, content_type: str) -> bool:
        """Whether anything but the headers of a response of *content_type* may change."""
        is_json_of_ours = self.looks_into_json and is_json(content_type)
        return content_type in _OF_INTEREST or is_json_of_ours or self.is_media(content_type)

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

    def concerns(self, scope: Scope) -> bool:
        """Whether the path of *scope* lies on one of our routes."""
        if not self.routes or self._route.match(scope["path"]):
            return True
        mounted_at = scope.get("root_path", "")
        return bool(mounted_at) and self._route.match(scope["path"].removeprefix(mounted_at)) is not None


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
