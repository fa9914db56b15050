"""Detection: find a mark in a picture of unknown history, or say that there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from disclose.watermark.image.align import aligned
from disclose.watermark.image.canonical import LEGIBLE_SIDE, Pixels, Plane, canonical_plane, checked
from disclose.watermark.image.decode import (
    DOUBT_LIMIT,
    NEAR,
    Reading,
    decoded,
    matched,
    prominence,
    rank_score,
    sync_at_corner,
    sync_of,
)
from disclose.watermark.image.detection import Detection, Geometry, Presence
from disclose.watermark.image.search import Search
from disclose.watermark.image.significance import REPORT_AT, p_value, presence_p_value
from disclose.watermark.image.tile import DEFAULT_KEY, TILE, VERSION, Tile, tile_of
from disclose.watermark.image.whiten import band_of, folded, whitened

Matrix = NDArray[np.float64]

CLEAR_Z = 18.5  # joint statistic from which no symbol hangs on half a pixel
UPRIGHT = np.eye(2)
ORIENTATIONS = tuple(
    turn @ mirror
    for mirror in (UPRIGHT, np.diag([-1.0, 1.0]))
    for turn in (UPRIGHT, np.array([[0.0, -1.0], [1.0, 0.0]]), -UPRIGHT, np.array([[0.0, 1.0], [-1.0, 0.0]]))
)  # quarter turns and mirror images


def detect(pixels: Pixels, *, key: bytes | None = None, effort: Literal["fast", "full"] = "full") -> Detection | None:
    """Return the mark found in *pixels*, uint8 (height, width, 3), or None.

    Effort "fast" takes the picture to be uncropped, at any resolution, in any of the eight orientations, positive
    or negative; "full" then searches rotation, scale, aspect, shear and bends. Raises an InputError for pixels of
    another kind than these, or too many of them.
    """
    return presence(pixels, key=key, effort=effort).detection


def presence(pixels: Pixels, *, key: bytes | None = None, effort: Literal["fast", "full"] = "full") -> Presence:
    """Return how likely an unmarked picture would look as marked as *pixels*, and the mark if it can be read.

    Takes, and raises, the same as :func:`detect`.
    """
    if min(checked(pixels).shape[:2]) < LEGIBLE_SIDE:
        return Presence(p_value=1.0, detection=None)
    key = DEFAULT_KEY if key is None else key
    tile = tile_of(key)
    plane = canonical_plane(Image.fromarray(pixels))
    if plane.min() == plane.max():
        return Presence(p_value=1.0, detection=None)
    white = whitened(plane)
    first = _unmoved(tile, key, white, pixels, plane)
    if effort == "fast" or first.is_settled:
        return first.presence
    search = Search(tile, key, white)
    found = search.run()
    # Two looks at one picture: each p-value counts twice.
    p = min(1.0, 2 * min(first.presence.p_value, search.presence_p_value))
    if found is not None:
        tried = len(ORIENTATIONS) + found.tried
        if reportable(found.reading, tried):
            second = _detection(found.reading, found.matrix, found.reading.offset, tried, pixels, plane)
            if first.presence.detection is None or first.presence.detection.payload == second.payload:
                return Presence(p_value=min(p, second.p_value), detection=second)
    return Presence(p_value=p, detection=first.presence.detection)


@dataclass(frozen=True, kw_only=True)
class _First:
    """What a picture shows that nobody moved, and whether the mark's place is certain enough to look no further."""

    presence: Presence
    is_settled: bool = False


def _unmoved(tile: Tile, key: bytes, white: Plane, pixels: Pixels, plane: Plane) -> _First:
    """Return what is read in the eight orientations, one after the other."""
    spectrum = folded(white)
    p = 1.0
    for tried, matrix in enumerate(ORIENTATIONS, 1):
        band = band_of(spectrum, matrix)
        waves = matched(tile, band)
        sync = sync_of(tile, waves)
        reading = decoded(tile, key, waves, sync)
        if reading is not None and reportable(reading, tried):
            pose = aligned(tile, white, reading, matrix)
            found = _detection(reading, *(pose or (matrix, reading.offset)), tried, pixels, plane)
            return _First(presence=Presence(p_value=found.p_value, detection=found), is_settled=pose is not None)
        score = rank_score(tile, band)
        anywhere = presence_p_value(score, 1, sync.z, 1)
        in_place = presence_p_value(score, 1, sync_at_corner(tile, waves), 1, NEAR)
        p = min(p, 2 * len(ORIENTATIONS) * min(anywhere, in_place))
    return _First(presence=Presence(p_value=p, detection=None))


@dataclass(frozen=True, kw_only=True)
class Legibility:
    """How well an upright, uncropped plane reads: the reading, if one may be reported, and its prominence."""

    reading: Reading | None
    prominence: float


def legibility(plane: Plane, key: bytes) -> Legibility:
    """Return how well *plane* reads under *key*, for the embedder's self-check."""
    tile = tile_of(key)
    band = band_of(folded(whitened(plane)), UPRIGHT)
    waves = matched(tile, band)
    sync = sync_of(tile, waves)
    # An uncropped plane begins where the tile does: knowing that spares the decoder its second round.
    at_corner = replace(sync, offset=(0.0, 0.0)) if max(map(abs, sync.offset)) < 1 else sync
    reading = _reported(decoded(tile, key, waves, at_corner))
    if reading is not None and reading.z < CLEAR_Z and at_corner is not sync:
        # The detector does not know it, and half a pixel may cost it a weak symbol.
        unaided = _reported(decoded(tile, key, waves, sync))
        reading = reading if unaided is not None and unaided.payload == reading.payload else None
    return Legibility(reading=reading, prominence=prominence(tile, band))


def _reported(reading: Reading | None) -> Reading | None:
    """Return a first *reading* if it may be reported."""
    return reading if reading is not None and reportable(reading, 1) else None


def reportable(reading: Reading, tried: int) -> bool:
    """Whether *reading*, found among so many *tried* alignments, is sure enough to be reported."""
    return reading.doubt <= DOUBT_LIMIT and p_value(reading.z, tried) <= REPORT_AT


def _detection(
    reading: Reading, matrix: Matrix, offset: tuple[float, float], tried: int, pixels: Pixels, plane: Plane
) -> Detection:
    """Return *reading* in the terms of the caller, whose coordinates are pixels of the picture examined."""
    height, width = pixels.shape[:2]
    (a, b), (c, d) = (matrix * [plane.shape[1] / width, plane.shape[0] / height]).tolist()
    return Detection(
        payload=reading.payload,
        p_value=p_value(reading.z, tried),
        geometry=Geometry(matrix=((a, b, offset[0] % TILE), (c, d, offset[1] % TILE)), inverted=reading.sign < 0),
        version=VERSION,
    )
