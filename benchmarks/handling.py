"""What happens to pictures out in the world: each function returns a handling of a Pillow picture.

A handling takes the picture and a random generator. Randomness is seeded from the picture itself, so the same picture
is always handled the same way, and no two pictures are.
"""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable

import numpy
from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from scipy import ndimage

Generator = numpy.random.Generator
Handling = Callable[[Image.Image, Generator], Image.Image]
Attack = Callable[[numpy.ndarray], numpy.ndarray]

BICUBIC, LANCZOS = Image.Resampling.BICUBIC, Image.Resampling.LANCZOS
SMALLEST = 32  # pixels; nothing is cropped or scaled below it


def attack(handling: Handling) -> Attack:
    """Return *handling* as a function of uint8 RGB pixels to uint8 RGB pixels."""

    def attacked(pixels: numpy.ndarray) -> numpy.ndarray:
        seed = zlib.crc32(numpy.ascontiguousarray(pixels).data)
        done = handling(Image.fromarray(pixels), numpy.random.default_rng(seed))
        return numpy.array(done.convert("RGB"))

    return attacked


def then(*steps: Handling) -> Handling:
    """Return one handling that takes *steps* in turn."""

    def chain(picture: Image.Image, random: Generator) -> Image.Image:
        for step in steps:
            picture = step(picture, random)
        return picture

    return chain


# What changes values and keeps every pixel where it was.


def plain(change: Callable[[Image.Image], Image.Image]) -> Handling:
    """Return *change* as a handling that has no use for randomness."""
    return lambda picture, random: change(picture)


def saved(file_format: str, quality: int) -> Handling:
    """Save in a lossy format and open again."""

    def save(picture: Image.Image, random: Generator) -> Image.Image:
        buffer = io.BytesIO()
        picture.save(buffer, file_format, quality=quality)
        return Image.open(buffer).convert("RGB")

    return save


def noise(deviation: float) -> Handling:
    """Add Gaussian noise, each channel by itself."""

    def grain(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32)
        return _picture(values + deviation * random.standard_normal(values.shape, numpy.float32))

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


def vignette(strength: float) -> Handling:
    """Darken towards the corners, by *strength* in the corner itself."""

    def darken(picture: Image.Image, random: Generator) -> Image.Image:
        width, height = picture.size
        y, x = numpy.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = 1 - strength * (x * x + y * y) / 2
        return _picture(numpy.asarray(picture, numpy.float32) * light[..., None].astype(numpy.float32))

    return darken


def warm(picture: Image.Image, random: Generator) -> Image.Image:
    """Apply a phone's warm filter: amber cast, lifted blacks, more contrast and colour."""
    values = numpy.asarray(ImageEnhance.Color(picture).enhance(1.25), numpy.float32)
    values = values * numpy.array([1.12, 1.0, 0.78], numpy.float32) + numpy.array([14, 8, 4], numpy.float32)
    return ImageEnhance.Contrast(_picture(values)).enhance(1.15)


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
        picture.paste((0, 0, 0), _window(picture, share, random.random(), random.random()))
        return picture

    return cut


# What moves pixels.


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
        return picture.crop(_window(picture, share, *place, aspect))

    return crop


def padded(left: float, top: float) -> Handling:
    """Shift the picture right and down on a grey ground that is larger by as much."""

    def shift(picture: Image.Image, random: Generator) -> Image.Image:
        offset = (round(left * picture.width), round(top * picture.height))
        ground = Image.new("RGB", (picture.width + offset[0], picture.height + offset[1]), (128, 128, 128))
        ground.paste(picture, offset)
        return ground

    return shift


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


# What people and platforms do, one thing after the other.


def any_part(random_trim: float) -> Handling:
    """Trim each side by up to *random_trim* of it, as a hand with a mouse does."""

    def trim(picture: Image.Image, random: Generator) -> Image.Image:
        left, top, right, bottom = random.uniform(0, random_trim, 4)
        width, height = picture.size
        return picture.crop(
            (int(left * width), int(top * height), int((1 - right) * width), int((1 - bottom) * height))
        )

    return trim


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
    return steps(_picture(values), random)


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
    return steps(_picture(values), random)


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


# What stands in for regeneration: everything fine is thrown away and made up again, without a model.


def bilateral(radius: int, spread: float) -> Handling:
    """Smooth what is not an edge: weights fall with distance and with the difference in luma over *spread*."""

    def smooth(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32)
        luma = numpy.asarray(picture.convert("L"), numpy.float32)
        height, width = luma.shape
        margin = ((radius, radius), (radius, radius))
        wide, guide = numpy.pad(values, (*margin, (0, 0)), "reflect"), numpy.pad(luma, margin, "reflect")
        total, weights = numpy.zeros_like(values), numpy.zeros_like(luma)
        for down in range(2 * radius + 1):
            for across in range(2 * radius + 1):
                away = ((down - radius) ** 2 + (across - radius) ** 2) / (2 * (radius / 1.5) ** 2)
                window = (slice(down, down + height), slice(across, across + width))
                weight = numpy.exp(-away - (guide[window] - luma) ** 2 / (2 * spread**2))
                total += weight[..., None] * wide[window]
                weights += weight
        return _picture(total / weights[..., None])

    return smooth


def non_local_means(strength: float) -> Handling:
    """Replace each patch by the mean of the patches like it."""
    from skimage.restoration import denoise_nl_means

    def denoise(picture: Image.Image, random: Generator) -> Image.Image:
        values = numpy.asarray(picture, numpy.float32) / 255
        done = denoise_nl_means(values, 5, 4, strength / 255, fast_mode=True, channel_axis=-1)
        return _picture(255 * done)

    return denoise


def wavelet_shrink(threshold: float) -> Handling:
    """Shrink the fine wavelet coefficients towards zero (à trous, cubic spline, three levels, soft threshold)."""

    def shrink(picture: Image.Image, random: Generator) -> Image.Image:
        smooth = numpy.asarray(picture, numpy.float32)
        kept = numpy.zeros_like(smooth)
        for level, limit in enumerate((threshold, threshold / 2, threshold / 4)):
            spline = numpy.zeros(4 * 2**level + 1, numpy.float32)
            spline[:: 2**level] = numpy.array([1, 4, 6, 4, 1]) / 16
            coarser = ndimage.correlate1d(ndimage.correlate1d(smooth, spline, 0), spline, 1)
            detail = smooth - coarser
            kept += numpy.sign(detail) * numpy.maximum(numpy.abs(detail) - limit, 0)
            smooth = coarser
        return _picture(smooth + kept)

    return shrink


def sharpened(radius: float, percent: int) -> Handling:
    """Sharpen by an unsharp mask."""
    return plain(lambda picture: picture.filter(ImageFilter.UnsharpMask(radius, percent, 2)))


def blurred(radius: float) -> Handling:
    """Blur by a Gaussian."""
    return plain(lambda picture: picture.filter(ImageFilter.GaussianBlur(radius)))


def median(size: int) -> Handling:
    """Take the median of *size* × *size* pixels."""
    return plain(lambda picture: picture.filter(ImageFilter.MedianFilter(size)))


def negative(picture: Image.Image, random: Generator) -> Image.Image:
    """Turn light into dark."""
    return ImageChops.invert(picture)


def mirrored(picture: Image.Image, random: Generator) -> Image.Image:
    """Swap left and right."""
    return ImageOps.mirror(picture)


def _picture(values: numpy.ndarray) -> Image.Image:
    return Image.fromarray(numpy.clip(numpy.rint(values), 0, 255).astype(numpy.uint8))


def _window(
    picture: Image.Image, share: float, across: float, down: float, aspect: float = 1.0
) -> tuple[int, int, int, int]:
    """Return the box of *share* of the area; *aspect* above 1 makes it wider than the picture's own shape."""
    side = math.sqrt(share)
    width = min(picture.width, max(SMALLEST, round(picture.width * side * math.sqrt(aspect))))
    height = min(picture.height, max(SMALLEST, round(picture.height * side / math.sqrt(aspect))))
    left, top = round(across * (picture.width - width)), round(down * (picture.height - height))
    return left, top, left + width, top + height


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
