"""How long does marking take, stop by stop, beside merely saving the same picture with Pillow?

    python -m benchmarks.speed [--only engine|marking|credentials]

CPU milliseconds of one thread, the median of several runs, at 0.25, 1 and 4 megapixels for PNG, JPEG and WebP. The
runs of marking and of Pillow take turns, because machines are noisy: trust the ratios more than the numbers. The image
watermark alone is measured more closely in engine_speed.py, signing and verifying in credentials_speed.py.
"""

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks import credentials_speed, engine_speed
from benchmarks.common import RESULTS, encoded, machine, mosaic, write
from disclose.asset import Asset
from disclose.layer import Layer, Recogniser
from disclose.profile import Profile

SIZES = {"0.25": (512, 512), "1": (1024, 1024), "4": (2048, 2048)}
FORMATS = {"PNG": {}, "JPEG": {"quality": 90}, "WEBP": {"quality": 90}}
STOPS = ("decode", "recognise", "watermark", "encode", "sign", "fingerprint", "ledger")
BARS = {"1 MP JPEG, CPU ms": 90.0, "1 MP PNG, times Pillow's save": 1.3}


def stops(profile: Profile, data: bytes) -> dict[str, float]:
    """Mark *data* once, one stop after the other, and return the CPU milliseconds of each."""
    layers: dict[str, Layer] = {layer.name: layer for layer in profile.marker().layers}
    statement = profile.disclosure(system="Benchmark", provider="disclose")
    times: dict[str, float] = {}

    def stop(name: str, do: Callable[[], object]) -> object:
        started = time.process_time()
        result = do()
        times[name] = times.get(name, 0.0) + 1000 * (time.process_time() - started)
        return result

    asset = Asset.open(data)
    stop("decode", lambda: asset.content.luma)
    for layer in reversed(layers.values()):
        if isinstance(layer, Recogniser):
            stop("recognise", lambda layer=layer: layer.carried(asset))
    asset = stop("watermark", lambda: layers["image_watermark"].mark(asset, statement))
    asset = stop("encode", lambda: layers["iptc"].mark(asset, statement))
    stop("encode", lambda: asset.data)
    asset = stop("sign", lambda: layers["c2pa"].mark(asset, statement))
    asset = stop("fingerprint", lambda: layers["fingerprint"].mark(asset, statement))
    stop("ledger", lambda: layers["ledger"].mark(asset, statement))
    return times


def measure(profile: Profile, size: tuple[int, int], file_format: str, runs: int) -> dict[str, object]:
    """Return the medians for one size and format."""
    picture = mosaic(*size)
    data = encoded(picture, file_format, **FORMATS[file_format])
    marker = profile.marker()
    single: dict[str, list[float]] = {name: [] for name in STOPS}
    whole, saving = [], []
    for run in range(runs + 1):
        started = time.process_time()
        # Pillow's own default parameters, which is what the same script without marks would pay.
        _save(picture, file_format)
        saved = time.process_time()
        marker.mark(Asset.open(data), profile.disclosure(system="Benchmark", provider="disclose"))
        marked = time.process_time()
        times = stops(profile, data)
        if run == 0:
            continue  # imports, caches and the first signature are paid once and not each time
        saving.append(1000 * (saved - started))
        whole.append(1000 * (marked - saved))
        for name, value in times.items():
            single[name].append(value)
    return {
        "stops": {name: round(statistics.median(values), 1) for name, values in single.items()},
        "marking": round(statistics.median(whole), 1),
        "marking_range": [round(min(whole), 1), round(max(whole), 1)],
        "saving_with_pillow": round(statistics.median(saving), 1),
        "ratio": round(statistics.median(one / other for one, other in zip(whole, saving, strict=True)), 2),
        "runs": runs,
    }


def _save(picture: Image.Image, file_format: str) -> None:
    picture.save(io.BytesIO(), file_format)


def marking(runs: int) -> dict[str, object]:
    """Return the times of the whole of marking, by size and format, and which bars are met."""
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile(folder=Path(folder))
        for megapixels, size in SIZES.items():
            for file_format in FORMATS:
                found = measure(profile, size, file_format, runs)
                results[f"{megapixels} MP {file_format}"] = found
                print(f"{megapixels:>4} MP {file_format:5} {found}", flush=True)
    measured = {
        "1 MP JPEG, CPU ms": results["1 MP JPEG"]["marking"],
        "1 MP PNG, times Pillow's save": results["1 MP PNG"]["ratio"],
    }
    bars = {name: {"bar": bar, "measured": measured[name], "met": measured[name] <= bar} for name, bar in BARS.items()}
    print(bars)
    return {"machine": machine(), "results": results, "bars": bars}


def engine(runs: int) -> dict[str, object]:
    """Return what the image watermark alone takes, with the machine it was measured on."""
    found = {"machine": machine()} | engine_speed.measure(runs)
    print(json.dumps(found, indent=1))
    return {"engine": found}


def credentials(runs: int) -> dict[str, object]:
    """Return what signing and verifying alone take, with the machine they were measured on."""
    found = {"machine": machine()} | credentials_speed.measure(runs)
    print(json.dumps(found, indent=1))
    return {"credentials": found}


PARTS = {"marking": marking, "engine": engine, "credentials": credentials}


def main() -> None:
    """Measure, print and write ``results/speed.json``; what is not measured stays in it as it was."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", choices=list(PARTS), help="measure one part alone")
    arguments = parser.parse_args()
    path = RESULTS / "speed.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            found |= part(arguments.runs)
    print(write("speed", found))


if __name__ == "__main__":
    main()
