"""Soft-binding resolution: from a watermark to the manifest that a file has lost.

The C2PA Soft Binding Resolution API 1.1.0 (C2PA 2.4, Decoupled Lookup of Manifests), but for regions of a file.

The manifest that comes back is *recovered*: it was made for other bytes, so its hard binding does not hold for the file
at hand, and nothing here says that it is intact. What ties the two is the watermark alone.

A signed manifest cannot be redacted, so one that may name a person is not given out at all (California BPC 22757.2),
unless its record says that it may be. Of what the content was made from, others wrote the manifests.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import anyio
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from disclose.detector.rates import limited_client
from disclose.detector.redaction import redacted
from disclose.detector.reference import Reference
from disclose.detector.resolution_description import LONGEST, MANIFEST_TYPE, MOST, USUAL
from disclose.disclosure import Identifier
from disclose.errors import LedgerError

if TYPE_CHECKING:
    from starlette.requests import Request

    from disclose.detector.service import Service
    from disclose.detector.uploads import Upload
    from disclose.ledger.manifests import Kept, Manifests

WATERMARK = "io.github.disclose-ai.image.1"
_FEWEST_BITS = 32
"""A shorter identifier would have whoever asks read much of the ledger through."""
_NO_OBJECT = "the request is an object in JSON, as /openapi.json describes it"
_OFF = "this detector keeps no manifests; the verdict of POST /v1/verify names the record in its ledger"


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the resolution API over *service*."""

    async def by_binding(request: Request) -> Response:
        given = await _given(request, service.settings.upload_seconds)
        value = _decoded(given.get("value", ""))
        alg = given.get("alg", "")
        if not alg or len(alg) > LONGEST:
            raise HTTPException(400, "alg names the algorithm of the soft binding, as on C2PA's list")
        return JSONResponse(await _matches(alg, value, _limit(given.get("maxResults"))))

    async def by_content(request: Request) -> Response:
        asked = _Asked.of(request)
        async with service.uploads.received(request) as sent:
            if len(sent.files) != 1 or not sent.files[0].data:
                raise HTTPException(400, "a request brings one file that is not empty")
            return JSONResponse(await _matching(asked, sent.files[0]))

    async def by_reference(request: Request) -> Response:
        asked = _Asked.of(request)
        _require_manifests()
        reference = Reference.of(await _json(request, service.settings.upload_seconds))
        upload = await service.referenced(reference.url, length=reference.length, client=limited_client(request))
        if not upload.data:
            raise HTTPException(415, "there is an empty file at the address")
        return JSONResponse(await _matching(asked, upload, media_type=reference.media_type))

    async def manifest(request: Request) -> Response:
        only_active = _yes_or_no(request.query_params.get("returnActiveManifest", "false"))
        _require_manifests()
        label = request.path_params["manifestId"]
        # What is no text of a label is kept nowhere; PostgreSQL would not even be asked for a zero.
        is_label = len(label) <= LONGEST and label.isprintable()
        found = await _looked_up(lambda: _manifests().find(label)) if is_label else None
        if found is None:
            raise HTTPException(404, "no manifest is kept under this identifier")
        # Whoever reads it is to know that it was found by a soft binding and vouches for no bytes at hand.
        headers = {"Disclose-Binding": "recovered"}
        return Response(_given_out(found, only_active=only_active), headers=headers, media_type=MANIFEST_TYPE)

    async def supported(request: Request) -> Response:
        known = [{"alg": WATERMARK}] if service.settings.manifests else []
        return JSONResponse({"watermarks": known, "fingerprints": []})

    def _require_manifests() -> None:
        if not service.settings.manifests:
            raise HTTPException(404, _OFF)

    def _manifests() -> Manifests:
        # Here and not above: SQLAlchemy takes longer to import than all of this.
        from disclose.ledger.manifests import Manifests

        return Manifests(service.profile.ledger())

    async def _matching(asked: _Asked, upload: Upload, *, media_type: str | None = None) -> dict[str, Any]:
        """Return the manifests that the marks in *upload* lead to, and the hint that came beside it."""
        found = await service.examine(upload, media_type=media_type)
        if "error" in found:
            raise HTTPException(415, found["error"])
        bindings = [(asked.alg, mark) for mark in _marks(found["evidence"])]
        matches = [
            match for one in (*bindings, *asked.hints) for match in (await _matches(*one, asked.limit))["matches"]
        ]
        return {"matches": list({match["manifestId"]: match for match in matches}.values())[: asked.limit]}

    async def _matches(alg: str, value: str, limit: int) -> dict[str, Any]:
        _require_manifests()
        is_long = _bits(value) >= _FEWEST_BITS
        found = await _looked_up(lambda: _manifests().bound(alg=alg, value=value, limit=limit)) if is_long else []
        return {"matches": [{"manifestId": one, "similarityScore": 100, "recovered": True} for one in found]}

    return [
        Route("/matches/byBinding", by_binding, methods=["GET", "POST"]),
        Route("/matches/byContent", by_content, methods=["POST"]),
        Route("/matches/byReference", by_reference, methods=["POST"]),
        # A C2PA URN may hold a slash.
        Route("/manifests/{manifestId:path}", manifest),
        Route("/services/supportedAlgorithms", supported),
    ]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a query about a file says besides: the algorithm, soft bindings known already, and how many results."""

    alg: str
    hints: tuple[tuple[str, str], ...]
    limit: int

    @classmethod
    def of(cls, request: Request) -> Self:
        given = request.query_params
        alg, value = given.get("hintAlg"), given.get("hintValue")
        return cls(
            alg=given.get("alg", WATERMARK),
            hints=((alg, _decoded(value)),) if alg and value else (),
            limit=_limit(given.get("maxResults")),
        )


def _marks(evidence: list[dict[str, Any]]) -> list[str]:
    """Return the identifiers of the watermarks in *evidence*, but for one that was copied from another picture."""
    compared = [one for one in evidence if one["layer"] == "fingerprint"]
    fitting = {one["id"] for one in compared if one["integrity"] != "broken"}
    copied = {one["id"] for one in compared} - fitting
    return [
        one["id"] for one in evidence if one["layer"] == "image_watermark" and one["id"] and one["id"] not in copied
    ]


def _given_out(found: Kept, *, only_active: bool) -> bytes:
    """Return the store of *found*, or its active manifest alone; raises HTTPException where it may name a person."""
    from disclose.ledger import manifests

    said = found.disclosure.to_dict()
    if not found.disclosure.public and redacted(said) != said:
        raise HTTPException(403, "this manifest may name a person, and its record does not say that it is public")
    if only_active:
        return manifests.only_active(found.store)
    if not found.disclosure.public and not manifests.is_single(found.store):
        raise HTTPException(
            403,
            "this manifest store holds what others signed, who may name persons: ask with returnActiveManifest=true",
        )
    return found.store


_Found = TypeVar("_Found")


async def _looked_up(look: Callable[[], _Found]) -> _Found:
    """Return what *look* finds in the ledger; raises HTTPException while that cannot be used."""
    try:
        return await to_thread.run_sync(look)
    except LedgerError:
        # Without its cause, which quotes what was asked for.
        raise HTTPException(503, "the ledger cannot be used at the moment", {"Retry-After": "5"}) from None


def _bits(value: str) -> int:
    """Return how many bits of an identifier *value* states; none where it states another thing."""
    try:
        return Identifier.parse(value).length
    except ValueError:
        return 0


async def _given(request: Request, seconds: float) -> dict[str, str]:
    """Return the query; long values come as the JSON of a POST instead, within *seconds*."""
    if request.method != "POST":
        return dict(request.query_params)
    values = await _json(request, seconds)
    return {
        **dict(request.query_params),
        **{name: str(values[name]) for name in ("alg", "value") if name in values},
    }


async def _json(request: Request, seconds: float) -> dict[str, Any]:
    """Return the object in JSON that *request* brings within *seconds*."""
    try:
        with anyio.fail_after(seconds):
            values = json.loads(await _body(request))
    except TimeoutError as error:
        raise HTTPException(408, "the upload took too long") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the upload broke off") from error
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, _NO_OBJECT) from error
    if not isinstance(values, dict):
        raise HTTPException(400, _NO_OBJECT)
    return values


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > 8 * LONGEST:
            raise HTTPException(413, f"the request is longer than {8 * LONGEST} bytes")
    return bytes(body)


def _decoded(text: str) -> str:
    """Return the value of a soft binding, which comes as base64, as manifests state it."""
    try:
        value = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "value is the soft binding in base64") from error
    if not value or len(value) > LONGEST:
        raise HTTPException(400, "value is the soft binding in base64")
    return value


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise HTTPException(400, "returnActiveManifest is true or false")
    return text == "true"


def _limit(text: str | None) -> int:
    if text is None:
        return USUAL
    if not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1):
        raise HTTPException(400, "maxResults is a whole number from 1 on")
    return min(int(text[:9]), MOST)
