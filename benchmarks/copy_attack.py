"""Does the verifier tell a part of a marked picture from a picture that the mark was copied to?

    python -m benchmarks.copy_attack

Every photograph is marked, handled in a dozen ways, and verified; then every mark is lifted (marked minus original)
and laid over every other photograph. A genuine part must never be called a copy, and a copy never genuine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
from PIL import Image, ImageDraw

from benchmarks.common import encoded, machine, photographs, write
from disclose.asset import Asset
from disclose.evidence import Outcome, Verdict
from disclose.integrations.functions import mark, verify
from disclose.layers.fingerprint import limit
from disclose.profile import Profile

AREA = 1_000_000
Handling = Callable[[Image.Image], Image.Image]


def _part(left: float, top: float, right: float, bottom: float) -> Handling:
    def crop(picture: Image.Image) -> Image.Image:
        width, height = picture.size
        return picture.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    return crop


def _jpeg(quality: int) -> Handling:
    return lambda picture: Asset.open(encoded(picture, "JPEG", quality=quality)).content.image


def _scaled(factor: float) -> Handling:
    return lambda picture: picture.resize((round(picture.width * factor), round(picture.height * factor)))


def _then(*steps: Handling) -> Handling:
    def chain(picture: Image.Image) -> Image.Image:
        for step in steps:
            picture = step(picture)
        return picture

    return chain


def _on_a_page(picture: Image.Image) -> Image.Image:
    """Return *picture* as a page shows it, at 0.7 of its size between lines of text."""
    shown = _scaled(0.7)(picture)
    page = Image.new("RGB", (shown.width + 420, shown.height + 260), (250, 250, 248))
    draw = ImageDraw.Draw(page)
    for top in range(16, page.height, 24):
        draw.text((24, top), "What was said of it, and what was said of that, line by line. " * 6, fill=(40, 40, 40))
    page.paste(shown, (240, 110))
    return _jpeg(80)(page)


HANDLINGS: dict[str, Handling] = {
    "none": lambda picture: picture,
    "JPEG 50": _jpeg(50),
    "half size": _scaled(0.5),
    "crop to half the area": _part(0.13, 0.2, 0.84, 0.9),
    "crop to a quarter": _part(0.33, 0.25, 0.83, 0.75),
    "crop to a corner": _part(0.0, 0.0, 0.55, 0.5),
    "screenshot": _then(_scaled(0.8), _part(0.1, 0.08, 0.93, 0.95), _jpeg(80)),
    "shown on a page": _on_a_page,
    "rotated by 7°": lambda picture: picture.rotate(7, Image.Resampling.BICUBIC),
    "rotated by 20°, cropped": lambda picture: _part(0.25, 0.25, 0.75, 0.75)(
        picture.rotate(20, Image.Resampling.BICUBIC, expand=True)
    ),
    "turned by 90°, cropped": lambda picture: _part(0.1, 0.1, 0.8, 0.8)(picture.transpose(Image.Transpose.ROTATE_90)),
    "mirrored": lambda picture: picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "negative": lambda picture: Image.eval(picture, lambda value: 255 - value),
    "darkened": lambda picture: Image.eval(picture, lambda value: round(0.6 * value)),
}
WINDOWS = {"whole": _part(0, 0, 1, 1), "crop": _part(0.05, 0.05, 0.7, 0.8), "on a page": _on_a_page}


def _comparison(verdict: Verdict) -> dict[str, object] | None:
    return next((dict(item.details) for item in verdict.evidence if "agreement" in item.details), None)


def genuine(profile: Profile, marked: dict[str, Image.Image]) -> Iterator[dict[str, object]]:
    """Yield what the verifier says of marked pictures after handling."""
    for name, picture in marked.items():
        for handling, change in HANDLINGS.items():
            verdict = verify(change(picture), profile)
            yield {"picture": name, "case": handling, "outcome": verdict.outcome.value, "found": _comparison(verdict)}


def copied(
    profile: Profile, originals: dict[str, Image.Image], marked: dict[str, Image.Image]
) -> Iterator[dict[str, object]]:
    """Yield what the verifier says of every mark laid over every other photograph."""
    for name, picture in marked.items():
        residual = numpy.asarray(picture, numpy.int16) - numpy.asarray(originals[name], numpy.int16)
        for victim, target in originals.items():
            if victim == name:
                continue
            pixels = numpy.asarray(target.resize(picture.size), numpy.int16) + residual
            forged = Image.fromarray(numpy.clip(pixels, 0, 255).astype(numpy.uint8))
            for window, cut in WINDOWS.items():
                verdict = verify(cut(forged), profile)
                found = _comparison(verdict)
                yield {"picture": name, "case": f"{victim}, {window}", "outcome": verdict.outcome.value, "found": found}


def summarise(rows: list[dict[str, object]], *, right: Outcome, wrong: Outcome) -> dict[str, object]:
    """Return how many verdicts were right and wrong, and how far apart the measured values lie."""
    agreements = [row["found"]["agreement"] for row in rows if row["found"] and row["found"]["agreement"] is not None]
    distances = [row["found"]["distance"] for row in rows if row["found"]]
    return {
        "n": len(rows),
        "watermark_found": len(distances),
        "right": sum(row["outcome"] == right.value for row in rows),
        "wrong": sum(row["outcome"] == wrong.value for row in rows),
        "structure_agreement": [min(agreements), max(agreements)],
        "within_pdq_limit": sum(distance <= limit(1) for distance in distances),
        "pdq_distance": [min(distances), max(distances)],
    }


def main() -> None:
    """Measure, print and write ``results/copy_attack.json``."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    originals = {}
    for name, picture in photographs().items():
        factor = (AREA / (picture.width * picture.height)) ** 0.5
        originals[name] = picture.resize((round(picture.width * factor), round(picture.height * factor)))
    with tempfile.TemporaryDirectory() as folder:
        profile = Profile(folder=Path(folder))
        marked = {name: mark(picture, profile, system="x").content.image for name, picture in originals.items()}
        kept = list(genuine(profile, marked))
        forged = list(copied(profile, originals, marked))
    summary = {
        "genuine": summarise(kept, right=Outcome.DISCLOSED, wrong=Outcome.CONTESTED),
        "copied": summarise(forged, right=Outcome.CONTESTED, wrong=Outcome.DISCLOSED),
    }
    print(summary)
    print(write("copy_attack", {"machine": machine(), "summary": summary, "genuine": kept, "copied": forged}))


if __name__ == "__main__":
    main()
