"""Label drawing: "AI" and a second line on a plate of their own, in the corner of a picture.

White stands on an opaque black plate with a white rim, so it reads on any background: 21 to 1, where WCAG 2.1 (1.4.3)
asks for 4.5. Both lines are at least 5 % of the short side high as long as they fit (GB 45438-2025, 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from math import ceil
from typing import TYPE_CHECKING, Literal

from disclose.errors import UnsupportedError
from disclose.media.image import Picture
from disclose.media.label_outlines import CAPITAL, FINER, filled, texts

if TYPE_CHECKING:
    from PIL.Image import Image

Corner = Literal["top right", "top left", "bottom right", "bottom left"]
Box = tuple[int, int, int, int]
CROPS = {"1:1": 1.0, "4:5": 0.8, "9:16": 0.5625, "16:9": 16 / 9}
"""Shapes that pictures are cut to on their way, as width over height (Code of Practice, Section 2, 1.2.1)."""
SMALLEST_SIDE = 64
"""Pixels that the short side has at least: below, a label that can be read is no longer part of a picture."""

_MAIN = "AI"
_MAIN_SHARE, _SECOND_SHARE = 0.08, 0.05
_MAIN_LEAST, _SECOND_LEAST, _READABLE = 14, 9, 7
_SMALLER = 0.6
_MARGIN_SHARE, _PADDING, _GAP = 0.025, 0.55, 0.55
_WIDEST = 0.6


@dataclass(frozen=True, kw_only=True)
class Label:
    """A label for a picture of ``size``: the grey plate, how much of it covers what is there, and where it stands."""

    plate: Image
    cover: Image
    box: Box
    main: Box
    size: tuple[int, int]

    @cached_property
    def lost_in(self) -> tuple[str, ...]:
        """The shapes of :data:`CROPS` that cut the label off when a picture is cut to them around its middle."""
        return tuple(name for name, shape in CROPS.items() if not _within(self.box, _middle(self.size, shape)))


def label(text: str, size: tuple[int, int], corner: Corner = "top right") -> Label:
    """Return the label with *text* as its second line, for a picture of *size* (width, height).

    Raises UnsupportedError for a picture too small for it, and for words that there are no outlines of.
    """
    width, height = size
    short = min(size)
    if short < SMALLEST_SIDE:
        raise UnsupportedError(
            f"cannot label a picture of {width} × {height} pixels: the short side needs {SMALLEST_SIDE} for words that"
            " can be read; label it beside the picture, or list the layer label as optional"
        )
    main_height = _main_height(short)
    gap, margin = round(_GAP * _second_height(short)), round(_MARGIN_SHARE * short)
    padding = _padding(short)
    rows = _rows(text, _second_height(short), round(_WIDEST * width))
    images = [filled(texts()[_MAIN]["one"], main_height), *rows]
    inner = (max(image.width for image in images), sum(image.height for image in images) + gap * (len(images) - 1))
    plate, cover = _plate(inner[0] + 2 * padding, inner[1] + 2 * padding, short)
    if plate.width > width or plate.height > height:
        raise UnsupportedError(
            f"cannot label a picture of {width} × {height} pixels: {text!r} does not fit into it; label it beside the"
            " picture, or list the layer label as optional"
        )
    right, bottom = corner.endswith("right"), corner.startswith("bottom")
    top, places = padding, []
    for image in images:
        left = plate.width - padding - image.width if right else padding
        plate.paste(255, (left, top), image)
        places.append((left, top, left + image.width, top + image.height))
        top += image.height + gap
    x = max(0, width - plate.width - margin) if right else min(margin, width - plate.width)
    y = max(0, height - plate.height - margin) if bottom else min(margin, height - plate.height)
    return Label(
        plate=plate,
        cover=cover,
        box=(x, y, x + plate.width, y + plate.height),
        main=_moved(places[0], x, y),
        size=size,
    )


def drawn(picture: Picture, made: Label) -> Picture:
    """Return *picture* with the label *made* for its size: opaque where it stands, and nothing else changed.

    Raises UnsupportedError, naming the reason, for a picture of a kind that other colours cannot be put into.
    """
    from PIL import Image as pillow

    picture.check_markable()
    bands = []
    for name, band in zip(picture.native.getbands(), picture.native.split(), strict=True):
        # Grey is the same number in every band but these.
        value = {"A": 255, "Cb": 128, "Cr": 128}.get(name)
        changed = band.copy()
        changed.paste(made.plate if value is None else value, made.box, made.cover)
        bands.append(changed)
    return replace(picture, native=pillow.merge(picture.native.mode, bands), original=None)


def found(picture: Picture, corner: Corner = "top right") -> float:
    """Return how much the picture's corner looks like our "AI": the correlation, 1 for the label as it was drawn.

    It is looked for where it would have been drawn, so it is found in copies of any size, and not after a crop.
    """
    import numpy
    from PIL import Image as pillow

    if min(picture.size) < SMALLEST_SIDE:
        return 0.0
    template = numpy.asarray(_template(), numpy.float32)
    rows, columns = template.shape
    best = 0.0
    for box in _candidates(picture.size, corner):
        area = picture.luma.resize((columns, rows), pillow.Resampling.BOX, box=box)
        seen = numpy.asarray(area, numpy.float32)
        if seen[template > 200].mean() - seen[template < 50].mean() > _CONTRAST:
            best = max(best, float(numpy.corrcoef(seen.ravel(), template.ravel())[0, 1]))
    return best


_CONTRAST = 80.0
_TEMPLATE_HEIGHT = 24


@cache
def _template() -> Image:
    """Return "AI" on its plate, as high as every corner is brought to before it is compared."""
    from PIL import Image as pillow

    letters = filled(texts()[_MAIN]["one"], _TEMPLATE_HEIGHT)
    border = _TEMPLATE_HEIGHT // 4
    image = pillow.new("L", (letters.width + 2 * border, letters.height + 2 * border))
    image.paste(255, (border, border), letters)
    return image


def _candidates(size: tuple[int, int], corner: Corner) -> Iterator[tuple[float, float, float, float]]:
    """Yield where the template would lie in a picture of *size*, give or take what rounding does."""
    width, height = size
    short = min(size)
    high = _main_height(short)
    ratio = high / _TEMPLATE_HEIGHT
    wide = _template().width * ratio
    tall = _template().height * ratio
    border = (_TEMPLATE_HEIGHT // 4) * ratio
    edge = round(_MARGIN_SHARE * short) + _padding(short) - border
    # A plate at the bottom ends with its second line, whose height depends on its words.
    tops = [edge] if corner.startswith("top") else [height - edge - tall - step * high / 8 for step in range(4, 28)]
    left = width - edge - wide if corner.endswith("right") else edge
    for top in tops:
        for across in (-1, 0, 1):
            for down in (-1, 0, 1):
                x, y = left + across * max(1.0, ratio), top + down * max(1.0, ratio)
                if x >= 0 and y >= 0 and x + wide <= width and y + tall <= height:
                    yield x, y, x + wide, y + tall


def _main_height(short: int) -> int:
    return max(_MAIN_LEAST, ceil(_MAIN_SHARE * short))


def _second_height(short: int) -> int:
    return max(_SECOND_LEAST, ceil(_SECOND_SHARE * short))


def _padding(short: int) -> int:
    return round(_PADDING * _main_height(short))


def _rows(text: str, height: int, widest: int) -> list[Image]:
    """Return *text* in one line, or two, or smaller, as it fits into *widest* pixels."""
    if text not in texts():
        raise UnsupportedError(
            f"cannot draw the label {text!r}: there are no outlines of it; run tests/fixtures/label/make.py"
        )
    settings = [[texts()[text]["one"]], *([texts()[text]["two"]] if "two" in texts()[text] else [])]
    # Smaller rather than cut off, and no smaller than can be read.
    sizes = range(height, max(_READABLE, ceil(_SMALLER * height)) - 1, -1)
    for size in sizes:
        for lines in settings:
            if max(line["width"] for line in lines) * size / CAPITAL <= widest:
                return [filled(line, size) for line in lines]
    return [filled(line, sizes[-1]) for line in settings[-1]]


def _plate(width: int, height: int, short: int) -> tuple[Image, Image]:
    """Return an empty plate with its rim, and its shape."""
    from PIL import Image as pillow
    from PIL import ImageDraw

    rim = max(1, round(0.004 * short))
    radius = round(0.25 * _main_height(short))
    big = (width * FINER, height * FINER)

    def rounded(inset: int) -> Image:
        image = pillow.new("L", big)
        corners = (inset * FINER, inset * FINER, big[0] - inset * FINER - 1, big[1] - inset * FINER - 1)
        ImageDraw.Draw(image).rounded_rectangle(corners, max(0, radius - inset) * FINER, fill=255)
        return image.reduce(FINER)

    plate = pillow.new("L", (width, height), 255)
    plate.paste(0, (0, 0), rounded(rim))
    return plate, rounded(0)


def _moved(box: Box, x: int, y: int) -> Box:
    return (box[0] + x, box[1] + y, box[2] + x, box[3] + y)


def _middle(size: tuple[int, int], shape: float) -> Box:
    """Return the largest part of a picture of *size* with *shape* (width over height), around its middle."""
    width, height = size
    wide, high = min(width, height * shape), min(height, width / shape)
    left, top = (width - wide) / 2, (height - high) / 2
    return (ceil(left), ceil(top), int(left + wide), int(top + high))


def _within(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]
