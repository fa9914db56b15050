"""The SGLang door: settings for its own text watermark, with the opt-out of single requests forbidden.

    python -m sglang.launch_server --model-path MODEL $(…arguments…)

SGLang marks text itself on CUDA (https://docs.sglang.io/docs/advanced_features/text_watermarking); enforcing it for
all requests, it refuses an opt-out by its own means. Its numbers are not published where they could be checked, so
its mark is read by its own detector. Written from the documentation, **unverified against the engine**.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from disclose.errors import MarkingError
from disclose.integrations.engine_settings import write_secret
from disclose.watermark.text.prf import engine_key

ENGINE = "sglang"
WIDTH = 4


def write_settings(path: Path, key: bytes, *, width: int = WIDTH) -> Path:
    """Write the file of ``--watermark-config``, readable by the owner alone, for the secret *key*."""
    return write_secret(path, json.dumps({"key": engine_key(key, ENGINE), "context_window": width}) + "\n")


def arguments(path: Path) -> list[str]:
    """Return the arguments of ``sglang.launch_server`` that mark every answer by the settings at *path*."""
    return ["--enable-watermark", "--watermark-config", str(path), "--watermark-enforce-all"]


def admit(request: Mapping[str, Any]) -> None:
    """Raise MarkingError where *request*, the JSON of an API call, opts out or draws nothing."""
    asked = request.get("watermark")
    if (isinstance(asked, Mapping) and asked.get("enabled") not in (None, True)) or asked is False:
        raise MarkingError("every answer is marked here: leave 'watermark' out of the request")
    parts = [request, *(part for part in (request.get("sampling_params"),) if isinstance(part, Mapping))]
    if any(part.get("temperature") == 0 or part.get("top_k") == 1 for part in parts):
        raise MarkingError("a greedy answer cannot be marked: ask for a temperature above 0, and a top_k above 1")
