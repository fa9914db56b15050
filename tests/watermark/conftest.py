"""Marked photographs, made once for all tests."""

from __future__ import annotations

import pytest
from photographs import PAYLOAD, photograph
from PIL import Image

from disclose.watermark import image


@pytest.fixture(scope="session")
def marked() -> Image.Image:
    """A marked photograph of 1024 pixels."""
    return Image.fromarray(image.embed(photograph("coffee", 1024), PAYLOAD))


@pytest.fixture(scope="session")
def small() -> Image.Image:
    """A marked photograph of 512 pixels."""
    return Image.fromarray(image.embed(photograph("astronaut"), PAYLOAD))
