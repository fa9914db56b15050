"""The TensorRT-LLM door: settings for its own text watermark.

>>> from tensorrt_llm.watermark import WatermarkConfig                                  # doctest: +SKIP
>>> LLM(model=…, watermark_config=WatermarkConfig(**watermark_config(key)))             # doctest: +SKIP

A prototype in the engine (https://nvidia.github.io/TensorRT-LLM/features/watermarking.html), of which the interface
and the recipe for detection may change. Its mark is read by its own means only: how key, context and token become a
number was not to be found, neither in the pages of its documentation that could be read, nor in a stored copy of its
repository (no file of the watermark in it), nor in the package index, which has no more than a stub of 10 kB that
fetches the wheel from elsewhere (1.4.0rc1 and before). Written from the documentation, **unverified against the
engine**.
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
