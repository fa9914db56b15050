"""Haar: the low band of a plane, to the last bit as PyWavelets computes it, and its blocks of 4 × 4."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 4


def low_band(plane: NDArray[Any]) -> NDArray[Any]:
    """Return the low-low band of ``pywt.dwt2(plane, "haar")``, half as high and half as wide, in the same precision.

    The plane is float32 or float64 with even sides. The order of the additions is part of the result: a block that
    lies on the border between two bits falls to the side that rounding sends it to.
    """
    root = plane.dtype.type(np.sqrt(0.5))
    scaled = plane * root
    rows = scaled[0::2] + scaled[1::2]
    rows *= root
    result: NDArray[Any] = rows[:, 0::2] + rows[:, 1::2]
    return result


def blocks(band: NDArray[Any]) -> NDArray[Any]:
    """Return the whole 4 × 4 blocks of *band* in reading order, shape (blocks, 4, 4)."""
    rows, columns = (side // BLOCK for side in band.shape)
    cut = band[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return cut.transpose(0, 2, 1, 3).reshape(-1, BLOCK, BLOCK)
