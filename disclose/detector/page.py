"""The page: a form, and the verdict on what was sent with it. It needs no script, and is better with one."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from disclose.detector.rates import limited_client
from disclose.detector.wording import SOURCE, Words, accepted, catalogues, is_unreadable, words
from disclose.errors import extra
from disclose.evidence import Basis

with extra("serve"):
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup, escape

if TYPE_CHECKING:
    from starlette.requests import Request

    from disclose.detector.service import Service
    from disclose.detector.uploads import Sent, Upload

_STATIC = {"detector.css": "text/css", "detector.js": "text/javascript"}
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
_TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""The characters that set the direction of text (UAX 9, 2), and control characters."""
_NAMES = {"c2pa": "C2PA", "iptc": "IPTC", "aigc": "AIGC", "c2pa_text": "C2PA in text"}


def routes(service: Service) -> list[BaseRoute]:
    """Return the routes of the page over *service*."""

    async def form(request: Request) -> Response:
        return _page(request, fetches=service.settings.fetches)

    async def verdicts(request: Request) -> Response:
        said = _words(request)
        async with service.uploads.received(request) as sent:
            if not any(one.data or one.name for one in sent.files) and sent.url is None:
                raise HTTPException(400, said("form.nothing"))
            uploads, refusals = await _uploads(service, request, sent)
            results = [await _verdict(service, said, one, report="report" in sent.fields) for one in uploads]
            results += [Markup(rendered(said, one, {})) for one in refusals]  # noqa: S704 - the template escapes
        if "fragment" in request.query_params:
            return HTMLResponse("".join(results))
        return _page(request, results=results, fetches=service.settings.fetches)

    return [
        Route("/", form),
        Route("/", verdicts, methods=["POST"]),
        *(Route(f"/static/{name}", _static(name)) for name in _STATIC),
    ]


def problem(request: Request, error: Exception) -> Response:
    """Return the form with what went wrong."""
    assert isinstance(error, HTTPException)
    return _page(request, message=error.detail, status=error.status_code, headers=error.headers)


async def _uploads(service: Service, request: Request, sent: Sent) -> tuple[tuple[Upload, ...], list[dict[str, Any]]]:
    """Return the files that were *sent* or stand at the address, and what to say of one that is not fetched.

    Raises HTTPException where that is all there is.
    """
    try:
        return await service.files(sent, client=limited_client(request)), []
    except HTTPException as error:
        if not sent.files:
            raise
        return sent.files, [{"file": sent.url, "error": error.detail}]


async def _verdict(service: Service, said: Words, upload: Upload, *, report: bool) -> Markup:
    if not upload.data:
        found: dict[str, Any] = {"file": upload.name, "error": "it is empty (0 bytes)"}
    else:
        found = await service.examine(upload, display=True)
    reports = await _reports(service, found, upload) if report and upload.data else {}
    return Markup(rendered(said, found, reports))  # noqa: S704 - the template has escaped every value


async def _reports(service: Service, found: dict[str, Any], upload: Upload) -> dict[str, str]:
    """Return the signed reports as addresses that hold them: nothing is kept here to be fetched later."""
    from disclose.detector.report_page import render

    signed = await service.signed(found, upload)
    page = await to_thread.run_sync(render, signed)
    text = json.dumps(signed, ensure_ascii=False).encode()
    return {"json": _address(text, "application/json"), "pdf": _address(page, "application/pdf")}


def rendered(said: Words, found: Mapping[str, Any], reports: Mapping[str, str]) -> str:
    """Return the verdict *found* as HTML. Every value in it may be a stranger's, and is escaped."""
    found = _straight(found)
    shown = found.get("shown")
    outline = ((shown or {}).get("picture") or {}).get("outline") or []
    return _ENVIRONMENT.get_template("verdict.html").render(
        words=said,
        sentence=_timed(said.explain(found)),
        found={"error": None, "evidence": [], "disclosure": None, **found},
        shown=shown,
        outcome="unreadable" if is_unreadable(found) else found["outcome"],
        evidence=_told_once(found.get("evidence", [])),
        is_only_like=_is_only_like(found),
        points=" ".join(f"{x},{y}" for x, y in outline),
        reports=reports,
        named=lambda layers: ", ".join(_NAMES.get(one, one.replace("_", " ")) for one in layers),
        key=secrets.token_hex(4),
    )


def _told_once(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return *evidence* with the ``layers`` of each finding, those that failed for the same reason in one."""
    told: list[dict[str, Any]] = []
    for item in evidence:
        reason = item.get("details", {}).get("error") and item["summary"]
        same = next((one for one in told if reason and one["summary"] == reason), None)
        if same is None:
            told.append({**item, "layers": [item["layer"]], "failed": bool(reason)})
        else:
            same["layers"].append(item["layer"])
    return told


def _is_only_like(found: Mapping[str, Any]) -> bool:
    """Whether all that is said of the content is said of other content, which it looks like."""
    bases = {item["basis"] for item in found.get("evidence", []) if item["generated"]}
    return bases == {Basis.FINGERPRINT.value}


def _straight(value: Any) -> Any:
    """Return the JSON-ready *value* without characters that turn the text around them, or are none."""
    if isinstance(value, str):
        return _TURNING.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {name: _straight(one) for name, one in value.items()}
    return [_straight(one) for one in value] if isinstance(value, list) else value


def _timed(sentence: str) -> Markup:
    """Return *sentence* as HTML whose times are kept on one line: a date would break at its hyphens."""
    return Markup(_TIME.sub(r'<span class="time">\g<0></span>', str(escape(sentence))))  # noqa: S704 - it is escaped


def _page(
    request: Request,
    *,
    results: list[Markup] | None = None,
    message: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    fetches: bool = True,
) -> Response:
    said = _words(request)
    html = _ENVIRONMENT.get_template("page.html").render(
        words=said,
        languages=list(catalogues().values()),
        results=results or [],
        message=message,
        fetches=fetches,
        root=request.scope.get("root_path", ""),
    )
    vary = {"Vary": "Accept-Language", "Content-Language": said.language}
    return HTMLResponse(html, status, {**vary, **(headers or {})})


def _words(request: Request) -> Words:
    chosen = request.query_params.get("lang", "")
    return words([chosen[:35], *accepted(request.headers.get("accept-language", "")), SOURCE])


def _static(name: str) -> Any:
    content = files(__package__).joinpath("site", name).read_bytes()

    async def static(request: Request) -> Response:
        return Response(content, headers={"Cache-Control": "max-age=3600"}, media_type=_STATIC[name])

    return static


def _address(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode('ascii')}"


_ENVIRONMENT = Environment(
    loader=PackageLoader("disclose.detector", "site"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
