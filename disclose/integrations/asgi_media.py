"""Media responses: collect the body, mark it, and serve the whole of it or the part that was asked for."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from disclose.asset import Asset
from disclose.errors import DiscloseError, MarkingError
from disclose.integrations.asgi_headers import (
    Headers,
    Message,
    Scope,
    Send,
    headers_of,
    is_encoded,
    rewritten,
    tag_of,
    value_of,
)

if TYPE_CHECKING:
    from disclose.profile import Profile

BODY_LIMIT = 32 * 1024 * 1024
"""Bytes that are collected at most; a larger body is withheld, because it cannot be marked."""

_REMEMBERED = 64 * 1024 * 1024
_WITHHELD = b"This response was withheld: it could not be marked as made by an AI system.\n"
# Longer numbers than these eighteen digits name no position in any file.
_RANGE = re.compile(rb"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)
_log = logging.getLogger(__name__)


class MarkedBodies:
    """Marks bodies, and remembers the latest, so that the parts of a picture come from one and the same marking.

    Every marking gives other bytes; a client that fetched a picture in two ranges would otherwise put together
    two halves that do not fit. It also spares static files a marking, and a ledger entry, for every request.
    """

    def __init__(self, profile: Profile, statement: dict[str, Any]) -> None:
        self._profile = profile
        self._statement = statement
        self._remembered: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def marked(self, body: bytes) -> bytes:
        """Return *body* marked; raises a DiscloseError where that cannot be done in full."""
        key = hashlib.sha256(body).digest()
        with self._lock:
            if key in self._remembered:
                self._remembered.move_to_end(key)
                return self._remembered[key]
        disclosure = self._profile.disclosure(**self._statement)
        result = self._profile.marker().mark(Asset.from_data(body, name="the response"), disclosure).data
        with self._lock:
            self._remembered[key] = result
            while sum(map(len, self._remembered.values())) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return result


class MediaResponder:
    """Answers with one marked body, or with a 500 in place of a body that cannot be marked."""

    def __init__(self, bodies: MarkedBodies, scope: Scope, send: Send) -> None:
        self.refused = False
        self._bodies = bodies
        self._scope = scope
        self._send = send
        self._start: Message = {}
        self._chunks: list[bytes] = []
        self._size = 0

    async def __call__(self, message: Message) -> None:
        """Take the next *message* of the application, the start of its response first."""
        kind = message["type"]
        if self.refused:
            if message.get("more_body"):
                # The rest would be collected by nobody, and an endless stream would never notice.
                raise MarkingError("the response was withheld, so there is no use in sending more of it")
        elif kind == "http.response.start":
            self._start = message
            if (hindrance := _hindrance(message)) is not None:
                await self._refuse(hindrance)
        elif kind == "http.response.body":
            await self._collect(message)
        elif kind in ("http.response.pathsend", "http.response.zerocopysend"):
            await self._refuse(f"{kind} was not offered, and a file sent past this middleware cannot be marked")
        else:
            await self._send(message)

    async def _collect(self, message: Message) -> None:
        chunk = bytes(message.get("body", b""))
        self._size += len(chunk)
        if self._size > BODY_LIMIT:
            self._chunks.clear()
            await self._refuse(f"the body exceeds the {BODY_LIMIT} bytes that are collected")
            await self(message)
            return
        self._chunks.append(chunk)
        if message.get("more_body", False):
            return
        body = b"".join(self._chunks)
        self._chunks.clear()
        if not body:
            # Nothing is shown, so there is nothing to mark.
            await self._send(self._start)
            await self._send({"type": "http.response.body", "body": b""})
            return
        try:
            body = await to_thread.run_sync(self._bodies.marked, body)
        except DiscloseError as error:
            await self._refuse(str(error))
        except Exception as error:
            # Whatever went wrong in there, the unmarked body must not be what the client gets.
            await self._refuse(f"{type(error).__name__}: {error}", unexpected=True)
        else:
            await self._answer(body)

    async def _answer(self, body: bytes) -> None:
        headers = rewritten(headers_of(self._start), length=len(body), tag=tag_of(body))
        headers.append((b"accept-ranges", b"bytes"))
        part = self._part(headers, len(body)) if self._start["status"] == 200 else None
        if part is None:
            await self._send({**self._start, "headers": headers})
        elif not part:
            unsatisfied = [
                (b"content-range", f"bytes */{len(body)}".encode()),
                (b"content-length", b"0"),
            ]
            await self._send({**self._start, "status": 416, "headers": unsatisfied})
            body = b""
        else:
            size, body = len(body), body[part.start : part.stop]
            headers = [
                (name, str(len(part)).encode() if name == b"content-length" else value) for name, value in headers
            ]
            headers.append((b"content-range", f"bytes {part.start}-{part.stop - 1}/{size}".encode()))
            await self._send({**self._start, "status": 206, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    def _part(self, headers: Headers, size: int) -> range | None:
        """Return the positions that the client asks for; None for the whole body, an empty range for an error."""
        asked = headers_of(self._scope)
        wanted = value_of(asked, b"range")
        if self._scope["method"] != "GET" or wanted is None:
            return None
        condition = value_of(asked, b"if-range")
        if condition is not None and (condition != value_of(headers, b"etag") or condition.startswith(b"W/")):
            # RFC 9110 section 13.1.5. A date never matches: it is the date of the unmarked body.
            return None
        return _positions(wanted, size)

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


def _hindrance(start: Message) -> str | None:
    """Return why no body that follows *start* could be marked, or None."""
    headers = headers_of(start)
    if is_encoded(headers):
        return "its body is compressed although that was not accepted; compress outside this middleware"
    if start["status"] == 206:
        return "it is a part of a body although no range was asked for, and a part cannot be marked"
    length = value_of(headers, b"content-length") or b""
    if length.isdigit() and len(length) < 19 and int(length) > BODY_LIMIT:
        return f"its {int(length)} bytes exceed the {BODY_LIMIT} bytes that are collected"
    return None


def _positions(wanted: bytes, size: int) -> range | None:
    """Read one byte range (RFC 9110 section 14.1.2); None where the header is to be ignored.

    >>> _positions(b"bytes=2-4", 10), _positions(b"bytes=-3", 10), _positions(b"bytes=8-", 10)
    (range(2, 5), range(7, 10), range(8, 10))
    >>> _positions(b"bytes=10-", 10), _positions(b"bytes=0-1,4-5", 10)
    (range(0, 0), None)
    """
    found = _RANGE.fullmatch(wanted.strip())
    if found is None:
        return None
    first, last = found.groups()
    if not first:
        if not last:
            return None
        # At most `size` bytes from the end; none at all cannot be satisfied.
        return range(max(0, size - int(last)), size) if int(last) else range(0)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        return range(0)
    return range(int(first), min(size, int(last) + 1 if last else size))
