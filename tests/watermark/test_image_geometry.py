import numpy as np
import pytest
from PIL import Image, ImageOps

from disclose.watermark import image

BICUBIC = Image.Resampling.BICUBIC


def turned(degrees, width, height):
    """Return the map from a picture that Pillow has turned (anticlockwise) to the picture before."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    middle = np.array([width / 2, height / 2])
    return lambda p: (p - middle) @ np.array([[c, s], [-s, c]]) + middle


W, H = 1024, 683
CASES = {
    "as it was": (lambda p: p, lambda p: p),
    "cropped": (lambda p: p.crop((100, 120, 700, 520)), lambda p: np.add(p, (100, 120))),
    "trimmed by a hundredth": (lambda p: p.crop((5, 5, W - 5, H - 5)), lambda p: p + 5),
    "smaller": (lambda p: p.resize((410, 273), BICUBIC), lambda p: p * [W / 410, H / 273]),
    "cropped, smaller": (
        lambda p: p.crop((200, 100, 900, 600)).resize((490, 350), BICUBIC),
        lambda p: p / 0.7 + [200, 100],
    ),
    "turned": (lambda p: p.rotate(-33, BICUBIC), turned(-33, W, H)),
    "turned, cropped": (
        lambda p: p.rotate(160, BICUBIC).crop((250, 150, 800, 550)),
        lambda p: turned(160, W, H)(np.add(p, (250, 150))),
    ),
    "mirrored": (ImageOps.mirror, lambda p: p * [-1, 1] + [W, 0]),
    "a quarter turn": (lambda p: p.transpose(Image.Transpose.ROTATE_90), lambda p: np.stack([W - p[:, 1], p[:, 0]], 1)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_geometry_says_where_each_pixel_was(marked, case):
    handling, back = CASES[case]
    picture = handling(marked)
    geometry = image.detect(np.asarray(picture)).geometry
    points = np.stack(np.meshgrid(*np.outer([0.1, 0.5, 0.9], picture.size).T), -1).reshape(-1, 2)
    expected = back(points) * np.array(image.canonical_size(W, H)) / [W, H]
    found = np.array([geometry.canonical(*point) for point in points])
    apart = (found - expected + 64) % 128 - 64  # the tile repeats
    assert np.abs(apart).max() < 1


def test_the_geometry_reads_in_words(marked):
    mirrored = ImageOps.mirror(marked).rotate(20, BICUBIC).resize((717, 478), BICUBIC)
    geometry = image.detect(np.asarray(mirrored)).geometry
    assert geometry.flipped
    assert not geometry.inverted
    assert abs(geometry.scale - 627 / 717) < 0.005
    assert abs(abs(geometry.rotation) - 20) < 0.3


@pytest.mark.parametrize(
    ("size", "canonical"), [((512, 512), (512, 512)), ((2048, 512), (1024, 256)), ((4000, 3000), (591, 443))]
)
def test_the_canonical_size_keeps_area_and_aspect(size, canonical):
    assert image.canonical_size(*size) == canonical
