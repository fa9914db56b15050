"""The description of the resolution API for machines, a part of the whole in OpenAPI 3.1."""

from __future__ import annotations

from typing import Any

from disclose.detector.openapi import parameter, refused

MANIFEST_TYPE = "application/c2pa"
USUAL, MOST, LONGEST = 10, 100, 1000
"""Results that are usual, results at most, and characters of a parameter at most."""
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
    "maxResults", {"type": "integer", "minimum": 1, "default": USUAL}, f"How many, at most; never more than {MOST}."
)
_SHORT = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_BASE64 = {**_SHORT, "contentEncoding": "base64"}
_HINTED = (
    parameter("alg", _SHORT, "The algorithm."),
    parameter("hintAlg", _SHORT, "The algorithm of a soft binding that is known besides."),
    parameter("hintValue", _BASE64, "Its value in base64."),
)
_REFERENCE = {
    "type": "object",
    "required": ["referenceUrl", "assetLength"],
    "properties": {
        "referenceUrl": {
            "type": "string",
            "format": "uri",
            "pattern": "^https://.*",
            "description": "Where the file is, on the public network.",
        },
        "assetLength": {
            "type": "integer",
            "minimum": 1,
            "description": "Its bytes; what turns out to be larger is refused.",
        },
        "assetType": {"type": "string", "description": "Its media type; what turns out to be another is refused."},
        "region": {
            "type": "array",
            "maxItems": 0,
            "description": "A part of the file. Not served: the whole file is looked at.",
        },
    },
}
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
            "parameters": [*_HINTED, _RESULTS],
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {"schema": {"type": "string", "format": "binary", "minLength": 1}}
                },
            },
            "responses": {**_FOUND, **refused(400, 404, 408, 413, 415, 429, 503)},
        }
    },
    "/matches/byReference": {
        "post": {
            "operationId": "queryByReference",
            "summary": "Find manifests by the watermark in the file at an address.",
            "parameters": [*_HINTED, _RESULTS],
            "requestBody": {"required": True, "content": {"application/json": {"schema": _REFERENCE}}},
            "responses": {**_FOUND, **refused(400, 404, 408, 413, 415, 422, 429, 503)},
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
