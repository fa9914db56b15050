"""What the benchmarks share: pictures, the name of the machine, and where results go."""

from __future__ import annotations

import io
import json
import os
import platform
from pathlib import Path

import numpy
import skimage.data
from PIL import Image

RESULTS = Path(__file__).parent / "results"


def photographs() -> dict[str, Image.Image]:
    """Return the photographs that scikit-image and scikit-learn ship, in their own size."""
    from sklearn.datasets import load_sample_image

    names = ("astronaut", "coffee", "chelsea", "rocket")
    found = {name: Image.fromarray(getattr(skimage.data, name)()).convert("RGB") for name in names}
    return found | {name: Image.fromarray(load_sample_image(f"{name}.jpg")) for name in ("china", "flower")}


def mosaic(width: int, height: int) -> Image.Image:
    """Return a picture of real photographs side by side, so that its pixels have the noise of real ones."""
    picture = Image.new("RGB", (width, height))
    pieces = list(photographs().values())
    top = index = 0
    while top < height:
        left, row = 0, []
        while left < width:
            piece = pieces[index % len(pieces)]
            picture.paste(piece, (left, top))
            row.append(piece.height)
            left += piece.width
            index += 1
        top += min(row)
    return picture


def encoded(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return *image* as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def machine() -> dict[str, object]:
    """Return what the measurements were made on."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = named[0] if named else model
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
    }


def write(name: str, values: dict[str, object]) -> Path:
    """Write *values* as ``results/NAME.json`` and return its path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(values, indent=1) + "\n")
    return path
