"""dwtDct: a bit a block, in the largest coefficient of 4 × 4 low-band values.

Despite its name, invisible-watermark 0.2.0 does without the cosine transform here (imwatermark/maxDct.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.legacy.haar import BLOCK

SCALE = 36  # the library's default, which every published pipeline uses


def block_bits(band: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the bit that each whole 4 × 4 block of the low *band* reads as, in reading order.

    The first of the sixteen values is left alone. Of the rest, the one of the greatest magnitude was moved to a
    quarter (for 0) or three quarters (for 1) of a step of 36.
    """
    rows, columns = (side // BLOCK * BLOCK for side in band.shape)
    magnitudes = np.abs(band[:rows, :columns])
    magnitudes[::BLOCK, ::BLOCK] = 0
    # Four strided maxima are several times as fast as one over blocks laid out side by side.
    for _ in range(2):
        magnitudes = np.maximum.reduce([magnitudes[start::BLOCK] for start in range(BLOCK)]).T
    result: NDArray[np.bool_] = (magnitudes % SCALE > SCALE / 2).reshape(-1)
    return result
