"""The notice of a Gradio app, and the proof of it: what was sent, seen and acknowledged, under a name without a person.

The load event of a page shows the notice and fetches what is due; from then on the page asks again when the next
notice is, after every event of the app, and when somebody comes back to it. What is sent is sent again until the page
says that it is in view. Sessions are Gradio's own: random, one a page load, and a reload continues the one before.
"""

from __future__ import annotations

import contextvars
import hashlib
import inspect
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from disclose.about import WELL_KNOWN
from disclose.disclosure import Identifier
from disclose.errors import DiscloseError, InputError, extra
from disclose.integrations.gradio_conversation import Conversation, is_opening, preferred
from disclose.integrations.gradio_newest import Newest
from disclose.notice import ELEMENT_ID, Kind, Notice, wording
from disclose.notice.session import NoticeSession, Sessions

with extra("gradio"):
    import anyio.to_thread
    import gradio
    from gradio.events import api

if TYPE_CHECKING:
    from disclose.notice.schedule import Due
    from disclose.profile import Profile

SIGNAL = "disclose_notice"
"""The API name under which a page reports what its reader saw."""
ASK = "disclose_notice_due"
"""The API name under which a page asks what is due."""
LOAD = "disclose_notice_load"
"""The API name under which a page does what its load event does, where it cannot run that."""
_session: contextvars.ContextVar[str | None] = contextvars.ContextVar("disclose_gradio_session", default=None)
_here: contextvars.ContextVar[Announcement | None] = contextvars.ContextVar("disclose_gradio_notice", default=None)
_UNDOCUMENTED: dict[str, Any] = (
    {"api_visibility": "undocumented"}
    if "api_visibility" in inspect.signature(api).parameters and not gradio.__version__.startswith("5.")
    else {"show_api": False}
)
# What the load event sends: the language shown, and the session before.
_LOAD = """() => {
  (%s)();
  return [document.getElementById(%s).state()];
}"""
_FOLLOW = """(sent) => {
  document.getElementById(%s).follow(JSON.parse(sent || "null"));
  return [];
}"""
# For pages that cannot run what the load event brings. A page that has not heard from it by then will not.
_ALONE = """(() => {
  const address = document.currentScript ? document.currentScript.src : "";
  (%s)(address.replace(/\\/gradio_api\\/.*$/, ""));
  setTimeout(() => document.getElementById(%s).begin(), %d);
})();
"""
_SECONDS_FOR_GRADIO = 10


def take_over(session: gradio.Request | str, *, human: str) -> None:
    """Put the person named *human* in charge of *session*: no badge, no timers, and no answers in the system's name.

    Call it inside an event of the disclosed app, with the request of that event or the ``session_hash`` of another
    session. A page follows after its next event or when somebody comes back to it. What functions return is still
    marked: name those that return what a person made in ``exclude``. Raises ProfileError for an empty name and
    DiscloseError where there is no such session.
    """
    _announcement().in_charge(_id_of(session), lambda session, now: session.taken_over(human, now))


def hand_back(session: gradio.Request | str) -> None:
    """Put the system in charge of *session* again, which tells the person so as at the first time."""
    _announcement().in_charge(_id_of(session), lambda session, now: session.handed_back(now))


class Announcement:
    """Shows the notice on every page of *demo* and keeps on record who was shown it, as *profile* records things."""

    def __init__(self, demo: gradio.Blocks, profile: Profile, notice: Notice, conversation: Conversation) -> None:
        self.notice, self.exemption = conversation.notice(notice), conversation.exemption
        self._demo, self._profile, self._conversation = demo, profile, conversation
        self._sessions = Sessions(clock=conversation.clock)
        self._schedule = conversation.schedule(profile)
        self._sending = threading.Lock()
        self._left: Newest[tuple[str, Identifier], bool] = Newest()
        self._answers: Newest[tuple[str, str, int], bool] = Newest()
        self._waiting: Newest[str, _Waiting] = Newest()
        self._later: Newest[str, str] = Newest()
        self._scripts: dict[int, Any] = {}
        self._first: Newest[str, str] = Newest()

    def attach(self) -> None:
        """Add the events to the app."""
        current = self._demo.current_page
        try:
            # A load event belongs to the page that is current when it is made.
            for page in self._demo.pages:
                self._demo.current_page = page[0]
                self._attach_to_page()
            with self._demo:
                api(self._signal, api_name=SIGNAL, queue=False, **_UNDOCUMENTED)
                api(self._ask, api_name=ASK, queue=False, **_UNDOCUMENTED)
                api(self._load, api_name=LOAD, queue=False, **_UNDOCUMENTED)
        finally:
            self._demo.current_page = current
        self._watch_sessions()

    def owns(self, block_fn: Any) -> bool:
        """Whether *block_fn* is an event of this announcement and none of the app's."""
        return block_fn.fn in (self._load, self._signal, self._ask)

    def output(self, identifier: Identifier) -> None:
        """Record that the output *identifier* leaves in the session at hand, if there is one."""
        session = _session.get()
        if session is None or (session, identifier) in self._left:
            return
        self._profile.notices().output(self._changed(session, _as_it_is), identifier)
        self._left.note((session, identifier), True)

    def is_human(self) -> bool:
        """Whether a named person is in charge of the session at hand."""
        session = _session.get()
        return session is not None and self._changed(session, _as_it_is).human is not None

    def asked(self, question: str, language: str, turn: int) -> bool:
        """Whether the answer to *question* leaves in the session at hand: a person in charge answers for themselves.

        Who was in charge when the question of that *turn* was first asked stays the one who answers it. That the
        answer leaves is recorded; shown again it is the same answer.
        """
        session = _session.get()
        if session is None or not self._conversation.answers:
            return self._conversation.answers
        # Gradio shows a chat with every word of a stream, and what people say is kept nowhere.
        digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()
        key = (self._first.get(session) or session, digest, turn)
        known = self._answers.get(key)
        if known is None:
            known = self._answer(session, language)
            self._answers.note(key, known)
        return known

    def in_charge(self, id: str, transition: _Transition) -> None:
        """Apply *transition* to the session *id*, or to the one that continues it since its page was loaded again."""
        newest, passed = id, {id}
        # Sessions are named by clients, who may name two of them in a circle.
        while (later := self._later.get(newest)) is not None and later not in passed:
            newest = later
            passed.add(newest)
        try:
            before = self._sessions.change(newest, _as_it_is, begin=_unknown)
            session = self._sessions.change(newest, transition, begin=_unknown)
        except LookupError:
            raise DiscloseError(
                f"there is no session {id!r} to take over or hand back; give the request of the event, or the"
                " session_hash of a session of this app"
            ) from None
        if session.encounter != before.encounter and session.exemption is not None:
            self._profile.notices().exempt(session)

    def _answer(self, id: str, language: str) -> bool:
        with self._sending:
            session = self._changed(id, lambda session, now: session.turn(now, asked=True))
            if session.human is not None:
                return False
            for due in self._schedule.due(session, self._conversation.clock()):
                if due.kind == Kind.ANSWER:
                    said = {"headline": str(wording(Kind.ANSWER, language)), "language": language}
                    self._send(session, due, said)
        return True

    def built(self) -> None:
        """Leave the notice to the file that pages bring, unless they come from elsewhere than this application.

        Where a page may not evaluate scripts, an event that brings one keeps Gradio 6 from showing the page.
        """
        is_ours = not getattr(self._demo, "ssr_mode", False)
        for number, script in self._scripts.items():
            self._demo.fns[number].js = None if is_ours else script
        self._demo.config = self._demo.get_config_file()

    @property
    def script(self) -> str:
        """What a page runs that brings the notice as a file of its own."""
        return _ALONE % (self._page_script(), json.dumps(ELEMENT_ID), _SECONDS_FOR_GRADIO * 1000)

    def _page_script(self) -> str:
        """Return a JavaScript function that shows the notice and follows what the server says; it takes its address."""
        shown = self.notice.to_script(asks=self.exemption is None)
        follow = files(__package__).joinpath("gradio_notice.js").read_text("utf-8").strip()
        given = ", ".join(json.dumps(one) for one in (ELEMENT_ID, SIGNAL, ASK, LOAD, WELL_KNOWN))
        element = json.dumps(ELEMENT_ID)
        return f"""(root) => {{
  ({shown})();
  if (root) document.getElementById({element}).root = root;
  ({follow})({given});
}}"""

    def _attach_to_page(self) -> None:
        element = json.dumps(ELEMENT_ID)
        before = set(self._demo.fns)
        with self._demo:
            said, heard = gradio.Textbox(visible=False), gradio.Textbox(visible=False)
            self._demo.load(
                self._load,
                said,
                heard,
                js=_LOAD % (self._page_script(), element),
                # The page reads the name of its session from the address of the queue.
                queue=True,
                concurrency_limit=None,
                show_progress="hidden",
                **_UNDOCUMENTED,
            ).then(None, heard, None, js=_FOLLOW % element, show_progress="hidden")
        for number in set(self._demo.fns) - before:
            self._scripts[number] = self._demo.fns[number].js

    def _load(self, said: str, request: gradio.Request) -> str:
        """Return as JSON what the page that has just come up has to show."""
        language, earlier = _read(said)
        session = request.session_hash
        if session is None or not language:
            return json.dumps({"session": None})
        is_other = bool(earlier) and earlier != session
        again = self._continue(session, earlier) if is_other else self.exemption is not None
        return self._reply(session, [language, *preferred(request.headers.get("accept-language", ""))], again=again)

    def _ask(self, language: str, request: gradio.Request) -> str:
        """Return as JSON what the page has to show by now."""
        session = request.session_hash
        return json.dumps(None) if session is None else self._reply(session, [str(language)], again=True)

    def _reply(self, id: str, languages: Iterable[str], *, again: bool) -> str:
        """Return as JSON what waits in the session *id*, with what is due now; *again* where it was shown before."""
        language = self.notice.language_for(languages)
        with self._sending:
            session, now = self._changed(id, _as_it_is), self._conversation.clock()
            for due in self._conversation.due(self._schedule, session, now):
                said = self._conversation.words(self.notice, due, language)
                session = self._send(session, due, said, opening=is_opening(due), again=again)
        waiting = [one.item for _, one in self._waiting.items() if one.session == id]
        return json.dumps(
            {
                "session": id,
                "badge": session.badge,
                "seconds": self._conversation.seconds(self._schedule, session, now),
                # What the system has to say waits while a person is in charge.
                "notices": [item for item in waiting if session.badge or item["kind"] == Kind.ANSWER],
            }
        )

    def _send(self, session: NoticeSession, due: Due, said: dict[str, Any], **more: Any) -> NoticeSession:
        """Record that *due* leaves in these words, let it wait until it was seen; return the session after it."""
        one = self._profile.notices().sent(session, due, language=said["language"])
        item = {"id": one.id, "nonce": one.nonce, "kind": due.kind, "text": said, **more}
        self._waiting.note(one.id, _Waiting(session=session.id, item=item))
        return self._changed(session.id, lambda session, now: session.delivered(due, now))

    def _continue(self, id: str, earlier: str) -> bool:
        """Let the session *id* go on where *earlier* ended; return whether its notice is due in full once more."""
        try:
            before = self._sessions.change(earlier, lambda session, now: session.turn(now), begin=_unknown)
        except LookupError:
            # Nobody knows what was shown to whom, so it is shown.
            return True
        now = self._conversation.clock()
        again = bool(self._conversation.due(self._schedule, before, now)) or self.exemption is not None
        self._changed(id, lambda session, now: replace(before.joined(now), id=id))
        self._later.note(earlier, id)
        self._first.note(id, self._first.get(earlier) or earlier)
        for key, waiting in self._waiting.items():
            if waiting.session == earlier and not waiting.item.get("opening"):
                self._waiting.note(key, replace(waiting, session=id))
        return again

    def _signal(self, id: str, nonce: str, state: str) -> bool:
        proof = self._profile.notices()
        signals: dict[str, Callable[[str, str], None]] = {"shown": proof.shown, "acknowledged": proof.acknowledged}
        try:
            signals[state](id, nonce)
        except (InputError, KeyError):
            # A client may claim what it likes; what it cannot prove is not on record.
            return False
        self._waiting.forget(id)
        return True

    def _changed(self, id: str, transition: _Transition) -> NoticeSession:
        """Return the session *id* after *transition*; the reason of a new one to go without a notice is recorded."""
        begun: list[str] = []

        def begin(id: str, now: datetime) -> NoticeSession:
            begun.append(id)
            return self._conversation.begin(id, now)

        session = self._sessions.change(id, transition, begin=begin)
        if begun and session.exemption is not None:
            self._profile.notices().exempt(session)
        return session

    def _watch_sessions(self) -> None:
        original = self._demo.process_api

        async def process_api(*args: Any, **kwargs: Any) -> Any:
            session = kwargs.get("session_hash")
            block_fn = args[0] if args else kwargs.get("block_fn")
            tokens = _session.set(session), _here.set(self)
            try:
                if session and kwargs.get("iterator") is None and self._is_turn(block_fn):
                    await anyio.to_thread.run_sync(self._changed, session, _turn)
                return await original(*args, **kwargs)
            finally:
                _session.reset(tokens[0])
                _here.reset(tokens[1])

        self._demo.process_api = process_api  # type: ignore[method-assign]

    def _is_turn(self, block_fn: Any) -> bool:
        """Whether a person is behind the event: neither our page nor a timer of the app."""
        block_fn = self._demo.fns.get(block_fn) if isinstance(block_fn, int) else block_fn
        ticks = [event for _, event in getattr(block_fn, "targets", ())] == ["tick"]
        return not ticks and not (block_fn is not None and self.owns(block_fn))


_Transition = Callable[[NoticeSession, datetime], NoticeSession]


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """What the page of ``session`` was sent, or is to be, and has not shown yet."""

    session: str
    item: dict[str, Any]


def _announcement() -> Announcement:
    here = _here.get()
    if here is None:
        raise DiscloseError(
            "take_over() and hand_back() belong inside an event of an app that shows the notice: call them in a"
            " function of disclosed(demo)"
        )
    return here


def _id_of(session: gradio.Request | str) -> str:
    return session if isinstance(session, str) else str(session.session_hash)


def _read(said: str) -> tuple[str, str]:
    """Return the language and the earlier session that a page names; both are claims of a client."""
    try:
        values = json.loads(said)
        return str(values["language"]), str(values["earlier"])
    except (ValueError, KeyError, TypeError):
        return "", ""


def _unknown(id: str, now: datetime) -> NoticeSession:
    raise LookupError(id)


def _turn(session: NoticeSession, now: datetime) -> NoticeSession:
    return session.turn(now)


def _as_it_is(session: NoticeSession, now: datetime) -> NoticeSession:
    return session
