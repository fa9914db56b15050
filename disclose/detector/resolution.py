"""Soft-binding resolution: from a watermark to the manifest that a file has lost.

The C2PA Soft Binding Resolution API 1.1.0 (C2PA 2.4, Decoupled Lookup of Manifests), but for its optional byReference.

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
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from disclose.detector.openapi import parameter, refused
from disclose.detector.redaction import redacted
from disclose.disclosure import Identifier
from disclose.errors import LedgerError

if TYPE_CHECKING:
    from starlette.requests import Request

    from disclose.detector.service import Service
    from disclose.ledger.manifests import Kept, Manifests

MANIFEST_TYPE = "application/c2pa"
WATERMARK = "io.github.disclose-ai.image.1"
_USUAL, _MOST, _LONGEST = 10, 100, 1000
_FEWEST_BITS = 32
"""A shorter identifier would have whoever asks read much of the ledger through."""
_OFF = "this detector keeps no manifests; the verdict of POST /v1/verify names the record in its ledger"


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the resolution API over *service*."""

    async def by_binding(request: Request) -> Response:
        given = await _given(request, service.settings.upload_seconds)
        value = _decoded(given.get("value", ""))
        alg = given.get("alg", "")
        if not alg or len(alg) > _LONGEST:
            raise HTTPException(400, "alg names the algorithm of the soft binding, as on C2PA's list")
        return JSONResponse(await _matches(alg, value, _limit(given.get("maxResults"))))

    async def by_content(request: Request) -> Response:
        limit = _limit(request.query_params.get("maxResults"))
        alg = request.query_params.get("alg", WATERMARK)
        hint = [request.query_params.get(name) for name in ("hintAlg", "hintValue")]
        async with service.uploads.received(request) as sent:
            if len(sent.files) != 1 or not sent.files[0].data:
                raise HTTPException(400, "a request brings one file that is not empty")
            found = await service.examine(sent.files[0])
        if "error" in found:
            raise HTTPException(415, found["error"])
        marks = [one["id"] for one in found["evidence"] if one["layer"] == "image_watermark" and one["id"]]
        bindings = [(alg, mark) for mark in marks]
        if hint[0] and hint[1]:
            bindings.append((hint[0], _decoded(hint[1])))
        matches = [match for binding in bindings for match in (await _matches(*binding, limit))["matches"]]
        return JSONResponse({"matches": list({match["manifestId"]: match for match in matches}.values())[:limit]})

    async def manifest(request: Request) -> Response:
        only_active = _yes_or_no(request.query_params.get("returnActiveManifest", "false"))
        _require_manifests()
        label = request.path_params["manifestId"]
        # What is no text of a label is kept nowhere; PostgreSQL would not even be asked for a zero.
        is_label = len(label) <= _LONGEST and label.isprintable()
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

    async def _matches(alg: str, value: str, limit: int) -> dict[str, Any]:
        _require_manifests()
        is_long = _bits(value) >= _FEWEST_BITS
        found = await _looked_up(lambda: _manifests().bound(alg=alg, value=value, limit=limit)) if is_long else []
        return {"matches": [{"manifestId": one, "similarityScore": 100, "recovered": True} for one in found]}

    return [
        Route("/matches/byBinding", by_binding, methods=["GET", "POST"]),
        Route("/matches/byContent", by_content, methods=["POST"]),
        # A C2PA URN may hold a slash.
        Route("/manifests/{manifestId:path}", manifest),
        Route("/services/supportedAlgorithms", supported),
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
    try:
        with anyio.fail_after(seconds):
            body = await _body(request)
    except TimeoutError as error:
        raise HTTPException(408, "the upload took too long") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the upload broke off") from error
    try:
        values = json.loads(body)
        return {
            **dict(request.query_params),
            **{name: str(values[name]) for name in ("alg", "value") if name in values},
        }
    except (ValueError, TypeError, RecursionError) as error:
        raise HTTPException(400, 'the request is {"alg": "…", "value": "…"}') from error


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > 8 * _LONGEST:
            raise HTTPException(413, "the soft binding is too long")
    return bytes(body)


def _decoded(text: str) -> str:
    """Return the value of a soft binding, which comes as base64, as manifests state it."""
    try:
        value = base64.b64decode(text, validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise HTTPException(400, "value is the soft binding in base64") from error
    if not value or len(value) > _LONGEST:
        raise HTTPException(400, "value is the soft binding in base64")
    return value


def _yes_or_no(text: str) -> bool:
    if text not in ("true", "false"):
        raise HTTPException(400, "returnActiveManifest is true or false")
    return text == "true"


def _limit(text: str | None) -> int:
    if text is None:
        return _USUAL
    if not (text.isascii() and text.isdecimal() and int(text[:9]) >= 1):
        raise HTTPException(400, "maxResults is a whole number from 1 on")
    return min(int(text[:9]), _MOST)


_ALGORITHM = {"type": "object", "required": ["alg"], "properties": {"alg": {"type": "string"}}}
SCHEMAS: dict[str, Any] = {
    "Matches": {
        "type": "object",
        "required": ["matches"],
        "properties": {
            "matches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["manifestId"],
                    "properties": {
                        "manifestId": {"type": "string"},
                        "endpoint": {"type": "string", "format": "uri"},
                        "similarityScore": {"type": "integer", "minimum": 0, "maximum": 100},
                        "recovered": {"const": True, "description": "Found by a soft binding, never intact."},
                    },
                },
            }
        },
    },
    "Algorithms": {
        "type": "object",
        "required": ["watermarks", "fingerprints"],
        "properties": {
            name: {
                "type": "array",
                "items": {"type": "object", "required": ["alg"], "properties": {"alg": {"type": "string"}}},
            }
            for name in ("watermarks", "fingerprints")
        },
    },
}
_FOUND = {
    "200": {
        "description": "The manifests.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Matches"}}},
    }
}
_RESULTS = parameter(
    "maxResults", {"type": "integer", "minimum": 1, "default": _USUAL}, f"How many, at most; never more than {_MOST}."
)
_SHORT = {"type": "string", "minLength": 1, "maxLength": _LONGEST}
_BASE64 = {**_SHORT, "contentEncoding": "base64"}
PATHS: dict[str, Any] = {
    "/matches/byBinding": {
        "get": {
            "operationId": "queryByBinding",
            "summary": "Find manifests by the value of a soft binding.",
            "parameters": [
                parameter("alg", _SHORT, "The algorithm.", required=True),
                parameter("value", _BASE64, "The value in base64.", required=True),
                _RESULTS,
            ],
            "responses": {**_FOUND, **refused(400, 404, 429, 503)},
        },
        "post": {
            "operationId": "queryByLargeBinding",
            "summary": "Find manifests by the value of a soft binding that is too long for an address.",
            "parameters": [_RESULTS],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["alg", "value"],
                            "properties": {"alg": _SHORT, "value": _BASE64},
                        }
                    }
                },
            },
            "responses": {**_FOUND, **refused(400, 404, 408, 413, 429, 503)},
        },
    },
    "/matches/byContent": {
        "post": {
            "operationId": "uploadFile",
            "summary": "Find manifests by the watermark in a file.",
            "parameters": [
                parameter("alg", _SHORT, "The algorithm."),
                parameter("hintAlg", _SHORT, "The algorithm of a soft binding that is known besides."),
                parameter("hintValue", _BASE64, "Its value in base64."),
                _RESULTS,
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}}
                },
            },
            "responses": {**_FOUND, **refused(400, 404, 408, 413, 415, 429, 503)},
        }
    },
    "/manifests/{manifestId}": {
        "get": {
            "operationId": "getManifestById",
            "summary": "Give a manifest store, as it was kept.",
            "parameters": [
                {"name": "manifestId", "in": "path", "required": True, "schema": _SHORT},
                parameter(
                    "returnActiveManifest",
                    {"type": "boolean", "default": False},
                    "Give the active manifest alone, without those of what the content was made from.",
                ),
            ],
            "responses": {
                "200": {
                    "description": "The manifest store, recovered and not intact.",
                    "content": {MANIFEST_TYPE: {"schema": {"type": "string", "format": "binary"}}},
                },
                **refused(400, 403, 404, 429, 503),
            },
        }
    },
    "/services/supportedAlgorithms": {
        "get": {
            "operationId": "getSupportedBindings",
            "summary": "Name the algorithms of the soft bindings that can be resolved.",
            "responses": {
                "200": {
                    "description": "The algorithms.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Algorithms"}}},
                }
            },
        }
    },
}
