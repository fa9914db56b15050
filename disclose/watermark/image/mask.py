"""The mask: how strongly each place of a picture can carry the mark unseen.

Amplitude follows local activity (texture hides noise, the idea of Watson 1993 and Podilchuk & Zeng 1998), with a
floor in flat areas, because less than about one grey level is rounded away, and a ceiling, because one busy place
cannot speak for the rest. Detection would like the ceiling low: what a busy place carries is mostly noise to it. At
equal PSNR a ceiling of 2.1 in place of 4 is worth 0.7 dB of signal over noise after every codec tried; a mask that is
flat would be worth another decibel, and be seen in skies.
"""

from __future__ import annotations

import numpy as np

from disclose.watermark.image.canonical import Plane
from disclose.watermark.image.local import local_map

FLOOR = 0.95  # grey levels RMS
CEILING = 2.1
SLOPE = 0.2  # grey levels of mark for each grey level of activity
HEADROOM = 1.0  # RMS amplitudes kept free below white


def amplitude(detail: Plane) -> Plane:
    """Return the RMS amplitude, in grey levels, that each place of *detail* carries at strength 1."""
    # The mean of roots, squared: a lone edge in a flat area counts for little, texture for what it is.
    activity = np.abs(detail)
    return local_map(np.sqrt(activity, out=activity), lambda root: np.clip(FLOOR + SLOPE * root * root, None, CEILING))


def headroom_shift(plane: Plane, amplitudes: Plane) -> Plane:
    """Return the small darkening, in grey levels, that makes room for the mark near white.

    Near black the upper half of the mark must do: there even one level of lightening is a large relative change.
    """
    room = HEADROOM * amplitudes
    shift: Plane = 255 - plane
    shift -= room
    np.negative(room, out=room)
    np.maximum(shift, room, out=shift)
    return np.minimum(shift, 0, out=shift)
