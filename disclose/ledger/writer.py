"""Group commit: many callers, one thread that writes, and each caller released when its batch is on disk."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from disclose.errors import LedgerError

_log = logging.getLogger(__name__)
_LARGEST_BATCH = 512

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Commits items in batches with *commit*, and calls *settle* within *seconds* of the last of them.

    *commit* makes its items durable, all or none, and returns a result for each. The thread ends where nothing is left
    to do, and begins anew with the next item: a program may open many ledgers.
    """

    def __init__(
        self, commit: Callable[[list[Item]], list[Result]], settle: Callable[[], None], *, seconds: float = 1.0
    ) -> None:
        self._commit = commit
        self._settle = settle
        self._seconds = seconds
        self._waiting: queue.SimpleQueue[tuple[Item, Future[Result]] | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._process = os.getpid()

    def submit(self, item: Item) -> Result:
        """Return the result of *item* once it is durable; raises what *commit* raised for its batch."""
        if self._process != os.getpid():
            raise LedgerError("cannot append: the ledger was opened before this process was forked; open it here")
        answer: Future[Result] = Future()
        with self._starting:
            if self._is_closed:
                raise LedgerError("cannot append: the ledger was closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="disclose ledger", daemon=True)
                self._thread.start()
            self._waiting.put((item, answer))
        return answer.result()

    def close(self) -> None:
        """Commit what waits, settle, and stop the thread."""
        with self._starting:
            self._is_closed = True
            thread = self._thread if self._process == os.getpid() else None
            if thread is not None:
                self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        due: float | None = None
        while True:
            batch, is_last = self._batch(None if due is None else max(0.0, due - time.monotonic()))
            if batch:
                self._write(batch)
                due = due if due is not None else time.monotonic() + self._seconds
            if due is not None and (is_last or time.monotonic() >= due):
                due = None
                self._settled()
            if is_last or (due is None and self._is_done()):
                return

    def _is_done(self) -> bool:
        """Whether nothing waits, so that the next item begins another thread."""
        with self._starting:
            if not self._waiting.empty():
                return False
            self._thread = None
            return True

    def _batch(self, timeout: float | None) -> tuple[list[tuple[Item, Future[Result]]], bool]:
        """Return what waits, at least one item unless *timeout* seconds went by, and whether it was the last."""
        found: list[tuple[Item, Future[Result]]] = []
        try:
            while len(found) < _LARGEST_BATCH:
                item = self._waiting.get_nowait() if found else self._waiting.get(timeout=timeout)
                if item is None:
                    return found, True
                found.append(item)
        except queue.Empty:
            pass
        return found, False

    def _write(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        try:
            results = self._commit([item for item, _ in batch])
        except BaseException as error:
            for _, answer in batch:
                answer.set_exception(_again(error))
            return
        for (_, answer), result in zip(batch, results, strict=True):
            answer.set_result(result)

    def _settled(self) -> None:
        try:
            self._settle()
        except Exception as error:
            # What is appended is safe; its place in the tree is given by whoever comes next.
            _log.warning("entries of the ledger wait for their places: %s", error)


def _again(error: BaseException) -> BaseException:
    """Return an error of its own for each caller: one object raised in many threads would mix up their tracebacks."""
    if isinstance(error, LedgerError):
        own = LedgerError(*error.args)
        own.__cause__ = error
        return own
    return error
