"""What programs are told that call a Gradio app: in the descriptions of its functions and tools, and in a header.

Tools carry the disclosure as ``_meta`` too since Gradio 6; Gradio 5 has no place for it. The header and the document
at ``/.well-known/ai-disclosure`` come from a middleware inside the application that Gradio builds when the app is
launched or mounted. A mounted app answers below its own path, and the root of the origin (RFC 8615) is that of the
application around it: wrap that in :class:`disclose.integrations.asgi.DiscloseMiddleware` to have it there too.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from disclose.about import WELL_KNOWN
from disclose.disclosure import Action
from disclose.errors import extra
from disclose.integrations import asgi_about
from disclose.integrations.asgi_headers import headers_of, value_of

with extra("gradio"):
    import gradio
    from gradio.routes import App

if TYPE_CHECKING:
    from disclose.integrations.asgi_headers import App as ASGIApp
    from disclose.integrations.asgi_headers import Message, Receive, Scope, Send
    from disclose.notice import Notice
    from disclose.profile import Profile

META = "ai-disclosure"
"""The key of the disclosure in the ``_meta`` of a tool and of what it returns (Model Context Protocol, 2025-06-18)."""
HEADER = b"ai-disclosure"
"""The header (draft-abaris-aicdh)."""
_OUTPUTS = ("/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/", "/gradio_api/queue/", "/gradio_api/mcp/")
"""Where functions answer. Other addresses serve the page's own parts, and files that may be a person's own."""
_MODES = {Action.CREATED: "ai-originated", Action.ALTERED: "ai-modified"}
_log = logging.getLogger("disclose.integrations.gradio")
_told: WeakKeyDictionary[gradio.Blocks, tuple[Profile, dict[str, Any]]] = WeakKeyDictionary()


def tell_callers(
    demo: gradio.Blocks,
    profile: Profile,
    statement: dict[str, Any],
    notice: Notice,
    concerns: Callable[[Any], bool],
) -> None:
    """Tell whoever calls the functions of *demo* what a page shows: *notice*, and what *profile* and *statement* say.

    Call it before the app is launched or mounted. Functions that it does not concern are described all the same, for
    what answers there is the system; only the outputs of those that it *concerns* are said to be made by it.
    """
    made = profile.disclosure(**statement)
    values = {
        "mode": _MODES[made.action],
        "system": made.system,
        "version": made.version,
        "provider": made.provider,
        "notice": notice.wording[notice.fallback].headline,
        "about": WELL_KNOWN,
    }
    meta = {name: value for name, value in values.items() if value}
    for block_fn in list(demo.fns.values()):
        _describe(block_fn, meta["notice"])
        if concerns(block_fn):
            _add_meta(block_fn, meta)
    _told[demo] = (profile, statement)
    _teach_app()


def _describe(block_fn: Any, headline: str) -> None:
    said = getattr(block_fn, "api_description", None)
    if said is None:
        said = inspect.getdoc(block_fn.fn) if block_fn.fn is not None else None
    block_fn.api_description = f"{said}\n\n{headline}" if said else headline


def _add_meta(block_fn: Any, meta: dict[str, str]) -> None:
    """Add *meta* to what Gradio 6 sends of the function over MCP, beside what its author put there."""
    given = getattr(block_fn.fn, "_mcp_meta", None) or {}
    try:
        block_fn.fn._mcp_meta = {**given, META: meta}  # noqa: SLF001
    except AttributeError:
        if block_fn.fn is not None:
            _log.info("%r takes no attributes, so its tool has the disclosure in its description alone", block_fn.fn)


def _teach_app() -> None:
    """Let Gradio put the middleware of a disclosed app into every application that it builds for it."""
    original = App.configure_app
    if getattr(original, "disclose", False):
        return

    def configure_app(self: App, blocks: gradio.Blocks) -> None:
        original(self, blocks)
        if blocks in _told:
            profile, statement = _told[blocks]
            self.add_middleware(_Middleware, profile=profile, statement=statement)

    configure_app.disclose = True  # type: ignore[attr-defined]
    App.configure_app = configure_app  # type: ignore[method-assign]


class _Middleware:
    """Adds the header to what functions answer, and serves the document below the path that *app* is mounted at."""

    def __init__(self, app: ASGIApp, profile: Profile, statement: dict[str, Any]) -> None:
        self.app, self.profile, self.statement = app, profile, statement
        self.value = f"mode={_MODES[profile.disclosure(**statement).action]}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as every ASGI application does."""
        path = str(scope.get("path", "")).removeprefix(scope.get("root_path") or "")
        if scope["type"] == "http" and asgi_about.is_asked_for({**scope, "root_path": "", "path": path}):
            await asgi_about.answer(scope, send, self.profile, self.statement)
        elif scope["type"] == "http" and path.startswith(_OUTPUTS):
            await self.app(scope, receive, self._said(send))
        else:
            await self.app(scope, receive, send)

    def _said(self, send: Send) -> Send:
        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                headers = headers_of(message)
                if value_of(headers, HEADER) is None:
                    message = {**message, "headers": [*headers, (HEADER, self.value)]}
            await send(message)

        return with_header
