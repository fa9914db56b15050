"""The TensorRT-LLM door: settings for its own text watermark.

>>> from tensorrt_llm.watermark import WatermarkConfig                                  # doctest: +SKIP
>>> LLM(model=…, watermark_config=WatermarkConfig(**watermark_config(key)))             # doctest: +SKIP

A prototype in the engine (https://nvidia.github.io/TensorRT-LLM/features/watermarking.html): its interface and the
recipe for detection may change, so its mark is read by its own means. Written from the documentation, **unverified
against the engine**.
"""

from __future__ import annotations

from typing import Any

from disclose.watermark.text.prf import engine_key

ENGINE = "tensorrt_llm"
WIDTH = 4


def watermark_config(key: bytes, *, width: int = WIDTH) -> dict[str, Any]:
    """Return what ``WatermarkConfig`` takes, for the secret *key*; it holds the engine's key, so keep it as one."""
    return {
        "algorithm": "gumbel",
        "key": engine_key(key, ENGINE),
        "context_width": width,
        "deduplicate_contexts": "single_turn",
    }
