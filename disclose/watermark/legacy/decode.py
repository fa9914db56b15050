"""Decoding: the bits that invisible-watermark would read from a picture, marked or not."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from disclose.errors import InputError
from disclose.watermark.legacy import dwt_dct, dwt_dct_svd
from disclose.watermark.legacy.chroma import chroma
from disclose.watermark.legacy.haar import low_band
from disclose.watermark.legacy.messages import Reading

_STRIP = 32  # rows
LEAST_PIXELS = 256 * 256  # the library neither writes nor reads below this
METHODS: MappingProxyType[str, Callable[[NDArray[Any]], NDArray[np.bool_]]] = MappingProxyType(
    {"dwtDct": dwt_dct.block_bits, "dwtDctSvd": dwt_dct_svd.block_bits}
)


def decode(pixels: NDArray[Any], length: int, *, method: str = "dwtDct") -> NDArray[np.bool_]:
    """Return the *length* bits that ``WatermarkDecoder("bits", length)`` reads from *pixels* by *method*.

    Pixels are (height, width, 3) in the order red, green, blue (the library wants blue first), uint8 or, for dwtDct,
    float32 from 0 to 255. Raises InputError for other pixels, for fewer than 256 · 256 and for other methods.
    """
    # The library's threshold. It lies just below one half: a tie reads as 1.
    return shares(block_bits(pixels, method=method), length) * 255 > 127


def shares(bits: NDArray[np.bool_], length: int) -> NDArray[np.float64]:
    """Return for each of *length* bits the share of its blocks that read 1; block number i carries bit i mod length.

    A bit without any block has no share and counts as 0, as it does in the library.
    """
    whole = -(-len(bits) // length) * length
    padded = np.zeros(whole, np.int64)
    padded[: len(bits)] = bits
    counts = (len(bits) - np.arange(length) + length - 1) // length
    result: NDArray[np.float64] = padded.reshape(-1, length).sum(axis=0) / np.maximum(counts, 1)
    return result


def block_bits(pixels: NDArray[Any], *, method: str = "dwtDct", reading: Reading = Reading.BYTES) -> NDArray[np.bool_]:
    """Return the bit of each block of 8 × 8 *pixels* in reading order; for pixels and errors see :func:`decode`.

    A *reading* other than of bytes takes bytes as the floats they were written as.
    """
    if method not in METHODS:
        raise InputError(f"cannot decode by {method!r}: there are {', '.join(METHODS)}")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype not in (np.uint8, np.float32):
        raise InputError(
            f"cannot decode {pixels.dtype} pixels of shape {pixels.shape}: (height, width, 3) of uint8 or float32"
        )
    if method != "dwtDct" and pixels.dtype != np.uint8:
        raise InputError(f"cannot decode {pixels.dtype} pixels by {method}: pass uint8")
    height, width = pixels.shape[:2]
    if height * width < LEAST_PIXELS:
        raise InputError(f"cannot decode {width} × {height} pixels: the method takes {LEAST_PIXELS} or more")
    whole = pixels[: height // 4 * 4, : width // 4 * 4]
    if whole.size == 0:
        return np.zeros(0, np.bool_)
    # In strips, which stay in the processor's cache.
    strips = (_handed_over(whole[top : top + _STRIP], reading) for top in range(0, len(whole), _STRIP))
    return METHODS[method](np.concatenate([low_band(chroma(strip)) for strip in strips]))


def _handed_over(pixels: NDArray[Any], reading: Reading) -> NDArray[Any]:
    if reading is Reading.BYTES:
        return pixels
    floats = pixels.astype(np.float32)
    return floats[..., ::-1] if reading is Reading.FLOATS_SWAPPED else floats
