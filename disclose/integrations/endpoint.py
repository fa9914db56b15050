"""Endpoints: a function marked by the decorator leaves its response to the middleware that sends it.

A response has no bytes yet when the function returns it, and the framework makes them. So the decorator notes on the
request at hand how they are to be marked, and the middleware around the application marks them on their way.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from disclose.profile import Profile


class Request(Protocol):
    """One request on its way through a middleware that can mark the answer."""

    def tag(self, profile: Profile, statement: Mapping[str, Any]) -> None:
        """Mark the answer as *profile* and *statement* say."""
        ...


current: ContextVar[Request | None] = ContextVar("disclose_request", default=None)
"""The request that the code at hand answers, where a middleware stands around it."""


def tag(result: object, profile: Profile, statement: Mapping[str, Any]) -> bool:
    """Return whether *result* is a response that the middleware around will mark as *profile* and *statement* say.

    It is not where no middleware is: then nothing would mark it.
    """
    request = current.get()
    if request is None or not (hasattr(result, "status_code") and hasattr(result, "headers")):
        return False
    request.tag(profile, statement)
    return True
