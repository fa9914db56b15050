"""Likeness: whether one picture shows a part of another, once it is known how the two lie over each other.

A perceptual hash describes a whole picture and is lost by a crop of a quarter. A watermark survives that crop and
tells where the part lay, up to whole tiles. So the issued picture leaves a coarse structure behind (one bit a
cell: brighter or darker than its surroundings), and a part is held against it cell by cell.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy
from numpy.typing import NDArray
from PIL import Image

CELL = 8
"""Side of a cell in canonical pixels (a picture's canonical area is 512 × 512)."""
_SURROUNDINGS = 9
_SMOOTHING = 1.0  # standard deviation, in cells, of what is kept; a part is compared as it is
_FAINT, _STRONG = 2.0, 16.0
_FEWEST_CELLS = 48.0
_COVERED_PART = 0.7  # of the structure to be seen in a part, at least, that must lie within the picture
_COVERED_WHOLE = 0.95  # of the picture's cells, at least, that must be seen on a page which shows it whole


@dataclass(frozen=True, kw_only=True, eq=False)
class Structure:
    """One bit a cell, shape (rows, columns): whether the cell is brighter than its surroundings."""

    brighter: NDArray[numpy.bool_]

    @classmethod
    def of(cls, luma: Image.Image, canonical: tuple[int, int]) -> Self:
        """Return the structure of *luma* (mode L), whose *canonical* width and height are given.

        It is smoothed: a third fewer bytes describe it (disclose.ledger.bilevel), and parts agree with it hardly less.
        """
        from scipy.ndimage import gaussian_filter

        columns, rows = max(1, canonical[0] // CELL), max(1, canonical[1] // CELL)
        box = (0, 0, luma.width * columns * CELL / canonical[0], luma.height * rows * CELL / canonical[1])
        small = luma.resize((columns, rows), Image.Resampling.BOX, box=box, reducing_gap=2.0)
        cells = gaussian_filter(numpy.asarray(small, numpy.float32), _SMOOTHING)
        return cls(brighter=_contrast(cells, numpy.ones_like(cells)) > 0)

    def to_text(self) -> str:
        """Return the structure as ``columns x rows : base64``."""
        rows, columns = self.brighter.shape
        return f"{columns}x{rows}:{base64.b64encode(numpy.packbits(self.brighter).tobytes()).decode('ascii')}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read what :meth:`to_text` wrote; raises ValueError on anything else."""
        size, _, packed = text.partition(":")
        columns, rows = (int(number) for number in size.split("x"))
        bits = numpy.unpackbits(numpy.frombuffer(base64.b64decode(packed), numpy.uint8))
        return cls(brighter=bits[: rows * columns].reshape(rows, columns).astype(bool))

    def agreement(
        self, luma: Image.Image, matrix: NDArray[numpy.float64], *, tile: int, inverted: bool
    ) -> float | None:
        """Return how much of *luma* agrees with this structure, 0.5 for an unrelated picture and 1.0 for the same.

        *matrix* (2, 3) takes points of *luma* to canonical coordinates, both with the corner at (0, 0), exact up to
        whole *tile* sides;
        every place that leaves is tried and the best is returned. *inverted* says that the picture is a negative.
        None means that too little structure is left to tell.
        """
        contrast, weight, origin = _aligned(luma, matrix)
        if inverted:
            contrast = -contrast
        weight = weight * numpy.clip(numpy.abs(contrast) - _FAINT, 0.0, _STRONG)
        least = _FEWEST_CELLS * _STRONG / 4
        if weight.sum() < least:
            return None
        best = 0.0
        for stored, part, weights in self._overlaps(contrast > 0, weight, origin, tile // CELL):
            covered = float(weights.sum())
            # A place where most of the part would hang over the edge of the picture is not a place, unless the whole
            # picture is there: then what surrounds it is the page that it is shown on.
            is_part = covered >= _COVERED_PART * float(weight.sum())
            is_whole = stored.size >= _COVERED_WHOLE * self.brighter.size and covered >= least
            if is_part or is_whole:
                best = max(best, float(weights[stored == part].sum()) / covered)
        return best if best > 0 else None

    def _overlaps(
        self, part: NDArray[numpy.bool_], weight: NDArray[numpy.float32], origin: tuple[int, int], step: int
    ) -> Iterator[tuple[NDArray[numpy.bool_], NDArray[numpy.bool_], NDArray[numpy.float32]]]:
        rows, columns = self.brighter.shape
        height, width = part.shape
        for top in range(origin[1] % step - step * (height // step + 1), rows, step):
            for left in range(origin[0] % step - step * (width // step + 1), columns, step):
                first_row, first_column = max(0, top), max(0, left)
                last_row, last_column = min(rows, top + height), min(columns, left + width)
                if first_row < last_row and first_column < last_column:
                    inside = (
                        slice(first_row - top, last_row - top),
                        slice(first_column - left, last_column - left),
                    )
                    stored = self.brighter[first_row:last_row, first_column:last_column]
                    yield stored, part[inside], weight[inside]


def _aligned(
    picture: Image.Image, matrix: NDArray[numpy.float64]
) -> tuple[NDArray[numpy.float32], NDArray[numpy.float32], tuple[int, int]]:
    """Return *picture* laid into the canonical cells: contrast, weight (share of a cell covered) and first cell."""
    width, height = picture.size
    corners = numpy.array([[0, 0], [width, 0], [0, height], [width, height]], float)
    mapped = corners @ matrix[:, :2].T + matrix[:, 2]
    first = numpy.floor(mapped.min(axis=0) / CELL).astype(int)
    last = numpy.ceil(mapped.max(axis=0) / CELL).astype(int)
    columns, rows = (int(side) for side in numpy.clip(last - first, 1, 512))

    # Reduce first, so that sampling four points a cell averages all pixels of the cell.
    scale = float(numpy.sqrt(abs(numpy.linalg.det(matrix[:, :2]))))
    target = max(1.0, min(width, width * scale / (CELL / 4))), max(1.0, min(height, height * scale / (CELL / 4)))
    small = round(target[0]), round(target[1])
    luma = picture.resize(small, Image.Resampling.BOX)
    inverse = numpy.linalg.inv(numpy.vstack([matrix, [0, 0, 1]]))
    shrink = numpy.diag([small[0] / width, small[1] / height, 1.0])
    grid = shrink @ inverse @ _place(first * CELL, CELL / 4)
    size = (columns * 4, rows * 4)
    coefficients = tuple(grid[:2].ravel())
    warped = luma.transform(size, Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    inside = Image.new("L", small, 255).transform(size, Image.Transform.AFFINE, coefficients)
    coverage = _cells(inside) / 255.0
    cells = numpy.where(coverage > 0.95, _cells(warped), 0.0)
    covered = (coverage > 0.95).astype(numpy.float32)
    return _contrast(cells, covered), covered, (int(first[0]), int(first[1]))


def _contrast(cells: NDArray[numpy.float32], covered: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """Return each cell less the mean of the covered cells around it."""
    total, count = _window_sum(cells * covered), _window_sum(covered)
    return ((cells - total / numpy.maximum(count, 1.0)) * covered).astype(numpy.float32)


def _window_sum(values: NDArray[numpy.float32]) -> NDArray[numpy.float64]:
    reach = _SURROUNDINGS // 2
    padded = numpy.pad(values.astype(numpy.float64), ((reach + 1, reach), (reach + 1, reach)))
    summed = padded.cumsum(axis=0).cumsum(axis=1)
    side = _SURROUNDINGS
    corners = summed[side:, side:] - summed[:-side, side:] - summed[side:, :-side] + summed[:-side, :-side]
    result: NDArray[numpy.float64] = corners
    return result


def _cells(samples: Image.Image) -> NDArray[numpy.float32]:
    width, height = samples.size
    values = numpy.asarray(samples, numpy.float32).reshape(height // 4, 4, width // 4, 4)
    result: NDArray[numpy.float32] = values.mean(axis=(1, 3))
    return result


def _place(corner: NDArray[numpy.int_], step: float) -> NDArray[numpy.float64]:
    return numpy.array([[step, 0, corner[0]], [0, step, corner[1]], [0, 0, 1.0]])
