"""Handlings that change values and keep every pixel where it was."""

from __future__ import annotations

import io
import math

import numpy
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter

from benchmarks.handlings import Generator, Handling, picture_of, plain, window_of


def saved(file_format: str, quality: int) -> Handling:
    """Save in a lossy format and open again."""

    def save(picture: Image.Image, random: Generator) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, file_format, quality=quality)
        return Image.open(buffer).convert("RGB")

    return save


def blurred(radius: float) -> Handling:
    """Blur by a Gaussian."""
    return plain(lambda picture: picture.filter(ImageFilter.GaussianBlur(radius)))


def sharpened(radius: float, percent: int) -> Handling:
    """Sharpen by an unsharp mask."""
    return plain(lambda picture: picture.filter(ImageFilter.UnsharpMask(radius, percent, 2)))


def median(size: int) -> Handling:
    """Take the median of *size* × *size* pixels."""
    return plain(lambda picture: picture.filter(ImageFilter.MedianFilter(size)))


def noise(deviation: float) -> Handling:
    """Add Gaussian noise, each channel by itself."""

    def grain(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32)
        return picture_of(values + deviation * random.standard_normal(values.shape, numpy.float32))

    return grain


def salt_and_pepper(share: float) -> Handling:
    """Turn *share* of the pixels black or white."""

    def sprinkle(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.array(picture)
        chance = random.random(values.shape[:2])
        values[chance < share / 2] = 0
        values[chance > 1 - share / 2] = 255
        return Image.fromarray(values)

    return sprinkle


def gamma(exponent: float) -> Handling:
    """Bend the tone curve: above 1 darkens."""
    table = [round(255 * (value / 255) ** exponent) for value in range(256)]
    return plain(lambda picture: picture.point(table * 3))


def hue(turn: float) -> Handling:
    """Turn the colour circle by *turn* of a whole turn."""

    def turned(picture: Image.Image, random: Generator) -> Image.Image:
        circle, *rest = picture.convert("HSV").split()
        moved = circle.point([(value + round(256 * turn)) % 256 for value in range(256)])
        return Image.merge("HSV", (moved, *rest)).convert("RGB")

    return turned


def negative(picture: Image.Image, random: Generator) -> Image.Image:
    """Turn light into dark."""
    return ImageChops.invert(picture)


def vignette(strength: float) -> Handling:
    """Darken towards the corners, by *strength* in the corner itself."""

    def darken(picture: Image.Image, random: Generator) -> Image.Image:
        width, height = picture.size
        y, x = numpy.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = 1 - strength * (x * x + y * y) / 2
        return picture_of(numpy.asarray(picture, numpy.float32) * light[..., None].astype(numpy.float32))

    return darken


def warm(picture: Image.Image, random: Generator) -> Image.Image:
    """Apply a phone's warm filter: amber cast, lifted blacks, more contrast and colour."""
    values = numpy.asarray(ImageEnhance.Color(picture).enhance(1.25), numpy.float32)
    values = values * numpy.array([1.12, 1.0, 0.78], numpy.float32) + numpy.array([14, 8, 4], numpy.float32)
    return ImageEnhance.Contrast(picture_of(values)).enhance(1.15)


def sticker(share: float) -> Handling:
    """Lay an opaque logo over *share* of the area, near a corner."""

    def stick(picture: Image.Image, random: Generator) -> Image.Image:
        picture, (width, height) = picture.copy(), picture.size
        side = math.sqrt(share * width * height)
        left, top = 0.95 * width - side, 0.95 * height - side
        draw = ImageDraw.Draw(picture)
        draw.rounded_rectangle((left, top, left + side, top + side), side / 6, fill=(250, 220, 40))
        draw.ellipse((left + side / 4, top + side / 4, left + 3 * side / 4, top + 3 * side / 4), fill=(200, 30, 60))
        return picture

    return stick


def caption(picture: Image.Image, random: Generator) -> Image.Image:
    """Write two lines of outlined text over the lower part."""
    picture, (width, height) = picture.copy(), picture.size
    draw, size = ImageDraw.Draw(picture), max(8, width / 14)
    for row, words in enumerate(("WHEN THE PICTURE", "SAYS WHAT IT IS")):
        draw.text(
            (width / 2, height * 0.72 + row * size * 1.2),
            words,
            fill="white",
            stroke_fill="black",
            stroke_width=max(1, round(size / 12)),
            anchor="ma",
            font_size=size,
        )
    return picture


def cutout(share: float) -> Handling:
    """Black out a rectangle of *share* of the area, anywhere."""

    def cut(picture: Image.Image, random: Generator) -> Image.Image:
        picture = picture.copy()
        picture.paste((0, 0, 0), window_of(picture, share, random.random(), random.random()))
        return picture

    return cut
