"""WSGI environments: the request they describe as an ASGI scope, and back again."""

from __future__ import annotations

from typing import Any

from disclose.integrations.asgi_headers import Scope

Environ = dict[str, Any]


def scope_of(environ: Environ) -> Scope:
    """Return the ASGI scope of the request that *environ* describes."""
    root = environ.get("SCRIPT_NAME", "").encode("latin-1").decode(errors="replace")
    path = environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": environ.get("SERVER_PROTOCOL", "HTTP/1.1").removeprefix("HTTP/"),
        "method": environ["REQUEST_METHOD"],
        "scheme": environ.get("wsgi.url_scheme", "http"),
        "path": root + path,
        "raw_path": (environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")).encode("latin-1"),
        "query_string": environ.get("QUERY_STRING", "").encode("latin-1"),
        "root_path": root,
        "headers": [
            (_header_name(key), value.encode("latin-1"))
            for key, value in environ.items()
            if _is_header(key) and isinstance(value, str) and value
        ],
        "client": (environ.get("REMOTE_ADDR", ""), 0),
        "server": (environ.get("SERVER_NAME", ""), int(environ.get("SERVER_PORT") or 0)),
        "extensions": {},
    }


def environ_of(scope: Scope, environ: Environ) -> Environ:
    """Return *environ* with the request headers of *scope*, which may ask for something else than the client does."""
    asked: dict[bytes, str] = {name: value.decode("latin-1") for name, value in scope["headers"]}
    given = {key: value for key, value in environ.items() if _is_header(key) and isinstance(value, str) and value}
    wanted = {key: asked[name] for key in given if (name := _header_name(key)) in asked}
    if wanted == given:
        return environ
    return {key: value for key, value in environ.items() if key not in given} | wanted


def _is_header(key: str) -> bool:
    return key.startswith("HTTP_") or key in ("CONTENT_TYPE", "CONTENT_LENGTH")


def _header_name(key: str) -> bytes:
    return key.removeprefix("HTTP_").replace("_", "-").lower().encode("latin-1")
