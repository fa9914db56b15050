"""Planes that show nothing but a tile and noise, lying as the test says."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from disclose.watermark.image.code import encode
from disclose.watermark.image.drift import basis
from disclose.watermark.image.tile import TILE

SYMBOLS = encode(0xC0FFEE, b"plane")


def tiled(tile, shape, matrix, drift=None, noise=1.0):
    """Return a plane of *shape* whose place x shows the tile's ``matrix @ x``, moved on by the polynomial *drift*.

    The tile has unit RMS, *noise* is the deviation of what is added.
    """
    height, width = shape
    y, x = np.mgrid[:height, :width] + 0.5
    points = np.stack([x.ravel(), y.ravel()], -1)
    at = points @ np.asarray(matrix).T
    if drift is not None:
        centre = np.array([width / 2, height / 2])
        at = at + basis((points - centre) / max(centre)) @ drift
    rendered = tile.render(tile.spectrum(SYMBOLS))
    # Samples of the tile sit at pixel centres, half a pixel from its corner.
    values = ndimage.map_coordinates(rendered, at.T[::-1] % TILE - 0.5, order=3, mode="grid-wrap")
    plane = values.reshape(shape) + noise * np.random.default_rng(5).standard_normal(shape)
    return plane.astype(np.float32)
