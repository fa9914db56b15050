"""Engines that mark text themselves: their marks, read with the secret that their keys were derived from."""

from __future__ import annotations

from collections.abc import Callable

from disclose.watermark.text import murmur, philox
from disclose.watermark.text.contexts import TokenIds
from disclose.watermark.text.detection import Detection
from disclose.watermark.text.prf import engine_key

WIDTH = 4
DETECTORS: dict[str, Callable[..., Detection]] = {"vllm": philox.detect, "sglang": murmur.detect}


def detect(engine: str, token_ids: TokenIds, secret: bytes, *, width: int = WIDTH, spans: bool = True) -> Detection:
    """Return how surely *token_ids* carry the mark of *engine*, one of DETECTORS, under the key it has of *secret*."""
    return DETECTORS[engine](token_ids, engine_key(secret, engine), width=width, spans=spans)


def engine_of(name: str) -> str | None:
    """Return the engine that a key of this *name* was given to: its last part, where that names one.

    >>> engine_of("answers.2026.sglang"), engine_of("answers.2026")
    ('sglang', None)
    """
    last = name.rpartition(".")[2]
    return last if last in DETECTORS else None
