"""Detection: whether a picture carries a published message, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from disclose.watermark.legacy.decode import LEAST_PIXELS, block_bits, shares
from disclose.watermark.legacy.messages import PUBLISHED, Message, Reading
from disclose.watermark.legacy.significance import REPORT_AT, leanings, p_value

MOST_PIXELS = 4 << 20  # read of a picture: the message repeats from the top, so more would only take longer


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A message that was found, the p-value of finding it by chance, and how it was read.

    ``agreement`` is the share, from -1 to 1, of the bits' leanings that speak for the message.
    """

    message: Message
    p_value: float
    reading: Reading
    agreement: float


def detect(pixels: NDArray[np.uint8], messages: tuple[Message, ...] = PUBLISHED) -> Detection | None:
    """Return the surest of *messages* in *pixels*, uint8 (height, width, 3), or None where none is sure.

    Reads by dwtDct, as all published messages are written. A picture of fewer than 256 · 256 pixels cannot have been
    marked. A mark lives on in the very pixels (PNG), in JPEG of quality 98 and often 95, and in a crop from below; it
    does not survive any resize, rotation or other crop.
    """
    if pixels.shape[0] * pixels.shape[1] < LEAST_PIXELS:
        return None
    rows = max(MOST_PIXELS // pixels.shape[1] // 8 * 8, 8)
    seen = pixels[:rows]
    readings = {reading: block_bits(seen, reading=reading) for reading in _needed(messages)}
    trials = sum(len(message.readings) for message in messages)
    best: Detection | None = None
    for message in messages:
        for reading in message.readings:
            weights = leanings(shares(readings[reading], len(message)), message.period)
            p = p_value(weights, message.signs, trials=trials)
            if p <= REPORT_AT and (best is None or p < best.p_value):
                agreement = float(weights @ message.signs / np.abs(weights).sum())
                best = Detection(message=message, p_value=p, reading=reading, agreement=agreement)
    return best


def _needed(messages: tuple[Message, ...]) -> list[Reading]:
    return [reading for reading in Reading if any(reading in message.readings for message in messages)]
