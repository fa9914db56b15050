"""What do Content Credentials alone cost: to sign, to verify, in the file, and in memory over thousands of files?

    python -m benchmarks.speed --only credentials

Milliseconds on the clock and of CPU, the median of many runs, for a picture of one megapixel as JPEG, PNG and WebP,
with an ES256 key in a file. Each time stands beside Pillow saving the same picture as JPEG. What 2,000 signings and
2,000 readings leave behind in memory is measured in a process of its own, after some to warm up.
"""

from __future__ import annotations

import io
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image

from benchmarks.common import encoded, mosaic
from disclose.asset import Asset
from disclose.disclosure import Disclosure
from disclose.layers.c2pa import C2paLayer
from disclose.signing import Signer, TrustList

SIDE = 1024
FORMATS = {"JPEG": {"quality": 90}, "PNG": {}, "WEBP": {"quality": 90}}
REPEATS = 2000  # signings, and readings, that memory is watched over
SETTLED = 200  # before the watch begins
BARS = {
    "sign a 1 MP JPEG, ms": 5.0,
    "verify a 1 MP JPEG, ms": 5.0,
    "added to a 1 MP JPEG, KB": 6.0,
    "memory after 2,000 signings and readings, MB": 5.0,
}


def measure(runs: int) -> dict[str, object]:
    """Return times and sizes for each format, what memory grew by, and which bars are met."""
    picture = mosaic(SIDE, SIDE)
    with tempfile.TemporaryDirectory() as folder:
        formats = {name: _one_format(picture, name, Path(folder), runs) for name in FORMATS}
    grown = memory()
    jpeg = formats["JPEG"]
    measured = {
        "sign a 1 MP JPEG, ms": jpeg["sign"]["median"],
        "verify a 1 MP JPEG, ms": jpeg["verify"]["median"],
        "added to a 1 MP JPEG, KB": round(jpeg["added bytes"] / 1000, 2),
        "memory after 2,000 signings and readings, MB": grown,
    }
    bars = [
        {"bar": name, "at most": bar, "measured": measured[name], "met": measured[name] <= bar}
        for name, bar in BARS.items()
        if measured[name] is not None
    ]
    return {"runs": runs, "formats": formats, "memory grown, MB": grown, "bars": bars}


def memory() -> float | None:
    """Return the megabytes that 2,000 signings and readings leave behind, where Linux tells."""
    if not Path("/proc/self/status").exists():
        return None
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_grown).result()


def _one_format(picture: Image.Image, file_format: str, folder: Path, runs: int) -> dict[str, object]:
    layer = _layer(folder)
    asset = Asset.open(encoded(picture, file_format, **FORMATS[file_format]))
    statement = _statement()
    signed = Asset.open(layer.mark(asset, statement).data)
    operations: dict[str, Callable[[], object]] = {
        "Pillow's JPEG": lambda: picture.save(io.BytesIO(), "JPEG", quality=90),
        "sign": lambda: layer.mark(asset, statement),
        "verify": lambda: list(layer.detect(signed)),
        "look at an unsigned one": lambda: list(layer.detect(asset)),
    }
    times: dict[str, list[float]] = {name: [] for name in operations}
    for run in range(runs + 1):
        for name, do in operations.items():
            started = time.perf_counter()
            do()
            if run:  # imports and engines are made once
                times[name].append(1000 * (time.perf_counter() - started))
    found: dict[str, object] = {
        name: {
            "median": round(statistics.median(values), 2),
            "range": [round(min(values), 2), round(max(values), 2)],
        }
        for name, values in times.items()
    }
    return found | {"bytes": len(asset.data), "added bytes": len(signed.data) - len(asset.data)}


def _grown() -> float:
    with tempfile.TemporaryDirectory() as folder:
        layer, statement = _layer(Path(folder)), _statement()
        plain = Asset.open(encoded(mosaic(256, 256), "JPEG"))

        def work(times: int) -> None:
            for _ in range(times):
                list(layer.detect(Asset.open(layer.mark(plain, statement).data)))

        work(SETTLED)
        before = _resident()
        work(REPEATS)
        return round((_resident() - before) / 1e6, 2)


def _layer(folder: Path) -> C2paLayer:
    identity = Signer.development(folder / "identity")
    return C2paLayer(signer=lambda: identity, trust=TrustList)


def _statement() -> Disclosure:
    return Disclosure.new(system="Benchmark", version="1", provider="disclose", model="example/diffusion")


def _resident() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
