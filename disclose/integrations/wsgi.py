"""The door for WSGI applications such as those of Flask and Django: the ASGI door's decisions, made for them too.

Around any application::

    app.wsgi_app = DiscloseMiddleware(app.wsgi_app, system="Acme Studio", media=("image/*",))     # Flask
    application = DiscloseMiddleware(get_wsgi_application(), system="Acme Studio")                # Django

The application runs in the server's own thread and outside of any event loop, as frameworks expect of WSGI.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any

from disclose.integrations import asgi, endpoint
from disclose.integrations.asgi_headers import Headers, Message, Receive, Scope, Send
from disclose.integrations.wsgi_environ import Environ, environ_of, scope_of

if TYPE_CHECKING:
    from disclose.profile import Profile

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
StartResponse = Callable[..., Callable[[bytes], object]]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_REQUEST_BODY_LIMIT = 64 * 1024
"""Bytes of a request that the middleware itself may read; what it is asked for takes one kilobyte."""


class DiscloseMiddleware:
    """Discloses what a WSGI application answers, as :class:`disclose.integrations.asgi.DiscloseMiddleware` does.

    It takes the same arguments.
    """

    def __init__(self, app: App, profile: Profile | None = None, **settings: Any) -> None:
        self.app = app
        self._asgi = asgi.DiscloseMiddleware(_relayed, profile, **settings)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, as every WSGI application does (PEP 3333)."""
        exchange = _Exchange(self._asgi, environ)
        response = _Response(exchange, start_response)
        try:
            exchange.begin()
            if exchange.is_done:
                return response.of_the_middleware()
            return response.of(exchange.answer(self.app, response.start), environ)
        except BaseException:
            response.close()
            raise


async def _relayed(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for the application inside the ASGI middleware: send what the exchange hands over, piece by piece."""
    exchange: _Exchange = scope["disclose.exchange"]
    exchange.scope, exchange.request = scope, endpoint.current()
    while True:
        message = await exchange.next_of_the_application()
        await send(message)
        if message["type"] == "http.response.body" and not message["more_body"]:
            return


class _Exchange:
    """One request on its way through the ASGI middleware, on an event loop that runs only while something is due."""

    def __init__(self, middleware: asgi.DiscloseMiddleware, environ: Environ) -> None:
        self.scope: Scope = {}
        self.request: endpoint.Request | None = None
        self._middleware = middleware
        self._environ = environ
        self._arrived: deque[Message] = deque()
        self._left: deque[Message] = deque()
        self._is_waiting = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Ask the middleware, which either answers itself or turns to the application."""
        self._loop = asyncio.new_event_loop()
        asked = {**scope_of(self._environ), "disclose.exchange": self}
        self._task = self._loop.create_task(self._middleware(asked, self._receive, self._send))
        self._run()

    @property
    def is_done(self) -> bool:
        """Whether the middleware has answered, and wants nothing more of the application."""
        return self._task is None or self._task.done()

    def answer(self, app: App, start: StartResponse) -> Iterable[bytes]:
        """Return what *app* answers to the request, which asks for what the middleware needs."""
        token = endpoint.note(self.request)
        try:
            return app(environ_of(self.scope, self._environ), start)
        finally:
            endpoint.forget(token)

    def pass_on(self, message: Message) -> Iterator[Message]:
        """Hand over the application's next *message* and yield what leaves for it."""
        self._arrived.append(message)
        self._run()
        yield from self.left()

    def left(self) -> Iterator[Message]:
        """Yield the messages for the client."""
        while self._left:
            yield self._left.popleft()

    def close(self) -> None:
        """End the request, wherever it is."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        try:
            if self._task is not None and not self._task.done():
                self._task.cancel()
                with suppress(asyncio.CancelledError):
                    loop.run_until_complete(self._task)
        finally:
            loop.close()

    async def next_of_the_application(self) -> Message:
        """Return the application's next message, once there is one."""
        while not self._arrived:
            self._is_waiting.set()
            await self._may_go_on.wait()
            self._may_go_on.clear()
        return self._arrived.popleft()

    def _run(self) -> None:
        """Let the middleware work until it waits for the application or is done; raises what it raises."""
        assert self._loop is not None
        assert self._task is not None
        if self._task.done():
            return
        self._is_waiting.clear()
        self._may_go_on.set()
        self._loop.run_until_complete(self._until_it_waits(self._task))
        if self._task.done():
            self._task.result()

    async def _until_it_waits(self, task: asyncio.Task[None]) -> None:
        waiting = asyncio.ensure_future(self._is_waiting.wait())
        await asyncio.wait((task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    async def _send(self, message: Message) -> None:
        self._left.append(message)

    async def _receive(self) -> Message:
        # Only what the middleware answers itself is read here; the application has its own input.
        length = self._environ.get("CONTENT_LENGTH") or "0"
        size = min(int(length), _REQUEST_BODY_LIMIT) if length.isascii() and length.isdigit() else 0
        body = self._environ["wsgi.input"].read(size) if size else b""
        return {"type": "http.request", "body": body, "more_body": False}


class _Response:
    """The response of one exchange, as the server iterates over it."""

    def __init__(self, exchange: _Exchange, start_response: StartResponse) -> None:
        self._exchange = exchange
        self._start_response = start_response
        self._status = ""
        self._begun: Message | None = None
        self._is_handed_over = False
        self._has_left = False
        self._write: Callable[[bytes], object] | None = None
        self._content: Iterable[bytes] = ()
        self._pieces: Iterator[bytes] = iter(())

    def start(
        self, status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Take the application's status and headers, again where *exc_info* says why (PEP 3333)."""
        try:
            if self._is_handed_over and exc_info is not None:
                raise exc_info[1].with_traceback(exc_info[2])
            if self._begun is not None and exc_info is None:
                raise AssertionError("the application began a response twice; start_response is called once")
        finally:
            exc_info = None
        encoded: Headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self._status = status
        self._begun = {"type": "http.response.start", "status": int(status[:3]), "headers": encoded}
        return self._written

    def of(self, content: Iterable[bytes], environ: Environ) -> Iterable[bytes]:
        """Return the response whose *content* the application returned, for the server to iterate over."""
        self._content = content
        wrapper = environ.get("wsgi.file_wrapper")
        if self._begun is not None and isinstance(wrapper, type) and isinstance(content, wrapper):
            early = list(self._begin())
            if self._has_left and environ["REQUEST_METHOD"] != "HEAD" and not early:
                # Nobody held the beginning back, so nobody wants the body; the server sends a file faster than we do.
                self._exchange.close()
                return content
        self._pieces = self._through()
        return self

    def of_the_middleware(self) -> Iterable[bytes]:
        """Return what the middleware answered itself."""
        self._pieces = iter(list(self._sent(self._exchange.left())))
        return self

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """End the exchange and the application's own response, whatever the server has read of it."""
        try:
            self._exchange.close()
        finally:
            if (close := getattr(self._content, "close", None)) is not None:
                close()

    def _through(self) -> Iterator[bytes]:
        # Servers close what they iterate over; those that forget to must not leave a loop behind.
        with closing(self._exchange):
            for piece in self._content:
                yield from self._begin()
                yield from self._sent(self._exchange.pass_on(_body(piece, more=True)))
                if self._exchange.is_done:
                    return
            yield from self._begin()
            yield from self._sent(self._exchange.pass_on(_body(b"", more=False)))

    def _begin(self) -> Iterator[bytes]:
        if self._is_handed_over:
            return
        if self._begun is None:
            raise AssertionError("the application returned content and has not called start_response")
        self._is_handed_over = True
        yield from self._sent(self._exchange.pass_on(self._begun))

    def _written(self, data: bytes) -> None:
        """Take what the application writes the old way, beside its content."""
        for piece in (*self._begin(), *self._sent(self._exchange.pass_on(_body(data, more=True)))):
            assert self._write is not None
            self._write(piece)

    def _sent(self, messages: Iterable[Message]) -> Iterator[bytes]:
        """Yield the pieces of the body in *messages*, and tell the server what the response begins with."""
        for message in messages:
            if message["type"] == "http.response.start":
                headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
                self._has_left = True
                self._write = self._start_response(self._status_line(message["status"]), headers)
            elif message["type"] == "http.response.body" and message["body"]:
                yield message["body"]

    def _status_line(self, status: int) -> str:
        """Return the application's own words for *status*, unless the middleware answers with another."""
        return self._status if self._status.startswith(str(status)) else f"{status} {HTTPStatus(status).phrase}"


def _body(piece: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": piece, "more_body": more}
