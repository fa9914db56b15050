"""Chroma: the U plane of a picture, to the last bit as OpenCV converts it.

invisible-watermark converts with ``cv2.cvtColor(…, COLOR_BGR2YUV)`` and writes into U alone. OpenCV does this in
fixed point with 14 fractional bits for uint8, centred on 128, and in single precision for float32, centred on 0.5
(https://docs.opencv.org/4.x/de/d25/imgproc_color_conversions.html, "RGB ↔ YCrCb JPEG"; Y = 0.299 R + 0.587 G +
0.114 B, U = 0.492 (B - Y) + delta).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ONE = 1 << 14  # fixed point
_LUMA = np.array([round(weight * _ONE) for weight in (0.299, 0.587, 0.114)], np.float32)
_CHROMA = np.float32(round(0.492 * _ONE))


def chroma(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return U of *pixels*, (height, width, 3) in the order red, green, blue.

    For uint8 the whole numbers that OpenCV has as bytes, in float64; for float32 from 0 to 255, float32.
    """
    if pixels.dtype == np.uint8:
        return _fixed_point(pixels)
    red, green, blue = (pixels[..., index] for index in range(3))
    luma = blue * np.float32(0.114)
    luma += green * np.float32(0.587)
    luma += red * np.float32(0.299)
    np.subtract(blue, luma, out=luma)
    luma *= np.float32(0.492)
    luma += np.float32(0.5)
    return luma


def _fixed_point(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    # Whole numbers below 2 ** 24 are exact in single precision, in whatever order they are added.
    values = pixels.astype(np.float32)
    luma = _rounded(values @ _LUMA)
    # |B - Y| is at most 226, so U stays within a byte and need not be clipped.
    return np.add(_rounded((values[..., 2] - luma) * _CHROMA), 128, dtype=np.float64)


def _rounded(fixed: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return *fixed* divided by 2 ** 14 and rounded, halves up, in place."""
    fixed += _ONE // 2
    fixed *= np.float32(1 / _ONE)
    return np.floor(fixed, out=fixed)
