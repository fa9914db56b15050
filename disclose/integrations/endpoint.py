"""Endpoints: a function marked by the decorator leaves its response to the middleware that sends it.

A response has no bytes yet when the function returns it, and the framework makes them. So the decorator notes on the
request at hand how they are to be marked, and the middleware around the application marks them on their way.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from disclose.profile import Profile


@dataclass
class Request:
    """One request on its way through a middleware, and the ``profile`` and ``statement`` that its answer asks for.

    ``on_tag`` lets the middleware ask for a whole body, once it is known that it will be marked.
    """

    on_tag: Callable[[], None]
    profile: Profile | None = None
    statement: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_tagged(self) -> bool:
        """Whether a marked function answered it."""
        return self.profile is not None


_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar("disclose_request", default=None)


@contextmanager
def answering(on_tag: Callable[[], None]) -> Iterator[Request]:
    """Let functions called in the block leave their responses to whoever opened it."""
    request = Request(on_tag)
    token = _request.set(request)
    try:
        yield request
    finally:
        _request.reset(token)


def tag(result: object, profile: Profile, statement: Mapping[str, Any]) -> bool:
    """Return whether *result* is a response that the middleware around will mark as *profile* and *statement* say.

    It is not where no middleware is: then nothing would mark it.
    """
    request = _request.get()
    if request is None or not (hasattr(result, "status_code") and hasattr(result, "headers")):
        return False
    request.profile, request.statement = profile, statement
    request.on_tag()
    return True
