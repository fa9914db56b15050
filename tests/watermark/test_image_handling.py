"""Handling beyond crops and turns: pictures squeezed, sheared, taken askew, bent, shown in a window, printed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from photographs import PAYLOAD, photograph
from PIL import Image

from disclose.watermark import image

# The benchmarks are run from the repository and not installed.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.attacks import CHAIN, GEOMETRY, VALUE
from benchmarks.handlings import then
from benchmarks.handlings.chains import in_a_browser
from benchmarks.handlings.geometry import part, perspective, stretched, waved
from benchmarks.handlings.values import saved

BICUBIC = Image.Resampling.BICUBIC
W, H = 640, 427

HANDLING = {
    **{name: VALUE[name] for name in ("AVIF 50", "warm filter and vignette")},
    **{
        name: GEOMETRY[name]
        for name in (
            "shear 3 % down",
            "perspective 1.5 %",
            "perspective 3 %",
            "barrel 2 %",
        )
    },
    **{name: CHAIN[name] for name in ("print and scan", "photographed off a screen")},
    "small, in a window full of text": in_a_browser(0.9, 0.4),
    "squeezed, then cropped, JPEG 75": then(stretched(0.85, 1), part(0.6, across=0.2, down=0.9), saved("JPEG", 75)),
}


@pytest.fixture(scope="module")
def street():
    """A marked photograph of 640 pixels, full of straight lines."""
    return Image.fromarray(image.embed(photograph("china", W), PAYLOAD))


def handled(picture, handling, seed=1):
    # A seed of its own: the benchmark draws from the pixels, and a mark a trifle stronger would be bent otherwise.
    return np.asarray(handling(picture, np.random.default_rng(seed)))


@pytest.mark.parametrize("name", HANDLING)
def test_the_payload_survives(street, name):
    found = image.detect(handled(street, HANDLING[name]))
    assert found.payload == PAYLOAD
    assert found.p_value <= 1e-6


@pytest.mark.parametrize("seed", [2, 3])
def test_from_where_a_picture_was_taken_does_not_matter(street, seed):
    assert image.detect(handled(street, GEOMETRY["perspective 3 %"], seed)).payload == PAYLOAD


def test_a_picture_taken_far_askew_is_found_from_its_waves_alone(small):
    # The sync pattern does not show under any linear map here: perspective.py has to find the bend before it.
    assert image.detect(handled(small, perspective(0.04))).payload == PAYLOAD


def test_following_the_drift_makes_a_wavy_picture_surer(street):
    found = image.detect(handled(street, waved(4, 2)))
    assert found.payload == PAYLOAD
    assert found.p_value < 1e-40  # 1e-27 under the best linear map


def test_a_window_full_of_text_is_not_taken_for_a_mark():
    unmarked = Image.fromarray(photograph("china", W))
    assert image.detect(handled(unmarked, HANDLING["small, in a window full of text"])) is None


def in_a_window(picture):
    """Return *picture* on a white ground at (250, 90), as a viewer shows it."""
    ground = Image.new("RGB", (1000, 600), "white")
    ground.paste(picture, (250, 90))
    return ground


def sheared(picture):
    """Return *picture* with its rows shifted by 3 % of their height."""
    return picture.transform(picture.size, Image.Transform.AFFINE, (1, 0.03, 0, 0, 1, 0), BICUBIC)


# Each handling, the map from its pixels back to those of the marked picture, and where in it the picture is.
KNOWN = {
    "squeezed to 0.8": (lambda p: p.resize((512, H), BICUBIC), lambda p: p / [0.8, 1], None),
    "squeezed to 1.25": (lambda p: p.resize((800, H), BICUBIC), lambda p: p / [1.25, 1], None),
    "cropped, squeezed": (
        lambda p: p.crop((100, 60, 600, 380)).resize((400, 320), BICUBIC),
        lambda p: p / [0.8, 1] + [100, 60],
        None,
    ),
    "squeezed, cropped": (
        lambda p: p.resize((W, 350), BICUBIC).crop((80, 40, 560, 300)),
        lambda p: (p + [80, 40]) / [1, 350 / H],
        None,
    ),
    "squeezed on its side": (
        lambda p: p.transpose(Image.Transpose.ROTATE_90).resize((H, 544), BICUBIC),
        lambda p: np.stack([W - p[:, 1] / 0.85, p[:, 0]], 1),
        None,
    ),
    "sheared": (sheared, lambda p: p + p[:, 1:] * [0.03, 0], None),
    "in a window": (in_a_window, lambda p: p - [250, 90], (250, 90, 890, 517)),
}


@pytest.mark.parametrize("case", KNOWN)
def test_a_distorted_picture_is_read_and_its_geometry_says_where_each_pixel_was(street, case):
    handling, back, box = KNOWN[case]
    picture = handling(street)
    detection = image.detect(np.asarray(picture))
    assert detection.payload == PAYLOAD
    left, top, right, bottom = box or (0, 0, *picture.size)
    share = np.array([0.1, 0.5, 0.9])
    across, down = left + share * (right - left), top + share * (bottom - top)
    points = np.stack(np.meshgrid(across, down), -1).reshape(-1, 2)
    expected = back(points) * np.array(image.canonical_size(W, H)) / [W, H]
    found = np.array([detection.geometry.canonical(*point) for point in points])
    apart = (found - expected + 64) % 128 - 64  # the tile repeats
    assert np.abs(apart).max() < 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bent_picture_is_read_and_its_geometry_is_right_on_the_whole(street, seed):
    picture = handled(street, GEOMETRY["bend 1.5 px"], seed)
    detection = image.detect(picture)
    assert detection.payload == PAYLOAD
    points = np.stack(np.meshgrid([160, 320, 480], [107, 213, 320]), -1).reshape(-1, 2)
    expected = points * np.array(image.canonical_size(W, H)) / [W, H]
    found = np.array([detection.geometry.canonical(*point) for point in points])
    apart = (found - expected + 64) % 128 - 64
    assert np.abs(apart).mean() < 2
