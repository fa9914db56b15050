"""The pool: files are examined in processes of their own, and one that dies or dawdles is replaced.

Only bytes and JSON cross the pipe: to unpickle what comes out of a process that parses hostile files would hand this
one to whoever took over that one.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from disclose.detector import examiner
from disclose.errors import DiscloseError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from disclose.profile import Profile

_log = logging.getLogger(__name__)
_START_SECONDS = 120.0
_starting = threading.Lock()
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class ExaminationFailedError(DiscloseError):
    """The process that examined a file died or took too long; the file is to blame, and nothing else is harmed."""


class Pool:
    """As many as *processes* examiners of *profile*, started when first needed; ``examine`` may be called by threads.

    A file costs at most *seconds*, on the clock and on the processors alike.
    """

    def __init__(self, profile: Profile, *, processes: int, seconds: float) -> None:
        self._profile = {name: value for name, value in profile.values().items() if value is not None}
        self._seconds = seconds
        self._idle: queue.SimpleQueue[_Examiner | None] = queue.SimpleQueue()
        self._all: set[_Examiner] = set()
        self._lock = threading.Lock()
        self.replaced = 0
        for _ in range(processes):
            self._idle.put(None)

    def examine(self, data: bytes, **wanted: Any) -> dict[str, Any]:
        """Return what an examiner says of *data*; raises ExaminationFailedError when it dies or takes too long."""
        one = self._idle.get()
        try:
            one = one or self._started()
            return one.ask(data, wanted, self._seconds)
        except (EOFError, OSError, TimeoutError) as error:
            if one is not None:
                self._stop(one)
                one = None
            self.replaced += 1
            _log.warning("an examiner was replaced: %s", type(error).__name__)
            raise ExaminationFailedError(
                f"the file could not be examined within {self._seconds:g} seconds and the memory there is for one"
            ) from error
        finally:
            self._idle.put(one)

    def warm(self) -> None:
        """Start every examiner now, rather than with the first files."""
        held = [self._idle.get() for _ in range(self._idle.qsize())]
        for one in held:
            self._idle.put(one or self._started())

    def close(self) -> None:
        """Stop all examiners; what they hold is gone with them. The next file starts new ones."""
        for _ in range(self._idle.qsize()):
            self._idle.get()
            self._idle.put(None)
        with self._lock:
            running = list(self._all)
        for one in running:
            self._stop(one)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _started(self) -> _Examiner:
        one = _Examiner(self._profile, self._seconds)
        with self._lock:
            self._all.add(one)
        return one

    def _stop(self, one: _Examiner) -> None:
        with self._lock:
            self._all.discard(one)
        one.stop()


class _Examiner:
    """One process and the pipe to it."""

    def __init__(self, profile: Mapping[str, Any], seconds: float) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=examiner.run, args=(theirs, dict(profile), seconds), daemon=True)
        with _one_thread_of_linear_algebra():
            self._process.start()
        theirs.close()
        _received(self._pipe, _START_SECONDS)

    def ask(self, data: bytes, wanted: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        self._pipe.send_bytes(json.dumps(wanted).encode())
        self._pipe.send_bytes(data)
        found: dict[str, Any] = json.loads(_received(self._pipe, seconds))
        return found

    def stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


@contextmanager
def _one_thread_of_linear_algebra() -> Iterator[None]:
    """Have a process that is started within keep to one thread: there is one such process for each processor.

    Several would wait for each other by spinning, and a search for a mark took ten times the CPU. The library reads
    this when it is loaded, before any of our code runs there.
    """
    with _starting:
        former = {name: os.environ[name] for name in _THREADS if name in os.environ}
        os.environ.update(dict.fromkeys(_THREADS, "1"))
        try:
            yield
        finally:
            for name in _THREADS:
                del os.environ[name]
            os.environ.update(former)


def _received(pipe: Connection, seconds: float) -> bytes:
    if not pipe.poll(seconds):
        raise TimeoutError
    return pipe.recv_bytes(64 << 20)
