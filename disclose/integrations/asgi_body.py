"""Bodies: collect the whole of one response, and answer with what became of it, or withhold it."""

from __future__ import annotations

import logging
from typing import Literal

from anyio import to_thread

from disclose.errors import MarkingError
from disclose.integrations import metrics
from disclose.integrations.asgi_coding import decompressed, is_gzip
from disclose.integrations.asgi_headers import Message, Scope, Send, exposed, headers_of, is_encoded, value_of, without

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes that are collected at most."""
UNMARKED = b"disclose-unmarked"
"""The header of a body that passed unmarked because the deployment allows it; it says why."""

Oversize = Literal["refuse", "pass"]
"""What becomes of a body beyond the limit, which cannot be marked: withheld, or passed on with :data:`UNMARKED`."""

_WITHHELD = b"This response was withheld: it could not be marked as made by an AI system.\n"
_PAST_US = ("http.response.pathsend", "http.response.zerocopysend")
_log = logging.getLogger(__name__)


class BodyResponder:
    """Collects one body for :meth:`finish`, which its kinds define.

    ``refused`` says that the client was given an error in its place.
    """

    def __init__(self, scope: Scope, send: Send, oversize: Oversize) -> None:
        self.refused = False
        self._scope = scope
        self._send = send
        self._oversize = oversize
        self._start: Message = {}
        self._chunks: list[bytes] = []
        self._came: tuple[Message, bytes] = ({}, b"")
        self._size = 0
        self._is_passing = False

    async def finish(self, body: bytes) -> None:
        """Answer with what becomes of the whole *body*."""
        raise NotImplementedError

    async def begin(self) -> None:
        """Look at the start, and refuse or pass on what is not to be collected."""
        headers = headers_of(self._start)
        if is_encoded(headers) and not is_gzip(headers):
            await self._refuse("its body is compressed in a way that is not read here; use gzip, or compress outside")
        elif self._start["status"] == 206:
            await self._refuse("it is a part of a body although no range was asked for, and a part cannot be marked")
        else:
            declared = value_of(headers, b"content-length") or b""
            if declared.isdigit() and len(declared) < 19 and int(declared) > BODY_LIMIT:
                await self._exceed(f"its {int(declared)} bytes exceed")

    async def pass_on(self, start: Message) -> None:
        """Send *start* and all that was and will be collected, as it is."""
        self._is_passing = True
        await self._send(start)
        chunks, self._chunks = self._chunks, []
        for chunk in chunks:
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def __call__(self, message: Message) -> None:
        """Take the next *message* of the application, the start of its response first."""
        kind = message["type"]
        if self.refused:
            if message.get("more_body"):
                # The rest would be collected by nobody, and an endless stream would never notice.
                raise MarkingError("the response was withheld, so there is no use in sending more of it")
        elif self._is_passing:
            await self._send(message)
        elif kind == "http.response.start":
            self._start = message
            await self.begin()
        elif kind == "http.response.body":
            await self._collect(message)
        elif kind in _PAST_US:
            await self._refuse(f"{kind} was not offered, and a file sent past this middleware cannot be marked")
        else:
            await self._send(message)

    async def _collect(self, message: Message) -> None:
        chunk = bytes(message.get("body", b""))
        self._size += len(chunk)
        if self._size > BODY_LIMIT:
            await self._exceed("the body exceeds")
            await self(message)
            return
        if message.get("more_body", False):
            self._chunks.append(chunk)
            return
        self._came = self._start, b"".join([*self._chunks, chunk])
        try:
            body = await self._decoded(self._came[1])
        except MarkingError as error:
            await self._refuse(str(error))
            return
        if body is None:
            await self._exceed("its content exceeds")
            await self(message)
            return
        self._chunks.clear()
        if body:
            await self.finish(body)
        else:
            # Nothing is shown, so there is nothing to mark.
            await self._pass()

    async def _decoded(self, body: bytes) -> bytes | None:
        """Return the content of *body*, None for too much of it; what was compressed leaves as it is in itself."""
        headers = headers_of(self._start)
        if not body or not is_gzip(headers):
            return body
        content = await to_thread.run_sync(decompressed, body, BODY_LIMIT)
        if content is not None:
            self._start = {**self._start, "headers": without(headers, (b"content-encoding", b"content-length"))}
        return content

    async def _exceed(self, what: str) -> None:
        reason = f"{what} the {BODY_LIMIT} bytes that are collected"
        if self._oversize == "refuse":
            self._chunks.clear()
            await self._refuse(f"{reason}; oversize='pass' lets such bodies leave unmarked")
            return
        _log.warning("passed the response to %s %r on unmarked: %s", self._scope["method"], self._scope["path"], reason)
        metrics.skipped("web", "unknown", "oversize")
        headers = [*without(headers_of(self._start), (b"accept-ranges",)), (UNMARKED, b"oversize")]
        await self.pass_on({**self._start, "headers": exposed(headers, UNMARKED)})

    async def _pass(self) -> None:
        """Answer with what came, as it came."""
        start, body = self._came
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})

    async def _refuse(self, reason: str, *, unexpected: bool = False) -> None:
        self.refused = True
        method, path = self._scope["method"], self._scope["path"]
        _log.error("withheld the response to %s %r: %s", method, path, reason, exc_info=unexpected)
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(_WITHHELD)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await self._send({"type": "http.response.start", "status": 500, "headers": headers})
        await self._send({"type": "http.response.body", "body": _WITHHELD})
