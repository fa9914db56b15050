"""Manifests beside bodies: where the C2PA manifest of a response lies whose format holds none, and how it is found.

Where the manifest is in the body itself nothing is linked: who has the body has the manifest.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from anyio import to_thread

from disclose.about import WELL_KNOWN
from disclose.asset import SIDECAR
from disclose.errors import InputError, MarkingError
from disclose.integrations.asgi_headers import Scope, Send
from disclose.media import files

FOLDER = "manifests"
"""The folder of the manifests in that of a profile."""
_PLACE = WELL_KNOWN + "/manifests/"
_NAME = re.compile(r"[0-9a-f]{64}\.c2pa")


class Manifests:
    """The manifests in *folder*, by the SHA-256 of the body beside which each stands; all processes share them."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def link(self, scope: Scope, body: bytes, manifest: bytes) -> tuple[bytes, bytes]:
        """Keep *manifest* and return the header that leads from *body* to it (C2PA 2.2, 11.4, by RFC 8288)."""
        name = hashlib.sha256(body).hexdigest() + SIDECAR
        folder = self._folder()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MarkingError(f"cannot keep the manifest of a response in {folder}: {error.strerror}") from error
        files.write(folder / name, manifest)
        address = scope.get("root_path", "") + _PLACE + name
        return b"link", f'<{quote(address)}>; rel="c2pa-manifest"'.encode()

    def is_asked_for(self, scope: Scope) -> bool:
        """Whether *scope* asks for a manifest."""
        return scope["method"] in ("GET", "HEAD") and self._name(scope) is not None

    async def answer(self, scope: Scope, send: Send) -> None:
        """Send the manifest that *scope* asks for, or 404."""
        name = self._name(scope)
        assert name is not None
        try:
            manifest, status = await to_thread.run_sync(files.read, self._folder() / name), 200
        except InputError:
            manifest, status = b"", 404
        headers = [
            (b"content-type", b"application/c2pa" if status == 200 else b"text/plain"),
            (b"content-length", str(len(manifest)).encode()),
            (b"access-control-allow-origin", b"*"),
            # The same body may be signed anew.
            (b"cache-control", b"no-cache" if status == 200 else b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else manifest})

    def _name(self, scope: Scope) -> str | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        name = path.removeprefix(_PLACE)
        return name if name != path and _NAME.fullmatch(name) else None
