"""Serving: the application under uvicorn, with settings handed to its processes and slow senders cut off."""

from __future__ import annotations

import json
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
        "timeout_keep_alive": _IDLE_SECONDS,
        "timeout_graceful_shutdown": 30,
    }


def from_environment() -> Starlette:
    """Return the application that :func:`serve` was asked for, in one of its processes."""
    return app(settings=Settings.from_dict(json.loads(os.environ[_VARIABLE])))


class PromptHeaders(H11Protocol):
    """Closes a connection whose request does not come to its body in time: uvicorn waits for headers for ever."""

    _patience: TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take *data*, and wait on while the headers are not whole."""
        super().data_received(data)
        if self.conn.their_state is h11.IDLE:
            if self._patience is None:
                self._wait()
        else:
            self._stop_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(_HEADER_SECONDS, self._close)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _close(self) -> None:
        self._patience = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()
