"""Event streams: disclose a chat answer in the events that it arrives in, each passed on as soon as it is whole.

The first event of an answer gets a field with its disclosure, the last one with the hash of its text, which is on
record by then. Clients skip fields they do not know. Events of our own, and chunks without choices, they do not: the
OpenAI client ends with a TypeError. So nothing is added but those two fields, and every other byte stays as it is, but
for the files in an event, which are marked where those in JSON are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from anyio import CancelScope, to_thread

from disclose.errors import DiscloseError, MarkingError
from disclose.integrations import metrics
from disclose.integrations.asgi_body import BODY_LIMIT, Oversize
from disclose.integrations.asgi_coding import Gzip, Plain
from disclose.integrations.asgi_event_data import END, FIELD, json_in, object_in, with_field
from disclose.integrations.asgi_headers import Message, Send, headers_of, is_encoded, rewritten, value_of
from disclose.integrations.asgi_json import EmbeddedFiles, may_hold_file
from disclose.integrations.chat_events import Step, steps
from disclose.integrations.text_stream import MEDIA_TYPE, TextStream

if TYPE_CHECKING:
    from disclose.asset import Asset
    from disclose.disclosure import Identifier
    from disclose.duty import Use
    from disclose.profile import Profile

LARGEST_EVENT = 8 * 1024 * 1024
"""Bytes of one event that are waited for; a stream with a longer one is passed on from there as it is."""

_DOOR = "web"
# Statements about a body that is there as a whole, before anything was added to it.
_OF_A_WHOLE_BODY = (b"content-length", b"content-md5", b"digest", b"content-digest", b"repr-digest")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """How the texts of streams are put on record: as *profile* and *statement* say, with the duty that *use* brings.

    ``manifest_link`` keeps the manifest that stands beside a text, and returns the header that leads there; None for
    texts that get none. ``leaves`` is told which outputs are about to leave. ``is_open`` says that to begin a text
    waits for nothing any more: that costs less than the way to a thread and back, among hundreds of streams above all.
    """

    profile: Profile
    statement: Mapping[str, Any]
    use: Use
    manifest_link: Callable[[bytes, bytes], tuple[bytes, bytes]] | None = None
    leaves: Callable[[Iterable[Identifier]], None] = lambda identifiers: None
    is_open: Callable[[], bool] = lambda: False

    def begun(self) -> TextStream:
        """Return a new text; raises a DiscloseError where none could be put on record."""
        try:
            text = TextStream(self.profile, self.statement, sidecar=self.manifest_link is not None, **self.use)
            self.leaves([text.disclosure.id])
        except DiscloseError as error:
            metrics.failed(_DOOR, MEDIA_TYPE, error)
            raise
        return text

    def ended(self, text: TextStream, *, complete: bool) -> dict[str, Any]:
        """Put *text* on record and return what there is to say of the whole of it; nothing where it is empty."""
        with metrics.output(_DOOR, MEDIA_TYPE) as output:
            output.identifier = str(text.disclosure.id)
            asset = text.finish(complete=complete)
            if asset is None:
                output.skip("empty")
                return {}
            output.reason = "" if complete else "broken off"
            said = {"id": str(text.disclosure.id), "sha256": asset.sha256, "complete": complete}
            more = {"manifest": self._address(asset), "detector": text.disclosure.detector}
            return said | {name: value for name, value in more.items() if value is not None}

    def _address(self, asset: Asset) -> str | None:
        if self.manifest_link is None or asset.sidecar is None:
            return None
        _, target = self.manifest_link(asset.data, asset.sidecar)
        return target[1:].partition(b">")[0].decode()


class EventResponder:
    """Passes one event stream on, with the two fields in the events of answers; :meth:`close` it in the end.

    Raises a DiscloseError in place of the event that would begin an answer which cannot be put on record, or end one
    which could not be: the stream then stops there, and claims nothing.
    """

    def __init__(
        self,
        recording: Recording,
        send: Send,
        complain: Callable[[str], None],
        *,
        embedded_files: EmbeddedFiles | None = None,
        oversize: Oversize = "refuse",
        coding: Plain | Gzip | None = None,
    ) -> None:
        self._recording = recording
        self._coding = coding or Plain()
        self._onward = send
        self._complain = complain
        self._files = embedded_files
        self._oversize = oversize
        self._longest = LARGEST_EVENT if embedded_files is None else BODY_LIMIT
        self._discloses_itself = False
        # None stands for a text that nothing can be said of.
        self._texts: dict[int, TextStream | None] = {}
        self._ended: set[int] = set()
        self._pending = bytearray()
        self._searched = 0
        self._passes = False
        self._has_begun = False
        self._failure: DiscloseError | None = None

    async def __call__(self, message: Message) -> None:
        """Take the next *message* of the application, the start of its response first."""
        if self._failure is not None:
            raise MarkingError("the stream has stopped: its text could not be put on record") from self._failure
        if message["type"] == "http.response.start":
            await self._send(self._begun(message))
        elif message["type"] != "http.response.body":
            await self._send(message)
        else:
            if not self._coding.keeps_length:
                message = {**message, "body": self._decoded(message.get("body", b""))}
            await (self._send(message) if self._passes else self._read(message))

    async def close(self) -> None:
        """Record what has left of texts that never ended; to be called whatever became of the response."""
        texts = [text for text in self._texts.values() if text is not None]
        self._texts.clear()
        # The usual reason is a reader who went away, and then this very task is being cancelled.
        with CancelScope(shield=True):
            for text in texts:
                try:
                    await to_thread.run_sync(partial(self._recording.ended, text, complete=False))
                except DiscloseError:
                    _log.exception("an answer was broken off, and what has left of it is not on record")

    def _begun(self, start: Message) -> Message:
        headers = headers_of(start)
        if is_encoded(headers) and self._coding.keeps_length:
            self._complain("it is compressed; use gzip, or compress outside of us")
            self._passes = True
        if self._passes or all(value_of(headers, name) is None for name in _OF_A_WHOLE_BODY):
            return start
        return {**start, "headers": rewritten(headers, length=None, tag=None)}

    def _decoded(self, piece: bytes) -> bytes:
        try:
            return self._coding.read(piece)
        except MarkingError as error:
            if self._has_begun:
                raise
            # Nothing has left yet that would have to go on.
            self._complain(str(error))
            self._coding, self._passes = Plain(), True
            return piece
        finally:
            self._has_begun = True

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body" and not self._coding.keeps_length:
            last = not message.get("more_body", False)
            message = {**message, "body": self._coding.write(message.get("body", b""), last=last)}
        await self._onward(message)

    async def _read(self, message: Message) -> None:
        self._pending += message.get("body", b"")
        ready = bytearray()
        while (event := self._next_event()) is not None:
            ready += await self._disclosed(event, ready)
        more = message.get("more_body", False)
        if len(self._pending) > self._longest:
            await self._let_go(ready)
            self._exceed()
        if self._passes or not more:
            rest = bytes(self._pending)
            self._pending.clear()
            # Some clients read an event that nothing ends.
            ready += rest if self._passes else await self._disclosed(rest, ready)
        if ready or not more:
            await self._send({**message, "body": bytes(ready)})

    async def _disclosed(self, event: bytes, ready: bytearray) -> bytes:
        """Return *event* with what it calls for; what is *ready* leaves first where that takes time."""
        if self._files is not None and may_hold_file(event):
            await self._let_go(ready)
            event = await self._with_files_marked(event)
        found, place = self._understood(event)
        if any(step.ends or self._begins(step) for step in found):
            await self._let_go(ready)
            return with_field(event, place, [said for step in found if (said := await self._taken(step))])
        for step in found:
            self._fed(step)
        return event

    async def _let_go(self, ready: bytearray) -> None:
        """Send what is *ready*: it need not wait for what becomes of the event behind it."""
        if ready:
            await self._send({"type": "http.response.body", "body": bytes(ready), "more_body": True})
            ready.clear()

    def _exceed(self) -> None:
        if self._files is not None and self._oversize == "refuse":
            reason = f"an event exceeds the {self._longest} bytes that are waited for"
            self._stop(MarkingError(f"{reason}; oversize='pass' lets such events leave unmarked"))
        self._complain(f"an event is longer than {self._longest} bytes")
        if self._files is not None:
            metrics.skipped(_DOOR, "unknown", "oversize")
        self._passes = True

    def _stop(self, error: DiscloseError) -> NoReturn:
        """End the stream here because of *error*."""
        self._failure = error
        _log.error("stopped a stream: %s", error)
        raise error

    async def _with_files_marked(self, event: bytes) -> bytes:
        """Return *event* with the files in its JSON marked."""
        assert self._files is not None
        try:
            return await to_thread.run_sync(self._files.marked, event, json_in(event))
        except DiscloseError as error:
            self._stop(error)
        except Exception as error:
            # Whatever went wrong in there, the unmarked file must not be what the client gets.
            _log.exception("could not mark a file in an event")
            self._stop(MarkingError(f"{type(error).__name__}: {error}"))

    def _next_event(self) -> bytes | None:
        """Return the next event with the empty line behind it, once that has arrived."""
        if self._passes:
            return None
        end = END.search(self._pending, max(0, self._searched - 3))
        if end is None:
            self._searched = len(self._pending)
            return None
        event = bytes(self._pending[: end.end()])
        del self._pending[: end.end()]
        self._searched = 0
        return event

    def _understood(self, event: bytes) -> tuple[list[Step], int]:
        """Return what *event* does to texts, and the place for a field in it."""
        if self._discloses_itself:
            return [], 0
        value, place = object_in(event)
        found = list(steps(value))
        if found and FIELD in value:
            # It comes from a system that discloses itself; what it says of its own answer stands.
            self._discloses_itself = True
            self._passes = self._files is None
            return [], 0
        return found, place

    def _begins(self, step: Step) -> bool:
        """Whether *step* begins a text; after one that has ended the next begins with a word."""
        return step.index not in self._texts and (step.index not in self._ended or bool(step.text))

    async def _taken(self, step: Step) -> dict[str, Any]:
        """Do what *step* says, and return what there is to be said of the text."""
        said: dict[str, Any] = {}
        try:
            if self._begins(step):
                begun, is_open = self._recording.begun, self._recording.is_open()
                text = begun() if is_open else await to_thread.run_sync(begun)
                self._texts[step.index] = text
                said |= text.disclosure.to_dict()
            self._fed(step)
            if step.ends and (ended := self._texts.get(step.index)) is not None:
                del self._texts[step.index]
                self._ended.add(step.index)
                said |= await to_thread.run_sync(partial(self._recording.ended, ended, complete=True))
        except DiscloseError as error:
            self._stop(error)
        return said

    def _fed(self, step: Step) -> None:
        text = self._texts.get(step.index)
        if text is None:
            return
        if step.text is None:
            self._complain("a piece of its text is no text")
            metrics.skipped(_DOOR, MEDIA_TYPE, "unreadable")
            self._texts[step.index] = None
        else:
            text.feed(step.text)
