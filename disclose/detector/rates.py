"""Rates: how many requests one client may make, and who is served without limit."""

from __future__ import annotations

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from disclose.detector.settings import Settings

_MOST_CLIENTS = 50_000
_BEARER = b"bearer "
_CLIENT = "limited_client"
_ASK_THE_LEDGER = ("/matches/", "/manifests/")


class RateLimit:
    """Lets a client make a minute's worth of requests at once and then as many as refill (a token bucket).

    Of those that wait to be examined, a client may have a quarter, or one that sends large files slowly would keep all
    others out. Counted are requests that bring something or ask the ledger. A client is an IPv4 address or an IPv6
    network of 64 bits, as far as the server knows it; it is kept in memory for as long as its bucket is not full.
    """

    def __init__(
        self, app: ASGIApp, *, settings: Settings, refused: Callable[[Request, HTTPException], Response]
    ) -> None:
        self._app = app
        self._refused = refused
        self._settings = settings
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._at_once: Counter[str] = Counter()
        self._most_at_once = max(1, settings.waiting // 4)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request, or answer 429 with the seconds to wait, as *refused* puts it."""
        if scope["type"] != "http" or not _costs(scope) or self._is_exempt(scope):
            await self._app(scope, receive, send)
            return
        client = scope.setdefault("state", {})[_CLIENT] = _client(scope)
        wait = 1.0 if self._at_once[client] >= self._most_at_once else self._wait(client)
        if wait > 0:
            answer = self._refused(Request(scope), _refusal(wait))
            await answer(scope, receive, send)
            return
        self._at_once[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._at_once[client] -= 1
            if not self._at_once[client]:
                del self._at_once[client]

    def _is_exempt(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if given[: len(_BEARER)].lower() != _BEARER:
            return False
        return self._settings.is_exempt(given[len(_BEARER) :].decode("latin-1").strip())

    def _wait(self, client: str) -> float:
        """Take one from the bucket of *client*; return the seconds until there is one, where it is empty."""
        most, now = max(1.0, self._settings.requests_per_minute), time.monotonic()
        left, before = self._buckets.pop(client, (most, now))
        left = min(most, left + (now - before) * self._settings.requests_per_minute / 60)
        self._buckets[client] = (left - 1 if left >= 1 else left, now)
        while len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) * 60 / self._settings.requests_per_minute


def limited_client(request: Request) -> str | None:
    """Return the client that *request* is counted for, None where it is served without limit."""
    found: str | None = request.scope.get("state", {}).get(_CLIENT)
    return found


def _costs(scope: Scope) -> bool:
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return scope["method"] == "POST" or path.startswith(_ASK_THE_LEDGER)


def _client(scope: Scope) -> str:
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return str(host)
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return str(address)


def _refusal(wait: float) -> HTTPException:
    detail = "too many requests; public bodies, media and researchers can ask the operator for a token without limit"
    return HTTPException(429, detail, {"Retry-After": str(math.ceil(wait))})
