"""dwtDctSvd: a bit a block, in the largest singular value of the cosine transform of 4 × 4 low-band values.

The cosine transform is orthonormal, so the singular values are those of the block itself but for rounding. Rounding
decides only where a value lies on the border between two bits, as those of a flat picture do: there, and only there,
the library's own way is gone step by step (imwatermark/dwtDctSvd.py, OpenCV's modules/core/src/dxt.cpp).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.legacy.haar import blocks

SCALE = 36  # the library's default
_STEPS = 5  # squarings of the Gram matrix, after which its largest eigenvector stands out by the power of 64
_DOUBT = 1e-6  # distance from a border, far above rounding, below which the exact way decides
_COS, _SIN, _ROOT = np.cos(np.pi / 8), np.sin(np.pi / 8), np.sqrt(0.5)


def block_bits(band: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the bit of each whole 4 × 4 block of the low *band*, in reading order.

    It is the half of a step of 36 in which the block's largest singular value lies: 0 the lower, 1 the upper.
    """
    cut = blocks(band)
    value, error = _largest(cut)
    place = value % SCALE
    to_border = np.minimum(np.abs(place - SCALE / 2), np.minimum(place, SCALE - place))
    bits: NDArray[np.bool_] = place > SCALE / 2
    doubtful = ~(to_border > error + _DOUBT)
    if doubtful.any():
        # A flat picture is one block over and over.
        distinct, which = np.unique(cut[doubtful].reshape(-1, 16), axis=0, return_inverse=True)
        exact = np.linalg.svd(_cosines(distinct.reshape(-1, 4, 4)))[1][:, 0]
        bits[doubtful] = (exact % SCALE > SCALE / 2)[which.reshape(-1)]
    return bits


def _largest(cut: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest singular value of each block, and a bound on its error; infinite where it is not sure."""
    gram = cut @ cut.swapaxes(1, 2)
    trace = np.trace(gram, axis1=1, axis2=2)
    power = gram / np.maximum(trace, 1e-300)[:, None, None]
    for _ in range(_STEPS):
        power = power @ power
        power /= np.maximum(np.trace(power, axis1=1, axis2=2), 1e-300)[:, None, None]
    # Every column of a high power points along the largest eigenvector; the longest does so most exactly.
    longest = np.argmax(np.diagonal(power, axis1=1, axis2=2), axis=1)
    vector = power[np.arange(len(power)), :, longest]
    vector = vector / np.maximum(np.linalg.norm(vector, axis=1, keepdims=True), 1e-300)
    image = np.einsum("nij,nj->ni", gram, vector)
    quotient = np.maximum(np.einsum("ni,ni->n", image, vector), 0)
    residual = np.linalg.norm(image - quotient[:, None] * vector, axis=1)
    value = np.sqrt(quotient)
    # Some eigenvalue lies within the residual of the quotient (Weyl), and it is the largest one when the others
    # cannot add up to as much.
    sure = (2 * quotient > trace + 2 * residual) & (value > 0)
    error = np.where(sure, residual / np.maximum(value, 1e-300), np.inf)
    return value, error


def _cosines(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``cv2.dct`` of each block, rows first."""
    return _cosines_of_rows(_cosines_of_rows(cut).swapaxes(1, 2)).swapaxes(1, 2)


def _cosines_of_rows(cut: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine transform along the last axis, with OpenCV's order of operations."""
    first, second, third, fourth = np.moveaxis(cut, -1, 0)
    scale = 2 * 0.35355339059327376220
    turn = (scale * _COS, -scale * _SIN)
    twice = turn[0] * _COS + turn[1] * _SIN
    even, odd, crossed = first + fourth, third + second, -(third - second)
    flat = first - fourth
    parts = (
        (even + odd) * scale * _ROOT,
        turn[0] * flat - turn[1] * crossed,
        (even - odd) * twice,
        -turn[1] * flat - turn[0] * crossed,
    )
    return np.stack(parts, axis=-1)
