"""Every later version still detects what version 1 marked (tests/fixtures/marks/v1/README.md)."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from disclose.watermark import image

FOLDER = Path(__file__).parent.parent / "fixtures" / "marks" / "v1"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def fixture(name):
    return np.asarray(Image.open(FOLDER / name).convert("RGB"))


@pytest.mark.parametrize("name", EXPECTED)
def test_what_version_1_marked_is_still_detected(name):
    key = EXPECTED[name]["key"]
    found = image.detect(fixture(name), key=key.encode() if key else None)
    assert f"{found.payload:016x}" == EXPECTED[name]["payload"]
    assert found.p_value <= 1e-6
    assert found.version == 1


@pytest.mark.parametrize("name", [name for name, mark in EXPECTED.items() if mark["key"]])
def test_a_private_mark_of_version_1_is_still_private(name):
    assert image.detect(fixture(name)) is None


def test_no_picture_of_the_folder_is_left_out():
    pictures = {path.name for path in FOLDER.iterdir() if path.suffix in (".jpg", ".png", ".webp")}
    assert pictures == set(EXPECTED)
