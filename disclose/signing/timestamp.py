"""Time-stamps: which authorities (RFC 3161) may be asked, and how they are named in messages."""

from __future__ import annotations

from urllib.parse import urlsplit

from disclose.errors import IdentityError


def checked_url(url: str) -> str:
    """Return the *url* of a time-stamping authority; raises IdentityError for what cannot be asked for a stamp."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise IdentityError(f"the time-stamping authority's URL cannot be read: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise IdentityError(
            f"the time-stamping authority {shown(url)!r} cannot be asked: use a URL with http:// or https:// and a host"
        )
    if parts.username is not None or parts.password is not None:
        raise IdentityError(
            f"the URL of the time-stamping authority {shown(url)} holds a user name or password, which would land in"
            " logs: use an authority that needs none, or a proxy of yours that adds them"
        )
    return url


def shown(url: str) -> str:
    """Return *url* for a message: scheme, host and path, without a password or a query that could be a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def host_of(url: str) -> str:
    """Return the host of *url*, the only one that may be spoken to while signing."""
    return urlsplit(url).hostname or ""
