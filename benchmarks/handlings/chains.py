"""Handlings that are several at once: what people and platforms do."""

from __future__ import annotations

import math

import numpy
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.handlings import Generator, Handling, picture_of, plain, then
from benchmarks.handlings.geometry import BICUBIC, LANCZOS, perspective, rotated, scaled
from benchmarks.handlings.values import noise, saved


def in_a_browser(factor: float, share: float, *, dark: bool = False) -> Handling:
    """Show the picture, scaled by *factor*, in a drawn browser window of which it takes *share* of the area."""

    def show(picture: Image.Image, random: Generator) -> Image.Image:
        shown = scaled(factor, LANCZOS)(picture, random)
        around = math.sqrt(1 / share)
        width, height = round(shown.width * around), round(shown.height * around)
        unit = max(2.0, min(width, height) / 60)
        ground, ink, bar = ((32, 33, 36), (200, 202, 206), (53, 54, 58))
        if not dark:
            ground, ink, bar = ((255, 255, 255), (40, 40, 46), (222, 225, 230))
        screen = Image.new("RGB", (width, height), ground)
        draw = ImageDraw.Draw(screen)
        top, side = round(0.35 * (height - shown.height)), round(0.75 * (width - shown.width))
        draw.rectangle((0, 0, width, 0.7 * top), fill=bar)
        draw.rounded_rectangle((6 * unit, 0.2 * top, width - 8 * unit, 0.55 * top), unit, fill=ground)
        draw.text((7 * unit, 0.25 * top), "https://example.org/pictures/1", fill=ink, font_size=max(6, 0.2 * top))
        for place, colour in enumerate(((236, 106, 94), (244, 191, 79), (97, 197, 84))):
            draw.ellipse(((1 + 1.6 * place) * unit, unit, (2 + 1.6 * place) * unit, 2 * unit), fill=colour)
        draw.rectangle((0, 0.7 * top, 0.9 * side, height), fill=tuple(numpy.clip(numpy.array(ground) - 8, 0, 255)))
        for row in range(int((height - top) / (2.2 * unit))):
            words = ("Home", "Explore", "Messages", "Pictures", "Settings", "Help", "About")
            words = f"{words[row % 7]} {random.integers(100)}"
            draw.text((unit, top + 2.2 * row * unit), words, fill=ink, font_size=max(6, 1.3 * unit))
        for row in range(int((height - top - shown.height) / (1.8 * unit))):
            words = "A paragraph of ordinary words under the picture, as pages have them. " * 4
            draw.text((side, top + shown.height + 1.8 * (row + 0.4) * unit), words, fill=ink, font_size=max(6, unit))
        screen.paste(shown, (side, top))
        return screen

    return show


def printed_and_scanned(picture: Image.Image, random: Generator) -> Image.Image:
    """Print and scan: ink dots, dot gain, a sheet that lies a little askew, optics, grain, and a scanner's JPEG."""
    picture = scaled(1.3, LANCZOS)(picture, random)
    y, x = numpy.mgrid[: picture.height, : picture.width].astype(numpy.float32)
    values = numpy.asarray(picture, numpy.float32)
    for channel, angle in enumerate((15, 75, 45)):  # the screens of three inks, each at its own angle
        across = 2.2 * (x * math.cos(math.radians(angle)) + y * math.sin(math.radians(angle)))
        down = 2.2 * (y * math.cos(math.radians(angle)) - x * math.sin(math.radians(angle)))
        screen = numpy.cos(across) + numpy.cos(down)
        values = values.copy() if channel == 0 else values
        tone = values[..., channel] / 255
        values[..., channel] += 28 * screen * tone * (1 - tone) * 2
    values = 18 + 224 * (numpy.clip(values, 0, 255) / 255) ** 1.15
    steps = then(
        perspective(0.006),
        rotated(random.uniform(-1.2, 1.2), cropped=True),
        plain(lambda sheet: sheet.filter(ImageFilter.GaussianBlur(1.0))),
        scaled(0.72, BICUBIC),
        noise(3),
        saved("JPEG", 80),
    )
    return steps(picture_of(values), random)


def photographed_off_a_screen(picture: Image.Image, random: Generator) -> Image.Image:
    """Photograph the picture off a screen: moiré, a tilt, uneven light, blur, grain and a phone's JPEG."""
    y, x = numpy.mgrid[: picture.height, : picture.width].astype(numpy.float32)
    beat = 4 * numpy.sin(0.21 * x + 0.05 * y) + 3 * numpy.sin(0.04 * x - 0.17 * y)
    light = 1.08 - 0.2 * x / picture.width
    values = (numpy.asarray(picture, numpy.float32) + beat[..., None]) * light[..., None]
    steps = then(
        perspective(0.02),
        rotated(random.uniform(-3, 3), cropped=True),
        plain(lambda photo: photo.filter(ImageFilter.GaussianBlur(0.8))),
        scaled(0.85),
        noise(4),
        saved("JPEG", 85),
    )
    return steps(picture_of(values), random)


def with_a_caption_bar(picture: Image.Image, random: Generator) -> Image.Image:
    """Make a meme: a white bar with two lines of text on top of the picture."""
    width, bar = picture.width, max(16, round(picture.height * 0.2))
    meme = Image.new("RGB", (width, picture.height + bar), "white")
    meme.paste(picture, (0, bar))
    draw = ImageDraw.Draw(meme)
    for row, words in enumerate(("nobody:", "the picture: I was made by a machine")):
        place = (width * 0.04, bar * (0.12 + 0.4 * row))
        draw.text(place, words, fill="black", font_size=max(6, min(bar * 0.3, width / 22)))
    return meme
