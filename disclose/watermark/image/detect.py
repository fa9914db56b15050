"""Detection: find a mark in a picture of unknown history, or say that there is none."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from disclose.watermark.image.canonical import Pixels, Plane, canonical_plane, checked
from disclose.watermark.image.decode import DOUBT_LIMIT, Reading, decoded, matched, sync_of
from disclose.watermark.image.detection import Detection, Geometry
from disclose.watermark.image.search import Search
from disclose.watermark.image.significance import REPORT_AT, p_value
from disclose.watermark.image.spectrum import Spectrum
from disclose.watermark.image.tile import DEFAULT_KEY, VERSION, Tile, tile_of
from disclose.watermark.image.whiten import band_of, folded, whitened

Matrix = NDArray[np.float64]

UPRIGHT = np.eye(2)
ORIENTATIONS = tuple(
    turn @ mirror
    for mirror in (UPRIGHT, np.diag([-1.0, 1.0]))
    for turn in (UPRIGHT, np.array([[0.0, -1.0], [1.0, 0.0]]), -UPRIGHT, np.array([[0.0, 1.0], [-1.0, 0.0]]))
)  # quarter turns and mirror images


def detect(
    pixels: Pixels, *, key: bytes | None = None, effort: Literal["fast", "full"] = "full"
) -> Detection | None:
    """Return the mark found in *pixels*, uint8 (height, width, 3), or None.

    Effort "fast" takes the picture to be uncropped, at any resolution, in any of the eight orientations, positive
    or negative; "full" then searches rotation, scale and mirror image. Raises an InputError for a picture the
    engine does not take.
    """
    key = DEFAULT_KEY if key is None else key
    tile = tile_of(key)
    plane = canonical_plane(Image.fromarray(checked(pixels)))
    white = whitened(plane)
    spectrum = folded(white)
    for tried, matrix in enumerate(ORIENTATIONS, 1):
        reading = _reading(tile, key, spectrum, matrix)
        if reading is not None and _reportable(reading, tried):
            return _detection(reading, matrix, tried, pixels, plane)
    if effort == "fast":
        return None
    found = Search(tile, key, Spectrum.of(white)).run()
    if found is None:
        return None
    tried = len(ORIENTATIONS) + found.tried
    return _detection(found.reading, found.matrix, tried, pixels, plane) if _reportable(found.reading, tried) else None


def fast_reading(plane: Plane, key: bytes) -> Reading | None:
    """Return the reading of an upright, uncropped *plane* if it may be reported, or None."""
    reading = _reading(tile_of(key), key, folded(whitened(plane)), UPRIGHT)
    return reading if reading is not None and _reportable(reading, 1) else None


def _reading(tile: Tile, key: bytes, spectrum: NDArray[np.complex64], matrix: Matrix) -> Reading | None:
    waves = matched(tile, band_of(spectrum, matrix))
    return decoded(tile, key, waves, sync_of(tile, waves))


def _reportable(reading: Reading, tried: int) -> bool:
    return reading.doubt <= DOUBT_LIMIT and p_value(reading.z, tried) <= REPORT_AT


def _detection(reading: Reading, matrix: Matrix, tried: int, pixels: Pixels, plane: Plane) -> Detection:
    """Return *reading* in the terms of the caller, whose coordinates are pixels of the picture examined."""
    height, width = pixels.shape[:2]
    (a, b), (c, d) = (matrix * [plane.shape[1] / width, plane.shape[0] / height]).tolist()
    x, y = reading.offset
    return Detection(
        payload=reading.payload,
        p_value=p_value(reading.z, tried),
        geometry=Geometry(matrix=((a, b, x), (c, d, y)), inverted=reading.sign < 0),
        version=VERSION,
    )
