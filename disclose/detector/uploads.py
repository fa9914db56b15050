"""Uploads: read what a request brings, within limits of size and time, into memory and nowhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import FormParser, MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

if TYPE_CHECKING:
    from disclose.detector.settings import Settings

_LONGEST_NAME = 255
_FIELDS = 20
_ENVELOPE = 1 << 16
"""Bytes that names and boundaries may add to the files in a form."""
_SHORT = {"application/json": 1 << 16, "application/x-www-form-urlencoded": 1 << 16}
"""Bytes of what holds an address and no file: parsed as a whole, 60 MB of brackets took half a minute."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file that came with a request."""

    name: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What a request brings: files, the address of one, and the other fields of its form."""

    files: tuple[Upload, ...] = ()
    url: str | None = None
    fields: frozenset[str] = frozenset()


class Uploads:
    """Reads requests within *settings*; all that are read at one time share its memory, of which ``held`` is taken."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.held = 0

    @asynccontextmanager
    async def received(self, request: Request) -> AsyncIterator[Sent]:
        """Give what *request* brings; it is let go of when the block ends.

        Raises HTTPException: 400 for what is malformed, 408 for what comes too slowly, 413 for what is too large, 415
        for what comes compressed and 503 when there is no memory left for now.
        """
        coding = request.headers.get("content-encoding", "identity").strip().lower()
        if coding != "identity":
            raise HTTPException(415, f"the request is compressed ({coding[:20]}): send the file as it is")
        taken = _Taken()
        try:
            with anyio.fail_after(self._settings.upload_seconds):
                sent = await self._read(request, self._metered(request, taken))
            yield sent
        except TimeoutError as error:
            raise HTTPException(408, "the upload took too long") from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the upload broke off") from error
        finally:
            self.held -= taken.bytes

    async def _read(self, request: Request, stream: AsyncGenerator[bytes, None]) -> Sent:
        kind = _kind(request)
        if kind == "multipart/form-data":
            return await _form(_InMemory(request.headers, stream, self._settings.files, self._settings.largest))
        if kind == "application/x-www-form-urlencoded":
            return await _form(FormParser(request.headers, stream))
        data = b"".join([piece async for piece in stream])
        if len(data) > self._settings.largest:
            raise self._too_large(self._settings.largest)
        return Sent(url=_url(data)) if kind == "application/json" else Sent(files=(Upload(name="", data=data),))

    async def _metered(self, request: Request, taken: _Taken) -> AsyncGenerator[bytes, None]:
        limit = self._settings.largest + _ENVELOPE
        limit = min(limit, _SHORT.get(_kind(request), limit))
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > limit:
            raise self._too_large(limit)
        async for piece in request.stream():
            taken.bytes += len(piece)
            self.held += len(piece)
            if taken.bytes > limit:
                raise self._too_large(limit)
            if self.held > self._settings.memory:
                raise HTTPException(503, "there are too many uploads at the moment", {"Retry-After": "5"})
            yield piece

    def _too_large(self, limit: int) -> HTTPException:
        if limit < self._settings.largest:
            return HTTPException(413, f"a request that brings an address and no file may have {limit >> 10} KB")
        return HTTPException(413, f"a request may bring {self._settings.largest >> 20} MB")


@dataclass
class _Taken:
    bytes: int = 0


class _InMemory(MultiPartParser):
    """Starlette's parser, whose files would go to the disk from one megabyte."""

    def __init__(self, headers: Headers, stream: AsyncGenerator[bytes, None], files: int, largest: int) -> None:
        super().__init__(headers, stream, max_files=files, max_fields=_FIELDS, max_part_size=_ENVELOPE)
        self.spool_max_size = largest + 2 * _ENVELOPE


async def _form(parser: MultiPartParser | FormParser) -> Sent:
    try:
        form = await parser.parse()
    except HTTPException:
        raise
    except (MultiPartException, ValueError, KeyError) as error:
        raise HTTPException(400, "the form is malformed") from error
    files = []
    try:
        for name, value in form.multi_items():
            if name == "file" and isinstance(value, UploadFile):
                data = await value.read()
                # A browser sends an empty file without a name where none was chosen.
                if data or value.filename:
                    files.append(Upload(name=_plain(value.filename or ""), data=data))
        url = form.get("url")
        words = frozenset(name for name, value in form.multi_items() if isinstance(value, str) and value)
        address = url.strip() if isinstance(url, str) else ""
        return Sent(files=tuple(files), url=address or None, fields=words)
    finally:
        await form.close()


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _url(data: bytes) -> str:
    try:
        url = json.loads(data)["url"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise HTTPException(400, 'a JSON request is {"url": "https://…"}; send a JSON file in a form') from error
    if not isinstance(url, str):
        raise HTTPException(400, "url has to be text")
    return url


def _plain(name: str) -> str:
    return "".join(one if one.isprintable() else "�" for one in name)[:_LONGEST_NAME]
