"""The mask: how strongly each place of a picture can carry the mark unseen.

Amplitude follows local activity (texture hides noise, the idea of Watson 1993 and Podilchuk & Zeng 1998), with a
floor in flat areas, because less than about one grey level is rounded away, and a ceiling, because one busy place
cannot speak for the rest.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from disclose.watermark.image.canonical import Plane

FLOOR = 0.9  # grey levels RMS
CEILING = 4.0
SLOPE = 0.2  # grey levels of mark for each grey level of activity
SPAN = 9  # canonical pixels
HEADROOM = 1.5  # RMS amplitudes kept free below white and above black


def amplitude(plane: Plane) -> Plane:
    """Return the RMS amplitude, in grey levels, that each place of *plane* carries at strength 1."""
    detail = np.sqrt(np.abs(plane - ndimage.uniform_filter(plane, SPAN, mode="nearest")))
    # The mean of roots, squared: a lone edge in a flat area counts for little, texture for what it is.
    activity = np.square(ndimage.uniform_filter(detail, SPAN, mode="nearest"))
    result: Plane = np.clip(FLOOR + SLOPE * activity, None, CEILING)
    return result


def headroom_shift(plane: Plane, amplitudes: Plane) -> Plane:
    """Return the small change, in grey levels, that makes room for the mark near black and white."""
    room = HEADROOM * amplitudes
    darker = np.clip(plane - (255 - room), 0, room)
    lighter = np.clip(room - plane, 0, room)
    result: Plane = lighter - darker
    return result
