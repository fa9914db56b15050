"""Serving: the application under uvicorn, with settings handed to its processes and slow senders cut off."""

from __future__ import annotations

import json
import logging
import os
from asyncio import TimerHandle
from typing import TYPE_CHECKING, Any

from disclose.detector.application import app
from disclose.detector.settings import Settings
from disclose.errors import extra

with extra("serve"):
    import h11
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.applications import Starlette

# Not one that begins with DISCLOSE_: those are settings of the profile, and an unknown one is refused.
_VARIABLE = "_DISCLOSE_SERVES"
_HEADER_SECONDS = 10.0
_REST_SECONDS = 10.0
"""How long a client may go on sending what nobody reads any more: cut off at once, it would not see the answer."""
_READING_SECONDS = 60.0
"""How long a client may leave an answer unread."""
_IDLE_SECONDS = 15


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Serve the detector of the profile of the environment until the process is told to stop."""
    from disclose.profile import Profile

    # Here too, so that a setting that is wrong is one message and no process that dies and is started again.
    Profile.load()
    os.environ[_VARIABLE] = json.dumps(settings.to_dict())
    uvicorn.run("disclose.detector.serving:from_environment", factory=True, workers=workers, **options(host, port))


def options(host: str, port: int) -> dict[str, Any]:
    """Return how uvicorn serves: without a log of who asked for what."""
    return {
        "host": host,
        "port": port,
        "http": PromptHeaders,
        "ws": "none",
        "access_log": False,
        "server_header": False,
        # Where no more files can be opened, asyncio writes a record into the log for each that may wait here.
        "backlog": 128,
        "timeout_keep_alive": _IDLE_SECONDS,
        "timeout_graceful_shutdown": 30,
    }


def from_environment() -> Starlette:
    """Return the application that :func:`serve` was asked for, in one of its processes."""
    # It warns of forms with the bytes that it stumbled over, and those are a stranger's.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    return app(settings=Settings.from_dict(json.loads(os.environ[_VARIABLE])))


class PromptHeaders(H11Protocol):
    """Closes a connection that sends its headers, or reads what it asked for, too slowly: uvicorn waits for ever.

    So it does with one that goes on sending after it was answered. How long a body may take, the application says.
    """

    _patience: TimerHandle | None = None
    _unread: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take *data*, and wait on while the headers are not whole, or what was answered is not sent to its end."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            if self._patience is None:
                self._wait()
        elif not self._is_answered_too_early():
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """Wait for the rest of a request that was answered before it had come."""
        super().on_response_complete()
        if self._is_answered_too_early():
            self._stop_waiting()
            self._patience = self.loop.call_later(_REST_SECONDS, self._close)

    def pause_writing(self) -> None:
        """Begin to wait until the client reads."""
        super().pause_writing()
        self._unread = self.loop.call_later(_READING_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Stop waiting until the client reads."""
        self._stop_waiting_for_reads()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_waiting_for_reads()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(_HEADER_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _stop_waiting_for_reads(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _close(self) -> None:
        self._patience = None
        is_late = self.conn.their_state is h11.IDLE or self._is_answered_too_early()
        if is_late and not self.transport.is_closing():
            self.transport.close()

    def _is_answered_too_early(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
