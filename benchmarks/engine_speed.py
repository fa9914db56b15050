"""How long does the image watermark alone take, and how does that grow with the picture?

    python -m benchmarks.speed --only engine

CPU milliseconds of one thread. Photographs of one megapixel give the times that the bars are about; one picture in
four sizes gives their growth; two threads over 16 pictures give the scaling; a process of its own, the memory. Each
time stands beside Pillow saving the same picture as JPEG, because ratios travel between machines.
"""

from __future__ import annotations

import io
import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy
from PIL import Image

from benchmarks.common import mosaic, photographs
from disclose.watermark import image

PAYLOAD = 0xC0FFEE1234567890
SIDES = {0.25: 512, 1: 1024, 4: 2048, 16: 4096}
LARGE = (8770, 5700)  # 50 megapixels
PICTURES = 16  # for two threads
GROWTH = 1.25  # how much more a megapixel may cost in a picture of 16 than in one of 4
BARS = {
    "embed, CPU ms": ("at most", 20.0),
    "self-check, CPU ms": ("at most", 40.0),
    "fast, marked, CPU ms": ("at most", 40.0),
    "full, unmarked, CPU ms": ("at most", 300.0),
    "embed at 16 MP over 4 MP, for each MP": ("at most", GROWTH),
    "fast at 16 MP over 4 MP, for each MP": ("at most", GROWTH),
    "search at 16 MP over 1 MP": ("at most", GROWTH),
    "embed, two threads over one": ("at least", 1.7),
    "detect, two threads over one": ("at least", 1.7),
    "memory of embed, planes": ("at most", 3.0),
    "memory of detect, planes": ("at most", 3.0),
}

Pixels = numpy.ndarray
Times = dict[str, list[float]]


def measure(runs: int) -> dict[str, object]:
    """Return all that this module measures, and which bars are met."""
    found: dict[str, object] = {
        "load before": round(os.getloadavg()[0], 2),
        "runs": runs,
        "at 1 MP": at_one_megapixel(runs),
        "by size": by_size(runs),
        "two threads": two_threads(runs),
        "memory": memory(),
    }
    return found | {"bars": bars(found)}


def at_one_megapixel(runs: int) -> dict[str, object]:
    """Return the times of each operation over six photographs of a megapixel."""
    times: Times = {}
    for picture in photographs().values():
        pixels = numpy.asarray(_of_area(picture, 2**20))
        marked = image.embed(pixels, PAYLOAD)
        moved = numpy.asarray(_turned_and_cropped(Image.fromarray(marked)))
        operations = {
            "embed": lambda pixels=pixels: image.embed(pixels, PAYLOAD, verify=False),
            "embed with self-check": lambda pixels=pixels: image.embed(pixels, PAYLOAD),
            "fast, unmarked": lambda pixels=pixels: image.detect(pixels, effort="fast"),
            "fast, marked": lambda marked=marked: image.detect(marked, effort="fast"),
            "full, marked": lambda marked=marked: image.detect(marked),
            "full, unmarked": lambda pixels=pixels: image.detect(pixels),
            "full, turned and cropped": lambda moved=moved: image.detect(moved),
            "Pillow's JPEG": lambda pixels=pixels: _saved(pixels),
        }
        _taking_turns(operations, runs, times)
    times["self-check"] = [
        whole - alone for whole, alone in zip(times.pop("embed with self-check"), times["embed"], strict=True)
    ]
    return _beside_pillow(times)


def by_size(runs: int) -> dict[str, object]:
    """Return the times of one picture in four sizes; the search is what the full effort takes beyond the fast."""
    largest = mosaic(4096, 4096)
    found = {}
    for megapixels, side in SIDES.items():
        pixels = numpy.asarray(largest.resize((side, side), Image.Resampling.BOX))
        operations = {
            "embed": lambda pixels=pixels: image.embed(pixels, PAYLOAD, verify=False),
            "fast": lambda pixels=pixels: image.detect(pixels, effort="fast"),
            "full": lambda pixels=pixels: image.detect(pixels),
            "Pillow's JPEG": lambda pixels=pixels: _saved(pixels),
        }
        times = _taking_turns(operations, runs, {})
        times["search"] = [full - fast for full, fast in zip(times.pop("full"), times["fast"], strict=True)]
        found[f"{megapixels:g}"] = _beside_pillow(times)
    return found


def two_threads(runs: int) -> dict[str, object]:
    """Return how much sooner two threads are done with 16 pictures than one, on the clock, turn about.

    Pillow's JPEG, which holds no lock while it writes to a real file, tells what the machine had to give.
    """
    # Different pictures, as in life, but of one size, so that the last does not keep one thread alone.
    pieces = [numpy.asarray(_of_area(picture, 2**20).resize((1024, 1024))) for picture in photographs().values()]
    plain = [pieces[index % len(pieces)] for index in range(PICTURES)]
    marked = [image.embed(pixels, PAYLOAD) for pixels in pieces]
    moved = [numpy.asarray(_turned_and_cropped(Image.fromarray(pixels))) for pixels in marked]
    work: dict[str, tuple[Callable[[Pixels], object], Sequence[Pixels]]] = {
        "embed": (lambda pixels: image.embed(pixels, PAYLOAD), plain),
        "detect": (image.detect, [moved[index % len(moved)] for index in range(PICTURES)]),
        "Pillow's JPEG": (lambda pixels: [_written(pixels) for _ in range(8)], plain),
    }
    ratios: Times = {name: [] for name in work}
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(2) as two:
        for _ in range(runs):
            for name, (do, pictures) in work.items():
                ratios[name].append(_seconds(one, do, pictures) / _seconds(two, do, pictures))
    return {name: _summary(values, digits=2) for name, values in ratios.items()}


def memory() -> dict[str, float]:
    """Return the float32 planes that 50 megapixels take beside the picture and its marked copy, where Linux tells."""
    if not Path("/proc/self/status").exists():
        return {}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_planes).result()


def bars(found: dict[str, dict]) -> list[dict[str, object]]:
    """Return each bar, what was measured, and whether it is met: None where a busy machine leaves it open."""
    at_one, sizes, threads = found["at 1 MP"], found["by size"], found["two threads"]

    def growth(name: str, smaller: str) -> float:
        return sizes["16"][name]["median"] / sizes[smaller][name]["median"]

    measured = {f"{name}, CPU ms": row["median"] for name, row in at_one.items()} | {
        "embed at 16 MP over 4 MP, for each MP": growth("embed", "4") / 4,
        "fast at 16 MP over 4 MP, for each MP": growth("fast", "4") / 4,
        "search at 16 MP over 1 MP": growth("search", "1"),
        "embed, two threads over one": threads["embed"]["median"],
        "detect, two threads over one": threads["detect"]["median"],
    }
    measured |= {f"memory of {name}, planes": planes for name, planes in found["memory"].items()}
    return [
        {
            "bar": name,
            kind: limit,
            "measured": round(measured[name], 2),
            "met": _met(measured[name], kind, limit, spared=threads["Pillow's JPEG"]["median"]),
        }
        for name, (kind, limit) in BARS.items()
        if name in measured
    ]


def _met(measured: float, kind: str, limit: float, spared: float) -> bool | None:
    if kind == "at most":
        return measured <= limit
    # Where not even Pillow gained as much from a second thread, others were using the second core.
    return True if measured >= limit else False if spared >= limit else None


def _taking_turns(operations: dict[str, Callable[[], object]], runs: int, times: Times) -> Times:
    """Add to *times* the CPU milliseconds of each of *operations*, one after the other, so many times over."""
    for run in range(runs + 1):
        for name, do in operations.items():
            started = time.process_time()
            do()
            spent = 1000 * (time.process_time() - started)
            if run:  # tables and caches are made once
                times.setdefault(name, []).append(spent)
    return times


def _beside_pillow(times: Times) -> dict[str, dict[str, object]]:
    """Return the summary of each of *times*, with its median ratio to the JPEG that was saved in the same turn."""
    saving = times["Pillow's JPEG"]
    return {
        name: _summary(values)
        | {"to Pillow's JPEG": round(statistics.median(v / s for v, s in zip(values, saving, strict=True)), 2)}
        for name, values in times.items()
    }


def _summary(values: Sequence[float], digits: int = 1) -> dict[str, object]:
    return {
        "median": round(statistics.median(values), digits),
        "range": [round(min(values), digits), round(max(values), digits)],
    }


def _seconds(pool: ThreadPoolExecutor, do: Callable[[Pixels], object], pictures: Sequence[Pixels]) -> float:
    started = time.perf_counter()
    list(pool.map(do, pictures))
    return time.perf_counter() - started


def _saved(pixels: Pixels) -> None:
    Image.fromarray(pixels).save(io.BytesIO(), "JPEG", quality=90)


def _written(pixels: Pixels) -> None:
    with Path(os.devnull).open("wb") as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=90)


def _of_area(picture: Image.Image, area: int) -> Image.Image:
    factor = math.sqrt(area / (picture.width * picture.height))
    return picture.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.LANCZOS)


def _turned_and_cropped(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    box = (0.15 * width, 0.15 * height, 0.85 * width, 0.85 * height)
    return picture.rotate(12, Image.Resampling.BICUBIC).crop(tuple(map(int, box)))


def _planes() -> dict[str, float]:
    piece = numpy.asarray(mosaic(1024, 1024))
    image.detect(image.embed(piece, PAYLOAD))
    pixels = numpy.asarray(mosaic(*LARGE))
    plane = 4 * pixels.shape[0] * pixels.shape[1]
    found = {}
    for name, do in (("embed", lambda: image.embed(pixels, PAYLOAD)), ("detect", lambda: image.detect(pixels))):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = _held("VmRSS")
        done = do()
        kept = done.nbytes if isinstance(done, numpy.ndarray) else 0
        found[name] = round((_held("VmHWM") - before - kept) / plane, 2)
    return found


def _held(kind: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(kind))
