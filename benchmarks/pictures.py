"""The pictures that robustness is measured on: photographs that come with the tools, and drawn ones that are hard.

Each is a ``photograph`` or ``hard``; the two have bars of their own. Nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy
import skimage.data
import sklearn.datasets
from PIL import Image, ImageDraw
from scipy import ndimage

PHOTOGRAPH, HARD = "photograph", "hard"
SUFFIXES = (".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
_SHIPPED = {
    Path(skimage.data.__file__).parent: (
        "astronaut.png",
        "coffee.png",
        "chelsea.png",
        "rocket.jpg",
        "hubble_deep_field.jpg",
        "motorcycle_left.png",
        "camera.png",
        "retina.jpg",
        "ihc.png",
        "gravel.png",
        "coins.png",
        "moon.png",
    ),
    Path(sklearn.datasets.__file__).parent / "images": ("china.jpg", "flower.jpg"),
}
_WORDS = "The quick brown fox jumps over the lazy dog, and every picture says what it is. "


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to mark: its *name*, its *kind* and its uint8 RGB *pixels*."""

    name: str
    kind: str
    pixels: numpy.ndarray


def names(folder: Path | None = None, limit: int | None = None) -> list[tuple[str, str]]:
    """Return name and kind of the first *limit* pictures, the two kinds mixed in proportion from the start."""
    if folder is None:
        kinds = {PHOTOGRAPH: list(_photographs()), HARD: list(_DRAWN)}
    else:
        found = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        hard = [str(path) for path in found if HARD in path.parts[:-1]]
        kinds = {PHOTOGRAPH: [str(path) for path in found if str(path) not in hard], HARD: hard}
    ranked = [
        ((place + 0.5) / len(entries), name, kind)
        for kind, entries in kinds.items()
        for place, name in enumerate(entries)
    ]
    return [(name, kind) for _, name, kind in sorted(ranked)][:limit]


def load(name: str, kind: str, size: int, folder: Path | None = None) -> Picture:
    """Return one picture with a longer side of *size*; those of a folder are hard if they lie in ``hard/``."""
    if folder is not None:
        picture = scaled(_opened(folder / name), size)
    elif kind == PHOTOGRAPH:
        picture = scaled(_opened(_photographs()[name]), size)
    else:
        picture = _DRAWN[name](size)
    return Picture(name=name, kind=kind, pixels=numpy.array(picture.convert("RGB")))


def pictures(size: int, folder: Path | None = None, limit: int | None = None) -> Iterator[Picture]:
    """Yield the pictures of *folder*, or the project's own."""
    for name, kind in names(folder, limit):
        yield load(name, kind, size, folder)


def scaled(picture: Image.Image, size: int) -> Image.Image:
    """Return *picture* with a longer side of *size*."""
    factor = size / max(picture.size)
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)


def _photographs() -> dict[str, Path]:
    # Releases of scikit-image differ in what they ship, so the results name the pictures that were used.
    paths = (folder / name for folder, files in _SHIPPED.items() for name in files)
    return {path.stem: path for path in paths if path.exists()}


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as picture:
        return picture.convert("RGB")


def _logo(size: int) -> Image.Image:
    picture = Image.new("RGB", (1024, 1024), "white")
    draw = ImageDraw.Draw(picture)
    draw.ellipse((200, 200, 700, 700), fill=(200, 30, 40))
    draw.rectangle((500, 500, 850, 900), fill=(20, 60, 160))
    draw.polygon([(100, 900), (400, 500), (450, 950)], fill=(30, 160, 80))
    draw.text((512, 80), "ACME STUDIO", fill=(20, 20, 20), font_size=90, anchor="ma")
    return scaled(picture, size)


def _line_art(size: int) -> Image.Image:
    picture = Image.new("RGB", (1024, 768), "white")
    draw, random = ImageDraw.Draw(picture), numpy.random.default_rng(3)
    for x, y in random.uniform((60, 60), (960, 700), (26, 2)):
        radius = random.uniform(15, 110)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline="black", width=3)
        draw.line((x, y, *random.uniform((0, 0), (1024, 768))), fill="black", width=2)
    return scaled(picture, size)


def _page(size: int) -> Image.Image:
    picture = Image.new("RGB", (724, 1024), "white")
    draw = ImageDraw.Draw(picture)
    draw.text((60, 50), "On saying what one is", fill="black", font_size=34)
    for row in range(44):
        start = row * 7 % len(_WORDS)
        draw.text((60, 120 + 19 * row), (_WORDS * 3)[start : start + 84], fill=(25, 25, 25), font_size=14)
    return scaled(picture, size)


def _sky(size: int) -> Image.Image:
    y, x = numpy.mgrid[0 : 0.7 : round(0.7 * size) * 1j, 0 : 1 : size * 1j]
    return _picture(numpy.stack([80 + 90 * y + 10 * x, 130 + 80 * y + 8 * x, 205 + 45 * y], axis=-1))


def _screenshot(size: int) -> Image.Image:
    picture = Image.new("RGB", (1024, 640), (246, 246, 248))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, 1024, 40), fill=(50, 60, 80))
    draw.rectangle((0, 40, 180, 640), fill=(230, 232, 238))
    for row, words in enumerate(("Inbox", "Sent", "Drafts", "Pictures", "Settings")):
        draw.text((20, 70 + 36 * row), words, fill=(60, 64, 80), font_size=15)
    for row in range(27):
        draw.text((200, 60 + 21 * row), f"{row} {_WORDS}"[:62], fill=(30, 30, 30), font_size=13)
    photograph = _opened(_photographs()["coffee"])
    picture.paste(photograph.resize((300, 200), Image.Resampling.LANCZOS), (690, 100))
    return scaled(picture, size)


def _dark(size: int) -> Image.Image:
    photograph = scaled(_opened(_photographs()["astronaut"]), size)
    return photograph.point([round(0.15 * value) for value in range(256)] * 3)


def _stars(size: int) -> Image.Image:
    random, height = numpy.random.default_rng(9), round(0.75 * size)
    sky = 14 + 9 * random.standard_normal((height, size, 3))
    lights = numpy.zeros((height, size))
    count = size * height // 900
    lights[random.integers(0, height, count), random.integers(0, size, count)] = random.pareto(1.5, count) * 500
    return _picture(sky + ndimage.gaussian_filter(lights, 1.1)[..., None] * (1, 0.95, 0.85))


def _scan(size: int) -> Image.Image:
    return scaled(_opened(Path(skimage.data.__file__).parent / "page.png"), size)


def _picture(values: numpy.ndarray) -> Image.Image:
    return Image.fromarray(numpy.clip(numpy.rint(values), 0, 255).astype(numpy.uint8))


_DRAWN: dict[str, Callable[[int], Image.Image]] = {
    "logo": _logo,
    "screenshot": _screenshot,
    "line art": _line_art,
    "dark": _dark,
    "page": _page,
    "clear sky": _sky,
    "star field": _stars,
    "scanned page": _scan,
}
