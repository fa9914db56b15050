"""The SGLang door: settings for its own text watermark, with the opt-out of single requests forbidden, its mark read.

>>> from disclose.integrations import sglang
>>> sglang.write_settings(path, key)                                # doctest: +SKIP
>>> sglang.detect(token_ids, key).p_value                           # doctest: +SKIP

    python -m sglang.launch_server --model-path MODEL $(…arguments…)

SGLang marks text itself on CUDA (https://docs.sglang.io/docs/advanced_features/text_watermarking). Enforcing it for
all requests, it refuses an opt-out by its own means, but lets a request bring a key or a window of its own, and answers
greedy ones unmarked: :func:`admit` refuses these. A profile reads the mark where the name of the key's file ends in
``.sglang.key``. Written from the release 0.5.23; its numbers are held against SGLang's own vectors, the rest is
**unverified against the engine**.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from disclose.errors import MarkingError
from disclose.integrations.engine_settings import GREEDY, is_greedy, write_secret
from disclose.watermark.text import engines
from disclose.watermark.text.contexts import TokenIds
from disclose.watermark.text.detection import Detection
from disclose.watermark.text.prf import engine_key

ENGINE = "sglang"
WIDTH = 4


def write_settings(path: Path, key: bytes, *, width: int = WIDTH) -> Path:
    """Write the file of ``--watermark-config``, readable by the owner alone, for the secret *key*."""
    settings = {"key": f"{engine_key(key, ENGINE):016x}", "context_window": width, "enforce_all": True}
    return write_secret(path, json.dumps(settings) + "\n")


def arguments(path: Path) -> list[str]:
    """Return the arguments of ``sglang.launch_server`` that mark every answer by the settings at *path*."""
    return ["--enable-watermark", "--watermark-config", str(path)]


def detect(token_ids: TokenIds, key: bytes, *, width: int = WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids* carry the mark that an engine with these settings writes."""
    return engines.detect(ENGINE, token_ids, key, width=width, spans=spans)


def admit(request: Mapping[str, Any]) -> None:
    """Raise MarkingError where *request*, the JSON of an API call, opts out, brings its own key, or draws nothing."""
    for part in _parts(request):
        asked = part.get("watermark")
        if asked is not None and not (isinstance(asked, Mapping) and dict(asked) in ({}, {"enabled": True})):
            raise MarkingError("every answer is marked here, with this server's key: leave 'watermark' out")
        if is_greedy(part):
            raise MarkingError(GREEDY)


def _parts(request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield *request* and the settings inside it, of which ``/generate`` takes one for all prompts or one for each."""
    yield request
    settings = request.get("sampling_params")
    yield from (one for one in (settings if isinstance(settings, list) else [settings]) if isinstance(one, Mapping))
