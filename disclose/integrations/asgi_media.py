"""Media responses: mark the body, and serve the whole of it or the part that was asked for."""

from __future__ import annotations

import hashlib
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from disclose.asset import Asset
from disclose.disclosure import Identifier
from disclose.errors import DiscloseError
from disclose.integrations import metrics
from disclose.integrations.asgi_body import BODY_LIMIT, BodyResponder, Oversize
from disclose.integrations.asgi_headers import Headers, Scope, Send, exposed, headers_of, rewritten, tag_of, value_of

if TYPE_CHECKING:
    from disclose.integrations.asgi_manifest import Manifests
    from disclose.profile import Profile

__all__ = ["BODY_LIMIT", "Marked", "MarkedBodies", "MediaResponder"]

Leaves = Callable[[Iterable[Identifier]], None]
"""Told what outputs are about to leave, before they do."""

_REMEMBERED = 64 * 1024 * 1024
# Longer numbers than these eighteen digits name no position in any file.
_RANGE = re.compile(rb"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A marked body, its ``identifier``, and its C2PA ``manifest`` where that stands beside it."""

    data: bytes
    identifier: Identifier | None
    manifest: bytes | None = None

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes, an entry of the table for it included."""
        return len(self.data) + len(self.manifest or b"") + 1024


class MarkedBodies:
    """Marks bodies, and remembers the latest, so that the parts of a picture come from one and the same marking.

    Every marking gives other bytes; a client that fetched a picture in two ranges would otherwise put together
    two halves that do not fit. It also spares static files a marking, and a ledger entry, for every request.
    *is_media* says of which types a manifest may stand beside the body, where the format holds none.
    """

    def __init__(
        self, profile: Profile, statement: Mapping[str, Any], is_media: Callable[[str], bool] = lambda kind: False
    ) -> None:
        self._profile = profile
        self._statement = statement
        self._is_media = is_media
        self._remembered: OrderedDict[bytes, Marked] = OrderedDict()
        self._held = 0
        self._turns: dict[bytes, threading.Lock] = {}
        self._lock = threading.Lock()

    def marked(self, body: bytes) -> bytes:
        """Return *body* marked, within itself; raises a DiscloseError where that cannot be done in full."""
        return self.marked_as(body).data

    def marked_as(self, body: bytes, *, beside: bool = False) -> Marked:
        """Return *body* marked, with *beside* also by a manifest beside it; raises DiscloseError where it cannot be."""
        key = hashlib.sha256(body).digest()
        with self._lock:
            if (known := self._recall(key, beside=beside)) is not None:
                return known
            turn = self._turns.setdefault(key, threading.Lock())
        # Two who ask for the parts of one picture at once must not get them from two markings.
        with turn:
            with self._lock:
                if (known := self._recall(key, beside=beside)) is not None:
                    return known
            try:
                result = self._mark(body, beside=beside)
                with self._lock:
                    self._remember(key, result)
            finally:
                with self._lock:
                    self._turns.pop(key, None)
        return result

    def _mark(self, body: bytes, *, beside: bool) -> Marked:
        with metrics.output("web") as output:
            disclosure = self._profile.disclosure(**self._statement)
            asset = Asset.from_data(body, name="the response")
            output.media_type = asset.media_type
            # A manifest stands beside nothing that is not what it was announced as: a broken picture is not a text.
            sidecar = beside and self._is_media(asset.media_type)
            asset = self._profile.marker().mark(asset, disclosure, sidecar=sidecar)
            identifier = None if asset.disclosure is None else asset.disclosure.id
            output.identifier = str(identifier or "")
        return Marked(data=asset.data, identifier=identifier, manifest=asset.sidecar)

    def _recall(self, key: bytes, *, beside: bool) -> Marked | None:
        known = self._remembered.get(key)
        if known is None or (known.manifest is not None and not beside):
            return None
        self._remembered.move_to_end(key)
        return known

    def _remember(self, key: bytes, result: Marked) -> None:
        if (former := self._remembered.pop(key, None)) is not None:
            self._held -= former.size
        self._remembered[key] = result
        self._held += result.size
        while self._held > _REMEMBERED:
            _, oldest = self._remembered.popitem(last=False)
            self._held -= oldest.size


class MediaResponder(BodyResponder):
    """Answers with one marked body, or with a 500 in place of a body that cannot be marked."""

    def __init__(
        self,
        bodies: MarkedBodies,
        scope: Scope,
        send: Send,
        *,
        oversize: Oversize = "refuse",
        manifests: Manifests | None = None,
        leaves: Leaves = lambda identifiers: None,
    ) -> None:
        super().__init__(scope, send, oversize)
        self._bodies = bodies
        self._manifests = manifests
        self._leaves = leaves

    async def finish(self, body: bytes) -> None:
        """Answer with *body* marked, or with the part of it that was asked for."""
        try:
            marked, links = await to_thread.run_sync(self._marked, body)
        except DiscloseError as error:
            await self._refuse(str(error))
        except Exception as error:
            # Whatever went wrong in there, the unmarked body must not be what the client gets.
            await self._refuse(f"{type(error).__name__}: {error}", unexpected=True)
        else:
            await self._answer(marked, links)

    def _marked(self, body: bytes) -> tuple[bytes, Headers]:
        marked = self._bodies.marked_as(body, beside=self._manifests is not None)
        if marked.identifier is not None:
            self._leaves([marked.identifier])
        if marked.manifest is None or self._manifests is None:
            return marked.data, []
        return marked.data, [self._manifests.link(self._scope, marked.data, marked.manifest)]

    async def _answer(self, body: bytes, links: Headers) -> None:
        headers = rewritten(headers_of(self._start), length=len(body), tag=tag_of(body))
        headers += [(b"accept-ranges", b"bytes"), *links]
        if links:
            headers = exposed(headers, b"link")
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
