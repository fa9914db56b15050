"""The well-known document of a web application: what it says of its AI system, as JSON, or as a page for browsers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from disclose.about import WELL_KNOWN, about, to_html

if TYPE_CHECKING:
    from disclose.integrations.asgi_headers import Scope, Send
    from disclose.notice.session import Exemption
    from disclose.profile import Profile


def is_asked_for(scope: Scope) -> bool:
    """Whether *scope* asks for the document, which lies at the root of an origin (RFC 8615) and nowhere else."""
    return scope["path"] == WELL_KNOWN and scope["method"] in ("GET", "HEAD") and not scope.get("root_path")


async def answer(
    scope: Scope,
    send: Send,
    profile: Profile | None,
    statement: dict[str, Any],
    exemption: Exemption | None = None,
) -> None:
    """Send the document of *profile*, by default that of the environment, completed by *statement*."""
    document = await to_thread.run_sync(_document, profile, statement, exemption)
    for_people = any(b"text/html" in value for name, value in scope["headers"] if name == b"accept")
    body = (to_html(document) if for_people else json.dumps(document, ensure_ascii=False)).encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8" if for_people else b"application/json"),
        (b"vary", b"accept"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"max-age=300"),
        (b"access-control-allow-origin", b"*"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _document(profile: Profile | None, statement: dict[str, Any], exemption: Exemption | None) -> dict[str, Any]:
    # Here and not above: a middleware that is never asked needs no profile.
    from disclose.profile import default_profile

    return about(default_profile() if profile is None else profile, exemption=exemption, **statement)
