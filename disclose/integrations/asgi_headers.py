"""Headers: the ASGI vocabulary, and what has to change in headers when a body changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import lru_cache
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

# Statements about the exact bytes of a body, which are wrong as soon as one byte differs (RFC 9530, RFC 2616).
_DIGESTS = (b"content-md5", b"digest", b"content-digest", b"repr-digest")
CONDITIONAL = (b"if-none-match", b"if-match")
EXPOSE = b"access-control-expose-headers"
_ACCEPTED = re.compile(r"([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,7})\s*(?:;\s*q=([01](?:\.\d{0,3})?))?")
_ENTITY_TAG = re.compile(rb'(?:W/)?"[^"]*"')
_OUR_SUFFIX = re.compile(rb'-aid[0-9a-f]{8}(?:-([A-Za-z-]+))?(?="$)')


def headers_of(message: Message) -> Headers:
    """Return a copy of the headers of *message* (or of a request's scope) with names in lower case."""
    return [(name.lower(), value) for name, value in message.get("headers", ())]


def value_of(headers: Headers, name: bytes) -> bytes | None:
    """Return the value of *name*, joined as RFC 9110 joins repeated headers, or None where it is absent."""
    found = [value for other, value in headers if other == name]
    return b", ".join(found) if found else None


def without(headers: Headers, names: Iterable[bytes]) -> Headers:
    """Return *headers* without those called *names*."""
    unwanted = frozenset(names)
    return [header for header in headers if header[0] not in unwanted]


def exposed(headers: Headers, *names: bytes) -> Headers:
    """Return *headers* under which a script of another origin may read *names* too (Fetch standard, 3.2.3).

    What the application exposes itself stays as it is.
    """
    known = {name.strip().lower() for name in (value_of(headers, EXPOSE) or b"").split(b",")}
    missing = [name for name in names if name not in known]
    return [*headers, (EXPOSE, b", ".join(missing))] if missing else headers


def varying(headers: Headers, name: bytes) -> Headers:
    """Return *headers* that tell caches that the response depends on the request header *name*."""
    known = {one.strip().lower() for one in (value_of(headers, b"vary") or b"").split(b",")}
    return headers if known & {name, b"*"} else [*headers, (b"vary", name)]


def languages_of(scope: Scope) -> list[str]:
    """Return the languages that the reader accepts, most wanted first (RFC 9110, section 12.5.4).

    >>> languages_of({"headers": [(b"accept-language", b"en;q=0.5, de-AT, *;q=0.1, fr;q=0")]})
    ['de-AT', 'en']
    """
    ranked: list[tuple[float, str]] = []
    for one in (value_of(headers_of(scope), b"accept-language") or b"").decode("latin-1").split(","):
        found = _ACCEPTED.fullmatch(one.strip())
        if found is not None and (weight := float(found[2] or 1)) > 0:
            ranked.append((weight, found[1]))
    return [tag for _, tag in sorted(ranked, key=lambda item: -item[0])]


def content_type_of(headers: Headers) -> str:
    """Return the media type that *headers* declare, in lower case and without parameters; empty where none."""
    return media_type(value_of(headers, b"content-type") or b"")


@lru_cache(maxsize=256)
def media_type(declared: bytes) -> str:
    """Return the media type in the value *declared* of a Content-Type, in lower case and without parameters."""
    return declared.split(b";")[0].split(b",")[0].strip().lower().decode("latin-1")


def is_json(content_type: str) -> bool:
    """Whether *content_type* is JSON (RFC 6839, section 3.1, and RFC 8259).

    >>> is_json("application/problem+json"), is_json("application/json-seq")
    (True, False)
    """
    return content_type == "application/json" or content_type.endswith("+json")


def is_encoded(headers: Headers) -> bool:
    """Whether the body is compressed or otherwise encoded, so that its bytes are not those of the content."""
    return (value_of(headers, b"content-encoding") or b"").strip().lower() not in (b"", b"identity")


def tag_of(content: bytes) -> bytes:
    """Return what distinguishes one change to a body from another, for the end of its entity tag."""
    return hashlib.sha256(content).hexdigest()[:8].encode()


def rewritten(headers: Headers, *, length: int | None, tag: bytes | None) -> Headers:
    """Return *headers* as they fit a changed body of *length* bytes, whose entity tag ends in *tag*.

    None stands for what cannot be known, as in the answer to HEAD: that header is left out.
    """
    etag = value_of(headers, b"etag")
    kept = without(headers, (*_DIGESTS, b"content-length", b"content-range", b"accept-ranges", b"etag"))
    if length is not None:
        kept.append((b"content-length", str(length).encode()))
    if etag is not None and tag is not None and etag.endswith(b'"'):
        kept.append((b"etag", etag[:-1] + b"-aid" + tag + b'"'))
    return kept


def original_tags(headers: Headers, language: str | None = None) -> tuple[Headers, dict[bytes, bytes]]:
    """Return request *headers* that name entity tags as the application knows them, and how the client knows them.

    The client repeats the tags we gave it; without this nothing would ever be "not modified" again. The tag of a page
    ends in the language of its notice: it stays as it is, and fits nothing, when its reader asks for another by now.
    """
    known: dict[bytes, bytes] = {}

    def restore(found: re.Match[bytes]) -> bytes:
        given = found.group()
        ours = _OUR_SUFFIX.search(given)
        if ours is None or (ours[1] is not None and language is not None and ours[1] != language.encode()):
            return given
        original = given[: ours.start()] + b'"'
        known[original] = given
        return original

    restored = [(name, _ENTITY_TAG.sub(restore, value) if name in CONDITIONAL else value) for name, value in headers]
    return restored, known


def tagged_again(headers: Headers, known: dict[bytes, bytes]) -> Headers:
    """Return the headers of a 304 with the entity tag under which the client *knows* the body."""
    return [(name, known.get(value, value) if name == b"etag" else value) for name, value in headers]
