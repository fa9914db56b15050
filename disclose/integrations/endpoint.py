"""Endpoints: a function marked by the decorator leaves its response to the middleware that sends it.

A response has no bytes yet when the function returns it, and the framework makes them. So the decorator notes on the
request at hand how they are to be marked, and the middleware around the application marks them on their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Any, Protocol
from weakref import ReferenceType, ref

if TYPE_CHECKING:
    from disclose.duty import Use
    from disclose.profile import Profile


class Request(Protocol):
    """One request on its way through a middleware that can mark the answer."""

    def tag(self, profile: Profile, statement: Mapping[str, Any], use: Use) -> None:
        """Mark the answer as *profile* and *statement* say; the duty of a text goes by *use*."""
        ...


is_expected = False
"""Whether any function is decorated; until then no request needs to be noted."""
# A reference that keeps nothing alive: contexts are copied into timers of the event loop and into tasks that outlast
# the request, and each of them would hold on to all of it (5 % of a server's throughput).
_noted: ContextVar[ReferenceType[Request] | None] = ContextVar("disclose_request", default=None)


def expect() -> None:
    """Have requests noted from now on: there is a function that may be asked to answer them."""
    global is_expected
    is_expected = True


def note(request: Request | None) -> Token[ReferenceType[Request] | None]:
    """Let the code at hand answer *request*, until :func:`forget` is given what this returns."""
    return _noted.set(None if request is None else ref(request))


def forget(token: Token[ReferenceType[Request] | None]) -> None:
    """Undo what :func:`note` did."""
    _noted.reset(token)


def current() -> Request | None:
    """Return the request that the code at hand answers, where a middleware stands around it that has not answered."""
    noted = _noted.get()
    return None if noted is None else noted()


def tag(result: object, profile: Profile, statement: Mapping[str, Any], use: Use) -> bool:
    """Return whether *result* is a response that the middleware around will mark as *profile* and *statement* say.

    It is not where no middleware is: then nothing would mark it.
    """
    request = current()
    if request is None or not (hasattr(result, "status_code") and hasattr(result, "headers")):
        return False
    request.tag(profile, statement, use)
    return True
