"""Handlings that move pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy
from PIL import Image, ImageOps
from scipy import ndimage

from benchmarks.handlings import SMALLEST, Generator, Handling, window_of

BICUBIC, LANCZOS = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS


def scaled(factor: float, resample: Image.Resampling = BICUBIC) -> Handling:
    """Scale both sides by *factor*."""
    return stretched(factor, factor, resample)


def stretched(across: float, down: float, resample: Image.Resampling = BICUBIC) -> Handling:
    """Scale the width by *across* and the height by *down*."""

    def stretch(picture: Image.Image, random: Generator) -> Image.Image:
        size = (round(picture.width * across), round(picture.height * down))
        return picture.resize(tuple(max(SMALLEST, side) for side in size), resample)

    return stretch


def within(longer: int) -> Handling:
    """Scale down, if need be, until the longer side is *longer* pixels."""

    def fit(picture: Image.Image, random: Generator) -> Image.Image:
        factor = min(1.0, longer / max(picture.size))
        return scaled(factor, LANCZOS)(picture, random)

    return fit


def and_back(handling: Handling) -> Handling:
    """Scale to the picture's own size after *handling*."""
    return lambda picture, random: handling(picture, random).resize(picture.size, BICUBIC)


def part(share: float, *, across: float | None = 0.5, down: float | None = 0.5, aspect: float = 1.0) -> Handling:
    """Crop to *share* of the area, placed at *across* and *down* of the room there is, or anywhere where None."""

    def crop(picture: Image.Image, random: Generator) -> Image.Image:
        place = [random.random() if at is None else at for at in (across, down)]
        return picture.crop(window_of(picture, share, *place, aspect))

    return crop


def any_part(random_trim: float) -> Handling:
    """Trim each side by up to *random_trim* of it, as a hand with a mouse does."""

    def trim(picture: Image.Image, random: Generator) -> Image.Image:
        left, top, right, bottom = random.uniform(0, random_trim, 4)
        width, height = picture.size
        return picture.crop(
            (int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height))
        )

    return trim


def padded(left: float, top: float) -> Handling:
    """Shift the picture right and down on a grey ground that is larger by as much."""

    def shift(picture: Image.Image, random: Generator) -> Image.Image:
        offset = (round(left * picture.width), round(top * picture.height))
        ground = Image.new("RGB", (picture.width + offset[0], picture.height + offset[1]), (128, 128, 128))
        ground.paste(picture, offset)
        return ground

    return shift


def mirrored(picture: Image.Image, random: Generator) -> Image.Image:
    """Swap left and right."""
    return ImageOps.mirror(picture)


def rotated(degrees: float | None, *, expand: bool = False, cropped: bool = False) -> Handling:
    """Rotate by *degrees*, or anyhow where None, on black; *cropped* keeps the largest rectangle without corners."""

    def turn(picture: Image.Image, random: Generator) -> Image.Image:
        angle = random.uniform(0, 360) if degrees is None else degrees
        turned = picture.rotate(angle, BICUBIC, expand=expand or cropped)
        if not cropped:
            return turned
        width, height = _inside(*picture.size, math.radians(angle))
        left, top = (turned.width - width) / 2, (turned.height - height) / 2
        return turned.crop((math.ceil(left), math.ceil(top), int(left + width), int(top + height)))

    return turn


def sheared(across: float, down: float) -> Handling:
    """Shear about the centre, *across* along x and *down* along y."""

    def shear(picture: Image.Image, random: Generator) -> Image.Image:
        x, y = picture.width / 2, picture.height / 2
        coefficients = (1, across, -across * y, down, 1, -down * x)
        return picture.transform(picture.size, Image.Transform.AFFINE, coefficients, BICUBIC)

    return shear


def perspective(share: float) -> Handling:
    """Pull each corner inwards or outwards by up to *share* of the side, in a direction of its own."""

    def tilt(picture: Image.Image, random: Generator) -> Image.Image:
        corners = numpy.array([(0, 0), (1, 0), (1, 1), (0, 1)], float) * picture.size
        signs = random.choice([-1, 1], (4, 2)) * random.uniform(0.5, 1, (4, 2))
        if numpy.ptp(signs, axis=0).max() < 0.5:
            signs[0] *= -1  # four corners that all go the same way are only a shift
        moved = corners + share * signs * picture.size
        rows, targets = [], []
        for (x, y), (u, v) in zip(corners, moved, strict=True):
            rows += [(x, y, 1, 0, 0, 0, -u * x, -u * y), (0, 0, 0, x, y, 1, -v * x, -v * y)]
            targets += [u, v]
        coefficients = numpy.linalg.solve(numpy.array(rows), numpy.array(targets))
        return picture.transform(picture.size, Image.Transform.PERSPECTIVE, tuple(coefficients), BICUBIC)

    return tilt


def bent(pixels: float) -> Handling:
    """Bend locally by a smooth random field of standard deviation *pixels* for a side of 1024 (StirMark's bending)."""

    def field(x: numpy.ndarray, y: numpy.ndarray, size: int, random: Generator) -> numpy.ndarray:
        coarse = random.standard_normal((2, 10, 10))
        at = numpy.array([y, x]) * 7 / size + 1
        smooth = numpy.array([ndimage.map_coordinates(part, at, order=3, mode="nearest") for part in coarse])
        return smooth * pixels * (size / 1024) / smooth.std()

    return _warped(field)


def waved(pixels: float, waves: float) -> Handling:
    """Bend by sine waves of amplitude *pixels* for a side of 1024, *waves* of them along each side."""

    def field(x: numpy.ndarray, y: numpy.ndarray, size: int, random: Generator) -> numpy.ndarray:
        phase = random.uniform(0, 2 * math.pi, 2)
        turns = 2 * math.pi * waves / size
        return pixels * (size / 1024) * numpy.array([numpy.sin(turns * y + phase[0]), numpy.sin(turns * x + phase[1])])

    return _warped(field)


def barrel(strength: float) -> Handling:
    """Distort as a wide lens does: the corner moves by *strength* of its distance from the centre."""

    def field(x: numpy.ndarray, y: numpy.ndarray, size: int, random: Generator) -> numpy.ndarray:
        centre_x, centre_y = x.max() / 2, y.max() / 2
        away = numpy.array([x - centre_x, y - centre_y])
        return strength * away * (away**2).sum(0) / (centre_x**2 + centre_y**2)

    return _warped(field)


def _inside(width: float, height: float, angle: float) -> tuple[float, float]:
    """Return the sides of the largest upright rectangle inside a *width* × *height* one turned by *angle*."""
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    longer, shorter = max(width, height), min(width, height)
    if shorter <= 2 * sine * cosine * longer or abs(sine - cosine) < 1e-9:
        half = shorter / 2  # two of the corners touch the longer sides only
        wide, high = (half / sine, half / cosine) if width >= height else (half / cosine, half / sine)
        return wide, high
    double = cosine * cosine - sine * sine
    return (width * cosine - height * sine) / double, (height * cosine - width * sine) / double


Field = Callable[[numpy.ndarray, numpy.ndarray, int, Generator], numpy.ndarray]


def _warped(field: Field, cell: int = 16) -> Handling:
    """Move pixels by *field*, which gives the displacement along x and y; exact on a grid, bilinear within a cell."""

    def warp(picture: Image.Image, random: Generator) -> Image.Image:
        width, height = picture.size
        across = numpy.unique(numpy.append(numpy.arange(0, width, cell), width))
        down = numpy.unique(numpy.append(numpy.arange(0, height, cell), height))
        x, y = numpy.meshgrid(across.astype(float), down.astype(float))
        moved = numpy.array([x, y]) + field(x, y, max(width, height), random)
        mesh = []
        for row in range(len(down) - 1):
            for column in range(len(across) - 1):
                box = (across[column], down[row], across[column + 1], down[row + 1])
                quad = moved[:, [row, row + 1, row + 1, row], [column, column, column + 1, column + 1]]
                mesh.append((tuple(int(side) for side in box), tuple(quad.T.ravel())))
        return picture.transform(picture.size, Image.Transform.MESH, mesh, BICUBIC)

    return warp
