"""A time limit for work that cannot be interrupted: a key service or an authority that never answers."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_Result = TypeVar("_Result")


def within(seconds: float, do: Callable[[], _Result]) -> _Result:
    """Return what *do* returns; raise what it raises, or TimeoutError when *seconds* have passed.

    What is late goes on in a thread of its own, unheard; nothing can stop it.
    """
    attempt = _Attempt(do)
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(attempt.run,), daemon=True, name="disclose signing").start()
    return attempt.result(seconds)


class _Attempt(Generic[_Result]):
    def __init__(self, do: Callable[[], _Result]) -> None:
        self._do = do
        self._done = threading.Event()
        self._results: list[_Result] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._results.append(self._do())
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()

    def result(self, seconds: float) -> _Result:
        if not self._done.wait(seconds):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._results[0]
