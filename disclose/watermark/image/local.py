"""Local means: what a place looks like at large, which both mask and whitening are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from disclose.watermark.image.canonical import Plane

MEAN_SPAN = 9  # canonical pixels, odd
BLOCK = 4  # canonical pixels; statistics are kept for blocks of this side, and averaged over three by three


def detail_of(plane: Plane) -> Plane:
    """Return *plane* without its local mean."""
    rows = ndimage.uniform_filter1d(plane, MEAN_SPAN, axis=1, mode="nearest")
    # Down the columns, whole rows are added: three times as fast as a filter that strides.
    edge = MEAN_SPAN // 2
    padded = np.pad(rows, ((edge, edge), (0, 0)), mode="edge")
    total = padded[: len(plane)].copy()
    for start in range(1, MEAN_SPAN):
        total += padded[start : start + len(plane)]
    total *= np.float32(-1 / MEAN_SPAN)
    total += plane
    return total


def local_map(values: Plane, of_mean: Callable[[Plane], Plane]) -> Plane:
    """Return ``of_mean(local mean of values)`` for each place, worked out coarsely and drawn out smoothly."""
    height, width = values.shape
    coarse = np.asarray(Image.fromarray(values).reduce(BLOCK))
    image = Image.fromarray(of_mean(ndimage.uniform_filter(coarse, 3, mode="nearest")))
    box = (0, 0, width / BLOCK, height / BLOCK)
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))
