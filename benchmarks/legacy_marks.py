"""Do we read what Stable Diffusion, SDXL and FLUX pipelines embed, as their library does, fast, and nothing else?

    pip install torch && pip install -e ".[interop]" && python -m benchmarks.legacy_marks

Against invisible-watermark itself: the bits of marked and unmarked pictures, and CPU time of one thread in turns.
Then what detection finds of each published message, written as its pipeline writes it and handled in a few ways, and
how often it finds one in pictures that carry none.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy
import skimage.data
from numpy.typing import NDArray
from PIL import Image

from benchmarks.common import encoded, machine, photographs, write
from disclose.asset import Asset
from disclose.watermark import legacy
from disclose.watermark.legacy import Message, Reading
from disclose.watermark.legacy.significance import REPORT_AT

Pixels = NDArray[numpy.uint8]
LENGTHS = (1, 8, 32, 46, 48, 64, 136)
MORE = ("camera", "page", "text", "clock", "coins", "moon", "brick", "grass", "gravel", "colorwheel", "retina")
HANDLINGS: dict[str, Callable[[Pixels], Pixels]] = {
    "none": lambda pixels: pixels,
    "JPEG 98": lambda pixels: _jpeg(pixels, 98),
    "JPEG 95": lambda pixels: _jpeg(pixels, 95),
    "JPEG 90": lambda pixels: _jpeg(pixels, 90),
    "JPEG 80": lambda pixels: _jpeg(pixels, 80),
    "WebP 90": lambda pixels: _saved(pixels, "WEBP", quality=90),
    "crop from below": lambda pixels: pixels[: len(pixels) * 3 // 4],
    "crop from above": lambda pixels: pixels[len(pixels) // 4 + 1 :],
    "0.9 of the size": lambda pixels: numpy.asarray(
        Image.fromarray(pixels).resize([side * 9 // 10 for side in pixels.shape[1::-1]])
    ),
}


def _jpeg(pixels: Pixels, quality: int) -> Pixels:
    return _saved(pixels, "JPEG", quality=quality)


def _saved(pixels: Pixels, file_format: str, **options: object) -> Pixels:
    return Asset.open(encoded(Image.fromarray(pixels), file_format, **options)).content.rgb


def theirs(pixels: Pixels, length: int, method: str) -> NDArray[numpy.bool_]:
    """Return the bits that the package reads."""
    from imwatermark import WatermarkDecoder

    return numpy.array(WatermarkDecoder("bits", length).decode(numpy.ascontiguousarray(pixels[..., ::-1]), method))


def written(pixels: Pixels, message: Message, reading: Reading) -> Pixels:
    """Return *pixels* as the message's pipeline leaves them: through bytes, or through floats and then to bytes."""
    from imwatermark import WatermarkEncoder

    encoder = WatermarkEncoder()
    encoder.set_watermark("bits", message.values)
    given = pixels if reading is Reading.BYTES else pixels.astype(numpy.float32)
    turn = slice(None) if reading is Reading.FLOATS_SWAPPED else slice(None, None, -1)
    marked = numpy.clip(encoder.encode(numpy.ascontiguousarray(given[..., turn]), "dwtDct")[..., turn], 0, 255)
    # black-forest-labs/flux cuts the fraction off, diffusers rounds.
    return numpy.ascontiguousarray(marked if message.family == "FLUX" else numpy.round(marked)).astype(numpy.uint8)


def agreement(pictures: int) -> dict[str, object]:
    """Return how many pictures, marked by the package or by nobody, read as the very same bits."""
    from disclose.watermark.legacy.package import embed

    generator = numpy.random.default_rng(1)
    compared = same = 0
    for pixels, _ in zip(unmarked(generator), range(pictures), strict=False):
        length = int(generator.choice(LENGTHS))
        for method in legacy.METHODS:
            marked = embed(pixels, generator.integers(0, 2, length).tolist(), method=method)
            for candidate in (pixels, marked):
                compared += 1
                ours = legacy.decode(candidate, length, method=method)
                same += bool((ours == theirs(candidate, length, method)).all())
    return {"pictures": compared, "bit for bit the same": same}


def speed(runs: int) -> dict[str, object]:
    """Return CPU milliseconds for one megapixel, ours and theirs in turns, and the median of the ratios."""
    import cv2

    cv2.setNumThreads(1)
    pixels = numpy.asarray(photographs()["astronaut"].resize((1024, 1024)))
    found: dict[str, object] = {}
    for method in legacy.METHODS:
        times = []
        for _ in range(runs + 1):
            started = time.process_time()
            legacy.decode(pixels, 48, method=method)
            between = time.process_time()
            theirs(pixels, 48, method)
            times.append((1000 * (between - started), 1000 * (time.process_time() - between)))
        ours, library = zip(*times[1:], strict=True)
        found[method] = {
            "ours, CPU ms": round(statistics.median(ours), 1),
            "theirs, CPU ms": round(statistics.median(library), 1),
            "times as fast": round(statistics.median(b / a for a, b in times[1:]), 1),
        }
    detecting = []
    for _ in range(runs):
        started = time.process_time()
        legacy.detect(pixels)
        detecting.append(1000 * (time.process_time() - started))
    return {**found, "detecting all messages, CPU ms": round(statistics.median(detecting), 1)}


def found_by_message(sides: tuple[int, ...]) -> dict[str, object]:
    """Return for each message, way of writing and handling how many of the photographs it is found in."""
    counts: dict[str, dict[str, int]] = {}
    pictures = [numpy.asarray(photo.resize((side, side))) for photo in photographs().values() for side in sides]
    for message in legacy.PUBLISHED:
        for reading in message.readings:
            row = counts[f"{message.name}, {reading.value}"] = dict.fromkeys(HANDLINGS, 0)
            row["library alone, all bits right"] = 0
            for pixels in pictures:
                marked = written(pixels, message, reading)
                right = theirs(marked, len(message), "dwtDct") == (message.signs > 0)
                row["library alone, all bits right"] += bool(right.all())
                for name, handle in HANDLINGS.items():
                    found = legacy.detect(handle(marked))
                    row[name] += found is not None and found.message.family == message.family
    return {"pictures": len(pictures), "sides": sides, "found": counts}


def false_alarms(photographic: int, drawn: int) -> dict[str, object]:
    """Return how many messages are found in pictures that carry none,."""
    alarms = {}
    for name, count, source in (("photographs", photographic, unmarked), ("drawings", drawn, drawings)):
        generator = numpy.random.default_rng(2)
        pictures = source(generator)
        alarms[name] = {
            "pictures": count,
            "false alarms": sum(legacy.detect(next(pictures)) is not None for _ in range(count)),
        }
    return {"reported at": REPORT_AT, **alarms}


def unmarked(generator: numpy.random.Generator) -> Iterator[Pixels]:
    """Yield crops of photographs and scans at many scales and sizes, half of them as wide as models make them."""
    pictures = list(photographs().values())
    pictures += [Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in MORE]
    while True:
        picture = pictures[generator.integers(len(pictures))]
        scale = generator.uniform(0.6, 2.5)
        size = [max(320, round(side * scale)) for side in picture.size]
        picture = picture.resize(size, Image.Resampling(int(generator.integers(4))))
        width, height = (int(generator.integers(256, min(side, 520) + 1)) for side in size)
        if generator.random() < 0.5:
            width, height = width // 64 * 64, height // 64 * 64
        left, top = int(generator.integers(size[0] - width + 1)), int(generator.integers(size[1] - height + 1))
        yield numpy.asarray(picture)[top : top + height, left : left + width]


def drawings(generator: numpy.random.Generator) -> Iterator[Pixels]:
    """Yield noise, flat pictures, gradients, repeated tiles, stripes and clouds, in turn."""
    while True:
        height, width = (int(side) for side in generator.choice([256, 320, 384, 512], 2))
        yield generator.integers(0, 256, (height, width, 3), dtype=numpy.uint8)
        flat = generator.integers(0, 256, 3, dtype=numpy.uint8)
        yield numpy.broadcast_to(flat, (height, width, 3)).copy()
        across = numpy.arange(width)[None, :, None] * generator.uniform(-1, 1, 3)
        yield ((across + numpy.arange(height)[:, None, None] * generator.uniform(-1, 1, 3)) % 256).astype(numpy.uint8)
        side = int(generator.choice([8, 16, 24, 32, 64, 96, 128, 256]))
        tile = generator.integers(0, 256, (side // 8, side // 8, 3), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
        yield numpy.tile(tile, (height // side + 1, width // side + 1, 1))[:height, :width]
        colours = generator.integers(0, 256, (2, 3), dtype=numpy.uint8)
        stripes = colours[numpy.arange(width) // int(generator.choice([8, 16, 32, 64, 128])) % 2]
        yield numpy.broadcast_to(stripes[None], (height, width, 3)).copy()
        coarse = generator.integers(0, 256, (height // 16, width // 16, 3), dtype=numpy.uint8)
        yield numpy.asarray(Image.fromarray(coarse).resize((width, height)))


def main() -> None:
    """Measure, print and write ``results/legacy_marks.json``."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--agreement", type=int, default=60)
    arguments.add_argument("--runs", type=int, default=7)
    arguments.add_argument("--unmarked", type=int, default=3000, help="pictures of each of the two kinds")
    given = arguments.parse_args()
    results: dict[str, object] = {"machine": machine()}
    for name, measure in (
        ("agreement", lambda: agreement(given.agreement)),
        ("speed", lambda: speed(given.runs)),
        ("found", lambda: found_by_message((512, 1024))),
        ("false alarms", lambda: false_alarms(given.unmarked, given.unmarked)),
    ):
        results[name] = measure()
        print(name, results[name], flush=True)
    print(write("legacy_marks", results))


if __name__ == "__main__":
    main()
