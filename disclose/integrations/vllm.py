"""The vLLM door: its own text watermark switched on, requests that would leave unmarked refused, its mark read.

>>> from disclose.integrations import vllm
>>> vllm.write_settings(path, key)                                  # doctest: +SKIP
>>> vllm.detect(token_ids, key).p_value                             # doctest: +SKIP

    vllm serve MODEL --config settings.yaml --middleware disclose.integrations.vllm.RequireWatermark

vLLM marks text itself (0.30 and later, https://docs.vllm.ai/en/latest/features/watermarking/), but lets each request
opt out, and answers greedy and beam requests unmarked with a warning; its documentation leaves both to the ingress.
Held against vLLM 0.32 on a machine without a GPU (tests/interop/test_vllm.py): its server takes both middlewares, its
configuration these settings, and texts that its own code marked are found here. **Unverified against the engine** is
its sampler for GPUs, the only one with which the server marks. A profile reads the mark where the name of the key's
file ends in ``.vllm.key``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from disclose.errors import MarkingError
from disclose.integrations.engine_settings import GREEDY, is_greedy, write_secret
from disclose.watermark.text import engines, philox
from disclose.watermark.text.contexts import TokenIds
from disclose.watermark.text.detection import Detection
from disclose.watermark.text.prf import engine_key

ENGINE = "vllm"
OPTS_OUT = "every answer is marked here: leave 'watermarking' out of the request"
MOST_BYTES = 64 << 20  # of a request; engines refuse less
_FORM_FIELD = re.compile(rb'name="?watermarking\b', re.IGNORECASE)
_NESTED = ("sampling_params", "extra_body", "vllm_xargs")

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def watermark_config(key: bytes, *, width: int = philox.WIDTH) -> dict[str, Any]:
    """Return what ``WatermarkConfig`` takes, for the secret *key*; it holds the engine's key, so keep it as one."""
    return {
        "algorithm": "gumbel",
        "prf": "philox",
        "key": engine_key(key, ENGINE),
        "context_width": width,
        "deduplicate_contexts": "single_turn",
    }


def write_settings(path: Path, key: bytes, *, width: int = philox.WIDTH) -> Path:
    """Write a file for ``vllm serve --config``, readable by the owner alone: a command line is visible to everybody."""
    return write_secret(path, json.dumps({"watermark-config": json.dumps(watermark_config(key, width=width))}) + "\n")


def detect(token_ids: TokenIds, key: bytes, *, width: int = philox.WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids* carry the mark that an engine with these settings writes."""
    return engines.detect(ENGINE, token_ids, key, width=width, spans=spans)


def admit(request: Mapping[str, Any]) -> None:
    """Raise MarkingError where *request*, the JSON of an API call, asks for an answer that vLLM would not mark."""
    for part in (request, *(request[name] for name in _NESTED if isinstance(request.get(name), Mapping))):
        if part.get("watermarking") not in (None, True):
            raise MarkingError(OPTS_OUT)
        if is_greedy(part):
            raise MarkingError(GREEDY)
        if part.get("use_beam_search"):
            raise MarkingError("a beam search cannot be marked: leave 'use_beam_search' out of the request")


class RequireWatermark:
    """ASGI middleware for ``vllm serve --middleware``: answers 400 to requests that would leave unmarked.

    A model whose own generation_config sets a temperature of 0 needs ``--generation-config vllm`` beside it.
    """

    def __init__(self, app: Application) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no request with a body, and what is admitted."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        messages, body = [], b""
        while True:
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
            if message["type"] != "http.request" or not message.get("more_body") or len(body) > MOST_BYTES:
                break
        problem = _problem(body)
        if problem:
            await _refuse(send, problem)
            return

        async def again() -> MutableMapping[str, Any]:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, again, send)


def _problem(body: bytes) -> str | None:
    if len(body) > MOST_BYTES:
        return f"a request of more than {MOST_BYTES} bytes"
    try:
        request = json.loads(body, object_pairs_hook=_once)
    except RecursionError:
        return "the request is nested too deeply to be read"
    except (UnicodeDecodeError, json.JSONDecodeError):
        # A form, with a sound to translate; anything else the engine refuses in its own words.
        return OPTS_OUT if _FORM_FIELD.search(body) else None
    except MarkingError as error:
        return str(error)
    if not isinstance(request, dict):
        return None
    try:
        admit(request)
    except MarkingError as error:
        return str(error)
    return None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object, unless a name is there twice: readers differ in which one they go by."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise MarkingError("a name is twice in one object of the request: send it once")
    return found


async def _refuse(send: Send, problem: str) -> None:
    error = {"message": problem, "type": "BadRequestError", "param": None, "code": 400}
    body = json.dumps({"error": error}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 400, "headers": headers})
    await send({"type": "http.response.body", "body": body})
