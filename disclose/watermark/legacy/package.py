"""The real package: what only invisible-watermark itself does, writing and rivaGan, behind the extra of that name.

Importing it brings torch and OpenCV, so nothing else here does. rivaGan runs on the ONNX model that the package's
wheel ships, by onnxruntime; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disclose.errors import InputError, extra
from disclose.watermark.legacy.decode import LEAST_PIXELS, METHODS

RIVAGAN = "rivaGan"
RIVAGAN_BITS = 32
EXTRA = "invisible-watermark"


def embed(pixels: NDArray[np.uint8], bits: Sequence[int], *, method: str = "dwtDct") -> NDArray[np.uint8]:
    """Return *pixels*, uint8 (height, width, 3) in the order red, green, blue, with *bits* written by the package.

    The method is dwtDct, dwtDctSvd or rivaGan (32 bits). Raises ExtraMissingError without the package, InputError
    for fewer than 256 · 256 pixels, another method or a number of bits that the method does not take.
    """
    _check(pixels, len(bits), method)
    with extra(EXTRA):
        from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    encoder.set_watermark("bits", list(bits))
    if method == RIVAGAN:
        _load_model(encoder)
    marked = encoder.encode(np.ascontiguousarray(pixels[..., ::-1]), method)
    return np.ascontiguousarray(marked[..., ::-1])


def decode_rivagan(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return the 32 bits that rivaGan reads from *pixels*, marked or not; the inverse of :func:`embed`.

    Raises ExtraMissingError without the package or onnxruntime, InputError for fewer than 256 · 256 pixels.
    """
    _check(pixels, RIVAGAN_BITS, RIVAGAN)
    with extra(EXTRA):
        from imwatermark import WatermarkDecoder

    decoder = WatermarkDecoder("bits", RIVAGAN_BITS)
    _load_model(decoder)
    bits: NDArray[np.bool_] = np.asarray(decoder.decode(np.ascontiguousarray(pixels[..., ::-1]), RIVAGAN)) > 0
    return bits


def _check(pixels: NDArray[np.uint8], count: int, method: str) -> None:
    if method not in (*METHODS, RIVAGAN):
        raise InputError(f"cannot write by {method!r}: there are {', '.join((*METHODS, RIVAGAN))}")
    if method == RIVAGAN and count != RIVAGAN_BITS:
        raise InputError(f"cannot write {count} bits by {RIVAGAN}: it takes {RIVAGAN_BITS}")
    if count < 1:
        raise InputError(f"cannot write an empty message by {method}")
    height, width = pixels.shape[:2]
    if height * width < LEAST_PIXELS:
        raise InputError(f"cannot work on {width} × {height} pixels by {method}: it takes {LEAST_PIXELS} or more")


def _load_model(coder: Any) -> None:
    with extra(EXTRA):
        # The package needs it for this method alone and does not depend on it.
        import onnxruntime  # noqa: F401
    coder.loadModel()
