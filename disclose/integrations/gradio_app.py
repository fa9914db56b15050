"""What the application that Gradio builds for a disclosed app serves besides: a header, a document and the notice.

The header ``AI-Disclosure`` stands on what functions answer; ``/.well-known/ai-disclosure`` says what the system is. A
mounted app answers below its own path, and the root of the origin (RFC 8615) is that of the application around it:
wrap that in :class:`disclose.integrations.asgi.DiscloseMiddleware` to have the document there too. Pages bring the
notice as a file of their own, which a Content-Security-Policy allows that lets Gradio run and forbids ``eval``; with
Gradio's server-side rendering pages come from elsewhere and show it by their load event alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from disclose.disclosure import Action
from disclose.errors import extra
from disclose.integrations import asgi_about
from disclose.integrations.asgi_headers import content_type_of, headers_of, is_encoded, value_of, without

with extra("gradio"):
    import gradio
    from gradio.routes import App

if TYPE_CHECKING:
    from disclose.integrations.asgi_headers import App as ASGIApp
    from disclose.integrations.asgi_headers import Message, Receive, Scope, Send
    from disclose.integrations.gradio_notice import Announcement
    from disclose.notice.session import Exemption
    from disclose.profile import Profile

MODES = {Action.CREATED: "ai-originated", Action.ALTERED: "ai-modified"}
"""What the header says (draft-abaris-aicdh)."""
_HEADER = b"ai-disclosure"
_OUTPUTS = ("/gradio_api/call/", "/gradio_api/run/", "/gradio_api/api/", "/gradio_api/queue/", "/gradio_api/mcp/")
"""Where functions answer. Other addresses serve the page's own parts, and files that may be a person's own."""
_SCRIPT = "/gradio_api/disclose_notice.js"
_END = b"</body>"
_SERVED = "disclose_served"
"""The attribute of an app that holds what is served beside it."""


def serve(demo: gradio.Blocks, profile: Profile, statement: dict[str, Any], told: Announcement) -> None:
    """Let the application that Gradio builds for *demo* serve what *profile* and *statement* say, and what *told* does.

    Call it before the app is launched or mounted.
    """
    served = {"profile": profile, "statement": statement, "script": told.script, "exemption": told.exemption}
    setattr(demo, _SERVED, (served, told.built))
    _teach_app()


def _teach_app() -> None:
    """Let Gradio put the middleware of a disclosed app into every application that it builds for it."""
    original = App.configure_app
    if getattr(original, "discloses", False):
        return

    def configure_app(self: App, blocks: gradio.Blocks) -> None:
        original(self, blocks)
        if hasattr(blocks, _SERVED):
            served, built = getattr(blocks, _SERVED)
            built()
            self.add_middleware(_Middleware, **served)

    configure_app.discloses = True  # type: ignore[attr-defined]
    App.configure_app = configure_app  # type: ignore[method-assign]


class _Middleware:
    """Serves one application, below the path that it is mounted at; Gradio compresses outside of it."""

    def __init__(
        self, app: ASGIApp, profile: Profile, statement: dict[str, Any], script: str, exemption: Exemption | None
    ) -> None:
        self.app, self.profile, self.statement, self.script = app, profile, statement, script.encode()
        self.exemption = exemption
        self.value = f"mode={MODES[profile.disclosure(**statement).action]}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, as every ASGI application does."""
        path = str(scope.get("path", "")).removeprefix(scope.get("root_path") or "")
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif asgi_about.is_asked_for({**scope, "root_path": "", "path": path}):
            await asgi_about.answer(scope, send, self.profile, self.statement, self.exemption)
        elif path == _SCRIPT and scope["method"] == "GET":
            await self._send_script(send)
        elif path.startswith(_OUTPUTS):
            await self.app(scope, receive, self._with_header(send))
        elif not path.startswith("/gradio_api/") and scope["method"] == "GET":
            await self.app(scope, receive, _Page(send, path))
        else:
            await self.app(scope, receive, send)

    def _with_header(self, send: Send) -> Send:
        async def with_header(message: Message) -> None:
            if message["type"] == "http.response.start" and 200 <= message["status"] < 300:
                headers = headers_of(message)
                if value_of(headers, _HEADER) is None:
                    message = {**message, "headers": [*headers, (_HEADER, self.value)]}
            await send(message)

        return with_header

    async def _send_script(self, send: Send) -> None:
        headers = [
            (b"content-type", b"text/javascript; charset=utf-8"),
            (b"content-length", str(len(self.script)).encode()),
            (b"cache-control", b"no-cache"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.script})


class _Page:
    """Passes one response on; a page gets an element for the script, at the end of its body."""

    def __init__(self, send: Send, path: str) -> None:
        self._send, self._held = send, bytearray()
        self._start: Message | None = None
        # Relative, for behind a proxy nobody here knows the address of the root.
        up = "../" * (path.count("/") - 1)
        self._element = f'<script src="{up or "./"}{_SCRIPT.removeprefix("/")}"></script>'.encode()

    async def __call__(self, message: Message) -> None:
        """Take the next *message* of the application."""
        if message["type"] == "http.response.start":
            headers = headers_of(message)
            if message["status"] == 200 and content_type_of(headers) == "text/html" and not is_encoded(headers):
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._held += message.get("body", b"")
        if message.get("more_body", False):
            return
        before, found, after = bytes(self._held).rpartition(_END)
        body = before + self._element + found + after if found else bytes(self._held)
        headers = without(headers_of(self._start), (b"content-length", b"etag"))
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send({**self._start, "headers": headers})
        await self._send({**message, "body": body})
