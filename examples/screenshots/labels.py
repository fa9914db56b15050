"""Make the pictures of labels: ``python examples/screenshots/labels.py [folder]``.

``labels.png`` shows them on what is hard to read on, ``label_languages.png`` in all languages. Each tile of the first
went through a whole marking: label, watermark, Content Credentials, record.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy
import skimage.data
from PIL import Image, ImageOps

import disclose
from disclose.asset import Asset
from disclose.layers.label import LabelLayer
from disclose.media.image import Picture
from disclose.media.label_drawing import drawn, label
from disclose.notice.catalogue import catalogues
from disclose.notice.label import second_line
from disclose.profile import DEFAULT_LAYERS, Profile


def photograph(name: str, width: int, height: int) -> Image.Image:
    """Return a photograph that scikit-image ships (CC0), cut and scaled to the size."""
    image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
    return ImageOps.fit(image, (width, height))


def marked(image: Image.Image, profile: Profile, action: str) -> Image.Image:
    """Return *image* as it leaves."""
    asset = disclose.mark(image, profile, system="Example Studio", action=action)
    return Asset.from_data(asset.data).content.image.convert("RGB")


def labelled(image: Image.Image, language: str) -> Image.Image:
    """Return *image* with its label alone: white and black have no room for a watermark."""
    asset = LabelLayer(language=language).mark(Asset.open(image), disclose.Disclosure.new(system="Example Studio"))
    return asset.content.image.convert("RGB")


def sheet(tiles: list[Image.Image], columns: int, gap: int = 10) -> Image.Image:
    """Return *tiles*, all of one size, side by side."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // columns)
    page = Image.new("RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), (128, 128, 128))
    for at, tile in enumerate(tiles):
        page.paste(tile, (gap + at % columns * (width + gap), gap + at // columns * (height + gap)))
    return page


def main() -> None:
    """Make both pictures."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    noise = numpy.random.default_rng(1).integers(0, 256, (280, 420, 3), dtype=numpy.uint8)
    with tempfile.TemporaryDirectory() as home:
        profile = Profile(folder=Path(home), layers=("label", *DEFAULT_LAYERS))
        tiles = [
            marked(photograph("coffee", 420, 280), profile, "created"),
            marked(photograph("chelsea", 420, 280), profile, "altered"),
            marked(photograph("rocket", 420, 280), profile, "created"),
        ]
    tiles += [
        labelled(Image.new("RGB", (420, 280), "white"), "de"),
        labelled(Image.new("RGB", (420, 280)), "ar"),
        labelled(Image.fromarray(noise), "zh-Hans"),
    ]
    sheet(tiles, 3).quantize(256).save(folder / "labels.png", optimize=True)
    languages = []
    for at, language in enumerate(catalogues()):
        picture = Picture.from_object(photograph("coffee", 270, 150))
        text, _ = second_line("modified" if at % 2 else "generated", language)
        languages.append(drawn(picture, label(text, picture.size)).image)
    sheet(languages, 5, gap=6).quantize(256).save(folder / "label_languages.png", optimize=True)


if __name__ == "__main__":
    main()
