"""The outline: where in a picture the one lies that was marked, which may be a part of it, turned, or larger than it.

A mark repeats in tiles and tells how the two pictures lie over each other up to whole tiles. Which tile it is, the
structure on record tells: of all places, that where most of it agrees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy
from numpy.typing import NDArray
from PIL import Image

from disclose.errors import DiscloseError
from disclose.evidence import Basis, Evidence

if TYPE_CHECKING:
    from disclose.media.likeness import Structure
    from disclose.profile import Profile

Points = list[tuple[float, float]]
_SAMPLES = 4
"""Points of the picture that make a cell of the structure, along a side."""
_LEAST_SHARE = 0.5
"""Of the picture at hand or the one on record, whichever is smaller: what has to lie in both to be a place at all."""

_MOST_PLACES = 1000
"""Beyond, what takes seconds is left out: a small picture's mark all over a very large one."""


def outline(profile: Profile, luma: Image.Image, found: Evidence) -> Points:
    """Return the corners of the marked picture in pixels of *luma* (mode L), as far as they lie within it.

    *found* is the finding of the watermark. Without a record to compare with, the mark is said to lie everywhere.
    """
    everywhere = _frame((0.0, 0.0), luma.size)
    structure = _recorded(profile, found)
    matrix = numpy.vstack([numpy.array(found.details["matrix"], float), [0.0, 0.0, 1.0]])
    if structure is None or abs(numpy.linalg.det(matrix)) < 1e-9:
        return everywhere
    from disclose.media.likeness import CELL

    rows, columns = structure.brighter.shape
    corner = _corner(structure, luma, matrix, inverted=bool(found.details.get("inverted")))
    if corner is None:
        return everywhere
    seen = _moved(numpy.linalg.inv(matrix), _frame(corner, (columns * CELL, rows * CELL)))
    cell = CELL / float(numpy.sqrt(abs(numpy.linalg.det(matrix))))
    return _within(_snapped(seen, luma.size, cell), luma.size) or everywhere


def _recorded(profile: Profile, found: Evidence) -> Structure | None:
    """Return the structure of the picture on record under the identifier of the mark."""
    if found.id is None or found.basis is not Basis.WATERMARK:
        return None
    try:
        records = profile.ledger().find(found.id)
    except DiscloseError:
        return None
    from disclose.media.likeness import Structure

    marks = (record.mark_of("fingerprint") for record in records)
    texts = (mark.details["structure"] for mark in marks if mark is not None and "structure" in mark.details)
    return next((Structure.from_text(text) for text in texts), None)


def _corner(
    structure: Structure, luma: Image.Image, matrix: NDArray[numpy.float64], *, inverted: bool
) -> tuple[float, float] | None:
    """Return the corner of the recorded picture, in canonical coordinates as *matrix* gives them for *luma*.

    None where there are none, or more than can be looked at.
    """
    from disclose.media.likeness import CELL

    places = list(islice(_places(structure, luma, matrix), _MOST_PLACES + 1))
    if not 0 < len(places) <= _MOST_PLACES:
        return None
    step = CELL / _SAMPLES
    grid = numpy.linalg.inv(matrix) @ numpy.diag([step, step, 1.0])
    # Reduced first, so that the points of a cell stand for all of its pixels.
    factor = max(1, int(numpy.sqrt(abs(numpy.linalg.det(grid[:2, :2])))))
    seen = _Seen(luma=luma.reduce(factor), grid=numpy.diag([1 / factor, 1 / factor, 1.0]) @ grid)
    agreements = [seen.agreement(structure, (x / step, y / step)) for x, y in places]
    best = min if inverted else max
    return places[agreements.index(best(agreements))]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The picture at hand, with the matrix ``grid`` from the points that are looked at to its pixels."""

    luma: Image.Image
    grid: NDArray[numpy.float64]

    def agreement(self, structure: Structure, corner: tuple[float, float]) -> float:
        """Return the share of cells that agree with *structure* where its picture would begin at the point *corner*."""
        from disclose.media.likeness import CELL, Structure

        rows, columns = structure.brighter.shape
        points = (columns * _SAMPLES, rows * _SAMPLES)
        moved = self.grid @ numpy.array([[1.0, 0.0, corner[0]], [0.0, 1.0, corner[1]], [0.0, 0.0, 1.0]])
        shown = self.luma.transform(points, Image.Transform.AFFINE, tuple(moved[:2].ravel()), Image.Resampling.BILINEAR)
        at = numpy.array(_moved(moved, _middles(columns, rows)))
        covered = ((at >= 0) & (at <= self.luma.size)).all(axis=1).reshape(rows, columns)
        if not covered.any():
            return 0.5
        brighter = Structure.of(shown, (columns * CELL, rows * CELL)).brighter
        return float((brighter[covered] == structure.brighter[covered]).mean())


def _middles(columns: int, rows: int) -> Points:
    half = _SAMPLES / 2
    return [(column * _SAMPLES + half, row * _SAMPLES + half) for row in range(rows) for column in range(columns)]


def _places(structure: Structure, luma: Image.Image, matrix: NDArray[numpy.float64]) -> Iterator[tuple[float, float]]:
    """Yield the corners, whole tiles apart, from which the recorded picture would share enough with *luma*."""
    from disclose.media.likeness import CELL
    from disclose.watermark.image.tile import TILE

    seen = numpy.array(_moved(matrix, _frame((0.0, 0.0), luma.size)))
    least, most = seen.min(axis=0), seen.max(axis=0)
    size = numpy.array(structure.brighter.shape[::-1]) * CELL
    needed = _LEAST_SHARE * min(float(numpy.prod(most - least)), float(numpy.prod(size)))
    columns, rows = (
        range(int((low - side) // TILE), int(high // TILE) + 1)
        for low, high, side in zip(least, most, size, strict=True)
    )
    for x, y in ((column * TILE, row * TILE) for row in rows for column in columns):
        shared = numpy.minimum(most, (x + size[0], y + size[1])) - numpy.maximum(least, (x, y))
        if (shared > 0).all() and float(numpy.prod(shared)) >= needed:
            yield float(x), float(y)


def _frame(corner: tuple[float, float], size: tuple[float, float]) -> Points:
    (left, top), (width, height) = corner, size
    return [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]


def _moved(matrix: NDArray[numpy.float64], points: Points) -> Points:
    moved = numpy.column_stack([numpy.array(points), numpy.ones(len(points))]) @ matrix.T
    return [(float(x), float(y)) for x, y in moved[:, :2]]


def _snapped(points: Points, size: tuple[int, int], distance: float) -> Points:
    """Return *points* with those near an edge of *size* put on it: the structure is of whole cells alone."""

    def put(value: float, limit: int) -> float:
        return next((float(edge) for edge in (0, limit) if abs(value - edge) <= distance), value)

    return [(put(x, size[0]), put(y, size[1])) for x, y in points]


def _within(points: Points, size: tuple[int, int]) -> Points:
    """Return the corners of what of the convex shape *points* lies within *size* (Sutherland and Hodgman, 1974)."""
    for axis, limit, sign in ((0, 0.0, 1.0), (0, float(size[0]), -1.0), (1, 0.0, 1.0), (1, float(size[1]), -1.0)):
        kept: Points = []
        for here, there in zip(points, (*points[1:], *points[:1]), strict=True):
            inside, next_inside = sign * (here[axis] - limit) >= 0, sign * (there[axis] - limit) >= 0
            if inside:
                kept.append(here)
            if inside != next_inside:
                share = (limit - here[axis]) / (there[axis] - here[axis])
                kept.append((here[0] + share * (there[0] - here[0]), here[1] + share * (there[1] - here[1])))
        points = kept
    return points
