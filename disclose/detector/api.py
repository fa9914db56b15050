"""The API: one file in, the verdict out as ``disclose verify --json`` prints it, or a signed report of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from disclose.detector import openapi
from disclose.detector.figures import MEDIA_TYPE
from disclose.detector.rates import limited_client

if TYPE_CHECKING:
    from starlette.requests import Request

    from disclose.detector.service import Service

REPORTS = ("json", "pdf")


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the API over *service*."""

    async def verify(request: Request) -> Response:
        wanted = request.query_params.get("report")
        if wanted is not None and wanted not in REPORTS:
            raise HTTPException(400, f"report is one of {', '.join(REPORTS)}")
        async with service.uploads.received(request) as sent:
            files = await service.files(sent, client=limited_client(request))
            if len(files) != 1 or not files[0].data:
                raise HTTPException(400, "a request brings one file that is not empty, or the address of one")
            found = await service.examine(files[0])
            if wanted is None or "error" in found:
                return _json(found, 422 if "error" in found else 200)
            signed = await service.signed(found, files[0])
        return await download(signed, wanted)

    async def described(request: Request) -> Response:
        return JSONResponse(openapi.document(service.settings))

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok", "examining": service.figures.busy, "replaced": service.pool.replaced})

    async def metrics(request: Request) -> Response:
        return Response(service.figures.text(), media_type=MEDIA_TYPE)

    return [
        Route("/v1/verify", verify, methods=["POST"]),
        Route("/openapi.json", described),
        Route("/health", health),
        Route("/metrics", metrics),
    ]


async def download(signed: dict[str, Any], kind: str) -> Response:
    """Return the *signed* report as a file of one of :data:`REPORTS`."""
    name = {"Content-Disposition": f'attachment; filename="report.{kind}"'}
    if kind == "json":
        return Response(json.dumps(signed, ensure_ascii=False), headers=name, media_type="application/json")
    from disclose.detector.report_page import render

    return Response(await to_thread.run_sync(render, signed), headers=name, media_type="application/pdf")


def _json(values: dict[str, Any], status: int) -> Response:
    # In ASCII, as the command line prints it: what a stranger wrote may hold characters that a terminal obeys.
    return Response(json.dumps(values), status, media_type="application/json")


def problem(request: Request, error: Exception) -> Response:
    """Return what went wrong as a problem (RFC 9457)."""
    assert isinstance(error, HTTPException)
    import http

    values = {"title": http.HTTPStatus(error.status_code).phrase, "status": error.status_code, "detail": error.detail}
    return JSONResponse(values, error.status_code, error.headers, media_type="application/problem+json")
