"""Alignment: measure how the mark drifts over a picture, and set the geometry right.

A picture cropped by a hundredth still reads as if it were whole, but its corners lie pixels from where they are taken
to be. Each quarter of the plane is folded alone and its offset measured; the differences give the linear map (local
tracking after Voloshynovskiy et al. 2001, here with four blocks).
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.decode import Reading, joint_z, matched, refined_offset
from disclose.watermark.image.tile import Tile
from disclose.watermark.image.whiten import band_of, folded

LEAST_SHARE = 0.4  # of the whole plane's statistic, below which a quarter is not trusted; half is to be expected

Matrix = NDArray[np.float64]


def aligned(tile: Tile, white: Plane, reading: Reading, matrix: Matrix) -> tuple[Matrix, tuple[float, float]] | None:
    """Return *matrix* and the offset of *reading*, corrected by what each quarter of *white* shows.

    None means that a quarter shows too little: it is damaged, or further out than a tile's waves can tell.
    """
    height, width = white.shape
    places, offsets = [], []
    for top, left in product((0, height // 2), (0, width // 2)):
        quarter = white[top : top + height // 2, left : left + width // 2]
        waves = reading.sign * matched(tile, band_of(folded(quarter, (left, top)), matrix))
        offset = refined_offset(tile, waves, reading.symbols, reading.offset)
        if joint_z(tile, waves, reading.symbols, offset) < LEAST_SHARE * reading.z:
            return None
        places.append((left + width / 4, top + height / 4, 1.0))
        offsets.append(offset)
    drift = np.linalg.lstsq(np.array(places), np.array(offsets), rcond=None)[0].T
    return matrix + drift[:, :2], (float(drift[0, 2]), float(drift[1, 2]))
