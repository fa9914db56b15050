"""Local means: what a place looks like at large, which both mask and whitening are made of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from disclose.watermark.image.canonical import Plane

MEAN_SPAN = 9  # canonical pixels, odd
BLOCK = 4  # canonical pixels; statistics are kept for blocks of this side, and averaged over three by three


def detail_of(plane: Plane) -> Plane:
    """Return *plane* without its local mean."""
    padded = np.pad(plane, MEAN_SPAN // 2, mode="edge")
    total = _sums_of_nine(_sums_of_nine(padded.T).T)
    total *= np.float32(-1 / MEAN_SPAN**2)
    total += plane
    return total


def _sums_of_nine(values: Plane) -> Plane:
    """Return the sum of each row of *values* and the MEAN_SPAN - 1 below it."""
    # By doubling: four additions of whole planes, a third of what a filter that slides along takes.
    two = values[:-1] + values[1:]
    four = two[:-2] + two[2:]
    eight = four[:-4] + four[4:]
    eight[:-1] += values[8:]
    return eight[:-1]


def local_map(values: Plane, of_mean: Callable[[Plane], Plane]) -> Plane:
    """Return ``of_mean(local mean of values)`` for each place, worked out coarsely and drawn out smoothly."""
    height, width = values.shape
    blocks = of_mean(ndimage.uniform_filter(_block_means(values), 3, mode="nearest"))
    # Along the columns while it is small, then along the rows: half of what a general resize takes.
    tall = np.empty((len(blocks) * BLOCK, blocks.shape[1]), np.float32)
    padded = np.pad(blocks, ((1, 1), (0, 0)), mode="edge")
    for place, share in enumerate(_SHARES):
        neighbour = padded[:-2] if place < BLOCK // 2 else padded[2:]
        tall[place::BLOCK] = blocks + share * (neighbour - blocks)
    drawn = np.empty((len(tall), tall.shape[1] * BLOCK), np.float32)
    padded = np.pad(tall, ((0, 0), (1, 1)), mode="edge")
    for place, share in enumerate(_SHARES):
        neighbour = padded[:, :-2] if place < BLOCK // 2 else padded[:, 2:]
        drawn[:, place::BLOCK] = tall + share * (neighbour - tall)
    return np.ascontiguousarray(drawn[:height, :width])


def _block_means(values: Plane) -> Plane:
    """Return the mean of each block of *values*; one that hangs over the edge repeats what is there."""
    height, width = values.shape
    if height % BLOCK or width % BLOCK:
        values = np.pad(values, ((0, -height % BLOCK), (0, -width % BLOCK)), mode="edge")
    across = sum((values[:, place::BLOCK] for place in range(1, BLOCK)), start=values[:, ::BLOCK])
    total: Plane = sum((across[place::BLOCK] for place in range(1, BLOCK)), start=across[::BLOCK])
    return total * np.float32(1 / BLOCK**2)


# How far the centre of each row of a block lies from the block's own centre, in blocks.
_SHARES = tuple(np.float32(abs((place + 0.5) / BLOCK - 0.5)) for place in range(BLOCK))
