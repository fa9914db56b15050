"""The notice of a Gradio app, and the proof of it: what was sent, seen and acknowledged, under a name without a person.

The load event of a page shows the notice and fetches the nonce that proves its arrival; the page sends that back once
the notice is in view, and again when somebody acknowledges it. Sessions are Gradio's own: random, one a page load.
"""

from __future__ import annotations

import contextvars
import hashlib
import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from disclose.configuration.presets import PRESETS
from disclose.disclosure import Identifier
from disclose.errors import InputError, extra
from disclose.notice import ELEMENT_ID, Notice
from disclose.notice.schedule import Due, Schedule
from disclose.notice.session import NoticeSession, Sessions

with extra("gradio"):
    import gradio
    from gradio.events import api

if TYPE_CHECKING:
    from disclose.profile import Profile

SIGNAL = "disclose_notice"
"""The API name under which a page reports what its reader saw."""
_SHOWN_BY_THE_PAGE = frozenset({"interaction", "badge"})
_MOST_REMEMBERED = 4096
_session: contextvars.ContextVar[str | None] = contextvars.ContextVar("disclose_gradio_session", default=None)
_UNDOCUMENTED: dict[str, Any] = (
    {"api_visibility": "undocumented"}
    if "api_visibility" in inspect.signature(api).parameters and not gradio.__version__.startswith("5.")
    else {"show_api": False}
)
# The address of the page's own server: gradio_config.root knows the path that the app is mounted at.
_REPORT = """(sent) => {
  const notice = JSON.parse(sent || "null");
  const host = document.getElementById(%s);
  if (!host || !host.prove || !notice) return [];
  const root = ((window.gradio_config || {}).root || location.href.split(/[?#]/)[0]).replace(/\\/+$/, "");
  host.prove((state) => {
    const body = JSON.stringify({ data: [notice.id, notice.nonce, state] });
    const headers = { "content-type": "application/json" };
    fetch(`${root}/gradio_api/run/%s`, { method: "POST", headers, body, keepalive: true }).catch(() => {});
  });
  return [];
}"""


class Announcement:
    """Shows *notice* on every page of *demo* and keeps on record who was shown it, as *profile* records things."""

    def __init__(self, demo: gradio.Blocks, profile: Profile, notice: Notice) -> None:
        self._demo, self._profile, self._notice = demo, profile, notice
        self._sessions = Sessions()
        self._schedule = _schedule(profile)
        self._left: OrderedDict[tuple[str, Identifier | str], None] = OrderedDict()

    def attach(self) -> None:
        """Add the events to the app, and what the notice says to the descriptions of its functions."""
        for block_fn in list(self._demo.fns.values()):
            _describe(block_fn, self._notice)
        current = self._demo.current_page
        try:
            # A load event belongs to the page that is current when it is made.
            for page in self._demo.pages:
                self._demo.current_page = page[0]
                self._attach_to_page()
            with self._demo:
                api(self._signal, api_name=SIGNAL, queue=False, **_UNDOCUMENTED)
        finally:
            self._demo.current_page = current
        self._watch_sessions()

    def output(self, identifier: Identifier) -> None:
        """Record that the output *identifier* leaves in the session at hand, if there is one."""
        session = current_session()
        if session is None or (session, identifier) in self._left:
            return
        self._profile.notices().output(self._sessions.change(session, _as_it_is), identifier)
        self._note(session, identifier)

    def asked(self, question: str, language: str) -> None:
        """Record that the answer to *question* leaves in the session at hand; shown again it is the same answer."""
        session = current_session()
        # Gradio shows a chat with every word of a stream, and what people say is kept nowhere.
        digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()
        if session is None or (session, digest) in self._left:
            return
        self.send(session, frozenset({"answer"}), language, asked=True)
        self._note(session, digest)

    def owns(self, block_fn: Any) -> bool:
        """Whether *block_fn* is an event of this announcement and none of the app's."""
        return block_fn.fn in (self._send, self._signal)

    def send(self, id: str, kinds: frozenset[str], language: str, *, asked: bool = False) -> dict[str, str] | None:
        """Record that the notices of *kinds* that are due leave for the session *id*; return the proof of the first."""
        proof = self._profile.notices()
        session = self._sessions.change(id, lambda session, now: session.turn(now, asked=asked) if asked else session)
        sent = None
        for due in self._schedule.due(session, datetime.now(UTC)):
            if due.kind in kinds:
                one = proof.sent(session, due, language=language)
                self._sessions.change(id, _delivered(due))
                sent = sent or {"id": one.id, "nonce": one.nonce}
        return sent

    def _note(self, session: str, what: Identifier | str) -> None:
        self._left[session, what] = None
        while len(self._left) > _MOST_REMEMBERED:
            self._left.popitem(last=False)

    def _attach_to_page(self) -> None:
        with self._demo:
            proof = gradio.Textbox(visible=False)
            self._demo.load(
                self._send,
                None,
                proof,
                js=self._notice.to_script(),
                queue=False,
                show_progress="hidden",
                **_UNDOCUMENTED,
            ).then(None, proof, None, js=_REPORT % (json.dumps(ELEMENT_ID), SIGNAL), show_progress="hidden")

    def _send(self, request: gradio.Request) -> str:
        wanted = [tag.partition(";")[0].strip() for tag in request.headers.get("accept-language", "").split(",")]
        language = self._notice.language_for(tag for tag in wanted if tag)
        session = request.session_hash
        return json.dumps(session and self.send(session, _SHOWN_BY_THE_PAGE, language))

    def _signal(self, id: str, nonce: str, state: str) -> bool:
        proof = self._profile.notices()
        signals: dict[str, Callable[[str, str], None]] = {"shown": proof.shown, "acknowledged": proof.acknowledged}
        try:
            signals[state](id, nonce)
        except (InputError, KeyError):
            # A client may claim what it likes; what it cannot prove is not on record.
            return False
        return True

    def _watch_sessions(self) -> None:
        original = self._demo.process_api

        async def process_api(*args: Any, **kwargs: Any) -> Any:
            with in_session(kwargs.get("session_hash")):
                return await original(*args, **kwargs)

        self._demo.process_api = process_api  # type: ignore[method-assign]


@contextmanager
def in_session(id: str | None) -> Iterator[None]:
    """Count the outputs of the block to the session *id*."""
    token = _session.set(id)
    try:
        yield
    finally:
        _session.reset(token)


def current_session() -> str | None:
    """Return the id of the session that the event at hand belongs to, or None."""
    return _session.get()


def _schedule(profile: Profile) -> Schedule:
    """Return the rules where *profile* offers the system, those of the EU where it does not say."""
    known = {rule.jurisdiction for rule in Schedule.load().rules}
    offered = () if profile.preset is None else PRESETS[profile.preset].jurisdictions
    return Schedule.load(*([one for one in offered if one in known] or ["eu"]))


def _describe(block_fn: Any, notice: Notice) -> None:
    """Let who calls the function without a page, or a tool of it, read there what a page shows."""
    headline = notice.wording[notice.fallback].headline
    said = getattr(block_fn, "api_description", None)
    if said is None:
        said = inspect.getdoc(block_fn.fn) if block_fn.fn is not None else None
    block_fn.api_description = f"{said}\n\n{headline}" if said else headline


def _as_it_is(session: NoticeSession, now: datetime) -> NoticeSession:
    return session


def _delivered(due: Due) -> Callable[[NoticeSession, datetime], NoticeSession]:
    return lambda session, now: session.delivered(due, now)
