"""The proof of a page's notice: what was sent, seen and acknowledged, under a name without a person.

A page may be kept by caches and shown to many, so nothing in it belongs to one reader. Its script asks for a nonce of
its own, which no cache keeps, sends it back once the notice is in view, and again when somebody acknowledges it.
Sessions are random cookies that end with the browser's. A page whose policy forbids the script is on record as sent,
and never as shown.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from disclose.about import WELL_KNOWN
from disclose.errors import DiscloseError, InputError, LedgerError
from disclose.integrations.asgi_headers import Headers, Receive, Scope, Send, headers_of, value_of
from disclose.notice import Notice

if TYPE_CHECKING:
    from disclose.disclosure import Identifier
    from disclose.notice.schedule import Due
    from disclose.notice.session import NoticeSession, Sessions
    from disclose.profile import Profile

LONGEST_BODY = 1024
"""Bytes of a request to the addresses below."""
COOKIE = "disclose-session"
"""The cookie of a session: 128 random bits, which say nothing of anybody and end with the browser's session."""

_PLACE = WELL_KNOWN + "/"
_SCRIPT, _NOTICE, _PROOF = "notice.js", "notice", "proof"
_SHOWN_BY_THE_PAGE = frozenset({"interaction", "badge"})
_MOST_REMEMBERED = 4096
_SESSION = re.compile(rf"(?:^|[;,]\s*){COOKIE}=([0-9a-f]{{32}})(?=\s*(?:[;,]|$))")
_IDENTIFIER = re.compile(r"[0-9a-f]{32}")
_log = logging.getLogger(__name__)


class Announcement:
    """Serves the addresses below ``/.well-known/ai-disclosure/`` and keeps on record who was shown the notice.

    ``notice.js`` is the script of the pages. ``POST notice`` answers with the id and the nonce of a notice that is
    due, or with 204. ``POST proof`` takes ``{"id", "nonce", "state"}``, where the state is "shown" or "acknowledged",
    and refuses with 403 what was not sent with that nonce. At most *rate* requests a second are recorded, and as
    many as *burst* at once; the rest get a 429, for whoever can fetch a page can also ask for a line in the ledger.
    """

    def __init__(self, profile: Profile, *, rate: float = 50, burst: int = 200) -> None:
        # Here and not above: a middleware that only adds headers needs neither.
        from disclose.notice.session import Sessions

        self._profile = profile
        self._sessions: Sessions = Sessions()
        self._notice = Notice()
        self._allowance = _Allowance(rate, burst)
        self._pending: OrderedDict[str, tuple[str, Due]] = OrderedDict()
        self._left: OrderedDict[tuple[str, Identifier], None] = OrderedDict()
        self._lock = threading.Lock()

    def script(self, scope: Scope) -> str:
        """Return the address of the script, as a page of *scope* loads it."""
        return f"{scope.get('root_path', '')}{_PLACE}{_SCRIPT}"

    def is_asked_for(self, scope: Scope) -> bool:
        """Whether *scope* asks for one of the addresses."""
        return _name(scope) in (_SCRIPT, _NOTICE, _PROOF)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to them."""
        name = _name(scope)
        if name == _SCRIPT:
            await _answer_with_script(scope, send)
            return
        status, answer, headers = await self._answered(name, scope, receive)
        body = b"" if answer is None else json.dumps(answer).encode()
        if status == 405:
            headers.append((b"allow", b"POST"))
        if answer is not None:
            headers.append((b"content-type", b"application/json"))
        if status != 204:
            headers.append((b"content-length", str(len(body)).encode()))
        headers.append((b"cache-control", b"no-store"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def notes(self, scope: Scope) -> bool:
        """Whether outputs that leave in answer to *scope* go on record with a session, which takes its time."""
        return _session_of(scope) is not None

    def outputs(self, scope: Scope, identifiers: Iterable[Identifier]) -> None:
        """Record that *identifiers* leave in the session of *scope*, if it has one; call it before they do."""
        session = _session_of(scope)
        if session is None:
            return
        for identifier in identifiers:
            with self._lock:
                if (session, identifier) in self._left:
                    continue
            self._profile.notices().output(self._sessions.change(session, _as_it_is), identifier)
            with self._lock:
                _note(self._left, (session, identifier), None)

    async def sent_with(self, scope: Scope, headers: Headers, language: str) -> Headers:
        """Record that a page leaves with a notice and no script; return the cookie, where *headers* allow for one."""
        known = _session_of(scope)
        kept = (value_of(headers, b"cache-control") or b"").lower()
        # What a shared cache may keep must not give two readers one session.
        is_own = b"private" in kept or b"no-store" in kept
        session = known or secrets.token_hex(16)
        if not self._allowance.takes_one():
            return []
        try:
            await to_thread.run_sync(lambda: self._send(session, language, prove=False))
        except DiscloseError as error:
            # The reader has the notice; what fails is our own book-keeping.
            _log.error("could not record that a notice was sent: %s", error)
            return []
        return [_cookie(scope, session)] if is_own and known is None else []

    async def _answered(self, name: str, scope: Scope, receive: Receive) -> tuple[int, Any, Headers]:
        if scope["method"] != "POST":
            return 405, None, []
        headers = headers_of(scope)
        # A form of another site cannot send this type without asking first (Fetch standard, 4.8).
        if (value_of(headers, b"content-type") or b"").partition(b";")[0].strip().lower() != b"application/json":
            return 415, None, []
        if not self._allowance.takes_one():
            return 429, None, [(b"retry-after", b"1")]
        body = await _body(receive)
        if body is None:
            return 413, None, []
        try:
            said = json.loads(body)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
            return 400, None, []
        try:
            return await to_thread.run_sync(self._begun if name == _NOTICE else self._proven, scope, said)
        except LedgerError as error:
            _log.error("could not record what a reader saw: %s", error)
            return 503, None, []

    def _begun(self, scope: Scope, said: dict[str, str]) -> tuple[int, Any, Headers]:
        known = _session_of(scope)
        session = known or secrets.token_hex(16)
        language = self._notice.language_for([said.get("language", "")])
        sent = self._send(session, language, prove=True)
        cookie = [_cookie(scope, session)] if known is None else []
        return (204, None, cookie) if sent is None else (200, sent, cookie)

    def _proven(self, scope: Scope, said: dict[str, str]) -> tuple[int, Any, Headers]:
        proof = self._profile.notices()
        signals = {"shown": proof.shown, "acknowledged": proof.acknowledged}
        if said.keys() != {"id", "nonce", "state"} or said["state"] not in signals:
            return 400, None, []
        if not _IDENTIFIER.fullmatch(said["id"]):
            return 403, None, []
        try:
            signals[said["state"]](said["id"], said["nonce"])
        except InputError:
            # A client may claim what it likes; what it cannot prove is not on record.
            return 403, None, []
        with self._lock:
            pending = self._pending.pop(said["id"], None)
        if pending is not None:
            session, due = pending
            self._sessions.change(session, lambda before, now: before.delivered(due, now))
        return 204, None, []

    def _send(self, session: str, language: str, *, prove: bool) -> dict[str, str] | None:
        """Record that the notices that are due leave; return the proof of the first.

        One that can be proven counts as delivered once it is, so that a page closed too early leaves it due.
        """
        proof = self._profile.notices()
        state = self._sessions.change(session, _as_it_is)
        sent = None
        for due in self._profile.schedule().due(state, datetime.now(UTC)):
            if due.kind not in _SHOWN_BY_THE_PAGE:
                continue
            one = proof.sent(state, due, language=language)
            if prove and sent is None:
                sent = {"id": one.id, "nonce": one.nonce}
                with self._lock:
                    _note(self._pending, one.id, (session, due))
            else:
                self._sessions.change(session, _delivered(due))
        return sent


class _Allowance:
    """So many a second, and some more at once, for all clients together: behind a proxy they have one address."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, burst
        self._left, self._since = float(burst), time.monotonic()
        self._lock = threading.Lock()

    def takes_one(self) -> bool:
        """Whether there is one left, which is gone then."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._since) * self._rate)
            self._since = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


async def _answer_with_script(scope: Scope, send: Send) -> None:
    body = script_text().encode()
    is_read = scope["method"] in ("GET", "HEAD")
    headers = [
        (b"content-type", b"text/javascript; charset=utf-8"),
        (b"content-length", str(len(body) if is_read else 0).encode()),
        (b"cache-control", b"max-age=300"),
        (b"x-content-type-options", b"nosniff"),
    ]
    headers += [] if is_read else [(b"allow", b"GET, HEAD")]
    await send({"type": "http.response.start", "status": 200 if is_read else 405, "headers": headers})
    await send({"type": "http.response.body", "body": body if scope["method"] == "GET" else b""})


@cache
def script_text() -> str:
    """Return the script of the pages."""
    return files(__package__).joinpath("asgi_notice.js").read_text("utf-8")


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, or None where it is too long or was not sent to its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > LONGEST_BODY:
            return None
        if not message.get("more_body", False):
            return body


def _name(scope: Scope) -> str:
    """Return what *scope* asks for below the place, which lies below the prefix that we are mounted at."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path.removeprefix(_PLACE) if path.startswith(_PLACE) else ""


def _session_of(scope: Scope) -> str | None:
    found = _SESSION.search((value_of(headers_of(scope), b"cookie") or b"").decode("latin-1"))
    return None if found is None else found[1]


def _cookie(scope: Scope, session: str) -> tuple[bytes, bytes]:
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    return b"set-cookie", f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()


def _note(notes: OrderedDict[Any, Any], key: object, value: object) -> None:
    notes[key] = value
    while len(notes) > _MOST_REMEMBERED:
        notes.popitem(last=False)


def _as_it_is(session: NoticeSession, now: datetime) -> NoticeSession:
    return session


def _delivered(due: Due) -> Callable[[NoticeSession, datetime], NoticeSession]:
    return lambda session, now: session.delivered(due, now)
