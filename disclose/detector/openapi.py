"""The description of the API for machines (OpenAPI 3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from disclose.evidence import Basis, Binding, Integrity, Outcome, Time, Trust
from disclose.version import __version__

if TYPE_CHECKING:
    from enum import StrEnum

    from disclose.detector.settings import Settings

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_BYTES = {"schema": {"type": "string", "format": "binary", "minLength": 1}}


def document(settings: Settings) -> dict[str, Any]:
    """Return the description of what a detector with *settings* serves."""
    from disclose.detector import resolution_description

    return {
        "openapi": "3.1.0",
        "info": {
            "title": "disclose detector",
            "version": __version__,
            "description": "Says what a file discloses about its origin, and on what basis. Nothing sent is kept.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": settings.address}],
        "paths": {**_PATHS, **resolution_description.PATHS},
        "components": {"schemas": {**_SCHEMAS, **resolution_description.SCHEMAS}},
    }


def refused(*statuses: int) -> dict[str, Any]:
    """Return the answers to requests that are refused with one of *statuses*."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): {"description": _REASONS[status], "content": content} for status in statuses}


def parameter(name: str, schema: dict[str, Any], description: str, *, required: bool = False) -> dict[str, Any]:
    """Return a parameter of the query."""
    return {"name": name, "in": "query", "required": required, "schema": schema, "description": description}


_REASONS = {
    400: "The request is malformed.",
    403: "It may name a person, and is not said to be public.",
    404: "There is none.",
    408: "The upload took too long.",
    413: "The file is too large.",
    415: "The file is of no kind that can be read, or the request is compressed.",
    422: "The file could not be read, or the address not fetched.",
    429: "Too many requests; Retry-After says when to come back.",
    503: "Too much at the moment; Retry-After says when to come back.",
}


def _one_of(values: type[StrEnum]) -> dict[str, Any]:
    return {"type": "string", "enum": [one.value for one in values]}


def _object(properties: dict[str, Any], *optional: str) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


_EVIDENCE = _object(
    {
        "layer": _TEXT,
        "basis": _one_of(Basis),
        "binding": _one_of(Binding),
        "integrity": _one_of(Integrity),
        "trust": _one_of(Trust),
        "time": _one_of(Time),
        "p_value": {"type": ["number", "null"]},
        "id": _MAYBE_TEXT,
        "summary": _TEXT,
        "generated": {"type": "boolean"},
        "source_type": _MAYBE_TEXT,
        "details": {"type": "object"},
    }
)
_SCHEMAS = {
    "Result": _object(
        {
            "file": _TEXT,
            "outcome": _one_of(Outcome),
            "disclosure": {"type": ["object", "null"]},
            "evidence": {"type": "array", "items": _EVIDENCE},
        }
    ),
    "Unreadable": _object({"file": _TEXT, "error": _TEXT}),
    "Problem": _object({"title": _TEXT, "status": {"type": "integer"}, "detail": _TEXT}),
    "Report": _object(
        {
            "report": _object(
                {
                    "version": {"const": 1},
                    "content": _object({"sha256": _TEXT, "bytes": {"type": "integer"}}),
                    "detector": _object({"address": _TEXT, "software": _TEXT}),
                    "examined": {"type": "string", "format": "date-time"},
                    "verdict": {"type": "object"},
                }
            ),
            "signature": {"type": "string", "description": "Detached JWS (RFC 7515, Appendix F) with x5c."},
        }
    ),
}
_RESULT = {"$ref": "#/components/schemas/Result"}
_REPORT = {"$ref": "#/components/schemas/Report"}
_UNREADABLE = {
    "description": _REASONS[422],
    "content": {
        "application/json": {"schema": {"$ref": "#/components/schemas/Unreadable"}},
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}},
    },
}
_PATHS: dict[str, Any] = {
    "/v1/verify": {
        "post": {
            "operationId": "verify",
            "summary": "Say what a file discloses about its origin.",
            "parameters": [
                parameter("report", {"type": "string", "enum": ["json", "pdf"]}, "Answer with a signed report instead.")
            ],
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {"schema": _object({"file": _BYTES["schema"]})},
                    "application/json": {"schema": _object({"url": {"type": "string", "format": "uri"}})},
                    "application/octet-stream": _BYTES,
                },
            },
            "responses": {
                "200": {
                    "description": "What was found.",
                    "content": {
                        "application/json": {"schema": {"anyOf": [_RESULT, _REPORT]}},
                        "application/pdf": {"schema": {"type": "string", "format": "binary"}},
                    },
                },
                **refused(400, 408, 413, 415, 429, 503),
                "422": _UNREADABLE,
            },
        }
    },
    "/health": {
        "get": {
            "operationId": "health",
            "summary": "Say that the detector runs.",
            "responses": {
                "200": {
                    "description": "It runs.",
                    "content": {"application/json": {"schema": _object({"status": _TEXT})}},
                }
            },
        }
    },
    "/metrics": {
        "get": {
            "operationId": "metrics",
            "summary": "Give the figures of this server process to Prometheus.",
            "responses": {"200": {"description": "Figures.", "content": {"text/plain": {"schema": _TEXT}}}},
        }
    },
}
