"""How often does a picture without a mark look marked, and how often was that claimed?

    python -m benchmarks.calibration --minutes 40
    python -m benchmarks.calibration --plot

Crops of photographs, textures, screenshots, drawings, noise, gradients, synthetic tilings and periodic patterns, and
of pictures that carry *another* key's mark, each examined as a picture of unknown history. Three things are counted:
payloads reported (there must be none); the p-value of presence, against how often it fell as low; and the statistic
of one alignment and one payload at a time, on which the p-value of a payload rests, over many payloads drawn at
random, since a payload's own p-value on an unmarked picture is always 1. Runs add up: each takes crops that the
runs before it did not, as long as the engine is the same; ``--fresh`` starts anew.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import hashlib
import json
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from itertools import islice
from math import exp, log10
from pathlib import Path

import numpy
from PIL import Image
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from scipy import ndimage

import disclose.watermark.image as engine
from benchmarks.common import RESULTS, machine, write
from benchmarks.intervals import at_most
from benchmarks.pictures import load, names
from disclose.watermark.image import code
from disclose.watermark.image.canonical import canonical_plane
from disclose.watermark.image.decode import joint_z, matched
from disclose.watermark.image.detect import ORIENTATIONS
from disclose.watermark.image.tile import tile_of
from disclose.watermark.image.whiten import band_of, folded, whitened

KINDS = ("photograph", "drawing", "another key", "texture", "noise", "gradient", "tiling", "periodic", "screenshot")
SHARE = (0.4, 0.1, 0.1, 0.08, 0.08, 0.06, 0.06, 0.06, 0.06)  # of all crops
KEYS = (None, b"one", b"two", b"three", b"four", b"five")  # as many as the engine keeps prepared
PAYLOADS = 2  # drawn at random for each orientation of each crop
BATCH = 100
LEAST_P = 1e-12
BINS = numpy.linspace(0, -log10(LEAST_P), 121)  # of minus the logarithm of what is claimed


def picture_of(kind: str, random: numpy.random.Generator) -> numpy.ndarray:
    """Return an unmarked crop of *kind*, uint8 (height, width, 3), between 128 and 900 pixels on a side."""
    height, width = (int(random.integers(128, 700)) for _ in range(2))
    if kind in ("photograph", "drawing", "another key", "screenshot"):
        wanted = {"drawing": "hard", "screenshot": "hard"}.get(kind, "photograph")
        pool = [name for name, its in names() if its == wanted and (kind != "screenshot" or "screen" in name)]
        side = int(random.choice([512, 768, 1024, 1400]))
        whole = _marked(pool[random.integers(len(pool))], side) if kind == "another key" else None
        if whole is None:
            whole = _whole(pool[random.integers(len(pool))], wanted, side)
        height, width = min(height, whole.shape[0]), min(width, whole.shape[1])
        top, left = random.integers(whole.shape[0] - height + 1), random.integers(whole.shape[1] - width + 1)
        crop = whole[top : top + height, left : left + width]
        return numpy.ascontiguousarray(crop[:, ::-1] if random.random() < 0.5 else crop)
    return _drawn(kind, height, width, random)


def _drawn(kind: str, height: int, width: int, random: numpy.random.Generator) -> numpy.ndarray:
    y, x = numpy.mgrid[:height, :width].astype(numpy.float32)
    grey = numpy.full((height, width), 128, numpy.float32)
    if kind == "noise":
        smooth = ndimage.gaussian_filter(random.normal(size=(height, width)), random.uniform(0, 4))
        grey += random.uniform(2, 60) * (smooth / smooth.std()).astype(numpy.float32)
    elif kind == "gradient":
        grey = random.uniform(0, 255) + random.normal(0, 0.3) * x + random.normal(0, 0.3) * y
        grey += random.normal(0, random.uniform(0, 1), grey.shape)
    elif kind == "texture":
        for octave in (1, 2, 4, 8, 16):
            rough = ndimage.gaussian_filter(random.normal(size=(height, width)), octave * random.uniform(0.5, 1.5))
            grey += random.uniform(0, 20) * (rough / rough.std()).astype(numpy.float32)
    elif kind == "tiling":
        side = int(random.integers(8, 160))
        tile = ndimage.gaussian_filter(random.normal(size=(side, side)), random.uniform(0, 3), mode="wrap")
        tile = numpy.tile(tile / tile.std(), (height // side + 1, width // side + 1))[:height, :width]
        grey += random.uniform(5, 60) * tile.astype(numpy.float32)
    else:  # periodic
        for _ in range(int(random.integers(1, 5))):
            fx, fy = random.uniform(-0.4, 0.4, 2)
            wave = numpy.sin(2 * numpy.pi * (fx * x + fy * y + random.random()))
            grey += random.uniform(3, 50) * (numpy.sign(wave) if random.random() < 0.5 else wave)
        grey += random.normal(0, random.uniform(0, 4), grey.shape)
    tint = 1 + random.uniform(-0.2, 0.2, 3)
    return numpy.clip(grey[:, :, None] * tint + 0.5, 0, 255).astype(numpy.uint8)


@lru_cache(maxsize=96)
def _whole(name: str, kind: str, side: int) -> numpy.ndarray:
    return load(name, kind, side).pixels


@lru_cache(maxsize=64)
def _marked(name: str, side: int) -> numpy.ndarray:
    return engine.embed(_whole(name, "photograph", side), 0x0123456789ABCDEF, key=b"somebody else")


def examined(seed: int, effort: str) -> dict[str, object]:
    """Examine one batch of crops that *seed* draws, and return the counts."""
    presence = {kind: numpy.zeros(len(BINS), numpy.int64) for kind in KINDS}
    statistic = numpy.zeros(len(BINS), numpy.int64)
    counts = dict.fromkeys(KINDS, 0)
    reported: list[str] = []
    for number in range(BATCH):
        random = numpy.random.default_rng([seed, number])
        kind = str(random.choice(KINDS, p=SHARE))
        pixels = picture_of(kind, random)
        key = KEYS[random.integers(len(KEYS))]
        found = engine.presence(pixels, key=key, effort=effort)
        counts[kind] += 1
        presence[kind] += -log10(max(found.p_value, LEAST_P)) + 1e-9 >= BINS
        if found.detection is not None:
            reported.append(f"{kind}, batch {seed}, crop {number}")
        for value in _statistics(pixels, key or engine.DEFAULT_KEY, random):
            statistic += value >= BINS
    return {
        "counts": counts,
        "presence": {kind: row.tolist() for kind, row in presence.items()},
        "statistic": statistic.tolist(),
        "statistics": BATCH * PAYLOADS * len(ORIENTATIONS),
        "reported": reported,
    }


def _statistics(pixels: numpy.ndarray, key: bytes, random: numpy.random.Generator) -> list[float]:
    """Return minus the logarithm of the bound, exp(-z**2 / 2), for random payloads at random offsets."""
    plane = canonical_plane(Image.fromarray(pixels))
    if plane.min() == plane.max():
        return [0.0] * (PAYLOADS * len(ORIENTATIONS))
    tile, spectrum = tile_of(key), folded(whitened(plane))
    found = []
    for orientation in ORIENTATIONS:
        waves = matched(tile, band_of(spectrum, orientation))
        for _ in range(PAYLOADS):
            symbols = code.encode(int.from_bytes(random.bytes(8), "big"), key)
            z = joint_z(tile, waves, symbols, tuple(random.uniform(0, 128, 2)))
            found.append(-log10(max(exp(-(max(z, 0.0) ** 2) / 2), LEAST_P)))
    return found


def engine_digest() -> str:
    """Return a name for the engine's source, so that counts of different engines are never added up."""
    folder = Path(engine.__file__).parent
    text = b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))
    return hashlib.sha256(text + Path(__file__).read_bytes()).hexdigest()[:16]


def added(total: dict | None, batch: dict) -> dict:
    """Return the sums of two results."""
    if total is None:
        return batch
    return {
        "counts": {kind: total["counts"][kind] + batch["counts"][kind] for kind in KINDS},
        "presence": {
            kind: [a + b for a, b in zip(total["presence"][kind], batch["presence"][kind], strict=True)]
            for kind in KINDS
        },
        "statistic": [a + b for a, b in zip(total["statistic"], batch["statistic"], strict=True)],
        "statistics": total["statistics"] + batch["statistics"],
        "reported": total["reported"] + batch["reported"],
    }


def run(effort: str, minutes: float, crops: int, workers: int, *, fresh: bool) -> None:
    """Examine crops until the time or their number is used up, and add the counts to the results."""
    path = RESULTS / "calibration.json"
    results = json.loads(path.read_text()) if path.exists() and not fresh else {}
    if results.get("engine") != engine_digest():
        results = {"engine": engine_digest(), "machine": machine(), "bins": BINS.tolist(), "efforts": {}}
    entry = results["efforts"].get(effort, {"batches": 0, "sums": None})
    ends = time.monotonic() + 60 * minutes
    first = 10_000_000 if effort == "fast" else 0
    progress = Progress(TextColumn(effort), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with progress, ProcessPoolExecutor(workers) as pool:
        task = progress.add_task(effort, total=crops, completed=entry["batches"] * BATCH)
        upcoming = iter(range(entry["batches"], -(-crops // BATCH)))
        running = {pool.submit(examined, first + batch, effort) for batch in islice(upcoming, workers)}
        while running:
            done = next(as_completed(running))
            running.remove(done)
            entry["sums"] = added(entry["sums"], done.result())
            entry["batches"] += 1
            progress.update(task, advance=BATCH)
            following = next(upcoming, None) if time.monotonic() < ends else None
            if following is not None:
                running.add(pool.submit(examined, first + following, effort))
    if entry["sums"] is None:
        return
    results["efforts"][effort] = entry | {"summary": summary(entry["sums"])}
    print(json.dumps(results["efforts"][effort]["summary"], indent=1))
    print(write("calibration", results))


def summary(sums: dict) -> dict[str, object]:
    """Return what the README says: how many crops, payloads reported, and observed beside claimed rates."""
    crops = sum(sums["counts"].values())
    presence = numpy.sum([sums["presence"][kind] for kind in KINDS], axis=0)
    rates = {}
    for claimed in (1e-1, 1e-2, 1e-3, 1e-4, 1e-6):
        place = int(numpy.argmin(numpy.abs(BINS + log10(claimed))))
        rates[f"{claimed:g}"] = {
            "presence": int(presence[place]),
            "of": crops,
            "statistic": int(sums["statistic"][place]),
            "of_statistics": sums["statistics"],
        }
    return {
        "crops": crops,
        "counts": sums["counts"],
        "payloads_reported": len(sums["reported"]),
        "bound_at_95": at_most(len(sums["reported"]), crops),
        "rates": rates,
    }


def plot() -> Path:
    """Draw observed against claimed rates, and return where."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    results = json.loads((RESULTS / "calibration.json").read_text())
    claimed = 10.0 ** -numpy.array(results["bins"])
    figure, axes = pyplot.subplots(1, 2, figsize=(9.2, 4.2), sharex=True, sharey=True, constrained_layout=True)
    colours = {"full": "#0b6e99", "fast": "#d98200"}
    for effort, entry in results["efforts"].items():
        sums, crops = entry["sums"], entry["summary"]["crops"]
        total = numpy.sum([sums["presence"][kind] for kind in KINDS], axis=0)
        _step(axes[0], claimed, total / crops, colours[effort], f"{effort}: {crops:,} crops")
        axes[0].axhline(1 / crops, color=colours[effort], lw=0.6, ls=":")
        for kind in KINDS:
            if sums["counts"][kind] and effort == "full":
                row = numpy.array(sums["presence"][kind]) / sums["counts"][kind]
                axes[0].plot(claimed[row > 0], row[row > 0], color="#888", lw=0.6, alpha=0.6)
    several = [entry["sums"] for entry in results["efforts"].values()]
    number = sum(sums["statistics"] for sums in several)
    statistic = numpy.sum([sums["statistic"] for sums in several], axis=0) / number
    _step(axes[1], claimed, statistic, "#0b6e99", f"{number:,} alignments and payloads")
    axes[1].axhline(1 / number, color="#0b6e99", lw=0.6, ls=":")
    titles = ("presence of a mark, whole picture\n(thin grey: each kind of picture)", "one payload at one place")
    for axis, title in zip(axes, titles, strict=True):
        axis.plot([1, 1e-9], [1, 1e-9], color="black", lw=0.8, ls="--", label="exact")
        axis.set(xscale="log", yscale="log", xlim=(1.2, 1e-8), ylim=(1e-8, 1.5), xlabel="claimed rate at most")
        axis.set_title(title, fontsize=10)
        axis.grid(alpha=0.25, lw=0.5)
        axis.legend(fontsize=8, frameon=False, loc="lower left")
    axes[0].set_ylabel("observed rate")
    path = RESULTS / "calibration.png"
    figure.savefig(path, dpi=110, facecolor="white")
    return path


def _step(axis, claimed: numpy.ndarray, observed: numpy.ndarray, colour: str, label: str) -> None:
    seen = observed > 0
    axis.plot(claimed[seen], observed[seen], color=colour, lw=1.8, label=label)


def main() -> None:
    """Run, or draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--effort", choices=("fast", "full"), default="full")
    parser.add_argument("--crops", type=int, default=50_000, help="in all, those of earlier runs included")
    parser.add_argument("--minutes", type=float, default=1e9, help="after which no new batch is begun")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--fresh", action="store_true", help="forget earlier runs")
    parser.add_argument("--plot", action="store_true", help="only draw what is there")
    arguments = parser.parse_args()
    if not arguments.plot:
        run(arguments.effort, arguments.minutes, arguments.crops, arguments.workers, fresh=arguments.fresh)
    print(plot())


if __name__ == "__main__":
    main()
