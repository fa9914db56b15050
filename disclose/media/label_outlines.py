"""Label outlines: the words of labels as closed curves, and filling them.

They are kept in ``label_outlines.json``, made by ``tests/fixtures/label/make.py``: shaped already, so what is drawn
depends on no font, no shaping library and no version of FreeType, and 35 languages in six scripts take 28 KB of a
wheel. Fonts that cover them would take hundreds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image

CAPITAL = 714
"""The height of a capital letter, in thousandths of an em; ideographs and other scripts are set by the same em."""

FINER = 8
"""How many times finer than its pixels a shape is drawn before it is reduced to them, for soft edges."""
_Contour = tuple[tuple[float, float], ...]
_STEPS = 8
_COMMAND = re.compile("([MLQCZ])([^MLQCZ]*)")


def texts() -> Mapping[str, Any]:
    """Return the lines that there are outlines of: by text, set in one line and, where it can be broken, in two."""
    found: Mapping[str, Any] = _outlines()["texts"]
    return found


def filled(line: Mapping[str, Any], height: int) -> Image:
    """Return *line* with capitals *height* pixels high, white on black (mode L), cut to what is inked."""
    from PIL import Image as pillow
    from PIL import ImageChops, ImageDraw

    scale = height * FINER / CAPITAL
    placed = [
        [(x + left, y + up) for x, y in contour] for number, left, up in line["glyphs"] for contour in _contours(number)
    ]
    across = [x for contour in placed for x, _ in contour]
    up = [y for contour in placed for _, y in contour]
    left, top = min(across), max(up)
    columns = ceil((max(across) - left) * scale / FINER)
    rows = ceil((top - min(up)) * scale / FINER)
    image = pillow.new("1", (columns * FINER, rows * FINER))
    for contour in placed:
        one = pillow.new("1", image.size)
        ImageDraw.Draw(one).polygon([((x - left) * scale, (top - y) * scale) for x, y in contour], fill=1)
        # Contours do not overlap but lie within each other: what is in an even number of them is a hole.
        image = ImageChops.logical_xor(image, one)
    return image.convert("L").reduce(FINER)


@cache
def _contours(number: int) -> tuple[_Contour, ...]:
    """Return the closed polygons of a glyph in thousandths of an em, y upwards."""
    contours: list[_Contour] = []
    points: list[tuple[float, float]] = []
    for letter, numbers in _COMMAND.findall(_outlines()["glyphs"][number]):
        values = [float(value) for value in numbers.split()]
        given = list(zip(values[::2], values[1::2], strict=True))
        if letter == "Z":
            contours.append(tuple(points))
            points = []
        elif letter in "ML":
            points += given
        else:
            points += _curve([points[-1], *given])
    return tuple(contours)


def _curve(control: list[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Yield points along a Bézier curve of any degree (de Casteljau), without its first."""
    for step in range(1, _STEPS + 1):
        t, row = step / _STEPS, control
        while len(row) > 1:
            pairs = pairwise(row)
            row = [(x + t * (x2 - x), y + t * (y2 - y)) for (x, y), (x2, y2) in pairs]
        yield row[0]


@cache
def _outlines() -> dict[str, Any]:
    value: dict[str, Any] = json.loads(files(__package__).joinpath("label_outlines.json").read_text("utf-8"))
    return value
